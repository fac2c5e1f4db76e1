//! The one judge: sees whether a command fits the application, and hands out the row that it follows.
//!
//! Order of the questions: may the person see it, is the version current, is there a row, does it judge what stands,
//! then the row's own rules; the first refusal wins.

use super::{
    act::{Act, Command},
    application::Application,
    guards::{self, About, Situation},
    refusal::{Overtaken, Refusal},
    stage::{Actor, Party, Stage},
    table::{Row, TABLE},
};

/// Finds the row that the command follows, or says why there is none.
///
/// # Errors
/// The first [`Refusal`], in the order that the file's head names.
pub fn decide(situation: &Situation<'_>) -> Result<&'static Row, Refusal> {
    visible(situation)?;
    current(situation)?;
    let row = find(situation)?;
    if row.judges {
        judged(situation)?;
    }
    row.guards.iter().try_for_each(|guard| (guard.rule)(situation))?;
    Ok(row)
}

/// Answers before anything is typed: may this person do this here now? Behind `AllowedActions`.
///
/// # Errors
/// The first [`Refusal`] of role, node and standing rules.
pub fn allowed(situation: &Situation<'_>) -> Result<&'static Row, Refusal> {
    visible(situation)?;
    let rows = candidates(situation)?;
    let mut first = None;
    // A way that depends on what is typed stays open; one that depends on the order is known.
    for row in rows.into_iter().filter(|row| !row.case.of_the_order() || row.case.holds(situation)) {
        let standing = row.guards.iter().filter(|guard| guard.about == About::Standing);
        match standing.map(|guard| (guard.rule)(situation)).find(Result::is_err) {
            Some(Err(refusal)) => {
                first.get_or_insert(refusal);
            }
            Some(Ok(())) | None => return Ok(row),
        }
    }
    Err(first.unwrap_or(Refusal::DirectionMissing))
}

/// Whether any of the person's roles may see the application.
///
/// # Errors
/// [`Refusal::OutOfScope`].
pub fn visible(situation: &Situation<'_>) -> Result<(), Refusal> {
    let related = |actor: &Actor| guards::in_scope(situation, *actor).is_ok();
    if situation.act.person.roles.iter().any(related) { Ok(()) } else { Err(Refusal::OutOfScope) }
}

fn find(situation: &Situation<'_>) -> Result<&'static Row, Refusal> {
    candidates(situation)?.into_iter().find(|row| row.case.holds(situation)).ok_or(Refusal::DirectionMissing)
}

/// Rows of the command at the node for one of the person's roles.
fn candidates(situation: &Situation<'_>) -> Result<Vec<&'static Row>, Refusal> {
    let Situation { application, act, .. } = situation;
    let stage = node(application);
    let here: Vec<_> = TABLE.iter().filter(|row| row.on == act.command && row.starts_at(stage)).collect();
    let Some(first) = here.first() else {
        return Err(Refusal::WrongStage { stage: application.stage, command: act.command });
    };
    let mine: Vec<_> = here
        .iter()
        .copied()
        .filter(|row| act.person.roles.contains(&row.by) && guards::in_scope(situation, row.by).is_ok())
        .collect();
    if mine.is_empty() {
        return Err(Refusal::NotYourTurn { stage: application.stage, command: act.command, actor: first.by });
    }
    Ok(mine)
}

fn node(application: &Application) -> Option<Stage> {
    (application.version > 0).then_some(application.stage)
}

/// Refuses a command whose author saw an older version. Source: invariants 3 and 4.
fn current(situation: &Situation<'_>) -> Result<(), Refusal> {
    let Situation { application, act, .. } = situation;
    let Some(seen) = act.seen else { return Ok(()) };
    if application.current(seen) || opinions_only(situation, seen) {
        return Ok(());
    }
    let Some(overtaken) = overtaken(application) else { return Ok(()) };
    Err(told(act, application, overtaken))
}

/// Experts and departments work side by side: an opinion of one does not make the page of another stale.
fn opinions_only(situation: &Situation<'_>, seen: i64) -> bool {
    let Situation { application, act, .. } = situation;
    let side_by_side = matches!(application.stage, Stage::ExpertReview | Stage::ProvincialReview)
        && matches!(act.command, Command::RecordOpinion | Command::Pass | Command::Return);
    side_by_side && (application.stage_version..=application.version).contains(&seen)
}

fn overtaken(application: &Application) -> Option<Overtaken> {
    application.last.as_ref().map(|last| Overtaken::by(application, last))
}

/// Tells the loser of a race what the winner did. Source: invariant 4.
fn told(act: &Act, application: &Application, overtaken: Overtaken) -> Refusal {
    let withdrawn = matches!(overtaken.transition.as_str(), "T03" | "T10");
    let official = overtaken.role != Actor::Operator;
    if act.command == Command::Withdraw && official {
        return Refusal::AlreadyDecided(overtaken);
    }
    let decides = !act.person.roles.contains(&Actor::Operator);
    if decides && withdrawn && application.stage.waits_for() == Some(Party::Operator) {
        return Refusal::AlreadyWithdrawn(overtaken);
    }
    Refusal::Stale(overtaken)
}

/// The decision names the submission that stands. Source: invariant 3.
fn judged(situation: &Situation<'_>) -> Result<(), Refusal> {
    let judged = situation.act.judged.as_ref().ok_or(Refusal::SubmissionNotNamed)?;
    match &situation.application.submitted {
        Some(standing) if standing.version == judged.version && standing.hash == judged.hash => Ok(()),
        Some(standing) => {
            Err(Refusal::OtherSubmission { version: standing.version, hash: standing.hash.clone() })
        }
        None => Err(Refusal::SubmissionNotNamed),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
