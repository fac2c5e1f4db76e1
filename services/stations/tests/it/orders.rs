//! Finished orders: held once, corrected by later ones only, never undone by a retry, and compared with what a system holds.
use proto::stations::{
    ChargePeriod, CheckOrdersRequest, CheckedOrder, GetOrderRequest, GetOrderResponse, OrderBatch, OrderItem,
};

use stations::store::copy::COPIED_FROM;

use crate::{
    harness::{Platform, Refused, Who, answer, id, operator, record, refused},
    ingest::outcomes,
};

pub fn order(platform: &Platform, number: &str, total_fen: i64, source_ago: i64) -> OrderItem {
    OrderItem {
        order_no: number.into(),
        connector_id: "S1-1".into(),
        start_time: platform.ago(7_200),
        end_time: platform.ago(3_600),
        energy_wh: 60_000,
        electricity_fen: total_fen - 100,
        service_fen: 100,
        total_fen,
        stop_reason: 0,
        source_time: platform.ago(source_ago),
        details: Vec::new(),
    }
}

pub async fn push_orders(platform: &Platform, items: Vec<OrderItem>) -> Vec<String> {
    let batch = OrderBatch { batch_id: "orders".into(), items };
    let answer = platform.ingest(operator(1)).send_orders(tokio_stream::iter([batch])).await.expect("taken");
    outcomes(&answer.into_inner().receipts[0])
}

#[tokio::test]
async fn orders_are_held_once_and_corrected_only_by_later_ones() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let make = |number, fen, ago| order(&platform, number, fen, ago);
    let first = vec![
        make("1", 4_800, 60),
        make("1", 4_800, 50),
        make("2", 4_800, 60),
        make("2", 4_900, 50),
        make("3", 4_800, 60),
        make("3", 4_900, 60),
        OrderItem { energy_wh: 999_000, ..make("4", 4_800, 60) },
        OrderItem { total_fen: 1, ..make("5", 4_800, 60) },
        OrderItem { connector_id: "S9-1".into(), ..make("6", 4_800, 60) },
        OrderItem { start_time: None, ..make("7", 4_800, 60) },
    ];
    assert_eq!(
        push_orders(&platform, first).await,
        [
            "accepted",
            "duplicate",
            "accepted",
            "accepted",
            "accepted",
            "rejected:order_conflict",
            "rejected:energy_implausible",
            "rejected:amount_mismatch",
            "rejected:unknown_connector",
            "rejected:bad_time",
        ]
    );
    let second = vec![make("1", 5_000, 10), make("1", 4_800, 60), make("1", 5_100, 20), make("1", 5_000, 10)];
    let expected = ["accepted", "stale", "rejected:order_conflict", "duplicate"];
    assert_eq!(push_orders(&platform, second).await, expected);
    assert_eq!(platform.count("SELECT count(*) FROM charge_orders").await, 3);
    assert_eq!(
        platform.count("SELECT sum(total_fen)::bigint FROM charge_orders").await,
        5_000 + 4_900 + 4_800
    );
    assert_eq!(platform.count("SELECT count(*) FROM superseded_orders").await, 2);
    assert_eq!(
        platform.count("SELECT count(*) FROM quality_items WHERE reason = 'order_corrected'").await,
        2
    );
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_retry_of_an_order_does_not_undo_its_correction_however_late_it_is_stamped() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let make = |fen, ago| order(&platform, "1", fen, ago);
    assert_eq!(push_orders(&platform, vec![make(4_800, 600)]).await, ["accepted"]);
    assert_eq!(push_orders(&platform, vec![make(4_900, 300)]).await, ["accepted"]);
    // The retry queue stamps anew what it has carried since before the correction.
    assert_eq!(push_orders(&platform, vec![make(4_800, 10)]).await, ["stale"]);
    // A retry of the correction is no newer content either: one that was made after it still corrects it.
    assert_eq!(
        push_orders(&platform, vec![make(4_900, 5), make(5_000, 100)]).await,
        ["duplicate", "accepted"]
    );
    assert_eq!(push_orders(&platform, vec![make(4_800, 1), make(4_900, 0)]).await, ["stale", "stale"]);
    assert_eq!(platform.count("SELECT total_fen FROM charge_orders").await, 5_000);
    assert_eq!(platform.count("SELECT sum(total_fen)::bigint FROM charge_days").await, 5_000);
    assert_eq!(platform.count("SELECT count(*) FROM superseded_orders").await, 2);
    let kept = "SELECT count(*) FROM quality_items WHERE reason = 'order_superseded'";
    assert_eq!(platform.count(kept).await, 3);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_comparison_names_the_orders_that_differ_and_those_that_are_not_held() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let order = |number: &str| OrderItem {
        order_no: number.into(),
        connector_id: "S1-1".into(),
        start_time: platform.ago(7_200),
        end_time: platform.ago(3_600),
        energy_wh: 30_254,
        electricity_fen: 2_000,
        service_fen: 1_015,
        total_fen: 3_015,
        stop_reason: 0,
        source_time: platform.ago(60),
        details: Vec::new(),
    };
    let batch = OrderBatch { batch_id: "b".into(), items: ["1", "2", "3"].map(order).to_vec() };
    platform.ingest(operator(1)).send_orders(tokio_stream::iter([batch])).await.expect("taken");
    let said = |number: &str, energy_wh: i64, total_fen: i64| CheckedOrder {
        order_no: number.into(),
        energy_wh,
        total_fen,
    };
    let orders = vec![
        said("1", 30_250, 3_015),
        said("2", 30_250, 3_016),
        said("3", 30_240, 3_015),
        said("4", 1, 1),
        said("\0", 1, 1),
    ];
    let asked = CheckOrdersRequest { orders };
    let answer = platform.ingest(operator(1)).check_orders(asked.clone()).await.expect("compared");
    let found: Vec<_> = answer
        .into_inner()
        .disputed
        .into_iter()
        .map(|one| (one.order_no, one.dispute, one.total_fen))
        .collect();
    let expected =
        [("2", "amount", 3_015), ("3", "energy", 3_015), ("4", "not_held", 0), ("\0", "not_held", 0)];
    assert_eq!(found, expected.map(|(number, why, fen)| (number.to_owned(), why.to_owned(), fen)));
    let foreign = platform.ingest(operator(2)).check_orders(asked).await.expect("compared");
    assert_eq!(foreign.into_inner().disputed.len(), 5);
    platform.stop().await;
}

