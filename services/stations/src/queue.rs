//! The bounded queue between streams and the database: batches wait here, few writers take all that waits into one
//! transaction, and each batch is answered after the commit.
//!
//! Source: performance, design rules 1, 5, 13; decision record 52. No timer: a lone batch goes at once. An operator's batches
//! are taken in the order sent. No operator takes all the room.
mod line;
mod meter;
mod share;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chassis::{Failure, error::Kind};
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::{
    line::Line,
    meter::Meter,
    share::{Share, Shares},
};
use crate::{app::Batch, domain::verdict::Verdict};

/// One verdict per line of each batch, or why none of them is written.
pub type Written = Result<Vec<Vec<Verdict>>, Failure>;

/// Writes batches in one transaction.
pub type Write<L> = Arc<dyn Fn(Arc<Vec<Batch<L>>>) -> BoxFuture<'static, Written> + Send + Sync>;

/// Gives the verdicts on a batch that needs no writing; none where it may say something new.
pub type Recall<L> = Arc<dyn Fn(&Batch<L>) -> Option<Vec<Verdict>> + Send + Sync>;

/// Bounds of a queue; all are settings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Writers.
    pub writers: usize,
    /// Items that may wait, over all writers.
    pub waiting_items: usize,
    /// Of those, items of one operator.
    pub operator_items: usize,
    /// Items after which no further batch goes into one transaction.
    pub flush_items: usize,
    /// What an overloaded client is asked to wait.
    pub retry_after: Duration,
}

/// Others do not wait for the end of a transaction that takes longer: some ordinary ones.
const LONG: Duration = Duration::from_millis(250);

/// How often batches are written again after another process was in the way.
const TRIES_MORE: usize = 2;

struct Job<L> {
    batch: Batch<L>,
    reply: Reply,
}

struct Reply {
    sender: oneshot::Sender<Result<Vec<Verdict>, Failure>>,
    /// Held until the batch is answered: bounds what waits.
    _room: OwnedSemaphorePermit,
    /// Likewise: bounds what waits of one operator.
    _share: Share,
    /// When the batch was put in line.
    since: Instant,
}

/// Where batches are put in line; the writers end some time after it.
struct Entrance<L>(Arc<Line<Job<L>>>);

impl<L> Drop for Entrance<L> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The sending side; clones share the writers.
pub struct Queue<L> {
    entrance: Arc<Entrance<L>>,
    room: Arc<Semaphore>,
    shares: Shares,
    retry_after: Duration,
    meter: Meter,
    recall: Option<Recall<L>>,
}

impl<L> Clone for Queue<L> {
    fn clone(&self) -> Self {
        Self {
            entrance: self.entrance.clone(),
            room: self.room.clone(),
            shares: self.shares.clone(),
            retry_after: self.retry_after,
            meter: self.meter.clone(),
            recall: self.recall.clone(),
        }
    }
}

/// The answer to a batch, once it is durable.
pub type Answer = oneshot::Receiver<Result<Vec<Verdict>, Failure>>;

impl<L: Clone + Send + Sync + 'static> Queue<L> {
    /// Starts the writers. They end when the last clone of the queue is gone, after what waits is written.
    #[must_use]
    pub fn start(kind: &'static str, limits: Limits, write: Write<L>) -> Self {
        let room = Arc::new(Semaphore::new(limits.waiting_items));
        let meter = Meter::new(kind, room.clone(), limits.waiting_items);
        let line = Arc::new(Line::new(limits.flush_items));
        for _ in 0..limits.writers {
            tokio::spawn(replaced(meter.clone(), line.clone(), write.clone()));
        }
        let entrance = Arc::new(Entrance(line));
        let shares = Shares::new(limits.operator_items);
        Self { entrance, room, shares, retry_after: limits.retry_after, meter, recall: None }
    }

    /// Answers what needs no writing at once, also where no room is left.
    #[must_use]
    pub fn recalling(self, recall: Recall<L>) -> Self {
        Self { recall: Some(recall), ..self }
    }

    /// Puts a batch in line, or refuses at once.
    ///
    /// # Errors
    /// `overloaded` (RESOURCE_EXHAUSTED, with the time to wait) when too much waits, of all or of this operator.
    pub fn submit(&self, batch: Batch<L>) -> Result<Answer, Failure> {
        if let Some(verdicts) = self.recall.as_ref().and_then(|recall| recall(&batch)) {
            self.meter.stored(Instant::now(), &verdicts);
            let (sender, answer) = oneshot::channel();
            // The receiver is here.
            let _ = sender.send(Ok(verdicts));
            return Ok(answer);
        }
        let count = batch.lines.len().max(1);
        let Some(share) = self.shares.take(batch.operator_id, count) else { return Err(self.overloaded()) };
        let items = u32::try_from(count).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(items) else { return Err(self.overloaded()) };
        let (sender, answer) = oneshot::channel();
        let reply = Reply { sender, _room: room, _share: share, since: Instant::now() };
        self.entrance.0.push(batch.operator_id, count, Job { batch, reply });
        self.meter.fill();
        Ok(answer)
    }

    fn overloaded(&self) -> Failure {
        self.meter.refused();
        Failure::busy("overloaded", "数据接收繁忙，请稍后重试，未回执的批次请重发").after(self.retry_after)
    }
}

