//! Table `sign_in_attempts`: counted before a password is looked at, settled afterwards.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::lockout::Failures;

/// How long attempts are kept, and an address counts as known after a success from it.
const KEEP: Duration = Duration::days(30);

/// One login's attempts wait for each other until the unit ends, so that none slips past the limit.
///
/// # Errors
/// The database.
pub async fn serialise(db: &mut PgConnection, login_hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query!(
        r#"-- accounts.attempts.serialise
         SELECT pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0)) AS "locked!: ()""#,
        login_hash
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What counts against a login from an address, of the attempts after `since`.
///
/// # Errors
/// The database.
pub async fn failures(
    db: &mut PgConnection,
    login_hash: &[u8],
    address: &str,
    since: OffsetDateTime,
) -> Result<Failures, StoreError> {
    let row = sqlx::query!(
        r#"-- accounts.attempts.failures
         WITH recent AS (
             SELECT address = $2 AS here, attempted_at, outcome FROM sign_in_attempts
             WHERE login_hash = $1 AND attempted_at > $3
         ), success AS (
             SELECT coalesce(max(attempted_at) FILTER (WHERE here), '-infinity') AS here_at,
                    coalesce(max(attempted_at), '-infinity') AS any_at
             FROM recent WHERE outcome = 'succeeded'
         )
         SELECT count(*) FILTER (WHERE here AND attempted_at > here_at) AS "pair!",
                max(attempted_at) FILTER (WHERE here AND attempted_at > here_at) AS pair_last,
                count(*) FILTER (WHERE attempted_at > any_at) AS "account!",
                max(attempted_at) FILTER (WHERE attempted_at > any_at) AS account_last,
                EXISTS (SELECT 1 FROM sign_in_attempts
                        WHERE login_hash = $1 AND address = $2 AND outcome = 'succeeded') AS "known_address!"
         FROM recent, success WHERE outcome = 'failed'"#,
        login_hash,
        address,
        since
    )
    .fetch_one(db)
    .await?;
    Ok(Failures {
        pair: row.pair,
        pair_last: row.pair_last,
        account: row.account,
        account_last: row.account_last,
        known_address: row.known_address,
    })
}

/// One try to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: OffsetDateTime,
    /// From where.
    pub address: String,
    /// Whether the password was right.
    pub succeeded: bool,
}

/// The latest tries of a login, the newest first.
///
/// # Errors
/// The database.
pub async fn latest(
    db: &mut PgConnection,
    login_hash: &[u8],
    limit: i64,
) -> Result<Vec<Attempt>, StoreError> {
    let found = sqlx::query_as!(
        Attempt,
        r#"-- accounts.attempts.latest
         SELECT attempted_at AS at, address, outcome = 'succeeded' AS "succeeded!" FROM sign_in_attempts
         WHERE login_hash = $1 ORDER BY attempted_at DESC, attempt_id DESC LIMIT $2"#,
        login_hash,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Writes an attempt as failed until it is shown otherwise.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    login_hash: &[u8],
    address: &str,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.attempts.insert
         INSERT INTO sign_in_attempts (attempt_id, login_hash, address, attempted_at, outcome)
         VALUES ($1, $2, $3, $4, 'failed')",
        id,
        login_hash,
        address,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The attempt succeeded.
///
/// # Errors
/// The database.
pub async fn succeed(db: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.attempts.succeed
         UPDATE sign_in_attempts SET outcome = 'succeeded' WHERE attempt_id = $1",
        id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The attempt was the first half of another one.
///
/// # Errors
/// The database.
pub async fn withdraw(db: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.attempts.withdraw
         DELETE FROM sign_in_attempts WHERE attempt_id = $1",
        id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Failures of a login no longer count.
///
/// # Errors
/// The database.
pub async fn clear(db: &mut PgConnection, login_hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.attempts.clear
         UPDATE sign_in_attempts SET outcome = 'cleared' WHERE login_hash = $1 AND outcome = 'failed'",
        login_hash
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what is too old to count.
///
/// # Errors
/// The database.
pub async fn prune(db: &mut PgConnection, now: OffsetDateTime) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "-- accounts.attempts.prune
         DELETE FROM sign_in_attempts WHERE attempt_id IN
             (SELECT attempt_id FROM sign_in_attempts WHERE attempted_at < $1 LIMIT 10000)",
        now - KEEP
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
