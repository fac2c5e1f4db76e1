//! Connector status (T/CEC 102): which reports are valid, and what a report does to what is held.
//!
//! Reports of one connector may come late, twice, or contradict each other; the decision depends on source times, and on the
//! order of arrival only within one whole second. Source: interconnect section 8, reliability section 6, decision record 38.
use time::{Duration, OffsetDateTime};

use super::Refusal;

/// How far a source time may be ahead of the database clock. Source: interconnect section 8, window.
pub const AHEAD_MAX: Duration = Duration::minutes(5);

/// How often a connector is noted as heard of again: a few times within what keeps it online, so that unchanged reports cost
/// nothing in between.
const HEARD_EVERY: Duration = Duration::minutes(10);
/// Microseconds of a whole second that hold its statuses, each of the six once.
const PLACES: i64 = 6;

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

impl Report {
    /// The instants under which its like may be held. The protocol writes whole seconds: such a time stands for its second, where
    /// a status that came after another one is held a microsecond behind it.
    pub fn instants(self) -> impl Iterator<Item = OffsetDateTime> {
        let places = if self.source_time.nanosecond() == 0 { PLACES } else { 1 };
        (0..places).map(move |place| self.source_time + Duration::microseconds(place))
    }
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
    /// When, by the platform's clock, its system last sent what is held once more; kept every few minutes only.
    pub heard_at: Option<OffsetDateTime>,
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
    /// Another status for the whole second of the latest: the later arrival becomes the latest, a microsecond behind.
    Overtake,
    /// Older than the latest, and new: enters the history, the latest stays.
    Late,
}

/// Whether a source time may be taken at `now`; `age_max` is a setting.
///
/// Errors: [`Refusal::TimeInFuture`], [`Refusal::TimeTooOld`].
pub fn timely(source_time: OffsetDateTime, now: OffsetDateTime, age_max: Duration) -> Result<(), Refusal> {
    begun(source_time, now)?;
    recent(source_time, now, age_max)
}

/// The half of [`timely`] that holds for every report. Error: [`Refusal::TimeInFuture`].
pub fn begun(source_time: OffsetDateTime, now: OffsetDateTime) -> Result<(), Refusal> {
    if source_time > now + AHEAD_MAX { Err(Refusal::TimeInFuture) } else { Ok(()) }
}

/// The half of [`timely`] that holds for what is new. Error: [`Refusal::TimeTooOld`].
pub fn recent(source_time: OffsetDateTime, now: OffsetDateTime, age_max: Duration) -> Result<(), Refusal> {
    if source_time < now - age_max { Err(Refusal::TimeTooOld) } else { Ok(()) }
}

/// Decides on a report. `held_then` is what the history holds for [`Report::instants`].
///
/// Error: [`Refusal::Contradiction`] when another status is held for the same instant.
pub fn judge(latest: Option<&Latest>, held_then: &[Status], report: Report) -> Result<Effect, Refusal> {
    let Some(latest) = latest else { return Ok(Effect::Change) };
    if report.source_time > latest.seen_at {
        return Ok(if report.status == latest.status { Effect::Heartbeat } else { Effect::Change });
    }
    let same = report.status == latest.status;
    let with_latest = report.instants().any(|at| at == latest.seen_at);
    if held_then.contains(&report.status) || (with_latest && same) {
        return Ok(Effect::Known);
    }
    if with_latest && report.source_time.nanosecond() == 0 {
        return Ok(Effect::Overtake);
    }
    if with_latest || !held_then.is_empty() {
        return Err(Refusal::Contradiction);
    }
    Ok(if same && report.source_time >= latest.changed_at { Effect::Known } else { Effect::Late })
}

impl Latest {
    /// What is held after a report whose effect is [`Effect::Change`] or [`Effect::Heartbeat`], or [`Effect::Overtake`] and
    /// whose time is a microsecond behind what was held.
    #[must_use]
    pub fn after(held: Option<&Self>, report: Report) -> Self {
        let changed_at = match held {
            Some(held) if held.status == report.status => held.changed_at,
            Some(_) | None => report.source_time,
        };
        let heard_at = held.and_then(|held| held.heard_at);
        Self { status: report.status, changed_at, seen_at: report.source_time, heard_at }
    }

    /// The latest sign of life: a report by its source time, a repetition by its receipt.
    #[must_use]
    pub fn alive_at(&self) -> OffsetDateTime {
        self.heard_at.map_or(self.seen_at, |heard_at| heard_at.max(self.seen_at))
    }

    /// Whether a report says again what this state was made of: its last change, or its latest report. That stays known to every
    /// later state of the connector, so it may be told by a state that has been left since.
    #[must_use]
    pub fn repeats(&self, report: Report) -> bool {
        report.status == self.status
            && report.instants().any(|at| at == self.changed_at || at == self.seen_at)
    }

