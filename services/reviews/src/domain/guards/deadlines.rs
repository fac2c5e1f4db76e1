//! Why not, where it is about time: who leads, how long an extension may be, to whom work can be given. Source: T26.

use super::{Ruling, Situation, related};
use crate::domain::{awaited::awaited, refusal::Refusal, stage::Stage};

/// Longest single extension, in working days. Source: ours; about two months.
pub const EXTENSION_WORKING_DAYS_MAX: u32 = 40;

/// The person leads: the office as `accounts` knows it, the panel as the order does.
///
/// Source: T26 ("tier lead"). Error: [`Refusal::NotLead`].
pub fn leads(situation: &Situation<'_>) -> Ruling {
    let Situation { application, act, desk, .. } = situation;
    let lead = if application.stage == Stage::ExpertReview {
        desk.is_some_and(|desk| desk.lead(application) == Some(act.person.id))
    } else {
        act.person.lead
    };
    if lead { Ok(()) } else { Err(Refusal::NotLead) }
}

/// An extension is a number of working days.
///
/// Source: T26. Error: [`Refusal::ExtensionInvalid`].
pub fn extension_given(situation: &Situation<'_>) -> Ruling {
    let days = situation.act.extension;
    if (1..=EXTENSION_WORKING_DAYS_MAX).contains(&days) {
        Ok(())
    } else {
        Err(Refusal::ExtensionInvalid { max: EXTENSION_WORKING_DAYS_MAX })
    }
}

/// Work is given to somebody who could act at this node, or back to the whole office.
///
/// Source: T26, invariant 5. Error: [`Refusal::AssigneeUnfit`].
pub fn assignee_fits(situation: &Situation<'_>) -> Ruling {
    let Situation { application, act, policy, desk, .. } = situation;
    let Some(assignee) = &act.assignee else { return Ok(()) };
    let Some(tier) = application.stage.waits_for() else { return Err(Refusal::AssigneeUnfit) };
    let belongs = if application.stage == Stage::ExpertReview {
        // Whose own word is given has nothing more to do there, unless it concludes.
        let open = awaited(application, policy, *desk);
        let asked = open.is_none_or(|open| open.contains(&assignee.id.to_string()));
        asked && desk.is_some_and(|desk| desk.voters(application).any(|voter| voter.person == assignee.id))
    } else {
        let mut roles = assignee.roles.iter().filter(|role| role.party() == Some(tier));
        roles.any(|role| related(application, assignee, *role))
    };
    let free = application.decided_elsewhere(assignee.id, tier).is_none();
    if belongs && free { Ok(()) } else { Err(Refusal::AssigneeUnfit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        act::{Act, Command, Person, Verdict},
        fixtures::{act, alone, application, decider, desk, opinion, person, policy},
        stage::{Actor, Party},
    };

    /// Runs one rule on a command at a node.
    fn rule(rule: for<'a> fn(&Situation<'a>) -> Ruling, stage: Stage, act: &Act) -> Ruling {
        rule(&alone(&application(stage), act, &policy()))
    }

    #[test]
    fn an_office_is_led_by_its_lead_and_a_panel_by_its_own() {
        let mut officer = act(person(Actor::County, 2), Command::ExtendDeadline);
        assert_eq!(rule(leads, Stage::CountyReview, &officer), Ok(()));
        officer.person.lead = false;
        assert_eq!(rule(leads, Stage::CountyReview, &officer), Err(Refusal::NotLead));
        let (member, desk, policy) = (application(Stage::ExpertReview), desk(), policy());
        for (n, expected) in [(31, Ok(())), (32, Err(Refusal::NotLead))] {
            let expert = act(person(Actor::Expert, n), Command::ExtendDeadline);
            let situation = Situation { desk: Some(&desk), ..alone(&member, &expert, &policy) };
            assert_eq!(leads(&situation), expected, "{n}");
        }
    }

    #[test]
    fn an_extension_is_a_number_of_working_days() {
        for (days, sound) in [(0, false), (1, true), (EXTENSION_WORKING_DAYS_MAX, true), (41, false)] {
            let mut extension = act(person(Actor::County, 2), Command::ExtendDeadline);
            extension.extension = days;
            assert_eq!(rule(extension_given, Stage::CountyReview, &extension).is_ok(), sound, "{days}");
        }
    }

    #[test]
    fn work_is_given_to_who_could_do_it_or_back_to_the_office() {
        let given = |assignee: Option<Person>| {
            let mut handing = act(person(Actor::County, 2), Command::Reassign);
            handing.assignee = assignee;
            rule(assignee_fits, Stage::CountyReview, &handing)
        };
        let unfit = Err(Refusal::AssigneeUnfit);
        assert_eq!(given(None), Ok(()));
        assert_eq!(given(Some(person(Actor::County, 3))), Ok(()));
        assert_eq!(given(Some(person(Actor::City, 3))), unfit, "another tier");
        assert_eq!(given(Some(Person { scope: vec!["410105".into()], ..person(Actor::County, 3) })), unfit);
        assert_eq!(given(Some(Person { roles: vec![], ..person(Actor::County, 3) })), unfit, "inactive");
    }

    #[test]
    fn work_is_not_given_to_who_decided_at_another_tier_or_sits_on_no_panel() {
        let mut waiting = application(Stage::CityReview);
        waiting.deciders = vec![decider(3, Party::County)];
        let mut handing = act(person(Actor::City, 2), Command::Reassign);
        handing.assignee = Some(person(Actor::City, 3));
        let policy = policy();
        assert_eq!(assignee_fits(&alone(&waiting, &handing, &policy)), Err(Refusal::AssigneeUnfit));
        let (member, desk) = (application(Stage::ExpertReview), desk());
        for (n, expected) in [(32, Ok(())), (39, Err(Refusal::AssigneeUnfit))] {
            let mut handing = act(person(Actor::Expert, 31), Command::Reassign);
            handing.assignee = Some(person(Actor::Expert, n));
            let situation = Situation { desk: Some(&desk), ..alone(&member, &handing, &policy) };
            assert_eq!(assignee_fits(&situation), expected, "{n}");
        }
    }

    #[test]
    fn work_is_not_given_to_an_expert_whose_word_is_given() {
        let (member, policy, mut desk) = (application(Stage::ExpertReview), policy(), desk());
        desk.opinions = vec![opinion(32, "", Verdict::Pass)];
        let mut handing = act(person(Actor::Expert, 31), Command::Reassign);
        handing.assignee = Some(person(Actor::Expert, 32));
        let situation = Situation { desk: Some(&desk), ..alone(&member, &handing, &policy) };
        assert_eq!(assignee_fits(&situation), Err(Refusal::AssigneeUnfit));
    }
}
