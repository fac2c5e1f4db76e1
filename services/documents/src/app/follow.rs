//! Follows the review: opens, reopens, confirms, discards and releases a dossier as the application moves.

use chassis::{Failure, Work};
use uuid::Uuid;

use super::{sealing, uses};
use crate::{
    domain::{
        Refusal,
        dossier::{Dossier, Standing, State, Step, Told, follow},
    },
    publish,
    publish::DossierFact,
    store::{self, revisions::Opening},
};

/// What is known of an application that may be new here.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Its id.
    pub application_id: Uuid,
    /// Whose.
    pub operator_id: Uuid,
    /// In which round.
    pub round_id: Option<Uuid>,
    /// The station's county.
    pub county: String,
    /// The station's prefecture.
    pub prefecture: String,
}

impl Applied {
    fn dossier(&self) -> Dossier {
        Dossier {
            application_id: self.application_id,
            operator_id: self.operator_id,
            round_id: self.round_id,
            county: self.county.clone(),
            prefecture: self.prefecture.clone(),
            state: State::Closed,
            revision: 0,
            edits: 0,
            version: 0,
            items: Vec::new(),
            base: None,
            under_review: false,
            seal: None,
        }
    }
}

/// Does what an event asks of the dossier, making it first where it is new. `kind` is the standing submission's.
///
/// # Errors
/// `seal_lost`; the database is away.
pub async fn told(work: &mut Work, applied: &Applied, told: &Told, kind: &str) -> Result<(), Failure> {
    let now = work.now();
    let dossier = match store::dossiers::lock(work.db(), applied.application_id).await? {
        Some(dossier) => dossier,
        None => {
            store::dossiers::insert(work.db(), &applied.dossier(), now).await?;
            store::dossiers::lock(work.db(), applied.application_id).await?.ok_or_else(Failure::not_found)?
        }
    };
    let under_review = told.standing == Standing::Locked;
    store::dossiers::told(work.db(), dossier.application_id, under_review).await?;
    match follow(&dossier, told) {
        Step::Stay => Ok(()),
        Step::Open => open(work, dossier, &Opening::default(), None).await,
        Step::Reopen { items, base, keep_answers, base_may_stand } => {
            let from = dossier.revision;
            if dossier.seal.as_ref().is_some_and(|seal| !seal.confirmed) {
                store::revisions::confirm(work.db(), dossier.application_id, from, now).await?;
                uses::let_go(work, dossier.application_id).await?;
            }
            let opening = Opening { items, base, base_may_stand };
            open(work, dossier, &opening, Some((from, keep_answers))).await
        }
        Step::Confirm => {
            store::revisions::confirm(work.db(), dossier.application_id, dossier.revision, now).await?;
            uses::let_go(work, dossier.application_id).await
        }
        Step::SealAgain => sealing::take_again(work, dossier, told.submission_version, kind).await,
        Step::Discard => discard(work, dossier).await,
        Step::Release => release(work, dossier).await,
    }
}

async fn open(
    work: &mut Work,
    mut dossier: Dossier,
    opening: &Opening,
    copy: Option<(i32, bool)>,
) -> Result<(), Failure> {
    let (id, now) = (dossier.application_id, work.now());
    let revision = store::revisions::next(work.db(), id).await?;
    store::revisions::insert(work.db(), id, revision, opening, now).await?;
    if let Some((from, answers)) = copy {
        store::revisions::copy(work.db(), id, from, revision, answers).await?;
    }
    dossier.state = State::Open;
    dossier.revision = revision;
    save(work, dossier, DossierFact::Opened, "").await
}

/// Makes up for the event that found an unconfirmed seal and had to leave it alone: the application is under review
/// without that submission, so the revision before stands (T19).
///
/// # Errors
/// The database is away.
pub async fn after_release(work: &mut Work, dossier: Dossier) -> Result<(), Failure> {
    let before = store::revisions::list(work.db(), dossier.application_id).await?;
    if dossier.under_review && !before.is_empty() { discard(work, dossier).await } else { Ok(()) }
}

async fn discard(work: &mut Work, mut dossier: Dossier) -> Result<(), Failure> {
    let id = dossier.application_id;
    let last = store::revisions::list(work.db(), id).await?.pop().ok_or(Refusal::SealLost)?;
    store::revisions::discard(work.db(), id, dossier.revision).await?;
    uses::restore(work, id, last.revision).await?;
    dossier.state = State::Sealed;
    dossier.revision = last.revision;
    save(work, dossier, DossierFact::Sealed, &last.hash).await
}

async fn release(work: &mut Work, mut dossier: Dossier) -> Result<(), Failure> {
    uses::release_all(work, dossier.application_id).await?;
    dossier.state = State::Released;
    save(work, dossier, DossierFact::Released, "").await
}

async fn save(work: &mut Work, mut dossier: Dossier, fact: DossierFact, hash: &str) -> Result<(), Failure> {
    dossier.edits += 1;
    dossier.version += 1;
    let now = work.now();
    store::dossiers::save(work.db(), &dossier, now).await?;
    publish::dossier(work, fact, &dossier, hash);
    Ok(())
}
