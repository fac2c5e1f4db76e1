//! Table `second_factors`: at most one for each person.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::StoreError;
use crate::domain::{ids::UserId, second_factor::Wrong};

/// A second factor that is enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// See [`crate::vault::Vault`].
    pub secret: Vec<u8>,
    /// The last step whose code was taken.
    pub last_step: i64,
    /// What counts against it.
    pub wrong: Wrong,
}

/// Whether somebody has enrolled one.
///
/// # Errors
/// The database.
pub async fn enrolled(db: &mut PgConnection, user: UserId) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"-- accounts.second_factors.enrolled
         SELECT EXISTS (SELECT 1 FROM second_factors WHERE user_id = $1) AS "enrolled!""#,
        user.0
    )
    .fetch_one(db)
    .await?;
    Ok(found)
}

/// A person's second factor, locked until the unit ends.
///
/// # Errors
/// The database.
pub async fn lock(db: &mut PgConnection, user: UserId) -> Result<Option<Factor>, StoreError> {
    let row = sqlx::query!(
        "-- accounts.second_factors.lock
         SELECT secret, last_step, failures, locked_until FROM second_factors WHERE user_id = $1 FOR UPDATE",
        user.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Factor {
        secret: row.secret,
        last_step: row.last_step,
        wrong: Wrong { failures: row.failures, locked_until: row.locked_until },
    }))
}

/// Enrols one, by the step of its first code; false where there is one already.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    user: UserId,
    secret: &[u8],
    step: i64,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "-- accounts.second_factors.insert
         INSERT INTO second_factors (user_id, secret, enrolled_at, last_step) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO NOTHING",
        user.0,
        secret,
        at,
        step
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The code of a step was taken; what was wrong before counts no longer.
///
/// # Errors
/// The database.
pub async fn advance(db: &mut PgConnection, user: UserId, step: i64) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.second_factors.advance
         UPDATE second_factors SET last_step = $2, failures = 0, locked_until = NULL WHERE user_id = $1",
        user.0,
        step
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A code was wrong.
///
/// # Errors
/// The database.
pub async fn count(db: &mut PgConnection, user: UserId, wrong: Wrong) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.second_factors.count
         UPDATE second_factors SET failures = $2, locked_until = $3 WHERE user_id = $1",
        user.0,
        wrong.failures,
        wrong.locked_until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes one; false where there is none.
///
/// # Errors
/// The database.
pub async fn remove(db: &mut PgConnection, user: UserId) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "-- accounts.second_factors.remove
         DELETE FROM second_factors WHERE user_id = $1",
        user.0
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
