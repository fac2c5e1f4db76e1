//! `digest`: counts and hashes of what a rebuild must bring back, so that two states can be compared.

use std::pin::pin;

use futures::{Stream, TryStreamExt as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use crate::store::digest;

/// Count and hash of one kind of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// How many.
    pub rows: u64,
    /// SHA-256, hex, over their lines in a fixed order.
    pub sha256: String,
}

/// What `notifications digest` prints as one JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One row per application and account.
    pub worklist: Rows,
    /// Messages without ids.
    pub messages: Rows,
    /// Orders, panels and samples.
    pub work_orders: Rows,
}

/// Reads every row once.
///
/// # Errors
/// The database is away.
pub async fn digest(pool: &PgPool) -> Result<Report, sqlx::Error> {
    Ok(Report {
        worklist: rows(digest::worklist(pool)).await?,
        messages: rows(digest::messages(pool)).await?,
        work_orders: rows(digest::work_orders(pool)).await?,
    })
}

async fn rows(lines: impl Stream<Item = Result<String, sqlx::Error>>) -> Result<Rows, sqlx::Error> {
    let mut lines = pin!(lines);
    let mut hash = Sha256::new();
    let mut rows = 0;
    while let Some(line) = lines.try_next().await? {
        hash.update(line.as_bytes());
        hash.update(b"\n");
        rows += 1;
    }
    Ok(Rows { rows, sha256: hex::encode(hash.finalize()) })
}
