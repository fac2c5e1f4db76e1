//! The one shared library: process plumbing for every service, with no business word in it.
//!
//! A service hands its settings to [`Process::start`], adds its gRPC services and its access table, and calls
//! [`Process::serve`]. Every change runs as one unit of [`work`]; what it announces leaves through the
//! [`outbox`]; what others announce comes in through a [`consumer`].
//!
//! A process without a database (an edge: pages, machines' protocols) starts as [`Edge`] instead.
//!
//! Does not know: operators, applications, stages, roles' meaning. Source of its guarantees: reliability, sections 2–8.

pub mod audit;
pub mod clock;
pub mod config;
pub mod connections;
pub mod consumer;
pub mod dead_letters;
pub mod edge;
pub mod error;
mod events;
mod exposition;
pub mod health;
pub mod identity;
pub mod lineage;
pub mod outbound;
pub mod outbox;
pub mod page;
mod places;
pub mod process;
mod production;
mod pull;
mod push;
pub mod rpc;
mod schema;
pub mod sealing;
pub mod secure;
pub mod telemetry;
pub mod testing;
mod transaction;
pub mod turns;
mod upkeep;
pub mod work;

pub use edge::Edge;
pub use error::Failure;
pub use identity::{Caller, Identity};
pub use process::{Process, StartError};
pub use work::{Announcement, Units, Work};

use sqlx::{PgPool, migrate::Migrator};

/// Applies `migrations/chassis`, then the service's own migrations; each keeps its own ledger of applied files. Then takes the
/// right to change what is only added to from every role but the owner (decision record 34).
///
/// # Errors
/// Any migration that fails or differs from the file that was applied before.
pub async fn migrate(pool: &PgPool, own: Migrator) -> Result<(), sqlx::migrate::MigrateError> {
    let mut shared = sqlx::migrate!("../../migrations/chassis");
    shared.dangerous_set_table_name("_chassis_migrations");
    shared.run(pool).await?;
    own.run(pool).await?;
    sqlx::query("SELECT withhold_changes()").execute(pool).await?;
    Ok(())
}
