//! What an operator's system says of a day beside the orders that are held: which statistics agree, and what a dispute means.
//!
//! Source: interconnect protocol, sections 13 (check_charge_orders), 16 and 18 (Σ orders of a day = daily statistics ± 1 %).
use std::collections::BTreeMap;

use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

/// How far the orders of a day may be from its statistics: one part in so many. Source: interconnect section 18.
const SLACK_PART: i64 = 100;
/// And so much more, Wh: statistics have one digit of a kWh, rounded or cut off. Source: interconnect section 11.8.
const SLACK_WH: i64 = 100;
/// Largest DisputeReason. Source: interconnect section 10.
pub const REASON_MAX: i64 = 99;

/// Orders of a day: by their ends, and by their starts, since the standard does not say which of them makes the day.
/// Source: interconnect section 13 and open point 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Orders that ended on the day.
    pub ended: i64,
    /// Their energy, Wh.
    pub ended_wh: i64,
    /// Energy of those that began on the day, Wh.
    pub started_wh: i64,
}

impl Sums {
    /// Adds another connector's.
    pub fn add(&mut self, other: Sums) {
        self.ended += other.ended;
        self.ended_wh = self.ended_wh.saturating_add(other.ended_wh);
        self.started_wh = self.started_wh.saturating_add(other.started_wh);
    }

    /// How far they are from what is told, Wh, counted in the way that is nearer.
    #[must_use]
    pub fn distance(self, told_wh: i64) -> u64 {
        self.ended_wh.abs_diff(told_wh).min(self.started_wh.abs_diff(told_wh))
    }

    /// Whether statistics of so much agree with them.
    #[must_use]
    pub fn agree(self, told_wh: i64) -> bool {
        self.distance(told_wh) <= (told_wh / SLACK_PART + SLACK_WH).unsigned_abs()
    }
}

/// Energy of one station and day as the operator's system tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The operator's code of the station.
    pub station_code: String,
    /// Wh.
    pub energy_wh: i64,
    /// Connector code and Wh, as far as they were told.
    pub connectors: Vec<(String, i64)>,
}

impl Statement {
    /// The connector that is furthest from its orders, and does not agree with them: where to look first.
    #[must_use]
    pub fn furthest(&self, held: &BTreeMap<String, Sums>) -> Option<(&str, i64, Sums)> {
        let beside = |(code, told): &(String, i64)| (*told, held.get(code).copied().unwrap_or_default());
        let off = self.connectors.iter().filter(|one| {
            let (told, sums) = beside(one);
            !sums.agree(told)
        });
        let worst = off.max_by_key(|one| {
            let (told, sums) = beside(one);
            sums.distance(told)
        })?;
        let (told, sums) = beside(worst);
        Some((&worst.0, told, sums))
    }
}

/// Who lists the orders of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The operator's system lists, the platform answers.
    Operator,
    /// The platform lists, the operator's system answers.
    Platform,
}

impl By {
    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Platform => "platform",
        }
    }
}

/// One order that the operator's system disputes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disputed {
    /// Order number.
    pub order_no: String,
    /// Wh, as answered.
    pub energy_wh: i64,
    /// Fen, as answered.
    pub total_fen: i64,
    /// DisputeReason.
    pub reason: i32,
}

impl Disputed {
    /// The stable id of what it means here. Source: interconnect section 10, DisputeReason.
    #[must_use]
    pub fn meaning(&self, held: bool) -> &'static str {
        match (held, self.reason) {
            (false, _) => "order_not_held",
            (true, 1) => "order_unknown_to_operator",
            (true, 2) => "order_amount_disputed",
            (true, 3) => "order_energy_disputed",
            (true, _) => "order_disputed",
        }
    }
}

/// The instant at which a day of Asia/Shanghai begins.
#[must_use]
pub fn begin(day: Date) -> OffsetDateTime {
    let offset = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC); // eight hours are within the range of offsets
    day.with_time(Time::MIDNIGHT).assume_offset(offset)
}

/// How many of the orders, by their ends, make a list of their own, and up to where it is whole: all that came, or so many that
/// those of one second stay together. `None`: all of them ended in one second, and there are more.
#[must_use]
pub fn cut(
    ends: &[OffsetDateTime],
    most: usize,
    window_end: OffsetDateTime,
) -> Option<(usize, OffsetDateTime)> {
    if ends.len() <= most {
        return Some((ends.len(), window_end));
    }
    let last = ends.last()?;
    let until = *last - Duration::nanoseconds(i64::from(last.nanosecond()));
    let kept = ends.partition_point(|end| *end < until);
    (kept > 0).then_some((kept, until))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    fn sums(ended_wh: i64, started_wh: i64) -> Sums {
        Sums { ended: 1, ended_wh, started_wh }
    }

    #[test]
    fn statistics_agree_within_a_percent_and_their_last_digit() {
        for (told, held, agree) in [
            (1_000_000, 1_010_100, true),
            (1_000_000, 1_010_101, false),
            (1_000_000, 989_900, true),
            (1_000_000, 989_899, false),
            (0, 100, true),
            (0, 101, false),
            (12_500, 12_549, true),
        ] {
            assert_eq!(sums(held, held).agree(told), agree, "{told} told, {held} held");
        }
    }

    #[test]
    fn an_order_over_midnight_may_count_on_either_of_its_days() {
        assert!(sums(90_000, 30_000).agree(90_000), "by the ends");
        assert!(sums(90_000, 30_000).agree(30_000), "by the starts");
        assert!(!sums(90_000, 30_000).agree(60_000));
    }

    #[test]
    fn the_connector_that_is_furthest_off_is_named_and_none_where_all_agree() {
        let told = |energies: [i64; 3]| Statement {
            station_code: "S1".into(),
            energy_wh: energies.iter().sum(),
            connectors: ["A", "B", "C"].map(str::to_owned).into_iter().zip(energies).collect(),
        };
        let held = BTreeMap::from([("A".to_owned(), sums(10_000, 10_000)), ("B".to_owned(), sums(0, 0))]);
        assert_eq!(told([10_000, 0, 0]).furthest(&held), None);
        let off = told([12_000, 0, 5_000]);
        assert_eq!(off.furthest(&held), Some(("C", 5_000, Sums::default())));
    }

    #[test]
    fn each_dispute_has_a_meaning() {
        let of = |reason, held| {
            Disputed { order_no: "1".into(), energy_wh: 0, total_fen: 0, reason }.meaning(held)
        };
        let meanings = [1, 2, 3, 4].map(|reason| of(reason, true));
        assert_eq!(
            meanings,
            ["order_unknown_to_operator", "order_amount_disputed", "order_energy_disputed", "order_disputed"]
        );
        assert_eq!(of(2, false), "order_not_held");
    }

    #[test]
    fn a_list_is_cut_between_seconds_and_covers_its_window() {
        let second = |seconds: i64| begin(date!(2026 - 11 - 26)) + Duration::seconds(seconds);
        let end = second(86_400);
        assert_eq!(cut(&[second(1), second(2)], 2, end), Some((2, end)));
        assert_eq!(cut(&[second(1), second(2), second(2)], 2, end), Some((1, second(2))));
        let within = second(3) + Duration::milliseconds(5);
        assert_eq!(cut(&[second(1), second(2), within], 2, end), Some((2, second(3))));
        assert_eq!(cut(&[second(1), second(1), second(1)], 2, end), None);
    }

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        assert_eq!(begin(date!(2026 - 11 - 26)), datetime!(2026-11-25 16:00 UTC));
    }
}