#[tokio::test]
async fn an_order_that_is_held_is_known_even_beside_new_ones_and_without_its_connector() {
    let platform = Platform::start().await;
    let station = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let make = |number: &str, connector: &str| OrderItem {
        connector_id: connector.into(),
        ..order(&platform, number, 4_800, 60)
    };
    assert_eq!(
        push_orders(&platform, vec![make("A", "S1-1"), make("B", "S1-2")]).await,
        ["accepted", "accepted"]
    );
    assert_eq!(
        push_orders(&platform, vec![make("B", "S1-2"), make("C", "S1-1")]).await,
        ["duplicate", "accepted"]
    );
    let mut without = record("S1");
    without.equipment[0].connectors.truncate(1);
    without.station_id = id(&station);
    platform.upsert(operator(1), without).await.expect("a connector leaves");
    let last = push_orders(&platform, vec![make("B", "S1-2"), make("D", "S1-1"), make("E", "S1-2")]).await;
    assert_eq!(last, ["duplicate", "accepted", "rejected:unknown_connector"]);
    assert_eq!(platform.count("SELECT count(*) FROM charge_orders").await, 4);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn one_order_that_is_held_is_found_among_many_new_ones_and_all_of_them_are_kept_as_they_were_said() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let make = |number: usize| OrderItem {
        details: details(&platform, 20_000, 40_000),
        ..order(&platform, &format!("N{number:04}"), 4_800, 60)
    };
    let many = COPIED_FROM + 1;
    let accepted = vec!["accepted"; many];
    assert_eq!(push_orders(&platform, (0..many).map(make).collect()).await, accepted);
    // Another process has taken an order that this one knows nothing of.
    let held = "INSERT INTO charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen,
                    service_fen, total_fen, stop_reason, source_time, content_hash, received_at)
                SELECT operator_id, 'N9000', connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen,
                    total_fen, stop_reason, source_time, '\\x00000000000000000000000000000000', received_at
                FROM charge_orders WHERE order_no = 'N0000'";
    sqlx::query(held).execute(&platform.pool).await.expect("held");
    let others = (9_000 - COPIED_FROM..=9_000).map(make).collect();
    let mut expected = vec!["accepted"; COPIED_FROM];
    expected.push("rejected:order_conflict");
    assert_eq!(push_orders(&platform, others).await, expected);
    let all = i64::try_from(2 * COPIED_FROM + 2).expect("small");
    assert_eq!(platform.count("SELECT count(*) FROM charge_orders").await, all);
    assert_eq!(platform.count("SELECT sum(orders)::bigint FROM charge_days").await, all - 1);
    for number in [0, COPIED_FROM, 8_999] {
        let order = make(number);
        let said = get_order(&platform, Who::Administrator, &order.order_no).await.expect("held").contents;
        assert_eq!(said[0].order, Some(order));
    }
    platform.stop().await;
}

