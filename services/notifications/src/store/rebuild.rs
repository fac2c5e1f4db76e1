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
        CREATE TEMPORARY TABLE webhook_deliveries (LIKE public.webhook_deliveries INCLUDING ALL) ON COMMIT DROP;
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

/// Replaces the real rows by the temporary ones. Messages that follow from no event stay. Webhooks are only added: those of
/// events that no consumer has applied, and that none will apply now.
///
/// # Errors
/// The database is away.
pub async fn swap(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "-- notifications.rebuild.swap
        INSERT INTO public.webhook_deliveries
        SELECT * FROM pg_temp.webhook_deliveries made
        WHERE NOT EXISTS (SELECT 1 FROM public.inbox WHERE inbox.event_id = made.event_id)
        ON CONFLICT DO NOTHING;
        DELETE FROM public.work_order_samples;
        DELETE FROM public.work_order_experts;
        DELETE FROM public.work_orders;
        DELETE FROM public.messages WHERE subject_type <> 'webhook';
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

/// Makes room for an older version of one aggregate: its task goes, the panel of an order may be told anew.
///
/// # Errors
/// The database is away.
pub async fn forget(db: &mut PgConnection, kind: &str, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query(
        "-- notifications.rebuild.forget
        WITH order_of_it AS (
            UPDATE work_orders SET version = 1, panel_version = 0 WHERE $1 = 'work_order' AND work_order_id = $2
        )
        DELETE FROM worklist WHERE subject_type = $1 AND subject_id = $2",
    )
    .bind(kind)
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

/// Events with their consumers, column by column: one statement handles a whole batch.
#[derive(Debug, Default)]
pub struct Places {
    /// The durable consumers.
    pub consumers: Vec<String>,
    /// The events.
    pub event_ids: Vec<Uuid>,
    /// With the ids the units of order.
    pub aggregate_types: Vec<String>,
    /// Which ones.
    pub aggregate_ids: Vec<Uuid>,
    /// Their versions.
    pub versions: Vec<i64>,
    /// In which life of the producer they were told; nil where they do not say it.
    pub lineage_ids: Vec<Uuid>,
}

impl Places {
    /// Adds one event.
    pub fn push(
        &mut self,
        consumer: &str,
        event_id: Uuid,
        aggregate_type: &str,
        aggregate_id: Uuid,
        (version, lineage_id): (i64, Uuid),
    ) {
        self.consumers.push(consumer.to_owned());
        self.event_ids.push(event_id);
        self.aggregate_types.push(aggregate_type.to_owned());
        self.aggregate_ids.push(aggregate_id);
        self.versions.push(version);
        self.lineage_ids.push(lineage_id);
    }
}

/// For each event, in the order given: whether its consumer knows it, and the last version of its aggregate there.
///
/// # Errors
/// The database is away.
pub async fn find(db: &mut PgConnection, places: &Places) -> Result<Vec<(bool, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"-- notifications.rebuild.find
        SELECT EXISTS (SELECT 1 FROM inbox
                       WHERE inbox.consumer = place.consumer AND inbox.event_id = place.event_id) AS "known!",
               COALESCE((SELECT passed.version FROM consumer_versions passed
                         WHERE passed.consumer = place.consumer AND passed.aggregate_type = place.aggregate_type
                           AND passed.aggregate_id = place.aggregate_id), 0) AS "last!"
        FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[])
             WITH ORDINALITY AS place (consumer, event_id, aggregate_type, aggregate_id, nth)
        ORDER BY place.nth"#,
        &places.consumers,
        &places.event_ids,
        &places.aggregate_types,
        &places.aggregate_ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.known, row.last)).collect())
}

/// Which of these events their consumers have applied, in the real inbox.
///
/// # Errors
/// The database is away.
pub async fn heard(db: &mut PgConnection, places: &Places) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- notifications.rebuild.heard
        SELECT inbox.event_id FROM public.inbox
        JOIN unnest($1::text[], $2::uuid[]) AS place (consumer, event_id)
          ON inbox.consumer = place.consumer AND inbox.event_id = place.event_id",
        &places.consumers,
        &places.event_ids,
    )
    .fetch_all(db)
    .await
}

/// Notes the events as handled and their versions as passed, in their lineage.
///
/// # Errors
/// The database is away.
pub async fn note(db: &mut PgConnection, places: &Places) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.rebuild.note
        WITH place AS (
            SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::uuid[])
                AS place (consumer, event_id, aggregate_type, aggregate_id, version, lineage_id)
        ), noted AS (
            INSERT INTO inbox (consumer, event_id, aggregate_id, aggregate_version, applied_at)
            SELECT consumer, event_id, aggregate_id, version, now() FROM place ON CONFLICT DO NOTHING
        )
        INSERT INTO consumer_versions AS row (consumer, aggregate_type, aggregate_id, version, lineage_id)
        SELECT DISTINCT ON (consumer, aggregate_type, aggregate_id)
               consumer, aggregate_type, aggregate_id, version, lineage_id
        FROM place ORDER BY consumer, aggregate_type, aggregate_id, version DESC
        ON CONFLICT (consumer, aggregate_type, aggregate_id)
        DO UPDATE SET version = excluded.version, lineage_id = excluded.lineage_id WHERE row.version < excluded.version",
        &places.consumers,
        &places.event_ids,
        &places.aggregate_types,
        &places.aggregate_ids,
        &places.versions,
        &places.lineage_ids,
    )
    .execute(db)
    .await?;
    Ok(())
}
