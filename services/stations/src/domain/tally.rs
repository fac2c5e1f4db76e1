//! How an operator's data was received, counted by kind. Source: interconnect protocol, sections 16 and 18.
use time::{Duration, OffsetDateTime};

use super::verdict::Verdict;

/// What was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Status of connectors.
    Status,
    /// Finished charge orders.
    Order,
    /// Samples of charging sessions.
    Telemetry,
}

impl Kind {
    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Order => "order",
            Self::Telemetry => "telemetry",
        }
    }

    /// How long after it happened it may come and still be on time: a status 10 s after its change, an order 30 s after its
    /// end, a sample within its period of 50 s.
    const fn prompt_within(self) -> Duration {
        match self {
            Self::Status => Duration::seconds(10),
            Self::Order => Duration::seconds(30),
            Self::Telemetry => Duration::seconds(50),
        }
    }
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
    /// Of the accepted, how many came in time.
    pub prompt: i64,
}

impl Tally {
    /// Counts one item that happened at `happened_at`, as far as that could be read.
    pub fn count(
        &mut self,
        kind: Kind,
        verdict: &Verdict,
        happened_at: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) {
        match verdict {
            Verdict::Accepted => {
                self.accepted += 1;
                let prompt = happened_at.is_some_and(|at| now - at <= kind.prompt_within());
                self.prompt += i64::from(prompt);
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
            tally.count(Kind::Status, &verdict, Some(NOW), NOW);
        }
        let each = Tally { accepted: 1, duplicate: 1, late: 1, rejected: 1, corrected: 0, prompt: 1 };
        assert_eq!(tally, each);
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
            tally.count(kind, &Verdict::Accepted, Some(NOW - Duration::seconds(seconds)), NOW);
            assert_eq!((tally.accepted, tally.prompt), (1, prompt), "{kind:?} after {seconds} s");
        }
        let mut unknown = Tally::default();
        unknown.count(Kind::Order, &Verdict::Accepted, None, NOW);
        assert_eq!(unknown.prompt, 0);
    }
}
