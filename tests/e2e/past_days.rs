//! The platform asks operators' systems for what they count of past days, and has it compared with the orders it holds: over real
//! HTTP, with faults. Source: interconnect protocol, sections 12, 13, 16 and 18.
use std::time::Duration;

use anyhow::{Context as _, Result};
use proto::stations::{QualityItem, Turn};
use serde_json::json;
use system_tests::{
    Company, System, eventually,
    operator::{Fault, Habits, OperatorServer, Order},
    tcec::{Simulator, local},
    wait::PATIENCE,
};
use xtask::services::Service;

use crate::operators_server::{count, due, linked, second, system, turn};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// Midnight in China is so many seconds before that of UTC.
const CHINA: i64 = 8 * HOUR;

/// The beginning of the day that is asked for: yesterday, and before eight in the morning in China, which is midnight in UTC, the day
/// before.
fn asked(simulator: &Simulator) -> i64 {
    simulator.now().div_euclid(DAY) * DAY - CHINA - DAY
}

/// An order of a connector of the first station.
fn order(number: &str, (start, end): (i64, i64), energy_wh: i64) -> Order {
    let (start, end) = (local(start), local(end));
    Order { number: number.into(), gun: "0000000101".into(), start, end, energy_wh, total_fen: 3_015 }
}

async fn push(simulator: &Simulator, order: &Order) -> Result<()> {
    let body = json!({
        "StartChargeSeq": order.number, "ConnectorID": order.gun, "StartTime": order.start, "EndTime": order.end,
        "TotalPower": order.energy_wh as f64 / 1_000.0, "TotalElecMoney": 20.10, "TotalSeviceMoney": 10.05, "TotalMoney": 30.15,
        "StopReason": 1,
    });
    let told = simulator.push("notification_charge_order_info", &body).await?;
    anyhow::ensure!((told.ret, &told.body["ConfirmResult"]) == (0, &json!(0)), "{told:?}");
    Ok(())
}

/// A company whose server and the platform hold the same orders, which ended yesterday; nothing is due any more.
async fn same_orders(system: &System) -> Result<(Company, Simulator, OperatorServer)> {
    let (company, simulator, server) = linked(system, 2).await?;
    company.actor.set_peer(&server.base_url, server.secrets.clone()).await?;
    eventually(PATIENCE, "the stations are pulled", || async {
        let pulled = [turn(&company, "stations").await?, turn(&company, "status").await?];
        Ok(pulled.iter().all(|turn| turn.last_success_at.is_some()).then_some(()))
    })
    .await?;
    let noon = asked(&simulator) + DAY / 2;
    let orders = [
        order("O1", (noon, noon + HOUR), 30_254),
        order("O2", (noon + 2 * HOUR, noon + 3 * HOUR), 20_000),
        order("O3", (noon + 4 * HOUR, noon + 5 * HOUR), 10_000),
    ];
    for order in &orders {
        push(&simulator, order).await?;
    }
    server.state().orders = orders.to_vec();
    Ok((company, simulator, server))
}

/// Has a kind done now, until its turn has ended once more; days that have been compared are owed again.
async fn done(system: &System, company: &Company, kind: &str) -> Result<Turn> {
    let before = turn(company, kind).await?;
    sqlx::query("UPDATE link_days SET compared_at = NULL WHERE kind = $1")
        .bind(kind)
        .execute(system.database(Service::Stations)?)
        .await?;
    due(system, kind).await?;
    eventually(PATIENCE, "the turn ends", || async {
        let now = turn(company, kind).await?;
        let ended =
            (now.last_success_at, now.last_failure_at) != (before.last_success_at, before.last_failure_at);
        Ok(ended.then_some(now))
    })
    .await
}

async fn items(company: &Company) -> Result<Vec<QualityItem>> {
    let mut items = company.actor.quality_items().await?;
    items.sort_by(|a, b| (&a.reason, &a.order_no).cmp(&(&b.reason, &b.order_no)));
    Ok(items)
}

