//! How an operator's data was received, counted by kind. Source: interconnect protocol, sections 16 and 18.
use time::{Duration, OffsetDateTime};

use super::verdict::Verdict;

/// What was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Stations with equipment and connectors: those that were rejected or refused; what is taken is a version of the registry.
    Station,
    /// Status of connectors.
    Status,
    /// Finished charge orders.
    Order,
    /// Samples of charging sessions.
    Telemetry,
    /// Days of stations, as the operator's system counts them.
    Statistics,
    /// Orders that the operator's system was asked about.
    OrderCheck,
    /// What is about no kind of data: tokens, and methods that are not served.
    Link,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Station,
        Kind::Status,
        Kind::Order,
        Kind::Telemetry,
        Kind::Statistics,
        Kind::OrderCheck,
        Kind::Link,
    ];

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Status => "status",
            Self::Order => "order",
            Self::Telemetry => "telemetry",
            Self::Statistics => "statistics",
            Self::OrderCheck => "order_check",
            Self::Link => "link",
        }
    }

    /// How long after it happened it may come and still be on time: a status 10 s after its change, an order 30 s after its
    /// end, a sample within its period of 50 s. What the platform asks for itself has no such time.
    const fn prompt_within(self) -> Option<Duration> {
        match self {
            Self::Status => Some(Duration::seconds(10)),
            Self::Order => Some(Duration::seconds(30)),
            Self::Telemetry => Some(Duration::seconds(50)),
            Self::Station | Self::Statistics | Self::OrderCheck | Self::Link => None,
        }
    }
}

/// How an item came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The operator's system sent it; when it happened, as far as that could be read.
    Sent(Option<OffsetDateTime>),
    /// The platform asked for it: that it came at once says nothing of the operator's system.
    Pulled,
}

/// Items by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Taken.
    pub accepted: i64,
    /// Held already.
    pub duplicate: i64,
    /// Older than what is held.
    pub late: i64,
    /// Not taken.
    pub rejected: i64,
    /// Orders that replaced one with other content; among the accepted too.
    pub corrected: i64,
    /// Of the accepted, how many were sent in time.
    pub prompt: i64,
    /// Of the accepted, how many the platform asked for.
    pub pulled: i64,
}

impl Tally {
    /// Counts one item.
    pub fn count(&mut self, kind: Kind, verdict: &Verdict, came: Came, now: OffsetDateTime) {
        match verdict {
            Verdict::Accepted => {
                self.accepted += 1;
                match came {
                    Came::Sent(at) => {
                        let timed = at.zip(kind.prompt_within());
                        self.prompt += i64::from(timed.is_some_and(|(at, within)| now - at <= within));
                    }
                    Came::Pulled => self.pulled += 1,
                }
            }
            Verdict::Duplicate => self.duplicate += 1,
            Verdict::Stale => self.late += 1,
            Verdict::Rejected(_) => self.rejected += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::{Finding, Refusal};

    const NOW: OffsetDateTime = datetime!(2026-11-25 08:00:00 UTC);

    #[test]
    fn each_verdict_counts_once_and_only_what_is_taken_can_be_prompt() {
        let rejected = Verdict::Rejected(Finding::new("status", Refusal::Required));
        let mut tally = Tally::default();
        for verdict in [Verdict::Accepted, Verdict::Duplicate, Verdict::Stale, rejected] {
            tally.count(Kind::Status, &verdict, Came::Sent(Some(NOW)), NOW);
        }
        let each =
            Tally { accepted: 1, duplicate: 1, late: 1, rejected: 1, corrected: 0, prompt: 1, pulled: 0 };
        assert_eq!(tally, each);
    }

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("other"), None);
    }

    #[test]
    fn each_kind_has_its_own_time_to_come() {
        for (kind, seconds, prompt) in [
            (Kind::Status, 10, 1),
            (Kind::Status, 11, 0),
            (Kind::Order, 30, 1),
            (Kind::Order, 31, 0),
            (Kind::Telemetry, 50, 1),
            (Kind::Telemetry, 51, 0),
        ] {
            let mut tally = Tally::default();
            let came = Came::Sent(Some(NOW - Duration::seconds(seconds)));
            tally.count(kind, &Verdict::Accepted, came, NOW);
            assert_eq!((tally.accepted, tally.prompt), (1, prompt), "{kind:?} after {seconds} s");
        }
        let mut unknown = Tally::default();
        unknown.count(Kind::Order, &Verdict::Accepted, Came::Sent(None), NOW);
        assert_eq!(unknown.prompt, 0);
    }

    #[test]
    fn what_the_platform_asked_for_is_taken_and_not_prompt() {
        let mut tally = Tally::default();
        tally.count(Kind::Status, &Verdict::Accepted, Came::Pulled, NOW);
        tally.count(Kind::Status, &Verdict::Duplicate, Came::Pulled, NOW);
        assert_eq!((tally.accepted, tally.duplicate, tally.prompt, tally.pulled), (1, 1, 0, 1));
    }
}
