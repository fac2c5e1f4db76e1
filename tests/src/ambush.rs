//! Killing a service in the middle of its transaction, on purpose and not by luck.
//!
//! Owns: holding a lock that the transaction needs, seeing it wait, killing the service. Not: what must hold after.
use anyhow::{Context as _, Result};
use sqlx::AssertSqlSafe;
use tokio::task::JoinHandle;
use xtask::services::Service;

use crate::{
    System,
    wait::{PATIENCE, eventually},
};

impl System {
    /// Kills `victim` with SIGKILL while `act` waits for what `lock` (a SELECT … FOR UPDATE) holds, and gives how the act
    /// ended for its caller. Its transaction is over afterwards, undone by the database.
    ///
    /// # Errors
    /// The act never waited.
    pub async fn killed_in_the_middle<T: Send + 'static>(
        &self,
        victim: Service,
        lock: &str,
        act: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        let pool = self.database(victim)?;
        let mut holder = pool.begin().await?;
        // The text comes from the tests.
        sqlx::query(AssertSqlSafe(lock)).execute(&mut *holder).await?;
        let acting: JoinHandle<T> = tokio::spawn(act);
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually(PATIENCE, "the transaction waits in its middle", || async {
            Ok((self.count(victim, waiting).await? > 0).then_some(()))
        })
        .await?;
        self.fleet().kill(victim)?;
        holder.rollback().await?;
        let ended = acting.await.context("nobody panics")?;
        let left = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{victim}'"
        );
        eventually(PATIENCE, "the dead service's connections are gone", || async {
            Ok((self.count(victim, &left).await? == 0).then_some(()))
        })
        .await?;
        Ok(ended)
    }
}
