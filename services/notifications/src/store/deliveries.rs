//! Rows of `webhook_deliveries` and `webhook_attempts` as people see them, and what makes them due. The queue's own side is
//! `store/queue.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// What is posted to every subscription that wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The event; the `webhook-id`.
    pub event_id: Uuid,
    /// E.g. `reviews.county_passed`.
    pub event_type: String,
    /// Division code; empty where the event belongs to none.
    pub prefecture: String,
    /// When it occurred.
    pub occurred_at: OffsetDateTime,
    /// JSON.
    pub body: String,
}

/// The active subscriptions that want an event.
///
/// # Errors
/// The database is away.
pub async fn wanting(
    db: &mut PgConnection,
    names: &[String],
    prefecture: &str,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- notifications.deliveries.wanting
        SELECT subscription_id FROM webhook_subscriptions
        WHERE disabled_reason = '' AND event_types && $1 AND prefecture IN ('', $2)",
        names,
        prefecture,
    )
    .fetch_all(db)
    .await
}

/// Adds a delivery for each subscription, due at once; a redelivered event finds them there.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    parcel: &Parcel,
    deliveries: &[(Uuid, Uuid)],
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let (ids, subscriptions): (Vec<Uuid>, Vec<Uuid>) = deliveries.iter().copied().unzip();
    sqlx::query!(
        "-- notifications.deliveries.insert
        INSERT INTO webhook_deliveries (delivery_id, subscription_id, event_id, event_type, occurred_at, body, due_at,
                                        created_at)
        SELECT delivery_id, subscription_id, $3, $4, $5, $6, $7, $7
        FROM unnest($1::uuid[], $2::uuid[]) AS wanted (delivery_id, subscription_id)
        ON CONFLICT (subscription_id, event_id) DO NOTHING",
        &ids,
        &subscriptions,
        parcel.event_id,
        parcel.event_type,
        parcel.occurred_at,
        parcel.body,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A delivery without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id.
    pub delivery_id: Uuid,
    /// To which subscription.
    pub subscription_id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: String,
    /// When it occurred.
    pub occurred_at: OffsetDateTime,
    /// `waiting`, `delivered`, `dead`.
    pub state: String,
    /// Over all resends.
    pub attempts: i32,
    /// HTTP status of the last one; 0 where no answer came.
    pub last_status: i32,
    /// Trouble of the last one.
    pub last_error: String,
    /// When it is tried next; while an attempt is under way, when that one is given up.
    pub due_at: OffsetDateTime,
    /// When it was delivered or given up.
    pub settled_at: Option<OffsetDateTime>,
}

/// Deliveries of a subscription after a key, newest event first; an empty state means all.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    subscription_id: Uuid,
    state: &str,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, sqlx::Error> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        DeliveryRow,
        "-- notifications.deliveries.list
        SELECT delivery_id, subscription_id, event_id, event_type, occurred_at, state, attempts, last_status, last_error,
               due_at, settled_at
        FROM webhook_deliveries
        WHERE subscription_id = $1 AND ($2 = '' OR state = $2)
          AND ($3::timestamptz IS NULL OR (occurred_at, delivery_id) < ($3, $4))
        ORDER BY occurred_at DESC, delivery_id DESC LIMIT $5",
        subscription_id,
        state,
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await
}

/// One delivery with its body.
///
/// # Errors
/// The database is away.
pub async fn find(
    db: &mut PgConnection,
    delivery_id: Uuid,
) -> Result<Option<(DeliveryRow, String)>, sqlx::Error> {
    let row = sqlx::query!(
        "-- notifications.deliveries.find
        SELECT delivery_id, subscription_id, event_id, event_type, occurred_at, state, attempts, last_status, last_error,
               due_at, settled_at, body
        FROM webhook_deliveries WHERE delivery_id = $1",
        delivery_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let delivery = DeliveryRow {
            delivery_id: row.delivery_id,
            subscription_id: row.subscription_id,
            event_id: row.event_id,
            event_type: row.event_type,
            occurred_at: row.occurred_at,
            state: row.state,
            attempts: row.attempts,
            last_status: row.last_status,
            last_error: row.last_error,
            due_at: row.due_at,
            settled_at: row.settled_at,
        };
        (delivery, row.body)
    }))
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// 1, 2, 3 … over all resends.
    pub number: i32,
    /// When it began.
    pub at: OffsetDateTime,
    /// HTTP status; 0 where no answer came.
    pub status: i32,
    /// How long it took.
    pub latency_millis: i32,
    /// Beginning of the answer.
    pub answer: String,
    /// Trouble; empty where it was delivered.
    pub error: String,
}

/// The attempts of a delivery, newest first.
///
/// # Errors
/// The database is away.
pub async fn attempts(
    db: &mut PgConnection,
    delivery_id: Uuid,
    limit: i64,
) -> Result<Vec<AttemptRow>, sqlx::Error> {
    sqlx::query_as!(
        AttemptRow,
        "-- notifications.deliveries.attempts
        SELECT number, at, status, latency_millis, answer, error FROM webhook_attempts
        WHERE delivery_id = $1 ORDER BY number DESC LIMIT $2",
        delivery_id,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Locks the delivery of an event to a subscription while a receipt of it is kept; the event's type, or none where there is no
/// such delivery.
///
/// # Errors
/// The database is away.
pub async fn lock(
    db: &mut PgConnection,
    subscription_id: Uuid,
    event_id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- notifications.deliveries.lock
        SELECT event_type FROM webhook_deliveries WHERE subscription_id = $1 AND event_id = $2 FOR NO KEY UPDATE",
        subscription_id,
        event_id,
    )
    .fetch_optional(db)
    .await
}

/// Makes a delivery due at once and begins its schedule anew; its subscription, or none where there is no such delivery.
///
/// # Errors
/// The database is away.
pub async fn resend(
    db: &mut PgConnection,
    delivery_id: Uuid,
    now: OffsetDateTime,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- notifications.deliveries.resend
        UPDATE webhook_deliveries
        SET state = 'waiting', tries = 0, settled_at = NULL,
            due_at = CASE WHEN lease_id IS NULL THEN $2 ELSE due_at END
        WHERE delivery_id = $1 RETURNING subscription_id",
        delivery_id,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Which deliveries of a subscription are resent.
#[derive(Debug, Clone)]
pub struct Span<'a> {
    /// Whose.
    pub subscription_id: Uuid,
    /// When the events occurred, inclusive.
    pub from: OffsetDateTime,
    /// Exclusive.
    pub to: OffsetDateTime,
    /// `delivered`, `dead`; empty for both.
    pub state: &'a str,
}

/// Makes the settled deliveries of a span due at once; how many, at most one more than `limit`.
///
/// # Errors
/// The database is away.
pub async fn resend_span(
    db: &mut PgConnection,
    span: &Span<'_>,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "-- notifications.deliveries.resend_span
        UPDATE webhook_deliveries SET state = 'waiting', tries = 0, due_at = $5, settled_at = NULL
        WHERE delivery_id IN (
            SELECT delivery_id FROM webhook_deliveries
            WHERE subscription_id = $1 AND occurred_at >= $2 AND occurred_at < $3 AND state <> 'waiting'
              AND ($4 = '' OR state = $4)
            LIMIT $6)",
        span.subscription_id,
        span.from,
        span.to,
        span.state,
        now,
        limit + 1,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
