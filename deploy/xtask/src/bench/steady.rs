//! The load of a province offered steadily: what its connectors send in a second, each call when it is due.
//!
//! Owns: these calls. They begin whether those before were answered or not, and count from when they were due, so that nothing that
//! waits is forgotten. Source: performance, "Scale to keep in mind": minute snapshots of 500,000 connectors are 8,000 rows/s, of which
//! one call in eight says other statuses than before; telemetry 4,000/s; orders 70/s at the peak of a day.
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use tokio::time::sleep_until;

use super::{
    MIB,
    figures::{Better, Figures, Round},
    ingest::{Cases, Sender},
    processor_time,
};
use crate::{services::Service, trial::Trial};

const METRICS: [&str; 4] =
    ["steady.status.changed", "steady.status.seen", "steady.telemetry", "steady.orders"];
/// Orders of one call: those of a second.
const OF_SECOND: usize = 70;

/// Offers everything at once for so long. Errors: an item is not taken.
pub(super) async fn measure(
    cases: &Cases,
    trial: &Trial,
    time: Duration,
    figures: &mut Figures,
) -> Result<()> {
    let process = trial.fleet.id(Service::Stations).context("stations does not run")?;
    let (before, start) = (processor_time(process)?, Instant::now());
    let (changed, seen, telemetry, orders) = tokio::try_join!(
        offer(cases, 1, time, Cases::changed),
        offer(cases, 7, time, Cases::seen),
        offer(cases, 4, time, Cases::telemetry),
        offer(cases, 1, time, |cases, sender| cases.orders(sender, OF_SECOND)),
    )?;
    let busy = processor_time(process)?.saturating_sub(before).as_secs_f64() / start.elapsed().as_secs_f64();
    for (metric, round) in METRICS.into_iter().zip([changed, seen, telemetry, orders]) {
        figures.keep(metric, round);
    }
    figures.keep("steady.processor", Round { value: busy, ..Round::default() });
    let value = trial.fleet.resident_bytes(Service::Stations)? as f64 / MIB;
    figures.keep("steady.memory", Round { value, ..Round::default() });
    Ok(())
}

pub(super) fn close(figures: &mut Figures) {
    for metric in METRICS {
        figures.close(metric, "rows/s", Better::Higher, None);
    }
    figures.close("steady.processor", "of a core", Better::Lower, None);
    figures.close("steady.memory", "MiB", Better::Lower, None);
}

/// So many calls a second, by the operators in turn; how long each took is from when it was due to its receipt.
async fn offer<'c, Sent>(
    cases: &'c Cases,
    per_second: u32,
    time: Duration,
    send: impl Fn(&'c Cases, &'c Sender) -> Sent,
) -> Result<Round>
where
    Sent: Future<Output = Result<usize>>,
{
    let send = &send;
    let start = Instant::now();
    let due = (0_u32..).map(|number| Duration::from_secs(1) * number / per_second);
    let calls = due.take_while(|due| *due < time).zip(cases.senders.iter().cycle());
    let calls = calls.map(|(due, sender)| async move {
        let due = start + due;
        sleep_until(due.into()).await;
        let items = send(cases, sender).await?;
        anyhow::Ok((items, due.elapsed()))
    });
    let done = try_join_all(calls).await?;
    let items: usize = done.iter().map(|(items, _)| items).sum();
    let took = done.into_iter().map(|(_, took)| took).collect();
    Ok(Round { value: items as f64 / start.elapsed().as_secs_f64(), took, cost: None })
}
