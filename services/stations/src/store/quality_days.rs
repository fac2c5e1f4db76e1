//! Rows of `quality_days` and `online_days`: what became of an operator's data, and how many of its connectors were online,
//! day by day.
use std::collections::BTreeMap;

use chassis::{Failure, Work};
use sqlx::{PgConnection, PgPool};
use time::{Date, Duration};
use uuid::Uuid;

use crate::domain::{
    day,
    tally::{Kind, Tally},
};

/// Adds to today's counts; last in its unit, because a row is locked until the unit ends.
///
/// # Errors
/// The database is away or busy.
pub async fn add(work: &mut Work, kind: Kind, tallies: &BTreeMap<Uuid, Tally>) -> Result<(), Failure> {
    if tallies.is_empty() {
        return Ok(());
    }
    let day = day::of(work.now());
    let operators: Vec<Uuid> = tallies.keys().copied().collect();
    let column = |of: fn(&Tally) -> i64| -> Vec<i64> { tallies.values().map(of).collect() };
    sqlx::query!(
        "-- stations.quality_days.add
         INSERT INTO quality_days AS held (operator_id, day, kind, accepted, duplicate, late, rejected, corrected, prompt,
                pulled)
         SELECT operator_id, $2, $3, accepted, duplicate, late, rejected, corrected, prompt, pulled
         FROM UNNEST($1::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                $10::bigint[])
              AS came (operator_id, accepted, duplicate, late, rejected, corrected, prompt, pulled)
         ORDER BY operator_id
         ON CONFLICT (operator_id, day, kind) DO UPDATE SET
             accepted = held.accepted + excluded.accepted, duplicate = held.duplicate + excluded.duplicate,
             late = held.late + excluded.late, rejected = held.rejected + excluded.rejected,
             corrected = held.corrected + excluded.corrected, prompt = held.prompt + excluded.prompt,
             pulled = held.pulled + excluded.pulled",
        &operators,
        day,
        kind.name(),
        &column(|tally| tally.accepted),
        &column(|tally| tally.duplicate),
        &column(|tally| tally.late),
        &column(|tally| tally.rejected),
        &column(|tally| tally.corrected),
        &column(|tally| tally.prompt),
        &column(|tally| tally.pulled)
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// One day of one kind, or of the connectors: then `kind` is empty.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Day in Asia/Shanghai.
    pub day: Date,
    /// Name of a [`Kind`].
    pub kind: String,
    /// What became of it.
    pub tally: Tally,
}

/// An operator's counts, `first` and `last` included.
///
/// # Errors
/// The database is away or busy.
pub async fn list(
    db: &mut PgConnection,
    operator_id: Uuid,
    (first, last): (Date, Date),
) -> Result<Vec<Counted>, Failure> {
    let rows = sqlx::query!(
        "-- stations.quality_days.list
         SELECT day, kind, accepted, duplicate, late, rejected, corrected, prompt, pulled FROM quality_days
         WHERE operator_id = $1 AND day BETWEEN $2 AND $3 ORDER BY day, kind",
        operator_id,
        first,
        last
    )
    .fetch_all(db)
    .await?;
    let mut counted = Vec::with_capacity(rows.len());
    for row in rows {
        let tally = Tally {
            accepted: row.accepted,
            duplicate: row.duplicate,
            late: row.late,
            rejected: row.rejected,
            corrected: row.corrected,
            prompt: row.prompt,
            pulled: row.pulled,
        };
        counted.push(Counted { day: row.day, kind: row.kind, tally });
    }
    Ok(counted)
}

/// Connectors of one day, summed over the looks of that day.
#[derive(Debug, Clone, Copy)]
pub struct Online {
    /// Day in Asia/Shanghai.
    pub day: Date,
    /// How often it was looked.
    pub looks: i32,
    /// Connectors in force.
    pub connectors: i64,
    /// Those whose latest report was young enough.
    pub online: i64,
}

/// The same of an operator's connectors.
///
/// # Errors
/// The database is away or busy.
pub async fn online(
    db: &mut PgConnection,
    operator_id: Uuid,
    (first, last): (Date, Date),
) -> Result<Vec<Online>, Failure> {
    Ok(sqlx::query_as!(
        Online,
        r#"-- stations.online_days.list
         SELECT day, max(looks) AS "looks!", sum(connectors)::bigint AS "connectors!", sum(online)::bigint AS "online!"
         FROM online_days WHERE operator_id = $1 AND day BETWEEN $2 AND $3 GROUP BY day ORDER BY day"#,
        operator_id,
        first,
        last
    )
    .fetch_all(db)
    .await?)
}

/// Looks how many connectors of each operator are online, once an hour whoever asks; returns how many operators
/// and places were looked at.
///
/// `window`: how old a connector's latest report may be.
///
/// # Errors
/// The database is away or busy.
pub async fn look(pool: &PgPool, window: Duration) -> Result<u64, Failure> {
    let done = sqlx::query!(
        "-- stations.online_days.look
         WITH turn AS (
             INSERT INTO online_hours (hour) VALUES (date_trunc('hour', now())) ON CONFLICT DO NOTHING RETURNING hour),
         seen AS (
             SELECT c.operator_id, at.county, at.prefecture, count(*) AS connectors,
                    count(*) FILTER (WHERE GREATEST(s.seen_at, s.heard_at) > now() - make_interval(secs => $1)) AS online
             FROM turn CROSS JOIN connectors c JOIN connector_state s USING (connector_key) JOIN stations at USING (station_id)
             WHERE c.removed_at IS NULL GROUP BY c.operator_id, at.county, at.prefecture)
         INSERT INTO online_days AS held (operator_id, day, county, prefecture, looks, connectors, online)
         SELECT operator_id, (now() AT TIME ZONE 'Asia/Shanghai')::date, county::integer, prefecture::integer, 1, connectors,
                online
         FROM seen ORDER BY operator_id, county, prefecture
         ON CONFLICT (operator_id, day, county, prefecture) DO UPDATE SET looks = held.looks + 1,
             connectors = held.connectors + excluded.connectors, online = held.online + excluded.online",
        window.as_seconds_f64()
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets counts that are older than `days`.
///
/// # Errors
/// The database is away or busy.
pub async fn forget(pool: &PgPool, days: u32) -> Result<(), Failure> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    sqlx::query!(
        "-- stations.quality_days.forget
         WITH old AS (DELETE FROM quality_days WHERE day < (now() AT TIME ZONE 'Asia/Shanghai')::date - $1::integer),
              older AS (DELETE FROM online_days WHERE day < (now() AT TIME ZONE 'Asia/Shanghai')::date - $1::integer)
         DELETE FROM online_hours WHERE hour < now() - interval '2 days'",
        days
    )
    .execute(pool)
    .await?;
    Ok(())
}
