//! Every row of the table is walked in one platform, from each of its nodes; the list of what nobody walks may only
//! shrink.
//!
//! Source: house style, move 10. The table is read where it is published: in the
//! generated README of reviews, which cannot be stale.
use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use proto::reviews::Round;
use sqlx::Row as _;
use system_tests::{
    Actor, Company, System,
    cases::{Case, Stage, person_id},
    cast::DEPARTMENTS,
    eventually,
    wait::PATIENCE,
};
use xtask::{
    checkout::Checkout,
    driver::{
        joint::{Target, Verdict},
        review::answers,
    },
    services::Service,
};

/// Edges that nobody walks. May only shrink.
const UNTESTED: &[Edge] = &[];

/// Row, command, from, to.
type Edge = (String, String, String, String);

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_table_is_walked_from_each_of_its_nodes() -> Result<()> {
    let system = System::start().await?;
    // No slot is required: each way is as short as it can be.
    let round = system.round_with(|policy| policy.required_slots = vec![]).await?;
    let company = system.company(system.number(), "410105").await?;
    let stage = Walker { system: &system, company: &company, round: &round };
    tokio::try_join!(stage.acceptance(), stage.endings(), stage.city())?;
    stage.experts().await?;
    stage.province().await?;
    stage.time().await?;

    let walked = walked(&system).await?;
    let missing: Vec<_> = table()?.into_iter().filter(|edge| !walked.contains(edge)).collect();
    assert_eq!(missing, UNTESTED);
    system.finish().await
}

/// Reads the edges that stand in the history.
async fn walked(system: &System) -> Result<BTreeSet<Edge>> {
    let rows = sqlx::query("SELECT DISTINCT transition, command, from_stage, to_stage FROM history");
    let rows = rows.fetch_all(system.database(Service::Reviews)?).await?;
    let edge = |row: &sqlx::postgres::PgRow| {
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
    };
    rows.iter().map(edge).collect()
}

/// Reads the edges of the published table: columns id, from, command, case, by, guards, to.
fn table() -> Result<BTreeSet<Edge>> {
    let readme = Checkout::find()?.root().join("services/reviews/README.md");
    let text = fs::read_to_string(&readme).with_context(|| format!("{} is missing", readme.display()))?;
    let mut edges = BTreeSet::new();
    let mut rows = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("| T") && line.matches(" | ").count() >= 7) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        rows.insert(cells[0].to_owned());
        for from in cells[1].split(", ") {
            let from = if from == "new" { "" } else { from };
            let to = if cells[6] == "same" { from } else { cells[6] };
            edges.insert((cells[0].into(), cells[2].into(), from.into(), to.into()));
        }
    }
    assert_eq!(rows.len(), 27, "T01 to T27 stand in {}: {rows:?}", readme.display());
    Ok(edges)
}

struct Walker<'a> {
    system: &'a System,
    company: &'a Company,
    round: &'a Round,
}