/// A writer; after a panic, of which those that waited for it are told to send again, another takes its place.
async fn replaced<L: Clone + Send + Sync + 'static>(meter: Meter, line: Arc<Line<Job<L>>>, write: Write<L>) {
    while let Err(error) = tokio::spawn(run(meter.clone(), line.clone(), write.clone())).await
        && error.is_panic()
    {
        tracing::error!(kind = meter.kind, %error, "a writer panicked");
    }
}

async fn run<L: Clone + Send + Sync + 'static>(meter: Meter, line: Arc<Line<Job<L>>>, write: Write<L>) {
    while let Some(mut taken) = line.next().await {
        let jobs = std::mem::take(&mut taken.jobs);
        let mut written = Box::pin(write_all(&meter, jobs, &write));
        if tokio::time::timeout(LONG, &mut written).await.is_err() {
            taken.step_aside();
            written.await;
        }
        drop(taken);
        meter.fill();
    }
}

/// Writes in one transaction; each batch in one of its own where that one fails by a fault of ours.
async fn write_all<L: Clone + Send + Sync + 'static>(meter: &Meter, jobs: Vec<Job<L>>, write: &Write<L>) {
    let (batches, replies): (Vec<_>, Vec<_>) =
        jobs.into_iter().map(|Job { batch, reply }| (batch, reply)).unzip();
    let batches = Arc::new(batches);
    let outcome = persist(write, batches.clone()).await;
    if batches.len() > 1 && failed_by(&outcome, Kind::Internal) {
        // One of them cannot be written: the others do not wait for it.
        for (batch, reply) in batches.iter().zip(replies) {
            answer(meter, persist(write, Arc::new(vec![batch.clone()])).await, vec![reply]);
        }
    } else {
        answer(meter, outcome, replies);
    }
}

/// Writes batches; again where another process took one of the keys meanwhile, or its locks: what it wrote is visible then.
async fn persist<L>(write: &Write<L>, batches: Arc<Vec<Batch<L>>>) -> Written {
    let mut outcome = write(batches.clone()).await;
    for _ in 0..TRIES_MORE {
        if !failed_by(&outcome, Kind::Conflict) {
            break;
        }
        outcome = write(batches.clone()).await;
    }
    outcome
}

fn failed_by(outcome: &Written, kind: Kind) -> bool {
    outcome.as_ref().is_err_and(|failure| failure.kind() == kind)
}

