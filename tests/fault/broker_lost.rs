//! NATS is stopped for 20 s while people work, and its store is then lost; everything is published again.
//!
//! Source: reliability R1, sections 2 and 3.7; section 15 (a backlog is drained within 30 s).
use anyhow::Result;
use system_tests::{System, eventually, traffic::Traffic, wait::PATIENCE};
use tokio::time::{Duration, sleep};
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn nats_stopped_for_20_s_and_its_store_wiped_loses_no_event() -> Result<()> {
    let mut system = System::durable().await?;
    let cases = super::cases(&system, 4).await?;
    let county = system.county("410105").await?;
    let traffic = Traffic::start(&county, &cases);
    traffic.answered(20).await?;

    system.trial_mut().nats.stop().await?;
    // The outage itself lasts as long as the guarantee says; nothing is waited for here.
    let outage = sleep(Duration::from_secs(20));
    traffic.answered(20).await?;
    // What is committed but not published outlives the process; starting needs no broker.
    system.fleet().kill(Service::Reviews)?;
    system.fleet().start_again(Service::Reviews).await?;
    outage.await;
    let waiting = "SELECT count(*) FROM outbox_delivery WHERE published_at IS NULL";
    assert!(system.count(Service::Reviews, waiting).await? >= 20, "people were answered without a broker");
    system.trial_mut().nats.start_again().await?;
    traffic.answered(20).await?;
    // Only where nobody goes on can it be seen that all has arrived.
    let before = traffic.stop().await?;
    system.drained().await?;

    let traffic = Traffic::start(&county, &cases);
    system.trial_mut().lose_broker_data().await?;
    traffic.answered(20).await?;
    for acknowledged in [before, traffic.stop().await?] {
        system.nothing_acknowledged_is_missing(&acknowledged).await?;
    }
    republished(&system).await?;
    system.finish_after_faults().await
}

/// Waits until the new streams hold every event that the outboxes hold.
async fn republished(system: &System) -> Result<()> {
    let client = async_nats::connect(system.trial().nats.url()).await?;
    let jetstream = async_nats::jetstream::new(client);
    for service in [Service::Accounts, Service::Stations, Service::Documents, Service::Reviews] {
        let stream = service.name().to_uppercase();
        eventually(PATIENCE, &format!("{stream} holds every event again"), || async {
            let events = system.count(service, "SELECT count(*) FROM outbox").await?;
            let held = jetstream.get_stream(&stream).await?.cached_info().state.messages;
            Ok((i64::try_from(held)? >= events).then_some(()))
        })
        .await?;
    }
    Ok(())
}
