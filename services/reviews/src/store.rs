//! SQL by noun, rows to values and back. Decides nothing; every statement runs in the caller's transaction.

pub mod applications;
pub mod clocks;
pub mod forms;
pub mod history;
pub mod lists;
pub mod opinions;
pub mod order_decisions;
pub mod orders;
pub mod rounds;
pub mod samples;
pub mod steps;
pub mod submissions;

use uuid::Uuid;

/// Why a row could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no, or is away.
    #[error("database statement failed")]
    Database(#[from] sqlx::Error),
    /// A row holds what no rule of ours could have written.
    #[error("row {id} of {table} is corrupt")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: Uuid,
    },
    /// A row changed although it was locked: somebody wrote past this service.
    #[error("row {id} of {table} changed under its lock")]
    Raced {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: Uuid,
    },
}

impl From<StoreError> for chassis::Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(source) => source.into(),
            other @ (StoreError::Corrupt { .. } | StoreError::Raced { .. }) => {
                chassis::Failure::internal(other)
            }
        }
    }
}

/// Whether the database refused a row because of this constraint.
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}

/// Database time outside a unit of work, for reads that compare with deadlines.
///
/// # Errors
/// The database is away.
pub async fn database_time(db: &mut sqlx::PgConnection) -> Result<time::OffsetDateTime, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.database_time
         SELECT now() AS "now!""#
    )
    .fetch_one(db)
    .await?)
}
