//! The subsidy review: rounds, applications, history, work orders, panels, opinions, samples.
//!
//! Holds invariants 1–5, 7, 8 and 10 of the workflow; announces `reviews.v1.…` facts from its outbox. It owns no files
//! and no invoices (`documents`), no registry (`stations`), no accounts.
//! `domain` imports `sha2` besides std, `time`, `uuid` and `thiserror`: hashes are part of its rules.

pub mod app;
pub mod audit;
pub mod config;
pub mod domain;
pub mod evidence;
pub mod labels;
pub mod publish;
pub mod readme;
pub mod rpc;
pub mod signing;
pub mod store;
pub mod timer;
pub mod together;

use std::sync::Arc;

use chassis::Process;
use proto::reviews::{
    applications_server::ApplicationsServer, deadlines_server::DeadlinesServer, facts_server::FactsServer,
    joint_review_server::JointReviewServer, rounds_server::RoundsServer,
};
use sqlx::migrate::Migrator;
use tonic::service::RoutesBuilder;

/// Largest request, bytes: a form, an opinion, a list of ids. Source: reliability section 7 (bounded decoding).
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// This service's own migrations.
pub fn migrations() -> Migrator {
    sqlx::migrate!("../../migrations/reviews")
}

/// Serves until told to end.
///
/// # Errors
/// A key cannot be used, a port is taken, or the server fails.
pub async fn serve(process: Process, config: &config::Config) -> anyhow::Result<()> {
    let calendar = Arc::new(config.calendar()?);
    let shared =
        app::Shared { policies: store::rounds::Policies::new(calendar), seal: Arc::new(config.seal()?) };
    let timer =
        timer::Timer { units: process.units.clone(), shared: shared.clone(), every: config.clock.every() };
    process.spawn("clock", timer.run());
    let inlet = rpc::Inlet {
        units: process.units.clone(),
        pool: process.pool.clone(),
        shared,
        neighbours: evidence::Neighbours::new(&process),
        numbers: config.numbers.clone(),
        counting: Arc::default(),
    };
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(RoundsServer::new(inlet.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(ApplicationsServer::new(inlet.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(JointReviewServer::new(inlet.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(DeadlinesServer::new(inlet.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(FactsServer::new(inlet).max_decoding_message_size(REQUEST_BYTES_MAX));
    process.relay();
    process.serve(routes, rpc::access::ACCESS).await
}
