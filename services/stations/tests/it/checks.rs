//! Comparisons: what an operator's system says of a day beside the orders that are held.
use proto::stations::{
    CheckOutcome, ConnectorStatistics, ListEndedOrdersRequest, ListEndedOrdersResponse,
    ListQualityDaysRequest, ListQualityItemsRequest, OperatorDispute, OrderBatch, OrderItem, QualityItem,
    RefusedMessages, ReportDisputesRequest, ReportListedRequest, ReportRefusedRequest,
    ReportStatisticsRequest, StationStatistics,
};
use time::{Date, Duration, OffsetDateTime};

use crate::harness::{Platform, Who, answer, fresh, operator, record, refused};

const HOUR: i64 = 3_600;

/// The beginning of yesterday in Asia/Shanghai, in seconds before the start of the test; and its name.
fn yesterday(platform: &Platform) -> (i64, Date) {
    let now = platform.ago(0).expect("now").seconds;
    let begin = (now + 8 * HOUR).div_euclid(86_400) * 86_400 - 8 * HOUR - 86_400;
    let noon = OffsetDateTime::from_unix_timestamp(begin + 12 * HOUR).expect("a moment");
    (now - begin, (noon + Duration::hours(8)).date())
}

/// Reports a list that the operator's system made of a window of yesterday, and which of it the platform disputed.
async fn list(
    platform: &Platform,
    (from, to): (i64, i64),
    numbers: &[&str],
    disputed: &[&str],
) -> CheckOutcome {
    let (begin, _) = yesterday(platform);
    let owned = |numbers: &[&str]| numbers.iter().map(|number| (*number).to_owned()).collect();
    let body = ReportListedRequest {
        request_id: fresh(),
        operator_id: operator(1).to_string(),
        check_no: "C 1".into(),
        start_time: platform.ago(begin - from),
        end_time: platform.ago(begin - to),
        order_nos: owned(numbers),
        disputed_order_nos: owned(disputed),
    };
    answer(platform.checks(Who::Interconnect).report_listed(body).await).expect("taken")
}

/// An order of an hour that ended so many seconds after the beginning of yesterday.
fn order(platform: &Platform, number: &str, gun: &str, ended: i64, energy_wh: i64) -> OrderItem {
    let (begin, _) = yesterday(platform);
    OrderItem {
        order_no: number.into(),
        connector_id: gun.into(),
        start_time: platform.ago(begin - ended + HOUR),
        end_time: platform.ago(begin - ended),
        energy_wh,
        electricity_fen: 300,
        service_fen: 100,
        total_fen: 400,
        stop_reason: 0,
        source_time: platform.ago(60),
        details: Vec::new(),
    }
}

async fn push(platform: &Platform, owner: u128, items: Vec<OrderItem>) {
    for items in items.chunks(1_000) {
        let batch = OrderBatch { batch_id: "b".into(), items: items.to_vec() };
        let taken = platform.ingest(operator(owner)).send_orders(tokio_stream::iter([batch])).await;
        let receipt = taken.expect("answered").into_inner().receipts.remove(0);
        assert_eq!(receipt.accepted as usize, items.len(), "{receipt:?}");
    }
}

/// Code of a station, Wh, and the same of its connectors.
type Told<'t> = (&'t str, i64, &'t [(&'t str, i64)]);

