//! Sums by day, place and operator: each order counts once, as last corrected, and everybody sees the sums of one's scope.
use proto::stations::{ChargeSums, ListChargeDaysRequest, OrderBatch, OrderItem, StationRecord};
use sqlx::Row as _;

use crate::harness::{Platform, Who, answer, operator, record, refused};

const HOUR: i64 = 3_600;

fn order(platform: &Platform, number: &str, gun: &str, ended_ago: i64, energy_wh: i64) -> OrderItem {
    OrderItem {
        order_no: number.into(),
        connector_id: gun.into(),
        start_time: platform.ago(ended_ago + HOUR),
        end_time: platform.ago(ended_ago),
        energy_wh,
        electricity_fen: 300,
        service_fen: 100,
        total_fen: 400,
        stop_reason: 0,
        source_time: platform.ago(60),
        details: Vec::new(),
    }
}

async fn push(platform: &Platform, owner: u128, batches: Vec<Vec<OrderItem>>) {
    let batches: Vec<OrderBatch> =
        batches.into_iter().map(|items| OrderBatch { batch_id: "b".into(), items }).collect();
    platform.ingest(operator(owner)).send_orders(tokio_stream::iter(batches)).await.expect("answered");
}

async fn sums(platform: &Platform, who: Who, body: ListChargeDaysRequest) -> Vec<ChargeSums> {
    answer(platform.statistics(who).list_charge_days(body).await).expect("listed").sums
}

fn by(members: &[&str]) -> ListChargeDaysRequest {
    let by = members.iter().map(|member| (*member).to_owned()).collect();
    ListChargeDaysRequest { by, ..ListChargeDaysRequest::default() }
}

/// The same from the orders themselves: day, operator, orders, energy, money, seconds.
async fn from_orders(platform: &Platform) -> Vec<(String, String, i64, i64, i64, i64)> {
    let rows = sqlx::query(
        "SELECT ((end_at + interval '8 hours') AT TIME ZONE 'UTC')::date::text, operator_id::text, count(*),
                sum(energy_wh)::bigint, sum(total_fen)::bigint, sum(extract(epoch FROM end_at - start_at))::bigint
         FROM charge_orders GROUP BY 1, 2 ORDER BY 1 DESC, 2",
    );
    let rows = rows.fetch_all(&platform.pool).await.expect("read");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5))).collect()
}

