//! Stations: the registry of charging stations, their live data, and what that data proves.
//!
//! Owns station → equipment → connector (each code unique within its operator), connector status, telemetry, charge orders,
//! the interconnection state derived from them, the links to operators' systems with their credentials, and the claims of
//! applications on connectors. Announces
//! `stations.v1.{registry_changed,connected,went_offline}`. It decides nothing about subsidies.
//!
//! Invariants: I7 and those named in [`audit`].

pub mod app;
pub mod audit;
pub mod background;
pub mod config;
pub mod directory;
pub mod divisions;
pub mod domain;
pub mod events;
pub mod labels;
pub mod memory;
pub mod publish;
pub mod queue;
pub mod rpc;
pub mod store;
pub mod vault;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use chassis::{
    Caller, Process, Units,
    consumer::{Subscription, fetch_from},
};
use proto::stations::{
    checks_server::ChecksServer, evidence_server::EvidenceServer, ingest_server::IngestServer,
    links_server::LinksServer, registry_server::RegistryServer, search_server::SearchServer,
    statistics_server::StatisticsServer, turns_server::TurnsServer,
};
use tonic::service::RoutesBuilder;

use crate::{
    config::Config,
    divisions::Divisions,
    domain::verdict::Verdict,
    memory::Memory,
    queue::{Limits, Queue},
    rpc::{
        checks::ChecksService, evidence::EvidenceService, ingest, ingest::IngestService, links::LinksService,
        registry::RegistryService, search::SearchService, statistics::StatisticsService, turns::TurnsService,
    },
    vault::Vault,
};

/// The own migrations; those of the chassis come first (see [`chassis::migrate`]).
#[must_use]
pub fn migrations() -> sqlx::migrate::Migrator {
    sqlx::migrate!("../../migrations/stations")
}

/// Serves until the process is told to end.
///
/// # Errors
/// The database has no partitions for today and cannot make them; a port is taken.
pub async fn serve(process: Process, config: &Config) -> anyhow::Result<()> {
    background::partitions(&process.pool, config.ingest.status_age_hours_max).await?;
    let memory = Memory::default();
    background::remember_once(&process.units, &memory).await?;
    let refresh = Duration::from_secs(config.registry.divisions_refresh_secs);
    let divisions = Divisions::from_accounts(process.peer("accounts"), refresh);
    let mut routes = RoutesBuilder::default();
    let vault = config.links.vault().context("setting links.secrets_key: must be 32 bytes in base64")?;
    add_services(&mut routes, &process, config, divisions, vault, memory.clone());
    process.relay();
    process.consume(subscription(&process));
    let (pool, units, window) = (process.pool.clone(), process.units.clone(), config.connection.window());
    let sweep_every = Duration::from_secs(config.connection.sweep_secs);
    process.spawn("sweep", background::sweep(pool.clone(), units.clone(), window, sweep_every));
    process.spawn("memory", background::remember(units.clone(), memory));
    let reviews = process.peer("reviews");
    process.spawn("claims", background::claims(pool.clone(), units, reviews, config.retention.clone()));
    let age_hours = config.ingest.status_age_hours_max;
    let online = config.connection.online();
    process.spawn("looks", background::looks(pool.clone(), online));
    process.spawn("upkeep", background::upkeep(pool, age_hours, config.retention.clone()));
    process.serve_outside(routes, rpc::access::ACCESS, rpc::access::OUTSIDE).await
}

/// What it follows.
pub fn subscription(process: &Process) -> Subscription {
    events::on_application::subscription(fetch_from(process.peer("reviews")))
}

fn add_services(
    routes: &mut RoutesBuilder,
    process: &Process,
    config: &Config,
    divisions: Divisions,
    vault: Vault,
    memory: Memory,
) {
    let window = config.connection.window();
    let token = process.shutdown();
    let shutdown: ingest::Shutdown = Arc::new(move || {
        let token = token.clone();
        Box::pin(async move { token.cancelled().await })
    });
    routes.add_service(RegistryServer::new(RegistryService {
        pool: process.pool.clone(),
        units: process.units.clone(),
        divisions: divisions.clone(),
        province: config.bounds(),
        window,
        memory: memory.clone(),
    }));
    routes.add_service(SearchServer::new(SearchService {
        units: process.units.clone(),
        online: config.connection.online(),
    }));
    routes.add_service(ChecksServer::new(ChecksService {
        pool: process.pool.clone(),
        units: process.units.clone(),
    }));
    routes.add_service(StatisticsServer::new(StatisticsService { units: process.units.clone() }));
    routes.add_service(EvidenceServer::new(EvidenceService { units: process.units.clone(), window }));
    let vault = Arc::new(vault);
    routes.add_service(TurnsServer::new(TurnsService {
        units: process.units.clone(),
        vault: vault.clone(),
        test_rest: config.links.joint_test_rest(),
    }));
    routes.add_service(LinksServer::new(LinksService {
        units: process.units.clone(),
        vault,
        private_addresses: config.links.private_addresses,
        accounts: process.peer("accounts"),
    }));
    routes.add_service(IngestServer::new(IngestService {
        stations: station_queue(process.units.clone(), config, memory.clone()),
        divisions,
        statuses: status_queue(process.units.clone(), config, memory.clone()),
        orders: order_queue(process.units.clone(), config, memory.clone()),
        telemetry: telemetry_queue(process.units.clone(), config, memory),
        pool: process.pool.clone(),
        bounds: ingest::Bounds {
            batch_items: config.ingest.batch_items_max,
            batch_stations: config.ingest.batch_stations_max,
            send_batches: config.ingest.send_batches_max,
            window: config.ingest.stream_window,
            life: Duration::from_secs(config.ingest.stream_secs_max),
        },
        shutdown,
    }));
}

