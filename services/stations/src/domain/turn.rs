//! Turns: what interconnect does by itself for a link, how often, and how long it keeps away after a failure.
//!
//! Owns: the table of kinds and the back-off. Not: who is at it (`store::turns`). Source: interconnect sections 12 and 16.
use time::{Duration, OffsetDateTime};

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

/// What a turn does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pulls stations by page.
    Stations,
    /// Pulls the status of every connector.
    Status,
    /// Runs the joint test that somebody asked for.
    JointTest,
}

impl Kind {
    /// The kinds that come again and again.
    pub const PULLS: [Kind; 2] = [Kind::Stations, Kind::Status];

    /// The name in the database and in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stations => "stations",
            Self::Status => "status",
            Self::JointTest => "joint_test",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Stations, Self::Status, Self::JointTest].into_iter().find(|kind| kind.name() == name)
    }

    /// How long after a complete turn the next is due; `None`: when somebody asks. Source: interconnect section 16.
    #[must_use]
    pub fn period(self) -> Option<Duration> {
        match self {
            Self::Stations => Some(Duration::hours(1)),
            Self::Status => Some(Duration::minutes(5)),
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
    use time::macros::datetime;

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
    fn everything_is_asked_for_first_and_after_a_week_and_changes_between() {
        let now = datetime!(2026-11-28 12:00 UTC);
        let ago = |span: Duration| Some(now - span);
        assert_eq!(since(None, None, now), None);
        assert_eq!(since(ago(Duration::HOUR), ago(Duration::days(7)), now), None);
        assert_eq!(since(ago(Duration::HOUR), ago(Duration::days(6)), now), ago(Duration::minutes(70)));
        assert_eq!(since(None, ago(Duration::HOUR), now), ago(Duration::minutes(70)));
    }
}
