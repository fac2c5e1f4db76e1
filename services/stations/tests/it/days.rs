//! The days that a link's statistics and order checks are owed for: each until it has been compared once, for a week.
use proto::stations::{
    Lease, ListQualityItemsRequest, QualityItem, RenewLeaseRequest, Secrets, SetPeerRequest,
};
use time::{Duration, OffsetDateTime};

use crate::{
    harness::{Platform, Who, answer, fresh, operator, refused},
    turns::{finish, lease, linked, run},
};

/// Leases the statistics of the link now.
async fn statistics(platform: &Platform) -> Lease {
    run(platform, "UPDATE link_turns SET due_at = CASE WHEN kind = 'statistics' THEN now() ELSE now() + interval '1 day' END")
        .await;
    let held = lease(platform).await.expect("due");
    assert_eq!(held.kind, "statistics");
    held
}

/// So many days later.
async fn later(platform: &Platform, days: i32) {
    // In two steps, so that no day steps on another.
    run(platform, "UPDATE link_days SET day = day - 100").await;
    sqlx::query("UPDATE link_days SET day = day + 100 - $1::integer")
        .bind(days)
        .execute(&platform.pool)
        .await
        .expect("changed");
}

async fn compared(platform: &Platform, lease: &Lease, day: &str) -> Result<(), String> {
    let body = RenewLeaseRequest {
        lease_id: lease.lease_id.clone(),
        day_compared: day.into(),
        ..RenewLeaseRequest::default()
    };
    let renewed = answer(platform.turns(Who::Interconnect).renew_lease(body).await);
    renewed.map(|_| ()).map_err(|refusal| refused::<()>(Err(refusal)).0)
}

/// Names of the days so long ago; before eight in the morning of Asia/Shanghai, which is midnight in UTC, it is still the day before.
fn ago<const N: usize>(platform: &Platform, days: [i64; N]) -> Vec<String> {
    let now = platform.ago(0).expect("now").seconds;
    let today = OffsetDateTime::from_unix_timestamp(now).expect("a moment").date();
    days.map(|days| (today - Duration::days(days)).to_string()).to_vec()
}

async fn items(platform: &Platform) -> Vec<QualityItem> {
    let body = ListQualityItemsRequest::default();
    answer(platform.registry(Who::Ingest(operator(1))).list_quality_items(body).await).expect("listed").items
}

#[tokio::test]
async fn the_days_of_a_link_whose_first_turns_fail_are_asked_for_until_each_has_been_compared_once() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let held = statistics(&platform).await;
    assert_eq!(held.days, ago(&platform, [1]));
    finish(&platform, &held, "unreachable").await.expect("recorded");
    later(&platform, 1).await;
    let held = statistics(&platform).await;
    assert_eq!(held.days, ago(&platform, [1, 2]), "the one that has failed lets the other go first");
    finish(&platform, &held, "unreachable").await.expect("recorded");
    later(&platform, 1).await;
    let held = statistics(&platform).await;
    assert_eq!(held.days, ago(&platform, [1, 3, 2]));
    assert_eq!(compared(&platform, &held, &held.days[0]).await, Ok(()));
    assert_eq!(compared(&platform, &held, "some day").await, Err("unknown_value".into()));
    finish(&platform, &held, "unreachable").await.expect("recorded");
    let held = statistics(&platform).await;
    assert_eq!(
        held.days,
        ago(&platform, [2, 3]),
        "what was compared before the failure is not asked for again"
    );
    finish(&platform, &held, "").await.expect("recorded");
    let held = statistics(&platform).await;
    assert_eq!(held.days, [""; 0], "each once");
    finish(&platform, &held, "").await.expect("recorded");
    later(&platform, 1).await;
    assert_eq!(statistics(&platform).await.days, ago(&platform, [1]));
    assert_eq!(items(&platform).await, []);
    platform.stop().await;
}

#[tokio::test]
async fn a_lease_that_was_lost_neither_loses_its_days_nor_says_that_one_was_compared() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let lost = statistics(&platform).await;
    run(&platform, "UPDATE links SET leased_until = now() WHERE lease_id IS NOT NULL").await;
    assert_eq!(compared(&platform, &lost, &lost.days[0]).await, Err("lease_lost".into()));
    assert_eq!(statistics(&platform).await.days, lost.days);
    platform.stop().await;
}

#[tokio::test]
async fn a_day_that_could_not_be_compared_within_a_week_is_an_item_of_the_operator() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let held = statistics(&platform).await;
    finish(&platform, &held, "unreachable").await.expect("recorded");
    later(&platform, 6).await;
    let held = statistics(&platform).await;
    assert_eq!(held.days, ago(&platform, [6, 5, 4, 3, 2, 1, 7]), "a week is not over");
    assert_eq!(items(&platform).await, []);
    for day in &held.days[..6] {
        assert_eq!(compared(&platform, &held, day).await, Ok(()));
    }
    finish(&platform, &held, "unreachable").await.expect("recorded");
    for _ in 0..2 {
        later(&platform, 1).await;
        let held = statistics(&platform).await;
        assert_eq!(held.days, ago(&platform, [1]), "the day is given up");
        finish(&platform, &held, "").await.expect("recorded");
        let found = items(&platform).await;
        let [missed] = &found[..] else { panic!("one item: {found:?}") };
        assert_eq!((missed.kind.as_str(), missed.reason.as_str()), ("statistics", "day_not_compared"));
        assert!(missed.example.ends_with("请求 2 次未成功，最近一次：对方系统没有应答"), "{missed:?}");
        assert_eq!(missed.times, 1);
    }
    platform.stop().await;
}

#[tokio::test]
async fn days_are_asked_for_in_the_morning_and_at_once_after_a_failure_at_a_new_address() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let morning =
        "SELECT count(*) FROM link_turns WHERE kind IN ('statistics', 'order_check') AND due_at > now()
                   AND (due_at AT TIME ZONE 'Asia/Shanghai')::time BETWEEN '08:00' AND '08:30'";
    assert_eq!(platform.count(morning).await, 2, "both wait for the morning");
    let held = statistics(&platform).await;
    finish(&platform, &held, "unreachable").await.expect("recorded");
    assert_eq!(lease(&platform).await, None, "it is kept away from");
    let outbound = Secrets {
        operator_secret: "theirs".into(),
        data_secret: "0123456789abcdef".into(),
        data_secret_iv: "fedcba9876543210".into(),
        sig_secret: "signing".into(),
    };
    let peer = SetPeerRequest {
        request_id: fresh(),
        base_url: "https://other/evcs".into(),
        protocol_version: "1.0".into(),
        outbound: Some(outbound),
        ..SetPeerRequest::default()
    };
    answer(platform.links(Who::Operator(operator(1))).set_peer(peer).await).expect("set");
    run(
        &platform,
        "UPDATE link_turns SET due_at = now() + interval '1 day' WHERE kind IN ('stations', 'status')",
    )
    .await;
    let held = lease(&platform).await.expect("due");
    assert_eq!((held.kind.as_str(), held.days.clone()), ("statistics", ago(&platform, [1])));
    finish(&platform, &held, "").await.expect("recorded");
    let waits = "SELECT count(*) FROM link_turns WHERE kind = 'statistics' AND due_at > now()
                 AND (due_at AT TIME ZONE 'Asia/Shanghai')::time BETWEEN '08:00' AND '08:30'";
    assert_eq!(platform.count(waits).await, 1);
    platform.stop().await;
}
