//! Tests of the judge: visibility, version, row, judged submission, and what the loser of a race is told.

use super::*;
use crate::domain::{
    act::{Judged, PaperCheck, Target, Verdict},
    application::{Kind, LastStep},
    clock::{Alert, Clock},
    fixtures::{NOW, act, alone, application, desk, draft, opinion, person, policy, ruling},
    order::Desk,
    table::Case,
};

fn stepped(stage: Stage, transition: &str, role: Actor) -> Application {
    let mut application = application(stage);
    application.version = 6;
    application.stage_version = 6;
    application.last = Some(LastStep {
        version: 6,
        transition: transition.into(),
        actor_id: uuid::Uuid::from_u128(2),
        role,
        office: "office".into(),
        at: NOW,
    });
    application
}

/// A clock to which this happens now.
fn clock(case: Case, usual: Option<Clock>) -> Option<Clock> {
    let days = time::Duration::days;
    match case {
        Case::Near => Some(Clock { deadline_at: NOW + days(1), struck: None }),
        Case::Escalation => Some(Clock { deadline_at: NOW - days(10), struck: Some(Alert::Overdue) }),
        Case::Always
        | Case::Complete
        | Case::Missing
        | Case::OrderOpen
        | Case::OrderFrozen
        | Case::OthersPending
        | Case::LastDepartment
        | Case::ToOperator
        | Case::ToExperts
        | Case::ToCity
        | Case::Overdue => usual,
    }
}

#[test]
fn each_row_can_be_followed_by_its_actor() {
    for row in TABLE.iter().filter(|row| !row.from.is_empty() && row.on != Command::ConcludeOrder) {
        for from in row.from {
            let mut application = application(*from);
            application.in_sample = *from == Stage::ProvincialReview && row.on != Command::WidenSample;
            let mut act = act(person(row.by, 31), row.on);
            let kind = if *from == Stage::SupplementDue { Kind::Supplement } else { Kind::Materials };
            act.draft = Some(draft(application.next_submission(), kind));
            act.paper = Some(PaperCheck {
                complete: row.case == Case::Complete,
                ticked: crate::domain::policy::CATEGORIES.iter().map(|id| (*id).to_owned()).collect(),
                missing: if row.case == Case::Missing { vec!["M2".into()] } else { vec![] },
                checked_on: Some(time::macros::date!(2026 - 05 - 06)),
                checker: "李".into(),
            });
            let mut desk = desk();
            if row.case == Case::OrderFrozen {
                desk.order.frozen_at = Some(NOW);
            }
            if row.case == Case::LastDepartment {
                desk.opinions = vec![opinion(42, "czt", Verdict::Pass)];
            }
            let targets = [
                (Case::ToOperator, Target::Operator),
                (Case::ToExperts, Target::Experts),
                (Case::ToCity, Target::City),
            ];
            act.target = targets.into_iter().find(|(case, _)| *case == row.case).map(|(_, target)| target);
            application.clock = clock(row.case, application.clock);
            let found = ruling(&application, &act, &desk);
            assert!(
                found.is_ok_and(|found| std::ptr::eq(found, row)),
                "{} at {from:?}: {:?}",
                row.id,
                act.command
            );
        }
    }
}

#[test]
fn a_foreign_application_looks_like_none() {
    let application = application(Stage::CountyReview);
    let mut stranger = person(Actor::County, 2);
    stranger.scope = vec!["410105".into()];
    assert_eq!(ruling(&application, &act(stranger, Command::Pass), &desk()).err(), Some(Refusal::OutOfScope));
    let mut other = person(Actor::Operator, 3);
    other.operator_id = None;
    assert_eq!(
        ruling(&application, &act(other, Command::Withdraw), &desk()).err(),
        Some(Refusal::OutOfScope)
    );
}

#[test]
fn an_unsubmitted_draft_is_the_operators_alone() {
    let application = application(Stage::Draft);
    let act = act(person(Actor::County, 2), Command::Pass);
    assert_eq!(ruling(&application, &act, &desk()).err(), Some(Refusal::OutOfScope));
}

