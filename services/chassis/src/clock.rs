//! Wall-clock time for what stands outside any transaction: token lifetimes and measurements.
//!
//! Business time is never read here: it is `Work::now()`, the database's.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock; no rule uses it"
)]
pub fn unix_seconds() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}