impl Walker<'_> {
    async fn at(&self, stage: Stage) -> Result<Case> {
        self.system.application().of(self.company).in_round(self.round).at(stage).await
    }

    /// T01 to T08.
    async fn acceptance(&self) -> Result<()> {
        let system = self.system;
        let mut case = self.at(Stage::CountyReview).await?;
        case.view = case.operator().withdraw(&case.view).await?;
        system.advance(&mut case, Stage::CountyReview).await?;
        let county = system.county("410105").await?;
        case.view = county.send_back(&case.view, "请核对", &["manager"]).await?;
        case.view = case.operator().submit_acceptance(&case.view, answers(&[("manager", "已核对")])).await?;
        case.view = county.pass(&case.view, "同意").await?;
        case.view = county.papers_missing(&case.view, &["M5"], &system.today(), "李示例").await?;
        case.view = county.revoke_pass(&case.view, "请核对").await?;
        system.advance(&mut case, Stage::MaterialsDue).await
    }

    /// T25, from every node where an operator may end it.
    async fn endings(&self) -> Result<()> {
        let system = self.system;
        let draft = self.at(Stage::Draft).await?;
        draft.operator().delete(&draft.view).await?;
        let mut cases = vec![self.at(Stage::Draft).await?, self.at(Stage::MaterialsDue).await?];
        let mut returned = self.at(Stage::CountyReview).await?;
        returned.view =
            system.county("410105").await?.send_back(&returned.view, "请核对", &["manager"]).await?;
        cases.push(returned);
        let mut returned = self.at(Stage::CityReview).await?;
        returned.view = system.city("410100").await?.send_back(&returned.view, "请核对", &["M1"]).await?;
        cases.push(returned);
        for case in cases {
            let ended = case.operator().terminate(&case.view, "不再申报").await?;
            assert_eq!(ended.stage, "Terminated");
        }
        Ok(())
    }

    /// T09 to T13.
    async fn city(&self) -> Result<()> {
        let mut case = self.at(Stage::CityReview).await?;
        case.view = case.operator().withdraw(&case.view).await?;
        self.system.advance(&mut case, Stage::CityReview).await?;
        let city = self.system.city("410100").await?;
        case.view = city.send_back(&case.view, "请说明", &["M1"]).await?;
        self.explain(&case).await?;
        case.view = case.operator().submit_materials(&case.view, vec![]).await?;
        case.view = city.pass(&case.view, "同意").await?;
        case.view = city.take_back(&case.view, "再核").await?;
        city.pass(&case.view, "同意").await?;
        Ok(())
    }

    /// T14 to T19, and the end of a supplement.
    async fn experts(&self) -> Result<()> {
        let (expert, administrator) = (self.system.expert(1).await?, self.system.administrator().await?);
        let mut cases = try_join_all((0..2).map(|_| self.at(Stage::AwaitingJointReview))).await?;
        let order = self.system.launch(self.round, &["410100"]).await?.remove(0);
        let second = self.system.expert(2).await?;
        second.declare_conflicts(&order.work_order_id, &[cases[0].id()]).await?;
        for case in &mut cases {
            case.look().await?;
            case.view = expert.opine(&case.view, Verdict::Pass, "同意").await?;
            case.view = expert.ask_supplement(&case.view, "请补充", &["M1"]).await?;
        }
        let [one, two] = &mut cases[..] else { panic!("two were made") };
        two.operator().terminate(&two.view, "不再申报").await?;
        one.view = administrator.carry_over(&one.view, "超期").await?;
        self.system.advance(one, Stage::ExpertReview).await?;
        one.view = expert.ask_supplement(&one.view, "请补充", &["M1"]).await?;
        self.explain(one).await?;
        one.view = one.operator().submit_supplement(&one.view, vec![]).await?;
        administrator.carry_over(&one.view, "超期").await?;
        Ok(())
    }

    /// T20 to T24: one of three is drawn, comes back by each way, a wider draw, and an end outside the sample.
    async fn province(&self) -> Result<()> {
        let system = self.system;
        let round = system
            .round_with(|policy| {
                policy.required_slots = vec![];
                policy.sample_permille = 300;
            })
            .await?;
        let wanted = || system.application().of(self.company).in_round(&round).at(Stage::AwaitingJointReview);
        let mut members = try_join_all((0..3).map(|_| wanted())).await?;
        let order = system.launch(&round, &["410100"]).await?.remove(0);
        let (expert, administrator) = (system.expert(1).await?, system.administrator().await?);
        for member in &mut members {
            member.look().await?;
            expert.pass_member(&member.view, "同意").await?;
        }
        administrator.freeze(&administrator.work_order(&order.work_order_id).await?).await?;
        let department = system.department(DEPARTMENTS[0]).await?;
        let mut drawn = self.sampled(&mut members).await?.context("one was drawn")?;
        drawn.view = department.opine(&drawn.view, Verdict::Pass, "同意").await?;
        drawn.view = department.province_return(&drawn.view, Target::Operator, "请补充", &["M1"]).await?;
        self.explain(&drawn).await?;
        drawn.view = drawn.operator().submit_supplement(&drawn.view, vec![]).await?;
        drawn.view = expert.pass_member(&drawn.view, "同意").await?;
        drawn.view = department.province_return(&drawn.view, Target::Experts, "意见不充分", &["M1"]).await?;
        department.widen(&administrator.work_order(&order.work_order_id).await?).await?;
        drawn.view = expert.pass_member(&drawn.view, "同意").await?;
        department.province_return(&drawn.view, Target::City, "审核不严", &["M1"]).await?;
        // A finding after the wider draw asks for another one; what is left outside is then in the sample as well.
        department.widen(&administrator.work_order(&order.work_order_id).await?).await?;
        while let Some(member) = self.sampled(&mut members).await? {
            system.sign(&member.view).await?;
        }
        self.conclusion().await
    }

    /// T22 of a member outside the sample.
    async fn conclusion(&self) -> Result<()> {
        let system = self.system;
        let round = system
            .round_with(|policy| {
                policy.required_slots = vec![];
                policy.sample_permille = 500;
            })
            .await?;
        let wanted = || system.application().of(self.company).in_round(&round).at(Stage::AwaitingJointReview);
        let mut members = try_join_all((0..2).map(|_| wanted())).await?;
        let order = system.launch(&round, &["410100"]).await?.remove(0);
        for member in &mut members {
            member.look().await?;
            system.expert(1).await?.pass_member(&member.view, "同意").await?;
        }
        let administrator = system.administrator().await?;
        administrator.freeze(&administrator.work_order(&order.work_order_id).await?).await?;
        let drawn = self.sampled(&mut members).await?.context("one was drawn")?;
        system.sign(&drawn.view).await?;
        for member in &mut members {
            assert_eq!(member.look().await?.stage, "Approved");
        }
        Ok(())
    }

    /// T26 and T27, from every node: each deadline is over at once, is extended, and somebody is given the work.
    async fn time(&self) -> Result<()> {
        let system = self.system;
        let round = system.impatient_round().await?;
        let mut case = system.application().of(self.company).in_round(&round).at(Stage::CountyReview).await?;
        let (county, city) = (system.county("410105").await?, system.city("410100").await?);
        let (administrator, expert) = (system.administrator().await?, system.expert(1).await?);
        let department = system.department(DEPARTMENTS[0]).await?;
        let operator = case.operator().clone();
        self.hurry(&mut case, &county, &city).await?;
        case.view = county.send_back(&case.view, "请核对", &["manager"]).await?;
        self.remind(&mut case, &county).await?;
        case.view = operator.submit_acceptance(&case.view, answers(&[("manager", "已核对")])).await?;
        system.advance(&mut case, Stage::PaperCheck).await?;
        self.hurry(&mut case, &county, &city).await?;
        system.advance(&mut case, Stage::MaterialsDue).await?;
        self.remind(&mut case, &county).await?;
        system.advance(&mut case, Stage::CityReview).await?;
        self.hurry(&mut case, &city, &administrator).await?;
        case.view = city.send_back(&case.view, "请说明", &["M1"]).await?;
        self.remind(&mut case, &city).await?;
        self.explain(&case).await?;
        case.view = operator.submit_materials(&case.view, vec![]).await?;
        system.advance(&mut case, Stage::AwaitingJointReview).await?;
        self.hurry(&mut case, &administrator, &department).await?;
        system.advance(&mut case, Stage::ExpertReview).await?;
        self.hurry(&mut case, &expert, &administrator).await?;
        case.view = expert.ask_supplement(&case.view, "请补充", &["M1"]).await?;
        self.remind(&mut case, &administrator).await?;
        self.explain(&case).await?;
        case.view = operator.submit_supplement(&case.view, vec![]).await?;
        system.advance(&mut case, Stage::AwaitingProvince).await?;
        self.hurry(&mut case, &administrator, &department).await?;
        system.advance(&mut case, Stage::ProvincialReview).await?;
        self.hurry(&mut case, &department, &administrator).await?;
        case.view = department.application(case.id()).await?;
        assert!(case.view.time_left.is_some_and(|left| left.working_days_left > 0), "{:?}", case.view);
        Ok(())
    }

    /// The clock strikes; the tier above reminds, the one that is waited for gives the work to itself and extends.
    async fn hurry(&self, case: &mut Case, waiting: &Actor, above: &Actor) -> Result<()> {
        let stage = case.view.stage.clone();
        eventually(PATIENCE, &format!("the clock of {stage} strikes red and goes up"), || async {
            let steps = waiting.history(case.id()).await?;
            let strokes = steps.iter().filter(|step| step.transition == "T27" && step.from_stage == stage);
            Ok((strokes.count() == 2).then_some(()))
        })
        .await?;
        self.remind(case, above).await?;
        let me = person_id(waiting).await?;
        for outcomes in [
            waiting.reassign(&[&case.view], &me, "由我办理").await?,
            waiting.extend_deadline(&[&case.view], 5, "材料较多").await?,
        ] {
            ensure!(outcomes[0].accepted, "{stage}: {outcomes:?}");
        }
        case.view = waiting.application(case.id()).await?;
        ensure!(case.view.assignee_id == me && case.view.light.is_empty(), "{:?}", case.view);
        Ok(())
    }

    async fn remind(&self, case: &mut Case, above: &Actor) -> Result<()> {
        let outcomes = above.remind(&[&case.view], "请尽快办理").await?;
        ensure!(outcomes[0].accepted, "{}: {outcomes:?}", case.view.stage);
        case.look().await?;
        Ok(())
    }

    async fn explain(&self, case: &Case) -> Result<()> {
        self.system.dossier_opens(case).await?;
        case.operator().explain(case.id(), "M1", "补充说明").await?;
        Ok(())
    }

    /// The next member that waits in the sample.
    async fn sampled(&self, members: &mut [Case]) -> Result<Option<Case>> {
        for member in members {
            let view = member.look().await?;
            if view.in_sample && view.stage == "ProvincialReview" {
                return Ok(Some(member.clone()));
            }
        }
        Ok(None)
    }
}
