//! The administrator decides on registrations and profile changes, suspends and reinstates.

use chassis::{Failure, Work};
use uuid::Uuid;

use super::{profile::follow_contact, record, save};
use crate::{
    domain::{
        ids::{OperatorId, UserId},
        lifecycle::{self, Act},
        operator::{Decision, Operator, Outcome, Validity},
        refusal::{Field, Refusal},
        registration::Profile,
        texts,
    },
    labels,
    store::{self, sessions::End},
};

/// Characters of an opinion or a reason.
const OPINION_MAX: usize = 1_000;

/// The administrator's word on the submission that waits.
pub struct Word {
    /// Whose.
    pub operator: OperatorId,
    /// The submission looked at.
    pub submission_version: i32,
    /// The opinion as typed.
    pub opinion: String,
    /// Fields that were found to be as the licence shows them, by their names; a return names none.
    pub agreed: Vec<String>,
}

impl Word {
    /// Everything that the licence shows of a profile; an approval stands on each of it.
    fn compared(&self, profile: &Profile) -> Result<Vec<Field>, Failure> {
        let shown = profile.on_licence();
        let open = shown.iter().filter(|field| !self.agreed.iter().any(|one| one == field.name()));
        let missed: Vec<_> = open.map(|field| Refusal::NotCompared(*field)).collect();
        if missed.is_empty() { Ok(shown) } else { Err(labels::all(missed)) }
    }
}

/// Approves (保存): the submission's profile is valid from now on and the operator is active.
///
/// # Errors
/// `not_found`, `stale_version`, `wrong_state`, `not_compared`, `uscc_taken`. Source: workflow, Accounts; invariant 3.
pub async fn approve(work: &mut Work, word: Word) -> Result<Operator, Failure> {
    let opinion = texts::paragraph(Field::Opinion, &word.opinion, OPINION_MAX)?;
    let (operator, step) = judge(work, &word, Act::Approve).await?;
    let submission = store::submissions::find(work.db(), operator.id, word.submission_version)
        .await?
        .ok_or_else(|| Failure::internal("the waiting submission is missing"))?;
    let compared = word.compared(&submission.profile)?;
    if store::operators::uscc_taken(work.db(), submission.profile.uscc.as_str(), operator.id).await? {
        return Err(Refusal::UsccTaken.into());
    }
    let decision = decision(work);
    store::submissions::decide(
        work.db(),
        operator.id,
        submission.version,
        Outcome::Approved,
        &opinion,
        &decision,
    )
    .await?;
    let next = operator.after(step, decision.at, &decision.by).showing(&submission, Validity::Valid);
    let former = match operator.valid_version {
        Some(version) => store::submissions::find(work.db(), operator.id, version).await?,
        None => None,
    };
    // A first approval changes no contact: it followed each submission already.
    if let Some(former) = former {
        follow_contact(work, &next, &former, &submission).await?;
    }
    save(work, &next, step.fact).await?;
    let compared: Vec<_> = compared.iter().map(|field| field.name()).collect();
    let detail = format!("{} {}", submission.version, compared.join(","));
    record(work, "approve_operator", &next.id.to_string(), "", &detail).await?;
    Ok(next)
}

/// Returns with an opinion: a registration goes back; of a profile change the old profile stays valid.
///
/// # Errors
/// `opinion_missing`, `not_found`, `stale_version`, `wrong_state`. Source: workflow, Accounts; invariant 3.
pub async fn send_back(work: &mut Work, word: Word) -> Result<Operator, Failure> {
    let opinion = texts::paragraph(Field::Opinion, &word.opinion, OPINION_MAX)?;
    if opinion.is_empty() {
        return Err(Refusal::OpinionMissing.into());
    }
    let (operator, step) = judge(work, &word, Act::Return).await?;
    let decision = decision(work);
    let version = word.submission_version;
    store::submissions::decide(work.db(), operator.id, version, Outcome::Returned, &opinion, &decision)
        .await?;
    let next = operator.after(step, decision.at, &decision.by);
    save(work, &next, step.fact).await?;
    record(work, "return_operator", &next.id.to_string(), "", &version.to_string()).await?;
    Ok(next)
}

/// Suspends (停用): every session of its users ends, its machines get no more tokens.
///
/// # Errors
/// `field_missing` without a reason, `not_found`, `wrong_state`. Source: workflow, Accounts.
pub async fn suspend(work: &mut Work, id: OperatorId, reason: &str) -> Result<Operator, Failure> {
    let next = turn(work, id, Act::Suspend, reason).await?;
    let now = work.now();
    store::sessions::end_all_of_operator(work.db(), id, now, End::Suspended).await?;
    Ok(next)
}

/// Ends a suspension.
///
/// # Errors
/// `field_missing` without a reason, `not_found`, `wrong_state`. Source: workflow, Accounts.
pub async fn reinstate(work: &mut Work, id: OperatorId, reason: &str) -> Result<Operator, Failure> {
    turn(work, id, Act::Reinstate, reason).await
}

async fn turn(work: &mut Work, id: OperatorId, act: Act, reason: &str) -> Result<Operator, Failure> {
    let reason = texts::paragraph(Field::Reason, reason, OPINION_MAX)?;
    if reason.is_empty() {
        return Err(Refusal::Missing(Field::Reason).into());
    }
    let operator = store::operators::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    let step = match lifecycle::decide(operator.standing, act) {
        Ok(step) => step,
        Err(refusal) => return Err(told(work, refusal, &operator).await?),
    };
    let by = work.caller().subject.clone();
    let next = operator.after(step, work.now(), &by);
    save(work, &next, step.fact).await?;
    let change = store::operators::StandingChange {
        id: work.new_id(),
        operator: id,
        fact: step.fact.name(),
        reason: &reason,
        at: work.now(),
        by: &by,
    };
    store::operators::insert_standing_change(work.db(), change).await?;
    record(work, step.fact.name(), &id.to_string(), "", "").await?;
    Ok(next)
}

async fn judge(work: &mut Work, word: &Word, act: Act) -> Result<(Operator, lifecycle::Step), Failure> {
    let operator = store::operators::lock(work.db(), word.operator).await?.ok_or_else(Failure::not_found)?;
    let current = lifecycle::judged(word.submission_version, operator.submission_version);
    match current.and_then(|()| lifecycle::decide(operator.standing, act)) {
        Ok(step) => Ok((operator, step)),
        Err(refusal) => Err(told(work, refusal, &operator).await?),
    }
}

/// The loser of a race is told who acted, when, and where that left the account; an administrator may see officials by name.
async fn told(work: &mut Work, refusal: Refusal, operator: &Operator) -> Result<Failure, Failure> {
    let actor = match Uuid::parse_str(&operator.changed_by) {
        Ok(id) => store::users::find(work.db(), UserId(id)).await?,
        Err(_) => None,
    };
    let who = match actor {
        Some(user) if user.operator_id.is_some() => "申报企业".to_owned(),
        Some(user) => format!("{} {}", user.office, user.display_name).trim().to_owned(),
        None => "系统".to_owned(),
    };
    Ok(Failure::from(refusal)
        .overtaken(&who, operator.changed_at, labels::deed(operator.standing))
        .with("changed_at", operator.changed_at.unix_timestamp())
        .with("changed_by", &operator.changed_by))
}

fn decision(work: &Work) -> Decision {
    Decision { at: work.now(), by: work.caller().subject.clone() }
}
