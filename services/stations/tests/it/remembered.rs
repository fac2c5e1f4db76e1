//! What a process remembers of connectors and orders saves it the reading; the reports of a day are counted where its latest one stands.
use proto::stations::{GetGateEvidenceRequest, StatusBatch, TelemetryBatch, TelemetryItem};
use sqlx::{Postgres, Transaction};

use crate::{
    harness::{Platform, answer, id, operator, record},
    ingest::outcomes,
    orders::{order, push_orders},
};

/// Keeps everybody else from what the lock is about, until it ends.
async fn locked(platform: &Platform, lock: &'static str) -> Transaction<'static, Postgres> {
    let mut holder = platform.pool.begin().await.expect("a transaction");
    sqlx::query(lock).execute(&mut *holder).await.expect("locked");
    holder
}

async fn push_numbers(platform: &Platform, numbers: &[&str]) -> Vec<String> {
    push_orders(platform, numbers.iter().map(|number| order(platform, number, 4_800, 60)).collect()).await
}

async fn push_sample(platform: &Platform, ago: i64) -> Vec<String> {
    let item = TelemetryItem {
        connector_id: "S1-1".into(),
        sample_time: platform.ago(ago),
        power_watts: 60_000,
        ..TelemetryItem::default()
    };
    let batch = TelemetryBatch { batch_id: "samples".into(), items: vec![item] };
    let answer =
        platform.ingest(operator(1)).send_telemetry(tokio_stream::iter([batch])).await.expect("taken");
    outcomes(&answer.into_inner().receipts[0])
}

#[tokio::test]
async fn what_comes_of_a_remembered_connector_is_taken_without_the_registry_of_connectors() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    // What was registered just now is forgotten by every turn of the memory.
    let older = "UPDATE stations SET updated_at = updated_at - interval '1 hour'";
    sqlx::query(older).execute(&platform.pool).await.expect("older");
    let status = async |status, ago| {
        outcomes(&platform.push(operator(1), vec![platform.item("S1-1", status, ago)]).await)
    };
    // A station whose connectors have all reported is settled.
    platform.push(operator(1), vec![platform.item("S1-2", 1, 60)]).await;
    assert_eq!(status(1, 60).await, ["accepted"]);
    assert_eq!(push_numbers(&platform, &["1"]).await, ["accepted"]);
    let holder = locked(&platform, "LOCK TABLE connectors IN ACCESS EXCLUSIVE MODE").await;
    assert_eq!(status(3, 40).await, ["accepted"]);
    assert_eq!(push_numbers(&platform, &["2"]).await, ["accepted"]);
    assert_eq!(push_sample(&platform, 30).await, ["accepted"]);
    holder.rollback().await.expect("let go");
    assert_eq!(platform.count("SELECT count(*) FROM status_history").await, 3);
    assert_eq!(platform.count("SELECT count(*) FROM charge_orders").await, 2);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn orders_that_are_said_again_are_read_and_not_written() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    assert_eq!(push_numbers(&platform, &["1", "2"]).await, ["accepted", "accepted"]);
    let holder = locked(&platform, "LOCK TABLE charge_orders IN EXCLUSIVE MODE").await;
    assert_eq!(push_numbers(&platform, &["2", "1"]).await, ["duplicate", "duplicate"]);
    holder.rollback().await.expect("let go");
    assert_eq!(push_numbers(&platform, &["2", "3"]).await, ["duplicate", "accepted"]);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn the_reports_of_a_day_are_counted_once_though_the_next_day_begins_among_them() {
    const HOUR: i64 = 3_600;
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let item = |status, ago| platform.item("S1-1", status, ago);
    // Two days at once that were never counted; the next day within a call; late ones alone; a late one, before the first of its day,
    // beside news.
    let calls = [
        vec![item(1, 60 * HOUR), item(3, 30 * HOUR)],
        vec![item(1, 29 * HOUR), item(3, 2 * HOUR)],
        vec![item(2, 60 * HOUR - 60), item(2, 29 * HOUR - 60)],
        vec![item(2, 2 * HOUR + 1), item(1, 60)],
    ];
    for items in calls {
        let sent = items.len();
        let batch = StatusBatch { batch_id: "b".into(), items, pulled: false };
        let taken =
            platform.ingest(operator(1)).send_status(tokio_stream::iter([batch])).await.expect("taken");
        let receipt = taken.into_inner().receipts.remove(0);
        assert_eq!(usize::try_from(receipt.accepted + receipt.stale), Ok(sent));
    }
    assert_eq!(platform.count("SELECT sum(reports)::bigint FROM connector_reports").await, 8);
    let wrong = "SELECT count(*) FROM (
                     SELECT (source_time AT TIME ZONE 'Asia/Shanghai')::date AS day, count(*) AS reports, min(source_time) AS first_at,
                            max(source_time) AS last_at FROM status_history GROUP BY 1) AS came
                 FULL JOIN (
                     SELECT day, sum(reports)::bigint AS reports, min(first_seen_at) AS first_at, max(last_seen_at) AS last_at
                     FROM connector_reports GROUP BY 1) AS counted USING (day, reports, first_at, last_at)
                 WHERE came.day IS NULL OR counted.day IS NULL";
    // Every report here is a change, so the history has them all.
    assert_eq!(platform.count("SELECT count(*) FROM status_history").await, 8);
    assert_eq!(platform.count(wrong).await, 0);
    let days = platform.count("SELECT count(DISTINCT day) FROM connector_reports").await;
    let ask = GetGateEvidenceRequest {
        operator_id: operator(1).to_string(),
        station_id: id(&station),
        connector_ids: vec!["S1-1".into()],
    };
    let evidence = answer(platform.evidence().get_gate_evidence(ask).await).expect("answered");
    assert_eq!(i64::from(evidence.connectors[0].days_covered), days);
    platform.stop().await;
}