async fn statistics(platform: &Platform, told: &[Told<'_>]) -> CheckOutcome {
    let stations = told.iter().map(|(code, energy_wh, guns)| StationStatistics {
        station_code: (*code).into(),
        energy_wh: *energy_wh,
        connectors: guns
            .iter()
            .map(|(id, wh)| ConnectorStatistics { connector_id: (*id).into(), energy_wh: *wh })
            .collect(),
    });
    let day = yesterday(platform).1.to_string();
    let body = ReportStatisticsRequest {
        request_id: fresh(),
        operator_id: operator(1).to_string(),
        day,
        stations: stations.collect(),
    };
    answer(platform.checks(Who::Interconnect).report_statistics(body).await).expect("taken")
}

async fn items(platform: &Platform, kind: &str) -> Vec<QualityItem> {
    let body = ListQualityItemsRequest { kind: kind.into(), ..ListQualityItemsRequest::default() };
    answer(platform.registry(Who::Ingest(operator(1))).list_quality_items(body).await).expect("listed").items
}

/// Accepted and rejected of a kind today.
async fn counted(platform: &Platform, kind: &str) -> (i64, i64) {
    let asked = ListQualityDaysRequest::default();
    let days = answer(platform.registry(Who::Operator(operator(1))).list_quality_days(asked).await);
    let counts = days.expect("listed").days.into_iter().flat_map(|day| day.counts);
    counts
        .filter(|count| count.kind == kind)
        .fold((0, 0), |(taken, not), count| (taken + count.accepted, not + count.rejected))
}

async fn ended(platform: &Platform, who: u128, from: i64, to: i64) -> ListEndedOrdersResponse {
    let (begin, _) = yesterday(platform);
    let body = ListEndedOrdersRequest {
        operator_id: operator(who).to_string(),
        start_time: platform.ago(begin - from),
        end_time: platform.ago(begin - to),
    };
    answer(platform.checks(Who::Interconnect).list_ended_orders(body).await).expect("listed")
}

#[tokio::test]
async fn statistics_are_compared_with_the_orders_of_their_own_station_and_day() {
    let platform = Platform::start().await;
    for (owner, code) in [(1, "S1"), (1, "S2"), (2, "S1")] {
        platform.upsert(operator(owner), record(code)).await.expect("registered");
    }
    let own = vec![
        order(&platform, "1", "S1-1", HOUR, 40_000),
        order(&platform, "2", "S1-2", 20 * HOUR, 60_000),
        order(&platform, "3", "S2-1", 5 * HOUR, 7_000),
        order(&platform, "before", "S1-1", -1, 80_000),
        order(&platform, "after", "S1-2", 86_400, 90_000),
    ];
    push(&platform, 1, own).await;
    push(&platform, 2, vec![order(&platform, "1", "S1-1", HOUR, 50_000)]).await;
    let agree = statistics(&platform, &[("S1", 101_000, &[]), ("S2", 7_000, &[])]).await;
    assert_eq!((agree.agreeing, agree.disagreeing, agree.example.as_str()), (2, 0, ""));
    assert_eq!(items(&platform, "").await, []);
    let guns: &[(&str, i64)] = &[("S1-1", 40_000), ("S1-2", 80_000)];
    let differ = statistics(&platform, &[("S1", 120_000, guns), ("S2", 7_100, &[]), ("S9", 500, &[])]).await;
    assert_eq!((differ.agreeing, differ.disagreeing), (1, 2));
    let mut found = items(&platform, "statistics").await;
    found.sort_by(|a, b| a.example.cmp(&b.example));
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].reason.as_str(), found[0].connector_id.as_str()), ("statistics_differ", "S1-2"));
    assert!(
        found[0].example.contains("场站 S1：运营商统计 120.00 千瓦时，平台订单 2 笔 100.00 千瓦时"),
        "{found:?}"
    );
    assert!(found[0].example.contains("运营商统计 80.00 千瓦时，平台订单 1 笔 60.00 千瓦时"), "{found:?}");
    assert!(found[1].example.contains("场站 S9"), "a station that is not held has no orders");
    assert!(differ.example.contains("S1"), "{}", differ.example);
    assert_eq!(counted(&platform, "statistics").await, (3, 2));
    platform.stop().await;
}

#[tokio::test]
async fn a_report_repeated_with_its_id_counts_once_and_one_that_breaks_a_rule_is_refused() {
    let platform = Platform::start().await;
    let day = yesterday(&platform).1.to_string();
    let station = |code: &str, energy_wh| StationStatistics {
        station_code: code.into(),
        energy_wh,
        ..StationStatistics::default()
    };
    let body = |day: &str, stations| ReportStatisticsRequest {
        request_id: fresh(),
        operator_id: operator(1).to_string(),
        day: day.to_owned(),
        stations,
    };
    let same = body(&day, vec![station("S1", 500)]);
    let mut client = platform.checks(Who::Interconnect);
    let first = answer(client.report_statistics(same.clone()).await).expect("taken");
    assert_eq!(answer(client.report_statistics(same).await), Ok(first));
    assert_eq!((counted(&platform, "statistics").await, items(&platform, "").await[0].times), ((0, 1), 1));
    for (wrong, reason) in [
        (body("yesterday", vec![station("S1", 1)]), "unknown_value"),
        (body(&day, vec![]), "required"),
        (body(&day, vec![station("", 1)]), "required"),
        (body(&day, vec![station("S1", -1)]), "out_of_range"),
    ] {
        assert_eq!(refused(answer(client.report_statistics(wrong).await)).0, reason);
    }
    platform.stop().await;
}

