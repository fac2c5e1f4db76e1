//! Rows of `charge_days`, and of `online_days` beside them: sums by day, operator and place.
use chassis::{Failure, Work};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::domain::rollup::Changes;

/// Adds what a set of orders changes; last in its unit, because a row is locked until the unit ends.
///
/// # Errors
/// The database is away or busy.
pub async fn add(work: &mut Work, changes: Changes) -> Result<(), Failure> {
    let rows: Vec<_> = changes.into_rows().collect();
    if rows.is_empty() {
        return Ok(());
    }
    let days: Vec<Date> = rows.iter().map(|(key, _)| key.day).collect();
    let operators: Vec<Uuid> = rows.iter().map(|(key, _)| key.operator_id).collect();
    let counties: Vec<i32> = rows.iter().map(|(key, _)| key.place.county).collect();
    let prefectures: Vec<i32> = rows.iter().map(|(key, _)| key.place.prefecture).collect();
    let orders: Vec<i64> = rows.iter().map(|(_, sums)| sums.orders).collect();
    let amount = |which: usize| -> Vec<i64> { rows.iter().map(|(_, sums)| sums.amounts[which]).collect() };
    let seconds: Vec<i64> = rows.iter().map(|(_, sums)| sums.charged_secs).collect();
    sqlx::query!(
        "-- stations.charge_days.add
         INSERT INTO charge_days AS held (day, operator_id, county, prefecture, shard, orders, energy_wh,
                electricity_fen, service_fen, total_fen, charged_secs)
         SELECT day, operator_id, county, prefecture, (pg_backend_pid() % 8)::smallint, orders, energy_wh,
                electricity_fen, service_fen, total_fen, charged_secs
         FROM UNNEST($1::date[], $2::uuid[], $3::integer[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::bigint[], $10::bigint[])
              AS came (day, operator_id, county, prefecture, orders, energy_wh, electricity_fen, service_fen, total_fen,
                       charged_secs)
         ORDER BY day, operator_id, county, prefecture
         ON CONFLICT (day, operator_id, county, prefecture, shard) DO UPDATE SET
             orders = held.orders + excluded.orders, energy_wh = held.energy_wh + excluded.energy_wh,
             electricity_fen = held.electricity_fen + excluded.electricity_fen,
             service_fen = held.service_fen + excluded.service_fen, total_fen = held.total_fen + excluded.total_fen,
             charged_secs = held.charged_secs + excluded.charged_secs",
        &days,
        &operators,
        &counties,
        &prefectures,
        &orders,
        &amount(0),
        &amount(1),
        &amount(2),
        &amount(3),
        &seconds
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Which sums are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// First and last day, included.
    pub days: Option<(Date, Date)>,
    /// One operator.
    pub operator_id: Option<Uuid>,
    /// County or prefecture codes of the caller; none: everywhere.
    pub scope: Option<Vec<i32>>,
    /// One county or prefecture.
    pub division: Option<i32>,
    /// By which members sums are kept apart: day, prefecture, county, operator.
    pub by: [bool; 4],
}

/// Sums of one group; a member that was not asked by is absent.
#[derive(Debug, Clone)]
pub struct Row {
    /// Asia/Shanghai.
    pub day: Option<Date>,
    /// Code.
    pub prefecture: Option<i32>,
    /// Code.
    pub county: Option<i32>,
    /// Whose.
    pub operator_id: Option<Uuid>,
    /// Finished charges.
    pub orders: i64,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub electricity_fen: i64,
    /// Fen.
    pub service_fen: i64,
    /// Fen.
    pub total_fen: i64,
    /// Seconds.
    pub charged_secs: i64,
    /// Connectors in force, summed over the hours.
    pub connector_hours: i64,
    /// Those online.
    pub online_hours: i64,
}

/// Sums, the latest day first; at most `most`. Within a transaction.
///
/// # Errors
/// The database is away or busy.
pub async fn list(db: &mut PgConnection, filter: &Filter, most: i64) -> Result<Vec<Row>, Failure> {
    let (first, last) = filter.days.unzip();
    let [by_day, by_prefecture, by_county, by_operator] = filter.by;
    // A plan for all values would read every place and operator of the days, whichever is asked for.
    sqlx::raw_sql("SET LOCAL plan_cache_mode = force_custom_plan").execute(&mut *db).await?;
    Ok(sqlx::query_as!(
        Row,
        r#"-- stations.charge_days.list
         SELECT CASE WHEN $6::boolean THEN day END AS day, CASE WHEN $7::boolean THEN prefecture END AS prefecture,
                CASE WHEN $8::boolean THEN county END AS county, CASE WHEN $9::boolean THEN operator_id END AS operator_id,
                sum(orders)::bigint AS "orders!", sum(energy_wh)::bigint AS "energy_wh!",
                sum(electricity_fen)::bigint AS "electricity_fen!", sum(service_fen)::bigint AS "service_fen!",
                sum(total_fen)::bigint AS "total_fen!", sum(charged_secs)::bigint AS "charged_secs!",
                sum(connector_hours)::bigint AS "connector_hours!", sum(online_hours)::bigint AS "online_hours!"
         FROM (SELECT day, prefecture, county, operator_id, orders, energy_wh, electricity_fen, service_fen, total_fen,
                      charged_secs, 0::bigint AS connector_hours, 0::bigint AS online_hours FROM charge_days
               UNION ALL
               SELECT day, prefecture, county, operator_id, 0, 0, 0, 0, 0, 0, connectors, online FROM online_days) AS kept
         WHERE day BETWEEN $1 AND $2
           AND ($3::uuid IS NULL OR operator_id = $3)
           AND ($4::integer[] IS NULL OR county = ANY ($4) OR prefecture = ANY ($4))
           AND ($5::integer IS NULL OR county = $5 OR prefecture = $5)
         GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 2, 3, 4 LIMIT $10"#,
        first,
        last,
        filter.operator_id,
        filter.scope.as_deref(),
        filter.division,
        by_day,
        by_prefecture,
        by_county,
        by_operator,
        most
    )
    .fetch_all(db)
    .await?)
}
