//! The background sweep: seals that no submission confirmed, uploads that were interrupted.

use std::{collections::BTreeSet, sync::Arc};

use chassis::{Caller, Failure, Units, error::chain};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    INSPECTION_LATE,
    sealing::{self, For},
    uploads::{GIVEN_UP, Uploads},
};
use crate::{
    domain::{
        dossier::SEAL_UNCONFIRMED_SECS_MAX,
        file::{Kept, Scan},
    },
    neighbours::Neighbours,
    store,
};

/// An upload without progress for this long is looked at, seconds: above the server's limit of 20 s for one request.
const UPLOAD_IDLE_SECS: i64 = 60;

/// What the sweep works with.
#[derive(Clone)]
pub struct Sweep {
    /// Changes.
    pub units: Units,
    /// Asks reviews.
    pub neighbours: Neighbours,
    /// Files.
    pub uploads: Arc<Uploads>,
    /// Between two looks.
    pub interval: std::time::Duration,
    /// Until an interrupted upload is given up.
    pub given_up: Duration,
}

impl Sweep {
    /// Looks again and again; a failure waits for the next look.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(self.interval).await;
            if let Err(error) = self.seals().await {
                tracing::warn!(error = %chain(&error), "sweep of seals");
            }
            if let Err(error) = self.interrupted().await {
                tracing::warn!(error = %chain(&error), "sweep of uploads");
            }
            if let Err(error) = self.leftovers().await {
                tracing::warn!(error = %chain(&error), "sweep of leftovers");
            }
        }
    }

    /// Releases seals that nobody has taken hold of for 60 s and whose submission reviews does not know. Source: workflow, Materials.
    ///
    /// # Errors
    /// The database or reviews is away.
    pub async fn seals(&self) -> Result<(), Failure> {
        let mut work = self.units.begin(Caller::system("sweep")).await?;
        let before = work.now() - Duration::seconds(SEAL_UNCONFIRMED_SECS_MAX);
        let waiting = store::revisions::unconfirmed(work.db(), before).await?;
        drop(work);
        for (application_id, submission_version) in waiting {
            // One that cannot be settled now does not hold up the others.
            if let Err(error) = self.seal(application_id, submission_version, before).await {
                tracing::warn!(application.id = %application_id, error = %chain(&error), "seal not settled");
            }
        }
        Ok(())
    }

    async fn seal(
        &self,
        application_id: Uuid,
        submission_version: i32,
        before: OffsetDateTime,
    ) -> Result<(), Failure> {
        let facts = self.neighbours.application(application_id).await?;
        if facts.is_some_and(|facts| facts.submission_version >= submission_version) {
            // The submission stands; its event is on the way.
            return Ok(());
        }
        let mut work = self.units.begin(Caller::system("sweep")).await?;
        // Somebody may have taken hold while reviews was asked.
        if sealing::release(&mut work, application_id, submission_version, For::Everybody(before)).await? {
            tracing::info!(application.id = %application_id, submission_version, "released a seal without a submission");
        }
        work.commit().await
    }

    /// Inspects what arrived whole before a crash or on a busy machine, and gives up what never did or could never be inspected.
    ///
    /// # Errors
    /// The database or the object store is away.
    pub async fn interrupted(&self) -> Result<(), Failure> {
        let mut work = self.units.begin(Caller::system("sweep")).await?;
        let now = work.now();
        let files = store::files::interrupted(work.db(), now - Duration::seconds(UPLOAD_IDLE_SECS)).await?;
        drop(work);
        for file in files {
            if let Err(error) = self.upload(&file, now).await {
                tracing::warn!(file.id = %file.id, error = %chain(&error), "upload not settled");
            }
        }
        Ok(())
    }

    async fn upload(&self, file: &Kept, now: OffsetDateTime) -> Result<(), Failure> {
        let whole = self.uploads.blobs.waiting(file.id).await?;
        let whole = whole.filter(|bytes| i64::try_from(bytes.len()) == Ok(file.declared.size));
        let given_up = file.uploaded_at < now - self.given_up;
        if let Some(bytes) = whole {
            match self.uploads.settle(&self.units, Caller::system("sweep"), file, bytes).await {
                Err(failure) if given_up && failure.reason() == INSPECTION_LATE => {}
                settled => return settled.map(|_| ()),
            }
        }
        if given_up {
            let mut work = self.units.begin(Caller::system("sweep")).await?;
            let scan = Scan::Rejected { reason: GIVEN_UP.to_owned() };
            store::files::decide(work.db(), file.id, &scan, now).await?;
            work.commit().await?;
        }
        Ok(())
    }

    /// Clears what stayed in quarantine or in parts of files that have been decided: after a crash, a failure of the store, or
    /// because a part came late.
    ///
    /// # Errors
    /// The database or the object store is away.
    pub async fn leftovers(&self) -> Result<(), Failure> {
        // Rows are older than their bytes: what is listed has one, or never will.
        let left: Vec<Uuid> = self.uploads.blobs.unsettled().await?.into_iter().collect();
        if left.is_empty() {
            return Ok(());
        }
        let mut work = self.units.begin(Caller::system("sweep")).await?;
        let files = store::files::find_all(work.db(), &left).await?;
        drop(work);
        let pending: BTreeSet<Uuid> =
            files.iter().filter(|file| file.scan == Scan::Pending).map(|file| file.id).collect();
        for id in left.into_iter().filter(|id| !pending.contains(id)) {
            self.uploads.clear(id).await?;
        }
        Ok(())
    }
}

/// Whether a submission of this kind carries a dossier.
#[must_use]
pub fn carries_dossier(kind: &str) -> bool {
    matches!(kind, "materials" | "supplement")
}
