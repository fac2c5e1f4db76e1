//! Reports that say nothing new: answered from memory, without the database, and never against what is held.
use std::time::Duration;

use chassis::testing::eventually;
use proto::stations::DeactivateStationRequest;
use stations::{
    app::{Batch, status::Line},
    config::Config,
    domain::verdict::Verdict,
    memory::Memory,
    status_queue,
};
use time::OffsetDateTime;

use crate::{
    harness::{Platform, Who, answer, fresh, id, operator, record},
    ingest::outcomes,
};

/// Longer than two turns of the memory.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_snapshot_sent_again_is_answered_without_the_states_and_is_counted_soon() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let snapshot = || vec![platform.item("S1-1", 1, 60), platform.item("S1-2", 3, 60)];
    assert_eq!(platform.push(operator(1), snapshot()).await.accepted, 2);
    let mut holder = platform.pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE connector_state IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *holder)
        .await
        .expect("locked");
    for _ in 0..2 {
        assert_eq!(platform.push(operator(1), snapshot()).await.duplicate, 2);
    }
    holder.rollback().await.expect("let go");
    eventually("the repetitions are counted", SOON, || async {
        platform.count("SELECT duplicate FROM quality_days WHERE kind = 'status'").await == 4
    })
    .await;
    assert_eq!(platform.count("SELECT sum(reports)::bigint FROM connector_reports").await, 2);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn news_beside_repetitions_is_taken_and_touches_no_other_connector() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let first = vec![platform.item("S1-1", 1, 60), platform.item("S1-2", 3, 60)];
    assert_eq!(platform.push(operator(1), first).await.accepted, 2);
    let mut holder = platform.pool.begin().await.expect("a transaction");
    sqlx::query(
        "SELECT connector_key FROM connector_state JOIN connectors USING (connector_key) WHERE code = 'S1-1'
         FOR UPDATE OF connector_state",
    )
    .execute(&mut *holder)
    .await
    .expect("locked");
    let mixed = vec![platform.item("S1-1", 1, 60), platform.item("S1-2", 1, 30)];
    assert_eq!(outcomes(&platform.push(operator(1), mixed).await), ["duplicate", "accepted"]);
    holder.rollback().await.expect("let go");
    // The same status at a later time is news: it is how long the connector is known to have been so.
    let seen = vec![platform.item("S1-1", 1, 20)];
    assert_eq!(outcomes(&platform.push(operator(1), seen).await), ["accepted"]);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn what_another_process_has_taken_meanwhile_is_neither_undone_nor_taken_twice() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let push = async |status, secs| {
        outcomes(&platform.push(operator(1), vec![platform.item("S1-1", status, secs)]).await).remove(0)
    };
    assert_eq!((push(1, 60).await.as_str(), push(1, 60).await.as_str()), ("accepted", "duplicate"));
    let process = platform.process().await;
    let config: Config =
        chassis::config::load("stations", include_str!("../../settings.toml")).expect("settings");
    let other = status_queue(process.units.clone(), &config, Memory::default());
    let seconds = platform.ago(40).expect("a time").seconds;
    let line = Line {
        connector: "S1-1".into(),
        status_code: 3,
        source_time: Some(OffsetDateTime::from_unix_timestamp(seconds).expect("a time")),
        pulled: false,
    };
    let batch = Batch { operator_id: operator(1), batch_id: "b".into(), lines: vec![line] };
    let taken = other.submit(batch).expect("room").await.expect("answered").expect("written");
    assert_eq!(taken, [Verdict::Accepted]);
    // What this process remembers has been left since: its repetition stays known, and all else is judged by what is held.
    for (status, secs, outcome) in [
        (1, 60, "duplicate"),
        (3, 40, "duplicate"),
        (1, 50, "stale"),
        (1, 20, "accepted"),
        (3, 40, "duplicate"),
    ] {
        assert_eq!(push(status, secs).await, outcome, "{status} {secs} s ago");
    }
    let latest = "SELECT extract(epoch FROM seen_at)::bigint FROM connector_state WHERE status = 1";
    assert_eq!(platform.count(latest).await, platform.ago(20).expect("a time").seconds);
    assert_eq!(platform.count("SELECT count(*) FROM status_history").await, 4);
    platform.assert_sound().await;
    process.pool.close().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_connector_that_is_gone_is_forgotten_soon() {
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let push =
        async || outcomes(&platform.push(operator(1), vec![platform.item("S1-1", 1, 60)]).await).remove(0);
    assert_eq!((push().await.as_str(), push().await.as_str()), ("accepted", "duplicate"));
    let leave =
        DeactivateStationRequest { request_id: fresh(), station_id: id(&station), expected_version: None };
    let mut registry = platform.registry(Who::Operator(operator(1)));
    answer(registry.deactivate_station(leave).await).expect("deactivated");
    eventually("the connector is unknown", SOON, || async { push().await == "rejected:unknown_connector" })
        .await;
    platform.stop().await;
}
