//! T02, T09, T18: a submission with its evidence, sealed by hash.
//!
//! The evidence of other services was taken before the transaction (`evidence.rs`); here it is only looked at.

use std::collections::BTreeMap;

use chassis::{Failure, Work};
use sqlx::PgConnection;

use super::{Shared, busy_elsewhere, create::numbered, save};
use crate::{
    domain::{
        act::{Act, Draft, GateFinding, Moment},
        application::{Application, Kind, Submitted},
        canonical::{Canonical, hex},
        decide::decide,
        form::{Field, Form},
        guards::Situation,
        ids::ApplicationId,
        policy::Policy,
        refusal::Refusal,
    },
    store::{self, forms::Sheet, submissions::Submission},
};

/// What the other services said before the transaction; a part that was not asked for is none.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Whether the company's account is active.
    pub account_active: Option<bool>,
    /// Gate evidence: encoded, with what was found.
    pub gate: Option<(Vec<u8>, GateFinding)>,
    /// The sealed dossier: submission version, revision, hash.
    pub seal: Option<Sealed>,
    /// The edit of the form for which it was taken.
    pub edit_version: i64,
    /// Whether everything was asked that this submission needs; in a round without gates the claims leave no other trace.
    pub complete: bool,
    /// Why it is incomplete.
    pub failure: Option<Failure>,
}

/// What `documents` sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// For which submission.
    pub submission_version: i32,
    /// Which revision of the dossier.
    pub revision: i32,
    /// Its hash.
    pub dossier_hash: String,
}

impl Sealed {
    /// The seal that `documents` would make for the next submission, to judge everything else by.
    pub fn presumed(application: &Application) -> Sealed {
        Sealed {
            submission_version: application.next_submission(),
            revision: 0,
            dossier_hash: "presumed".to_owned(),
        }
    }
}

/// What is being submitted.
#[derive(Debug)]
pub struct Handing {
    /// What kind.
    pub kind: Kind,
    /// What the operator says to items of the return.
    pub answers: BTreeMap<String, String>,
    /// See [`Evidence`].
    pub evidence: Evidence,
    /// Prefix of receipt numbers.
    pub receipt_prefix: String,
}

