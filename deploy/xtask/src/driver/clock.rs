//! The clock of those outside the platform: an operator's system, a person who fills in a date.
//!
//! Owns: the present instant and day as they would send them. The platform's own time is its databases'.
use prost_types::Timestamp;
use time::{Duration, OffsetDateTime, UtcOffset, macros::offset};

/// Asia/Shanghai: UTC+8 all year. Source: architecture, rule 8.
const SHANGHAI: UtcOffset = offset!(+8);

/// This instant.
#[expect(clippy::disallowed_methods, reason = "the outside world's clock, which is not the platform's")]
pub fn instant() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// This instant as it is put into a report.
pub fn now() -> Timestamp {
    stamp(instant())
}

/// Some instant as it is put into a report.
pub fn stamp(instant: OffsetDateTime) -> Timestamp {
    // The nanoseconds of an instant are below 10^9.
    Timestamp { seconds: instant.unix_timestamp(), nanos: i32::try_from(instant.nanosecond()).unwrap_or(0) }
}

/// The day in Asia/Shanghai so many days from today, YYYY-MM-DD.
pub fn day(from_today: i64) -> String {
    (instant().to_offset(SHANGHAI).date() + Duration::days(from_today)).to_string()
}
