//! The ingest and its read side with ten times the connectors and ten times the orders behind them: what grows, and how much.
//!
//! Owns: the orders that are held already, and the cases of growth. Rows are written by statements: registering and sending
//! millions would take hours. Factors are of the same run: with many, beside with few. Source: performance, "The benchmark", 4.
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use proto::stations::{Circle, FindConnectorsRequest, ListChargeDaysRequest};
use sqlx::{Connection as _, PgConnection};

use super::{
    figures::{Anchor, Better, Figures, Round},
    ingest::{Cases, Extent},
};
use crate::report::step;

/// Orders written by one statement.
const CHUNK: i64 = 250_000;
/// Searches and sums of one round, one after the other.
const LOOKS: usize = 40;
/// Numbers below all that are sent, rising in time; 300 days of them. Connectors are taken in turn.
const HELD: &str = "
    INSERT INTO charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen,
        total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture)
    SELECT $1, '-' || lpad(number::text, 23, '0'), first.key + number % first.count, at - interval '1 hour', at, 60000, 4700, 100,
        4800, 0, at, '\\x00000000000000000000000000000000', at, 410105, 410100
    FROM (SELECT min(connector_key) AS key, count(*) AS count FROM connectors WHERE operator_id = $1) AS first,
         generate_series($2::bigint, $3::bigint - 1) AS number,
         LATERAL (SELECT now() - interval '301 days' + number * interval '300 days' / $4::bigint AS at) AS moment";
const SUMS: &str = "
    INSERT INTO charge_days
    SELECT (end_at AT TIME ZONE 'Asia/Shanghai')::date, operator_id, county, prefecture, 9, count(*), sum(energy_wh),
           sum(electricity_fen), sum(service_fen), sum(total_fen), 3600 * count(*)
    FROM charge_orders WHERE operator_id = $1 AND order_no LIKE '-%' GROUP BY 1, 2, 3, 4
    ON CONFLICT (day, operator_id, county, prefecture, shard) DO UPDATE SET orders = excluded.orders,
        energy_wh = excluded.energy_wh, electricity_fen = excluded.electricity_fen, service_fen = excluded.service_fen,
        total_fen = excluded.total_fen, charged_secs = excluded.charged_secs";

const ORDERS: [&str; 2] = ["growth.orders.few", "growth.orders.many"];
const STATUS: [&str; 2] = ["growth.status.few", "growth.status.many"];
const NEAR: [&str; 2] = ["growth.near.few", "growth.near.many"];
const SUM: [&str; 2] = ["growth.sums.few", "growth.sums.many"];

/// Measures with few connectors and orders, then with many; leaves many behind.
pub(super) async fn measure(cases: &mut Cases, extent: Extent, figures: &mut Figures) -> Result<()> {
    let mut held = 0;
    for at in 0..2 {
        let (connectors, orders) = (extent.connectors[at], extent.orders[at]);
        step(&format!("{connectors} connectors"), cases.grow(connectors)).await?;
        step(&format!("{orders} orders"), fill(cases, held, orders, extent.orders[1])).await?;
        held = orders;
        for _ in 0..extent.rounds {
            let sent = cases.run(8, |cases, sender| cases.orders(sender, 1_000)).await?;
            figures.keep(ORDERS[at], sent);
            figures.keep(STATUS[at], cases.run(8, Cases::changed).await?);
            figures.keep(NEAR[at], near(cases).await?);
            figures.keep(SUM[at], sums(cases).await?);
        }
    }
    Ok(())
}

/// A factor of 2 is asked for of what is read. Source: performance, "Targets", lists at 1 M rows; and "The benchmark", 4.
pub(super) fn close(figures: &mut Figures) {
    for ([few, many], unit, better, target) in [
        (ORDERS, "rows/s", Better::Higher, 0.5),
        (STATUS, "rows/s", Better::Higher, 0.5),
        (NEAR, "µs", Better::Lower, 2.0),
        (SUM, "µs", Better::Lower, 2.0),
    ] {
        figures.close(few, unit, better, None);
        figures.close(many, unit, better, Some(Anchor { metric: few, target: Some(target) }));
    }
}

/// Fills up to so many orders, shared by the operators; `all` is how many there will be at last.
async fn fill(cases: &Cases, held: i64, wanted: i64, all: i64) -> Result<()> {
    let mut database = PgConnection::connect(&cases.database).await?;
    let operators = i64::try_from(cases.senders.len())?;
    for sender in &cases.senders {
        let (mut from, until) = (held / operators, wanted / operators);
        while from < until {
            let next = (from + CHUNK).min(until);
            let written = sqlx::query(HELD).bind(sender.operator).bind(from).bind(next).bind(all / operators);
            let written = written.execute(&mut database).await?.rows_affected();
            ensure!(i64::try_from(written)? == next - from, "{written} orders were written");
            from = next;
        }
        sqlx::query(SUMS).bind(sender.operator).execute(&mut database).await?;
    }
    sqlx::raw_sql("ANALYZE charge_orders, charge_days").execute(&mut database).await?;
    Ok(())
}

/// The median of one kind of look, alone; each look brings something.
async fn looks<Looked>(mut look: impl FnMut(usize) -> Looked) -> Result<Round>
where
    Looked: Future<Output = Result<bool>>,
{
    let (mut took, mut found) = (Vec::new(), 0);
    for number in 0..LOOKS {
        let begun = Instant::now();
        found += usize::from(look(number).await?);
        took.push(begun.elapsed());
    }
    ensure!(found * 2 > LOOKS, "{found} of {LOOKS} looks found something");
    let mut sorted = took.clone();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).context("there are looks")?;
    Ok(Round { value: median.as_secs_f64() * 1e6, took, cost: None })
}

/// The 50 nearest stations around points that lie all over the field of stations.
async fn near(cases: &Cases) -> Result<Round> {
    looks(|number| async move {
        let step = i64::try_from(number)?;
        let near = Circle {
            longitude_e6: 113_268_756 + step * 20_011,
            latitude_e6: 34_498_101 + step * 37_003 % 600_000,
            radius_metres: 10_000,
        };
        let body = FindConnectorsRequest { near: Some(near), ..FindConnectorsRequest::default() };
        Ok(!cases.administrator.find_connectors(body).await?.stations.is_empty())
    })
    .await
}

/// 92 days by county and operator.
async fn sums(cases: &Cases) -> Result<Round> {
    let first = crate::driver::clock::day(-91);
    looks(|_| {
        let body = ListChargeDaysRequest {
            first_day: first.clone(),
            by: ["day", "county", "operator"].map(str::to_owned).to_vec(),
            ..ListChargeDaysRequest::default()
        };
        async move { Ok(!cases.administrator.charge_days(body).await?.is_empty()) }
    })
    .await
}
