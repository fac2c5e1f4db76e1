//! One open transaction on a connection of its own.
//!
//! A connection goes back to the pool when COMMIT or ROLLBACK is answered, and is closed otherwise, so an open transaction never
//! reaches the next user of the pool, however it was left (reliability 7; decision record 54). Only [`crate::Work`] opens one;
//! sqlx's own `begin()` would cost a round trip for the time, and one more for a ROLLBACK after each use of a connection.

use std::time::Duration;

use sqlx::{PgConnection, PgPool, Postgres, Row as _, pool::PoolConnection};
use time::OffsetDateTime;
use tokio::{runtime::Handle, time::timeout};

/// A connection that has not undone what was left open after so long is closed: it may still be at a statement.
const UNDONE_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct Transaction {
    connection: Option<PoolConnection<Postgres>>,
    /// COMMIT or ROLLBACK was said.
    ending: bool,
}

impl Transaction {
    /// Opens it and reads the database's time, in one round trip.
    pub(crate) async fn begin(pool: &PgPool) -> Result<(Transaction, OffsetDateTime), sqlx::Error> {
        let mut tx = Transaction { connection: Some(pool.acquire().await?), ending: false };
        let now = sqlx::raw_sql("BEGIN; SELECT now()").fetch_one(tx.db()).await?.try_get(0)?;
        Ok((tx, now))
    }

    pub(crate) fn db(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the connection leaves only with the transaction")
    }

    /// An error means that the outcome is unknown.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.ending = true;
        sqlx::raw_sql("COMMIT").execute(self.db()).await?;
        drop(self.connection.take());
        Ok(())
    }

    /// Undoes everything: by word, or by closing the connection where the word does not arrive.
    pub(crate) async fn rollback(mut self) {
        self.ending = true;
        // A row tells this answer from one that a statement left behind: a COPY that was not waited for has none.
        let undone =
            timeout(UNDONE_WITHIN, sqlx::raw_sql("ROLLBACK; SELECT now()").fetch_one(self.db())).await;
        if undone.is_ok_and(|answer| answer.is_ok()) {
            drop(self.connection.take());
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if !self.ending => {
                let left = Transaction { connection: Some(connection), ending: true };
                drop(runtime.spawn(left.rollback()));
            }
            Ok(_) | Err(_) => drop(connection.detach()),
        }
    }
}
