//! The ingest and its read side with ten times the connectors and ten times the history behind them: what grows, and how much.
//!
//! Owns: the orders, status changes and samples that are held already, and the cases of growth. Rows are written by statements:
//! registering and sending millions would take hours. Minutes lie between few and many, in which such a machine changes more than
//! what is measured: rates are therefore shares of the raw rate just before. Source: performance, "The benchmark", 4.
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use proto::stations::{Circle, FindConnectorsRequest, ListChargeDaysRequest};
use sqlx::{Connection as _, PgConnection};

use super::{
    figures::{Anchor, Better, Figures, Round},
    ingest::{Cases, Extent},
    raw_ingest::RawIngest,
};
use crate::report::step;

/// Rows written by one statement.
const CHUNK: i64 = 250_000;
/// Status changes and samples at most: what is older than the partitions of a few days is not searched. Orders go on.
const HISTORY_MAX: i64 = 10_000_000;
/// Searches and sums of one round, one after the other.
const LOOKS: usize = 40;
/// Numbers below all that are sent; 300 days of them, however many there are. Connectors and counties are taken in turn.
const ORDERS_HELD: &str = "
    INSERT INTO charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen,
        total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture)
    SELECT operators.id[1 + number % array_length(operators.id, 1)], '-' || lpad(number::text, 23, '0'),
        1 + number % $5::bigint, at - interval '1 hour', at, 60000, 4700, 100, 4800, 0, at,
        '\\x00000000000000000000000000000000', at, 410101 + number % 18 * 100 + number / 18 % 9, 410100 + number % 18 * 100
    FROM (SELECT array_agg(DISTINCT operator_id) AS id FROM stations) AS operators,
         generate_series($1::bigint, $2::bigint - 1) AS number,
         LATERAL (SELECT now() - interval '301 days' + (number - $3::bigint)::float8 / $4::bigint * interval '300 days' AS at) AS moment";
const STATUSES_HELD: &str = "
    INSERT INTO status_history (connector_key, source_time, status, late, received_at)
    SELECT 1 + number % $5::bigint, at, 1 + number / $5::bigint % 3, false, at
    FROM generate_series($1::bigint, $2::bigint - 1) AS number,
         LATERAL (SELECT now() - interval '3 days' + (number - $3::bigint)::float8 / $4::bigint * interval '3 days' AS at) AS moment";
const SAMPLES_HELD: &str = "
    INSERT INTO telemetry (connector_key, sampled_at, order_no, energy_wh, power_watts, voltage_decivolts, current_deciamperes,
        soc_percent, received_at)
    SELECT 1 + number % $5::bigint, at, 'H', 12000, 60000, 7500, 800, 55, at
    FROM generate_series($1::bigint, $2::bigint - 1) AS number,
         LATERAL (SELECT now() - interval '3 days' + (number - $3::bigint)::float8 / $4::bigint * interval '3 days' AS at) AS moment";
/// As four writers leave them.
const SUMS: &str = "
    INSERT INTO charge_days
    SELECT (end_at AT TIME ZONE 'Asia/Shanghai')::date, operator_id, county, prefecture, 8 + number % 4, count(*), sum(energy_wh),
           sum(electricity_fen), sum(service_fen), sum(total_fen), 3600 * count(*)
    FROM charge_orders, LATERAL (SELECT right(order_no, 8)::bigint / 162 AS number) AS place
    WHERE order_no LIKE '-%' GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (day, operator_id, county, prefecture, shard) DO UPDATE SET orders = excluded.orders,
        energy_wh = excluded.energy_wh, electricity_fen = excluded.electricity_fen, service_fen = excluded.service_fen,
        total_fen = excluded.total_fen, charged_secs = excluded.charged_secs";
/// What autovacuum and the checkpointer would do in the midst of the rounds.
const AT_REST: [&str; 2] =
    ["VACUUM (ANALYZE) charge_orders, charge_days, status_history, telemetry, connector_state", "CHECKPOINT"];

