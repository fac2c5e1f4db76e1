//! A schema that is brought forward under a running process: connections with statements of before are left behind.
//!
//! PostgreSQL refuses a prepared `a.*` on every connection that prepared it before a column was added, as often as it is asked
//! ("cached plan must not change result type"). The first refusal is told to the caller as passing, and each connection
//! that is older is closed instead of being used again. Source: `deploy/upgrade.md`.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

static CHANGED_AT: Mutex<Option<Instant>> = Mutex::new(None);

/// Whether a refusal of the database means that the schema has changed under a prepared statement; notes it then.
pub(crate) fn changed(code: &str, message: &str) -> bool {
    let changed = code == "0A000" && message.contains("cached plan must not change result type");
    if changed {
        *CHANGED_AT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        tracing::info!("the schema has changed; connections of before are left");
    }
    changed
}

/// Whether a connection of this age was opened before the last change.
pub(crate) fn is_older(age: Duration) -> bool {
    let changed_at = *CHANGED_AT.lock().unwrap_or_else(PoisonError::into_inner);
    changed_at.is_some_and(|at| at.elapsed() <= age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connections_from_before_a_change_are_left() {
        assert!(!is_older(Duration::from_secs(9)), "nothing has changed yet");
        assert!(!changed("0A000", "cross-database references are not implemented"));
        assert!(!is_older(Duration::from_secs(9)));
        assert!(changed("0A000", "cached plan must not change result type"));
        assert!(is_older(Duration::from_secs(9)));
        assert!(!is_older(Duration::ZERO), "one that is opened now");
    }
}