    /// Whether a report that says nothing new is to be noted as a sign of life at `now`: it repeats what the connector is, and
    /// the latest sign is some minutes old. The caller vouches that the operator's system sent it by itself.
    #[must_use]
    pub fn hears(&self, report: Report, now: OffsetDateTime) -> bool {
        report.status == self.status
            && report.instants().any(|at| at >= self.changed_at)
            && now - self.alive_at() >= HEARD_EVERY
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
            heard_at: None,
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
        assert_eq!(judge(None, &[], at(0, Status::Idle)), Ok(Effect::Change));
        assert_eq!(judge(Some(&held()), &[], at(21, Status::Charging)), Ok(Effect::Change));
        assert_eq!(judge(Some(&held()), &[], at(21, Status::Idle)), Ok(Effect::Heartbeat));
        assert_eq!(judge(Some(&held()), &[], at(5, Status::Fault)), Ok(Effect::Late));
        assert_eq!(judge(Some(&held()), &[], at(15, Status::Charging)), Ok(Effect::Late));
    }

    #[test]
    fn repetitions_say_nothing_new() {
        assert_eq!(judge(Some(&held()), &[], at(20, Status::Idle)), Ok(Effect::Known));
        assert_eq!(judge(Some(&held()), &[], at(15, Status::Idle)), Ok(Effect::Known));
        assert_eq!(judge(Some(&held()), &[Status::Fault], at(5, Status::Fault)), Ok(Effect::Known));
    }

    #[test]
    fn two_statuses_for_one_instant_contradict() {
        let mut exact = held();
        exact.seen_at += Duration::MILLISECOND;
        let report = Report { status: Status::Fault, source_time: exact.seen_at };
        assert_eq!(judge(Some(&exact), &[], report), Err(Refusal::Contradiction));
        let past = judge(Some(&held()), &[Status::Idle], at(5, Status::Fault));
        assert_eq!(past, Err(Refusal::Contradiction));
    }

    #[test]
    fn of_two_statuses_in_one_whole_second_the_later_arrival_wins_and_both_are_known_then() {
        let report = at(20, Status::Charging);
        assert_eq!(judge(Some(&held()), &[], report), Ok(Effect::Overtake));
        let behind = Report { source_time: held().seen_at + Duration::MICROSECOND, ..report };
        let latest = Latest::after(Some(&held()), behind);
        let held_then = [Status::Idle, Status::Charging];
        for status in held_then {
            assert_eq!(judge(Some(&latest), &held_then, at(20, status)), Ok(Effect::Known));
        }
        assert_eq!(judge(Some(&latest), &held_then, at(20, Status::Fault)), Ok(Effect::Overtake));
        assert!(report.instants().any(|at| at == latest.seen_at));
    }

    #[test]
    fn what_a_state_was_made_of_is_said_again_and_stays_known_when_the_state_is_left() {
        let state = held();
        for minute in [10, 20] {
            let again = at(minute, Status::Idle);
            assert!(state.repeats(again));
            // Changes are held in the history.
            let held_then: &[Status] = if minute == 10 { &[Status::Idle] } else { &[] };
            assert_eq!(judge(Some(&state), held_then, again), Ok(Effect::Known));
            let seen = Latest::after(Some(&state), at(25, Status::Idle));
            assert_eq!(judge(Some(&seen), held_then, again), Ok(Effect::Known));
            // Of another state since it would at most be late: nothing that the history does not say by itself.
            let left = Latest::after(Some(&seen), at(30, Status::Charging));
            let known = judge(Some(&left), held_then, again);
            assert_eq!(known, Ok(if minute == 10 { Effect::Known } else { Effect::Late }));
        }
        // Between the two a late report may say something else, which is known to the history only.
        assert!(!state.repeats(at(15, Status::Idle)));
        assert!(!state.repeats(at(20, Status::Charging)));
        assert!(!state.repeats(at(21, Status::Idle)));
        let behind = Latest { seen_at: state.seen_at + Duration::MICROSECOND, ..state };
        assert!(behind.repeats(at(20, Status::Idle)));
    }

    #[test]
    fn a_repetition_of_what_a_connector_is_is_a_sign_of_life_every_few_minutes() {
        let minute = |minute| at(minute, Status::Idle).source_time;
        assert!(held().hears(at(10, Status::Idle), minute(30)));
        assert!(!held().hears(at(10, Status::Idle), minute(29)));
        // What it was before says nothing of now.
        assert!(!held().hears(at(5, Status::Idle), minute(30)));
        assert!(!held().hears(at(10, Status::Fault), minute(30)));
        let heard = Latest { heard_at: Some(minute(30)), ..held() };
        assert_eq!((held().alive_at(), heard.alive_at()), (minute(20), minute(30)));
        assert!(!heard.hears(at(10, Status::Idle), minute(39)));
        let next = Latest::after(Some(&heard), at(25, Status::Idle));
        assert_eq!((next.seen_at, next.alive_at()), (minute(25), minute(30)));
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