#[tokio::test]
async fn each_disputed_order_becomes_an_item_with_both_sides() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let own = ["1", "2", "3", "4"].map(|number| order(&platform, number, "S1-1", HOUR, 10_000));
    push(&platform, 1, own.to_vec()).await;
    let (begin, _) = yesterday(&platform);
    let dispute = |number: &str, reason| OperatorDispute {
        order_no: number.into(),
        energy_wh: 9_000,
        total_fen: 390,
        reason,
    };
    let body = |disputes| ReportDisputesRequest {
        request_id: fresh(),
        operator_id: operator(1).to_string(),
        check_no: "C1".into(),
        start_time: platform.ago(begin),
        end_time: platform.ago(begin - 86_400),
        listed: 4,
        disputes,
    };
    let mut client = platform.checks(Who::Interconnect);
    let none = answer(client.report_disputes(body(vec![])).await).expect("taken");
    assert_eq!((none.agreeing, none.disagreeing), (4, 0));
    assert_eq!(items(&platform, "").await, []);
    let disputes = vec![dispute("1", 1), dispute("2", 2), dispute("3", 3), dispute("9", 2)];
    let some = answer(client.report_disputes(body(disputes)).await).expect("taken");
    assert_eq!((some.agreeing, some.disagreeing), (0, 4), "the one that was not listed is counted too");
    let mut found = items(&platform, "order_check").await;
    found.sort_by(|a, b| a.order_no.cmp(&b.order_no));
    let reasons: Vec<_> = found.iter().map(|item| (item.order_no.as_str(), item.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("1", "order_unknown_to_operator"),
            ("2", "order_amount_disputed"),
            ("3", "order_energy_disputed"),
            ("9", "order_not_held"),
        ]
    );
    assert_eq!(found[1].example, "运营商应答 9.00 千瓦时、3.90 元，平台 10.00 千瓦时、4.00 元");
    assert_eq!(counted(&platform, "order_check").await, (0, 4), "in the place of the answer before");
    let wrong = body(vec![dispute("1", 0)]);
    assert_eq!(refused(answer(client.report_disputes(wrong).await)).0, "out_of_range");
    platform.stop().await;
}

#[tokio::test]
async fn an_order_that_an_operator_leaves_out_of_its_own_list_becomes_an_item() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let own = [("1", HOUR), ("2", 2 * HOUR), ("midnight", HOUR / 2), ("after", 86_400)];
    push(&platform, 1, own.map(|(number, at)| order(&platform, number, "S1-1", at, 10_000)).to_vec()).await;
    let whole = list(&platform, (0, 86_400), &["1", "2"], &[]).await;
    assert_eq!((whole.agreeing, whole.disagreeing), (2, 0), "one of midnight may count on the day before");
    assert_eq!(items(&platform, "").await, []);
    let short = list(&platform, (0, 86_400), &["1", "no number"], &[]).await;
    assert_eq!((short.agreeing, short.disagreeing), (1, 1));
    let found = items(&platform, "order_check").await;
    let shown: Vec<_> = found
        .iter()
        .map(|item| (item.order_no.as_str(), item.reason.as_str(), item.example.as_str()))
        .collect();
    assert_eq!(shown, [("2", "order_not_listed", "平台 10.00 千瓦时、4.00 元")]);
    platform.stop().await;
}

