//! What the steps about time leave behind, and that they leave the matter as it is.

use time::{Duration, macros::datetime};

use super::*;
use crate::domain::{
    act::Command,
    act::Moment,
    decide::decide,
    fixtures::{NOW, act, application, desk, person, policy},
};

fn stepped(before: &Application, act: &Act, now: time::OffsetDateTime) -> Application {
    let (desk, policy) = (desk(), policy());
    let moment = Moment::at(now);
    let situation = Situation { application: before, act, policy: &policy, desk: Some(&desk), moment };
    let row = decide(&situation).expect("allowed");
    advance(&situation, row, row.by)
}

fn by(actor: Actor, command: Command, before: &Application) -> Act {
    Act { seen: Some(before.version), ..act(person(actor, 31), command) }
}

#[test]
fn a_node_with_a_clock_gets_a_deadline_and_one_without_gets_none() {
    let waiting = application(Stage::CountyReview);
    let passed = stepped(&waiting, &by(Actor::County, Command::Pass, &waiting), NOW);
    let clock = passed.clock.expect("PaperCheck has a clock");
    assert_eq!((clock.deadline_at, clock.struck), (datetime!(2026-05-13 16:00 UTC), None));
    assert_eq!(passed.strikes_at, Some(datetime!(2026-05-07 16:00 UTC)));
    let returned = stepped(&waiting, &by(Actor::County, Command::Return, &waiting), NOW);
    assert_eq!((returned.clock, returned.strikes_at), (None, None));
}

#[test]
fn a_step_that_stays_keeps_the_deadline() {
    let mut waiting = application(Stage::ExpertReview);
    waiting.clock = Some(Clock { deadline_at: NOW + Duration::days(2), struck: Some(Alert::Near) });
    let opined = stepped(&waiting, &by(Actor::Expert, Command::RecordOpinion, &waiting), NOW);
    assert_eq!(opined.clock, waiting.clock);
}

#[test]
fn reminders_count_within_a_visit_and_are_no_last_step() {
    let waiting = application(Stage::CountyReview);
    let once = stepped(&waiting, &by(Actor::City, Command::Remind, &waiting), NOW);
    let twice = stepped(&once, &by(Actor::City, Command::Remind, &once), NOW + Duration::HOUR);
    let expected = Reminders { count: 2, last_at: Some(NOW + Duration::HOUR) };
    assert_eq!((twice.reminders, twice.version), (expected, waiting.version + 2));
    assert_eq!((&twice.last, twice.stage_version), (&waiting.last, waiting.stage_version));
    let passed = stepped(&twice, &by(Actor::County, Command::Pass, &twice), NOW);
    assert_eq!(passed.reminders, Reminders::default());
}

#[test]
fn the_work_is_the_assignees_until_the_node_is_left() {
    let waiting = application(Stage::CountyReview);
    let mut handing = by(Actor::County, Command::Reassign, &waiting);
    handing.assignee = Some(person(Actor::County, 3));
    let given = stepped(&waiting, &handing, NOW);
    assert_eq!(given.assignee, Some(person(Actor::County, 3).id));
    let passed = stepped(&given, &by(Actor::County, Command::Pass, &given), NOW);
    assert_eq!(passed.assignee, None);
}

#[test]
fn a_stroke_is_kept_and_an_extension_winds_the_clock_anew() {
    let waiting = application(Stage::CountyReview);
    let mut stroke = by(Actor::Timer, Command::StrikeClock, &waiting);
    stroke.seen = None;
    let red = stepped(&waiting, &stroke, NOW);
    assert_eq!(red.clock.and_then(|clock| clock.struck), Some(Alert::Overdue));
    let mut more = by(Actor::Administrator, Command::ExtendDeadline, &red);
    more.extension = 5;
    let extended = stepped(&red, &more, NOW);
    let expected = Clock { deadline_at: datetime!(2026-05-13 16:00 UTC), struck: None };
    assert_eq!(extended.clock, Some(expected));
    assert_eq!(extended.strikes_at, Some(datetime!(2026-05-07 16:00 UTC)));
}
