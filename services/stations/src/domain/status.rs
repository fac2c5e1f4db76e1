//! Connector status (T/CEC 102): which reports are valid, and what a report does to what is held.
//!
//! Reports of one connector may come late, twice, or contradict each other; the decision depends only on source
//! times, never on the order of arrival. Source: interconnect section 8, reliability section 6.
use time::{Duration, OffsetDateTime};

use super::Refusal;

/// How far a source time may be ahead of the database clock. Source: interconnect section 8, window.
pub const AHEAD_MAX: Duration = Duration::minutes(5);

/// ConnectorStatus of T/CEC 102. Source: interconnect section 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// 0 离网.
    Offline,
    /// 1 空闲.
    Idle,
    /// 2 占用（未充电）.
    Occupied,
    /// 3 占用（充电中）.
    Charging,
    /// 4 占用（预约锁定）.
    Reserved,
    /// 255 故障.
    Fault,
}

impl Status {
    /// The wire code.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Offline => 0,
            Self::Idle => 1,
            Self::Occupied => 2,
            Self::Charging => 3,
            Self::Reserved => 4,
            Self::Fault => 255,
        }
    }

    /// Reads a wire code. Error: [`Refusal::UnknownValue`] (a wrong value corrupts the live picture).
    pub fn from_code(code: i32) -> Result<Self, Refusal> {
        match code {
            0 => Ok(Self::Offline),
            1 => Ok(Self::Idle),
            2 => Ok(Self::Occupied),
            3 => Ok(Self::Charging),
            4 => Ok(Self::Reserved),
            255 => Ok(Self::Fault),
            _ => Err(Refusal::UnknownValue),
        }
    }
}

/// One report about one connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// What the connector was at `source_time`.
    pub status: Status,
    /// When, by the operator's clock.
    pub source_time: OffsetDateTime,
}

/// The latest that is held of one connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latest {
    /// Current status.
    pub status: Status,
    /// Source time of the first report of this status since it last changed.
    pub changed_at: OffsetDateTime,
    /// Source time of the latest report.
    pub seen_at: OffsetDateTime,
}

/// What a valid report does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Another status than before: becomes the latest and enters the history.
    Change,
    /// The same status at a later time: the connector was seen again.
    Heartbeat,
    /// Nothing that is not held already.
    Known,
    /// Older than the latest, and new: enters the history, the latest stays.
    Late,
}

/// Whether a source time may be taken at `now`; `age_max` is a setting.
///
/// Errors: [`Refusal::TimeInFuture`], [`Refusal::TimeTooOld`].
pub fn timely(source_time: OffsetDateTime, now: OffsetDateTime, age_max: Duration) -> Result<(), Refusal> {
    if source_time > now + AHEAD_MAX {
        return Err(Refusal::TimeInFuture);
    }
    if source_time < now - age_max {
        return Err(Refusal::TimeTooOld);
    }
    Ok(())
}

/// Decides on a report. `at_that_instant` is the status that the history holds for exactly this source time.
///
/// Error: [`Refusal::Contradiction`] when another status is held for the same instant.
pub fn judge(
    latest: Option<&Latest>,
    at_that_instant: Option<Status>,
    report: Report,
) -> Result<Effect, Refusal> {
    let Some(latest) = latest else { return Ok(Effect::Change) };
    if report.source_time > latest.seen_at {
        return Ok(if report.status == latest.status { Effect::Heartbeat } else { Effect::Change });
    }
    let held = if report.source_time == latest.seen_at { Some(latest.status) } else { at_that_instant };
    match held {
        Some(status) if status == report.status => Ok(Effect::Known),
        Some(_) => Err(Refusal::Contradiction),
        None if report.source_time >= latest.changed_at && report.status == latest.status => {
            Ok(Effect::Known)
        }
        None => Ok(Effect::Late),
    }
}

impl Latest {
    /// What is held after a report whose effect is [`Effect::Change`] or [`Effect::Heartbeat`].
    #[must_use]
    pub fn after(held: Option<&Self>, report: Report) -> Self {
        let changed_at = match held {
            Some(held) if held.status == report.status => held.changed_at,
            Some(_) | None => report.source_time,
        };
        Self { status: report.status, changed_at, seen_at: report.source_time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const T: OffsetDateTime = datetime!(2026-11-26 08:00 UTC);

    fn at(minute: i64, status: Status) -> Report {
        Report { status, source_time: T + Duration::minutes(minute) }
    }

    fn held() -> Latest {
        // idle from minute 10, last seen at minute 20
        Latest {
            status: Status::Idle,
            changed_at: at(10, Status::Idle).source_time,
            seen_at: at(20, Status::Idle).source_time,
        }
    }

    #[test]
    fn codes_go_both_ways_and_others_are_refused() {
        for status in [
            Status::Offline,
            Status::Idle,
            Status::Occupied,
            Status::Charging,
            Status::Reserved,
            Status::Fault,
        ] {
            assert_eq!(Status::from_code(i32::from(status.code())), Ok(status));
        }
        for code in [-1, 5, 254, 256] {
            assert_eq!(Status::from_code(code), Err(Refusal::UnknownValue));
        }
    }

    #[test]
    fn source_times_have_a_window() {
        let day = Duration::hours(24);
        assert_eq!(timely(T + Duration::minutes(5), T, day), Ok(()));
        assert_eq!(timely(T + Duration::minutes(5) + Duration::SECOND, T, day), Err(Refusal::TimeInFuture));
        assert_eq!(timely(T - day, T, day), Ok(()));
        assert_eq!(timely(T - day - Duration::SECOND, T, day), Err(Refusal::TimeTooOld));
    }

    #[test]
    fn the_later_source_time_wins() {
        assert_eq!(judge(None, None, at(0, Status::Idle)), Ok(Effect::Change));
        assert_eq!(judge(Some(&held()), None, at(21, Status::Charging)), Ok(Effect::Change));
        assert_eq!(judge(Some(&held()), None, at(21, Status::Idle)), Ok(Effect::Heartbeat));
        assert_eq!(judge(Some(&held()), None, at(5, Status::Fault)), Ok(Effect::Late));
        assert_eq!(judge(Some(&held()), None, at(15, Status::Charging)), Ok(Effect::Late));
    }

    #[test]
    fn repetitions_say_nothing_new() {
        assert_eq!(judge(Some(&held()), None, at(20, Status::Idle)), Ok(Effect::Known));
        assert_eq!(judge(Some(&held()), None, at(15, Status::Idle)), Ok(Effect::Known));
        assert_eq!(judge(Some(&held()), Some(Status::Fault), at(5, Status::Fault)), Ok(Effect::Known));
    }

    #[test]
    fn two_statuses_for_one_instant_contradict() {
        assert_eq!(judge(Some(&held()), None, at(20, Status::Fault)), Err(Refusal::Contradiction));
        assert_eq!(
            judge(Some(&held()), Some(Status::Idle), at(5, Status::Fault)),
            Err(Refusal::Contradiction)
        );
    }

    #[test]
    fn a_heartbeat_keeps_the_time_of_the_change() {
        let next = Latest::after(Some(&held()), at(30, Status::Idle));
        assert_eq!((next.changed_at, next.seen_at), (held().changed_at, at(30, Status::Idle).source_time));
        assert_eq!(
            Latest::after(Some(&held()), at(30, Status::Fault)).changed_at,
            at(30, Status::Fault).source_time
        );
    }
}
