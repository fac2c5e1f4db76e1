//! The sample province driven through the whole review, from registration to 审核通过.
//!
//! Owns: the order of the phases, with progress for people and figures for programs. Not: any rule; it asks the
//! services as everybody does, through the driver, and what they refuse ends it.
pub mod acceptance;
pub mod cast;
pub mod charging;
pub mod desks;
pub mod joint;
pub mod link;
pub mod load;
pub mod materials;
pub mod mistakes;
pub mod plan;
pub mod progress;
pub mod province;
pub mod refused;
pub mod roster;
pub mod scene;
pub mod summary;

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use proto::reviews::ListApplicationsRequest;
use tokio::time::Instant;

use self::{
    joint::members_of,
    mistakes::Mistakes,
    plan::{FIRST_BATCH, Goal, SECOND_BATCH},
    progress::Phase,
    scene::{Case, Scene},
    summary::Summary,
};
use crate::{
    deployment::Deployment,
    driver::{Platform, eventually, samples::Samples},
};

/// Kept beside the data: what the demo of this data folder ended with.
const KEPT: &str = "demo.json";
/// Queues are empty this long after the last step at most.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// Loads the sample province unless it is there. Errors: a step is refused.
pub async fn load(deployment: &Deployment) -> Result<()> {
    let platform = Platform::of(deployment)?;
    load::load(&platform, &Samples::load()?, &Mistakes::default()).await.map(drop)
}

/// Drives the review and gives the figures; where this data folder was driven before, only the figures.
///
/// Errors: a step is refused that should not be, or accepted that should be refused; a run that was cut is found.
pub async fn run(deployment: &Deployment) -> Result<Summary> {
    let kept = deployment.folder.join(KEPT);
    if let Ok(text) = std::fs::read_to_string(&kept) {
        let before: Summary = serde_json::from_str(&text).with_context(|| format!("{}", kept.display()))?;
        eprintln!(
            "  driven before: these are the figures as they stand; `cargo xtask down --wipe` starts anew"
        );
        return Summary::read(deployment, before).await;
    }
    let start = Instant::now();
    let platform = Platform::of(deployment)?;
    let samples = Samples::load()?;
    let mistakes = Mistakes::default();
    let (cast, round) = load::load(&platform, &samples, &mistakes).await?;
    let scene = Scene { samples, cast, round, mistakes };
    drive(&scene).await?;
    let tcec = link::connect(&scene).await?;
    settled(deployment).await?;
    let seconds = (start.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let refusals = scene.mistakes.counts();
    let driven = Summary { refusals, tcec, seconds, ..Summary::default() };
    let summary = Summary::read(deployment, driven).await?;
    keep(&kept, &summary)?;
    Ok(summary)
}

/// Every application on its way, phase by phase.
async fn drive(scene: &Scene) -> Result<()> {
    let filter = ListApplicationsRequest {
        round_id: scene.round.round_id.clone(),
        ..ListApplicationsRequest::default()
    };
    if !scene.cast.administrator()?.applications(filter).await?.is_empty() {
        bail!("the sample province has applications already; `cargo xtask down --wipe` starts anew");
    }
    let cases = scene.cases().await?;
    let cases = Phase::each("验收申请 · 县级", cases, |case| acceptance::walk(scene, case)).await?;
    mistakes_at_the_county(scene, &cases).await?;
    let cases = Phase::each("初审资料 · 发票", cases, |case| materials::fill(scene, case)).await?;
    refused::invoices(scene, &cases).await?;
    materials::hostile(scene, &cases[0]).await?;
    let cases = Phase::each("市级审核", cases, |case| materials::submit_and_pass(scene, case)).await?;
    joint::employed(scene, 1, "410300").await?;
    let cases = batch(scene, 1, FIRST_BATCH, cases).await?;
    batch(scene, 2, SECOND_BATCH, cases).await?;
    Ok(())
}

async fn mistakes_at_the_county(scene: &Scene, cases: &[Case]) -> Result<()> {
    let at = |goal| cases.iter().find(|case| case.way.goal == goal).context("the plan leaves nothing there");
    let (waiting, other) = (at(Goal::CountyReview)?, &cases[0]);
    refused::county(scene, waiting, other).await?;
    refused::incomplete(scene, at(Goal::MaterialsDue)?).await?;
    refused::late(scene, at(Goal::PaperCheck)?).await
}

/// One launch: experts, freeze, spot check.
async fn batch(scene: &Scene, batch: i32, cities: &[&str], cases: Vec<Case>) -> Result<Vec<Case>> {
    let names = match batch {
        1 => ["联合审核 · 第一批", "省级抽查 · 第一批"],
        _ => ["联合审核 · 第二批", "省级抽查 · 第二批"],
    };
    let orders = joint::launch(scene, batch, cities).await?;
    joint::wrong_launches(scene, batch, cities).await?;
    for order in &orders {
        order.declare(scene).await?;
    }
    let mut cases = cases;
    let mut members = Vec::new();
    for case in members_of(&orders, &cases) {
        let now = scene.cast.administrator()?.application(case.id()).await?;
        if orders.iter().any(|order| order.id() == now.work_order_id) {
            members.push(Case { view: now, ..case.clone() });
        }
    }
    let reviewed = Phase::each(names[0], members, |case| {
        let order = orders.iter().find(|order| order.id() == case.view.work_order_id);
        async move { order.context("a member without order")?.review(scene, case).await }
    })
    .await?;
    for case in reviewed {
        let number = case.number;
        cases[number] = case;
    }
    for order in &orders {
        order.carry_over(scene, &mut cases).await?;
    }
    let ready: Vec<_> = orders.iter().filter(|order| !held_open(order, &cases)).collect();
    let every = &cases;
    Phase::each(names[1], ready, |order| province::conclude(scene, order, every)).await?;
    Ok(cases)
}

/// Whether the plan leaves a member with the experts, so that the order cannot be frozen.
fn held_open(order: &joint::Order, cases: &[Case]) -> bool {
    let members = cases.iter().filter(|case| case.view.work_order_id == order.id());
    members.into_iter().any(|case| matches!(case.way.goal, Goal::ExpertReview | Goal::AwaitingProvince))
}

/// Waits until every event is published and every consumer has caught up.
async fn settled(deployment: &Deployment) -> Result<()> {
    eventually(SETTLED_WITHIN, "every event is published and applied", || async {
        Ok((Summary::under_way(deployment).await? == 0).then_some(()))
    })
    .await
}

fn keep(path: &Path, summary: &Summary) -> Result<()> {
    ensure!(summary.events.dead_letters == 0, "{} dead letters", summary.events.dead_letters);
    std::fs::write(path, serde_json::to_string(summary)?)
        .with_context(|| format!("{} cannot be written", path.display()))
}