/// Accepted and rejected of a kind, all days together.
async fn counted(system: &System, kind: &str) -> Result<(i64, i64)> {
    let sql = "SELECT coalesce(sum(accepted), 0)::bigint, coalesce(sum(rejected), 0)::bigint FROM quality_days WHERE kind = $1";
    Ok(sqlx::query_as(sql).bind(kind).fetch_one(system.database(Service::Stations)?).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_agrees_with_the_operator_leaves_nothing_but_its_count_and_comes_again_in_the_morning()
-> Result<()> {
    let system = system().await?;
    let (company, simulator, server) = same_orders(&system).await?;
    let first = turn(&company, "statistics").await?;
    assert_eq!(first.last_success_at, None, "the first morning is still to come");
    for (kind, agreeing) in [("statistics", 2), ("order_check", 3)] {
        let done = done(&system, &company, kind).await?;
        assert_eq!((done.failures, done.taken, done.rejected), (0, agreeing, 0), "{done:?}");
        assert_eq!(counted(&system, kind).await?, (agreeing, 0));
        let due = done.due_at.context("due")?.seconds - simulator.now();
        assert!((0..=DAY + HOUR).contains(&due), "in {due} s");
        let of_day = (done.due_at.context("due")?.seconds + CHINA).rem_euclid(DAY);
        assert!((8 * HOUR..8 * HOUR + HOUR / 2).contains(&of_day), "at {of_day} s of the day");
    }
    assert_eq!(items(&company).await?, []);
    let (checks, statistics) = {
        let state = server.state();
        (state.checks.clone(), state.called("query_station_stats"))
    };
    assert_eq!((checks.len(), statistics), (1, 2), "one check of the day, statistics of each station");
    due(&system, "statistics").await?;
    eventually(PATIENCE, "a turn with nothing to ask for ends", || async {
        Ok((turn(&company, "statistics").await?.taken == 0).then_some(()))
    })
    .await?;
    assert_eq!(
        server.state().called("query_station_stats"),
        2,
        "a day that has been compared is not asked for again"
    );
    let yesterday = &local(asked(&simulator))[..10];
    assert_eq!(checks[0]["StartTime"], json!(format!("{yesterday} 00:00:00")));
    assert_eq!(checks[0]["EndTime"], json!(format!("{yesterday} 23:59:59")));
    assert_eq!((&checks[0]["OrderCount"], &checks[0]["TotalOrderPower"]), (&json!(3), &json!(60.25)));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_counts_otherwise_becomes_a_quality_item_with_an_example() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = same_orders(&system).await?;
    {
        let mut state = server.state();
        state.orders.retain(|order| order.number != "O3");
        state.orders[1].total_fen = 9_999;
        state.habits.counts_more_wh = 50_000;
    }
    let checked = done(&system, &company, "order_check").await?;
    assert_eq!((checked.failures, checked.taken, checked.rejected), (0, 1, 2), "{checked:?}");
    let told = done(&system, &company, "statistics").await?;
    assert_eq!((told.failures, told.taken, told.rejected), (0, 0, 2), "{told:?}");
    assert!(told.found.contains("S00000001"), "the first disagreement is said: {}", told.found);
    let found = items(&company).await?;
    let short: Vec<_> =
        found.iter().map(|item| (item.kind.as_str(), item.reason.as_str(), item.order_no.as_str())).collect();
    assert_eq!(
        short,
        [
            ("order_check", "order_amount_disputed", "O2"),
            ("order_check", "order_unknown_to_operator", "O3"),
            ("statistics", "statistics_differ", ""),
            ("statistics", "statistics_differ", ""),
        ]
    );
    assert_eq!(found[0].example, "运营商应答 20.00 千瓦时、99.99 元，平台 20.00 千瓦时、30.15 元");
    let first =
        found.iter().find(|item| item.example.contains("S00000001")).context("an item of the first")?;
    assert!(
        first.example.contains("运营商统计 100.30 千瓦时，平台订单 3 笔 60.25 千瓦时"),
        "{}",
        first.example
    );
    assert_eq!(
        first.connector_id, "0000000101",
        "the connector that is furthest off: the order that is missing"
    );
    assert_eq!(
        (counted(&system, "statistics").await?, counted(&system, "order_check").await?),
        ((0, 2), (1, 2))
    );
    // The same said again is the same item; nothing else comes of it.
    done(&system, &company, "statistics").await?;
    assert_eq!(items(&company).await?.len(), 4);
    assert_eq!(counted(&system, "statistics").await?, (0, 2), "the same report counts once");
    assert_eq!(count(&system, "SELECT count(*) FROM superseded_orders").await?, 0, "no order was changed");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_over_midnight_may_count_on_the_day_of_its_start_or_of_its_end() -> Result<()> {
    let system = system().await?;
    let (company, simulator, server) = same_orders(&system).await?;
    let midnight = asked(&simulator);
    let over = order("O4", (midnight - HOUR, midnight + HOUR), 60_000);
    push(&simulator, &over).await?;
    server.state().orders.push(over);
    for by_start in [false, true] {
        server.state().habits.counts_by_start = by_start;
        let told = done(&system, &company, "statistics").await?;
        assert_eq!((told.failures, told.taken, told.rejected), (0, 2, 0), "{told:?}");
    }
    assert_eq!(items(&company).await?, []);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_believed_is_backed_off_from_and_leaves_nothing() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = same_orders(&system).await?;
    for (kind, method) in [("statistics", "query_station_stats"), ("order_check", "check_charge_orders")] {
        server.state().faults =
            [Fault::Broken, Fault::Forged, Fault::Busy].map(|fault| (method, fault)).into();
        for (failures, reason) in (1..).zip(["http_status", "answer_signature", "answer_refused"]) {
            let failed = done(&system, &company, kind).await?;
            assert_eq!((failed.failures, failed.reason.as_str()), (failures, reason));
            let seconds = |at: Option<prost_types::Timestamp>| at.map_or(0, |at| at.seconds);
            let away = seconds(failed.due_at) - seconds(failed.last_failure_at);
            let plain = 30 * 2_i64.pow(u32::try_from(failures)? - 1);
            assert!((plain * 4 / 5 - 1..=plain * 6 / 5 + 1).contains(&away), "{away} s after {failures}");
            assert_eq!(server.state().called(method), usize::try_from(failures)?, "kept away from meanwhile");
        }
        server.state().habits = Habits { echoes_wrong: true, ..Habits::default() };
        assert_eq!(done(&system, &company, kind).await?.reason, "answer_mismatched");
        assert_eq!(counted(&system, kind).await?, (0, 0), "nothing was compared");
        server.state().habits = Habits::default();
        let healed = done(&system, &company, kind).await?;
        assert_eq!((healed.failures, healed.rejected), (0, 0), "{healed:?}");
    }
    assert_eq!(items(&company).await?, []);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn stations_that_the_operator_does_not_know_are_left_out_unless_it_knows_none() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = same_orders(&system).await?;
    let stations = server.state().stations.clone();
    server.state().stations.truncate(1);
    let told = done(&system, &company, "statistics").await?;
    assert_eq!((told.failures, told.taken, told.rejected), (0, 1, 1), "{told:?}");
    assert!(told.found.starts_with("S00000002 应答 Ret 4004"), "{}", told.found);
    server.state().stations.clear();
    let refused = done(&system, &company, "statistics").await?;
    assert_eq!((refused.failures, refused.reason.as_str()), (1, "answer_refused"));
    server.state().stations = stations;
    assert_eq!(done(&system, &company, "statistics").await?.taken, 2);
    assert_eq!(items(&company).await?, []);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_the_operator_does_not_serve_is_left_out_by_its_link() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = same_orders(&system).await?;
    sqlx::query(r#"UPDATE links SET paths = '{"check_charge_orders": "-"}'"#)
        .execute(system.database(Service::Stations)?)
        .await?;
    let done = done(&system, &company, "order_check").await?;
    assert_eq!((done.failures, done.taken, done.rejected), (0, 0, 0), "{done:?}");
    let called = server
        .state()
        .calls
        .iter()
        .filter(|call| ["check_charge_orders", "-"].contains(&call.as_str()))
        .count();
    assert_eq!(called, 0);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_takes_over_what_one_was_at_when_it_was_killed() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = same_orders(&system).await?;
    let slow = Fault::Slow(Duration::from_secs(10));
    server.state().faults = [("query_station_stats", slow)].into();
    due(&system, "statistics").await?;
    eventually(PATIENCE, "the first process is at it", || async {
        Ok((server.state().called("query_station_stats") == 1).then_some(()))
    })
    .await?;
    system.fleet().kill(Service::Interconnect)?;
    server.state().faults.clear();
    let mut other = second(&system)?;
    let leased = "SELECT count(*) FROM links WHERE leased_kind = 'statistics'";
    assert_eq!(count(&system, leased).await?, 1, "the lease outlives the process");
    // Two and a half minutes later.
    sqlx::query("UPDATE links SET leased_until = now()").execute(system.database(Service::Stations)?).await?;
    let told = eventually(PATIENCE, "the other process has done it", || async {
        let told = turn(&company, "statistics").await?;
        Ok(told.last_success_at.map(|_| told))
    })
    .await?;
    assert_eq!((told.failures, told.taken, told.rejected), (0, 2, 0), "{told:?}");
    assert_eq!(counted(&system, "statistics").await?, (2, 0), "counted once");
    assert_eq!(server.state().called("query_token"), 2, "each process has its own token");
    other.kill().await?;
    system.fleet().start_again(Service::Interconnect).await?;
    system.finish_after_faults().await
}
