//! One test for each rule: what it lets through, and the refusal that it gives.

use time::macros::{date, datetime};

use super::*;
use crate::domain::{
    act::{Command, PaperCheck},
    application::Kind,
    fixtures::{act, alone, application, decider, desk, draft, opinion, person, policy},
    form::{Field, FieldProblem, Form, Problem, may_edit},
    stage::Party,
    station::{Connector, Station},
};

fn submit() -> Act {
    let mut act = act(person(Actor::Operator, 1), Command::SubmitMaterials);
    act.draft = Some(draft(2, Kind::Materials));
    act
}

fn paper() -> PaperCheck {
    PaperCheck {
        complete: true,
        ticked: CATEGORIES.iter().map(|id| (*id).to_owned()).collect(),
        missing: vec![],
        checked_on: Some(date!(2026 - 05 - 06)),
        checker: "李明".into(),
    }
}

/// Runs one rule on a command at a node.
fn rule(rule: for<'a> fn(&Situation<'a>) -> Ruling, stage: Stage, act: &Act) -> Ruling {
    rule(&alone(&application(stage), act, &policy()))
}

#[test]
fn account_active_asks_accounts() {
    let mut act = submit();
    assert_eq!(rule(account_active, Stage::Draft, &act), Ok(()));
    act.account_active = Some(false);
    assert_eq!(rule(account_active, Stage::Draft, &act), Err(Refusal::AccountNotActive));
    act.account_active = None;
    assert_eq!(rule(account_active, Stage::Draft, &act), Err(Refusal::EvidenceMissing));
}

#[test]
fn round_open_counts_days_in_shanghai() {
    let act = submit();
    let application = application(Stage::Draft);
    let policy = Policy { opens_on: date!(2026 - 05 - 07), ..policy() };
    let mut situation = alone(&application, &act, &policy);
    assert_eq!(round_open(&situation), Err(Refusal::RoundClosed));
    situation.moment = Moment::at(datetime!(2026-05-06 16:00 UTC));
    assert_eq!(round_open(&situation), Ok(()));
    let closed =
        Policy { opens_on: date!(2026 - 01 - 01), closes_on: Some(date!(2026 - 05 - 06)), ..policy.clone() };
    situation.policy = &closed;
    assert_eq!(round_open(&situation), Err(Refusal::RoundClosed));
}

#[test]
fn form_valid_lists_every_problem() {
    let mut act = submit();
    assert_eq!(rule(form_valid, Stage::Draft, &act), Ok(()));
    let problem = FieldProblem { field: Field::Manager, problem: Problem::Missing };
    if let Some(draft) = act.draft.as_mut() {
        draft.problems = vec![problem.clone()];
    }
    assert_eq!(rule(form_valid, Stage::Draft, &act), Err(Refusal::FormInvalid(vec![problem])));
}

#[test]
fn items_answered_names_those_left() {
    let mut act = submit();
    if let Some(draft) = act.draft.as_mut() {
        draft.unanswered = vec!["manager".into()];
    }
    assert_eq!(
        rule(items_answered, Stage::CityReturned, &act),
        Err(Refusal::Unanswered(vec!["manager".into()]))
    );
}

#[test]
fn a_gate_is_off_warns_or_blocks() {
    let mut act = submit();
    if let Some(gate) = act.draft.as_mut().and_then(|draft| draft.gate.as_mut()) {
        (gate.linked, gate.all_reported) = (false, false);
    }
    let application = application(Stage::Draft);
    for (setting, a, b) in [
        (Gate::Block, Err(Refusal::GateA), Err(Refusal::GateB)),
        (Gate::Warn, Ok(()), Ok(())),
        (Gate::Off, Ok(()), Ok(())),
    ] {
        let policy = Policy { gate_a: setting, gate_b: setting, ..policy() };
        assert_eq!(gate_a(&alone(&application, &act, &policy)), a);
        assert_eq!(gate_b(&alone(&application, &act, &policy)), b);
    }
    if let Some(draft) = act.draft.as_mut() {
        draft.gate = None;
    }
    assert_eq!(rule(gate_a, Stage::Draft, &act), Err(Refusal::EvidenceMissing));
}

#[test]
fn dossier_sealed_for_exactly_this_submission() {
    let mut act = submit();
    assert_eq!(rule(dossier_sealed, Stage::MaterialsDue, &act), Ok(()));
    act.draft = Some(draft(3, Kind::Materials));
    assert_eq!(rule(dossier_sealed, Stage::MaterialsDue, &act), Err(Refusal::EvidenceMissing));
    let mut unsealed = draft(2, Kind::Materials);
    unsealed.sealed = false;
    act.draft = Some(unsealed);
    assert_eq!(rule(dossier_sealed, Stage::MaterialsDue, &act), Err(Refusal::EvidenceMissing));
}

