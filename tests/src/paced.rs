//! Requests at a pace that nobody's slowness changes – an open loop – and what became of each.
//!
//! Owns: when the next one is sent, and counting. Not: what is asked, or how often one request is sent again.
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{eventually, wait::PATIENCE};

/// Requests that are being sent, one after each tick, whether the one before was answered or not.
#[derive(Debug)]
pub struct Paced {
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    sending: JoinHandle<Ended>,
}

/// What became of them all.
#[derive(Debug)]
pub struct Ended {
    /// Requests a second over the whole time.
    pub rate: f64,
    /// From the tick to the answer, in order of length.
    pub took: Vec<Duration>,
    /// What was told to those that failed for good.
    pub failed: Vec<String>,
}

impl Paced {
    /// Sends `request` with a rising number, so many a second.
    pub fn start<F, Asked>(per_second: u32, request: F) -> Self
    where
        F: Fn(usize) -> Asked + Send + 'static,
        Asked: Future<Output = Result<()>> + Send + 'static,
    {
        let (answered, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (answered.clone(), stop.clone());
        let sending = tokio::spawn(async move {
            let mut ticks = interval(Duration::from_secs(1) / per_second);
            // A late tick is made up for: the rate is that of the people, not of the machine.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let (begun, mut requests, mut sent) = (Instant::now(), JoinSet::new(), 0_usize);
            while !stopped.load(Ordering::Relaxed) {
                let due = ticks.tick().await;
                let (asked, counted) = (request(sent), counted.clone());
                requests.spawn(async move {
                    let answer = asked.await;
                    counted.fetch_add(1, Ordering::Relaxed);
                    answer.map(|()| due.elapsed())
                });
                sent += 1;
            }
            let mut ended = Ended { rate: 0.0, took: Vec::new(), failed: Vec::new() };
            while let Some(answer) = requests.join_next().await {
                match answer.context("nobody panics").and_then(|answer| answer) {
                    Ok(took) => ended.took.push(took),
                    Err(error) => ended.failed.push(format!("{error:#}")),
                }
            }
            ended.took.sort_unstable();
            ended.rate = sent as f64 / begun.elapsed().as_secs_f64();
            ended
        });
        Self { answered, stop, sending }
    }

    /// Waits until so many more are answered, well or not. Errors: not within 30 s.
    pub async fn answered(&self, more: usize) -> Result<()> {
        let goal = self.answered.load(Ordering::Relaxed) + more;
        eventually(PATIENCE, "requests are answered", || async {
            Ok((self.answered.load(Ordering::Relaxed) >= goal).then_some(()))
        })
        .await
    }

    /// Sends no more and waits for the last answer. Errors: a request panicked the sender.
    pub async fn stop(self) -> Result<Ended> {
        self.stop.store(true, Ordering::Relaxed);
        self.sending.await.context("nobody panics")
    }
}

impl Ended {
    /// The longest that all but one in a hundred took.
    pub fn p99(&self) -> Duration {
        self.took.get(self.took.len() * 99 / 100).copied().unwrap_or_default()
    }
}
