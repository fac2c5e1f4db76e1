//! How far a pull of stations by pages has come, and whether another turn goes on there.
//!
//! Owns: the rule. Not: asking for pages, which is the matter of interconnect. Source: interconnect section 12; decision records 47 and 51.
use time::{Duration, OffsetDateTime};

/// What came is gone on with for so long after the last page: the pages of a system that was away for longer may have moved.
const REST_MAX: Duration = Duration::hours(1);
/// No pull is gone on with for longer than so after its beginning: what it asks for would be too old.
const AGE_MAX: Duration = Duration::days(1);

/// Pages that have been taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// The page to be asked for next, from 1.
    pub next_page: i64,
    /// Stations of a page.
    pub page_size: i64,
    /// ItemSize as last said.
    pub items: i64,
    /// ItemSize has changed on the way.
    pub moving: bool,
    /// Stations that came, each once.
    pub came: i64,
    /// Codes of the last page.
    pub last_codes: Vec<String>,
    /// Stations that were taken.
    pub taken: i64,
    /// Stations that were not.
    pub rejected: i64,
    /// The first of those, in words.
    pub found: String,
}

/// A pull that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Start of its first turn.
    pub began_at: OffsetDateTime,
    /// What it asks for: changes after this, or everything.
    pub since: Option<OffsetDateTime>,
    /// When its last page was taken.
    pub moved_at: OffsetDateTime,
    /// Those that were.
    pub pages: Pages,
}

impl Pull {
    /// Whether a turn that would ask for what changed after `since` goes on with it.
    #[must_use]
    pub fn goes_on(&self, since: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
        self.pages.next_page > 1
            && self.since == since
            && now - self.moved_at < REST_MAX
            && now - self.began_at < AGE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-26 08:00 UTC);

    fn pull(next_page: i64, rested: Duration, age: Duration) -> Pull {
        let pages = Pages {
            next_page,
            page_size: 20,
            items: 6_000,
            moving: false,
            came: 20 * (next_page - 1),
            last_codes: Vec::new(),
            taken: 0,
            rejected: 0,
            found: String::new(),
        };
        Pull { began_at: NOW - age, since: Some(NOW - Duration::hours(30)), moved_at: NOW - rested, pages }
    }

    #[test]
    fn an_interrupted_pull_goes_on_for_an_hour_and_for_a_day_in_all() {
        let since = Some(NOW - Duration::hours(30));
        let goes_on = |next, rested, age| pull(next, rested, age).goes_on(since, NOW);
        assert!(goes_on(2, Duration::minutes(59), Duration::hours(23)));
        assert!(!goes_on(2, Duration::hours(1), Duration::hours(2)), "rested too long");
        assert!(!goes_on(300, Duration::MINUTE, Duration::DAY), "too old");
        assert!(!goes_on(1, Duration::MINUTE, Duration::HOUR), "nothing of it counts");
    }

    #[test]
    fn a_pull_that_asks_for_something_else_begins_again() {
        assert!(!pull(2, Duration::MINUTE, Duration::HOUR).goes_on(None, NOW));
    }
}
