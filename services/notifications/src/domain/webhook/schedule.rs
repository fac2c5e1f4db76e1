//! When a failed delivery is tried again, and when it is given up. Source: Standard Webhooks, "Deliverability and reliability".

use time::{Duration, OffsetDateTime};

/// Each pause is lengthened by up to this share of itself, so that what failed together does not come back together.
const JITTER: f64 = 0.2;
/// A receiver may ask for a pause of at most a day.
const RETRY_AFTER_MAX: u64 = 86_400;

/// The pauses between attempts; after the last one a delivery is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<u32>);

impl Schedule {
    /// Reads seconds separated by commas; `None` unless each is a number of 1 to 604,800 and there is at least one.
    pub fn parse(text: &str) -> Option<Schedule> {
        let pauses: Option<Vec<u32>> = text
            .split(',')
            .map(|part| part.trim().parse().ok().filter(|secs| (1..=604_800).contains(secs)))
            .collect();
        pauses.filter(|pauses| !pauses.is_empty()).map(Schedule)
    }

    /// The pause after so many attempts since the delivery was made or resent; `None`: it is given up.
    ///
    /// `jitter` is random in 0..1; `retry_after_secs` is what the receiver asked for, at least that long is waited.
    pub fn pause(&self, tries: u32, jitter: f64, retry_after_secs: Option<u64>) -> Option<Duration> {
        let place = usize::try_from(tries).ok()?.checked_sub(1)?;
        let base = Duration::seconds(i64::from(*self.0.get(place)?));
        let pause = base * (1.0 + JITTER * jitter.clamp(0.0, 1.0));
        Some(retry_after(retry_after_secs).map_or(pause, |asked| asked.max(pause)))
    }
}

/// What a receiver asked for, bounded.
pub fn retry_after(secs: Option<u64>) -> Option<Duration> {
    secs.map(|secs| Duration::seconds(i64::try_from(secs.min(RETRY_AFTER_MAX)).unwrap_or_default()))
}

/// Whether an endpoint that has failed since then is disabled now.
pub fn failing_too_long(since: OffsetDateTime, now: OffsetDateTime, days_max: u16) -> bool {
    now - since >= Duration::days(i64::from(days_max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_row_and_then_it_is_given_up() {
        let schedule = Schedule::parse("5, 300").expect("a schedule");
        assert_eq!(schedule.pause(1, 0.0, None), Some(Duration::seconds(5)));
        assert_eq!(schedule.pause(1, 1.0, None), Some(Duration::seconds(6)));
        assert_eq!(schedule.pause(2, 0.0, None), Some(Duration::seconds(300)));
        assert_eq!(schedule.pause(3, 0.0, None), None);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_but_not_for_ever_and_not_for_one_more() {
        let schedule = Schedule::parse("5").expect("a schedule");
        assert_eq!(schedule.pause(1, 0.0, Some(60)), Some(Duration::seconds(60)));
        assert_eq!(schedule.pause(1, 0.0, Some(1)), Some(Duration::seconds(5)));
        assert_eq!(schedule.pause(1, 0.0, Some(u64::MAX)), Some(Duration::days(1)));
        assert_eq!(schedule.pause(2, 0.0, Some(60)), None);
    }

    #[test]
    fn what_is_no_row_of_seconds_is_no_schedule() {
        for text in ["", "5,,6", "0", "soon", "-5", "604801"] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_disabled_once_it_has_failed_for_so_many_days() {
        let since = OffsetDateTime::UNIX_EPOCH;
        assert!(!failing_too_long(since, since + Duration::days(5) - Duration::SECOND, 5));
        assert!(failing_too_long(since, since + Duration::days(5), 5));
    }
}
