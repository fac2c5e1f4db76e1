//! Turns: what interconnect does by itself for a link, how often, and how long it keeps away after a failure.
//!
//! Owns: the table of kinds and the back-off. Not: who is at it (`store::turns`). Source: interconnect sections 12 and 16.
use time::{Date, Duration, OffsetDateTime};

use super::{check, day};

/// How long a link is leased: longer than the longest call (90 s: a token, a page, and both once more when the token had
/// ended) and the renewal before it.
pub const LEASE: Duration = Duration::seconds(150);
/// After the first failure; doubled with each further one. Source: interconnect section 8, repeats.
const BACK_OFF: Duration = Duration::seconds(30);
/// Longest back-off.
const BACK_OFF_MAX: Duration = Duration::minutes(30);
/// The back-off is up to this much shorter or longer, per mille, so that links that failed together do not come back together.
const JITTER: i64 = 200;
/// How much of the time before the last complete turn is asked for again. Source: interconnect section 12.
const OVERLAP: Duration = Duration::minutes(10);
/// After which everything is asked for, not only what changed. Source: interconnect section 12.
const FULL: Duration = Duration::days(7);
/// When, after midnight in Asia/Shanghai, the day before is asked for. Source: interconnect section 16, daily check.
const MORNING: Duration = Duration::hours(8);
/// Operators' systems are asked within this much after it, so that not all of them are at once.
const MORNING_SPREAD_SECS: u128 = 1_800;
/// For how many days a day that could not be compared is asked for. Source: interconnect section 16, statistics.
const WINDOW_DAYS: i64 = 7;
/// Of how many days at most it is known that they were missed after a link was not looked at for long. Source: decision record 31.
const KNOWN_DAYS: i64 = 31;

/// What a turn does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pulls stations by page.
    Stations,
    /// Pulls the status of every connector.
    Status,
    /// Asks for the energy of each station by day, and has it compared with the orders.
    Statistics,
    /// Lists the orders of a day to the operator's system, which says which it disputes.
    OrderCheck,
    /// Runs the joint test that somebody asked for.
    JointTest,
}

impl Kind {
    /// The kinds that come again after a period.
    pub const PULLS: [Kind; 2] = [Kind::Stations, Kind::Status];
    /// The kinds that are about whole days and come every morning.
    pub const DAILY: [Kind; 2] = [Kind::Statistics, Kind::OrderCheck];

    /// Whether it is one of [`Kind::DAILY`].
    #[must_use]
    pub fn daily(self) -> bool {
        Self::DAILY.contains(&self)
    }

    /// The name in the database and in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stations => "stations",
            Self::Status => "status",
            Self::Statistics => "statistics",
            Self::OrderCheck => "order_check",
            Self::JointTest => "joint_test",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = Self::PULLS.into_iter().chain(Self::DAILY).chain([Self::JointTest]);
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// When the next turn is due after a complete one; `None`: when somebody asks. `dice` is any number. Source: interconnect
    /// section 16.
    #[must_use]
    pub fn next(self, now: OffsetDateTime, dice: u128) -> Option<OffsetDateTime> {
        match self {
            Self::Stations => Some(now + Duration::hours(1)),
            Self::Status => Some(now + Duration::minutes(5)),
            Self::Statistics | Self::OrderCheck => Some(next_morning(now, dice)),
            Self::JointTest => None,
        }
    }
}

/// How long to keep away after so many failures in a row; `dice` is any number.
#[must_use]
pub fn back_off(failures: i32, dice: u128) -> Duration {
    let doublings = u32::try_from(failures.clamp(1, 16) - 1).unwrap_or_default();
    let plain = (BACK_OFF * 2_i32.pow(doublings)).min(BACK_OFF_MAX);
    let span = u128::try_from(2 * JITTER + 1).unwrap_or(1);
    let permille = 1_000 - JITTER + i64::try_from(dice % span).unwrap_or(JITTER);
    Duration::milliseconds(i64::try_from(plain.whole_milliseconds()).unwrap_or(i64::MAX) / 1_000 * permille)
}

/// The next morning at which the day before is asked for; `dice` is any number.
#[must_use]
pub fn next_morning(now: OffsetDateTime, dice: u128) -> OffsetDateTime {
    let today = check::begin(day::of(now)) + MORNING;
    let next = if now < today { today } else { today + Duration::DAY };
    next + Duration::seconds(i64::try_from(dice % MORNING_SPREAD_SECS).unwrap_or_default())
}

