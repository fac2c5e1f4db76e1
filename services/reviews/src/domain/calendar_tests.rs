//! Working days against a second way of counting, and by the notice of 2026.

use proptest::prelude::*;
use time::{
    Duration,
    macros::{date, datetime},
};

use super::*;

/// The notice of 2026, as far as these tests need it.
fn calendar() -> Calendar {
    let mut calendar = Calendar::default();
    let days = |from: Date, count: i64| (0..count).map(move |n| from + Duration::days(n));
    let holidays = days(date!(2026 - 02 - 15), 9).chain(days(date!(2026 - 10 - 01), 7));
    let made_up =
        [date!(2026 - 02 - 14), date!(2026 - 02 - 28), date!(2026 - 09 - 20), date!(2026 - 10 - 10)];
    calendar.add(2026, "notice", holidays, made_up);
    calendar
}

#[test]
fn a_holiday_is_no_working_day_and_a_made_up_weekend_is_one() {
    let calendar = calendar();
    assert!(!calendar.works(date!(2026 - 10 - 01)), "a Thursday of the national holiday");
    assert!(calendar.works(date!(2026 - 10 - 10)), "a Saturday that is made up");
    assert!(!calendar.works(date!(2026 - 10 - 11)));
    assert!(calendar.works(date!(2027 - 10 - 01)), "a year without data counts Monday to Friday");
}

#[test]
fn five_working_days_over_the_spring_festival() {
    // Friday 13 February: Saturday 14 is made up, then nine days of holiday.
    let last = calendar().after(date!(2026 - 02 - 13), 5);
    assert_eq!(last, date!(2026 - 02 - 27));
    assert_eq!(end_of(last), datetime!(2026-02-27 16:00 UTC));
}

#[test]
fn what_is_left_is_counted_from_the_day_in_shanghai() {
    let calendar = calendar();
    let deadline = end_of(date!(2026 - 10 - 10));
    assert_eq!(calendar.left(datetime!(2026-09-30 15:59 UTC), deadline), 3, "8, 9 and 10 October");
    assert_eq!(calendar.left(datetime!(2026-10-09 16:00 UTC), deadline), 0, "the last day has begun");
    assert_eq!(calendar.left(datetime!(2026-10-20 00:00 UTC), deadline), 0);
}

#[test]
fn a_deadline_lasts_to_the_end_of_its_last_day() {
    assert_eq!(last_day(end_of(date!(2026 - 05 - 06))), date!(2026 - 05 - 06));
}

fn any_day() -> impl Strategy<Value = Date> {
    (0..900_i64).prop_map(|n| date!(2025 - 06 - 01) + Duration::days(n))
}

proptest! {
    #[test]
    fn a_walk_and_a_count_agree(day in any_day(), steps in 1..120_u32) {
        let calendar = calendar();
        let (later, earlier) = (calendar.after(day, steps), calendar.before(day, steps));
        prop_assert!(calendar.works(later) && calendar.works(earlier));
        prop_assert_eq!(calendar.between(day, later), steps);
        // Counted without `day`, with `later`; backwards the other way round.
        prop_assert_eq!(calendar.between(earlier, day) + 1, steps + u32::from(calendar.works(day)));
    }

    #[test]
    fn counts_add_up(from in any_day(), first in 0..200_i64, second in 0..200_i64) {
        let calendar = calendar();
        let (middle, to) = (from + Duration::days(first), from + Duration::days(first + second));
        prop_assert_eq!(calendar.between(from, to), calendar.between(from, middle) + calendar.between(middle, to));
    }

    #[test]
    fn more_working_days_never_end_earlier(day in any_day(), fewer in 0..100_u32, more in 0..20_u32) {
        let calendar = calendar();
        prop_assert!(calendar.after(day, fewer) <= calendar.after(day, fewer + more));
    }
}
