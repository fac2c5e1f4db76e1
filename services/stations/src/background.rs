//! Timers: stations that fell silent, claims that no application confirms, partitions and retention.
//!
//! Each turn is its own unit of work (or statement) and safe to repeat; several processes may run them at once.
use std::time::Duration;

use chassis::{Caller, Failure, Units, rpc::Peer};
use proto::reviews::{GetApplicationFactsRequest, facts_client::FactsClient};
use sqlx::PgPool;
use time::Duration as Span;
use tonic::Code;
use uuid::Uuid;

use crate::{
    app::{
        claim::{self, Holder},
        settle,
    },
    config::Retention,
    domain::tally::Kind,
    memory::{self, Memory},
    store::{
        self,
        retention::{Daily, drop_partitions, ensure_partitions},
    },
};

/// Stations of one sweep's unit of work.
const SWEEP_STATIONS: i64 = 200;
/// Applications of one look into unconfirmed claims.
const CLAIMS: i64 = 100;
/// Partitions are made two days ahead, so an hour is often enough.
const UPKEEP: Duration = Duration::from_secs(3_600);
/// An hour is looked at once; asking more often makes up for a process that ended.
const LOOKS: Duration = Duration::from_secs(600);

/// Looks for stations whose fact no longer fits their data.
pub async fn sweep(pool: PgPool, units: Units, window: Span, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if let Err(failure) = sweep_once(&pool, &units, window).await {
            tracing::warn!(error = %failure, "sweep of connections failed, the next one tries again");
        }
    }
}

/// One sweep; returns how many facts changed.
///
/// # Errors
/// The database is away or busy.
pub async fn sweep_once(pool: &PgPool, units: &Units, window: Span) -> Result<usize, Failure> {
    let mut changed = 0;
    loop {
        let due = store::connections::due(pool, window, SWEEP_STATIONS).await?;
        if due.is_empty() {
            return Ok(changed);
        }
        let mut work = units.begin(Caller::system("stations-sweep")).await?;
        let now_changed = settle::execute(&mut work, &due, window).await?;
        work.commit().await?;
        changed += now_changed;
        if now_changed == 0 {
            return Ok(changed);
        }
    }
}

/// Asks reviews about claims that no event has confirmed: a claim whose application never committed is let go.
pub async fn claims(pool: PgPool, units: Units, reviews: Peer, settings: Retention) {
    let age = Duration::from_secs(settings.claim_confirm_secs);
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if let Err(failure) = claims_once(&pool, &units, FactsClient::new(reviews.clone()), age).await {
            tracing::warn!(error = %failure, "unconfirmed claims could not be settled, the next turn tries again");
        }
    }
}

/// One look; a claim whose application is unknown to reviews, or ended, is let go.
///
/// # Errors
/// The database or reviews is away or busy.
pub async fn claims_once(
    pool: &PgPool,
    units: &Units,
    mut reviews: FactsClient<Peer>,
    age: Duration,
) -> Result<(), Failure> {
    for application_id in store::claims::unconfirmed(pool, age.as_secs_f64(), CLAIMS).await? {
        let holder = ask(&mut reviews, application_id).await?;
        let mut work = units.begin(Caller::system("stations-claims")).await?;
        claim::settle(&mut work, application_id, holder).await?;
        work.commit().await?;
    }
    Ok(())
}

async fn ask(reviews: &mut FactsClient<Peer>, application_id: Uuid) -> Result<Holder, Failure> {
    let request = GetApplicationFactsRequest { application_id: application_id.to_string() };
    match reviews.get_application_facts(request).await {
        Ok(facts) if ["Deleted", "Terminated"].contains(&facts.get_ref().stage.as_str()) => Ok(Holder::Gone),
        Ok(_) => Ok(Holder::Alive),
        Err(status) if status.code() == Code::NotFound => Ok(Holder::Gone),
        Err(status) => Err(status.into()),
    }
}

/// Keeps the memory of connectors' states young enough to answer from.
pub async fn remember(units: Units, memory: Memory) {
    loop {
        tokio::time::sleep(memory::REFRESHED_EVERY).await;
        if let Err(failure) = remember_once(&units, &memory).await {
            tracing::warn!(error = %failure, "states are not remembered, the next turn tries again");
        }
    }
}

/// One turn: tells it which connectors are gone, and writes how often it has answered.
///
/// # Errors
/// The database is away or busy.
pub async fn remember_once(units: &Units, memory: &Memory) -> Result<(), Failure> {
    let mut work = units.begin(Caller::system("stations-memory")).await?;
    let gone = store::connectors::gone(&mut work, memory::LOOKS_BACK).await?;
    memory.refresh(work.now(), &gone);
    let answered = memory.answered();
    store::quality_days::add(&mut work, Kind::Status, &answered).await?;
    work.commit().await?;
    memory.counted(&answered);
    Ok(())
}

/// Looks every hour how many connectors are online; several processes may ask, one looks.
pub async fn looks(pool: PgPool, window: Span) {
    loop {
        if let Err(failure) = store::quality_days::look(&pool, window).await {
            tracing::warn!(error = %failure, "connectors online were not counted, the next turn tries again");
        }
        tokio::time::sleep(LOOKS).await;
    }
}

/// Partitions ahead of time, and the end of what is kept for a time only.
pub async fn upkeep(pool: PgPool, age_hours: u32, settings: Retention) {
    loop {
        if let Err(failure) = upkeep_once(&pool, age_hours, &settings).await {
            tracing::warn!(error = %failure, "upkeep failed, the next turn tries again");
        }
        tokio::time::sleep(UPKEEP).await;
    }
}

/// Makes the days that what comes now may fall into.
///
/// # Errors
/// The database is away or busy.
pub async fn partitions(pool: &PgPool, age_hours: u32) -> Result<(), Failure> {
    ensure_partitions(pool, Daily::StatusHistory, age_hours).await?;
    ensure_partitions(pool, Daily::Telemetry, age_hours).await?;
    Ok(())
}

async fn upkeep_once(pool: &PgPool, age_hours: u32, settings: &Retention) -> Result<(), Failure> {
    partitions(pool, age_hours).await?;
    drop_partitions(pool, Daily::StatusHistory, settings.status_history_days).await?;
    drop_partitions(pool, Daily::Telemetry, settings.telemetry_days).await?;
    let mut db = pool.acquire().await?;
    while store::retention::forget_quality(&mut db, settings.quality_days).await? == 1_000 {}
    drop(db);
    store::quality_days::forget(pool, settings.quality_day_days).await?;
    store::checks::forget(pool, settings.quality_day_days).await?;
    store::link_days::forget(pool, settings.quality_day_days).await?;
    Ok(())
}
