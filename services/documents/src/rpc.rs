//! The inlets for callers: one file per gRPC service, thin; [`convert`] is the only one that knows messages and rules.

pub mod access;
pub mod convert;
pub mod dossiers;
pub mod files;
pub mod invoices;
pub mod sealing;

use chassis::{Caller, Failure, identity::Kind};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    app::reading::{self, Reader},
    domain::dossier::Dossier,
    neighbours::Neighbours,
    store,
};

/// A dossier that the caller may read, and as whom; anything else looks like none.
async fn readable(
    pool: &PgPool,
    neighbours: &Neighbours,
    caller: &Caller,
    application_id: Uuid,
) -> Result<(Dossier, Reader), Failure> {
    let mut db = pool.acquire().await?;
    let dossier = store::dossiers::find(&mut db, application_id).await?.ok_or_else(Failure::not_found)?;
    drop(db);
    if caller.kind == Kind::Service {
        return Ok((dossier, Reader::Service));
    }
    if reading::owns(caller, dossier.operator_id) {
        return Ok((dossier, Reader::Owner));
    }
    if caller.has_role("operator") {
        return Err(Failure::not_found());
    }
    let facts = neighbours.application(application_id).await?.ok_or_else(Failure::not_found)?;
    let reader = reading::reviewer(caller, &facts).ok_or_else(Failure::not_found)?;
    Ok((dossier, reader))
}
