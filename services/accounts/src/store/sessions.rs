//! Table `sessions`.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{ExportId, OperatorId, SessionId, UserId};

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its owner signed out.
    SignedOut,
    /// Idle or too long.
    TimedOut,
    /// Its owner, an official, signed in elsewhere.
    Replaced,
    /// The password changed.
    PasswordChanged,
    /// The user was deactivated.
    Deactivated,
    /// The operator was suspended.
    Suspended,
    /// A fresh one-time password was issued.
    Reissued,
    /// A system administrator ended it.
    ByAdministrator,
    /// The owner of the operator's account ended it.
    ByOwner,
    /// Its owner ended it from another session.
    Elsewhere,
    /// The second factor was removed.
    FactorRemoved,
}

impl End {
    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::TimedOut => "timed_out",
            Self::Replaced => "replaced",
            Self::PasswordChanged => "password_changed",
            Self::Deactivated => "deactivated",
            Self::Suspended => "suspended",
            Self::Reissued => "reissued",
            Self::ByAdministrator => "ended_by_administrator",
            Self::ByOwner => "ended_by_owner",
            Self::Elsewhere => "ended_elsewhere",
            Self::FactorRemoved => "second_factor_removed",
        }
    }
}

/// A session that has not been ended; whether it has timed out is the domain's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// How its owner proved itself.
    pub authentication: String,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it was last used (to the minute).
    pub seen_at: OffsetDateTime,
    /// When the second factor was last shown in it.
    pub proved_at: Option<OffsetDateTime>,
    /// Database time of this look.
    pub now: OffsetDateTime,
}

struct Row {
    session_id: Uuid,
    user_id: Uuid,
    authentication: String,
    started_at: OffsetDateTime,
    seen_at: OffsetDateTime,
    proved_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: SessionId(row.session_id),
            user: UserId(row.user_id),
            authentication: row.authentication,
            started_at: row.started_at,
            seen_at: row.seen_at,
            proved_at: row.proved_at,
            now: row.now,
        }
    }
}

/// A new session.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    session: &Session,
    official: bool,
    token_hash: &[u8],
    address: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.sessions.insert
         INSERT INTO sessions (session_id, user_id, official, token_hash, authentication, started_at, seen_at, address,
                               proved_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        session.id.0,
        session.user.0,
        official,
        token_hash,
        session.authentication,
        session.started_at,
        session.seen_at,
        address,
        session.proved_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The session of a token, unless it was ended.
///
/// # Errors
/// The database.
pub async fn find_live(db: &mut PgConnection, token_hash: &[u8]) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"-- accounts.sessions.find_live
         SELECT session_id, user_id, authentication, started_at, seen_at, proved_at, now() AS "now!"
         FROM sessions WHERE token_hash = $1 AND ended_at IS NULL"#,
        token_hash
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Session::from))
}

/// The session in which an export was begun less than `lasts` ago under this token, which need not be its token any more; unless it
/// was ended. What was proved since then does not count.
///
/// # Errors
/// The database.
pub async fn find_exporting(
    db: &mut PgConnection,
    token_hash: &[u8],
    export: ExportId,
    lasts: Duration,
) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"-- accounts.sessions.find_exporting
         SELECT sessions.session_id, sessions.user_id, sessions.authentication, sessions.started_at, sessions.seen_at,
                CASE WHEN sessions.proved_at > exports.begun_at THEN exports.begun_at
                     ELSE sessions.proved_at END AS "proved_at?", now() AS "now!"
         FROM exports JOIN sessions ON sessions.session_id = exports.session_id
         WHERE exports.export_id = $1 AND exports.token_hash = $2 AND sessions.ended_at IS NULL
           AND exports.begun_at > now() - make_interval(secs => $3)"#,
        export.0,
        token_hash,
        lasts.as_seconds_f64()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Session::from))
}

/// Gives a session another token and notes how and when its owner proved itself; false where it has ended.
///
/// # Errors
/// The database.
pub async fn prove(
    db: &mut PgConnection,
    id: SessionId,
    token_hash: &[u8],
    authentication: &str,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "-- accounts.sessions.prove
         UPDATE sessions SET token_hash = $2, authentication = $3, proved_at = $4, seen_at = $4
         WHERE session_id = $1 AND ended_at IS NULL",
        id.0,
        token_hash,
        authentication,
        at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a session is in use.
///
/// # Errors
/// The database.
pub async fn touch(db: &mut PgConnection, id: SessionId, at: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.sessions.touch
         UPDATE sessions SET seen_at = $2 WHERE session_id = $1 AND ended_at IS NULL AND seen_at < $2",
        id.0,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends one session; does nothing where it has ended.
///
/// # Errors
/// The database.
pub async fn end(
    db: &mut PgConnection,
    id: SessionId,
    at: OffsetDateTime,
    why: End,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.sessions.end
         UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE session_id = $1 AND ended_at IS NULL",
        id.0,
        at,
        why.name()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends every session of a user.
///
/// # Errors
/// The database.
pub async fn end_all(
    db: &mut PgConnection,
    user: UserId,
    at: OffsetDateTime,
    why: End,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.sessions.end_all
         UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE user_id = $1 AND ended_at IS NULL",
        user.0,
        at,
        why.name()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A session in use, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it was last used (to the minute).
    pub seen_at: OffsetDateTime,
    /// Where it was opened from; empty for old ones.
    pub address: String,
}

/// Sessions of a user that were used after `since`, the latest first.
///
/// # Errors
/// The database.
pub async fn open(
    db: &mut PgConnection,
    user: UserId,
    since: OffsetDateTime,
) -> Result<Vec<Open>, StoreError> {
    let rows = sqlx::query!(
        "-- accounts.sessions.open
         SELECT session_id, started_at, seen_at, address FROM sessions
         WHERE user_id = $1 AND ended_at IS NULL AND seen_at > $2 ORDER BY started_at DESC, session_id LIMIT 100",
        user.0,
        since
    )
    .fetch_all(db)
    .await?;
    let open = rows.into_iter().map(|row| Open {
        id: SessionId(row.session_id),
        started_at: row.started_at,
        seen_at: row.seen_at,
        address: row.address,
    });
    Ok(open.collect())
}

/// Ends every session of a user but one.
///
/// # Errors
/// The database.
pub async fn end_others(
    db: &mut PgConnection,
    user: UserId,
    kept: SessionId,
    at: OffsetDateTime,
    why: End,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.sessions.end_others
         UPDATE sessions SET ended_at = $3, end_reason = $4
         WHERE user_id = $1 AND session_id <> $2 AND ended_at IS NULL",
        user.0,
        kept.0,
        at,
        why.name()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends every session of an operator's users.
///
/// # Errors
/// The database.
pub async fn end_all_of_operator(
    db: &mut PgConnection,
    operator: OperatorId,
    at: OffsetDateTime,
    why: End,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.sessions.end_all_of_operator
         UPDATE sessions SET ended_at = $2, end_reason = $3
         WHERE ended_at IS NULL AND user_id IN (SELECT user_id FROM users WHERE operator_id = $1)",
        operator.0,
        at,
        why.name()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends what has outlived the longest life of a session.
///
/// # Errors
/// The database.
pub async fn end_overdue(
    db: &mut PgConnection,
    started_before: OffsetDateTime,
    at: OffsetDateTime,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "-- accounts.sessions.end_overdue
         UPDATE sessions SET ended_at = $2, end_reason = 'timed_out' WHERE ended_at IS NULL AND started_at < $1",
        started_before,
        at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
