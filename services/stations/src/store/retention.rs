//! Partitions by day, and the end of what is kept for a time only.
use chassis::Failure;
use sqlx::{PgConnection, PgPool};

/// Tables that have one partition for each UTC day.
#[derive(Debug, Clone, Copy)]
pub enum Daily {
    /// `status_history`.
    StatusHistory,
    /// `telemetry`.
    Telemetry,
}

impl Daily {
    fn table(self) -> &'static str {
        match self {
            Self::StatusHistory => "status_history",
            Self::Telemetry => "telemetry",
        }
    }
}

/// Makes the partitions that what comes now may fall into: `age_hours` back, two days ahead.
///
/// # Errors
/// The database is away or busy.
pub async fn ensure_partitions(pool: &PgPool, of: Daily, age_hours: u32) -> Result<i32, Failure> {
    let back = i32::try_from(age_hours / 24 + 1).unwrap_or(i32::MAX);
    Ok(sqlx::query_scalar!(
        r#"-- stations.retention.ensure_partitions
         SELECT ensure_day_partitions($1::text::regclass, (now() AT TIME ZONE 'UTC')::date - $2::integer,
                                      (now() AT TIME ZONE 'UTC')::date + 2) AS "made!""#,
        of.table(),
        back
    )
    .fetch_one(pool)
    .await?)
}

/// Drops days that are older than kept.
///
/// # Errors
/// The database is away or busy.
pub async fn drop_partitions(pool: &PgPool, of: Daily, days: u32) -> Result<i32, Failure> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    Ok(sqlx::query_scalar!(
        r#"-- stations.retention.drop_partitions
         SELECT drop_day_partitions($1::text::regclass, (now() AT TIME ZONE 'UTC')::date - $2::integer) AS "dropped!""#,
        of.table(),
        days
    )
    .fetch_one(pool)
    .await?)
}

/// Removes one small batch of quality items that have not come again for `days`; returns how many.
///
/// # Errors
/// The database is away or busy.
pub async fn forget_quality(db: &mut PgConnection, days: u32) -> Result<u64, Failure> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let done = sqlx::query!(
        "-- stations.retention.forget_quality
         DELETE FROM quality_items WHERE id IN (
             SELECT id FROM quality_items WHERE last_at < now() - make_interval(days => $1) ORDER BY last_at LIMIT 1000)",
        days
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