#[tokio::test]
async fn a_disputed_order_of_an_operators_own_list_does_not_agree() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let own = ["1", "2", "3"].map(|number| order(&platform, number, "S1-1", 2 * HOUR, 10_000));
    push(&platform, 1, own.to_vec()).await;
    let came = list(&platform, (0, 86_400), &["1", "1", "2", "never sent"], &["2", "never sent"]).await;
    assert_eq!((came.agreeing, came.disagreeing), (1, 3), "1 agrees; 3 was not listed");
    assert_eq!(counted(&platform, "order_check").await, (1, 3));
    let found = items(&platform, "order_check").await;
    assert_eq!(found.iter().map(|item| item.order_no.as_str()).collect::<Vec<_>>(), ["3"]);
    platform.stop().await;
}

#[tokio::test]
async fn a_check_of_the_same_window_takes_the_place_of_the_one_before() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let own = [("1", 2 * HOUR), ("2", 3 * HOUR), ("3", 20 * HOUR)];
    push(&platform, 1, own.map(|(number, at)| order(&platform, number, "S1-1", at, 10_000)).to_vec()).await;
    for _ in 0..3 {
        list(&platform, (0, 86_400), &["1"], &[]).await;
        assert_eq!(counted(&platform, "order_check").await, (1, 2));
        let times: Vec<_> = items(&platform, "order_check").await.iter().map(|item| item.times).collect();
        assert_eq!(times, [1, 1], "the same check, made again");
    }
    list(&platform, (0, 86_400), &["1", "2"], &["2"]).await;
    assert_eq!(counted(&platform, "order_check").await, (1, 2), "2 is listed now, and disputed");
    sqlx::query("UPDATE order_checks SET counted_on = counted_on - 1")
        .execute(&platform.pool)
        .await
        .expect("set");
    sqlx::query("UPDATE quality_days SET day = day - 1").execute(&platform.pool).await.expect("set");
    list(&platform, (0, 12 * HOUR), &["1", "2"], &[]).await;
    assert_eq!(counted(&platform, "order_check").await, (2, 0), "taken out of the day on which it counted");
    list(&platform, (12 * HOUR, 86_400), &["3"], &[]).await;
    assert_eq!(counted(&platform, "order_check").await, (3, 0), "another window is another check");
    list(&platform, (0, 86_400), &["1", "2", "3"], &[]).await;
    assert_eq!(counted(&platform, "order_check").await, (3, 0), "the parts of the day are the day");
    platform.stop().await;
}

#[tokio::test]
async fn nobody_but_interconnect_reports_comparisons() {
    let platform = Platform::start().await;
    let own = || operator(1).to_string();
    for who in [Who::Ingest(operator(1)), Who::Operator(operator(1)), Who::Administrator, Who::Reviews] {
        let mut client = platform.checks(who);
        let ended = ListEndedOrdersRequest { operator_id: own(), ..Default::default() };
        let statistics =
            ReportStatisticsRequest { request_id: fresh(), operator_id: own(), ..Default::default() };
        let disputes =
            ReportDisputesRequest { request_id: fresh(), operator_id: own(), ..Default::default() };
        let listed = ReportListedRequest { request_id: fresh(), operator_id: own(), ..Default::default() };
        assert_eq!(refused(answer(client.list_ended_orders(ended).await)).0, "not_permitted");
        assert_eq!(refused(answer(client.report_statistics(statistics).await)).0, "not_permitted");
        assert_eq!(refused(answer(client.report_disputes(disputes).await)).0, "not_permitted");
        assert_eq!(refused(answer(client.report_listed(listed).await)).0, "not_permitted");
    }
    platform.stop().await;
}