#[test]
fn at_the_wrong_node_nobody_acts_and_at_the_right_one_only_the_party() {
    let passed = application(Stage::PaperCheck);
    let refusal = ruling(&passed, &act(person(Actor::County, 2), Command::Pass), &desk()).err();
    assert_eq!(refusal, Some(Refusal::WrongStage { stage: Stage::PaperCheck, command: Command::Pass }));
    let waiting = application(Stage::CountyReview);
    let refusal = ruling(&waiting, &act(person(Actor::City, 2), Command::Pass), &desk()).err();
    assert_eq!(
        refusal,
        Some(Refusal::NotYourTurn {
            stage: Stage::CountyReview,
            command: Command::Pass,
            actor: Actor::County
        })
    );
}

#[test]
fn a_stale_version_is_refused_with_who_acted_and_when() {
    let application = stepped(Stage::PaperCheck, "T04", Actor::County);
    let refusal = ruling(&application, &act(person(Actor::County, 2), Command::Return), &desk()).err();
    let Some(Refusal::Stale(overtaken)) = refusal else { panic!("{refusal:?}") };
    assert_eq!((overtaken.version, overtaken.stage, overtaken.at), (6, Stage::PaperCheck, NOW));
    assert_eq!((overtaken.role, overtaken.office.as_str()), (Actor::County, "office"));
}

#[test]
fn the_loser_of_withdraw_against_decide_is_told_why() {
    let decided = stepped(Stage::AwaitingJointReview, "T11", Actor::City);
    let late = ruling(&decided, &act(person(Actor::Operator, 1), Command::Withdraw), &desk()).err();
    assert!(matches!(late, Some(Refusal::AlreadyDecided(_))), "{late:?}");
    let withdrawn = stepped(Stage::MaterialsDue, "T10", Actor::Operator);
    let late = ruling(&withdrawn, &act(person(Actor::City, 2), Command::Pass), &desk()).err();
    assert!(matches!(late, Some(Refusal::AlreadyWithdrawn(_))), "{late:?}");
}

#[test]
fn a_version_from_the_future_is_stale_too() {
    let application = application(Stage::CountyReview);
    let mut act = act(person(Actor::County, 2), Command::Pass);
    act.seen = Some(6);
    assert!(matches!(ruling(&application, &act, &desk()).err(), Some(Refusal::Stale(_))));
}

#[test]
fn opinions_of_colleagues_do_not_make_a_page_stale_but_a_new_visit_does() {
    let mut application = application(Stage::ExpertReview);
    application.version = 8;
    application.last =
        stepped(Stage::ExpertReview, "T15", Actor::Expert).last.map(|last| LastStep { version: 8, ..last });
    let act = act(person(Actor::Expert, 31), Command::RecordOpinion);
    assert!(ruling(&application, &act, &desk()).is_ok());
    application.stage_version = 7;
    assert!(matches!(ruling(&application, &act, &desk()).err(), Some(Refusal::Stale(_))));
}

#[test]
fn a_decision_names_the_submission_that_stands() {
    let application = application(Stage::CountyReview);
    let mut act = act(person(Actor::County, 2), Command::Pass);
    act.judged = None;
    assert_eq!(ruling(&application, &act, &desk()).err(), Some(Refusal::SubmissionNotNamed));
    act.judged = Some(Judged { version: 1, hash: "other".into() });
    let refusal = ruling(&application, &act, &desk()).err();
    assert_eq!(refusal, Some(Refusal::OtherSubmission { version: 1, hash: "aa".into() }));
}

#[test]
fn jiyuan_is_county_and_city_in_one_but_persons_differ() {
    let mut application = application(Stage::CityReview);
    (application.county, application.prefecture) = ("419001".into(), "419001".into());
    application.deciders = vec![crate::domain::fixtures::decider(2, Party::County)];
    let mut same = person(Actor::City, 2);
    same.scope = vec!["419001".into()];
    let refusal = ruling(&application, &act(same, Command::Pass), &desk()).err();
    assert_eq!(refusal, Some(Refusal::DecidedBefore { tier: Party::County }));
    let mut other = person(Actor::City, 3);
    other.scope = vec!["419001".into()];
    assert!(ruling(&application, &act(other, Command::Pass), &desk()).is_ok());
}

#[test]
fn a_provincial_return_without_a_target_goes_nowhere() {
    let application = application(Stage::ProvincialReview);
    let refusal = ruling(&application, &act(person(Actor::Province, 4), Command::Return), &desk()).err();
    assert_eq!(refusal, Some(Refusal::DirectionMissing));
}

