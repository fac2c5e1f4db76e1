//! Reads `dead_letters`, which the chassis writes: what could not be applied, and what was decided about it.

use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

/// One dead letter.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its number; replay and dismiss name it.
    pub id: i64,
    /// The durable consumer that could not apply it.
    pub consumer: String,
    /// Where it was published.
    pub subject: String,
    /// The event.
    pub event_id: String,
    /// Empty where the message did not say.
    pub aggregate_type: String,
    /// Which aggregate it blocks.
    pub aggregate_id: Option<Uuid>,
    /// Its version.
    pub aggregate_version: Option<i64>,
    /// `undecodable`, `unknown_version`, `refused`, `unexpected`, `blocked`.
    pub reason: String,
    /// The error with its causes.
    pub error: String,
    /// When it was given up.
    pub died_at: OffsetDateTime,
    /// `replayed` or `dismissed`; `None` while it is open.
    pub settlement: Option<String>,
}

/// Every letter, open ones only or all, oldest first.
///
/// # Errors
/// The database is away.
pub async fn list(pool: &PgPool, all: bool) -> Result<Vec<Letter>, sqlx::Error> {
    sqlx::query_as!(
        Letter,
        "-- notifications.dead_letters.list
        SELECT id, consumer, subject, event_id, aggregate_type, aggregate_id, aggregate_version, reason, error,
               died_at, settlement
        FROM dead_letters WHERE $1 OR settled_at IS NULL ORDER BY id",
        all,
    )
    .fetch_all(pool)
    .await
}
