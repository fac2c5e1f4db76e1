//! Tests of whose tasks a member is: each shows one step of a panel or of the departments.

use super::*;
use crate::domain::{
    act::Moment,
    advance::advance,
    fixtures::{NOW, act, application, desk, opinion, person, person_id, policy},
    guards::Situation,
    stage::Party,
    table::TABLE,
};

fn voice(n: u128) -> String {
    person_id(n).to_string()
}

fn open(desk: &Desk, rule: ExpertRule) -> Vec<String> {
    experts(&application(Stage::ExpertReview), rule, desk)
}

fn spoken(numbers: &[u128], verdict: Verdict) -> Desk {
    Desk { opinions: numbers.iter().map(|n| opinion(*n, "", verdict)).collect(), ..desk() }
}

#[test]
fn an_expert_who_has_spoken_waits_for_the_lead_and_the_lead_waits_for_nobody() {
    assert_eq!(open(&desk(), ExpertRule::Lead), [voice(31), voice(32), voice(33)]);
    assert_eq!(open(&spoken(&[32], Verdict::Pass), ExpertRule::Lead), [voice(31), voice(33)]);
    assert_eq!(open(&spoken(&[31, 32, 33], Verdict::Return), ExpertRule::Lead), [voice(31)]);
}

#[test]
fn whoever_stands_in_for_a_lead_with_a_conflict_has_the_task_again() {
    let mut desk = spoken(&[32], Verdict::Pass);
    desk.panel[0].conflicted = true;
    assert_eq!(open(&desk, ExpertRule::Lead), [voice(32), voice(33)]);
}

#[test]
fn under_a_number_the_task_comes_back_when_the_number_is_full() {
    let rule = ExpertRule::NOfM { needed: 2 };
    assert_eq!(open(&spoken(&[31], Verdict::Pass), rule), [voice(32), voice(33)]);
    assert_eq!(open(&spoken(&[31, 32], Verdict::Pass), rule), [voice(31), voice(32), voice(33)]);
    assert_eq!(open(&spoken(&[31, 32], Verdict::Pass), ExpertRule::All), [voice(33)]);
}

#[test]
fn a_department_that_has_signed_waits_for_the_others_and_one_that_only_said_something_still_signs() {
    let mut desk = Desk { opinions: vec![opinion(41, "fgw", Verdict::Pass)], ..desk() };
    assert_eq!(departments(&policy(), Some(&desk)), ["czt"]);
    desk.opinions[0].signed = false;
    assert_eq!(departments(&policy(), Some(&desk)), ["fgw", "czt"]);
}

#[test]
fn where_one_office_is_waited_for_everybody_of_it_is() {
    for stage in Stage::ALL
        .into_iter()
        .filter(|stage| !matches!(stage.waits_for(), Some(Party::Experts | Party::Departments)))
    {
        assert_eq!(awaited(&application(stage), &policy(), Some(&desk())), None, "{stage:?}");
    }
}

#[test]
fn an_opinion_takes_the_member_off_its_authors_tasks_and_a_new_visit_forgets_it() {
    let before = application(Stage::ExpertReview);
    let (policy, desk) = (policy(), desk());
    let row = |id: &str| TABLE.iter().find(|row| row.id == id).expect("in the table");
    let step = |act: &Act, id: &str, application: &Application, actor| {
        let moment = Moment::at(NOW);
        advance(&Situation { application, act, policy: &policy, desk: Some(&desk), moment }, row(id), actor)
    };
    let said = act(person(Actor::Expert, 32), Command::RecordOpinion);
    let after = step(&said, "T15", &before, Actor::Expert);
    assert_eq!(after.awaited, Some(vec![voice(31), voice(33)]));
    let away = step(&act(person(Actor::Expert, 31), Command::Return), "T17", &after, Actor::Expert);
    assert_eq!(away.awaited, None);
    let back = Application { version: 9, ..away };
    let mut supplement = act(person(Actor::Operator, 1), Command::SubmitSupplement);
    supplement.draft = None;
    let back = step(&supplement, "T18", &back, Actor::Operator);
    assert_eq!(back.awaited, Some(vec![voice(31), voice(32), voice(33)]));
}

#[test]
fn what_is_done_about_time_leaves_whose_task_it_is() {
    let before = Application { awaited: Some(vec![voice(31)]), ..application(Stage::ExpertReview) };
    let (policy, desk) = (policy(), desk());
    let act = act(person(Actor::Administrator, 21), Command::Remind);
    let row = TABLE.iter().find(|row| row.on == Command::Remind && row.by == Actor::Administrator);
    let moment = Moment::at(NOW);
    let situation = Situation { application: &before, act: &act, policy: &policy, desk: Some(&desk), moment };
    let after = advance(&situation, row.expect("in the table"), Actor::Administrator);
    assert_eq!(after.awaited, before.awaited);
}

#[test]
fn a_member_that_nobody_on_the_panel_can_judge_is_seen_by_all_of_it() {
    let (member, policy) = (application(Stage::ExpertReview), policy());
    let mut conflicted = desk();
    for panelist in &mut conflicted.panel {
        panelist.conflicts = vec![member.id];
    }
    assert_eq!(awaited(&member, &policy, Some(&conflicted)), None);
}

#[test]
fn a_member_outside_the_sample_stays_in_sight_of_every_department() {
    let outside = Application { in_sample: false, ..application(Stage::ProvincialReview) };
    assert_eq!(awaited(&outside, &policy(), Some(&desk())), None);
}

#[test]
fn a_person_is_told_why_nothing_is_to_be_done() {
    let (member, policy) = (application(Stage::ExpertReview), policy());
    let expert = person(Actor::Expert, 32);
    assert_eq!(own(&expert, &member, &policy, &desk()), None);
    assert_eq!(own(&expert, &member, &policy, &spoken(&[32], Verdict::Pass)), Some(Own::ExpertSpoke));
    let mut conflicted = desk();
    conflicted.panel[1].conflicts = vec![member.id];
    assert_eq!(own(&expert, &member, &policy, &conflicted), Some(Own::Conflicted));
    let signed = Desk { opinions: vec![opinion(41, "fgw", Verdict::Pass)], ..desk() };
    let (drawn, department) = (application(Stage::ProvincialReview), person(Actor::Province, 41));
    assert_eq!(own(&department, &drawn, &policy, &signed), Some(Own::DepartmentSigned));
    let outside = Application { in_sample: false, ..drawn };
    assert_eq!(own(&department, &outside, &policy, &signed), Some(Own::OutsideSample));
}