/// Half an hour at night and half an hour in the morning, which take so much of the energy of [`order`].
fn details(platform: &Platform, night_wh: i64, morning_wh: i64) -> Vec<ChargePeriod> {
    let period = |start, end, energy_wh, price| ChargePeriod {
        start_time: platform.ago(start),
        end_time: platform.ago(end),
        energy_wh,
        electricity_price_e6: Some(price),
        service_price_e6: None,
        electricity_fen: None,
        service_fen: None,
    };
    vec![period(7_200, 5_400, night_wh, 312_500), period(5_400, 3_600, morning_wh, 1_000_000)]
}

async fn get_order(platform: &Platform, who: Who, number: &str) -> Result<GetOrderResponse, Refused> {
    let body = GetOrderRequest { operator_id: operator(1).to_string(), order_no: number.into() };
    answer(platform.registry(who).get_order(body).await)
}

#[tokio::test]
async fn an_order_is_read_with_the_details_that_were_said_and_what_it_has_replaced() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let first = OrderItem { details: details(&platform, 20_000, 40_000), ..order(&platform, "1", 4_800, 60) };
    let later = OrderItem { details: details(&platform, 30_000, 30_000), ..order(&platform, "1", 4_900, 30) };
    assert_eq!(push_orders(&platform, vec![first.clone()]).await, ["accepted"]);
    assert_eq!(push_orders(&platform, vec![later.clone()]).await, ["accepted"]);
    for who in [Who::Operator(operator(1)), Who::Administrator] {
        let held = get_order(&platform, who, "1").await.expect("held").contents;
        let said: Vec<_> = held.iter().filter_map(|content| content.order.clone()).collect();
        assert_eq!(said, [later.clone(), first.clone()]);
        assert!(held[0].superseded_at.is_none() && held[1].superseded_at.is_some());
    }
    let owner = Who::Operator(operator(1));
    for number in ["2", "\0", ""] {
        assert_eq!(refused(get_order(&platform, owner, number).await).0, "not_found");
    }
    assert_eq!(refused(get_order(&platform, Who::Operator(operator(2)), "1").await).0, "not_found");
    platform.stop().await;
}

#[tokio::test]
async fn a_content_says_whether_the_sums_of_its_details_contradict_its_totals() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let first = OrderItem { details: details(&platform, 20_000, 30_000), ..order(&platform, "1", 4_800, 60) };
    let later = OrderItem { details: details(&platform, 20_000, 40_000), ..order(&platform, "1", 4_900, 30) };
    assert_eq!(push_orders(&platform, vec![first]).await, ["accepted"]);
    assert_eq!(push_orders(&platform, vec![later]).await, ["accepted"]);
    let held = get_order(&platform, Who::Operator(operator(1)), "1").await.expect("held").contents;
    assert_eq!(held.iter().map(|one| one.contradictory).collect::<Vec<_>>(), [false, true]);
    platform.stop().await;
}

#[tokio::test]
async fn other_details_of_an_order_are_another_content_only_where_their_sums_contradict_it() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let order = |details, ago| OrderItem { details, ..order(&platform, "1", 4_800, ago) };
    let said = details(&platform, 20_000, 40_000);
    let sent = vec![
        order(said.clone(), 60),
        order(Vec::new(), 50),
        order(details(&platform, 25_000, 35_000), 40),
        order(details(&platform, 20_000, 30_000), 60),
    ];
    let expected = ["accepted", "duplicate", "duplicate", "rejected:order_conflict"];
    assert_eq!(push_orders(&platform, sent).await, expected);
    let held = get_order(&platform, Who::Operator(operator(1)), "1").await.expect("held").contents;
    assert_eq!(held.iter().filter_map(|one| one.order.clone()).collect::<Vec<_>>(), [order(said, 60)]);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn details_without_a_time_or_without_end_refuse_their_order_alone() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    let mut timeless = details(&platform, 20_000, 40_000);
    timeless[1].end_time = None;
    let many = vec![details(&platform, 0, 0).remove(0); 129];
    let sent = [("1", timeless), ("2", many), ("3", Vec::new())];
    let items = sent.map(|(number, details)| OrderItem { details, ..order(&platform, number, 4_800, 60) });
    let batch = OrderBatch { batch_id: "b".into(), items: items.to_vec() };
    let receipts =
        platform.ingest(operator(1)).send_orders(tokio_stream::iter([batch])).await.expect("taken");
    let results = receipts.into_inner().receipts.remove(0).results;
    let found: Vec<_> = results.iter().map(|one| (one.reason.as_str(), one.field.as_str())).collect();
    assert_eq!(found, [("bad_time", "details[1].end_time"), ("too_many", "details"), ("", "")]);
    platform.stop().await;
}
