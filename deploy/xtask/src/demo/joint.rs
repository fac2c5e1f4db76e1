//! The joint review of the demo: launches, the experts' work, supplements, what is carried over.
//!
//! Owns: T14–T19. Not: the spot check (`province`).
use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use proto::reviews::{ApplicationView, ListApplicationsRequest, WorkOrderView};

use super::{
    cast::Person,
    materials::replace,
    plan::{Detour, Goal},
    roster::EXPERTS,
    scene::{Case, Scene},
};
use crate::driver::{
    Actor,
    joint::{Verdict, panel},
};

/// Experts on a panel.
const PANEL: usize = 3;

/// A launched order with its panel, the lead first.
#[derive(Clone, Debug)]
pub struct Order {
    /// As launched.
    pub view: WorkOrderView,
    /// The panel.
    pub experts: Vec<Person>,
}

/// Launches one batch: a panel for each city. Errors: as `LaunchJointReview`.
pub async fn launch(scene: &Scene, batch: i32, cities: &[&str]) -> Result<Vec<Order>> {
    let administrator = scene.cast.administrator()?;
    let mut panels = Vec::new();
    for (index, city) in cities.iter().enumerate() {
        panels.push((*city, seats(scene, index)?));
    }
    let ids = |experts: &[Person]| experts.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    let request = panels.iter().map(|(city, experts)| panel(city, &ids(experts))).collect();
    let views = administrator.launch(&scene.round.round_id, batch, request).await?;
    ensure!(views.len() == cities.len(), "{} orders for {} cities", views.len(), cities.len());
    let mut orders = Vec::new();
    for view in views {
        let seats = panels.iter().find(|(city, _)| *city == view.prefecture);
        let (_, experts) =
            seats.with_context(|| format!("nobody asked for an order of {}", view.prefecture))?;
        orders.push(Order { view, experts: experts.clone() });
    }
    Ok(orders)
}

/// Launching twice, and a panel with an expert whom a member employs. Errors: something was accepted.
pub async fn wrong_launches(scene: &Scene, launched: i32, cities: &[&str]) -> Result<()> {
    let administrator = scene.cast.administrator()?;
    let experts: Vec<_> = seats(scene, 0)?.into_iter().map(|one| one.id).collect();
    let city = cities.first().context("no city was launched")?;
    let again = administrator.launch(&scene.round.round_id, launched, vec![panel(city, &experts)]).await;
    scene.mistakes.expect("launching a batch twice", "already_launched", again)?;
    let nobody =
        administrator.launch(&scene.round.round_id, launched + 100, vec![panel("410400", &experts)]).await;
    scene.mistakes.expect("launching a city without members", "no_members", nobody)
}

/// A panel with somebody whom an applying company employs. Errors: it was accepted.
pub async fn employed(scene: &Scene, batch: i32, city: &str) -> Result<()> {
    let expert = scene.cast.expert(EXPERTS)?.id.clone();
    let answer = scene.cast.administrator()?;
    let answer = answer.launch(&scene.round.round_id, batch, vec![panel(city, &[expert])]).await;
    scene.mistakes.expect("an expert employed by an applicant", "expert_employed", answer)
}

fn seats(scene: &Scene, index: usize) -> Result<Vec<Person>> {
    // The last expert sits on no panel: somebody in the province employs him.
    (0..PANEL).map(|seat| Ok(scene.cast.expert((index + seat) % (EXPERTS - 1) + 1)?.clone())).collect()
}

impl Order {
    /// The order's id.
    pub fn id(&self) -> &str {
        &self.view.work_order_id
    }

    /// The lead expert.
    pub fn lead(&self) -> Result<&Actor> {
        Ok(&self.experts.first().context("the panel is empty")?.actor)
    }

    /// The members as they stand.
    pub async fn members(&self, scene: &Scene) -> Result<Vec<ApplicationView>> {
        let work_order_id = self.id().to_owned();
        let filter = ListApplicationsRequest { work_order_id, ..ListApplicationsRequest::default() };
        Ok(scene.cast.administrator()?.applications(filter).await?)
    }

