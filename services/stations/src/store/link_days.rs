//! Rows of `link_days`: which days a link's statistics and order checks are owed for, and what came of each.
use chassis::{Failure, Work};
use sqlx::{PgConnection, PgPool};
use time::Date;
use uuid::Uuid;

use crate::domain::turn::Kind;

/// The latest day that is known of.
///
/// # Errors
/// The database is away or busy.
pub async fn latest(work: &mut Work, operator_id: Uuid, kind: Kind) -> Result<Option<Date>, Failure> {
    Ok(sqlx::query_scalar!(
        "-- stations.link_days.latest
         SELECT max(day) FROM link_days WHERE operator_id = $1 AND kind = $2",
        operator_id,
        kind.name()
    )
    .fetch_one(work.db())
    .await?)
}

/// Keeps that days are owed.
///
/// # Errors
/// The database is away or busy.
pub async fn insert(work: &mut Work, operator_id: Uuid, kind: Kind, days: &[Date]) -> Result<(), Failure> {
    sqlx::query!(
        "-- stations.link_days.insert
         INSERT INTO link_days (operator_id, kind, day) SELECT $1, $2, day FROM UNNEST($3::date[]) AS owed (day)
         ON CONFLICT DO NOTHING",
        operator_id,
        kind.name(),
        days
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// The days that are owed: those that have been tried least, then the oldest, so that one that fails always holds up no other.
///
/// # Errors
/// The database is away or busy.
pub async fn owed(work: &mut Work, operator_id: Uuid, kind: Kind) -> Result<Vec<Date>, Failure> {
    Ok(sqlx::query_scalar!(
        "-- stations.link_days.owed
         SELECT day FROM link_days
         WHERE operator_id = $1 AND kind = $2 AND compared_at IS NULL AND given_up_at IS NULL ORDER BY tries, day",
        operator_id,
        kind.name()
    )
    .fetch_all(work.db())
    .await?)
}

/// A day that has not been compared.
#[derive(Debug, Clone)]
pub struct Uncompared {
    /// Of which turns.
    pub kind: String,
    /// Day in Asia/Shanghai.
    pub day: Date,
    /// Turns that ended at it.
    pub tries: i32,
    /// Why the last of them did; empty: it was not tried.
    pub reason: String,
    /// The same in words.
    pub found: String,
    /// Nobody asks for it any more.
    pub given_up: bool,
}

/// The days of a link from `first` on that have not been compared, the latest first.
///
/// # Errors
/// The database is away or busy.
pub async fn uncompared(
    db: &mut PgConnection,
    operator_id: Uuid,
    first: Date,
) -> Result<Vec<Uncompared>, Failure> {
    Ok(sqlx::query_as!(
        Uncompared,
        r#"-- stations.link_days.uncompared
         SELECT kind, day, tries, reason, found, given_up_at IS NOT NULL AS "given_up!" FROM link_days
         WHERE operator_id = $1 AND kind IN ('statistics', 'order_check') AND day >= $2 AND compared_at IS NULL
         ORDER BY kind, day DESC"#,
        operator_id,
        first
    )
    .fetch_all(db)
    .await?)
}

/// Records that a day has been compared; again: no change.
///
/// # Errors
/// The database is away or busy.
pub async fn compared(work: &mut Work, operator_id: Uuid, kind: &str, day: Date) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.link_days.compared
         UPDATE link_days SET compared_at = $4
         WHERE operator_id = $1 AND kind = $2 AND day = $3 AND compared_at IS NULL AND given_up_at IS NULL",
        operator_id,
        kind,
        day,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Records that every day that was owed has been compared.
///
/// # Errors
/// The database is away or busy.
pub async fn all_compared(work: &mut Work, operator_id: Uuid, kind: Kind) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.link_days.all_compared
         UPDATE link_days SET compared_at = $3
         WHERE operator_id = $1 AND kind = $2 AND compared_at IS NULL AND given_up_at IS NULL",
        operator_id,
        kind.name(),
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Records why a turn ended at the day that it was at: the first of those that are still owed.
///
/// # Errors
/// The database is away or busy.
pub async fn tried(
    work: &mut Work,
    operator_id: Uuid,
    kind: Kind,
    reason: &str,
    found: &str,
) -> Result<(), Failure> {
    sqlx::query!(
        "-- stations.link_days.tried
         UPDATE link_days SET tries = tries + 1, reason = $3, found = $4
         WHERE operator_id = $1 AND kind = $2 AND day = (
             SELECT day FROM link_days
             WHERE operator_id = $1 AND kind = $2 AND compared_at IS NULL AND given_up_at IS NULL
             ORDER BY tries, day LIMIT 1)",
        operator_id,
        kind.name(),
        reason,
        found
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// A day that was not compared in time.
#[derive(Debug, Clone)]
pub struct GivenUp {
    /// Day in Asia/Shanghai.
    pub day: Date,
    /// Turns that ended at it.
    pub tries: i32,
    /// Why the last of them did; empty: it was never tried.
    pub reason: String,
    /// The same in words.
    pub found: String,
}

/// Gives up the days before `first` that are still owed.
///
/// # Errors
/// The database is away or busy.
pub async fn give_up(
    work: &mut Work,
    operator_id: Uuid,
    kind: Kind,
    first: Date,
) -> Result<Vec<GivenUp>, Failure> {
    let now = work.now();
    Ok(sqlx::query_as!(
        GivenUp,
        "-- stations.link_days.give_up
         UPDATE link_days SET given_up_at = $4
         WHERE operator_id = $1 AND kind = $2 AND day < $3 AND compared_at IS NULL AND given_up_at IS NULL
         RETURNING day, tries, reason, found",
        operator_id,
        kind.name(),
        first,
        now
    )
    .fetch_all(work.db())
    .await?)
}

/// Forgets days that are older than `days`.
///
/// # Errors
/// The database is away or busy.
pub async fn forget(pool: &PgPool, days: u32) -> Result<(), Failure> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    sqlx::query!(
        "-- stations.link_days.forget
         DELETE FROM link_days WHERE day < (now() AT TIME ZONE 'Asia/Shanghai')::date - $1::integer",
        days
    )
    .execute(pool)
    .await?;
    Ok(())
}
