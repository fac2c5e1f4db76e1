//! The interconnection state of a station: a dated fact derived from data, never set by anybody.
//!
//! Rule. A station *becomes* connected at the first moment at which every registered connector has reported a status
//! at least once and the latest report of the station is not older than the window (a setting, 24 h). The day of that
//! moment in Asia/Shanghai, by database time, is `connected_since`; it does not move afterwards. From then on the
//! station is connected while its latest report is within the window and offline otherwise. Connectors added later do
//! not undo the fact: gate B asks for each claimed connector by itself. Deactivating a station ends it.
use time::{Date, Duration, OffsetDateTime};

use super::day;

/// What is known about the interconnection of a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The rule has never been met.
    NotConnected,
    /// Data flows.
    Connected,
    /// Was connected; no report within the window.
    Offline,
}

impl Connection {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::Connected => "connected",
            Self::Offline => "offline",
        }
    }

    /// Reads a name; none where it is not one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::NotConnected, Self::Connected, Self::Offline].into_iter().find(|state| state.name() == name)
    }
}

/// The fact that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// State.
    pub connection: Connection,
    /// First day (Asia/Shanghai) on which the station counts as connected.
    pub since: Option<Date>,
}

/// What the data says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Connectors in the registry.
    pub registered: i64,
    /// Those of them that have reported at least once.
    pub reported: i64,
    /// Latest sign of life of any of them: a report by its source time, a repetition by its receipt.
    pub last_report_at: Option<OffsetDateTime>,
}

/// The fact that follows from what stands and what the data says at `now`.
#[must_use]
pub fn derive(held: Standing, data: Situation, now: OffsetDateTime, window: Duration) -> Standing {
    let fresh = data.last_report_at.is_some_and(|at| at >= now - window);
    match held.since {
        _ if data.registered == 0 => Standing { connection: Connection::NotConnected, since: None },
        Some(since) if fresh => Standing { connection: Connection::Connected, since: Some(since) },
        Some(since) => Standing { connection: Connection::Offline, since: Some(since) },
        None if fresh && data.reported == data.registered => {
            Standing { connection: Connection::Connected, since: Some(day::of(now)) }
        }
        None => Standing { connection: Connection::NotConnected, since: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    const NOW: OffsetDateTime = datetime!(2026-11-26 17:00 UTC);
    const WINDOW: Duration = Duration::hours(24);
    const NEVER: Standing = Standing { connection: Connection::NotConnected, since: None };

    fn data(registered: i64, reported: i64, hours_ago: i64) -> Situation {
        Situation {
            registered,
            reported,
            last_report_at: (reported > 0).then(|| NOW - Duration::hours(hours_ago)),
        }
    }

    #[test]
    fn connected_when_every_connector_has_reported_lately() {
        let since = Some(date!(2026 - 11 - 27)); // already the next day in Shanghai
        assert_eq!(derive(NEVER, data(2, 1, 0), NOW, WINDOW), NEVER);
        assert_eq!(derive(NEVER, data(2, 2, 25), NOW, WINDOW), NEVER);
        assert_eq!(
            derive(NEVER, data(2, 2, 24), NOW, WINDOW),
            Standing { connection: Connection::Connected, since }
        );
        assert_eq!(derive(NEVER, data(0, 0, 0), NOW, WINDOW), NEVER);
    }

    #[test]
    fn the_day_stays_through_offline_and_back_and_new_connectors() {
        let since = Some(date!(2026 - 11 - 01));
        let held = Standing { connection: Connection::Connected, since };
        assert_eq!(
            derive(held, data(2, 2, 25), NOW, WINDOW),
            Standing { connection: Connection::Offline, since }
        );
        let offline = Standing { connection: Connection::Offline, since };
        assert_eq!(derive(offline, data(2, 2, 1), NOW, WINDOW), held);
        assert_eq!(derive(held, data(3, 2, 1), NOW, WINDOW), held);
        assert_eq!(derive(held, data(0, 0, 0), NOW, WINDOW), NEVER);
    }

    #[test]
    fn names_go_both_ways() {
        for state in [Connection::NotConnected, Connection::Connected, Connection::Offline] {
            assert_eq!(Connection::from_name(state.name()), Some(state));
        }
        assert_eq!(Connection::from_name("linked"), None);
    }
}
