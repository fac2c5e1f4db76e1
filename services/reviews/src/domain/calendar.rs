//! Working days in Asia/Shanghai: Monday to Friday, but for what the State Council's yearly notice says.
//!
//! The days come in as data (settings, section `[calendar]`); a year without data counts Monday to Friday. No clock.

use std::collections::BTreeMap;

use time::{Date, OffsetDateTime, Time, Weekday};

use super::policy::{SHANGHAI, day_of};

/// The working days of every year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Days that are not what their weekday says: whether one works.
    exceptions: BTreeMap<Date, bool>,
    /// Where the days of a year come from.
    sources: BTreeMap<i32, String>,
}

impl Calendar {
    /// Adds what a notice lays down for one year. A day that it makes up stays one, whatever a holiday says.
    pub fn add(
        &mut self,
        year: i32,
        source: &str,
        holidays: impl IntoIterator<Item = Date>,
        made_up: impl IntoIterator<Item = Date>,
    ) {
        self.exceptions.extend(holidays.into_iter().map(|day| (day, false)));
        self.exceptions.extend(made_up.into_iter().map(|day| (day, true)));
        self.sources.insert(year, source.to_owned());
    }

    /// The years that have data, with its source.
    pub fn sources(&self) -> impl Iterator<Item = (i32, &str)> {
        self.sources.iter().map(|(year, source)| (*year, source.as_str()))
    }

    /// The days of a year that are not what their weekday says: whether one works.
    pub fn exceptions(&self, year: i32) -> impl Iterator<Item = (Date, bool)> {
        let of_the_year = move |(day, works): (&Date, &bool)| (day.year() == year).then_some((*day, *works));
        self.exceptions.iter().filter_map(of_the_year)
    }

    /// Whether one works on this day.
    pub fn works(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.exceptions.get(&day).copied().unwrap_or(!weekend)
    }

    /// The so-many-th working day after a day; the day itself for 0.
    pub fn after(&self, day: Date, working_days: u32) -> Date {
        self.walk(day, working_days, Date::next_day)
    }

    /// The so-many-th working day before a day; the day itself for 0.
    pub fn before(&self, day: Date, working_days: u32) -> Date {
        self.walk(day, working_days, Date::previous_day)
    }

    /// Stops at the ends of time.
    fn walk(&self, mut day: Date, working_days: u32, step: fn(Date) -> Option<Date>) -> Date {
        let mut left = working_days;
        while left > 0 {
            let Some(next) = step(day) else { return day };
            day = next;
            left -= u32::from(self.works(day));
        }
        day
    }

    /// Working days after `from`, up to and with `to`; 0 where `to` is not later.
    pub fn between(&self, from: Date, to: Date) -> u32 {
        let mut count = 0;
        let mut day = from;
        while day < to {
            let Some(next) = day.next_day() else { return count };
            day = next;
            count += u32::from(self.works(day));
        }
        count
    }

    /// Working days left from an instant to a deadline: 0 on its last day and afterwards.
    pub fn left(&self, now: OffsetDateTime, deadline_at: OffsetDateTime) -> u32 {
        self.between(day_of(now), last_day(deadline_at))
    }
}

/// The end of a day in Asia/Shanghai: the first instant of the next. Source: architecture, rule 8.
pub fn end_of(day: Date) -> OffsetDateTime {
    start_of(day.next_day().unwrap_or(day))
}

/// The first instant of a day in Asia/Shanghai.
pub fn start_of(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_offset(SHANGHAI)
}

/// The last day on which a deadline has not passed.
pub fn last_day(deadline_at: OffsetDateTime) -> Date {
    day_of(deadline_at - time::Duration::NANOSECOND)
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
