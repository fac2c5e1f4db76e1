//! Sealing for a submission: idempotent by (application, submission); a seal whose submission never committed is
//! released and does no harm. Source: architecture, rule 3; T09, T18.

use std::collections::BTreeSet;

use chassis::{Failure, Work};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{follow, hash, uses};
use crate::{
    domain::{
        Refusal, Slot,
        dossier::{Dossier, State},
        revision::{Content, problems},
    },
    labels, publish,
    publish::DossierFact,
    store::{self, revisions::Sealed},
};

/// What reviews asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whose dossier.
    pub application_id: Uuid,
    /// Whose application.
    pub operator_id: Uuid,
    /// For which submission.
    pub submission_version: i32,
    /// `materials` or `supplement`.
    pub kind: String,
    /// What the round's policy requires.
    pub required: Vec<Slot>,
    /// What the last return named.
    pub items: Vec<String>,
    /// The request that submits on it.
    pub holder: String,
}

/// A seal and what it covers.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The sealed revision.
    pub sealed: Sealed,
    /// Its content.
    pub content: Content,
}

/// Seals the open revision, or answers the seal that this submission has already.
///
/// # Errors
/// `not_found`; `dossier_closed`, `dossier_released`; `dossier_behind` (ABORTED: the events of reviews are on their way);
/// everything that is missing, see [`problems`].
pub async fn seal(work: &mut Work, ask: Ask) -> Result<Receipt, Failure> {
    let dossier = store::dossiers::lock(work.db(), ask.application_id).await?;
    let dossier =
        dossier.filter(|found| found.operator_id == ask.operator_id).ok_or_else(Failure::not_found)?;
    match dossier.state {
        State::Closed => return Err(Refusal::DossierClosed.into()),
        State::Released => return Err(Refusal::DossierReleased.into()),
        State::Sealed => return sealed_already(work, &dossier, &ask).await,
        State::Open => {}
    }
    // Also what the dossier itself was reopened for: a withdrawal does not answer a return (T10).
    let items: BTreeSet<String> = ask.items.iter().chain(&dossier.items).cloned().collect();
    let items: Vec<String> = items.into_iter().collect();
    let found = missing(work.db(), &dossier, &ask.required, &items).await?;
    if let Some(failure) = labels::all(found) {
        return Err(failure);
    }
    take(work, dossier, ask.submission_version, &ask.kind, &ask.holder).await
}

async fn sealed_already(work: &mut Work, dossier: &Dossier, ask: &Ask) -> Result<Receipt, Failure> {
    let seals = store::revisions::list(work.db(), dossier.application_id).await?;
    let seal = seals.into_iter().find(|seal| seal.revision == dossier.revision);
    let sealed = seal
        .filter(|seal| seal.submission_version == ask.submission_version)
        .ok_or_else(|| Failure::conflict("dossier_behind", "材料状态正在同步，请稍后重试"))?;
    let now = work.now();
    store::holds::hold(work.db(), dossier.application_id, sealed.revision, &ask.holder, now).await?;
    let content = store::contents::sealed(work.db(), dossier.application_id, sealed.revision).await?;
    Ok(Receipt { sealed, content })
}

/// What keeps the present content from being sealed.
///
/// # Errors
/// The database is away.
pub async fn missing(
    db: &mut PgConnection,
    dossier: &Dossier,
    required: &[Slot],
    items: &[String],
) -> Result<Vec<Refusal>, Failure> {
    let id = dossier.application_id;
    let content = store::contents::live(db, id, dossier.revision).await?;
    let base = match dossier.base {
        Some(base) => Some(store::contents::sealed(db, id, base).await?),
        None => None,
    };
    Ok(problems(&content, required, items, base.as_ref()))
}

async fn take(
    work: &mut Work,
    mut dossier: Dossier,
    submission_version: i32,
    kind: &str,
    holder: &str,
) -> Result<Receipt, Failure> {
    let id = dossier.application_id;
    let content = store::contents::live(work.db(), id, dossier.revision).await?;
    let now = work.now();
    let sealed = Sealed {
        revision: dossier.revision,
        submission_version,
        kind: kind.to_owned(),
        hash: hash(id, &content),
        sealed_at: now,
        confirmed: false,
        base: dossier.base,
    };
    store::revisions::seal(work.db(), id, &sealed, holder, &content.uses).await?;
    dossier.state = State::Sealed;
    dossier.edits += 1;
    dossier.version += 1;
    store::dossiers::save(work.db(), &dossier, now).await?;
    publish::dossier(work, DossierFact::Sealed, &dossier, &sealed.hash);
    Ok(Receipt { sealed, content })
}

/// Takes a released seal again, because its submission stands after all; the content must be what was sealed.
///
/// # Errors
/// `seal_lost` where it is not: a person has to look.
pub async fn take_again(
    work: &mut Work,
    dossier: Dossier,
    submission_version: i32,
    kind: &str,
) -> Result<(), Failure> {
    let id = dossier.application_id;
    let released = store::revisions::released_seal(work.db(), id, dossier.revision).await?;
    let content = store::contents::live(work.db(), id, dossier.revision).await?;
    if released != Some((submission_version, hash(id, &content))) {
        return Err(Refusal::SealLost.into());
    }
    let now = work.now();
    let receipt = take(work, dossier, submission_version, kind, "").await?;
    store::revisions::confirm(work.db(), id, receipt.sealed.revision, now).await?;
    uses::let_go(work, id).await
}

/// For whom a seal is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum For {
    /// One request; the others go on holding it.
    Holder(String),
    /// Everybody, where nobody has taken hold since this time: reviews does not know the submission.
    Everybody(OffsetDateTime),
}

/// Releases a seal whose submission did not commit; whether the dossier is no longer sealed for it.
///
/// The dossier opens again, or falls back to the revision before where the review went on meanwhile (T19).
///
/// # Errors
/// The database is away.
pub async fn release(
    work: &mut Work,
    application_id: Uuid,
    submission_version: i32,
    whom: For,
) -> Result<bool, Failure> {
    let Some(mut dossier) = store::dossiers::lock(work.db(), application_id).await? else { return Ok(false) };
    let stands = dossier.state == State::Sealed
        && dossier
            .seal
            .as_ref()
            .is_some_and(|seal| seal.submission_version == submission_version && !seal.confirmed);
    if !stands {
        return Ok(false);
    }
    let revision = dossier.revision;
    let free = match whom {
        For::Holder(holder) => store::holds::let_go(work.db(), application_id, revision, &holder).await?,
        For::Everybody(since) => store::holds::idle(work.db(), application_id, revision, since).await?,
    };
    if !free {
        return Ok(false);
    }
    let now = work.now();
    store::revisions::unseal(work.db(), application_id, revision).await?;
    dossier.state = State::Open;
    dossier.edits += 1;
    dossier.version += 1;
    store::dossiers::save(work.db(), &dossier, now).await?;
    publish::dossier(work, DossierFact::Opened, &dossier, "");
    follow::after_release(work, dossier).await?;
    Ok(true)
}
