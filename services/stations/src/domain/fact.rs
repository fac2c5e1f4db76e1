//! The facts that this service announces about a station.
use uuid::Uuid;

use super::connection::{Connection, Standing};

/// What an event says about its station.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which station.
    pub station_id: Uuid,
    /// Whose.
    pub operator_id: Uuid,
    /// County code.
    pub county: String,
    /// Prefecture code.
    pub prefecture: String,
}

/// One fact; its name is the last part of the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The record has changed, was registered or left force.
    RegistryChanged,
    /// Data flows (again).
    Connected,
    /// No report within the window.
    WentOffline,
}

impl Fact {
    /// Snake case, past tense.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RegistryChanged => "registry_changed",
            Self::Connected => "connected",
            Self::WentOffline => "went_offline",
        }
    }

    /// The fact that a new standing is; none where it says the same state, or where only the registry ends it.
    #[must_use]
    pub fn of(before: Standing, after: Standing) -> Option<Self> {
        if before.connection == after.connection {
            return None;
        }
        match after.connection {
            Connection::Connected => Some(Self::Connected),
            Connection::Offline => Some(Self::WentOffline),
            Connection::NotConnected => None,
        }
    }
}
