//! The queue of `webhook_deliveries`: claiming what is due, settling what was tried, its length, its end.
//!
//! A claim is a lease: while it runs nobody else takes the row, after it anybody does. What was tried under an outlived lease
//! writes nothing, so two attempts of one delivery never settle it twice.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::webhook::outcome::Outcome;

/// Seconds until a claimed delivery may be claimed again: the time of an attempt (15 s), and as long to settle it.
pub const LEASE_SECS: f64 = 30.0;
/// Rows of one statement that removes old ones.
const BATCH: i64 = 5_000;

/// A claimed delivery.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub delivery_id: Uuid,
    /// To which subscription.
    pub subscription_id: Uuid,
    /// Whose turn this is.
    pub lease_id: Uuid,
    /// The event; the `webhook-id`.
    pub event_id: Uuid,
    /// Where to.
    pub url: String,
    /// JSON.
    pub body: String,
    /// Attempts since it was made or resent, without this one.
    pub tries: i32,
    /// When this attempt began.
    pub at: OffsetDateTime,
}

/// Claims what is due: at most `limit`, of each endpoint at most what `per_endpoint` leaves beside its attempts under way.
///
/// Of all endpoints the first one due comes before the second one of any, so a long queue stands before nobody else's.
/// Claims follow one another, so that the bound of an endpoint holds over all processes.
///
/// # Errors
/// The database is away.
pub async fn claim(
    db: &mut PgConnection,
    lease_id: Uuid,
    per_endpoint: i64,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query!(
        "-- notifications.queue.claims_in_turn
        SELECT pg_advisory_xact_lock(hashtextextended('notifications.queue.claim', 0))"
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query_as!(
        Claimed,
        r#"-- notifications.queue.claim
        WITH endpoint AS (
            SELECT subscription.subscription_id, subscription.url,
                   greatest(0, $2 - (SELECT count(*) FROM webhook_deliveries running
                                     WHERE running.subscription_id = subscription.subscription_id
                                       AND running.state = 'waiting' AND running.lease_id IS NOT NULL
                                       AND running.due_at > clock_timestamp())) AS room
            FROM webhook_subscriptions subscription
            WHERE disabled_reason = '' AND (held_until IS NULL OR held_until <= clock_timestamp())
        ), due AS (
            SELECT delivery.delivery_id, endpoint.url
            FROM endpoint CROSS JOIN LATERAL (
                SELECT waiting.delivery_id, row_number() OVER (ORDER BY waiting.due_at) AS place, waiting.due_at
                FROM (
                    SELECT delivery_id, due_at FROM webhook_deliveries
                    WHERE subscription_id = endpoint.subscription_id AND state = 'waiting'
                      AND due_at <= clock_timestamp()
                    ORDER BY due_at LIMIT endpoint.room
                ) AS waiting
            ) AS delivery
            ORDER BY delivery.place, delivery.due_at LIMIT $3
        ), taken AS (
            SELECT delivery.delivery_id, due.url FROM webhook_deliveries delivery JOIN due USING (delivery_id)
            WHERE delivery.state = 'waiting' AND delivery.due_at <= clock_timestamp()
            FOR UPDATE OF delivery SKIP LOCKED
        )
        UPDATE webhook_deliveries delivery
        SET lease_id = $1, due_at = clock_timestamp() + make_interval(secs => $4)
        FROM taken WHERE delivery.delivery_id = taken.delivery_id
        RETURNING delivery.delivery_id, delivery.subscription_id, delivery.lease_id AS "lease_id!", delivery.event_id,
                  taken.url, delivery.body, delivery.tries, clock_timestamp() AS "at!""#,
        lease_id,
        per_endpoint,
        limit,
        LEASE_SECS,
    )
    .fetch_all(db)
    .await
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is delivered.
    Delivered,
    /// It is given up.
    Dead,
    /// It is tried again then.
    At(OffsetDateTime),
}

/// Writes the attempt and what follows; false where the lease was outlived and somebody else has the delivery.
///
/// # Errors
/// The database is away.
pub async fn settle(
    db: &mut PgConnection,
    claimed: &Claimed,
    outcome: &Outcome,
    next: Next,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let (state, due_at) = match next {
        Next::Delivered => ("delivered", now),
        Next::Dead => ("dead", now),
        Next::At(at) => ("waiting", at),
    };
    let error = outcome.trouble.map_or("", |trouble| trouble.word());
    let status = i32::from(outcome.status);
    let done = sqlx::query!(
        "-- notifications.queue.settle
        WITH settled AS (
            UPDATE webhook_deliveries
            SET state = $3, due_at = $4, lease_id = NULL, tries = tries + 1, attempts = attempts + 1, last_status = $5,
                last_error = $6, settled_at = CASE WHEN $3 = 'waiting' THEN NULL ELSE $7::timestamptz END
            WHERE delivery_id = $1 AND lease_id = $2
            RETURNING delivery_id, attempts
        )
        INSERT INTO webhook_attempts (delivery_id, number, at, status, latency_millis, answer, error)
        SELECT delivery_id, attempts, $8, $5, $9, $10, $6 FROM settled",
        claimed.delivery_id,
        claimed.lease_id,
        state,
        due_at,
        status,
        error,
        now,
        claimed.at,
        i32::try_from(outcome.latency_millis).unwrap_or(i32::MAX),
        outcome.answer,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How the queue of active subscriptions stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Deliveries that wait.
    pub waiting: i64,
    /// Of these, those that were tried before.
    pub retrying: i64,
    /// Seconds since the oldest of them was made; 0 where none waits.
    pub oldest_secs: f64,
    /// Seconds by which the one that is due the longest is late; 0 where none is.
    pub late_secs: f64,
}

/// Counts what waits.
///
/// # Errors
/// The database is away.
pub async fn standing(pool: &PgPool) -> Result<Standing, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"-- notifications.queue.standing
        SELECT count(*) AS "waiting!", count(*) FILTER (WHERE delivery.tries > 0) AS "retrying!",
               COALESCE(extract(epoch FROM now() - min(delivery.created_at)), 0)::float8 AS "oldest_secs!",
               greatest(0, COALESCE(extract(epoch FROM now() - min(delivery.due_at)), 0))::float8 AS "late_secs!"
        FROM webhook_deliveries delivery JOIN webhook_subscriptions subscription USING (subscription_id)
        WHERE delivery.state = 'waiting' AND subscription.disabled_reason = ''
          AND (subscription.held_until IS NULL OR subscription.held_until <= now())"#
    )
    .fetch_one(pool)
    .await
}

/// Removes settled deliveries, with their attempts, that are older than so many days.
///
/// # Errors
/// The database is away.
pub async fn forget(pool: &PgPool, days: u16) -> Result<u64, sqlx::Error> {
    let mut removed = 0;
    loop {
        let done = sqlx::query!(
            "-- notifications.queue.forget
            DELETE FROM webhook_deliveries WHERE delivery_id IN (
                SELECT delivery_id FROM webhook_deliveries
                WHERE state <> 'waiting' AND settled_at < now() - make_interval(days => $1) LIMIT $2)",
            i32::from(days),
            BATCH,
        )
        .execute(pool)
        .await?;
        removed += done.rows_affected();
        if done.rows_affected() < BATCH.unsigned_abs() {
            return Ok(removed);
        }
    }
}
