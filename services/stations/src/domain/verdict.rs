//! What became of one reported item.
use super::Finding;

/// The answer to one item of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Taken.
    Accepted,
    /// Held already.
    Duplicate,
    /// Older than what is held; in the history only. Of an order: content that was superseded before.
    Stale,
    /// Not taken; kept as a quality item.
    Rejected(Finding),
}

impl Verdict {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Rejected(_) => "rejected",
        }
    }
}
