//! Facts of interconnection: after an outage all stations come back at once, each with its fact and its event, and for as many
//! statements as one of them.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chassis::{Caller, Process};
use proto::stations::{DeactivateStationRequest, StatusItem};
use stations::{
    app::{
        self, Batch,
        status::{Line, Rules},
    },
    background::sweep_once,
    domain::verdict::Verdict,
    memory::Memory,
};
use time::{Duration, OffsetDateTime};
use tracing::{
    Event, Metadata, Subscriber,
    instrument::WithSubscriber as _,
    span::{Attributes, Id, Record},
};

use crate::harness::{Platform, Who, answer, fresh, id, operator, record};

const WINDOW: Duration = Duration::hours(24);

/// Counts the statements that are sent to the database while it listens: the driver tells of each one when it has ended.
struct Statements(Arc<AtomicUsize>);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Takes a report of each connector of these stations in one unit of work; returns how many statements that took. What the
/// service does meanwhile in its own tasks is not counted.
async fn reported(platform: &Platform, process: &Process, stations: &[String]) -> usize {
    let seconds = platform.ago(30).expect("a time").seconds;
    let line = |connector: String| Line {
        connector,
        status_code: 3,
        source_time: Some(OffsetDateTime::from_unix_timestamp(seconds).expect("a time")),
        pulled: false,
    };
    let lines =
        stations.iter().flat_map(|code| [1, 2].map(|place| line(format!("{code}-{place}")))).collect();
    let batch = Batch { operator_id: operator(1), batch_id: fresh(), lines };
    let rules = Rules { age_max: Duration::hours(72), window: WINDOW };
    let count = Arc::new(AtomicUsize::new(0));
    let unit = async {
        let mut work = process.units.begin(Caller::system("another process")).await.expect("begun");
        let taken =
            app::status::execute(&mut work, &[batch], rules, &Memory::default()).await.expect("taken");
        work.commit().await.expect("durable");
        taken
    };
    let taken = unit.with_subscriber(Statements(count.clone())).await;
    assert!(taken.verdicts.concat().iter().all(|verdict| *verdict == Verdict::Accepted), "{taken:?}");
    count.load(Ordering::Relaxed)
}

#[tokio::test]
async fn stations_that_come_back_at_once_cost_the_statements_of_one_and_each_has_its_fact_and_its_event() {
    let platform = Platform::start().await;
    let process = platform.process().await;
    let codes: Vec<String> = (0..40).map(|number| format!("S{number}")).collect();
    for code in &codes {
        platform.upsert(operator(1), record(code)).await.expect("registered");
    }
    let first: Vec<StatusItem> = codes
        .iter()
        .flat_map(|code| [1, 2].map(|place| platform.item(&format!("{code}-{place}"), 1, 60)))
        .collect();
    assert_eq!(platform.push(operator(1), first).await.accepted, 80);
    sqlx::query("UPDATE connector_state SET seen_at = seen_at - interval '2 days', changed_at = changed_at - interval '2 days'")
        .execute(&platform.pool)
        .await
        .expect("an outage");
    sweep_once(&process.pool, &process.units, WINDOW).await.expect("swept");
    assert_eq!(platform.count("SELECT count(*) FROM stations WHERE connection = 'offline'").await, 40);

    let one = reported(&platform, &process, &codes[..1]).await;
    let all = reported(&platform, &process, &codes[1..]).await;
    assert!(one > 0, "the driver tells of its statements");
    assert_eq!(all, one, "39 stations and one");
    let told = "SELECT count(*) FROM stations
                JOIN station_connections fact USING (station_id, event_version, connection, connected_since)
                JOIN outbox ON aggregate_id = station_id AND aggregate_version = event_version
                WHERE connection = 'connected' AND kind = 'connected' AND fact.recorded_at = occurred_at";
    assert_eq!(platform.count(told).await, 40);
    // Connected, offline, connected again; since the same day.
    assert_eq!(platform.count("SELECT count(*) FROM station_connections").await, 3 * 40);
    platform.assert_sound().await;
    process.pool.close().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_connected_station_that_leaves_force_gets_one_more_fact() {
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    platform.upsert(operator(1), record("S2")).await.expect("registered");
    for code in ["S1", "S2"] {
        let both = [1, 2].map(|place| platform.item(&format!("{code}-{place}"), 1, 60)).to_vec();
        assert_eq!(platform.push(operator(1), both).await.accepted, 2);
    }
    let leave =
        DeactivateStationRequest { request_id: fresh(), station_id: id(&station), expected_version: None };
    let mut registry = platform.registry(Who::Operator(operator(1)));
    answer(registry.deactivate_station(leave).await).expect("deactivated");
    let ended =
        "SELECT count(*) FROM station_connections fact JOIN stations USING (station_id, event_version)
                 WHERE fact.connection = 'not_connected' AND fact.connected_since IS NULL AND NOT active";
    assert_eq!(platform.count(ended).await, 1);
    // Of its neighbour nothing has changed.
    assert_eq!(platform.count("SELECT count(*) FROM stations WHERE connection = 'connected'").await, 1);
    assert_eq!(platform.count("SELECT count(*) FROM station_connections").await, 3);
    platform.assert_sound().await;
    platform.stop().await;
}
