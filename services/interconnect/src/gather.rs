//! What an operator pushes, on its way to stations: while a call of it is under way, further pushes wait and go in the next.
//!
//! Owns: who waits, how much of it, and whose receipt is whose. Not: what a batch says, nor what its receipt means (`app`).
//! No timer: a lone push goes at once. Source: decision record 49; performance, design rules 1, 13 and 15.
use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chassis::{Failure, error::Kind};
use futures::{FutureExt as _, future::BoxFuture};
use prost::Message;
use proto::stations::Receipt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tonic::Status;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::{config::Waiting, labels};

/// The receipts of a push, one for each of its batches in their order, once they are durable.
pub type Answer = Result<Vec<Receipt>, Status>;

/// Makes one call with batches in an operator's voice.
pub type Deliver<V, B> = Arc<dyn Fn(V, Vec<B>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// Pushes of one kind, their batches `B` in the voice `V` of their operator.
pub struct Gather<V, B> {
    /// What waits, by operator; only those with a call under way are here.
    lines: Mutex<HashMap<Uuid, Vec<Push<V, B>>>>,
    limits: Waiting,
    /// A permit for each byte that may be here, over all operators.
    room: Arc<Semaphore>,
    deliver: Deliver<V, B>,
}

struct Push<V, B> {
    voice: V,
    batches: Vec<B>,
    /// In which it came: the trace of its call, or of one that begins with it.
    span: Span,
    reply: oneshot::Sender<Answer>,
    /// One for each byte, held until it is answered.
    room: OwnedSemaphorePermit,
}

impl<V, B> Gather<V, B>
where
    V: Clone + Send + 'static,
    B: Message + Clone + 'static,
{
    /// Nothing waits yet.
    #[must_use]
    pub fn new(limits: Waiting, deliver: Deliver<V, B>) -> Arc<Self> {
        let room = Arc::new(Semaphore::new(limits.all_bytes_max));
        Arc::new(Self { lines: Mutex::default(), limits, room, deliver })
    }

    /// Sends the batches of one push: at once, or with what else waits for the end of the operator's call. Pushes of an
    /// operator keep their order. Whoever stops waiting leaves a push that is delivered all the same.
    ///
    /// # Errors
    /// The failure that the push would have met alone; `overloaded` (RESOURCE_EXHAUSTED) at once, when too much waits.
    pub async fn send(self: &Arc<Self>, operator_id: Uuid, voice: V, batches: Vec<B>) -> Answer {
        let answer = self.join(operator_id, voice, batches)?;
        answer.await.unwrap_or_else(|_| Err(Failure::unavailable("not_stored", labels::BUSY).into()))
    }

    /// Begins a call, or waits for the end of the one under way.
    fn join(
        self: &Arc<Self>,
        operator_id: Uuid,
        voice: V,
        batches: Vec<B>,
    ) -> Result<oneshot::Receiver<Answer>, Failure> {
        let overloaded = || Failure::busy("overloaded", labels::BUSY);
        let bytes: usize = batches.iter().map(Message::encoded_len).sum();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(bytes).map_err(|_| overloaded())?;
        let (reply, answer) = oneshot::channel();
        let push = Push { voice, batches, span: Span::current(), reply, room };
        match self.lines().entry(operator_id) {
            Entry::Vacant(line) => {
                line.insert(Vec::new());
                // A task of its own: the call is not only this push's, and does not end when its client goes away.
                tokio::spawn(self.clone().run(operator_id, push));
            }
            Entry::Occupied(mut line) => {
                if !fits(line.get(), &push, &self.limits) {
                    return Err(overloaded());
                }
                line.get_mut().push(push);
            }
        }
        Ok(answer)
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Push<V, B>>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an operator's calls, one after the other, until nothing of it waits.
    async fn run(self: Arc<Self>, operator_id: Uuid, first: Push<V, B>) {
        let mut pushes = vec![first];
        loop {
            // Whatever happens to these, those that wait behind them must go on.
            if AssertUnwindSafe(self.go(pushes)).catch_unwind().await.is_err() {
                tracing::error!(operator.id = %operator_id, "a call to stations panicked");
            }
            match self.next(operator_id) {
                Some(waiting) => pushes = waiting,
                None => return,
            }
        }
    }

    /// All that waits of an operator; forgets one of which nothing does.
    fn next(&self, operator_id: Uuid) -> Option<Vec<Push<V, B>>> {
        let mut lines = self.lines();
        let waiting = lines.get_mut(&operator_id).map(mem::take).filter(|waiting| !waiting.is_empty());
        if waiting.is_none() {
            lines.remove(&operator_id);
        }
        waiting
    }

    async fn go(&self, mut pushes: Vec<Push<V, B>>) {
        if pushes.len() > 1 {
            pushes = self.together(pushes).await;
        }
        self.one_by_one(pushes).await;
    }

    /// Answers them by one call; gives back those that have to be sent once more by themselves, because one of them may have
    /// spoilt it for the others.
    async fn together(&self, pushes: Vec<Push<V, B>>) -> Vec<Push<V, B>> {
        let ends = pushes.first().zip(pushes.last());
        // The voice of the latest is good for longest.
        let Some((span, voice)) = ends.map(|(first, last)| (first.span.clone(), last.voice.clone())) else {
            return pushes;
        };
        let batches: Vec<B> = pushes.iter().flat_map(|push| push.batches.iter().cloned()).collect();
        let sent = batches.len();
        match (self.deliver)(voice, batches).instrument(span).await {
            Ok(receipts) if receipts.len() == sent => share(pushes, receipts),
            Err(status) if of_all(&status) => refuse(pushes, &status),
            outcome => {
                let code = outcome.err().map(|status| status.code());
                tracing::warn!(
                    pushes = pushes.len(),
                    ?code,
                    "a call with several pushes failed, each goes alone"
                );
                return pushes;
            }
        }
        Vec::new()
    }

    async fn one_by_one(&self, pushes: Vec<Push<V, B>>) {
        let mut pushes = pushes.into_iter();
        while let Some(Push { voice, batches, span, reply, room }) = pushes.next() {
            let answer = (self.deliver)(voice, batches).instrument(span).await;
            let everybodys = answer.as_ref().err().filter(|status| of_all(status)).cloned();
            // A client that has left does not read its receipts; it will send again.
            let _ = reply.send(answer);
            drop(room);
            if let Some(status) = everybodys {
                return refuse(pushes, &status);
            }
        }
    }
}

/// Whether a push may wait behind others. One that is the first to wait may, so that none is too large for ever.
fn fits<V, B>(waiting: &[Push<V, B>], push: &Push<V, B>, limits: &Waiting) -> bool {
    let all = || waiting.iter().chain([push]);
    let batches: usize = all().map(|push| push.batches.len()).sum();
    let bytes: usize = all().map(|push| push.room.num_permits()).sum();
    waiting.is_empty() || (batches <= limits.batches_max && bytes <= limits.bytes_max)
}

/// Whether a failure says nothing of the batches: each push of the operator would meet it now.
fn of_all(status: &Status) -> bool {
    matches!(
        Kind::of(status.code()),
        Kind::Busy | Kind::Unavailable | Kind::Unauthenticated | Kind::Forbidden
    )
}

/// Gives each push the receipts of its own batches.
fn share<V, B>(pushes: Vec<Push<V, B>>, receipts: Vec<Receipt>) {
    let mut receipts = receipts.into_iter();
    for push in pushes {
        let own = receipts.by_ref().take(push.batches.len()).collect();
        // A client that has left does not read its receipts; it will send again.
        let _ = push.reply.send(Ok(own));
    }
}

fn refuse<V, B>(pushes: impl IntoIterator<Item = Push<V, B>>, status: &Status) {
    for push in pushes {
        // As above.
        let _ = push.reply.send(Err(status.clone()));
    }
}

#[cfg(test)]
mod tests {
    use proto::stations::StatusBatch;
    use tokio::{sync::mpsc, task::yield_now};
    use tonic::Code;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    /// A call as stations gets it; it lasts until the test answers.
    struct Asked {
        voice: u32,
        ids: Vec<String>,
        reply: oneshot::Sender<Answer>,
    }

    impl Asked {
        /// Takes every batch.
        fn take(self) -> Vec<String> {
            let receipts = self.ids.iter().map(|id| receipt(id)).collect();
            self.reply.send(Ok(receipts)).expect("the call waits");
            self.ids
        }

        fn fail(self, status: Status) -> Vec<String> {
            self.reply.send(Err(status)).expect("the call waits");
            self.ids
        }
    }

    fn receipt(id: &str) -> Receipt {
        Receipt { batch_id: id.to_owned(), ..Receipt::default() }
    }

    fn batch(id: &str) -> StatusBatch {
        StatusBatch { batch_id: id.to_owned(), ..StatusBatch::default() }
    }

    fn limits() -> Waiting {
        Waiting { batches_max: 4, bytes_max: 1_000, all_bytes_max: 10_000 }
    }

    type Gathering = Arc<Gather<u32, StatusBatch>>;

    fn gathering(limits: Waiting) -> (Gathering, mpsc::UnboundedReceiver<Asked>) {
        let (ask, asked) = mpsc::unbounded_channel();
        let deliver: Deliver<u32, StatusBatch> = Arc::new(move |voice, batches| {
            let (reply, answer) = oneshot::channel();
            let ids = batches.into_iter().map(|batch| batch.batch_id).collect();
            ask.send(Asked { voice, ids, reply }).expect("the test listens");
            Box::pin(async move { answer.await.expect("the test answers") })
        });
        (Gather::new(limits, deliver), asked)
    }

    /// A push of one operator, in line when this returns.
    fn push(gathering: &Gathering, ids: &[&str]) -> oneshot::Receiver<Answer> {
        gathering.join(ONE, 1, ids.iter().map(|id| batch(id)).collect()).expect("room")
    }

    async fn receipts(answer: oneshot::Receiver<Answer>) -> Vec<String> {
        let receipts = answer.await.expect("answered").expect("taken");
        receipts.into_iter().map(|receipt| receipt.batch_id).collect()
    }

    async fn failure(answer: oneshot::Receiver<Answer>) -> Code {
        answer.await.expect("answered").expect_err("refused").code()
    }

    /// Nothing of anybody is kept. The task that answered may not have ended yet.
    async fn at_rest(gathering: &Gathering) {
        while !gathering.lines().is_empty() || gathering.room.available_permits() < limits().all_bytes_max {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_lone_push_goes_at_once_and_leaves_nothing_behind() {
        let (gathering, mut asked) = gathering(limits());
        let lone = push(&gathering, &["a"]);
        assert_eq!(asked.recv().await.expect("a call").take(), ["a"]);
        assert_eq!(receipts(lone).await, ["a"]);
        at_rest(&gathering).await;
    }

    #[tokio::test]
    async fn what_waits_goes_in_one_call_in_the_order_sent_and_each_gets_its_own_receipts() {
        let (gathering, mut asked) = gathering(limits());
        let first = push(&gathering, &["a"]);
        let under_way = asked.recv().await.expect("a call");
        let second = push(&gathering, &["b", "c"]);
        let third = push(&gathering, &["d"]);
        let fourth = gathering.join(ONE, 2, vec![batch("e")]).expect("room");
        yield_now().await;
        assert!(asked.try_recv().is_err(), "an operator has one call at a time");
        assert_eq!(under_way.take(), ["a"]);
        let together = asked.recv().await.expect("a second call");
        assert_eq!(together.voice, 2, "in the latest voice");
        assert_eq!(together.take(), ["b", "c", "d", "e"]);
        assert_eq!(receipts(first).await, ["a"]);
        assert_eq!(receipts(second).await, ["b", "c"]);
        assert_eq!(receipts(third).await, ["d"]);
        assert_eq!(receipts(fourth).await, ["e"]);
        at_rest(&gathering).await;
        assert!(asked.try_recv().is_err(), "nothing was sent twice");
    }

    #[tokio::test]
    async fn operators_do_not_wait_for_each_other() {
        let (gathering, mut asked) = gathering(limits());
        let _slow = push(&gathering, &["a"]);
        let quick = gathering.join(OTHER, 1, vec![batch("b")]).expect("room");
        let _under_way = asked.recv().await.expect("a call");
        assert_eq!(asked.recv().await.expect("another").take(), ["b"]);
        assert_eq!(receipts(quick).await, ["b"]);
    }

    #[tokio::test]
    async fn one_that_is_refused_does_not_take_its_neighbours_with_it() {
        let (gathering, mut asked) = gathering(limits());
        let _first = push(&gathering, &["a"]);
        let under_way = asked.recv().await.expect("a call");
        let [before, wrong, behind] = [["b"], ["wrong"], ["c"]].map(|ids| push(&gathering, &ids));
        under_way.take();
        let too_many = || Status::invalid_argument("too_many");
        assert_eq!(asked.recv().await.expect("all").fail(too_many()), ["b", "wrong", "c"]);
        assert_eq!(asked.recv().await.expect("alone").take(), ["b"]);
        assert_eq!(asked.recv().await.expect("alone").fail(too_many()), ["wrong"]);
        assert_eq!(asked.recv().await.expect("alone").take(), ["c"]);
        assert_eq!(receipts(before).await, ["b"]);
        assert_eq!(failure(wrong).await, Code::InvalidArgument);
        assert_eq!(receipts(behind).await, ["c"]);
        at_rest(&gathering).await;
    }

    #[tokio::test]
    async fn receipts_that_are_too_few_are_nobodys_and_each_goes_alone() {
        let (gathering, mut asked) = gathering(limits());
        let _first = push(&gathering, &["a"]);
        let under_way = asked.recv().await.expect("a call");
        let [second, third] = [["b"], ["c"]].map(|ids| push(&gathering, &ids));
        under_way.take();
        let together = asked.recv().await.expect("both");
        together.reply.send(Ok(vec![receipt("b")])).expect("the call waits");
        assert_eq!(asked.recv().await.expect("alone").take(), ["b"]);
        assert_eq!(asked.recv().await.expect("alone").take(), ["c"]);
        assert_eq!((receipts(second).await, receipts(third).await), (vec!["b".into()], vec!["c".into()]));
    }

    #[tokio::test]
    async fn a_failure_that_each_would_meet_is_everybodys_and_nobody_is_sent_again() {
        let (gathering, mut asked) = gathering(limits());
        let first = push(&gathering, &["a"]);
        let under_way = asked.recv().await.expect("a call");
        let [second, third] = [["b"], ["c"]].map(|ids| push(&gathering, &ids));
        under_way.fail(Status::resource_exhausted("overloaded"));
        asked.recv().await.expect("both").fail(Status::unavailable("not_stored"));
        assert_eq!(failure(first).await, Code::ResourceExhausted);
        assert_eq!((failure(second).await, failure(third).await), (Code::Unavailable, Code::Unavailable));
        at_rest(&gathering).await;
        assert!(asked.try_recv().is_err(), "stations is not asked once more");
    }

    #[tokio::test]
    async fn stations_that_goes_away_while_they_go_alone_is_not_asked_for_each() {
        let (gathering, mut asked) = gathering(limits());
        let _first = push(&gathering, &["a"]);
        let under_way = asked.recv().await.expect("a call");
        let [second, third] = [["b"], ["c"]].map(|ids| push(&gathering, &ids));
        under_way.take();
        asked.recv().await.expect("both").fail(Status::internal("internal"));
        assert_eq!(asked.recv().await.expect("alone").fail(Status::unavailable("away")), ["b"]);
        assert_eq!((failure(second).await, failure(third).await), (Code::Unavailable, Code::Unavailable));
        at_rest(&gathering).await;
        assert!(asked.try_recv().is_err());
    }

    #[tokio::test]
    async fn too_many_that_wait_are_refused_at_once_and_room_comes_back() {
        let (gathering, mut asked) = gathering(limits());
        let refused = |operator, ids: &[&str]| {
            let refused = gathering.join(operator, 1, ids.iter().map(|id| batch(id)).collect());
            refused.err().map(|failure| (failure.reason().to_owned(), failure.kind()))
        };
        let overloaded = Some(("overloaded".to_owned(), Kind::Busy));
        let _first = push(&gathering, &["a"]);
        let under_way = asked.recv().await.expect("a call");
        let _waiting = push(&gathering, &["b", "c", "d"]);
        assert_eq!(refused(ONE, &["e", "f"]), overloaded, "five batches");
        assert_eq!(refused(ONE, &[&"x".repeat(1_000)]), overloaded, "a thousand bytes");
        assert_eq!(refused(OTHER, &[&"x".repeat(10_000)]), overloaded, "more than everybody's");
        let _fourth = push(&gathering, &["g"]);
        under_way.take();
        assert_eq!(asked.recv().await.expect("a call").take(), ["b", "c", "d", "g"]);
        at_rest(&gathering).await;
        let _again = push(&gathering, &["h"]);
        assert_eq!(asked.recv().await.expect("a call").take(), ["h"]);
    }

    #[tokio::test]
    async fn the_first_that_waits_may_be_larger_than_what_may_wait() {
        let (gathering, mut asked) = gathering(limits());
        let _first = push(&gathering, &["a"]);
        let under_way = asked.recv().await.expect("a call");
        let _large = push(&gathering, &["b", "c", "d", "e", &"x".repeat(2_000)]);
        assert!(gathering.join(ONE, 1, vec![batch("f")]).is_err());
        under_way.take();
        assert_eq!(asked.recv().await.expect("a call").take().len(), 5);
    }

    #[tokio::test]
    async fn whoever_goes_away_while_it_waits_leaves_nothing_behind_and_delays_nobody() {
        let (gathering, mut asked) = gathering(limits());
        drop(push(&gathering, &["a"]));
        let under_way = asked.recv().await.expect("a call");
        drop(push(&gathering, &["b"]));
        let stays = push(&gathering, &["c"]);
        under_way.take();
        assert_eq!(asked.recv().await.expect("a call").take(), ["b", "c"]);
        assert_eq!(receipts(stays).await, ["c"]);
        at_rest(&gathering).await;
    }

    #[tokio::test]
    async fn a_call_that_panics_is_a_failure_of_its_own_pushes_only() {
        let deliver: Deliver<u32, StatusBatch> = Arc::new(|_, batches| {
            Box::pin(async move {
                let ids = batches.iter().map(|batch| batch.batch_id.as_str());
                ids.map(|id| if id == "a" { panic!("as the test wants") } else { Ok(receipt(id)) }).collect()
            })
        });
        let gathering = Gather::new(limits(), deliver);
        let broken = push(&gathering, &["a"]);
        let waits = push(&gathering, &["b"]);
        assert!(broken.await.is_err(), "nobody answers");
        assert_eq!(receipts(waits).await, ["b"]);
        at_rest(&gathering).await;
        let told = gathering.send(ONE, 1, vec![batch("a")]).await.expect_err("nothing was stored");
        assert_eq!(told.code(), Code::Unavailable);
    }
}