fn answer(meter: &Meter, outcome: Written, replies: Vec<Reply>) {
    match outcome {
        Ok(verdicts) => {
            meter.committed();
            for (reply, verdicts) in replies.into_iter().zip(verdicts) {
                meter.stored(reply.since, &verdicts);
                // A client that has left does not read its receipt; it will send again.
                let _ = reply.sender.send(Ok(verdicts));
            }
        }
        Err(failure) => {
            tracing::error!(kind = meter.kind, error = %failure, "batches could not be written: {}", chassis::error::chain(&failure));
            for reply in replies {
                meter.failed();
                let _ = reply
                    .sender
                    .send(Err(Failure::unavailable("not_stored", "数据暂未入库，请稍后重发未回执的批次")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{
            Mutex,
            atomic::{AtomicU64, Ordering},
        },
    };

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
    use uuid::Uuid;

    use super::*;

    fn batch(lines: usize) -> Batch<u32> {
        batch_of(0, lines)
    }

    fn batch_of(operator: u128, lines: usize) -> Batch<u32> {
        Batch { operator_id: Uuid::from_u128(operator), batch_id: "b".into(), lines: vec![1; lines] }
    }

    fn limits() -> Limits {
        Limits {
            writers: 2,
            waiting_items: 10,
            operator_items: 10,
            flush_items: 4,
            retry_after: Duration::from_secs(1),
        }
    }

    /// Writes nothing before it is told to.
    fn held_back(gate: tokio::sync::watch::Receiver<bool>) -> Write<u32> {
        Arc::new(move |batches| {
            let mut gate = gate.clone();
            Box::pin(async move {
                gate.wait_for(|open| *open).await.map_err(Failure::internal)?;
                Ok(batches.iter().map(|_| Vec::new()).collect())
            })
        })
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
    async fn a_batch_that_cannot_be_written_takes_no_other_with_it() {
        let write: Write<u32> = Arc::new(|batches| {
            Box::pin(async move {
                if batches.iter().any(|batch| batch.lines.len() == 3) {
                    return Err(Failure::internal(std::io::Error::other("a row that no table holds")));
                }
                Ok(batches.iter().map(|batch| vec![Verdict::Accepted; batch.lines.len()]).collect())
            })
        });
        let queue = Queue::start("test", Limits { flush_items: 10, ..limits() }, write);
        let answers = [1, 3, 2].map(|lines| queue.submit(batch(lines)).expect("room"));
        let mut taken = Vec::new();
        for answer in answers {
            taken.push(answer.await.expect("answered").map_err(|failure| failure.reason().to_owned()));
        }
        let accepted = |lines| Ok(vec![Verdict::Accepted; lines]);
        assert_eq!(taken, [accepted(1), Err("not_stored".to_owned()), accepted(2)]);
    }

    #[tokio::test]
    async fn what_another_process_was_in_the_way_of_is_written_after_it() {
        let tried = Arc::new(AtomicU64::new(0));
        let counted = tried.clone();
        let write: Write<u32> = Arc::new(move |batches| {
            let turn = counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                if turn < 2 {
                    return Err(Failure::conflict("busy_elsewhere", "…"));
                }
                Ok(batches.iter().map(|batch| vec![Verdict::Accepted; batch.lines.len()]).collect())
            })
        });
        let queue = Queue::start("test", limits(), write);
        let answer = queue.submit(batch(1)).expect("room").await.expect("answered");
        assert_eq!(answer.expect("written"), [Verdict::Accepted]);
        assert_eq!(tried.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn nobody_else_writes_for_an_operator_while_somebody_does() {
        let (open, gate) = tokio::sync::watch::channel(false);
        let begun = Arc::new(Mutex::new(Vec::new()));
        let (seen, held) = (begun.clone(), held_back(gate));
        let write: Write<u32> = Arc::new(move |batches| {
            let operators = batches.iter().map(|batch| batch.operator_id.as_u128());
            seen.lock().expect("no panic before").extend(operators);
            held(batches)
        });
        let queue = Queue::start("test", Limits { writers: 3, flush_items: 1, ..limits() }, write);
        let answers = [1, 1, 2].map(|operator| queue.submit(batch_of(operator, 1)).expect("room"));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let mut now = begun.lock().expect("no panic before").clone();
        now.sort_unstable();
        assert_eq!(now, [1, 2]);
        open.send(true).expect("writers listen");
        for answer in answers {
            answer.await.expect("answered").expect("written");
        }
        assert_eq!(begun.lock().expect("no panic before").len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn one_operator_whose_batch_takes_long_keeps_no_other_waiting() {
        let (open, gate) = tokio::sync::watch::channel(false);
        let held = held_back(gate);
        let write: Write<u32> = Arc::new(move |batches| match batches[0].operator_id.as_u128() {
            1 => held(batches),
            _ => Box::pin(async move { Ok(batches.iter().map(|_| vec![Verdict::Accepted]).collect()) }),
        });
        let queue = Queue::start("test", Limits { flush_items: 1_000, ..limits() }, write);
        let slow = queue.submit(batch_of(1, 1)).expect("room");
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let quick = queue.submit(batch_of(2, 1)).expect("room");
        let quick =
            tokio::time::timeout(Duration::from_secs(5), quick).await.expect("no other is waited for");
        assert_eq!(quick.expect("answered").expect("written"), [Verdict::Accepted]);
        open.send(true).expect("writers listen");
        slow.await.expect("answered").expect("written");
    }

    #[tokio::test]
    async fn after_a_panic_another_writer_takes_the_place() {
        let first = Arc::new(AtomicU64::new(0));
        let write: Write<u32> = Arc::new(move |batches| {
            assert!(first.fetch_add(1, Ordering::Relaxed) > 0, "the first one panics");
            Box::pin(async move { Ok(batches.iter().map(|_| vec![Verdict::Accepted]).collect()) })
        });
        let queue = Queue::start("test", Limits { writers: 1, ..limits() }, write);
        queue.submit(batch(1)).expect("room").await.expect_err("nobody answers");
        let second = queue.submit(batch(1)).expect("room");
        let second = tokio::time::timeout(Duration::from_secs(5), second).await.expect("somebody writes");
        assert_eq!(second.expect("answered").expect("written"), [Verdict::Accepted]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_room_comes_back() {
        let (open, gate) = tokio::sync::watch::channel(false);
        let queue = Queue::start("test", limits(), held_back(gate));
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
    async fn what_needs_no_writing_is_answered_at_once_also_by_a_full_queue() {
        let (open, gate) = tokio::sync::watch::channel(false);
        let single: Recall<u32> =
            Arc::new(|batch| (batch.lines.len() == 1).then(|| vec![Verdict::Duplicate]));
        let queue = Queue::start("test", limits(), held_back(gate)).recalling(single);
        let waiting = queue.submit(batch(10)).expect("room");
        assert!(queue.submit(batch(2)).is_err());
        let known = queue.clone().submit(batch(1)).expect("needs no room");
        assert_eq!(known.await.expect("answered").expect("known"), [Verdict::Duplicate]);
        open.send(true).expect("writers listen");
        waiting.await.expect("answered").expect("written");
    }

    #[tokio::test]
    async fn one_operator_that_sends_without_end_leaves_room_for_another() {
        let (open, gate) = tokio::sync::watch::channel(false);
        let queue = Queue::start("test", Limits { operator_items: 4, ..limits() }, held_back(gate));
        let greedy: Vec<_> = (0..20).map(|_| queue.submit(batch_of(1, 1))).collect();
        assert_eq!(greedy.iter().filter(|sent| sent.is_ok()).count(), 4);
        let modest = queue.submit(batch_of(2, 4)).expect("a share of its own");
        open.send(true).expect("writers listen");
        modest.await.expect("answered").expect("written");
        // the share is dropped right after the reply was sent
        while queue.submit(batch_of(1, 4)).is_err() {
            tokio::task::yield_now().await;
        }
    }

    /// Counters by name and labels.
    #[derive(Default)]
    struct Counted(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

    impl Counted {
        fn of(&self, name: &str, labels: &str) -> u64 {
            let kept = self.0.lock().expect("no panic before");
            kept.get(&format!("{name} {labels}")).map_or(0, |count| count.load(Ordering::Relaxed))
        }
    }

    impl metrics::Recorder for Counted {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            let labels: Vec<&str> = key.labels().map(|label| label.value()).collect();
            let place = format!("{} {}", key.name(), labels.join(" "));
            Counter::from_arc(self.0.lock().expect("no panic before").entry(place).or_default().clone())
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[tokio::test]
    async fn items_batches_and_refusals_are_counted_by_kind() {
        let counted = Counted::default();
        // The writers of this test run on its own thread.
        let _recorder = metrics::set_default_local_recorder(&counted);
        let write: Write<u32> = Arc::new(|batches| {
            Box::pin(async move {
                Ok(batches
                    .iter()
                    .map(|_| vec![Verdict::Accepted, Verdict::Accepted, Verdict::Stale])
                    .collect())
            })
        });
        let queue = Queue::start("order", limits(), write);
        queue.submit(batch(3)).expect("room").await.expect("answered").expect("written");
        assert!(queue.submit(batch(11)).is_err());
        let items = |verdict| counted.of("ingest_items_total", &format!("order {verdict}"));
        assert_eq!((items("accepted"), items("stale"), items("rejected")), (2, 1, 0));
        let batches = |outcome| counted.of("ingest_batches_total", &format!("order {outcome}"));
        assert_eq!((batches("stored"), batches("refused"), batches("failed")), (1, 1, 0));
        assert_eq!(counted.of("ingest_transactions_total", "order"), 1);
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
