//! Tests of the rules of whole orders.

use uuid::Uuid;

use super::*;
use crate::domain::fixtures::{application, decider, desk, opinion, person_id, policy};

fn member(n: u128, stage: Stage, sampled: bool) -> Member {
    Member { id: ApplicationId(Uuid::from_u128(n)), stage, sampled }
}

fn frozen() -> Order {
    Order { frozen_at: Some(crate::domain::fixtures::NOW), ..desk().order }
}

#[test]
fn an_order_freezes_when_every_member_awaits_the_province_or_ended() {
    let ready = [member(1, Stage::AwaitingProvince, false), member(2, Stage::Terminated, false)];
    assert_eq!(may_freeze(&desk().order, Tally::of(&ready)), Ok(()));
    let unready = [member(1, Stage::AwaitingProvince, false), member(2, Stage::SupplementDue, false)];
    assert_eq!(may_freeze(&desk().order, Tally::of(&unready)), Err(Refusal::MembersUnready { count: 1 }));
    assert_eq!(may_freeze(&frozen(), Tally::of(&ready)), Err(Refusal::AlreadyFrozen));
}

#[test]
fn an_order_is_concluded_when_no_sampled_member_is_open() {
    let open = [member(1, Stage::ProvincialReview, true), member(2, Stage::ProvincialReview, false)];
    assert!(!concluded(&frozen(), &open, &policy()));
    let away = [member(1, Stage::SupplementDue, true), member(2, Stage::ProvincialReview, false)];
    assert!(!concluded(&frozen(), &away, &policy()));
    let done = [member(1, Stage::Approved, true), member(2, Stage::ProvincialReview, false)];
    assert!(concluded(&frozen(), &done, &policy()));
    assert!(!concluded(&desk().order, &done, &policy()));
}

#[test]
fn too_many_findings_ask_for_a_wider_sample_before_the_conclusion() {
    let done = [member(1, Stage::Approved, true), member(2, Stage::ProvincialReview, false)];
    let findings = Order { findings: 2, ..frozen() };
    assert!(!concluded(&findings, &done, &policy()));
    assert_eq!(may_widen(&findings, Tally::of(&done), &policy()), Ok(()));
    let all_drawn = [member(1, Stage::Approved, true)];
    assert!(concluded(&findings, &all_drawn, &policy()));
    assert_eq!(may_widen(&findings, Tally::of(&all_drawn), &policy()), Err(Refusal::NothingToDraw));
}

#[test]
fn one_finding_within_the_threshold_does_not_widen() {
    let members = [member(2, Stage::ProvincialReview, false)];
    let order = Order { findings: 1, ..frozen() };
    let refusal = Refusal::ThresholdNotExceeded { findings: 1, threshold: 1 };
    assert_eq!(may_widen(&order, Tally::of(&members), &policy()), Err(refusal));
    assert_eq!(may_widen(&desk().order, Tally::of(&members), &policy()), Err(Refusal::NotFrozen));
}

#[test]
fn a_lead_with_a_conflict_hands_over_for_that_member_only() {
    let mut desk = desk();
    let one = application(Stage::ExpertReview);
    let other = Application { id: ApplicationId(Uuid::from_u128(2)), ..one.clone() };
    desk.panel[0].conflicts = vec![one.id];
    assert_eq!(desk.lead(&one), Some(person_id(32)));
    assert_eq!(desk.lead(&other), Some(person_id(31)));
}

#[test]
fn a_quorum_counts_each_person_once_and_leaves_conflicts_out() {
    let member = &application(Stage::ExpertReview);
    let mut desk = desk();
    desk.opinions = vec![opinion(31, "", Verdict::Pass), opinion(32, "", Verdict::Return)];
    let two = ExpertRule::NOfM { needed: 2 };
    assert_eq!(desk.agreement(two, member, person_id(33), Verdict::Pass), (2, 2));
    assert_eq!(desk.agreement(two, member, person_id(31), Verdict::Pass), (1, 2));
    assert_eq!(desk.agreement(two, member, person_id(33), Verdict::Return), (2, 2));
    assert_eq!(desk.agreement(ExpertRule::All, member, person_id(33), Verdict::Return), (2, 1));
    desk.panel[0].conflicted = true;
    assert_eq!(desk.agreement(ExpertRule::All, member, person_id(33), Verdict::Pass), (1, 2));
}

#[test]
fn the_last_department_is_the_one_after_which_all_have_signed() {
    let mut desk = desk();
    assert!(!desk.last_department(&policy(), "fgw"));
    desk.opinions = vec![opinion(41, "czt", Verdict::Pass)];
    assert!(desk.last_department(&policy(), "fgw"));
    desk.opinions[0].signed = false;
    assert!(!desk.last_department(&policy(), "fgw"), "an opinion is no signature");
}

#[test]
fn whom_four_eyes_bars_is_not_waited_for() {
    let mut member = application(Stage::ExpertReview);
    let mut desk = desk();
    member.deciders = vec![decider(31, Party::City), decider(33, Party::Experts)];
    assert_eq!(desk.lead(&member), Some(person_id(32)));
    desk.opinions = vec![opinion(31, "", Verdict::Pass), opinion(33, "", Verdict::Pass)];
    assert_eq!(desk.agreement(ExpertRule::All, &member, person_id(32), Verdict::Pass), (2, 2));
}
