//! Owns files, dossiers with their sealed revisions, and invoices with the ledger of their use.
//!
//! Holds: a file counts only when its inspection found nothing (reliability 13); a sealed revision never changes;
//! Σ live uses of an invoice ≤ its amount at every moment (invariant 6, I1); one company per invoice number (I2).
//! Announces on `documents.v1.<event>`: dossier opened, sealed, released; invoice entered, allocated, deleted;
//! allocation released. Does not know who may decide on an application, nor what its form says.

pub mod app;
pub mod audit;
pub mod blob;
pub mod config;
pub mod domain;
pub mod events;
pub mod inspect;
pub mod labels;
pub mod neighbours;
pub mod publish;
pub mod rpc;
pub mod store;

use std::{path::Path, sync::Arc, time::Duration};

use chassis::{
    Process,
    consumer::{Subscription, fetch_from},
};
use proto::documents::{
    dossiers_server::DossiersServer, files_server::FilesServer, invoices_server::InvoicesServer,
    sealing_server::SealingServer,
};
use tonic::service::RoutesBuilder;

use crate::{
    app::{previews::Previews, sweep::Sweep, uploads::Uploads},
    blob::Blobs,
    config::Config,
    inspect::worker::Inspector,
    neighbours::Neighbours,
    rpc::{dossiers::DossiersRpc, files::FilesRpc, invoices::InvoicesRpc, sealing::SealingRpc},
};

/// The own migrations; those of the chassis come first (see [`chassis::migrate`]).
#[must_use]
pub fn migrations() -> sqlx::migrate::Migrator {
    sqlx::migrate!("../../migrations/documents")
}

/// What it follows.
pub fn subscription(process: &Process) -> Subscription {
    events::on_application::subscription(fetch_from(process.peer("reviews")))
}

/// Serves until the process is told to end.
///
/// # Errors
/// The object store or a port cannot be used.
pub async fn serve(process: Process, config: &Config) -> anyhow::Result<()> {
    let program =
        Some(config.inspection.program.as_str()).filter(|program| !program.is_empty()).map(Path::new);
    let wall = Duration::from_secs(config.inspection.wall_secs);
    let (blobs, inspector) = (Blobs::open(&config.storage)?, Arc::new(Inspector::new(program, wall)?));
    let uploads = Arc::new(Uploads::new(
        blobs.clone(),
        inspector.clone(),
        config.uploads.at_once_max,
        config.uploads.anonymous_per_hour_max,
    ));
    let (pool, units) = (process.pool.clone(), process.units.clone());
    let neighbours = Neighbours::new(process.peer("reviews"), process.peer("accounts"));
    let mut routes = RoutesBuilder::default();
    routes.add_service(FilesServer::new(FilesRpc {
        pool: pool.clone(),
        units: units.clone(),
        neighbours: neighbours.clone(),
        uploads: uploads.clone(),
        previews: Arc::new(Previews::new(blobs, inspector, config.previews.font())),
    }));
    routes.add_service(DossiersServer::new(DossiersRpc {
        pool: pool.clone(),
        units: units.clone(),
        neighbours: neighbours.clone(),
    }));
    routes.add_service(InvoicesServer::new(InvoicesRpc {
        pool,
        units: units.clone(),
        neighbours: neighbours.clone(),
    }));
    routes.add_service(SealingServer::new(SealingRpc { units: units.clone() }));
    process.relay();
    process.consume(subscription(&process));
    let sweep = Sweep {
        units,
        neighbours,
        uploads,
        interval: Duration::from_secs(config.sweep.interval_secs),
        given_up: time::Duration::seconds(config.sweep.upload_given_up_secs),
    };
    process.spawn("sweep", sweep.run());
    process.serve(routes, rpc::access::TABLE).await
}