#[test]
fn four_eyes_across_tiers_but_not_within_one() {
    let act = act(person(Actor::City, 2), Command::Pass);
    let mut application = application(Stage::CityReview);
    application.deciders = vec![decider(2, Party::City), decider(3, Party::County)];
    assert_eq!(four_eyes(&alone(&application, &act, &policy())), Ok(()));
    application.deciders = vec![decider(2, Party::Experts)];
    let refusal = Refusal::DecidedBefore { tier: Party::Experts };
    assert_eq!(four_eyes(&alone(&application, &act, &policy())), Err(refusal));
}

#[test]
fn an_opinion_or_reason_of_blanks_is_none_and_a_book_is_too_much() {
    let mut act = act(person(Actor::County, 2), Command::Return);
    act.opinion = "  \n".into();
    assert_eq!(rule(opinion_given, Stage::CountyReview, &act), Err(Refusal::OpinionMissing));
    assert_eq!(rule(reason_given, Stage::PaperCheck, &act), Err(Refusal::ReasonMissing));
    assert_eq!(rule(opinion_readable, Stage::CountyReview, &act), Ok(()));
    act.opinion = "字".repeat(OPINION_CHARACTERS_MAX + 1);
    assert_eq!(rule(opinion_given, Stage::CountyReview, &act), Err(Refusal::OpinionTooLong));
    assert_eq!(rule(reason_given, Stage::PaperCheck, &act), Err(Refusal::OpinionTooLong));
    act.opinion = "一\u{0}".into();
    assert_eq!(rule(opinion_given, Stage::CountyReview, &act), Err(Refusal::OpinionUnreadable));
    act.opinion = "一\n二".into();
    assert_eq!(rule(opinion_given, Stage::CountyReview, &act), Ok(()));
}

#[test]
fn a_return_names_items_of_its_tier() {
    let mut act = act(person(Actor::County, 2), Command::Return);
    act.items = vec![];
    assert_eq!(rule(has_items, Stage::CountyReview, &act), Err(Refusal::ItemsMissing));
    act.items = vec!["M3a".into()];
    assert_eq!(rule(has_items, Stage::CountyReview, &act), Err(Refusal::UnknownItem("M3a".into())));
    assert_eq!(rule(has_items, Stage::CityReview, &act), Ok(()));
    act.items = vec!["M3".into()];
    assert_eq!(rule(has_items, Stage::CityReview, &act), Err(Refusal::UnknownItem("M3".into())));
}

#[test]
fn the_paper_check_ticks_nine_categories_with_date_and_checker() {
    let mut act = act(person(Actor::County, 2), Command::RecordPaperCheck);
    act.paper = Some(paper());
    assert_eq!(rule(papers_complete, Stage::PaperCheck, &act), Ok(()));
    act.paper = Some(PaperCheck { ticked: vec!["M1".into()], ..paper() });
    let refusal = rule(papers_complete, Stage::PaperCheck, &act);
    assert!(matches!(refusal, Err(Refusal::PapersUnticked(missing)) if missing.len() == 8));
    act.paper = Some(PaperCheck { checked_on: Some(date!(2026 - 05 - 07)), ..paper() });
    assert_eq!(rule(papers_complete, Stage::PaperCheck, &act), Err(Refusal::PaperDate));
    act.paper = Some(PaperCheck { checker: String::new(), ..paper() });
    assert_eq!(rule(papers_complete, Stage::PaperCheck, &act), Err(Refusal::CheckerMissing));
    act.paper = Some(PaperCheck { missing: vec!["M2".into()], ..paper() });
    assert_eq!(rule(papers_complete, Stage::PaperCheck, &act), Err(Refusal::PapersContradict));
    let mut ticked = paper().ticked;
    ticked.push("M10".into());
    act.paper = Some(PaperCheck { ticked, ..paper() });
    assert_eq!(rule(papers_complete, Stage::PaperCheck, &act), Err(Refusal::UnknownPaper("M10".into())));
}

#[test]
fn missing_papers_are_listed() {
    let mut act = act(person(Actor::County, 2), Command::RecordPaperCheck);
    act.paper = Some(PaperCheck { complete: false, ..paper() });
    assert_eq!(rule(papers_missing, Stage::PaperCheck, &act), Err(Refusal::MissingPapersUnlisted));
    act.paper = Some(PaperCheck { complete: false, missing: vec!["M10".into()], ..paper() });
    assert_eq!(rule(papers_missing, Stage::PaperCheck, &act), Err(Refusal::MissingPapersUnlisted));
    act.paper = Some(PaperCheck { complete: false, missing: vec!["M2".into()], ..paper() });
    assert_eq!(rule(papers_missing, Stage::PaperCheck, &act), Ok(()));
}

