//! The tables of a rebuild: temporary ones that stand in front of the real ones, then one swap under a short lock.
//!
//! PostgreSQL looks for a table among the session's temporary ones first, so the same statements that consumers use
//! write the temporary rows here. Everything is one transaction: an interrupted rebuild leaves nothing behind.

use sqlx::PgConnection;
use uuid::Uuid;

/// Puts empty temporary tables in front of the real ones, and takes the time limits off this transaction.
///
/// # Errors
/// The database is away.
pub async fn shadow(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "-- notifications.rebuild.shadow
        SET LOCAL statement_timeout = 0;
        SET LOCAL idle_in_transaction_session_timeout = 0;
        SET LOCAL lock_timeout = '60s';
        CREATE TEMPORARY TABLE worklist (LIKE public.worklist INCLUDING ALL) ON COMMIT DROP;
        CREATE TEMPORARY TABLE messages (LIKE public.messages INCLUDING ALL) ON COMMIT DROP;
        CREATE TEMPORARY TABLE work_orders (LIKE public.work_orders INCLUDING ALL) ON COMMIT DROP;
        CREATE TEMPORARY TABLE work_order_experts (LIKE public.work_order_experts INCLUDING ALL) ON COMMIT DROP;
        CREATE TEMPORARY TABLE work_order_samples (LIKE public.work_order_samples INCLUDING ALL) ON COMMIT DROP;
        CREATE TEMPORARY TABLE inbox (LIKE public.inbox INCLUDING ALL) ON COMMIT DROP;
        CREATE TEMPORARY TABLE consumer_versions (LIKE public.consumer_versions INCLUDING ALL) ON COMMIT DROP;",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Holds back every consumer: each one claims its event in `inbox` first, and waits here until the swap is done.
///
/// # Errors
/// A consumer's transaction did not end within a minute, another rebuild runs, or the database is away.
pub async fn hold_consumers(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "-- notifications.rebuild.hold_consumers
        LOCK TABLE public.inbox IN SHARE ROW EXCLUSIVE MODE;",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces the real rows by the temporary ones.
///
/// # Errors
/// The database is away.
pub async fn swap(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "-- notifications.rebuild.swap
        DELETE FROM public.work_order_samples;
        DELETE FROM public.work_order_experts;
        DELETE FROM public.work_orders;
        DELETE FROM public.messages;
        DELETE FROM public.worklist;
        DELETE FROM public.consumer_versions;
        DELETE FROM public.inbox;
        INSERT INTO public.work_orders SELECT * FROM pg_temp.work_orders;
        INSERT INTO public.work_order_experts SELECT * FROM pg_temp.work_order_experts;
        INSERT INTO public.work_order_samples SELECT * FROM pg_temp.work_order_samples;
        INSERT INTO public.messages SELECT * FROM pg_temp.messages;
        INSERT INTO public.worklist SELECT * FROM pg_temp.worklist;
        INSERT INTO public.consumer_versions SELECT * FROM pg_temp.consumer_versions;
        INSERT INTO public.inbox SELECT * FROM pg_temp.inbox;",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An event's place, as the consumer's inbox sees it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'e> {
    /// The durable consumer.
    pub consumer: &'e str,
    /// The event.
    pub event_id: Uuid,
    /// With the id the unit of order.
    pub aggregate_type: &'e str,
    /// Which one.
    pub aggregate_id: Uuid,
    /// Its version.
    pub version: i64,
}

/// Whether the consumer knows the event, and its last version of the aggregate.
///
/// # Errors
/// The database is away.
pub async fn find(db: &mut PgConnection, place: Place<'_>) -> Result<(bool, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"-- notifications.rebuild.find
        SELECT EXISTS (SELECT 1 FROM inbox WHERE consumer = $1 AND event_id = $2) AS "known!",
               COALESCE((SELECT version FROM consumer_versions
                         WHERE consumer = $1 AND aggregate_type = $3 AND aggregate_id = $4), 0) AS "last!""#,
        place.consumer,
        place.event_id,
        place.aggregate_type,
        place.aggregate_id,
    )
    .fetch_one(db)
    .await?;
    Ok((row.known, row.last))
}

/// Notes the event as handled and its version as passed.
///
/// # Errors
/// The database is away.
pub async fn note(db: &mut PgConnection, place: Place<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.rebuild.note
        WITH noted AS (
            INSERT INTO inbox (consumer, event_id, aggregate_id, aggregate_version, applied_at)
            VALUES ($1, $2, $4, $5, now()) ON CONFLICT DO NOTHING
        )
        INSERT INTO consumer_versions AS row (consumer, aggregate_type, aggregate_id, version)
        VALUES ($1, $3, $4, $5)
        ON CONFLICT (consumer, aggregate_type, aggregate_id)
        DO UPDATE SET version = greatest(row.version, excluded.version)",
        place.consumer,
        place.event_id,
        place.aggregate_type,
        place.aggregate_id,
        place.version,
    )
    .execute(db)
    .await?;
    Ok(())
}
