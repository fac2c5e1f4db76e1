//! Stations through the ingest: a verdict for each in the order sent, by the same rules as a registration one by one.
use chassis::Caller;
use proto::stations::{
    GetStationRequest, ListQualityDaysRequest, ListQualityItemsRequest, ListStationsRequest, StationBatch,
    StationItem, StationRecord, ingest_client::IngestClient,
};
use stations::{
    app::{self, Batch, station::Rules},
    domain::{
        bounds::{CHINA, County},
        verdict::Verdict,
    },
    rpc::convert,
};
use tokio_stream::StreamExt as _;
use uuid::Uuid;

use crate::{
    harness::{Platform, Who, answer, fresh, id, operator, record, refused, version},
    ingest::outcomes,
};

fn item(platform: &Platform, record: StationRecord, secs_ago: i64) -> StationItem {
    StationItem { station: Some(record), source_time: platform.ago(secs_ago) }
}

async fn send(platform: &Platform, operator: Uuid, items: Vec<StationItem>) -> proto::stations::Receipt {
    let batch = StationBatch { batch_id: "stations".into(), items };
    let sent = platform.ingest(operator).send_stations(tokio_stream::iter([batch])).await.expect("taken");
    sent.into_inner().receipts.remove(0)
}

fn named(code: &str, name: &str) -> StationRecord {
    StationRecord { name: name.into(), ..record(code) }
}