#[tokio::test]
async fn repeated_contradicting_and_corrected_orders_count_once() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    platform.upsert(operator(2), record("S2")).await.expect("registered");
    let mut first = Vec::new();
    for number in 0..60 {
        // Over three days, so that there is a midnight among them.
        first.push(order(&platform, &number.to_string(), "S1-1", HOUR + number * HOUR, 10_000 + number));
    }
    // All at once, each twice: the second process of an operator, or a repetition after a lost answer.
    let twice = vec![first.clone(), first.clone()];
    tokio::join!(push(&platform, 1, twice.clone()), push(&platform, 1, twice));
    push(&platform, 2, vec![vec![order(&platform, "0", "S2-1", HOUR, 20_000)]]).await;
    let of = |number: &str, energy_wh, source_ago| OrderItem {
        source_time: platform.ago(source_ago),
        ..order(&platform, number, "S1-1", HOUR, energy_wh)
    };
    // A contradiction is refused; a correction moves the order to another day; one of several corrections at once counts.
    let later = OrderItem {
        end_time: platform.ago(50 * HOUR),
        start_time: platform.ago(51 * HOUR),
        ..of("1", 9, 30)
    };
    push(&platform, 1, vec![vec![of("0", 99_000, 60), later, of("2", 30_000, 30), of("2", 31_000, 20)]])
        .await;
    push(&platform, 1, vec![vec![of("2", 32_000, 25)], vec![of("new", 1, 30), of("new", 2, 20)]]).await;

    let told = sums(&platform, Who::Administrator, by(&["day", "operator"])).await;
    let told: Vec<_> = told
        .into_iter()
        .map(|one| (one.day, one.operator_id, one.orders, one.energy_wh, one.total_fen, one.charged_secs))
        .collect();
    assert_eq!(told, from_orders(&platform).await);
    assert!(told.len() >= 4, "{told:?}");
    let [all] = sums(&platform, Who::Administrator, by(&[])).await[..].to_vec().try_into().expect("one sum");
    let ChargeSums { orders, energy_wh, total_fen, electricity_fen, service_fen, charged_secs, .. } = all;
    let energy =
        (0..60).map(|number| 10_000 + number).sum::<i64>() - 10_001 + 9 - 10_002 + 31_000 + 2 + 20_000;
    assert_eq!((orders, energy_wh), (62, energy));
    assert_eq!((electricity_fen, service_fen, total_fen), (62 * 300, 62 * 100, 62 * 400));
    assert_eq!(charged_secs, 62 * HOUR);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn sums_are_seen_by_scope_and_a_station_that_moves_takes_no_past_along() {
    let platform = Platform::start().await;
    let elsewhere = StationRecord { county: "410122".into(), ..record("S2") };
    let other_city = StationRecord { county: "419001".into(), ..record("S3") };
    platform.upsert(operator(1), record("S1")).await.expect("registered");
    platform.upsert(operator(2), elsewhere).await.expect("registered");
    platform.upsert(operator(2), other_city).await.expect("registered");
    push(&platform, 1, vec![vec![order(&platform, "1", "S1-1", HOUR, 1_000)]]).await;
    push(&platform, 2, vec![vec![order(&platform, "1", "S2-1", HOUR, 2_000)]]).await;
    push(&platform, 2, vec![vec![order(&platform, "2", "S3-1", HOUR, 3_000)]]).await;
    platform.push(operator(1), vec![platform.item("S1-1", 1, 60)]).await;
    // The service itself has had its look of this hour, before there were stations.
    sqlx::query("DELETE FROM online_hours").execute(&platform.pool).await.expect("forgotten");
    let window = time::Duration::minutes(200);
    stations::store::quality_days::look(&platform.pool, window).await.expect("looked");

    let seen = async |who, body| -> Vec<(String, i64, i64, i64, i32)> {
        let sums = sums(&platform, who, body).await;
        let each = sums.into_iter().map(|one| {
            (one.county, one.energy_wh, one.connector_hours, one.online_hours, one.utilisation_permille)
        });
        each.collect()
    };
    // One hour was charged in the two hours of two connectors.
    let (here, there) = (("410105".to_owned(), 1_000, 2, 1, 500), ("410122".to_owned(), 2_000, 2, 0, 500));
    let county = || by(&["county"]);
    let far = ("419001".to_owned(), 3_000, 2, 0, 500);
    let within = |code: &str| ListChargeDaysRequest { division: code.into(), ..county() };
    let named = |number| ListChargeDaysRequest { operator_id: operator(number).to_string(), ..county() };
    // Of everything, of the city, of one county, of the second operator.
    for (who, [all, city, one, second]) in [
        (
            Who::Administrator,
            [vec![&here, &there, &far], vec![&here, &there], vec![&there], vec![&there, &far]],
        ),
        (Who::County("410105"), [vec![&here], vec![&here], vec![], vec![]]),
        // A city's office.
        (Who::County("410100"), [vec![&here, &there], vec![&here, &there], vec![&there], vec![&there]]),
        (Who::County("419001"), [vec![&far], vec![], vec![], vec![&far]]),
        (Who::County("410199"), [vec![], vec![], vec![], vec![]]),
        (Who::County(""), [vec![], vec![], vec![], vec![]]),
        (Who::Operator(operator(2)), [vec![&there, &far], vec![&there], vec![&there], vec![&there, &far]]),
    ] {
        for (body, expected) in
            [(county(), all), (within("410100"), city), (within("410122"), one), (named(2), second)]
        {
            let told = seen(who, body.clone()).await;
            assert_eq!(told.iter().collect::<Vec<_>>(), expected, "{body:?}");
        }
    }
    for who in [Who::Ingest(operator(1)), Who::Reviews, Who::Interconnect] {
        let asked = platform.statistics(who).list_charge_days(county()).await;
        assert_eq!(refused(answer(asked)).0, "not_permitted");
    }
    let refuse = async |who, body| refused(answer(platform.statistics(who).list_charge_days(body).await)).0;
    assert_eq!(refuse(Who::Operator(operator(2)), named(1)).await, "not_found");
    assert_eq!(refuse(Who::Administrator, by(&["month"])).await, "unknown_value");
    let long = ListChargeDaysRequest { first_day: "2020-01-01".into(), ..by(&[]) };
    assert_eq!(refuse(Who::Administrator, long).await, "out_of_range");

    let moved = StationRecord { county: "410122".into(), ..record("S1") };
    platform.upsert(operator(1), moved).await.expect("moved");
    push(&platform, 1, vec![vec![order(&platform, "2", "S1-1", HOUR, 500)]]).await;
    let energies = async || -> Vec<(String, i64)> {
        let all = seen(Who::Administrator, county()).await;
        all.into_iter().map(|(county, energy_wh, ..)| (county, energy_wh)).collect()
    };
    let far = || ("419001".to_owned(), 3_000);
    assert_eq!(energies().await, [("410105".into(), 1_000), ("410122".into(), 2_500), far()]);
    // Corrected, it counts where the station is now, and no longer where it was.
    let again = OrderItem { source_time: platform.ago(30), ..order(&platform, "1", "S1-1", HOUR, 1_100) };
    push(&platform, 1, vec![vec![again]]).await;
    assert_eq!(energies().await, [("410105".into(), 0), ("410122".into(), 3_600), far()]);
    platform.assert_sound().await;
    platform.stop().await;
}
