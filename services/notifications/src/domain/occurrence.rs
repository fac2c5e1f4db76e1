//! Which event, and when: what every effect needs of the envelope.

use time::OffsetDateTime;
use uuid::Uuid;

/// An event that occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Its id; messages are kept under it.
    pub event_id: Uuid,
    /// The producer's database time.
    pub at: OffsetDateTime,
}