/// Submits.
///
/// # Errors
/// NotFound, the refusal of the first rule that says no, or what kept the evidence from being complete; `busy_elsewhere`
/// (ABORTED) when it joins or leaves an order at this moment.
pub async fn submit(
    work: &mut Work,
    shared: &Shared,
    id: ApplicationId,
    mut act: Act,
    mut handing: Handing,
) -> Result<Application, Failure> {
    // A member's order stands still first: a declaration made at this moment would be missing from who is waited for (T18).
    let (order_id, _) = store::applications::order_of(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    let order = match order_id {
        Some(order_id) => store::orders::hold(work.db(), order_id).await?,
        None => None,
    };
    let application = store::applications::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    if application.order_id != order_id {
        return Err(busy_elsewhere());
    }
    let policy = shared.policies.get(work.db(), application.round_id, application.policy_version).await?;
    let sheet = store::forms::find(work.db(), id).await?;
    let moment = Moment::at(work.now());
    let submission = compose(&application, &sheet, &handing, &act, moment);
    let unanswered = unanswered(work.db(), &application, &sheet.form, &handing.answers).await?;
    act.account_active = handing.evidence.account_active;
    act.draft = Some(draft(&submission, &sheet, &handing.evidence, unanswered, moment));
    let decided =
        decide(&Situation { application: &application, act: &act, policy: &policy, desk: None, moment });
    let row = match decided {
        Ok(_) | Err(Refusal::EvidenceMissing) if handing.evidence.failure.is_some() => {
            return Err(handing.evidence.failure.take().unwrap_or_else(|| Refusal::EvidenceMissing.into()));
        }
        Ok(_) if handing.evidence.edit_version != sheet.edit_version => {
            return Err(
                Refusal::EditedMeanwhile { edit_version: sheet.edit_version, at: sheet.edited_at }.into()
            );
        }
        Ok(_) if !handing.evidence.complete => return Err(Refusal::EvidenceMissing.into()),
        Ok(row) => row,
        Err(refusal) => return Err(refusal.into()),
    };
    if application.receipt_no.is_none() {
        let number = store::applications::next_receipt(work.db()).await?;
        if let Some(draft) = act.draft.as_mut() {
            draft.receipt_no = Some(numbered(&handing.receipt_prefix, work.now(), number));
        }
    }
    let desk = match order {
        Some(order) => Some(super::member::desk(work.db(), order, &application).await?),
        None => None,
    };
    let situation =
        Situation { application: &application, act: &act, policy: &policy, desk: desk.as_ref(), moment };
    let step = super::close(&situation, row, row.by);
    store::submissions::insert(work.db(), &submission).await?;
    save(work, shared, &step, &act).await?;
    Ok(step.after)
}

/// Judges a submission as if the dossier were sealed for it: what is refused now needs no seal.
///
/// # Errors
/// The refusal of the first rule that says no; the database is away.
pub async fn foresee(
    db: &mut PgConnection,
    policy: &Policy,
    found: (&Application, &Sheet),
    mut act: Act,
    handing: &Handing,
    moment: Moment,
) -> Result<(), Failure> {
    let (application, sheet) = found;
    let submission = compose(application, sheet, handing, &act, moment);
    let unanswered = unanswered(db, application, &sheet.form, &handing.answers).await?;
    act.account_active = handing.evidence.account_active;
    act.draft = Some(draft(&submission, sheet, &handing.evidence, unanswered, moment));
    decide(&Situation { application, act: &act, policy, desk: None, moment })?;
    Ok(())
}

fn draft(
    submission: &Submission,
    sheet: &Sheet,
    evidence: &Evidence,
    unanswered: Vec<String>,
    moment: Moment,
) -> Draft {
    Draft {
        submitted: Submitted {
            version: submission.version,
            kind: submission.kind,
            hash: submission.hash.clone(),
            dossier_hash: submission.dossier_hash.clone(),
        },
        problems: sheet.form.problems(&sheet.station, moment.today),
        unanswered,
        gate: evidence.gate.as_ref().map(|(_, finding)| finding.clone()),
        sealed: evidence.seal.as_ref().is_some_and(|seal| seal.submission_version == submission.version),
        receipt_no: None,
    }
}

/// Form fields that the return named and that were neither changed nor explained. Source: T09, T18, G6.
async fn unanswered(
    db: &mut PgConnection,
    application: &Application,
    form: &Form,
    answers: &BTreeMap<String, String>,
) -> Result<Vec<String>, Failure> {
    let named: Vec<_> = application.returned.items.iter().filter_map(|item| Field::parse(item)).collect();
    let Some(last) = application.submitted.as_ref().filter(|_| !named.is_empty()) else {
        return Ok(Vec::new());
    };
    // Not the newest: a submission that was withdrawn may have answered the same return.
    let returned =
        if application.returned.submission > 0 { application.returned.submission } else { last.version };
    let before = store::submissions::find(db, application.id, returned).await?;
    let changed = before.map(|before| form.changed(&before.form)).unwrap_or_default();
    let explained = |field: &Field| answers.get(field.id()).is_some_and(|text| !text.trim().is_empty());
    Ok(named
        .into_iter()
        .filter(|field| !changed.contains(field) && !explained(field))
        .map(|field| field.id().to_owned())
        .collect())
}

fn compose(
    application: &Application,
    sheet: &Sheet,
    handing: &Handing,
    act: &Act,
    moment: Moment,
) -> Submission {
    let version = application.next_submission();
    let seal = handing.evidence.seal.as_ref();
    let gate = handing.evidence.gate.as_ref();
    let dossier_hash = seal.map(|seal| seal.dossier_hash.clone()).unwrap_or_default();
    let gate_hash = gate.map(|(_, finding)| finding.hash.clone()).unwrap_or_default();
    let content = Canonical::new("yuchong.reviews.submission.v1")
        .bytes(application.id.0.as_bytes())
        .number(i64::from(version))
        .text(handing.kind.id());
    let content = sheet.form.encode(content).text(&dossier_hash).text(&gate_hash).texts(
        handing
            .answers
            .iter()
            .flat_map(|(item, text)| [item.as_str(), text.as_str()])
            .collect::<Vec<_>>()
            .into_iter(),
    );
    Submission {
        application_id: application.id,
        version,
        kind: handing.kind,
        hash: hex(&content.hash()),
        content: content.into_bytes(),
        form: sheet.form.clone(),
        dossier_revision: seal.map(|seal| seal.revision),
        dossier_hash,
        gate_evidence: gate.map(|(bytes, _)| bytes.clone()),
        gate_hash,
        answered: application.returned.clone(),
        answers: handing.answers.clone(),
        submitted_at: moment.now,
        submitted_by: act.actor_id(),
    }
}
