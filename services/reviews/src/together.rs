//! What several callers ask at the same time is answered once.
//!
//! Owns: who waits for whose answer. Not: what is asked. An answer is never older than its question: whoever comes while the
//! same is being read waits for the next reading, which serves all who wait by then. So does its failure: where the database is
//! away, those who wait do not find that out one after another, each at the end of its own patience. Source: decision record 12.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chassis::Failure;

/// Questions that are being answered.
pub struct Together<K: Eq + Hash + Clone, V>(Mutex<HashMap<K, Open<V>>>);

/// A question with how many wait for its answer.
type Open<V> = (Arc<Turn<V>>, usize);

/// One question.
struct Turn<V> {
    /// How many have asked.
    asked: AtomicU64,
    /// What the last reading gave, with how many had asked when it began.
    last: tokio::sync::Mutex<(u64, Option<Result<V, Failure>>)>,
}

/// Who asks: the last one to leave forgets the question.
struct Seat<'a, K: Eq + Hash + Clone, V> {
    all: &'a Together<K, V>,
    key: K,
}

impl<K: Eq + Hash + Clone, V: Clone> Together<K, V> {
    /// The answer that `read` gives, or that of somebody whose reading began after this call.
    ///
    /// # Errors
    /// Those of `read`, likewise. A reading that is given up fails nobody: the next in line reads for itself.
    pub async fn ask(&self, key: K, read: impl Future<Output = Result<V, Failure>>) -> Result<V, Failure> {
        let turn = self.sit(key.clone());
        let _seat = Seat { all: self, key };
        let place = turn.asked.fetch_add(1, Ordering::SeqCst);
        let mut last = turn.last.lock().await;
        if let (began, Some(outcome)) = &*last
            && *began > place
        {
            return again(outcome);
        }
        let began = turn.asked.load(Ordering::SeqCst);
        let outcome = read.await;
        *last = (began, Some(again(&outcome)));
        outcome
    }
}

/// The same for somebody else.
fn again<V: Clone>(outcome: &Result<V, Failure>) -> Result<V, Failure> {
    match outcome {
        Ok(value) => Ok(value.clone()),
        Err(failure) => Err(failure.again()),
    }
}

impl<K: Eq + Hash + Clone, V> Together<K, V> {
    fn sit(&self, key: K) -> Arc<Turn<V>> {
        let mut all = self.lock();
        let (turn, waiting) = all.entry(key).or_default();
        *waiting += 1;
        turn.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Open<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone, V> Default for Together<K, V> {
    fn default() -> Self {
        Together(Mutex::default())
    }
}

impl<V> Default for Turn<V> {
    fn default() -> Self {
        Turn { asked: AtomicU64::new(0), last: tokio::sync::Mutex::new((0, None)) }
    }
}

impl<K: Eq + Hash + Clone, V> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some((_, waiting)) = all.get_mut(&self.key) {
            *waiting -= 1;
            if *waiting == 0 {
                all.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    async fn read(count: &AtomicU64) -> Result<u64, Failure> {
        Ok(count.fetch_add(1, Ordering::SeqCst) + 1)
    }

    async fn fail(count: &AtomicU64) -> Result<u64, Failure> {
        let reading = read(count).await?;
        Err(Failure::unavailable("away", "数据库暂时不可用").with("reading", reading))
    }

    /// What was read, or why not.
    fn told(outcome: Result<u64, Failure>) -> Result<u64, String> {
        outcome.map_err(|failure| failure.reason().to_owned())
    }

    #[tokio::test]
    async fn whoever_asks_while_the_same_is_read_gets_the_next_reading_together_with_all_who_wait() {
        let (together, readings) = (Together::<&str, u64>::default(), AtomicU64::new(0));
        let (go, gone) = oneshot::channel::<()>();
        let first = together.ask("county", async {
            gone.await.expect("the test lets it go");
            read(&readings).await
        });
        let late = || together.ask("county", read(&readings));
        let release = async {
            // All have asked once this runs: the futures are polled in their order.
            go.send(()).expect("the first still waits");
        };
        let (first, second, third, fourth, ()) = tokio::join!(first, late(), late(), late(), release);
        assert_eq!([first, second, third, fourth].map(told), [Ok(1), Ok(2), Ok(2), Ok(2)]);
        assert!(together.lock().is_empty(), "nobody asks any more");
    }

    #[tokio::test]
    async fn an_answer_that_was_there_before_the_question_is_none() {
        let (together, readings) = (Together::<&str, u64>::default(), AtomicU64::new(0));
        for expected in [1, 2] {
            assert_eq!(told(together.ask("county", read(&readings)).await), Ok(expected));
        }
    }

    #[tokio::test]
    async fn all_who_wait_for_a_reading_that_fails_have_failed_with_it() {
        let (together, readings) = (Together::<&str, u64>::default(), AtomicU64::new(0));
        let (go, gone) = oneshot::channel::<()>();
        let first = together.ask("county", async {
            gone.await.expect("the test lets it go");
            read(&readings).await
        });
        let late = || together.ask("county", fail(&readings));
        let release = async {
            go.send(()).expect("the first still waits");
        };
        let (first, second, third, fourth, ()) = tokio::join!(first, late(), late(), late(), release);
        let away = || Err("away".to_owned());
        assert_eq!([first, second, third, fourth].map(told), [Ok(1), away(), away(), away()]);
        assert_eq!(readings.load(Ordering::SeqCst), 2, "one reading for the three that waited");
    }

    #[tokio::test]
    async fn a_reading_that_failed_or_is_given_up_fails_nobody_who_asks_after_it_began() {
        let (together, readings) = (Together::<&str, u64>::default(), AtomicU64::new(0));
        let failing = together.ask("county", fail(&readings));
        let next = together.ask("county", read(&readings));
        let (failing, next) = tokio::join!(failing, next);
        assert_eq!([failing, next].map(told), [Err("away".to_owned()), Ok(2)]);
        let mut given_up = Box::pin(together.ask("county", std::future::pending()));
        assert!(futures::poll!(&mut given_up).is_pending());
        drop(given_up);
        assert_eq!(told(together.ask("county", read(&readings)).await), Ok(3));
        assert!(together.lock().is_empty(), "nobody asks any more");
    }
}
