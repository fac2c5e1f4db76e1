//! What became of an operator's data by day: the days asked for, and the counts as the contract names them.
use std::collections::BTreeMap;

use chassis::Failure;
use proto::stations::{QualityCount, QualityDay};
use time::{Date, Duration, OffsetDateTime, macros::format_description};

use crate::{
    domain::{Finding, Refusal, day},
    store::quality_days::{Counted, Online},
};

/// Days of one answer.
const DAYS_MAX: i64 = 92;
/// Days where none are named.
const DAYS_USUAL: i64 = 30;

/// First and last day asked for.
///
/// # Errors
/// `unknown_value`, `out_of_range` on a day.
pub(super) fn days(first: &str, last: &str, now: OffsetDateTime) -> Result<(Date, Date), Failure> {
    let today = day::of(now);
    let read = |text: &str, field: &str, usual: Date| {
        if text.is_empty() {
            return Ok(usual);
        }
        let read = Date::parse(text, format_description!("[year]-[month]-[day]"));
        read.map_err(|_| Failure::from(Finding::new(field, Refusal::UnknownValue)))
    };
    let last = read(last, "last_day", today)?;
    let first = read(first, "first_day", last - Duration::days(DAYS_USUAL - 1))?;
    let span = (last - first).whole_days() + 1;
    if !(1..=DAYS_MAX).contains(&span) {
        return Err(Finding::new("first_day", Refusal::OutOfRange { min: 1, max: DAYS_MAX }).into());
    }
    Ok((first, last))
}

/// The days of which something is known, the latest first.
pub(super) fn answer(counted: Vec<Counted>, online: &[Online]) -> Vec<QualityDay> {
    let mut days: BTreeMap<Date, QualityDay> = BTreeMap::new();
    let blank = |day: Date| QualityDay { day: day.to_string(), ..QualityDay::default() };
    for Counted { day, kind, tally } in counted {
        days.entry(day).or_insert_with(|| blank(day)).counts.push(QualityCount {
            kind,
            accepted: tally.accepted,
            duplicate: tally.duplicate,
            late: tally.late,
            rejected: tally.rejected,
            corrected: tally.corrected,
            prompt: tally.prompt,
            pulled: tally.pulled,
        });
    }
    for one in online {
        let day = days.entry(one.day).or_insert_with(|| blank(one.day));
        (day.looks, day.connectors, day.online) = (one.looks, one.connectors, one.online);
    }
    days.into_values().rev().collect()
}
