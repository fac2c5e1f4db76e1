//! Removes rows of the process tables that are past their time, in small batches, so that no lock lasts.

use std::time::Duration;

use sqlx::PgPool;

/// Pause between two sweeps that found nothing more.
const EVERY: Duration = Duration::from_secs(3_600);
/// Rows of one statement.
const BATCH: i64 = 5_000;

/// Published events live 30 days after `published_at` (reliability 3.8), the newest of each aggregate as long as it is the
/// newest, so that a restored database can tell every aggregate anew (decision record 26); stored answers 7 days (6), inbox rows a week
/// longer than messages in a stream (5.1: 30 + 7 days), refusals 180 days (12: at least 6 months online), those of
/// strangers 7 days, so that nobody can fill the table without signing in.
const STATEMENTS: [&str; 5] = [
    "-- chassis.upkeep.outbox
     WITH old AS (DELETE FROM outbox_delivery WHERE ctid IN
         (SELECT delivery.ctid FROM outbox_delivery delivery JOIN outbox old USING (event_id)
          WHERE published_at < now() - interval '30 days' AND EXISTS (
              SELECT 1 FROM outbox newer WHERE newer.aggregate_type = old.aggregate_type
              AND newer.aggregate_id = old.aggregate_id AND newer.aggregate_version > old.aggregate_version)
          LIMIT $1) RETURNING event_id)
     DELETE FROM outbox USING old WHERE outbox.event_id = old.event_id",
    "-- chassis.upkeep.requests
     DELETE FROM requests WHERE ctid IN (SELECT ctid FROM requests WHERE made_at < now() - interval '7 days' LIMIT $1)",
    "-- chassis.upkeep.inbox
     DELETE FROM inbox WHERE ctid IN (SELECT ctid FROM inbox WHERE applied_at < now() - interval '37 days' LIMIT $1)",
    "-- chassis.upkeep.refusals
     DELETE FROM refusals WHERE ctid IN (SELECT ctid FROM refusals WHERE refused_at < now() - interval '180 days'
         OR (principal = 'anonymous:anonymous' AND refused_at < now() - interval '7 days') LIMIT $1)",
    "-- chassis.upkeep.delivery_attempts
     DELETE FROM delivery_attempts WHERE ctid IN (SELECT tries.ctid FROM delivery_attempts tries
         WHERE EXISTS (SELECT 1 FROM inbox WHERE inbox.consumer = tries.consumer AND inbox.event_id::text = tries.event_id)
            OR EXISTS (SELECT 1 FROM dead_letters letter WHERE letter.consumer = tries.consumer
                       AND letter.event_id = tries.event_id) LIMIT $1)",
];

/// Sweeps hourly until the process ends.
pub(crate) async fn run(pool: PgPool) {
    loop {
        if let Err(error) = sweep(&pool).await {
            tracing::warn!(%error, "old rows could not be removed");
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    for statement in STATEMENTS {
        loop {
            let removed = sqlx::query(statement).bind(BATCH).execute(pool).await?.rows_affected();
            if removed < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(())
}
