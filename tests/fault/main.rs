//! What the platform does when services and servers die: nothing acknowledged is missing, nothing is done twice.
//!
//! Source: reliability R1 to R3.
mod broker_lost;
mod database_restarted;
mod ingest_killed;
mod notifications_hangs;
mod notifications_killed;
mod replacements;
mod restarts;
mod restored;
mod reviews_killed;
mod upgrade;
mod webhooks;

use anyhow::Result;
use futures::future::try_join_all;
use system_tests::{
    System,
    cases::{Case, Stage},
};

/// Applications of one company, all at 县级审核 in 金水区.
async fn cases(system: &System, count: usize) -> Result<Vec<Case>> {
    cases_at(system, count, Stage::CountyReview).await
}

/// The same at another node.
async fn cases_at(system: &System, count: usize, stage: Stage) -> Result<Vec<Case>> {
    let company = system.company(system.number(), "410105").await?;
    try_join_all((0..count).map(|_| system.application().of(&company).at(stage))).await
}
