//! One open transaction on a connection of its own.
//!
//! A connection that leaves without COMMIT or ROLLBACK is closed, so an open transaction never reaches the next user of
//! the pool, however it was left (reliability 7). Only [`crate::Work`] opens one; sqlx's own `begin()` would cost a
//! round trip for the time, and one more for a ROLLBACK after each use of a connection.

use sqlx::{PgConnection, PgPool, Postgres, Row as _, pool::PoolConnection};
use time::OffsetDateTime;

pub(crate) struct Transaction(Option<PoolConnection<Postgres>>);

impl Transaction {
    /// Opens it and reads the database's time, in one round trip.
    pub(crate) async fn begin(pool: &PgPool) -> Result<(Transaction, OffsetDateTime), sqlx::Error> {
        let mut tx = Transaction(Some(pool.acquire().await?));
        let now = sqlx::raw_sql("BEGIN; SELECT now()").fetch_one(tx.db()).await?.try_get(0)?;
        Ok((tx, now))
    }

    pub(crate) fn db(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("the connection leaves only with the transaction")
    }

    /// An error means that the outcome is unknown.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("COMMIT").execute(self.db()).await?;
        drop(self.0.take());
        Ok(())
    }

    /// Undoes everything: by word, or by closing the connection where the word does not arrive.
    pub(crate) async fn rollback(mut self) {
        if sqlx::raw_sql("ROLLBACK").execute(self.db()).await.is_ok() {
            drop(self.0.take());
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}
