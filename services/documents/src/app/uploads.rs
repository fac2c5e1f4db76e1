//! Uploads: declared, received under a running limit and hash, inspected, then kept under their hash or rejected.
//!
//! A row stands before the first byte; a repeated declaration finds it and goes on where it was. Source: reliability 13.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use chassis::{Caller, Failure, Units, Work, identity::Kind};
use futures::{Stream, StreamExt as _, pin_mut};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    lock_own,
    turns::{Turn, Turns},
    unanswered,
};
use crate::{
    blob::{BlobError, Blobs},
    domain::{
        Refusal,
        file::{Declared, Kept, Purpose, Scan, check_application_room, check_declared, check_owner_room},
    },
    inspect::{
        Threat,
        worker::{Inspector, Outcome},
    },
    store,
};

/// How long an upload waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(5);
/// How long the next piece may take.
const PIECE_WAIT: Duration = Duration::from_secs(10);
/// Uploads of one company at a time. Source: decision record 36.
const OWN_AT_ONCE: usize = 2;
/// Uploads of people without an account at a time.
const STRANGERS_AT_ONCE: usize = 4;
/// Over which time uploads of strangers are counted.
const STRANGERS_WINDOW: time::Duration = time::Duration::hours(1);

/// The upload desk of this process.
#[derive(Debug)]
pub struct Uploads {
    /// Where bytes go.
    pub blobs: Blobs,
    inspector: Arc<Inspector>,
    turns: Turns,
    strangers: Turns,
    strangers_max: i64,
}

impl Uploads {
    /// A desk for `at_once_max` uploads at a time and `strangers_max` licences of strangers an hour.
    #[must_use]
    pub fn new(blobs: Blobs, inspector: Arc<Inspector>, at_once_max: usize, strangers_max: i64) -> Self {
        Self {
            blobs,
            inspector,
            turns: Turns::new(at_once_max, OWN_AT_ONCE, TURN_WAIT),
            strangers: Turns::new(STRANGERS_AT_ONCE, STRANGERS_AT_ONCE, TURN_WAIT),
            strangers_max,
        }
    }

