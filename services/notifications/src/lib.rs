//! Notifications: the worklist (待办事项) of every desk, messages to people and offices, the live stream of both, notices
//! (通知公告) to many people at once, and webhooks to outside systems.
//!
//! Owns no decision of the review: every row but a notice follows from events of `reviews` and `accounts`. Invariants: one row per application and
//! per account, moved only to a higher version, whichever tier's consumer brings it (reliability 5.2; workflow,
//! invariant 9); one message per event and desk; nobody sees a row of a desk that is not his;
//! what was published of a notice stays as it was, with who published it and when; one delivery per event and subscription that
//! wanted it when it was applied, tried until it is received or given up; what its receiver says became of it stays as it was said.
//! Announces nothing.

pub mod app;
pub mod audit;
pub mod config;
pub mod delivery;
mod desks;
pub mod digest;
pub mod domain;
pub mod events;
pub mod labels;
pub mod live;
pub mod rebuild;
pub mod rpc;
pub mod store;
pub mod vault;

use std::sync::Arc;

use anyhow::Context as _;
use chassis::{
    Process,
    consumer::{Subscription, fetch_from},
};
use proto::notifications::{
    live_server::LiveServer, messages_server::MessagesServer, notices_server::NoticesServer,
    receipts_server::ReceiptsServer, webhooks_server::WebhooksServer, worklist_server::WorklistServer,
};
use tonic::service::RoutesBuilder;

use config::Config;
use delivery::Worker;
use rpc::{LiveInlet, MessagesInlet, NoticesInlet, ReceiptsInlet, WebhooksInlet, WorklistInlet, access};

/// What it follows, for the console: nobody watches.
pub fn subscriptions(process: &Process) -> Vec<Subscription> {
    events::subscriptions(&live::Hub::silent(), fetch_from(process.peer("accounts")))
}

/// Runs the service until it is told to end: seven consumers, six gRPC services, the outlet of webhooks.
///
/// # Errors
/// A setting is wrong, the database cannot be used, or a port is taken.
pub async fn serve(config: &Config) -> anyhow::Result<()> {
    let process = Process::start("notifications", &config.chassis()).await?;
    let (hub, settler) = live::Hub::new(config.live.watchers_max);
    process.spawn("live signals", settler.run(process.pool.clone()));
    process.spawn("desks measured", desks::measure(process.pool.clone()));
    for subscription in events::subscriptions(&hub, fetch_from(process.peer("accounts"))) {
        process.consume(subscription);
    }
    let mut routes = RoutesBuilder::default();
    routes.add_service(WorklistServer::new(WorklistInlet { pool: process.pool.clone() }));
    routes.add_service(MessagesServer::new(MessagesInlet {
        pool: process.pool.clone(),
        units: process.units.clone(),
        hub: hub.clone(),
        unread_days: config.messages.unread_days,
    }));
    routes.add_service(NoticesServer::new(NoticesInlet {
        pool: process.pool.clone(),
        units: process.units.clone(),
    }));
    routes.add_service(LiveServer::new(LiveInlet {
        pool: process.pool.clone(),
        hub,
        settings: config.live.clone(),
        unread_days: config.messages.unread_days,
        shutdown: process.shutdown(),
    }));
    add_webhooks(&mut routes, &process, config)?;
    process.serve(routes, access::TABLE).await
}

/// The outlet of webhooks, and the services by which people arrange them and receivers acknowledge them.
fn add_webhooks(routes: &mut RoutesBuilder, process: &Process, config: &Config) -> anyhow::Result<()> {
    let settings = config.webhooks.clone();
    let vault = settings.vault().context("setting webhooks.secrets_key: must be 32 bytes in base64")?;
    let patience = settings.patience().context("setting webhooks.retry_secs: must be seconds")?;
    let (vault, terms, keep_days) = (Arc::new(vault), settings.terms(), settings.keep_days);
    let worker = Worker::new(process.pool.clone(), process.units.clone(), vault.clone(), patience, settings)?;
    process.spawn("webhooks", Arc::new(worker).run());
    process.spawn("webhooks measured", delivery::measure(process.pool.clone()));
    process.spawn("webhooks forgotten", delivery::forget(process.pool.clone(), keep_days));
    routes.add_service(ReceiptsServer::new(ReceiptsInlet {
        units: process.units.clone(),
        vault: vault.clone(),
    }));
    routes.add_service(WebhooksServer::new(WebhooksInlet {
        pool: process.pool.clone(),
        units: process.units.clone(),
        vault,
        terms,
    }));
    Ok(())
}
