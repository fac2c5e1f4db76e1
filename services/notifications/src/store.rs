//! SQL by noun. Nothing here decides; constraints in the migrations repeat what the domain forbids.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

pub mod dead_letters;
pub mod deliveries;
pub mod digest;
pub mod messages;
pub mod notices;
pub mod queue;
pub mod rebuild;
pub mod receipts;
pub mod subscriptions;
pub mod work_orders;
pub mod worklist;

/// How far counts are exact; one more stands for "1,000+". Source: performance, design rule 10.
pub const COUNT_MAX: i64 = 1_000;

/// The database's time, for reads outside a unit of work.
///
/// # Errors
/// The database is away.
pub async fn now(db: &mut PgConnection) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- notifications.now
        SELECT now() AS "now!""#
    )
    .fetch_one(db)
    .await
}

/// Which of these events, each of its consumer, have a committed effect.
///
/// # Errors
/// The database is away.
pub async fn committed(
    pool: &PgPool,
    consumers: &[String],
    events: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- notifications.committed
        SELECT inbox.event_id FROM inbox
        JOIN unnest($1::text[], $2::uuid[]) AS hinted (consumer, event_id)
          ON inbox.consumer = hinted.consumer AND inbox.event_id = hinted.event_id",
        consumers,
        events,
    )
    .fetch_all(pool)
    .await
}
