//! Removes rows of the process tables that are past their time, in small batches, so that no lock lasts.

use std::time::Duration;

use sqlx::PgPool;

/// Pause between two sweeps that found nothing more.
const EVERY: Duration = Duration::from_secs(3_600);
/// Rows of one statement.
const BATCH: i64 = 5_000;

/// Published events live 30 days after `published_at` (reliability 3.8), stored answers 7 days (6), inbox rows a week
/// longer than messages in a stream (5.1: 30 + 7 days).
const STATEMENTS: [&str; 3] = [
    "-- chassis.upkeep.outbox
     DELETE FROM outbox WHERE ctid IN
         (SELECT ctid FROM outbox WHERE published_at < now() - interval '30 days' LIMIT $1)",
    "-- chassis.upkeep.requests
     DELETE FROM requests WHERE ctid IN (SELECT ctid FROM requests WHERE made_at < now() - interval '7 days' LIMIT $1)",
    "-- chassis.upkeep.inbox
     DELETE FROM inbox WHERE ctid IN (SELECT ctid FROM inbox WHERE applied_at < now() - interval '37 days' LIMIT $1)",
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