const ORDERS: [&str; 2] = ["growth.orders.few", "growth.orders.many"];
const STATUS: [&str; 2] = ["growth.status.few", "growth.status.many"];
const SAMPLES: [&str; 2] = ["growth.telemetry.few", "growth.telemetry.many"];
const NEAR: [&str; 2] = ["growth.near.few", "growth.near.many"];
const SUM: [&str; 2] = ["growth.sums.few", "growth.sums.many"];

/// Measures with few connectors and rows, then with many; leaves many behind.
pub(super) async fn measure(
    cases: &mut Cases,
    raw: &RawIngest,
    extent: Extent,
    figures: &mut Figures,
) -> Result<()> {
    let mut held = 0;
    for at in 0..2 {
        let (connectors, orders) = (extent.connectors[at], extent.orders[at]);
        step(&format!("{connectors} connectors"), cases.grow(connectors)).await?;
        step(&format!("{orders} orders"), fill(cases, held, orders, connectors)).await?;
        held = orders;
        for _ in 0..extent.rounds {
            let beside = raw.orders(extent.time).await?;
            let sent = cases.run(8, |cases, sender| cases.orders(sender, 1_000)).await?;
            figures.keep(ORDERS[at], share(sent, &beside));
            let beside = raw.statuses(extent.time).await?;
            figures.keep(STATUS[at], share(cases.run(8, Cases::changed).await?, &beside));
            let beside = raw.telemetry(extent.time).await?;
            figures.keep(SAMPLES[at], share(cases.run(8, Cases::telemetry).await?, &beside));
            figures.keep(NEAR[at], near(cases).await?);
            figures.keep(SUM[at], sums(cases).await?);
        }
    }
    Ok(())
}

fn share(own: Round, beside: &Round) -> Round {
    Round { value: own.value / beside.value, ..own }
}

/// A factor of 2 is asked for of what is read. Source: performance, "Targets", lists at 1 M rows; and "The benchmark", 4.
pub(super) fn close(figures: &mut Figures) {
    for ([few, many], unit, better, target) in [
        (ORDERS, "of raw", Better::Higher, 0.5),
        (STATUS, "of raw", Better::Higher, 0.5),
        (SAMPLES, "of raw", Better::Higher, 0.5),
        (NEAR, "µs", Better::Lower, 2.0),
        (SUM, "µs", Better::Lower, 2.0),
    ] {
        figures.close(few, unit, better, None);
        figures.close(many, unit, better, Some(Anchor { metric: few, target: Some(target) }));
    }
}

/// Fills up to so many orders, status changes and samples, shared by the operators and their connectors.
async fn fill(cases: &Cases, held: i64, wanted: i64, connectors: usize) -> Result<()> {
    let history = (held.min(HISTORY_MAX), wanted.min(HISTORY_MAX));
    let connectors = i64::try_from(connectors)?;
    tokio::try_join!(
        write(cases, ORDERS_HELD, (held, wanted), connectors),
        write(cases, STATUSES_HELD, history, connectors),
        write(cases, SAMPLES_HELD, history, connectors),
    )?;
    let mut database = PgConnection::connect(&cases.database).await?;
    sqlx::query(SUMS).execute(&mut database).await?;
    for statement in AT_REST {
        sqlx::raw_sql(statement).execute(&mut database).await?;
    }
    Ok(())
}

async fn write(cases: &Cases, statement: &'static str, rows: (i64, i64), connectors: i64) -> Result<()> {
    let mut database = PgConnection::connect(&cases.database).await?;
    let (first, last) = rows;
    let mut from = first;
    while from < last {
        let next = (from + CHUNK).min(last);
        let chunk =
            sqlx::query(statement).bind(from).bind(next).bind(first).bind(last - first).bind(connectors);
        let written = chunk.execute(&mut database).await?.rows_affected();
        ensure!(i64::try_from(written)? == next - from, "{written} rows were written");
        from = next;
    }
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
            by: ["county", "operator"].map(str::to_owned).to_vec(),
            ..ListChargeDaysRequest::default()
        };
        async move { Ok(!cases.administrator.charge_days(body).await?.is_empty()) }
    })
    .await
}