    /// Everybody on the panel declares; before that an opinion is refused. Errors: a declaration is refused.
    pub async fn declare(&self, scene: &Scene) -> Result<()> {
        for member in self.members(scene).await?.iter().take(1) {
            self.lead()?.task_appears(&member.application_id, "ExpertReview").await?;
            let early = self.lead()?.opine(member, Verdict::Pass, "同意。").await;
            scene.mistakes.expect("an opinion before the declaration", "not_declared", early)?;
        }
        for expert in &self.experts {
            expert.actor.declare_clear(self.id()).await?;
        }
        Ok(())
    }

    /// The experts' work on one member, to where its plan takes it. Errors: a step is refused that should not be.
    pub async fn review(&self, scene: &Scene, mut case: Case) -> Result<Case> {
        let number = case.number;
        self.reviewed(scene, &mut case)
            .await
            .with_context(|| format!("application {number}, {}", case.view.stage))?;
        Ok(case)
    }

    async fn reviewed(&self, scene: &Scene, case: &mut Case) -> Result<()> {
        let lead = self.lead()?;
        lead.task_appears(case.id(), "ExpertReview").await?;
        case.view = lead.application(case.id()).await?;
        self.second_opinion(scene, case).await?;
        if case.way.goal == Goal::ExpertReview {
            return Ok(());
        }
        let supplemented =
            case.view.submission.as_ref().is_some_and(|submission| submission.kind == "supplement");
        let supplement = case.way.takes(Detour::Supplement) && !supplemented;
        if supplement || case.way.takes(Detour::CarryOver) && self.view.batch == 1 {
            case.view = lead.ask_supplement(&case.view, "财务决算报告缺审计意见。", &["M6"]).await?;
            case.operator().task_appears(case.id(), "SupplementDue").await?;
            if case.way.takes(Detour::CarryOver) {
                return Ok(());
            }
            replace(scene, case, "M6", "含审计意见").await?;
            case.view = case.operator().submit_supplement(&case.view, vec![]).await?;
            lead.task_appears(case.id(), "ExpertReview").await?;
        }
        case.view = lead.pass_member(&case.view, "专家组一致同意。").await?;
        Ok(())
    }

    /// T15 of somebody who does not lead; he may not pass it either.
    async fn second_opinion(&self, scene: &Scene, case: &mut Case) -> Result<()> {
        let Some(second) = self.experts.get(1) else { return Ok(()) };
        case.view = second.actor.opine(&case.view, Verdict::Pass, "资料完整，工程量属实。").await?;
        if case.number == 0 {
            let alone = second.actor.pass_member(&case.view, "同意。").await;
            scene.mistakes.expect("a pass by somebody who does not lead", "lead_decides", alone)?;
        }
        Ok(())
    }

    /// T19 of the members that have not answered. Errors: refused.
    pub async fn carry_over(&self, scene: &Scene, cases: &mut [Case]) -> Result<()> {
        let administrator = scene.cast.administrator()?;
        let waiting = cases.iter_mut().filter(|case| case.view.work_order_id == self.id());
        for case in
            waiting.filter(|case| case.way.takes(Detour::CarryOver) && case.view.stage == "SupplementDue")
        {
            let early = administrator.freeze(&administrator.work_order(self.id()).await?).await;
            scene.mistakes.expect("freezing before every member is ready", "members_unready", early)?;
            case.view =
                administrator.carry_over(&case.view, "未在冻结期限内补充材料，转入下次发起。").await?;
            administrator.task_appears(case.id(), "AwaitingJointReview").await?;
        }
        Ok(())
    }
}

/// The cases that are members of these orders.
pub fn members_of<'a>(orders: &[Order], cases: &'a [Case]) -> Vec<&'a Case> {
    let cities: BTreeSet<_> = orders.iter().map(|order| order.view.prefecture.as_str()).collect();
    let ready = |case: &&Case| case.way.goal >= Goal::ExpertReview;
    cases.iter().filter(ready).filter(|case| cities.contains(case.station.city_code.as_str())).collect()
}
