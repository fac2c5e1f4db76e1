//! Calendar days as people in the province count them. No working-day calendar: that is the matter of reviews.
use time::{Date, OffsetDateTime, UtcOffset};

/// Asia/Shanghai: UTC+8 all year, no daylight saving time since 1991.
const SHANGHAI_SECS: i32 = 8 * 3600;

/// The day in Asia/Shanghai on which an instant falls.
#[must_use]
pub fn of(at: OffsetDateTime) -> Date {
    match UtcOffset::from_whole_seconds(SHANGHAI_SECS) {
        Ok(offset) => at.to_offset(offset).date(),
        Err(_) => at.date(), // eight hours are within the range of offsets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn a_day_begins_at_sixteen_utc() {
        assert_eq!(of(datetime!(2026-11-25 15:59:59 UTC)), date!(2026 - 11 - 25));
        assert_eq!(of(datetime!(2026-11-25 16:00:00 UTC)), date!(2026 - 11 - 26));
    }
}
