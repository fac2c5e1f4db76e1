//! SQL by noun: rows to values and back. Decides nothing.

pub mod audits;
pub mod contents;
pub mod dossiers;
pub mod downloads;
pub mod files;
pub mod holds;
pub mod invoices;
pub mod ledger;
pub mod placements;
pub mod revisions;

use chassis::Failure;

/// The database said no, or said something impossible.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A row that the code could not have written.
    #[error("impossible row in {table}: {key}")]
    Corrupt {
        /// Where.
        table: &'static str,
        /// Which row.
        key: String,
    },
}

impl StoreError {
    fn corrupt(table: &'static str, key: impl ToString) -> Self {
        Self::Corrupt { table, key: key.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => error.into(),
            StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}

/// Whether a statement failed on the constraint of this name.
#[must_use]
pub fn broke(error: &StoreError, constraint: &str) -> bool {
    match error {
        StoreError::Database(error) => error
            .as_database_error()
            .and_then(|error| error.constraint())
            .is_some_and(|name| name == constraint),
        StoreError::Corrupt { .. } => false,
    }
}
