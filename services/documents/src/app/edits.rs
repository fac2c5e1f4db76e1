//! The operator's work on an open revision: place, remove, explain. Announces nothing: nobody else acts on it yet.

use chassis::{Failure, Work};
use uuid::Uuid;

use super::{
    lock_own,
    views::{self, DossierView},
};
use crate::{
    domain::{Refusal, Slot, dossier::Dossier, file::Purpose},
    store,
};

/// A file into a slot.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Whose dossier.
    pub application_id: Uuid,
    /// Where.
    pub slot: Slot,
    /// What.
    pub file_id: Uuid,
    /// In the place of which file of the slot.
    pub replaces: Option<Uuid>,
    /// The count of edits that the caller saw; 0: it did not look.
    pub edits: i64,
}

/// Places a clean file of the application.
///
/// # Errors
/// `not_found`, `slot_not_placeable`, those of a closed dossier, `file_not_clean`, `file_not_placed`, `file_duplicate`.
pub async fn place(work: &mut Work, place: Place) -> Result<DossierView, Failure> {
    let dossier = lock_own(work, place.application_id).await?;
    if !place.slot.takes_files() {
        return Err(Refusal::SlotNotPlaceable.into());
    }
    dossier.check_slot(place.slot, place.edits)?;
    let file = store::files::find(work.db(), place.file_id).await?;
    let file = file
        .filter(|file| match file.declared.purpose {
            Purpose::Material { application_id, .. } => application_id == place.application_id,
            Purpose::Invoice | Purpose::BusinessLicence => false,
        })
        .ok_or_else(|| Failure::not_found().on("file_id"))?;
    if !file.scan.clean() {
        return Err(Refusal::FileNotClean.into());
    }
    let (id, revision, sha256) = (place.application_id, dossier.revision, &file.declared.sha256);
    if let Some(old) = place.replaces {
        let slot = store::placements::delete(work.db(), id, revision, old).await?;
        if slot != Some(place.slot) {
            return Err(Refusal::FileNotPlaced.into());
        }
    }
    if store::placements::holds(work.db(), id, revision, sha256).await? {
        return Err(Refusal::FileDuplicate.into());
    }
    store::placements::insert(work.db(), id, revision, place.slot, file.id, sha256).await?;
    edited(work, dossier).await
}

/// Takes a file out of the open revision.
///
/// # Errors
/// `not_found`, those of a closed dossier, `file_not_placed`.
pub async fn remove(
    work: &mut Work,
    application_id: Uuid,
    file_id: Uuid,
    edits: i64,
) -> Result<DossierView, Failure> {
    let dossier = lock_own(work, application_id).await?;
    dossier.check_open(edits)?;
    let slot = store::placements::delete(work.db(), application_id, dossier.revision, file_id).await?;
    dossier.check_slot(slot.ok_or(Refusal::FileNotPlaced)?, edits)?;
    edited(work, dossier).await
}

/// Answers an item of the return in words; an empty text takes the answer back.
///
/// # Errors
/// `not_found`, those of a closed dossier, `explanation_too_long`.
pub async fn explain(
    work: &mut Work,
    application_id: Uuid,
    item: &str,
    text: &str,
    edits: i64,
) -> Result<DossierView, Failure> {
    let dossier = lock_own(work, application_id).await?;
    let text = text.trim();
    dossier.check_explain(item, text, edits)?;
    store::placements::explain(work.db(), application_id, dossier.revision, item, text).await?;
    edited(work, dossier).await
}

/// Counts the edit.
async fn edited(work: &mut Work, mut dossier: Dossier) -> Result<DossierView, Failure> {
    dossier.edits += 1;
    let now = work.now();
    store::dossiers::save(work.db(), &dossier, now).await?;
    views::dossier(work.db(), dossier).await
}