#[tokio::test]
async fn orders_of_a_window_are_listed_by_their_ends_in_pieces_that_end_between_seconds() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    platform.upsert(operator(2), record("S1")).await.expect("registered");
    let number = |at: i64| format!("N{at:05}");
    let mut orders: Vec<_> =
        (0..6_000).map(|at| order(&platform, &number(at), "S1-1", (at + 1) / 2, 1_000)).collect();
    orders.push(order(&platform, "before", "S1-1", -1, 1_000));
    orders.push(order(&platform, "after", "S1-1", 86_400, 1_000));
    push(&platform, 1, orders).await;
    push(&platform, 2, vec![order(&platform, "foreign", "S1-1", HOUR, 1_000)]).await;
    let first = ended(&platform, 1, 0, 86_400).await;
    assert_eq!(first.orders.len(), 4_999, "two orders of one second stay together");
    assert_eq!(first.until, platform.ago(yesterday(&platform).0 - 2_500));
    let rest = ended(&platform, 1, 2_500, 86_400).await;
    assert_eq!((rest.orders.len(), rest.until), (1_001, platform.ago(yesterday(&platform).0 - 86_400)));
    let all: Vec<_> = first.orders.iter().chain(&rest.orders).map(|one| one.order_no.clone()).collect();
    assert_eq!(all, (0..6_000).map(number).collect::<Vec<_>>(), "each once, and nobody else's");
    let (begin, _) = yesterday(&platform);
    for (start, end) in [(begin, begin - 86_401), (begin, begin)] {
        let body = ListEndedOrdersRequest {
            operator_id: operator(1).to_string(),
            start_time: platform.ago(start),
            end_time: platform.ago(end),
        };
        let mut client = platform.checks(Who::Interconnect);
        assert_eq!(refused(answer(client.list_ended_orders(body).await)).0, "out_of_range");
    }
    platform.stop().await;
}

#[tokio::test]
async fn what_was_refused_at_the_edge_is_kept_by_reason_and_counted_for_the_day() {
    let platform = Platform::start().await;
    let one = |kind: &str, ret: i32, fields: &[&str], times: i32| RefusedMessages {
        kind: kind.into(),
        method: "notification_stationStatus".into(),
        ret,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        text: "说明\u{7}".into(),
        connector_id: "G1".into(),
        times,
        ..RefusedMessages::default()
    };
    let report = |refused: Vec<RefusedMessages>| ReportRefusedRequest {
        operator_id: operator(1).to_string(),
        refused,
    };
    let mut checks = platform.checks(Who::Interconnect);
    let first = vec![
        one("status", 4_001, &[], 2),
        one("status", 4_003, &["TimeStamp"], 1),
        one("status", 4_004, &["ConnectorStatusInfo[].Status"], 300),
        one("link", 4_003, &[], 1),
    ];
    answer(checks.report_refused(report(first)).await).expect("taken");
    answer(checks.report_refused(report(vec![one("status", 4_001, &[], 1)])).await).expect("taken");
    let mut own = platform.registry(Who::Operator(operator(1)));
    let listed = answer(own.list_quality_items(ListQualityItemsRequest::default()).await).expect("listed");
    let mut kept: Vec<(&str, &str, &str, i64)> = listed
        .items
        .iter()
        .map(|item| (item.kind.as_str(), item.reason.as_str(), item.field.as_str(), item.times))
        .collect();
    kept.sort_unstable();
    let expected = [
        ("link", "refused_envelope", "", 1),
        ("status", "refused_clock", "TimeStamp", 1),
        ("status", "refused_content", "ConnectorStatusInfo[].Status", 100),
        ("status", "refused_signature", "", 3),
    ];
    assert_eq!(kept, expected);
    assert!(listed.items.iter().all(|item| item.example == "notification_stationStatus：说明"));
    let days = answer(own.list_quality_days(ListQualityDaysRequest::default()).await).expect("listed").days;
    let counted: Vec<(&str, i64)> =
        days[0].counts.iter().map(|count| (count.kind.as_str(), count.rejected)).collect();
    assert_eq!(counted, [("link", 1), ("status", 304)]);
    for (wrong, field) in [
        (one("other", 4_001, &[], 1), "refused[0].kind"),
        (one("status", 0, &[], 1), "refused[0].ret"),
        (one("status", 4_001, &[], 0), "refused[0].times"),
    ] {
        assert_eq!(refused(answer(checks.report_refused(report(vec![wrong])).await)).1, field);
    }
    let mut stranger = platform.checks(Who::Ingest(operator(1)));
    assert_eq!(refused(answer(stranger.report_refused(report(vec![])).await)).0, "not_permitted");
    platform.assert_sound().await;
    platform.stop().await;
}
