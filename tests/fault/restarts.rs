//! Services are stopped and started one after the other while people work, as in a rolling update.
//!
//! Source: reliability, section 7 (shutdown finishes what runs, within 25 s); services restart in any order.
use std::time::{Duration, Instant};

use anyhow::Result;
use system_tests::{System, traffic::Traffic};
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_every_service_loses_nothing_and_drains_in_time() -> Result<()> {
    let system = System::durable().await?;
    let cases = super::cases(&system, 4).await?;
    let traffic = Traffic::start(&system.county("410105").await?, &cases);
    for service in Service::WITH_DATABASE {
        traffic.answered(5).await?;
        let start = Instant::now();
        system.fleet().stop_one(service).await?;
        println!("{service} stopped in {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(25), "{service} took {:?}", start.elapsed());
        system.fleet().start_again(service).await?;
    }
    traffic.answered(10).await?;
    let acknowledged = traffic.stop().await?;
    system.nothing_acknowledged_is_missing(&acknowledged).await?;
    system.finish_after_faults().await
}
