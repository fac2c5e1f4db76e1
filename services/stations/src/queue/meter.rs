//! What the queue of one kind tells the metrics: batches, items, transactions, how long and how full.
//!
//! Owns: names and labels. Not: what is drawn or alerted of them (`deploy/observability`).
use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio::sync::Semaphore;

use crate::domain::verdict::Verdict;

/// Counts for one queue.
#[derive(Clone)]
pub(super) struct Meter {
    /// What the queue takes, e.g. `order`.
    pub(super) kind: &'static str,
    room: Arc<Semaphore>,
    items_max: usize,
}

impl Meter {
    /// `room` has a permit for each of `items_max` items that may wait.
    pub(super) fn new(kind: &'static str, room: Arc<Semaphore>, items_max: usize) -> Self {
        // An increase is seen only of what was there before.
        for verdict in ["accepted", "duplicate", "stale", "rejected"] {
            metrics::counter!("ingest_items_total", "kind" => kind, "verdict" => verdict).increment(0);
        }
        for outcome in ["stored", "failed", "refused"] {
            metrics::counter!("ingest_batches_total", "kind" => kind, "outcome" => outcome).increment(0);
        }
        metrics::counter!("ingest_transactions_total", "kind" => kind).increment(0);
        let meter = Self { kind, room, items_max };
        meter.fill();
        meter
    }

    /// How much of the room is taken, 0 to 1.
    pub(super) fn fill(&self) {
        let taken = self.items_max.saturating_sub(self.room.available_permits());
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
        let share = taken as f64 / self.items_max.max(1) as f64;
        metrics::gauge!("ingest_queue_fill", "kind" => self.kind).set(share);
    }

    /// A batch was turned away, since too much waits.
    pub(super) fn refused(&self) {
        self.batch("refused");
    }

    /// A batch could not be written.
    pub(super) fn failed(&self) {
        self.batch("failed");
    }

    /// A transaction was committed.
    pub(super) fn committed(&self) {
        metrics::counter!("ingest_transactions_total", "kind" => self.kind).increment(1);
    }

    /// A batch was written; it was put in line at `since`, and is acknowledged now.
    pub(super) fn stored(&self, since: Instant, verdicts: &[Verdict]) {
        self.batch("stored");
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        for verdict in verdicts {
            *counts.entry(verdict.name()).or_default() += 1;
        }
        for (verdict, count) in counts {
            metrics::counter!("ingest_items_total", "kind" => self.kind, "verdict" => verdict)
                .increment(count);
        }
        metrics::histogram!("ingest_acknowledge_seconds", "kind" => self.kind)
            .record(since.elapsed().as_secs_f64());
    }

    fn batch(&self, outcome: &'static str) {
        metrics::counter!("ingest_batches_total", "kind" => self.kind, "outcome" => outcome).increment(1);
    }
}
