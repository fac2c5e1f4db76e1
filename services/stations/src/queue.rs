//! The bounded queue between streams and the database: batches wait here, few writers take all that waits into one
//! transaction, and each batch is answered after the commit.
//!
//! Source: performance, design rules 1, 5, 13. No timer: a lone batch goes at once. An operator's batches always go to
//! the same writer, so they are taken in the order sent.
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use chassis::Failure;
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{app::Batch, domain::verdict::Verdict};

/// Writes batches in one transaction and gives one verdict per line of each.
pub type Write<L> =
    Arc<dyn Fn(Arc<Vec<Batch<L>>>) -> BoxFuture<'static, Result<Vec<Vec<Verdict>>, Failure>> + Send + Sync>;

/// Bounds of a queue; all are settings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Writers.
    pub writers: usize,
    /// Items that may wait, over all writers.
    pub waiting_items: usize,
    /// Batches of one transaction.
    pub flush_batches: usize,
    /// What an overloaded client is asked to wait.
    pub retry_after: Duration,
}

struct Job<L> {
    batch: Batch<L>,
    reply: oneshot::Sender<Result<Vec<Verdict>, Failure>>,
    /// Held until the batch is answered: bounds what waits.
    room: OwnedSemaphorePermit,
}

/// The sending side; clones share the writers.
pub struct Queue<L> {
    lanes: Arc<[mpsc::Sender<Job<L>>]>,
    room: Arc<Semaphore>,
    retry_after: Duration,
}

impl<L> Clone for Queue<L> {
    fn clone(&self) -> Self {
        Self { lanes: self.lanes.clone(), room: self.room.clone(), retry_after: self.retry_after }
    }
}

/// The answer to a batch, once it is durable.
pub type Answer = oneshot::Receiver<Result<Vec<Verdict>, Failure>>;

impl<L: Send + Sync + 'static> Queue<L> {
    /// Starts the writers. They end when the last clone of the queue is gone, after what waits is written.
    #[must_use]
    pub fn start(kind: &'static str, limits: Limits, write: Write<L>) -> Self {
        let lanes = (0..limits.writers)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(limits.waiting_items.max(1));
                tokio::spawn(run(kind, receiver, limits.flush_batches, write.clone()));
                sender
            })
            .collect();
        Self { lanes, room: Arc::new(Semaphore::new(limits.waiting_items)), retry_after: limits.retry_after }
    }

    /// Puts a batch in line, or refuses at once.
    ///
    /// # Errors
    /// `overloaded` (RESOURCE_EXHAUSTED, with the time to wait) when too much waits.
    pub fn submit(&self, batch: Batch<L>) -> Result<Answer, Failure> {
        let items = u32::try_from(batch.lines.len().max(1)).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(items) else { return Err(self.overloaded()) };
        let mut hasher = DefaultHasher::new();
        batch.operator_id.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % self.lanes.len() as u64).unwrap_or_default();
        let (reply, answer) = oneshot::channel();
        match self.lanes[lane].try_send(Job { batch, reply, room }) {
            Ok(()) => Ok(answer),
            Err(_) => Err(self.overloaded()),
        }
    }

    fn overloaded(&self) -> Failure {
        Failure::busy("overloaded", "数据接收繁忙，请稍后重试，未回执的批次请重发").after(self.retry_after)
    }
}

async fn run<L: Send + Sync + 'static>(
    kind: &'static str,
    mut receiver: mpsc::Receiver<Job<L>>,
    flush_batches: usize,
    write: Write<L>,
) {
    let mut waiting = Vec::with_capacity(flush_batches);
    while receiver.recv_many(&mut waiting, flush_batches).await > 0 {
        let mut batches = Vec::with_capacity(waiting.len());
        let mut replies = Vec::with_capacity(waiting.len());
        for job in waiting.drain(..) {
            batches.push(job.batch);
            replies.push((job.reply, job.room));
        }
        let batches = Arc::new(batches);
        let outcome = match write(batches.clone()).await {
            // Another process took one of the keys meanwhile: what it wrote is visible now.
            Err(failure) if failure.kind() == chassis::error::Kind::Conflict => write(batches.clone()).await,
            outcome => outcome,
        };
        answer(kind, outcome, replies);
    }
}

type Reply = (oneshot::Sender<Result<Vec<Verdict>, Failure>>, OwnedSemaphorePermit);

fn answer(kind: &'static str, outcome: Result<Vec<Vec<Verdict>>, Failure>, replies: Vec<Reply>) {
    match outcome {
        Ok(verdicts) => {
            for ((reply, _room), verdicts) in replies.into_iter().zip(verdicts) {
                // A client that has left does not read its receipt; it will send again.
                let _ = reply.send(Ok(verdicts));
            }
        }
        Err(failure) => {
            tracing::error!(kind, error = %failure, "batches could not be written: {}", chassis::error::chain(&failure));
            for (reply, _room) in replies {
                let _ = reply
                    .send(Err(Failure::unavailable("not_stored", "数据暂未入库，请稍后重发未回执的批次")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn batch(lines: usize) -> Batch<u32> {
        Batch { operator_id: Uuid::nil(), batch_id: "b".into(), lines: vec![1; lines] }
    }

    fn limits() -> Limits {
        Limits { writers: 2, waiting_items: 10, flush_batches: 4, retry_after: Duration::from_secs(1) }
    }

    #[tokio::test]
    async fn each_batch_gets_its_own_answer() {
        let write: Write<u32> = Arc::new(|batches| {
            Box::pin(async move {
                Ok(batches
                    .iter()
                    .map(|batch| batch.lines.iter().map(|_| Verdict::Accepted).collect())
                    .collect())
            })
        });
        let queue = Queue::start("test", limits(), write);
        let (first, second) = (queue.submit(batch(2)).expect("room"), queue.submit(batch(3)).expect("room"));
        assert_eq!(first.await.expect("answered").expect("written").len(), 2);
        assert_eq!(second.await.expect("answered").expect("written").len(), 3);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_room_comes_back() {
        let (open, gate) = tokio::sync::watch::channel(false);
        let write: Write<u32> = Arc::new(move |batches| {
            let mut gate = gate.clone();
            Box::pin(async move {
                gate.wait_for(|open| *open).await.map_err(Failure::internal)?;
                Ok(batches.iter().map(|_| Vec::new()).collect())
            })
        });
        let queue = Queue::start("test", limits(), write);
        let waiting = queue.submit(batch(8)).expect("room");
        assert_eq!(
            queue.submit(batch(3)).err().map(|failure| failure.reason().to_owned()),
            Some("overloaded".into())
        );
        open.send(true).expect("writers listen");
        waiting.await.expect("answered").expect("written");
        // the permit is dropped right after the reply was sent
        while queue.submit(batch(10)).is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_failed_write_answers_every_batch() {
        let write: Write<u32> =
            Arc::new(|_| Box::pin(async { Err(Failure::unavailable("database_unavailable", "")) }));
        let queue = Queue::start("test", limits(), write);
        let failure =
            queue.submit(batch(1)).expect("room").await.expect("answered").expect_err("not written");
        assert_eq!(failure.reason(), "not_stored");
    }
}
