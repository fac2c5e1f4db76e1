//! The ingest: per-item results, order of source times, repetition, bad neighbours, overload, and what follows from it. Orders
//! are in `orders`.
use proto::stations::{
    GetGateEvidenceRequest, GetStationRequest, ListQualityDaysRequest, ListQualityItemsRequest, StatusBatch,
    TelemetryBatch, TelemetryItem,
};
use tokio_stream::StreamExt as _;

use stations::store::copy::COPIED_FROM;

use crate::harness::{Platform, Who, answer, fresh, id, operator, record, refused};

pub fn outcomes(receipt: &proto::stations::Receipt) -> Vec<String> {
    let name = |result: &proto::stations::ItemResult| match result.reason.as_str() {
        "" => result.outcome.clone(),
        reason => format!("{}:{reason}", result.outcome),
    };
    receipt.results.iter().map(name).collect()
}

#[tokio::test]
async fn each_item_gets_its_result_and_a_bad_one_harms_no_neighbour() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    platform.upsert(operator(2), record("S2")).await.expect("registered");
    // A time finer than the protocol's whole seconds.
    let exact = |mut item: proto::stations::StatusItem| {
        item.source_time.as_mut().expect("a time").nanos = 1_000_000;
        item
    };
    let receipt = platform
        .push(
            operator(1),
            vec![
                exact(platform.item("S1-1", 1, 60)),
                exact(platform.item("S1-1", 1, 60)),
                exact(platform.item("S1-1", 3, 60)),
                platform.item("S1-1", 0, 90),
                platform.item("S1-1", 3, 30),
                platform.item("S2-1", 1, 60),
                platform.item("S1-2", 9, 60),
                platform.item("S1-2", 1, -3_600),
                platform.item("S1-2", 1, 80 * 3_600),
                platform.item("S1-2\0", 1, 60),
                platform.item("S1-2", 255, 60),
            ],
        )
        .await;
    assert_eq!(
        outcomes(&receipt),
        [
            "accepted",
            "duplicate",
            "rejected:contradiction",
            "stale",
            "accepted",
            "rejected:unknown_connector",
            "rejected:unknown_value",
            "rejected:time_in_future",
            "rejected:time_too_old",
            "rejected:control_character",
            "accepted",
        ]
    );
    assert_eq!((receipt.accepted, receipt.duplicate, receipt.stale, receipt.rejected), (3, 1, 1, 6));
    let mut quality = platform.registry(Who::Operator(operator(1)));
    let kept = answer(quality.list_quality_items(ListQualityItemsRequest::default()).await).expect("listed");
    assert_eq!(kept.items.len(), 6);
    assert!(kept.items.iter().all(|item| item.kind == "status" && !item.text.is_empty()));
    // The same by day: own for the operator, by name for an administrator, for nobody else's people.
    let ask =
        |operator_id: String| ListQualityDaysRequest { operator_id, ..ListQualityDaysRequest::default() };
    let days = answer(quality.list_quality_days(ask(String::new())).await).expect("counted").days;
    let [today] = days.as_slice() else { panic!("{days:?}") };
    let [count] = today.counts.as_slice() else { panic!("{days:?}") };
    assert_eq!((count.accepted, count.duplicate, count.late, count.rejected, count.prompt), (3, 1, 1, 6, 0));
    let mut office = platform.registry(Who::Administrator);
    let named = ask(operator(1).to_string());
    assert_eq!(answer(office.list_quality_days(named.clone()).await).expect("counted").days, days);
    let mut other = platform.registry(Who::Operator(operator(2)));
    assert_eq!(refused(answer(other.list_quality_days(named).await)).0, "not_found");
    assert!(answer(other.list_quality_days(ask(String::new())).await).expect("counted").days.is_empty());
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn the_order_of_arrival_does_not_matter_and_repetition_changes_nothing() {
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let reports = [(600, 1), (500, 1), (400, 3), (300, 3), (200, 2), (100, 1)];
    for (secs, status) in reports.iter().rev() {
        platform.push(operator(1), vec![platform.item("S1-1", *status, *secs)]).await;
    }
    let in_order: Vec<_> =
        reports.iter().map(|(secs, status)| platform.item("S1-2", *status, *secs)).collect();
    assert_eq!(platform.push(operator(1), in_order.clone()).await.accepted, 6);
    let days = "SELECT sum(reports)::bigint FROM connector_reports";
    assert_eq!(platform.count(days).await, 12);
    for _ in 0..2 {
        let again = platform.push(operator(1), in_order.clone()).await;
        assert_eq!((again.accepted, again.rejected), (0, 0));
    }
    let get = GetStationRequest { station_id: id(&station) };
    let seen = answer(platform.registry(Who::Operator(operator(1))).get_station(get).await).expect("own");
    assert_eq!(seen.connectors.len(), 2);
    for connector in &seen.connectors {
        assert_eq!(
            (connector.status, connector.changed_at, connector.seen_at),
            (1, platform.ago(100), platform.ago(100))
        );
    }
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn of_two_statuses_in_one_second_the_later_arrival_is_live_and_a_retry_of_either_changes_nothing() {
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let push = async |status, secs| {
        outcomes(&platform.push(operator(1), vec![platform.item("S1-1", status, secs)]).await).remove(0)
    };
    // Idle in the snapshot of that second, then plugged in and charging within it.
    assert_eq!(push(1, 600).await, "accepted");
    for (status, outcome) in [
        (1, "accepted"),
        (2, "accepted"),
        (3, "accepted"),
        (2, "duplicate"),
        (1, "duplicate"),
        (3, "duplicate"),
    ] {
        assert_eq!(push(status, 60).await, outcome, "{status}");
    }
    let get = GetStationRequest { station_id: id(&station) };
    let seen = answer(platform.registry(Who::Operator(operator(1))).get_station(get).await).expect("own");
    assert_eq!(seen.connectors[0].status, 3);
    let kept = "SELECT count(*) FROM quality_items WHERE reason = 'same_second'";
    assert_eq!(platform.count(kept).await, 2);
    assert_eq!(platform.count("SELECT count(*) FROM status_history").await, 4);
    // What was asked for in that second may be older than what was sent in it.
    let asked = StatusBatch { batch_id: "b".into(), items: vec![platform.item("S1-1", 4, 60)], pulled: true };
    let sent = platform.ingest(operator(1)).send_status(tokio_stream::iter([asked])).await.expect("taken");
    assert_eq!(outcomes(&sent.into_inner().receipts[0]), ["rejected:contradiction"]);
    // Both stay known behind a later report, too.
    assert_eq!(push(1, 30).await, "accepted");
    assert_eq!((push(3, 60).await.as_str(), push(2, 60).await.as_str()), ("duplicate", "duplicate"));
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_station_connects_when_every_connector_has_reported_and_the_gates_follow() {
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let ask = |connectors: &[&str]| GetGateEvidenceRequest {
        operator_id: operator(1).to_string(),
        station_id: id(&station),
        connector_ids: connectors.iter().map(|code| (*code).to_owned()).collect(),
    };
    let mut evidence = platform.evidence();
    platform.push(operator(1), vec![platform.item("S1-1", 1, 5)]).await;
    let half = answer(evidence.get_gate_evidence(ask(&["S1-2", "S1-1"])).await).expect("answered");
    assert_eq!((half.linked, half.all_reported, half.connection.as_str()), (false, false, "not_connected"));
    platform.push(operator(1), vec![platform.item("S1-2", 0, 5)]).await;
    let whole = answer(evidence.get_gate_evidence(ask(&["S1-2", "S1-1"])).await).expect("answered");
    assert_eq!((whole.linked, whole.all_reported, whole.connection.as_str()), (true, true, "connected"));
    assert_eq!(whole.connected_since.len(), 10);
    assert_eq!(whole.connectors[0].connector_id, "S1-1");
    assert_eq!((whole.connectors[0].first_seen_at, whole.connectors[0].days_covered), (platform.ago(5), 1));
    let mut bare = whole.clone();
    bare.hash.clear();
    let bytes = prost::Message::encode_to_vec(&bare);
    assert_eq!(whole.hash, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes)));
    let unknown = answer(evidence.get_gate_evidence(ask(&["S1-1", "S1-9"])).await).expect("answered");
    assert!(!unknown.all_reported);
    assert!(!answer(evidence.get_gate_evidence(ask(&[])).await).expect("answered").all_reported);
    assert_eq!(platform.count("SELECT count(*) FROM outbox WHERE kind = 'connected'").await, 1);
    let foreign = GetGateEvidenceRequest { operator_id: operator(2).to_string(), ..ask(&["S1-1"]) };
    assert_eq!(refused(answer(evidence.get_gate_evidence(foreign).await)).0, "not_found");
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_silent_station_goes_offline_and_comes_back_with_its_first_day() {
    let platform = Platform::start_with(|config| {
        config.connection.window_hours = 1;
        config.connection.sweep_secs = 1;
    })
    .await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let both = |secs| vec![platform.item("S1-1", 1, secs), platform.item("S1-2", 1, secs)];
    platform.push(operator(1), both(10)).await;
    sqlx::query("UPDATE connector_state SET seen_at = seen_at - interval '2 hours', changed_at = changed_at - interval '2 hours'")
        .execute(&platform.pool)
        .await
        .expect("aged");
    let get = || GetStationRequest { station_id: id(&station) };
    chassis::testing::eventually("the station is offline", std::time::Duration::from_secs(10), || async {
        let seen =
            platform.registry(Who::Operator(operator(1))).get_station(get()).await.expect("own").into_inner();
        seen.connection == "offline" && !seen.connected_since.is_empty()
    })
    .await;
    platform.push(operator(1), vec![platform.item("S1-1", 1, 0)]).await;
    let seen = answer(platform.registry(Who::Operator(operator(1))).get_station(get()).await).expect("own");
    assert_eq!(seen.connection, "connected");
    assert_eq!(platform.count("SELECT count(*) FROM outbox WHERE kind = 'went_offline'").await, 1);
    assert_eq!(platform.count("SELECT count(*) FROM station_connections").await, 3);
    assert_eq!(platform.count("SELECT count(DISTINCT connected_since) FROM station_connections").await, 1);
    platform.stop().await;
}

#[tokio::test]
async fn nonsense_is_counted_to_the_end_and_kept_up_to_a_bound_for_each_operator_and_day() {
    let platform = Platform::start().await;
    let nonsense = |numbers: std::ops::Range<i64>| -> Vec<_> {
        numbers.map(|number| platform.item(&format!("X{number}"), 1, 60)).collect()
    };
    for numbers in [0..600, 600..1_200, 1_200..1_300] {
        let sent = i32::try_from(numbers.end - numbers.start).expect("small");
        assert_eq!(platform.push(operator(1), nonsense(numbers)).await.rejected, sent);
    }
    let kept = "SELECT count(*) FROM quality_items";
    assert_eq!(platform.count(kept).await, stations::store::quality::OF_A_DAY_MAX);
    assert_eq!(platform.count("SELECT rejected FROM quality_days").await, 1_300);
    // What is kept counts on, another reason and another operator have room of their own.
    platform.push(operator(1), nonsense(0..1)).await;
    assert_eq!(platform.count("SELECT times FROM quality_items WHERE connector_code = 'X0'").await, 2);
    platform.push(operator(1), vec![platform.item("X0", 9, 60)]).await;
    platform.push(operator(2), nonsense(0..1)).await;
    assert_eq!(platform.count(kept).await, stations::store::quality::OF_A_DAY_MAX + 2);
    sqlx::query("UPDATE quality_items SET first_at = first_at - interval '1 day'")
        .execute(&platform.pool)
        .await
        .expect("of yesterday");
    platform.push(operator(1), nonsense(2_000..2_001)).await;
    assert_eq!(platform.count(kept).await, stations::store::quality::OF_A_DAY_MAX + 3);
    platform.stop().await;
}

#[tokio::test]
async fn a_stream_answers_each_batch_in_order_and_many_at_once_lose_nothing() {
    let platform = Platform::start().await;
    for number in 1..=4 {
        platform.upsert(operator(number), record(&format!("S{number}"))).await.expect("registered");
    }
    let pushes = (1..=4_u128).map(|number| {
        let platform = &platform;
        async move {
            let batches: Vec<_> = (0..50_i64)
                .map(|turn| StatusBatch {
                    batch_id: format!("{turn}"),
                    items: vec![platform.item(
                        &format!("S{number}-1"),
                        i32::try_from(turn % 4).expect("small"),
                        3_000 - turn,
                    )],
                    pulled: false,
                })
                .collect();
            let answer = platform
                .ingest(operator(number))
                .push_status(tokio_stream::iter(batches))
                .await
                .expect("open");
            let receipts: Vec<_> = answer.into_inner().collect::<Result<_, _>>().await.expect("all answered");
            let ids: Vec<_> = receipts.iter().map(|receipt| receipt.batch_id.clone()).collect();
            assert_eq!(ids, (0..50).map(|turn| turn.to_string()).collect::<Vec<_>>());
            assert!(receipts.iter().all(|receipt| receipt.accepted == 1));
        }
    });
    futures::future::join_all(pushes).await;
    assert_eq!(platform.count("SELECT count(*) FROM status_history WHERE NOT late").await, 200);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn what_the_platform_asked_for_is_no_part_of_how_promptly_a_system_sends() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let items = vec![platform.item("S1-1", 1, 0)];
    let asked = StatusBatch { batch_id: "b".into(), items, pulled: true };
    platform.ingest(operator(1)).send_status(tokio_stream::iter([asked])).await.expect("taken");
    platform.push(operator(1), vec![platform.item("S1-2", 1, 60)]).await;
    let mut own = platform.registry(Who::Operator(operator(1)));
    let days = answer(own.list_quality_days(ListQualityDaysRequest::default()).await).expect("counted").days;
    let count = &days[0].counts[0];
    assert_eq!((count.accepted, count.prompt, count.pulled), (2, 0, 1));
    platform.stop().await;
}

#[tokio::test]
async fn limits_end_the_stream_with_a_reason() {
    let platform = Platform::start_with(|config| {
        config.ingest.batch_items_max = 2;
        config.ingest.waiting_items_max = 2;
    })
    .await;
    let send = |batch_id: &str, count: usize| {
        let items = vec![platform.item("S1-1", 1, 5); count];
        let batch = StatusBatch { batch_id: batch_id.into(), items, pulled: false };
        let mut ingest = platform.ingest(operator(1));
        async move { refused(answer(ingest.send_status(tokio_stream::iter([batch])).await)) }
    };
    assert_eq!(send("", 1).await, ("required".into(), "batch_id".into()));
    assert_eq!(send("b", 0).await, ("required".into(), "items".into()));
    assert_eq!(send("b", 3).await, ("too_many".into(), "items".into()));
    let many: Vec<_> = (0..64)
        .map(|turn| StatusBatch {
            batch_id: fresh(),
            items: vec![platform.item("S1-1", 1, turn); 2],
            pulled: false,
        })
        .collect();
    let answer = platform.ingest(operator(1)).push_status(tokio_stream::iter(many)).await.expect("open");
    let outcome: Result<Vec<_>, _> = answer.into_inner().collect().await;
    assert_eq!(outcome.expect_err("too much at once").code(), tonic::Code::ResourceExhausted);
    let mut person =
        proto::stations::ingest_client::IngestClient::new(platform.signed(Who::Operator(operator(1))));
    let batch = StatusBatch { batch_id: "b".into(), items: vec![platform.item("S1-1", 1, 5)], pulled: false };
    let result = person.send_status(tokio_stream::iter([batch])).await;
    assert_eq!(refused(crate::harness::answer(result)).0, "not_permitted");
    platform.stop().await;
}

#[tokio::test]
async fn telemetry_is_taken_once_and_other_values_for_the_same_time_win() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    platform.upsert(operator(2), record("S2")).await.expect("registered");
    let sample = |connector: &str, secs: i64, power_watts: i32| TelemetryItem {
        connector_id: connector.to_owned(),
        sample_time: platform.ago(secs),
        order_no: "N1".into(),
        energy_wh: 12_000,
        power_watts,
        voltage_decivolts: 7_500,
        current_deciamperes: 800,
        soc_percent: (connector == "S1-1").then_some(55),
    };
    let send = |items: Vec<TelemetryItem>| {
        let mut client = platform.ingest(operator(1));
        async move {
            let batch = TelemetryBatch { batch_id: fresh(), items };
            let sent = client.send_telemetry(tokio_stream::iter([batch])).await;
            outcomes(&answer(sent).expect("taken").receipts[0])
        }
    };
    let first = vec![sample("S1-1", 60, 60_000), sample("S1-2", 60, 7_000), sample("S1-1", 60, 60_000)];
    assert_eq!(send(first).await, ["accepted", "accepted", "duplicate"]);
    let second = vec![
        sample("S1-1", 60, 60_000),
        sample("S1-2", 60, 6_900),
        sample("S1-1", 45, 59_000),
        sample("S2-1", 45, 59_000),
        sample("S1-1", 30, 2_000_001),
        sample("S1-1", 80 * 3_600, 1),
    ];
    assert_eq!(
        send(second).await,
        [
            "duplicate",
            "accepted",
            "accepted",
            "rejected:unknown_connector",
            "rejected:out_of_range",
            "rejected:time_too_old"
        ]
    );
    assert_eq!(platform.count("SELECT count(*) FROM telemetry").await, 3);
    assert_eq!(
        platform.count("SELECT sum(power_watts)::bigint FROM telemetry").await,
        60_000 + 6_900 + 59_000
    );
    assert_eq!(platform.count("SELECT count(*) FROM telemetry WHERE soc_percent = 55").await, 2);
    assert_eq!(platform.count("SELECT count(*) FROM quality_items WHERE kind = 'telemetry'").await, 3);
    let many = i64::try_from(COPIED_FROM).expect("small");
    let all = |power_watts| (0..many).map(|at| sample("S1-2", 1_000 + at, power_watts)).collect::<Vec<_>>();
    assert_eq!(send(all(5_000)).await, vec!["accepted"; COPIED_FROM]);
    let mut again = all(5_000);
    again[7].power_watts = 5_001;
    again.push(sample("S1-2", 900, 5_000));
    let mut expected = vec!["duplicate"; COPIED_FROM];
    expected[7] = "accepted";
    expected.push("accepted");
    assert_eq!(send(again).await, expected);
    assert_eq!(platform.count("SELECT count(*) FROM telemetry").await, 3 + many + 1);
    assert_eq!(platform.count("SELECT count(*) FROM telemetry WHERE power_watts = 5001").await, 1);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn connectors_online_are_looked_at_once_an_hour_whoever_asks() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    platform.push(operator(1), vec![platform.item("S1-1", 1, 60)]).await;
    let next_hour = || async {
        sqlx::query("DELETE FROM online_hours").execute(&platform.pool).await.expect("forgotten");
    };
    let looks = || stations::store::quality_days::look(&platform.pool, time::Duration::minutes(30));
    // The service has looked when it started, before there was anything to see.
    next_hour().await;
    let looked = tokio::join!(looks(), looks(), looks());
    let looked = [looked.0, looked.1, looked.2].map(|found| found.expect("looked"));
    assert_eq!(looked.iter().sum::<u64>(), 1, "{looked:?}");
    next_hour().await;
    sqlx::query("UPDATE connector_state SET seen_at = seen_at - interval '1 day', changed_at = changed_at - interval '1 day'")
        .execute(&platform.pool)
        .await
        .expect("silent");
    assert_eq!(looks().await.expect("looked"), 1);
    let mut own = platform.registry(Who::Operator(operator(1)));
    let days = answer(own.list_quality_days(ListQualityDaysRequest::default()).await).expect("counted").days;
    let connectors = platform.count("SELECT count(*) FROM connectors").await;
    assert_eq!((days[0].looks, days[0].connectors, days[0].online), (2, 2 * connectors, 1));
    platform.stop().await;
}