#[tokio::test]
async fn each_station_gets_its_verdict_in_the_order_sent_and_a_bad_one_harms_no_neighbour() {
    let platform = Platform::start().await;
    let mut taken = record("S3");
    taken.equipment[0].connectors[1].connector_id = "S1-1".into();
    let nowhere = StationRecord { county: "410199".into(), name: String::new(), ..record("S4") };
    let receipt = send(
        &platform,
        operator(1),
        vec![
            item(&platform, record("S1"), 60),
            item(&platform, record("S1"), 60),
            item(&platform, named("S1", "新名称"), 30),
            item(&platform, record("S1"), 45),
            item(&platform, taken, 60),
            item(&platform, nowhere, 60),
            item(&platform, StationRecord { finish_date: "2026-02-30".into(), ..record("S5") }, 60),
            item(&platform, record("S6\0"), 60),
            item(&platform, record("S6"), -3_600),
            StationItem { station: Some(record("S6")), source_time: None },
            StationItem { station: None, source_time: platform.ago(60) },
            item(&platform, record("S7"), 60),
        ],
    )
    .await;
    assert_eq!(
        outcomes(&receipt),
        [
            "accepted",
            "duplicate",
            "accepted",
            "stale",
            "rejected:code_taken",
            "rejected:required",
            "rejected:bad_time",
            "rejected:control_character",
            "rejected:time_in_future",
            "rejected:bad_time",
            "rejected:required",
            "accepted",
        ]
    );
    assert_eq!((receipt.accepted, receipt.duplicate, receipt.stale, receipt.rejected), (3, 1, 1, 7));
    let fields: Vec<_> = receipt.results.iter().map(|result| result.field.as_str()).collect();
    assert_eq!(fields[4..6], ["equipment[0].connectors[1].connector_id", "name"]);
    assert!(receipt.results.iter().all(|one| one.text.is_empty() == (one.outcome != "rejected")));
    let mut registry = platform.registry(Who::Operator(operator(1)));
    let list = answer(registry.list_stations(ListStationsRequest::default()).await).expect("listed").stations;
    let held: Vec<_> = list
        .iter()
        .map(|station| station.record.as_ref().expect("a record"))
        .map(|record| (record.station_code.as_str(), record.name.as_str(), record.version))
        .collect();
    assert_eq!(held, [("S1", "新名称", 2), ("S7", "S7示例充电站", 1)]);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn what_a_system_said_before_it_said_the_same_again_does_not_come_to_stand() {
    let platform = Platform::start().await;
    for (record, secs_ago, expected) in [
        (record("S1"), 60, "accepted"),
        (record("S1"), 30, "duplicate"),
        (named("S1", "曾用名称"), 45, "stale"),
        (named("S1", "新名称"), 15, "accepted"),
    ] {
        let receipt = send(&platform, operator(1), vec![item(&platform, record, secs_ago)]).await;
        assert_eq!(outcomes(&receipt), [expected]);
    }
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_rejected_station_is_kept_for_its_operator_with_all_that_is_wrong_and_counted() {
    let platform = Platform::start().await;
    let wrong = StationRecord { county: "410199".into(), name: String::new(), ..record("S1") };
    send(&platform, operator(1), vec![item(&platform, wrong, 60), item(&platform, record("S2"), 60)]).await;
    let mut registry = platform.registry(Who::Operator(operator(1)));
    let items =
        answer(registry.list_quality_items(ListQualityItemsRequest::default()).await).expect("listed");
    let kept: Vec<_> = items
        .items
        .iter()
        .map(|one| (one.kind.as_str(), one.reason.as_str(), one.example.as_str()))
        .collect();
    let words = "场站 S1：请填写名称；请选择区县：该区县代码不存在";
    assert_eq!(kept, [("station", "required", words)]);
    let days =
        answer(registry.list_quality_days(ListQualityDaysRequest::default()).await).expect("counted").days;
    let count = &days[0].counts[0];
    // What is taken is a version of the registry.
    assert_eq!((count.kind.as_str(), count.accepted, count.rejected), ("station", 0, 1));
    platform.stop().await;
}

#[tokio::test]
async fn a_station_of_the_ingest_is_the_one_of_the_registry() {
    let platform = Platform::start().await;
    let first = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let again = send(&platform, operator(1), vec![item(&platform, record("S1"), 60)]).await;
    assert_eq!(outcomes(&again), ["duplicate"]);
    let changed = send(&platform, operator(1), vec![item(&platform, named("S1", "新名称"), 60)]).await;
    assert_eq!(outcomes(&changed), ["accepted"]);
    let get = GetStationRequest { station_id: id(&first) };
    let held = answer(platform.registry(Who::Operator(operator(1))).get_station(get).await).expect("own");
    assert_eq!((version(&held), held.record.expect("a record").name), (2, "新名称".into()));
    assert_eq!(platform.count("SELECT count(*) FROM outbox WHERE kind = 'registry_changed'").await, 2);
    let by = "SELECT count(DISTINCT actor) FROM station_revisions WHERE actor LIKE 'machine of %'";
    assert_eq!(platform.count(by).await, 1, "the version names the client that sent it");
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn another_operators_station_is_not_touched_and_a_person_may_not_send() {
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    // Whatever ids a message names, it is about the caller's own codes.
    let foreign = StationRecord {
        station_id: id(&station),
        operator_id: operator(1).to_string(),
        ..named("S1", "他人的名称")
    };
    let receipt = send(&platform, operator(2), vec![item(&platform, foreign, 60)]).await;
    assert_eq!(outcomes(&receipt), ["accepted"]);
    let get = || GetStationRequest { station_id: id(&station) };
    let own = answer(platform.registry(Who::Operator(operator(1))).get_station(get()).await).expect("own");
    assert_eq!((version(&own), own.record.expect("a record").name), (1, "S1示例充电站".into()));
    let other = answer(platform.registry(Who::Operator(operator(2))).get_station(get()).await);
    assert_eq!(refused(other).0, "not_found");
    let mut person = IngestClient::new(platform.signed(Who::Operator(operator(1))));
    let batch = StationBatch { batch_id: "b".into(), items: vec![item(&platform, record("S2"), 60)] };
    let sent = answer(person.send_stations(tokio_stream::iter([batch])).await);
    assert_eq!(refused(sent).0, "not_permitted");
    platform.stop().await;
}

#[tokio::test]
async fn a_stream_of_stations_answers_each_batch_in_order_and_a_large_one_ends_it() {
    let platform = Platform::start_with(|config| config.ingest.batch_stations_max = 2).await;
    let batch = |batch_id: &str, codes: &[&str]| StationBatch {
        batch_id: batch_id.into(),
        items: codes.iter().map(|code| item(&platform, record(code), 60)).collect(),
    };
    let batches = vec![batch("1", &["S1", "S2"]), batch("2", &["S2"]), batch("3", &["S3", "S4"])];
    let open = platform.ingest(operator(1)).push_stations(tokio_stream::iter(batches)).await.expect("open");
    let receipts: Vec<_> = open.into_inner().collect::<Result<_, _>>().await.expect("all answered");
    let told: Vec<_> =
        receipts.iter().map(|one| (one.batch_id.as_str(), one.accepted, one.duplicate)).collect();
    assert_eq!(told, [("1", 2, 0), ("2", 0, 1), ("3", 2, 0)]);
    let large = batch("4", &["S5", "S6", "S7"]);
    let sent = platform.ingest(operator(1)).send_stations(tokio_stream::iter([large])).await;
    assert_eq!(refused(answer(sent)), ("too_many".into(), "items".into()));
    assert_eq!(platform.count("SELECT count(*) FROM stations").await, 4);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn too_many_stations_at_once_are_shed_with_the_time_to_come_back() {
    let platform = Platform::start_with(|config| {
        config.ingest.batch_stations_max = 1;
        config.ingest.waiting_stations_max = 1;
    })
    .await;
    let many: Vec<_> = (0..64)
        .map(|number| StationBatch {
            batch_id: fresh(),
            items: vec![item(&platform, record(&format!("S{number}")), 60)],
        })
        .collect();
    let open = platform.ingest(operator(1)).push_stations(tokio_stream::iter(many)).await.expect("open");
    let outcome: Result<Vec<_>, _> = open.into_inner().collect().await;
    let status = outcome.expect_err("too much at once");
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn batches_that_name_the_same_stations_in_another_order_wait_and_do_not_lock_each_other_out() {
    let platform = Platform::start().await;
    let process = platform.process().await;
    let county = County { prefecture: "410100".into(), seat: None };
    let line = |number: usize| {
        let sent = item(&platform, record(&format!("S{number}")), 60);
        let mut line = convert::station_line(sent, operator(1), "machine");
        line.wanted.as_mut().expect("readable").county = Some(county.clone());
        line
    };
    let rules = Rules { province: CHINA, window: time::Duration::hours(24) };
    let taken = |numbers: Vec<usize>| {
        let lines = numbers.into_iter().map(&line).collect();
        let batch = Batch { operator_id: operator(1), batch_id: fresh(), lines };
        let units = process.units.clone();
        async move {
            let mut work = units.begin(Caller::system("another process")).await.expect("begun");
            let verdicts = app::station::execute(&mut work, &[batch], rules).await.expect("taken at once");
            work.commit().await.expect("durable");
            verdicts.concat().iter().filter(|verdict| **verdict == Verdict::Accepted).count()
        }
    };
    let accepted = tokio::join!(taken((0..20).collect()), taken((0..20).rev().collect()));
    assert_eq!(accepted.0 + accepted.1, 20, "{accepted:?}");
    assert_eq!(platform.count("SELECT count(*) FROM station_revisions").await, 20);
    platform.assert_sound().await;
    platform.stop().await;
}
