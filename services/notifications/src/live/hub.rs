//! From hints to signals: a hint is given inside the transaction, the signal goes out when its commit is visible.

use std::{sync::Arc, time::Duration};

use chassis::Work;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc};
use uuid::Uuid;

use crate::store;

/// Signals that wait for the slowest reader; one that falls behind looks at everything anew.
const SIGNALS: usize = 1_024;
/// Hints that wait for their commit; beyond, readers find the change at their next regular look.
const HINTS: usize = 4_096;
/// Pause between looks at whether commits have become visible.
const SETTLE_EVERY: Duration = Duration::from_millis(10);
/// A hint whose commit does not show within so many looks was rolled back (3 s, the lock timeout of a unit of work).
const LOOKS_MAX: u16 = 300;

/// Where something changed.
#[derive(Debug, Clone)]
pub enum Signal {
    /// At these desks, about this subject.
    Desks {
        /// Keys of the desks.
        desks: Arc<[String]>,
        /// What it is about.
        subject_id: Uuid,
    },
    /// This user read messages.
    Reader(Uuid),
}

/// A change that is about to be committed.
struct Hint {
    consumer: String,
    event_id: Uuid,
    desks: Vec<String>,
    subject_id: Uuid,
    looks: u16,
}

/// Hands signals to every open live stream of this process.
#[derive(Clone)]
pub struct Hub {
    signals: broadcast::Sender<Signal>,
    hints: mpsc::Sender<Hint>,
    places: Arc<Semaphore>,
}

impl Hub {
    /// A hub for so many readers, and the task that turns hints into signals.
    pub fn new(watchers_max: usize) -> (Hub, Settler) {
        let (signals, _) = broadcast::channel(SIGNALS);
        let (hints, waiting) = mpsc::channel(HINTS);
        let hub = Hub { signals: signals.clone(), hints, places: Arc::new(Semaphore::new(watchers_max)) };
        (hub, Settler { signals, hints: waiting })
    }

    /// A hub without readers: for commands at the console.
    pub fn silent() -> Hub {
        Hub::new(0).0
    }

    /// Notes what the consumer's running transaction changes; costs nothing while nobody watches.
    pub(crate) fn hint(&self, work: &Work, event_id: Uuid, desks: Vec<String>, subject_id: Uuid) {
        if desks.is_empty() || self.signals.receiver_count() == 0 {
            return;
        }
        let consumer = work.caller().subject.clone();
        // Full means a flood: readers then see the outcome at their next regular look.
        let _ = self.hints.try_send(Hint { consumer, event_id, desks, subject_id, looks: 0 });
    }

    /// Tells the other streams of a user that messages were read; after the commit.
    pub fn read_by(&self, user_id: Uuid) {
        // Nobody watching is fine.
        let _ = self.signals.send(Signal::Reader(user_id));
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    /// A place for one more reader; `None` when all are taken.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }
}

/// Waits for commits; one query answers for all hints that wait.
pub struct Settler {
    signals: broadcast::Sender<Signal>,
    hints: mpsc::Receiver<Hint>,
}

impl Settler {
    /// Runs until every hub is gone.
    pub async fn run(mut self, pool: PgPool) {
        let mut waiting: Vec<Hint> = Vec::new();
        loop {
            if waiting.is_empty() {
                match self.hints.recv().await {
                    Some(hint) => waiting.push(hint),
                    None => return,
                }
            }
            while let Ok(hint) = self.hints.try_recv() {
                waiting.push(hint);
            }
            match self.settle(&pool, waiting).await {
                Ok(rest) => waiting = rest,
                Err(error) => {
                    tracing::warn!(%error, "live signals wait for the next regular look");
                    waiting = Vec::new();
                }
            }
            tokio::time::sleep(SETTLE_EVERY).await;
        }
    }

    /// Sends what has become visible; keeps the rest for another look.
    async fn settle(&self, pool: &PgPool, waiting: Vec<Hint>) -> Result<Vec<Hint>, sqlx::Error> {
        let consumers: Vec<String> = waiting.iter().map(|hint| hint.consumer.clone()).collect();
        let events: Vec<Uuid> = waiting.iter().map(|hint| hint.event_id).collect();
        let committed = store::committed(pool, &consumers, &events).await?;
        let mut rest = Vec::new();
        for mut hint in waiting {
            if committed.contains(&hint.event_id) {
                // Nobody watching is fine.
                let _ = self
                    .signals
                    .send(Signal::Desks { desks: hint.desks.into(), subject_id: hint.subject_id });
            } else if hint.looks < LOOKS_MAX {
                hint.looks += 1;
                rest.push(hint);
            }
        }
        Ok(rest)
    }
}
