//! The fleet on real servers: starts from nothing, survives a crash, is audited, leaves nothing behind.
//!
//! Needs the services' programs beside this one; `cargo xtask test` builds them first.
use std::time::Duration;

use anyhow::Result;
use sqlx::Connection as _;
use xtask::{
    commands::audit::Findings,
    process::alive,
    services::Service,
    trial::{Plan, Trial},
};

/// The smallest fleet: a service needs neither its neighbours nor the broker to start (reliability, section 7).
const ONE: Service = Service::Notifications;

fn one(plan: Plan) -> Plan {
    Plan { services: vec![ONE], ..plan }
}

#[tokio::test]
async fn a_service_is_killed_started_again_and_stopped() -> Result<()> {
    let trial = Trial::start(one(Plan::quick()).set(ONE, "DATABASE__POOL_MAX", 4)).await?;
    let first = trial.fleet.id(ONE).expect("it runs");
    assert!(trial.fleet.resident_bytes(ONE)? > 0);
    assert!(trial.fleet.metrics(ONE).await?.contains("outbox_lag_seconds"));

    trial.fleet.kill(ONE)?;
    assert!(!alive(first));
    trial.fleet.start_again(ONE).await?;
    trial.fleet.restart(ONE).await?;
    trial.fleet.check_all()?;

    let findings = Findings::gather(trial.fleet.deployment(), &[ONE]).await?;
    assert_eq!(findings.violations(), 0, "{}", findings.table());

    let last = trial.fleet.id(ONE).expect("it runs");
    let folder = trial.folder().to_path_buf();
    trial.stop().await?;
    assert!(!alive(last) && !folder.exists());
    Ok(())
}

#[tokio::test]
async fn the_fleet_outlives_its_servers() -> Result<()> {
    let mut trial = Trial::start(one(Plan::durable())).await?;
    let url = trial.database_url(ONE)?;
    trial.lose_broker_data().await?;
    let postgres = trial.postgres.as_mut().expect("a durable trial has its own");
    postgres.kill();
    postgres.start_again().await?;
    trial.fleet.ready(ONE, Duration::from_secs(30)).await?;
    let mut connection = sqlx::PgConnection::connect(&url).await?;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&mut connection).await?;
    assert_eq!(rows, 0);
    trial.stop().await
}

#[tokio::test]
async fn a_service_that_cannot_start_says_why() -> Result<()> {
    let started = Trial::start(one(Plan::quick()).set(ONE, "NO_SUCH__KEY", "x")).await;
    let said = format!("{:#}", started.expect_err("an unknown key stops the start"));
    assert!(said.contains("no_such"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_whole_fleet_starts_from_nothing_and_is_sound() -> Result<()> {
    let trial = Trial::start(Plan::quick().with(Service::Portal).with(Service::Interconnect)).await?;
    for service in Service::ALL {
        let resident = trial.fleet.resident_bytes(service)? / (1024 * 1024);
        // A service that has nothing to do takes at most 64 MiB.
        assert!(resident <= 64, "{service} takes {resident} MiB");
    }
    let findings = Findings::gather(trial.fleet.deployment(), &Service::WITH_DATABASE).await?;
    assert_eq!(findings.violations(), 0, "{}", findings.table());
    trial.fleet.check_all()?;
    trial.stop().await
}
