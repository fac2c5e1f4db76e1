//! Orders of a day or of a window, as they are compared with what an operator's system says of it; and what came of the checks of
//! orders, in rows of `order_checks`.
use std::collections::BTreeMap;

use chassis::{Failure, Work};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::lost_race;
use crate::domain::{
    check::{By, Sums},
    day,
    order::DURATION_MAX,
    tally::{Kind, Tally},
};

/// A check of the orders of a window. Operator, lister and window are its natural key.
#[derive(Debug, Clone, Copy)]
pub struct Check<'c> {
    /// Whose.
    pub operator_id: Uuid,
    /// Who listed.
    pub by: By,
    /// CheckOrderSeq.
    pub no: &'c str,
    /// The window, its end excluded.
    pub window: (OffsetDateTime, OffsetDateTime),
}

/// One order of a window.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Number.
    pub order_no: String,
    /// End.
    pub end_at: OffsetDateTime,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub total_fen: i64,
}

/// Orders that ended from `start` on and before `end`, by their ends; at most `most`.
///
/// # Errors
/// The database is away or busy.
pub async fn ended(
    db: &mut PgConnection,
    operator_id: Uuid,
    (start, end): (OffsetDateTime, OffsetDateTime),
    most: usize,
) -> Result<Vec<Ended>, Failure> {
    Ok(sqlx::query_as!(
        Ended,
        "-- stations.checks.ended
         SELECT order_no, end_at, energy_wh, total_fen FROM charge_orders
         WHERE operator_id = $1 AND end_at >= $2 AND end_at < $3 ORDER BY end_at, order_no LIMIT $4",
        operator_id,
        start,
        end,
        i64::try_from(most).unwrap_or(i64::MAX)
    )
    .fetch_all(db)
    .await?)
}

/// Orders that began and ended within a window and are not among those listed, by their ends; at most `most`.
///
/// # Errors
/// The database is away or busy.
pub async fn unlisted(
    work: &mut Work,
    operator_id: Uuid,
    (start, end): (OffsetDateTime, OffsetDateTime),
    listed: &[String],
    most: usize,
) -> Result<Vec<Ended>, Failure> {
    Ok(sqlx::query_as!(
        Ended,
        "-- stations.checks.unlisted
         SELECT order_no, end_at, energy_wh, total_fen FROM charge_orders held
         WHERE operator_id = $1 AND end_at >= $2 AND end_at < $3 AND start_at >= $2
           AND NOT EXISTS (SELECT FROM UNNEST($4::text[]) AS listed (number) WHERE listed.number = held.order_no)
         ORDER BY end_at, order_no LIMIT $5",
        operator_id,
        start,
        end,
        listed,
        i64::try_from(most).unwrap_or(i64::MAX)
    )
    .fetch_all(work.db())
    .await?)
}

/// Sums of the orders that ended or began on the day that begins at `start`, by station and connector.
///
/// # Errors
/// The database is away or busy.
pub async fn sums(
    work: &mut Work,
    operator_id: Uuid,
    start: OffsetDateTime,
    stations: &[String],
) -> Result<BTreeMap<String, BTreeMap<String, Sums>>, Failure> {
    let end = start + Duration::DAY;
    let rows = sqlx::query!(
        r#"-- stations.checks.sums
         SELECT stations.code AS station, connectors.code AS connector,
                count(*) FILTER (WHERE held.end_at < $3) AS "ended!",
                coalesce(sum(held.energy_wh) FILTER (WHERE held.end_at < $3), 0)::bigint AS "ended_wh!",
                coalesce(sum(held.energy_wh) FILTER (WHERE held.start_at >= $2 AND held.start_at < $3), 0)::bigint
                    AS "started_wh!"
         FROM charge_orders held JOIN connectors USING (connector_key) JOIN stations USING (station_id)
         WHERE held.operator_id = $1 AND held.end_at >= $2 AND held.end_at < $4
           AND stations.operator_id = $1 AND stations.code = ANY ($5)
         GROUP BY stations.code, connectors.code"#,
        operator_id,
        start,
        end,
        // One that began on the day ends so much later at most.
        end + DURATION_MAX,
        stations
    )
    .fetch_all(work.db())
    .await?;
    let mut held: BTreeMap<String, BTreeMap<String, Sums>> = BTreeMap::new();
    for row in rows {
        let sums = Sums { ended: row.ended, ended_wh: row.ended_wh, started_wh: row.started_wh };
        held.entry(row.station).or_default().entry(row.connector).or_default().add(sums);
    }
    Ok(held)
}

/// Forgets the checks that this one takes the place of, and takes them out of the counts of their days: those that begin or end
/// with its window, since a list may be cut elsewhere when it is made again, and those within it.
///
/// # Errors
/// The database is away or busy.
pub async fn take_back(work: &mut Work, check: &Check<'_>) -> Result<(), Failure> {
    let (start, end) = check.window;
    sqlx::query!(
        "-- stations.order_checks.take_back
         WITH before AS (
             DELETE FROM order_checks WHERE operator_id = $1 AND listed_by = $2
                AND (start_at = $3 OR end_at = $4 OR (start_at > $3 AND end_at < $4))
             RETURNING counted_on, agreeing, disagreeing),
         sums AS (SELECT counted_on, sum(agreeing)::bigint AS agreeing, sum(disagreeing)::bigint AS disagreeing
                  FROM before GROUP BY counted_on)
         UPDATE quality_days held SET accepted = held.accepted - sums.agreeing, rejected = held.rejected - sums.disagreeing
         FROM sums WHERE held.operator_id = $1 AND held.kind = $5 AND held.day = sums.counted_on",
        check.operator_id,
        check.by.name(),
        start,
        end,
        Kind::OrderCheck.name()
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Keeps a check as it counts today.
///
/// # Errors
/// The database is away or busy.
pub async fn insert(work: &mut Work, check: &Check<'_>, tally: Tally) -> Result<(), Failure> {
    let today = day::of(work.now());
    let (start, end) = check.window;
    sqlx::query!(
        "-- stations.order_checks.insert
         INSERT INTO order_checks (operator_id, listed_by, start_at, end_at, check_no, counted_on, agreeing, disagreeing)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        check.operator_id,
        check.by.name(),
        start,
        end,
        check.no,
        today,
        tally.accepted,
        tally.rejected
    )
    .execute(work.db())
    .await
    .map_err(lost_race)?;
    Ok(())
}

/// Forgets checks that counted more than `days` ago, with the counts of those days.
///
/// # Errors
/// The database is away or busy.
pub async fn forget(pool: &PgPool, days: u32) -> Result<(), Failure> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    sqlx::query!(
        "-- stations.order_checks.forget
         DELETE FROM order_checks WHERE counted_on < (now() AT TIME ZONE 'Asia/Shanghai')::date - $1::integer",
        days
    )
    .execute(pool)
    .await?;
    Ok(())
}
