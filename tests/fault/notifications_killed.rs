//! notifications is killed while events arrive; its worklists are right afterwards.
use anyhow::Result;
use system_tests::{System, seed, traffic::Traffic, wait::Dice};
use tokio::time::{Duration, sleep};
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn notifications_killed_while_events_arrive_has_every_effect_once() -> Result<()> {
    let mut dice = Dice::new(seed(105));
    let system = System::durable().await?;
    let cases = super::cases(&system, 4).await?;
    let traffic = Traffic::start(&system.county("410105").await?, &cases);
    for _ in 0..5 {
        traffic.answered(10).await?;
        // Somewhere between two commits of its consumers.
        sleep(Duration::from_micros(dice.below(20_000))).await;
        system.fleet().kill(Service::Notifications)?;
        traffic.answered(10).await?;
        system.fleet().start_again(Service::Notifications).await?;
    }
    let acknowledged = traffic.stop().await?;
    system.nothing_acknowledged_is_missing(&acknowledged).await?;
    assert!(
        system.nothing_acknowledged_is_missing(&acknowledged.with_a_lie()).await.is_err(),
        "the check sees a loss"
    );
    system.drained().await?;
    let doubled = "SELECT count(*) - count(DISTINCT (event_id, desk)) FROM messages";
    assert_eq!(system.count(Service::Notifications, doubled).await?, 0);
    system.finish_after_faults().await
}