fn limits(config: &Config) -> Limits {
    Limits {
        writers: config.ingest.writers,
        waiting_items: config.ingest.waiting_items_max,
        operator_items: config.ingest.operator_items(),
        flush_items: config.ingest.flush_items_max,
        retry_after: config.ingest.retry_after(),
    }
}

/// The writers of stations; what was remembered of the operator is read again.
#[must_use]
pub fn station_queue(units: Units, config: &Config, memory: Memory) -> Queue<app::station::Line> {
    let rules = app::station::Rules { province: config.bounds(), window: config.connection.window() };
    let limits = Limits {
        waiting_items: config.ingest.waiting_stations_max,
        operator_items: config.ingest.operator_stations(),
        // A station is a dozen statements, and what its connectors report meanwhile waits for their end.
        flush_items: 1,
        ..limits(config)
    };
    Queue::start(
        "station",
        limits,
        Arc::new(move |batches| {
            let (units, memory) = (units.clone(), memory.clone());
            Box::pin(async move {
                let mut work = units.begin(Caller::system("stations-ingest")).await?;
                let verdicts = app::station::execute(&mut work, &batches, rules).await?;
                work.commit().await?;
                for (batch, verdicts) in batches.iter().zip(&verdicts) {
                    if verdicts.contains(&Verdict::Accepted) {
                        memory.forget(batch.operator_id);
                    }
                }
                Ok(verdicts)
            })
        }),
    )
}

/// The writers of status reports; what they write is remembered, and what is remembered does not come to them.
#[must_use]
pub fn status_queue(units: Units, config: &Config, memory: Memory) -> Queue<app::status::Line> {
    let rules =
        app::status::Rules { age_max: config.ingest.status_age(), window: config.connection.window() };
    let known = memory.clone();
    let queue = Queue::start(
        "status",
        limits(config),
        Arc::new(move |batches| {
            let (units, memory) = (units.clone(), memory.clone());
            Box::pin(async move {
                let mut work = units.begin(Caller::system("stations-ingest")).await?;
                let now = work.now();
                let taken = app::status::execute(&mut work, &batches, rules, &memory).await?;
                work.commit().await?;
                memory.learn_states(now, taken.held);
                Ok(taken.verdicts)
            })
        }),
    );
    queue.recalling(Arc::new(move |batch| known.answer(batch)))
}

/// The writers of charge orders.
#[must_use]
pub fn order_queue(units: Units, config: &Config, memory: Memory) -> Queue<app::order::Line> {
    let age_max = config.ingest.order_age();
    Queue::start(
        "order",
        limits(config),
        Arc::new(move |batches| {
            let (units, memory) = (units.clone(), memory.clone());
            Box::pin(async move {
                let mut work = units.begin(Caller::system("stations-ingest")).await?;
                let verdicts = app::order::execute(&mut work, &batches, age_max, &memory).await?;
                work.commit().await?;
                memory.learn_orders(app::order::held(&batches, &verdicts));
                Ok(verdicts)
            })
        }),
    )
}

/// The writers of telemetry.
#[must_use]
pub fn telemetry_queue(units: Units, config: &Config, memory: Memory) -> Queue<app::telemetry::Line> {
    let age_max = config.ingest.status_age();
    Queue::start(
        "telemetry",
        limits(config),
        Arc::new(move |batches| {
            let (units, memory) = (units.clone(), memory.clone());
            Box::pin(async move {
                let mut work = units.begin(Caller::system("stations-ingest")).await?;
                let verdicts = app::telemetry::execute(&mut work, &batches, age_max, &memory).await?;
                work.commit().await?;
                Ok(verdicts)
            })
        }),
    )
}
