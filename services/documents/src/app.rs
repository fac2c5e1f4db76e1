//! The one path of every change: lock, ask the domain, save, announce.

pub mod downloads;
pub mod edits;
pub mod follow;
pub mod invoices;
pub mod parts;
pub mod previews;
pub mod reading;
pub mod sealing;
pub mod sweep;
pub mod turns;
pub mod uploads;
pub mod uses;
pub mod views;

use chassis::{Failure, Work};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    domain::{
        dossier::Dossier,
        revision::{Content, canonical},
    },
    inspect::worker::WorkerError,
    labels, store,
};

/// The dossier hash: SHA-256, hex, of the canonical form.
#[must_use]
pub fn hash(application_id: Uuid, content: &Content) -> String {
    hex::encode(Sha256::digest(canonical(application_id, content)))
}

/// Locks a dossier of the caller's own company; a foreign one looks like none.
async fn lock_own(work: &mut Work, application_id: Uuid) -> Result<Dossier, Failure> {
    let operator_id = work.caller().operator_id;
    let dossier = store::dossiers::lock(work.db(), application_id).await?;
    dossier.filter(|dossier| Some(dossier.operator_id) == operator_id).ok_or_else(Failure::not_found)
}

/// Reason of a file that could not be looked into yet.
const INSPECTION_LATE: &str = "inspection_late";

/// A worker that said nothing about its file: it comes again where the machine was too busy for it.
fn unanswered(error: WorkerError) -> Failure {
    match error {
        WorkerError::Late => Failure::unavailable(INSPECTION_LATE, labels::INSPECTION_LATE),
        WorkerError::NotRun(_) => Failure::internal(error),
    }
}
