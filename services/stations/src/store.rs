//! SQL by noun: rows to values and back. Decides nothing; every change runs inside a unit of work.

pub mod charge_days;
pub mod checks;
pub mod claims;
pub mod connections;
pub mod connectors;
pub mod copy;
pub mod evidence;
pub mod guides;
pub mod link_days;
pub mod links;
pub mod orders;
pub mod pulls;
pub mod quality;
pub mod quality_days;
pub mod retention;
pub mod search;
pub mod states;
pub mod stations;
pub mod telemetry;
pub mod turns;

use chassis::Failure;
use sha2::{Digest as _, Sha256};

use crate::domain::connection::{Connection, Standing};

/// A row that the domain calls impossible, with its address.
#[derive(Debug, thiserror::Error)]
#[error("corrupt row in {table}: {id}")]
pub struct Corrupt {
    /// Which table.
    pub table: &'static str,
    /// Which row.
    pub id: String,
}

/// A unique index that a concurrent change has won is a conflict (repeat with the same request); all else passes on.
pub(crate) fn lost_race(error: sqlx::Error) -> Failure {
    if error.as_database_error().is_some_and(|inner| inner.is_unique_violation()) {
        return Failure::conflict("registered_meanwhile", "相同编码正在被登记，请稍后重试");
    }
    error.into()
}

/// The standing fact of a row.
pub(crate) fn standing(
    connection: &str,
    since: Option<time::Date>,
    id: uuid::Uuid,
) -> Result<Standing, Failure> {
    let connection = Connection::from_name(connection)
        .ok_or_else(|| Failure::internal(Corrupt { table: "stations", id: id.to_string() }))?;
    Ok(Standing { connection, since })
}

/// See [`digest`].
pub type Digest = [u8; 16];

/// The first 16 bytes of SHA-256: enough to tell contents apart, half the room.
#[must_use]
pub fn digest(content: &[u8]) -> Digest {
    let whole: [u8; 32] = Sha256::digest(content).into();
    std::array::from_fn(|at| whole[at])
}