#[test]
fn an_expert_is_assigned_and_has_declared() {
    let application = application(Stage::ExpertReview);
    let act31 = act(person(Actor::Expert, 31), Command::RecordOpinion);
    let stranger = act(person(Actor::Expert, 39), Command::RecordOpinion);
    let (policy, mut desk) = (policy(), desk());
    let try_it = |rule: for<'a> fn(&Situation<'a>) -> Ruling, desk: &Desk, act: &Act| {
        rule(&Situation { desk: Some(desk), ..alone(&application, act, &policy) })
    };
    assert_eq!(try_it(assigned, &desk, &stranger), Err(Refusal::NotAssigned));
    assert_eq!(try_it(declared_clear, &desk, &act31), Ok(()));
    desk.panel[0].declared = false;
    assert_eq!(try_it(declared_clear, &desk, &act31), Err(Refusal::NotDeclared));
    desk.panel[0].declared = true;
    desk.panel[0].conflicts = vec![application.id];
    assert_eq!(try_it(declared_clear, &desk, &act31), Err(Refusal::Conflicted));
}

#[test]
fn the_panel_decides_by_the_rounds_rule() {
    let application = application(Stage::ExpertReview);
    let second = act(person(Actor::Expert, 32), Command::Pass);
    let mut desk = desk();
    let lead = policy();
    let passes = |policy: &Policy, desk: &Desk| {
        panel_passes(&Situation { desk: Some(desk), ..alone(&application, &second, policy) })
    };
    let returns = |policy: &Policy, desk: &Desk| {
        panel_returns(&Situation { desk: Some(desk), ..alone(&application, &second, policy) })
    };
    assert_eq!(passes(&lead, &desk), Err(Refusal::LeadDecides));
    let two = Policy { expert_rule: ExpertRule::NOfM { needed: 2 }, ..policy() };
    assert_eq!(passes(&two, &desk), Err(Refusal::QuorumUnmet { have: 1, needed: 2 }));
    desk.opinions = vec![opinion(31, "", Verdict::Pass)];
    assert_eq!(passes(&two, &desk), Ok(()));
    assert_eq!(returns(&two, &desk), Err(Refusal::QuorumUnmet { have: 1, needed: 2 }));
    let all = Policy { expert_rule: ExpertRule::All, ..policy() };
    assert_eq!(passes(&all, &desk), Err(Refusal::QuorumUnmet { have: 2, needed: 3 }));
    assert_eq!(returns(&all, &desk), Ok(()));
}

#[test]
fn an_opinion_has_a_verdict() {
    let mut act = act(person(Actor::Expert, 31), Command::RecordOpinion);
    assert_eq!(rule(verdict_given, Stage::ExpertReview, &act), Ok(()));
    act.verdict = None;
    assert_eq!(rule(verdict_given, Stage::ExpertReview, &act), Err(Refusal::VerdictMissing));
}

#[test]
fn departments_see_the_sample_and_sign_once() {
    let mut application = application(Stage::ProvincialReview);
    let pass = act(person(Actor::Province, 41), Command::Pass);
    let (policy, mut desk) = (policy(), desk());
    assert_eq!(in_sample(&alone(&application, &pass, &policy)), Ok(()));
    assert_eq!(
        outside_sample(&alone(&application, &pass, &policy)),
        Err(Refusal::MembersUnready { count: 1 })
    );
    application.in_sample = false;
    assert_eq!(in_sample(&alone(&application, &pass, &policy)), Err(Refusal::NotInSample));
    assert_eq!(outside_sample(&alone(&application, &pass, &policy)), Ok(()));
    assert_eq!(department_required(&alone(&application, &pass, &policy)), Ok(()));
    let mut stranger = pass.clone();
    stranger.person.department = "gxt".into();
    let refusal = department_required(&alone(&application, &stranger, &policy));
    assert_eq!(refusal, Err(Refusal::DepartmentNotRequired));
    desk.opinions = vec![opinion(42, "fgw", Verdict::Pass)];
    let situation = Situation { desk: Some(&desk), ..alone(&application, &pass, &policy) };
    assert_eq!(not_signed(&situation), Err(Refusal::DepartmentSigned));
}

#[test]
fn nobody_is_carried_over_before_the_freeze_is_due() {
    let application = application(Stage::ExpertReview);
    let carry = act(person(Actor::Administrator, 5), Command::CarryOver);
    let (policy, mut desk) = (policy(), desk());
    let situation = Situation { desk: Some(&desk), ..alone(&application, &carry, &policy) };
    assert_eq!(freeze_due(&situation), Ok(()));
    desk.order.freeze_due_at = datetime!(2026-05-07 00:00 UTC);
    let situation = Situation { desk: Some(&desk), ..alone(&application, &carry, &policy) };
    let due = datetime!(2026-05-07 00:00 UTC);
    assert_eq!(freeze_due(&situation), Err(Refusal::BeforeFreezeDue { due }));
}

