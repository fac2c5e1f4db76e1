//! Who of the party that is waited for can still do something: what a person's own open tasks are made of.
//!
//! At the joint review several voices are waited for at once; whose own word is given waits for the others. An expert is a
//! voice by user id, a department by its code. Source: T15, T16, T21, T22.

use super::{
    act::{Act, Command, Person, Verdict},
    application::Application,
    order::{Desk, Opinion},
    policy::{ExpertRule, Policy},
    stage::{Actor, Stage},
};

/// Voices that can still do something at this node; `None`: everybody at the desk, because the node asks one office, nobody
/// looked at the panel, or nobody on it can act: somebody has to see what waits. A member outside the sample waits for its
/// order, or for a wider draw that any department may ask for.
pub fn awaited(application: &Application, policy: &Policy, desk: Option<&Desk>) -> Option<Vec<String>> {
    let voices = if application.stage == Stage::ExpertReview {
        experts(application, policy.expert_rule, desk?)
    } else if application.stage == Stage::ProvincialReview && application.in_sample {
        departments(policy, desk)
    } else {
        return None;
    };
    Some(voices).filter(|voices| !voices.is_empty())
}

/// Who may decide and has said nothing yet, and who concludes: the lead, or whose word makes the rule's number full.
fn experts(application: &Application, rule: ExpertRule, desk: &Desk) -> Vec<String> {
    let lead = desk.lead(application);
    desk.voters(application)
        .filter(|panelist| {
            let said = desk.opinions.iter().find(|opinion| opinion.person == panelist.person);
            match (said, rule) {
                (None, _) => true,
                (Some(_), ExpertRule::Lead) => lead == Some(panelist.person),
                (Some(said), ExpertRule::NOfM { .. } | ExpertRule::All) => {
                    let (have, needed) = desk.agreement(rule, application, panelist.person, said.verdict);
                    have >= needed
                }
            }
        })
        .map(|panelist| panelist.person.to_string())
        .collect()
}

/// The departments that have not signed.
fn departments(policy: &Policy, desk: Option<&Desk>) -> Vec<String> {
    let opinions = desk.map(|desk| desk.opinions.as_slice()).unwrap_or_default();
    let signed = |code: &String| opinions.iter().any(|opinion| opinion.signed && opinion.department == *code);
    policy.departments.iter().filter(|code| !signed(code)).cloned().collect()
}

/// The voices in which a person speaks.
pub fn voices(person: &Person) -> Vec<String> {
    let expert = person.roles.contains(&Actor::Expert).then(|| person.id.to_string());
    let department = person.roles.contains(&Actor::Province).then(|| person.department.clone());
    expert.into_iter().chain(department).filter(|voice| !voice.is_empty()).collect()
}

/// Whether the application waits for this person: for its party, and there for its voice.
pub fn awaits(person: &Person, application: &Application) -> bool {
    let party = application.stage.waits_for();
    let asked = party.is_some() && person.roles.iter().any(|role| role.party() == party);
    let heard = |open: &Vec<String>| open.iter().any(|voice| voices(person).contains(voice));
    asked && application.awaited.as_ref().is_none_or(heard)
}

/// Why a person has nothing to do where its party is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The expert's word is given; the lead, or the others, are waited for.
    ExpertSpoke,
    /// The department has signed; the others are waited for.
    DepartmentSigned,
    /// The expert has a conflict of interest with this member.
    Conflicted,
    /// The member was not drawn; it is concluded with its order.
    OutsideSample,
}

/// The person's own state; none where there is something to do, or another party is waited for.
pub fn own(person: &Person, application: &Application, policy: &Policy, desk: &Desk) -> Option<Own> {
    let required = policy.departments.contains(&person.department) && person.roles.contains(&Actor::Province);
    if application.stage == Stage::ProvincialReview && !application.in_sample {
        return required.then_some(Own::OutsideSample);
    }
    let mine = voices(person);
    let open = awaited(application, policy, Some(desk))?;
    if open.iter().any(|voice| mine.contains(voice)) {
        return None;
    }
    if application.stage == Stage::ExpertReview {
        let panelist = desk.panelist(person.id)?;
        let spoke = desk.opinions.iter().any(|opinion| opinion.person == person.id);
        let conflicted = !panelist.eligible(application.id);
        return if conflicted { Some(Own::Conflicted) } else { spoke.then_some(Own::ExpertSpoke) };
    }
    required.then_some(Own::DepartmentSigned)
}

/// The desk with what this act says of a member that stays at its node; one that has just come there has heard nothing yet.
pub fn heard(desk: &Desk, act: &Act, actor: Actor, stays: bool) -> Desk {
    if !stays {
        return Desk { opinions: Vec::new(), ..desk.clone() };
    }
    let mut desk = desk.clone();
    let signed = actor == Actor::Province && act.command == Command::Pass;
    let verdict = if signed { Some(Verdict::Pass) } else { act.verdict };
    let Some(verdict) = verdict.filter(|_| signed || act.command == Command::RecordOpinion) else {
        return desk;
    };
    let department = if actor == Actor::Province { act.person.department.clone() } else { String::new() };
    desk.opinions.retain(|opinion| {
        opinion.department != department || (department.is_empty() && opinion.person != act.person.id)
    });
    desk.opinions.push(Opinion { person: act.person.id, department, verdict, signed });
    desk
}

#[cfg(test)]
#[path = "awaited_tests.rs"]
mod tests;
