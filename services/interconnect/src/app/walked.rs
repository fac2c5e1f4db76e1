//! How far a walk over the pages of an operator's stations has come, also in turns before.
//!
//! Owns: counting each station once, and where a walk stands when its pages become smaller. Not: asking for pages (`pull`). Source:
//! interconnect protocol, section 12.
use std::collections::BTreeSet;

use proto::stations::StationPages;

use super::pull::Tally;

/// Pages of the first size after which a system is not believed. Source: interconnect protocol, section 12.
const PAGES_MAX: i64 = 10_000;
/// Stations of a page at first; halved after a timeout. Source: interconnect protocol, section 12.
const PAGE_SIZE: i64 = 20;

/// A walk under way.
pub struct Walked {
    /// The page to be asked for, from 1.
    pub number: i64,
    /// Stations of a page.
    pub size: i64,
    /// What ItemSize says has changed on the way.
    pub moving: bool,
    /// What came of the stations.
    pub tally: Tally,
    /// Codes of this turn and of the page before it.
    seen: BTreeSet<String>,
    /// Codes of the last page.
    last: Vec<String>,
    /// Stations beside those: of earlier pages, and those without a code, which cannot be told apart.
    others: i64,
    items: Option<i64>,
    /// Nobody has seen yet that pages are as large as the place of the walk says.
    unsure: bool,
}

impl Walked {
    /// Begins, or goes on where a turn before has come to.
    #[must_use]
    pub fn of(before: StationPages) -> Self {
        let began = before.next_page > 1;
        let size = if before.page_size > 0 { before.page_size.min(PAGE_SIZE) } else { PAGE_SIZE };
        let seen: BTreeSet<String> = before.last_codes.iter().cloned().collect();
        Self {
            number: before.next_page.max(1),
            size,
            moving: before.moving,
            tally: Tally { taken: before.taken, rejected: before.rejected, example: before.found },
            others: before.came - count(&seen),
            seen,
            last: before.last_codes,
            items: began.then_some(before.items),
            unsure: began,
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

    /// Comes to the next page, after one with such codes.
    pub fn turn_over(&mut self, codes: BTreeSet<String>) {
        self.number += 1;
        self.unsure = false;
        self.last = codes.into_iter().filter(|code| !code.is_empty()).collect();
    }

    /// Makes pages half as large, and goes on with the one that holds the next station. `false`: they are as small as can be, or
    /// hold another number of stations than was asked for, so that nobody knows which one that would be.
    pub fn halve(&mut self) -> bool {
        let (size, passed) = (self.size / 2, (self.number - 1).saturating_mul(self.size));
        // Stations that came on two pages, or have gone meanwhile, are fewer than a page holds.
        let held = i64::try_from(self.last.len()).unwrap_or(i64::MAX);
        let smaller = self.number > 1 && held < self.size;
        if size == 0 || smaller || self.came().abs_diff(passed) >= self.size.unsigned_abs() {
            return false;
        }
        self.unsure = self.number > 1;
        (self.number, self.size) = (passed / size + 1, size);
        true
    }

    /// Whether a page that says how many there are is of larger ones than were asked for, and so not the one that the walk has come to.
    #[must_use]
    pub fn elsewhere(&self, count: i64, items: i64) -> bool {
        let passed = (self.number - 1).saturating_mul(self.size);
        let near = self.came().abs_diff(passed) < self.size.unsigned_abs();
        self.unsure && near && count.saturating_mul(self.size) < items
    }

    /// Whether no system is believed to have so many pages.
    #[must_use]
    pub fn endless(&self) -> bool {
        self.number.saturating_mul(self.size) >= PAGES_MAX * PAGE_SIZE
    }

    /// Another walk from the first page, with pages as large as they have come to be.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::of(StationPages { page_size: self.size, ..StationPages::default() })
    }

    /// What another turn needs to go on.
    #[must_use]
    pub fn pages(&self) -> StationPages {
        StationPages {
            next_page: self.number,
            page_size: self.size,
            items: self.items.unwrap_or_default(),
            moving: self.moving,
            came: self.came(),
            last_codes: self.last.clone(),
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

    fn codes(codes: &[&str]) -> BTreeSet<String> {
        codes.iter().map(|code| (*code).to_owned()).collect()
    }

    /// A walk that has come to a page after so many stations.
    fn after(number: i64, size: i64, came: i64) -> Walked {
        let last_codes = (0..size).map(|number| number.to_string()).collect();
        let before =
            StationPages { next_page: number, page_size: size, came, last_codes, ..StationPages::default() };
        Walked::of(before)
    }

    #[test]
    fn a_walk_that_goes_on_counts_what_the_page_before_repeats_once() {
        let mut walked = Walked::of(StationPages::default());
        assert_eq!((walked.number, walked.size, walked.came()), (1, 20, 0));
        walked.counts(3);
        assert!(walked.meets("S1") && walked.meets("S2") && !walked.meets("S1"));
        walked.turn_over(codes(&["S1", "S2"]));
        let mut walked = Walked::of(walked.pages());
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
        walked.turn_over(codes(&[""]));
        let before = walked.pages();
        assert_eq!((before.came, before.last_codes.len()), (2, 0));
    }

    #[test]
    fn smaller_pages_go_on_with_the_same_station_and_never_after_it() {
        let mut walked = after(150, 20, 149 * 20);
        let mut stands = Vec::new();
        while walked.halve() {
            stands.push((walked.number, walked.size));
        }
        // The 2980 stations that came fill 1490 pages of two.
        assert_eq!(stands, [(299, 10), (597, 5), (1_491, 2), (2_981, 1)]);
        let mut odd = after(2, 5, 5);
        assert!(odd.halve());
        assert_eq!((odd.number, odd.size), (3, 2), "one of its two stations came before");
        let mut first = Walked::of(StationPages::default());
        assert!(first.halve());
        assert_eq!((first.number, first.size, first.pages().page_size), (1, 10, 10));
    }

    #[test]
    fn pages_of_another_size_than_was_asked_for_stay_as_they_are() {
        for came in [149, 149 * 10, 149 * 50, 148 * 20, 150 * 20] {
            let mut walked = after(150, 20, came);
            assert!(!walked.halve(), "{came} stations on 149 pages");
            assert_eq!((walked.number, walked.size), (150, 20));
        }
        assert!(after(150, 20, 149 * 20 - 3).halve(), "three came twice");
    }

    #[test]
    fn pages_that_held_fewer_than_was_asked_for_stay_as_they_are() {
        let mut walked = Walked::of(StationPages::default());
        (0..10).for_each(|number| assert!(walked.meets(&number.to_string())));
        walked.turn_over((0..10).map(|number| number.to_string()).collect());
        assert!(!walked.halve(), "a page of 20 held ten");
    }

    #[test]
    fn a_page_of_a_system_that_keeps_its_own_size_is_not_taken_for_the_one_that_was_asked_for() {
        let mut walked = after(150, 20, 149 * 20);
        assert!(walked.halve());
        assert!(walked.elsewhere(300, 6_000), "300 pages of 20");
        assert!(!walked.elsewhere(600, 6_000), "600 pages of ten");
        walked.turn_over(codes(&["S1"]));
        assert!(!walked.elsewhere(300, 6_000), "it was looked at before");
    }

    #[test]
    fn another_walk_begins_with_nothing_but_the_size_of_its_pages() {
        let mut walked = after(150, 20, 149 * 20);
        walked.tally.taken = 7;
        assert!(walked.halve());
        let anew = walked.anew();
        assert_eq!((anew.number, anew.size, anew.came(), anew.tally.taken), (1, 10, 0, 0));
    }
}