#[test]
fn what_was_submitted_once_is_not_deleted() {
    let act = act(person(Actor::Operator, 1), Command::Delete);
    assert_eq!(rule(never_submitted, Stage::Draft, &act), Ok(()));
    let mut application = application(Stage::CountyReturned);
    application.stage = Stage::Draft;
    assert_eq!(never_submitted(&alone(&application, &act, &policy())), Err(Refusal::SubmittedOnce));
}

#[test]
fn after_a_return_only_what_was_named_is_open() {
    let mut application = application(Stage::CountyReturned);
    assert_eq!(may_edit(&application, &[Field::Manager]), Ok(()));
    let closed = may_edit(&application, &[Field::Address]);
    assert_eq!(closed, Err(Refusal::FieldClosed { field: Field::Address }));
    application.returned.open_all = true;
    assert_eq!(may_edit(&application, &[Field::Address]), Ok(()));
    application.stage = Stage::CountyReview;
    let shut = may_edit(&application, &[Field::Address]);
    assert_eq!(shut, Err(Refusal::NotEditable { stage: Stage::CountyReview }));
}

#[test]
fn what_a_return_named_is_open_again_after_a_withdrawal_and_the_rest_stays_shut() {
    let mut application = application(Stage::MaterialsDue);
    assert_eq!(may_edit(&application, &[Field::Manager]), Ok(()));
    assert!(may_edit(&application, &[Field::Address]).is_err());
    application.returned = crate::domain::application::Returned::default();
    let shut = may_edit(&application, &[Field::Manager]);
    assert_eq!(shut, Err(Refusal::NotEditable { stage: Stage::MaterialsDue }));
}

fn station() -> Station {
    let connector = Connector { id: "C1".into(), equipment_id: "E".into(), kind: 4, power_watts: 120_000 };
    Station {
        id: uuid::Uuid::nil(),
        code: "S1".into(),
        name: "站".into(),
        address: "路 1 号".into(),
        county: "410122".into(),
        prefecture: "410100".into(),
        coordinates: None,
        seat: Some((113_992_800, 34_722_100)),
        total_power_watts: 120_000,
        start_date: None,
        finish_date: None,
        manager: String::new(),
        manager_phone: String::new(),
        connectors: vec![connector],
        registry_version: 1,
    }
}

#[test]
fn a_form_is_checked_field_by_field() {
    let station = station();
    let good = Form {
        station_name: "站".into(),
        address: "路 1 号".into(),
        coordinates: Some((113_625_300, 34_746_600)),
        connectors: station.connector_ids(),
        start_date: Some(date!(2026 - 01 - 01)),
        finish_date: Some(date!(2026 - 02 - 01)),
        manager: "王".into(),
        manager_phone: "13800000000".into(),
    };
    let today = date!(2026 - 05 - 06);
    assert_eq!(good.problems(&station, today), vec![]);
    let all = Form::default().problems(&station, today);
    assert_eq!(all.len(), Field::ALL.len());
    let one = |form: Form| form.problems(&station, today).into_iter().next().map(|found| found.problem);
    let swapped = Form { coordinates: Some((34_746_600, 113_625_300)), ..good.clone() };
    assert_eq!(one(swapped), Some(Problem::Elsewhere));
    // 中牟 lies 34 km from the middle of 郑州, and 125 km from a place one degree further west.
    let mistyped = Form { coordinates: Some((112_625_300, 34_746_600)), ..good.clone() };
    assert_eq!(one(mistyped.clone()), Some(Problem::FarFromCounty("410122".into())));
    let unknown = Station { seat: None, ..station.clone() };
    assert_eq!(mistyped.problems(&unknown, today), vec![], "where nobody knows the seat, nothing is said");
    let order = Form { finish_date: Some(date!(2025 - 12 - 31)), ..good.clone() };
    assert_eq!(one(order), Some(Problem::OutOfOrder));
    let future = Form { finish_date: Some(date!(2026 - 05 - 07)), ..good.clone() };
    assert_eq!(one(future), Some(Problem::InFuture));
    assert_eq!(one(Form { manager_phone: "138".into(), ..good.clone() }), Some(Problem::PhoneLength(3)));
    let strange = Form { connectors: ["C2".to_owned()].into(), ..good };
    assert_eq!(one(strange), Some(Problem::UnknownConnector("C2".into())));
}