    /// Waits for a turn: the bytes of one upload are held in memory while they are inspected. People without an account
    /// have turns of their own, so that they cannot take everybody else's.
    ///
    /// # Errors
    /// `upload_busy`.
    pub async fn turn(&self, caller: &Caller) -> Result<Turn<'_>, Failure> {
        let turns = if caller.kind == Kind::Anonymous { &self.strangers } else { &self.turns };
        Ok(turns.take(caller).await.ok_or(Refusal::UploadBusy)?)
    }

    /// Receives the bytes of a declared file; no more than were declared are ever held.
    ///
    /// # Errors
    /// `upload_incomplete`, `file_size_mismatch`, `file_hash_mismatch`.
    pub async fn receive(
        &self,
        declared: &Declared,
        pieces: impl Stream<Item = Result<Bytes, Failure>>,
    ) -> Result<Bytes, Failure> {
        pin_mut!(pieces);
        let size = usize::try_from(declared.size).map_err(Failure::internal)?;
        let (mut all, mut hash) = (BytesMut::with_capacity(size), Sha256::new());
        loop {
            let piece = match tokio::time::timeout(PIECE_WAIT, pieces.next()).await {
                Ok(Some(piece)) => piece?,
                Ok(None) => break,
                Err(_) => return Err(Refusal::UploadIncomplete.into()),
            };
            if all.len() + piece.len() > size {
                return Err(Refusal::FileSizeMismatch.into());
            }
            hash.update(&piece);
            all.extend_from_slice(&piece);
        }
        if all.len() != size {
            return Err(Refusal::FileSizeMismatch.into());
        }
        if hex::encode(hash.finalize()) != declared.sha256 {
            return Err(Refusal::FileHashMismatch.into());
        }
        Ok(all.freeze())
    }

    /// Inspects received bytes and settles the file; answers it as it stands then.
    ///
    /// # Errors
    /// The worker (`inspection_late`), the object store or the database is away: the file stays pending.
    pub async fn settle(
        &self,
        units: &Units,
        caller: Caller,
        file: &Kept,
        bytes: Bytes,
    ) -> Result<Kept, Failure> {
        // The inspection may take seconds: no transaction is open meanwhile.
        let outcome = self.inspector.inspect(&file.declared.name, &bytes).await.map_err(unanswered)?;
        let scan = scan_of(outcome);
        let kept = if scan.clean() { self.blobs.keep(file.id, &file.declared.sha256).await } else { Ok(()) };
        let mut work = units.begin(caller).await?;
        if let Err(error) = kept {
            // The sweep, or a repetition, may have settled and cleared it meanwhile.
            let stands = store::files::find(work.db(), file.id).await?.ok_or_else(Failure::not_found)?;
            return if stands.scan == Scan::Pending { Err(error.into()) } else { Ok(stands) };
        }
        let now = work.now();
        store::files::decide(work.db(), file.id, &scan, now).await?;
        let settled = store::files::find(work.db(), file.id).await?.ok_or_else(Failure::not_found)?;
        work.commit().await?;
        // What stays behind after a failure here is cleared by the sweep.
        if let Err(error) = self.clear(file.id).await {
            tracing::warn!(file.id = %file.id, error = %chassis::error::chain(&error), "quarantine not cleared");
        }
        Ok(settled)
    }

    /// Removes what stood in quarantine and in parts.
    ///
    /// # Errors
    /// The object store is away.
    pub async fn clear(&self, file_id: Uuid) -> Result<(), BlobError> {
        self.blobs.clear(file_id).await?;
        self.blobs.clear_parts(file_id).await
    }

    /// Writes the row of a declared file.
    ///
    /// # Errors
    /// Everything that can be refused before a byte is read.
    pub async fn declare(&self, work: &mut Work, declared: Declared) -> Result<Kept, Failure> {
        check_declared(&declared)?;
        match declared.purpose {
            Purpose::Material { application_id, .. } => {
                check_material(work, application_id, &declared).await?
            }
            Purpose::Invoice | Purpose::BusinessLicence => self.check_owner(work, &declared).await?,
        }
        let (id, uploaded_at) = (work.new_id(), work.now());
        let by = work.caller().subject.clone();
        let kept = Kept { id, declared, scan: Scan::Pending, uploaded_at };
        store::files::insert(work.db(), &kept, &by).await?;
        Ok(kept)
    }

    async fn check_owner(&self, work: &mut Work, declared: &Declared) -> Result<(), Failure> {
        let files = store::files::owned(work.db(), declared.owner_id, &declared.purpose).await?;
        let operator = work.caller().operator_id == Some(declared.owner_id);
        check_owner_room(declared.purpose, operator, files)?;
        if work.caller().kind == Kind::Anonymous {
            let since = work.now() - STRANGERS_WINDOW;
            if store::files::anonymous_since(work.db(), since).await? >= self.strangers_max {
                return Err(Refusal::UploadBusy.into());
            }
        }
        Ok(())
    }
}

async fn check_material(work: &mut Work, application_id: Uuid, declared: &Declared) -> Result<(), Failure> {
    let dossier = lock_own(work, application_id).await?;
    if let Purpose::Material { slot, .. } = declared.purpose {
        if !slot.takes_files() {
            return Err(Refusal::SlotNotPlaceable.into());
        }
        dossier.check_slot(slot, 0)?;
    }
    if store::placements::holds(work.db(), application_id, dossier.revision, &declared.sha256).await? {
        return Err(Refusal::FileDuplicate.into());
    }
    let taken = store::files::taken(work.db(), application_id).await?;
    check_application_room(taken, declared.size)?;
    Ok(())
}

fn scan_of(outcome: Outcome) -> Scan {
    let fit = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    match outcome {
        Outcome::Clean(verdict) => Scan::Clean {
            media_type: verdict.kind.media_type().to_owned(),
            pages: fit(verdict.pages),
            width: fit(verdict.width),
            height: fit(verdict.height),
        },
        Outcome::Refused(threat) => Scan::Rejected { reason: threat.id().to_owned() },
    }
}

/// Reason of a file whose bytes never came.
pub const GIVEN_UP: &str = "upload_incomplete";

/// The text for the reason of a rejected file.
#[must_use]
pub fn reason_text(reason: &str) -> String {
    match Threat::of_id(reason) {
        Some(threat) => crate::labels::threat(threat).to_owned(),
        None => crate::labels::refusal(&Refusal::UploadIncomplete).2,
    }
}
