//! Notifications: the worklist (待办事项) of every desk, messages to people and offices, the live stream of both, and notices
//! (通知公告) to many people at once.
//!
//! Owns no decision of the review: every row but a notice follows from events of `reviews` and `accounts`. Invariants: one row per application and
//! per account, moved only to a higher version, whichever tier's consumer brings it (reliability 5.2; workflow,
//! invariant 9); one message per event and desk; nobody sees a row of a desk that is not his;
//! what was published of a notice stays as it was, with who published it and when. Announces nothing.

pub mod app;
pub mod audit;
pub mod config;
pub mod digest;
pub mod domain;
pub mod events;
pub mod labels;
pub mod live;
pub mod rebuild;
pub mod rpc;
pub mod store;

use chassis::{
    Process,
    consumer::{Subscription, fetch_from},
};
use proto::notifications::{
    live_server::LiveServer, messages_server::MessagesServer, notices_server::NoticesServer,
    worklist_server::WorklistServer,
};
use tonic::service::RoutesBuilder;

use config::Config;
use rpc::{LiveInlet, MessagesInlet, NoticesInlet, WorklistInlet, access};

/// What it follows, for the console: nobody watches.
pub fn subscriptions(process: &Process) -> Vec<Subscription> {
    events::subscriptions(&live::Hub::silent(), fetch_from(process.peer("accounts")))
}

/// Runs the service until it is told to end: seven consumers, four gRPC services.
///
/// # Errors
/// A setting is wrong, the database cannot be used, or a port is taken.
pub async fn serve(config: &Config) -> anyhow::Result<()> {
    let process = Process::start("notifications", &config.chassis()).await?;
    let (hub, settler) = live::Hub::new(config.live.watchers_max);
    process.spawn("live signals", settler.run(process.pool.clone()));
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
    process.serve(routes, access::TABLE).await
}
