//! Removes what is past its time from this database's process tables; this service has no outbox relay that would.

use std::time::Duration;

use sqlx::PgPool;

/// Pause between two sweeps.
const EVERY: Duration = Duration::from_secs(3_600);

/// Sweeps hourly until the process ends.
pub async fn run(pool: PgPool) {
    loop {
        if let Err(error) = sweep(&pool).await {
            tracing::warn!(%error, "old rows could not be removed");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Stored answers live 7 days (reliability 6), inbox rows a week longer than messages in a stream (5.1: 30 + 7 days).
async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.upkeep.requests
        DELETE FROM requests WHERE ctid IN
            (SELECT ctid FROM requests WHERE made_at < now() - interval '7 days' LIMIT 5000)"
    )
    .execute(pool)
    .await?;
    sqlx::query!(
        "-- notifications.upkeep.inbox
        DELETE FROM inbox WHERE ctid IN
            (SELECT ctid FROM inbox WHERE applied_at < now() - interval '37 days' LIMIT 5000)"
    )
    .execute(pool)
    .await?;
    Ok(())
}
