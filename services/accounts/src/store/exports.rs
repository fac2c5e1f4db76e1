//! Table `exports`.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::StoreError;
use crate::domain::ids::{ExportId, SessionId};

/// How long a row is kept; none is looked at that long.
const KEEP: Duration = Duration::days(1);

/// What an export takes out, in codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The list by its path.
    pub list: String,
    /// What narrows it.
    pub filter: String,
}

/// A new export under the reference that its session has just now; false where the session has ended.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    id: ExportId,
    session: SessionId,
    taken: &Taken,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "-- accounts.exports.insert
         INSERT INTO exports (export_id, session_id, token_hash, list, filter, begun_at)
         SELECT $1::uuid, session_id, token_hash, $3::text, $4::text, $5::timestamptz FROM sessions
         WHERE session_id = $2 AND ended_at IS NULL",
        id.0,
        session.0,
        taken.list,
        taken.filter,
        at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that an export is recorded; none where this session has begun no such export since, has ended, or
/// it is recorded already.
///
/// # Errors
/// The database.
pub async fn finish(
    db: &mut PgConnection,
    id: ExportId,
    session: SessionId,
    since: OffsetDateTime,
    at: OffsetDateTime,
) -> Result<Option<Taken>, StoreError> {
    let taken = sqlx::query_as!(
        Taken,
        "-- accounts.exports.finish
         UPDATE exports SET recorded_at = $4 FROM sessions
         WHERE export_id = $1 AND exports.session_id = $2 AND begun_at > $3 AND recorded_at IS NULL
           AND sessions.session_id = exports.session_id AND sessions.ended_at IS NULL
         RETURNING list, filter",
        id.0,
        session.0,
        since,
        at
    )
    .fetch_optional(db)
    .await?;
    Ok(taken)
}

/// Forgets what is too old to be looked at.
///
/// # Errors
/// The database.
pub async fn prune(db: &mut PgConnection, now: OffsetDateTime) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "-- accounts.exports.prune
         DELETE FROM exports WHERE export_id IN (SELECT export_id FROM exports WHERE begun_at < $1 LIMIT 10000)",
        now - KEEP
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
