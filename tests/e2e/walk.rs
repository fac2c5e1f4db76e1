//! Every row of the table is walked by somebody in one platform; the list of rows that nobody walks may only shrink.
//!
//! Source: house style, move 10; issue of the review, "Shown by". The table is read where it is published: in the
//! generated README of reviews, which cannot be stale.
use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result};
use system_tests::{
    System,
    cases::{Case, Stage},
    cast::DEPARTMENTS,
};
use xtask::{
    checkout::Checkout,
    driver::joint::{Target, Verdict},
    services::Service,
};

/// Rows that nobody walks. May only shrink.
const UNTESTED: &[&str] = &[];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_table_is_walked() -> Result<()> {
    let system = System::start().await?;
    acceptance(&system).await?;
    let member = materials(&system).await?;
    joint_review(&system, member).await?;

    let walked: BTreeSet<String> =
        system.texts(Service::Reviews, "SELECT DISTINCT transition FROM history").await?.into_iter().collect();
    let missing: Vec<_> = table()?.into_iter().filter(|row| !walked.contains(row)).collect();
    assert_eq!(missing, UNTESTED);
    system.finish().await
}

/// Reads the ids of the published table.
fn table() -> Result<BTreeSet<String>> {
    let readme = Checkout::find()?.root().join("services/reviews/README.md");
    let text = fs::read_to_string(&readme).with_context(|| format!("{} is missing", readme.display()))?;
    let first = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_whitespace().next());
    let ids: BTreeSet<_> = first.filter(|id| id.len() == 3 && id.starts_with('T')).map(str::to_owned).collect();
    assert!(ids.len() >= 25, "the table of {} has only {ids:?}", readme.display());
    Ok(ids)
}

/// T01 to T08, T25.
async fn acceptance(system: &System) -> Result<()> {
    let draft = system.application().at(Stage::Draft).await?;
    draft.operator().delete(&draft.view).await?;
    let mut case = system.application().of(&draft.company).at(Stage::CountyReview).await?;
    case.view = case.operator().withdraw(&case.view).await?;
    system.advance(&mut case, Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    case.view = county.send_back(&case.view, "请核对", &["manager"]).await?;
    let said = xtask::driver::review::answers(&[("manager", "已核对")]);
    case.view = case.operator().submit_acceptance(&case.view, said.clone()).await?;
    case.view = county.pass(&case.view, "同意").await?;
    case.view = county.papers_missing(&case.view, &["M5"], &system.today(), "李示例").await?;
    case.view = county.revoke_pass(&case.view, "请核对").await?;
    case.view = case.operator().submit_acceptance(&case.view, said).await.or_else(|refused| {
        // Revoking names no items: there may be nothing to answer.
        Err(refused)
    })?;
    system.advance(&mut case, Stage::MaterialsDue).await?;
    case.operator().terminate(&case.view, "不再申报").await?;
    Ok(())
}

/// T09 to T13.
async fn materials(system: &System) -> Result<Case> {
    let mut case = system.application().at(Stage::CityReview).await?;
    case.view = case.operator().withdraw(&case.view).await?;
    system.advance(&mut case, Stage::CityReview).await?;
    let city = system.city("410100").await?;
    case.view = city.send_back(&case.view, "请说明", &["M1"]).await?;
    system.dossier_opens(&case).await?;
    case.operator().explain(case.id(), "M1", "已盖章").await?;
    case.view = case.operator().submit_materials(&case.view, vec![]).await?;
    case.view = city.pass(&case.view, "同意").await?;
    case.view = city.take_back(&case.view, "再核").await?;
    case.view = city.pass(&case.view, "同意").await?;
    Ok(case)
}

/// T14 to T24.
async fn joint_review(system: &System, mut one: Case) -> Result<()> {
    let (expert, administrator) = (system.expert(1).await?, system.administrator().await?);
    system.advance(&mut one, Stage::ExpertReview).await?;
    one.view = expert.opine(&one.view, Verdict::Pass, "同意").await?;
    one.view = expert.ask_supplement(&one.view, "请补充", &["M1"]).await?;
    system.dossier_opens(&one).await?;
    one.operator().explain(one.id(), "M1", "补充说明").await?;
    one.view = one.operator().submit_supplement(&one.view, vec![]).await?;
    one.view = administrator.carry_over(&one.view, "超期").await?;
    system.advance(&mut one, Stage::ProvincialReview).await?;
    let department = system.department(DEPARTMENTS[0]).await?;
    one.view = department.opine(&one.view, Verdict::Pass, "同意").await?;
    one.view = department.province_return(&one.view, Target::Operator, "请补充", &["M1"]).await?;
    system.dossier_opens(&one).await?;
    one.operator().explain(one.id(), "M1", "再次说明").await?;
    one.view = one.operator().submit_supplement(&one.view, vec![]).await?;
    system.advance(&mut one, Stage::Approved).await?;

    // A sample of one in three, a finding, a wider draw.
    let round = system.round_with(|policy| policy.sample_permille = 300).await?;
    let mut members = Vec::new();
    for _ in 0..3 {
        let wanted = system.application().of(&one.company).in_round(&round);
        members.push(wanted.at(Stage::AwaitingJointReview).await?);
    }
    let order = system.launch(&round, &["410100"]).await?.remove(0);
    for member in &mut members {
        member.look().await?;
        expert.pass_member(&member.view, "同意").await?;
    }
    let order = administrator.work_order(&order.work_order_id).await?;
    administrator.freeze(&order).await?;
    for member in &mut members {
        member.look().await?;
    }
    let drawn = members.iter().find(|member| member.view.in_sample).context("one was drawn")?;
    department.province_return(&drawn.view, Target::Experts, "意见不充分", &["M1"]).await?;
    let order = administrator.work_order(&order.work_order_id).await?;
    department.widen(&order).await?;
    Ok(())
}