#[test]
fn what_is_allowed_does_not_depend_on_what_is_typed() {
    let application = application(Stage::CountyReview);
    let policy = policy();
    let bare = Act::new(person(Actor::County, 2), Command::Return);
    assert!(allowed(&alone(&application, &bare, &policy)).is_ok());
    assert!(decide(&alone(&application, &bare, &policy)).is_err());
}

#[test]
fn a_standing_rule_shows_before_anything_is_typed() {
    let application = application(Stage::ExpertReview);
    let policy = policy();
    let desk = desk();
    let bare = Act::new(person(Actor::Expert, 32), Command::Pass);
    let situation = Situation { desk: Some(&desk), ..alone(&application, &bare, &policy) };
    assert_eq!(allowed(&situation).err(), Some(Refusal::LeadDecides));
}

#[test]
fn the_last_department_is_told_the_row_that_its_pass_would_follow() {
    let application = application(Stage::ProvincialReview);
    let policy = policy();
    let mut desk = desk();
    let bare = Act::new(person(Actor::Province, 41), Command::Pass);
    let found = |desk: &Desk| {
        let situation = Situation { desk: Some(desk), ..alone(&application, &bare, &policy) };
        allowed(&situation).map(|row| row.id)
    };
    assert_eq!(found(&desk), Ok("T21"));
    desk.opinions = vec![opinion(42, "czt", Verdict::Pass)];
    assert_eq!(found(&desk), Ok("T22"));
}

#[test]
fn a_second_role_does_not_widen_a_county_or_a_city_to_the_province() {
    for (actor, stage) in [(Actor::County, Stage::CountyReview), (Actor::City, Stage::CityReview)] {
        let application = application(stage);
        let mut stranger = person(actor, 2);
        stranger.roles.push(Actor::Province);
        stranger.scope = vec!["410999".into(), "410000".into()];
        let refusal = ruling(&application, &act(stranger, Command::Pass), &desk()).err();
        assert_eq!(refusal, Some(Refusal::NotYourTurn { stage, command: Command::Pass, actor }));
    }
}

#[test]
fn a_department_without_its_desk_signs_nothing() {
    let application = application(Stage::ProvincialReview);
    let (pass, policy) = (act(person(Actor::Province, 41), Command::Pass), policy());
    assert_eq!(decide(&alone(&application, &pass, &policy)).err(), Some(Refusal::EvidenceMissing));
}

#[test]
fn the_operator_withdraws_what_he_handed_in_but_not_what_the_province_sent_to_the_city() {
    let withdraw = act(person(Actor::Operator, 1), Command::Withdraw);
    let at = |application: &Application| {
        let withdraw = Act { seen: Some(application.version), ..withdraw.clone() };
        ruling(application, &withdraw, &desk()).map(|row| row.id)
    };
    assert_eq!(at(&stepped(Stage::CityReview, "T09", Actor::Operator)), Ok("T10"));
    let sent = stepped(Stage::CityReview, "T23", Actor::Province);
    assert!(matches!(at(&sent), Err(Refusal::AlreadyDecided(_))));
    let mut taken_back = stepped(Stage::CityReview, "T13", Actor::City);
    assert_eq!(at(&taken_back), Ok("T10"));
    taken_back.forced_sample = true;
    assert!(matches!(at(&taken_back), Err(Refusal::AlreadyDecided(_))));
}

#[test]
fn what_was_read_before_a_reminder_or_a_stroke_is_not_stale() {
    let mut application = stepped(Stage::CountyReview, "T02", Actor::Operator);
    application.version = 9;
    let pass = |seen| Act { seen: Some(seen), ..act(person(Actor::County, 2), Command::Pass) };
    for seen in 6..=9 {
        assert!(ruling(&application, &pass(seen), &desk()).is_ok(), "{seen}");
    }
    for seen in [5, 10] {
        assert!(
            matches!(ruling(&application, &pass(seen), &desk()).err(), Some(Refusal::Stale(_))),
            "{seen}"
        );
    }
}

#[test]
fn nobody_is_the_timer() {
    assert_eq!(Actor::of_person("timer"), None);
    assert_eq!(Actor::of_person("county"), Some(Actor::County));
}
