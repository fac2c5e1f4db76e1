//! Gates A and B: what the data proves about a station and its claimed connectors at one instant.
//!
//! Whether a gate blocks, warns or is off is the round's policy in reviews; here are only the facts.
use time::OffsetDateTime;

use super::connection::{Connection, Standing};

/// What the reports of one claimed connector show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorEvidence {
    /// The operator's connector code.
    pub code: String,
    /// Source time of its first report.
    pub first_seen_at: Option<OffsetDateTime>,
    /// Source time of its latest report.
    pub last_seen_at: Option<OffsetDateTime>,
    /// Days (Asia/Shanghai) with at least one report.
    pub days_covered: i32,
}

/// Gate A: the station is in force in the registry and its data flows at this instant.
///
/// Source: workflow, gates. An offline station is not linked until it reports again.
#[must_use]
pub fn linked(active: bool, standing: Standing) -> bool {
    active && standing.connection == Connection::Connected && standing.since.is_some()
}

/// Gate B: at least one connector is claimed, and each claimed one has reported.
///
/// Source: workflow, gates. A claimed connector that the station does not have has not reported.
#[must_use]
pub fn all_reported(connectors: &[ConnectorEvidence]) -> bool {
    !connectors.is_empty() && connectors.iter().all(|connector| connector.first_seen_at.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    fn seen(code: &str, at: Option<OffsetDateTime>) -> ConnectorEvidence {
        ConnectorEvidence {
            code: code.into(),
            first_seen_at: at,
            last_seen_at: at,
            days_covered: i32::from(at.is_some()),
        }
    }

    #[test]
    fn gate_a_asks_for_data_now() {
        let since = Some(date!(2026 - 11 - 01));
        assert!(linked(true, Standing { connection: Connection::Connected, since }));
        assert!(!linked(true, Standing { connection: Connection::Offline, since }));
        assert!(!linked(true, Standing { connection: Connection::NotConnected, since: None }));
        assert!(!linked(false, Standing { connection: Connection::Connected, since }));
    }

    #[test]
    fn gate_b_asks_for_every_claimed_connector() {
        let at = Some(datetime!(2026-11-26 08:00 UTC));
        assert!(all_reported(&[seen("1", at), seen("2", at)]));
        assert!(!all_reported(&[seen("1", at), seen("2", None)]));
        assert!(!all_reported(&[]));
    }
}
