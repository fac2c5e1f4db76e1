//! Inlet of time: looks regularly for deadlines that are near or over (T27). Decides nothing; every stroke is a step.

use std::time::Duration;

use chassis::Units;

use crate::app::{Shared, clock};

/// The timer of one process; several share the work.
pub struct Timer {
    /// Units of work.
    pub units: Units,
    /// What commands share.
    pub shared: Shared,
    /// Between two looks.
    pub every: Duration,
}

impl Timer {
    /// Looks until the process ends.
    pub async fn run(self) {
        loop {
            match clock::strike(&self.units, &self.shared).await {
                Ok(0) => {}
                Ok(strokes) => tracing::info!(clock.strokes = strokes, "deadlines are near or over"),
                // The next look finds what this one left.
                Err(failure) => tracing::warn!(error = %failure, "deadlines wait for the next look"),
            }
            tokio::time::sleep(self.every).await;
        }
    }
}