/// The days that have come to be owed, each on the morning after it: those after the latest that is known of. Where none is: those
/// after the last complete turn, or, of a kind that has had none, the day before its first turn was due.
#[must_use]
pub fn new_days(
    latest: Option<Date>,
    complete_at: Option<OffsetDateTime>,
    due_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Vec<Date> {
    let last = today(now) - Duration::DAY;
    let first = match (latest, complete_at) {
        (Some(latest), _) => latest + Duration::DAY,
        (None, Some(at)) => day::of(at),
        (None, None) => (day::of(due_at) - Duration::DAY).min(last),
    };
    let first = first.max(last - Duration::days(KNOWN_DAYS - 1));
    (0..=(last - first).whole_days()).map(|after| first + Duration::days(after)).collect()
}

/// The first day that is still asked for; what is owed before it is given up.
#[must_use]
pub fn window(now: OffsetDateTime) -> Date {
    today(now) - Duration::days(WINDOW_DAYS)
}

/// The first day that is still told of when it was missed.
#[must_use]
pub fn known_from(now: OffsetDateTime) -> Date {
    today(now) - Duration::days(KNOWN_DAYS)
}

/// The day from whose morning on the day before is asked for: operators' systems have counted it by then.
fn today(now: OffsetDateTime) -> Date {
    day::of(now - MORNING)
}

/// What a pull of stations asks for: changes after this, or everything.
#[must_use]
pub fn since(
    complete_at: Option<OffsetDateTime>,
    full_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let full_at = full_at.filter(|at| now - *at < FULL)?;
    Some(complete_at.unwrap_or(full_at) - OVERLAP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn the_back_off_doubles_up_to_half_an_hour_within_a_fifth() {
        for (failures, seconds) in [(1, 30), (2, 60), (3, 120), (6, 960), (7, 1_800), (1_000, 1_800)] {
            let plain = Duration::seconds(seconds);
            assert_eq!(back_off(failures, 0), plain * 4 / 5);
            assert_eq!(back_off(failures, 200), plain);
            assert_eq!(back_off(failures, 400), plain * 6 / 5);
            assert_eq!(back_off(failures, 401), plain * 4 / 5);
        }
    }

    #[test]
    fn a_day_is_asked_for_on_the_next_morning() {
        let eight = |day: i64| datetime!(2026-11-26 08:00 +8) + Duration::days(day);
        assert_eq!(next_morning(datetime!(2026-11-26 07:59:59 +8), 0), eight(0));
        assert_eq!(next_morning(datetime!(2026-11-26 08:00 +8), 0), eight(1));
        assert_eq!(next_morning(datetime!(2026-11-26 23:59 +8), 60), eight(1) + Duration::MINUTE);
        assert_eq!(next_morning(datetime!(2026-11-26 23:59 +8), 1_800), eight(1));
    }

    #[test]
    fn every_day_from_the_first_morning_on_comes_to_be_owed_once() {
        let now = datetime!(2026-11-26 08:05 +8);
        let ago = |days: i64| now - Duration::days(days);
        let [before, yesterday] = [date!(2026 - 11 - 24), date!(2026 - 11 - 25)];
        assert_eq!(new_days(Some(yesterday), None, now, now), []);
        assert_eq!(new_days(Some(date!(2026 - 11 - 23)), Some(ago(0)), now, now), [before, yesterday]);
        assert_eq!(new_days(None, None, now, now), [yesterday], "its first morning");
        assert_eq!(new_days(None, None, ago(1), now), [before, yesterday], "nobody came on the first");
        assert_eq!(new_days(None, None, ago(-1), now), [yesterday], "asked for before its morning");
        assert_eq!(new_days(None, Some(ago(2)), now, now), [before, yesterday], "kept by the release before");
        assert_eq!(new_days(None, Some(ago(0)), now, now), []);
        let night = now - Duration::hours(1);
        assert_eq!(new_days(Some(before), None, now, night), [], "nobody has counted it yet");
        assert_eq!(new_days(None, Some(ago(300)), now, now).len(), 31);
    }

    #[test]
    fn a_day_is_asked_for_for_a_week() {
        assert_eq!(window(datetime!(2026-11-26 07:59 +8)), date!(2026 - 11 - 18));
        assert_eq!(window(datetime!(2026-11-26 08:00 +8)), date!(2026 - 11 - 19));
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in Kind::PULLS.into_iter().chain(Kind::DAILY).chain([Kind::JointTest]) {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("other"), None);
    }

    #[test]
    fn everything_is_asked_for_first_and_after_a_week_and_changes_between() {
        let now = datetime!(2026-11-28 12:00 UTC);
        let ago = |span: Duration| Some(now - span);
        assert_eq!(since(None, None, now), None);
        assert_eq!(since(ago(Duration::HOUR), ago(Duration::days(7)), now), None);
        assert_eq!(since(ago(Duration::HOUR), ago(Duration::days(6)), now), ago(Duration::minutes(70)));
        assert_eq!(since(None, ago(Duration::HOUR), now), ago(Duration::minutes(70)));
    }
}
