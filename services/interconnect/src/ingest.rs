//! The ingest of stations as pushes reach it: one gathering for each kind of data.
//!
//! Not: what the platform asks for; that makes calls of its own (`app::pull`).
use std::sync::Arc;

use futures::stream;
use proto::stations::{OrderBatch, StatusBatch, TelemetryBatch};

use crate::{
    config::Waiting,
    gather::{Deliver, Gather},
    neighbours::Voice,
};

/// See [`Gather`].
pub struct Ingest {
    /// Statuses of connectors.
    pub statuses: Arc<Gather<Voice, StatusBatch>>,
    /// Charge orders.
    pub orders: Arc<Gather<Voice, OrderBatch>>,
    /// Samples.
    pub telemetry: Arc<Gather<Voice, TelemetryBatch>>,
}

impl Ingest {
    /// Nothing waits yet.
    #[must_use]
    pub fn new(limits: Waiting) -> Self {
        Self {
            statuses: Gather::new(limits, statuses()),
            orders: Gather::new(limits, orders()),
            telemetry: Gather::new(limits, telemetry()),
        }
    }
}

fn statuses() -> Deliver<Voice, StatusBatch> {
    Arc::new(|voice, batches| {
        Box::pin(async move {
            let answer = voice.ingest().send_status(stream::iter(batches)).await?;
            Ok(answer.into_inner().receipts)
        })
    })
}

fn orders() -> Deliver<Voice, OrderBatch> {
    Arc::new(|voice, batches| {
        Box::pin(async move {
            let answer = voice.ingest().send_orders(stream::iter(batches)).await?;
            Ok(answer.into_inner().receipts)
        })
    })
}

fn telemetry() -> Deliver<Voice, TelemetryBatch> {
    Arc::new(|voice, batches| {
        Box::pin(async move {
            let answer = voice.ingest().send_telemetry(stream::iter(batches)).await?;
            Ok(answer.into_inner().receipts)
        })
    })
}
