//! SQL by noun: rows to values and back. Decides nothing; every change runs inside the caller's unit of work.

pub mod attempts;
pub mod audit;
pub mod clients;
pub mod credentials;
pub mod deliveries;
pub mod division_seats;
pub mod divisions;
pub mod exports;
pub mod jurisdictions;
pub mod members;
pub mod operators;
pub mod resets;
pub mod second_factors;
pub mod sessions;
pub mod submissions;
pub mod tickets;
pub mod trail;
pub mod users;

use chassis::Failure;

/// The database said no, or holds what it must not.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's own error.
    #[error("database")]
    Sql(#[from] sqlx::Error),
    /// A row that no rule of ours could have written.
    #[error("table {table} holds an impossible row: {id}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Key of the row.
        id: String,
    },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sql(error) => error.into(),
            StoreError::Corrupt { .. } => Failure::internal(error),
        }
    }
}

/// Whether an error is the violation of this unique constraint or index.
fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some(constraint))
}
