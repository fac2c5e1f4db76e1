//! How far a walk over the pages of an operator's stations has come, also in turns before.
//!
//! Owns: counting each station once. Not: asking for pages (`pull`). Source: interconnect protocol, section 12.
use std::collections::BTreeSet;

use proto::stations::StationPages;

use super::pull::Tally;

/// A walk under way.
pub struct Walked {
    /// The page to be asked for, from 1.
    pub number: i64,
    /// What ItemSize says has changed on the way.
    pub moving: bool,
    /// What came of the stations.
    pub tally: Tally,
    /// Codes of this turn and of the page before it.
    seen: BTreeSet<String>,
    /// Stations beside those: of earlier pages, and those without a code, which cannot be told apart.
    others: i64,
    items: Option<i64>,
}

impl Walked {
    /// Begins, or goes on where a turn before has come to.
    #[must_use]
    pub fn of(before: StationPages) -> Self {
        let began = before.next_page > 1;
        let seen: BTreeSet<String> = before.last_codes.into_iter().collect();
        Self {
            number: before.next_page.max(1),
            moving: before.moving,
            tally: Tally { taken: before.taken, rejected: before.rejected, example: before.found },
            others: before.came - count(&seen),
            seen,
            items: began.then_some(before.items),
        }
    }

    /// Notes what a page says of how many there are.
    pub fn counts(&mut self, items: i64) {
        self.moving |= self.items.is_some_and(|before| before != items);
        self.items = Some(items);
    }

    /// Whether a station comes for the first time, as far as its code tells.
    pub fn meets(&mut self, code: &str) -> bool {
        if code.is_empty() {
            self.others += 1;
            return true;
        }
        self.seen.insert(code.to_owned())
    }

    /// Stations that came, each once.
    #[must_use]
    pub fn came(&self) -> i64 {
        self.others.saturating_add(count(&self.seen))
    }

    /// What another turn needs to go on, after a page with such codes.
    #[must_use]
    pub fn pages(&self, size: i64, codes: BTreeSet<String>) -> StationPages {
        StationPages {
            next_page: self.number,
            page_size: size,
            items: self.items.unwrap_or_default(),
            moving: self.moving,
            came: self.came(),
            last_codes: codes.into_iter().filter(|code| !code.is_empty()).collect(),
            taken: self.tally.taken,
            rejected: self.tally.rejected,
            found: self.tally.example.clone(),
        }
    }
}

fn count(codes: &BTreeSet<String>) -> i64 {
    i64::try_from(codes.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_goes_on_counts_what_the_page_before_repeats_once() {
        let mut walked = Walked::of(StationPages::default());
        assert_eq!((walked.number, walked.came()), (1, 0));
        walked.counts(3);
        assert!(walked.meets("S1") && walked.meets("S2") && !walked.meets("S1"));
        walked.number = 2;
        let before = walked.pages(2, ["S1", "S2"].map(str::to_owned).into());
        let mut walked = Walked::of(before);
        walked.counts(3);
        assert!(!walked.meets("S2") && walked.meets("S3"));
        assert_eq!((walked.number, walked.came(), walked.moving), (2, 3, false));
        walked.counts(4);
        assert!(walked.moving);
    }

    #[test]
    fn stations_without_a_code_count_each() {
        let mut walked = Walked::of(StationPages::default());
        assert!(walked.meets("") && walked.meets(""));
        let before = walked.pages(20, BTreeSet::from([String::new()]));
        assert_eq!((before.came, before.last_codes.len()), (2, 0));
    }
}
