//! PostgreSQL is restarted, and killed, while people work; services come back by themselves.
//!
//! Source: reliability R1, R10; section 15 (ready again within 10 s after a restart of PostgreSQL).
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use system_tests::{System, traffic::Traffic};
use xtask::services::Service;

/// Source: reliability, section 15; a loaded test machine gets three times as long.
const READY_AGAIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_restarted_and_killed_loses_nothing_that_was_acknowledged() -> Result<()> {
    let mut system = System::durable().await?;
    let cases = super::cases(&system, 4).await?;
    let traffic = Traffic::start(&system.county("410105").await?, &cases);
    for killed in [false, true, false, true] {
        traffic.answered(20).await?;
        let postgres = system.trial_mut().postgres.as_mut().context("a durable trial has its own")?;
        if killed {
            postgres.kill();
            postgres.start_again().await?;
        } else {
            postgres.restart().await?;
        }
        let back = Instant::now();
        for service in Service::WITH_DATABASE {
            system.fleet().ready(service, READY_AGAIN).await?;
        }
        println!(
            "all services ready {:?} after PostgreSQL {}",
            back.elapsed(),
            if killed { "died" } else { "stopped" }
        );
    }
    traffic.answered(20).await?;
    let acknowledged = traffic.stop().await?;
    system.nothing_acknowledged_is_missing(&acknowledged).await?;
    system.finish_after_faults().await
}
