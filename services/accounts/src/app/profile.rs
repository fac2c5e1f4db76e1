//! An operator sends its registration again, or changes its profile.

use chassis::{Failure, Work};

use super::{record, save};
use crate::{
    config::Registration,
    domain::{
        ids::OperatorId,
        licence::{self, Licence},
        lifecycle::{self, Act},
        operator::{Operator, Outcome, Submission, Validity},
        refusal::Refusal,
        registration::{self, Draft, Entry, Profile},
        texts,
    },
    labels, store,
};

/// The caller's own operator, locked.
async fn lock_own(work: &mut Work) -> Result<Operator, Failure> {
    let id = work.caller().operator_id.map(OperatorId).ok_or_else(Failure::not_found)?;
    store::operators::lock(work.db(), id).await?.ok_or_else(Failure::not_found)
}

/// What an operator hands in.
pub struct Change {
    /// The company's data as typed.
    pub draft: Draft,
    /// What documents knows about its licence.
    pub licence: Result<Option<Licence>, Failure>,
}

/// Data that has passed every rule.
struct Checked {
    profile: Profile,
    licence: Licence,
}

/// Sends the registration again, by whichever of the three entries.
///
/// # Errors
/// `wrong_state`; documents was away; every field that is wrong. Source: workflow, Accounts; G2.
pub async fn resubmit(
    work: &mut Work,
    settings: &Registration,
    entry: Entry,
    change: Change,
) -> Result<Operator, Failure> {
    let operator = lock_own(work).await?;
    let step = lifecycle::decide(operator.standing, Act::Resubmit)?;
    let checked = checked(work, settings, &operator, change).await?;
    let former = store::submissions::find(work.db(), operator.id, operator.submission_version)
        .await?
        .ok_or_else(|| Failure::internal("the latest submission is missing"))?;
    let submission = submission(work, settings, &operator, entry, checked, Outcome::Waiting);
    store::submissions::supersede(work.db(), operator.id).await?;
    store::submissions::insert(work.db(), operator.id, &submission).await??;
    let next = operator.after(step, work.now(), &submission.submitted_by);
    let next =
        Operator { submission_version: submission.version, ..next }.showing(&submission, Validity::NotYet);
    follow_contact(work, &next, &former, &submission).await?;
    save(work, &next, step.fact).await?;
    record(work, "resubmit", &next.id.to_string(), "", entry.name()).await?;
    Ok(next)
}

/// Changes the profile of an active operator: at once, or, where licence, name, code or division differ, after a review.
///
/// # Errors
/// `wrong_state`, `nothing_changed`; documents was away; every field that is wrong. Source: workflow, Accounts.
pub async fn change(work: &mut Work, settings: &Registration, change: Change) -> Result<Operator, Failure> {
    let operator = lock_own(work).await?;
    // A state that allows no change is told before the fields are.
    lifecycle::decide(operator.standing, Act::ChangeUnreviewed)?;
    let checked = checked(work, settings, &operator, change).await?;
    let valid_version =
        operator.valid_version.ok_or_else(|| Failure::internal("active without a valid profile"))?;
    let valid = store::submissions::find(work.db(), operator.id, valid_version)
        .await?
        .ok_or_else(|| Failure::internal("the valid submission is missing"))?;
    if valid.profile == checked.profile && !operator.standing.review_pending {
        return Err(Refusal::NothingChanged.into());
    }
    let reviewed = valid.profile.needs_review(&checked.profile);
    let (act, outcome) = if reviewed {
        (Act::ChangeReviewed, Outcome::Waiting)
    } else {
        (Act::ChangeUnreviewed, Outcome::Unreviewed)
    };
    let step = lifecycle::decide(operator.standing, act)?;
    let submission = submission(work, settings, &operator, Entry::CompanyProfile, checked, outcome);
    store::submissions::supersede(work.db(), operator.id).await?;
    store::submissions::insert(work.db(), operator.id, &submission).await??;
    let next = operator.after(step, work.now(), &submission.submitted_by);
    let mut next = Operator { submission_version: submission.version, ..next };
    if !reviewed {
        next = next.showing(&submission, Validity::Valid);
        follow_contact(work, &next, &valid, &submission).await?;
    }
    save(work, &next, step.fact).await?;
    record(work, "change_profile", &next.id.to_string(), "", outcome.name()).await?;
    Ok(next)
}

/// Name and phone of the user who is the operator's contact are the contact's.
pub(super) async fn follow_contact(
    work: &mut Work,
    operator: &Operator,
    former: &Submission,
    submission: &Submission,
) -> Result<(), Failure> {
    let (by, contact) = (&submission.submitted_by, &submission.profile);
    let now = (contact.contact_name.as_str(), contact.contact_phone.as_str());
    store::users::follow_contact(work.db(), operator.id, by, &former.profile.contact_phone, now).await?;
    Ok(())
}

async fn checked(
    work: &mut Work,
    settings: &Registration,
    operator: &Operator,
    change: Change,
) -> Result<Checked, Failure> {
    let Change { draft, licence } = change;
    let catalogue = store::divisions::catalogue(work.db()).await?;
    let mut wrong = Vec::new();
    let profile = registration::check(&draft, &catalogue, &settings.outside_division)
        .map_err(|refusals| wrong.extend(refusals))
        .ok();
    if let Ok(uscc) = texts::uscc_of(&draft.uscc)
        && store::operators::uscc_taken(work.db(), uscc.as_str(), operator.id).await?
    {
        wrong.push(Refusal::UsccTaken);
    }
    let licence = match registration::licence_file(&draft.licence_file_id) {
        Ok(_) => licence::of_operator(licence?, operator.id).map_err(|refusal| wrong.push(refusal)).ok(),
        Err(_) => None,
    };
    match (profile, licence) {
        (Some(profile), Some(licence)) if wrong.is_empty() => Ok(Checked { profile, licence }),
        _ => Err(labels::all(wrong)),
    }
}

fn submission(
    work: &Work,
    settings: &Registration,
    operator: &Operator,
    entry: Entry,
    checked: Checked,
    outcome: Outcome,
) -> Submission {
    Submission {
        version: operator.submission_version + 1,
        entry,
        profile: checked.profile,
        licence_sha256: Some(checked.licence.sha256),
        declaration: settings.declaration.clone(),
        submitted_at: work.now(),
        submitted_by: work.caller().subject.clone(),
        outcome,
        opinion: String::new(),
        decision: None,
    }
}
