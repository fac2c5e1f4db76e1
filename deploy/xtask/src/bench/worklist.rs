//! From a submission or withdrawal to the row of the next tier's worklist, at a fixed rate.
//!
//! Owns: the own cases beside `raw.commit_to_consumer`. The row is looked for in the service's own table; a look takes
//! a few hundred microseconds, which are part of the figure.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use proto::reviews::ApplicationView;
use sqlx::{Connection as _, PgConnection};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{MissedTickBehavior, interval, sleep},
};
use uuid::Uuid;

use super::{field::Field, figures::Round};
use crate::driver::Actor;

/// Between two looks.
const PAUSE: Duration = Duration::from_micros(200);

const ROWS: &str =
    "SELECT subject_id, version FROM worklist WHERE subject_type = 'application' AND subject_id = ANY($1)";

/// A change of which the row has not been seen yet.
struct Waiting {
    id: Uuid,
    version: i64,
    sent: Instant,
    answered: Instant,
}

/// What one run gives.
#[derive(Debug)]
pub struct Latencies {
    /// From sending the call.
    pub from_call: Round,
    /// From its answer.
    pub from_answer: Round,
    /// Changes a second that were really made.
    pub per_second: f64,
}

/// The applications that go to and fro, as they stand now; taken out while under way.
#[derive(Debug)]
pub struct Desks {
    operator: Actor,
    free: Arc<Mutex<Vec<ApplicationView>>>,
}

impl Desks {
    /// Starts from the field's applications.
    pub fn new(field: &Field) -> Self {
        Self { operator: field.operator.clone(), free: Arc::new(Mutex::new(field.submitted.to_vec())) }
    }

    /// Changes at a fixed rate for so long. Errors: a change is refused, a row does not come within 20 s.
    pub async fn run(&self, per_second: u32, time: Duration, notifications: &str) -> Result<Latencies> {
        let (send, waiting) = unbounded_channel();
        let looker = tokio::spawn(look(waiting, PgConnection::connect(notifications).await?));
        let count = usize::try_from(per_second).unwrap_or(1) * usize::try_from(time.as_secs()).unwrap_or(1);
        let mut ticks = interval(Duration::from_secs(1) / per_second);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let start = Instant::now();
        let mut changes = Vec::new();
        for _ in 0..count {
            ticks.tick().await;
            let free = Arc::clone(&self.free);
            // Where the services are slower than the rate, every application is under way and a turn is left out.
            let taken = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(view) = taken else { continue };
            let (operator, send) = (self.operator.clone(), send.clone());
            changes.push(tokio::spawn(async move {
                let view = change(&operator, view, &send).await?;
                free.lock().unwrap_or_else(PoisonError::into_inner).insert(0, view);
                anyhow::Ok(())
            }));
        }
        let made = changes.len();
        for change in changes {
            change.await??;
        }
        let elapsed = start.elapsed();
        drop(send);
        let (from_call, from_answer) = looker.await??;
        ensure!(from_call.len() == made, "{} rows for {made} changes", from_call.len());
        let per_second = made as f64 / elapsed.as_secs_f64();
        Ok(Latencies { from_call: round(from_call), from_answer: round(from_answer), per_second })
    }
}

/// T03 where it waits for the county, T02 where it waits for the operator.
async fn change(
    operator: &Actor,
    view: ApplicationView,
    send: &UnboundedSender<Waiting>,
) -> Result<ApplicationView> {
    let sent = Instant::now();
    let view = match view.stage.as_str() {
        "CountyReview" => operator.withdraw(&view).await?,
        _ => operator.submit_acceptance(&view, vec![]).await?,
    };
    let id = view.application_id.parse().context("an application without id")?;
    // The receiver ends after every sender.
    let _ = send.send(Waiting { id, version: view.version, sent, answered: Instant::now() });
    Ok(view)
}

/// Looks until every row has its version; gives the times from the call and from the answer.
async fn look(
    mut incoming: UnboundedReceiver<Waiting>,
    mut database: PgConnection,
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let mut open: Vec<Waiting> = Vec::new();
    let (mut from_call, mut from_answer) = (Vec::new(), Vec::new());
    let mut last = Instant::now();
    loop {
        if open.is_empty() {
            let Some(next) = incoming.recv().await else { return Ok((from_call, from_answer)) };
            open.push(next);
            last = Instant::now();
        }
        while let Ok(next) = incoming.try_recv() {
            open.push(next);
        }
        let ids: Vec<Uuid> = open.iter().map(|waiting| waiting.id).collect();
        let rows: Vec<(Uuid, i64)> = sqlx::query_as(ROWS).bind(&ids).fetch_all(&mut database).await?;
        let now = Instant::now();
        let rows: HashMap<Uuid, i64> = rows.into_iter().collect();
        let before = open.len();
        open.retain(|waiting| {
            let there = rows.get(&waiting.id).is_some_and(|version| *version >= waiting.version);
            if there {
                from_call.push(now - waiting.sent);
                from_answer.push(now.saturating_duration_since(waiting.answered));
            }
            !there
        });
        if open.len() < before {
            last = now;
        }
        ensure!(last.elapsed() < Duration::from_secs(20), "{} rows do not come", open.len());
        sleep(PAUSE).await;
    }
}

fn round(mut took: Vec<Duration>) -> Round {
    took.sort_unstable();
    let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
    Round { value: p50.as_secs_f64() * 1e6, took, cost: None }
}
