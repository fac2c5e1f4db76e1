//! Deadlines of single nodes, and that a clock strikes each thing once, in order, and anew after an extension.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;

fn limits(days: u32, near: u32, escalate: u32) -> Limits {
    Limits {
        nodes: [(Stage::CityReview, days)].into(),
        near_working_days: near,
        escalate_after_working_days: escalate,
    }
}

fn started(limits: &Limits, now: OffsetDateTime) -> Clock {
    Clock::start(Stage::CityReview, now, limits, &Calendar::default()).expect("a clock runs")
}

/// Strikes until nothing is due any more.
fn struck(clock: &mut Clock, now: OffsetDateTime, limits: &Limits) -> Vec<Alert> {
    let mut all = Vec::new();
    while let Some(alert) = clock.due(now, limits, &Calendar::default()) {
        clock.struck = Some(alert);
        all.push(alert);
    }
    all
}

/// Wednesday noon in Shanghai.
const NOON: OffsetDateTime = datetime!(2026-05-06 04:00 UTC);

#[test]
fn a_limit_is_counted_from_the_next_working_day_to_the_end_of_the_last() {
    assert_eq!(started(&limits(5, 3, 2), NOON).deadline_at, datetime!(2026-05-13 16:00 UTC));
    // A quarter past midnight in Shanghai is still the evening before in UTC.
    let early = started(&limits(1, 0, 0), datetime!(2026-05-06 16:15 UTC));
    assert_eq!(early.deadline_at, datetime!(2026-05-08 16:00 UTC));
}

#[test]
fn no_clock_runs_where_the_operator_or_nobody_is_waited_for() {
    for stage in Stage::ALL {
        let clock = Clock::start(stage, NOON, &Limits::default(), &Calendar::default());
        assert_eq!(clock.is_some(), stage.clock_runs(), "{stage:?}");
    }
}

#[test]
fn it_turns_yellow_then_red_then_goes_up_each_once() {
    let limits = limits(5, 3, 2);
    let mut clock = started(&limits, NOON);
    assert_eq!(struck(&mut clock, datetime!(2026-05-07 15:59 UTC), &limits), []);
    // Last day Wednesday 13: three working days before it is Friday 8.
    assert_eq!(struck(&mut clock, datetime!(2026-05-07 16:00 UTC), &limits), [Alert::Near]);
    assert_eq!(struck(&mut clock, datetime!(2026-05-13 15:59 UTC), &limits), []);
    assert_eq!(struck(&mut clock, datetime!(2026-05-13 16:00 UTC), &limits), [Alert::Overdue]);
    assert_eq!(struck(&mut clock, datetime!(2026-05-15 15:59 UTC), &limits), []);
    assert_eq!(struck(&mut clock, datetime!(2026-05-15 16:00 UTC), &limits), [Alert::Escalated]);
    assert_eq!(clock.strikes_at(&limits, &Calendar::default()), None);
}

#[test]
fn a_warning_that_was_missed_is_not_made_up_for() {
    let limits = limits(5, 3, 2);
    let mut clock = started(&limits, NOON);
    let late = datetime!(2026-06-30 00:00 UTC);
    assert_eq!(struck(&mut clock, late, &limits), [Alert::Overdue, Alert::Escalated]);
}

#[test]
fn a_limit_of_zero_is_due_at_once() {
    let limits = limits(0, 0, 0);
    let mut clock = started(&limits, NOON);
    assert_eq!(struck(&mut clock, NOON, &limits), [Alert::Overdue, Alert::Escalated]);
    assert_eq!(clock.days_over(NOON), 1);
}

#[test]
fn an_extension_counts_from_the_last_day_or_from_today_and_clears_the_light() {
    let limits = limits(5, 3, 2);
    let mut clock = started(&limits, NOON);
    struck(&mut clock, datetime!(2026-05-11 00:00 UTC), &limits);
    let early = clock.extended(datetime!(2026-05-11 00:00 UTC), 2, &Calendar::default());
    assert_eq!(early, Clock { deadline_at: datetime!(2026-05-15 16:00 UTC), struck: None });
    let late = clock.extended(datetime!(2026-05-18 00:00 UTC), 2, &Calendar::default());
    assert_eq!(late.deadline_at, datetime!(2026-05-20 16:00 UTC));
}

#[test]
fn days_over_are_counted_as_people_do() {
    let clock = Clock { deadline_at: datetime!(2026-05-13 16:00 UTC), struck: None };
    assert_eq!(clock.days_over(datetime!(2026-05-13 15:59 UTC)), 0);
    assert_eq!(clock.days_over(datetime!(2026-05-13 16:00 UTC)), 1);
    assert_eq!(clock.days_over(datetime!(2026-05-16 15:59 UTC)), 3);
}

#[test]
fn limits_stand_only_at_nodes_with_a_clock_and_are_bounded() {
    assert!(limits(5, 3, 2).sound());
    assert!(!limits(WORKING_DAYS_MAX + 1, 3, 2).sound());
    assert!(!Limits { nodes: [(Stage::Draft, 1)].into(), ..Limits::default() }.sound());
}

proptest! {
    /// Whatever the policy and however the timer comes by: each alert at most once, in order, never early.
    #[test]
    fn a_clock_strikes_each_alert_at_most_once_and_in_order(
        days in 0..30_u32, near in 0..10_u32, escalate in 0..10_u32,
        visits in prop::collection::vec(0..5_000_i64, 1..20),
    ) {
        let limits = limits(days, near, escalate);
        let mut clock = started(&limits, NOON);
        let deadline_at = clock.deadline_at;
        let mut visits = visits;
        visits.sort_unstable();
        let mut all = Vec::new();
        for minutes in visits.iter().map(|hours| hours * 60) {
            let now = NOON + Duration::minutes(minutes);
            let at = clock.strikes_at(&limits, &Calendar::default());
            let found = struck(&mut clock, now, &limits);
            // The index of the timer tells the truth: something is due exactly from that instant on.
            prop_assert_eq!(at.is_some_and(|at| now >= at), !found.is_empty());
            prop_assert!(found.iter().all(|alert| *alert == Alert::Near || now >= deadline_at));
            all.extend(found);
        }
        prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", all);
        prop_assert_eq!(clock.deadline_at, deadline_at);
    }

    #[test]
    fn an_extension_never_ends_earlier(days in 0..30_u32, more in 1..30_u32, hours in 0..2_000_i64) {
        let limits = limits(days, 3, 2);
        let clock = started(&limits, NOON);
        let now = NOON + Duration::hours(hours);
        let extended = clock.extended(now, more, &Calendar::default());
        prop_assert!(extended.deadline_at > clock.deadline_at.max(now));
        prop_assert_eq!(extended.due(now, &limits, &Calendar::default()).filter(|alert| *alert != Alert::Near), None);
    }
}
