//! Turns at something dear: so many at a time, fewer for one company or official, and a wait that ends.
//!
//! Whoever asks for much waits for its own turns first and stands in the common queue no more often than it has turns, so
//! that others wait for one piece of its work and not for all of it. Source: decision record 36.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chassis::Caller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Requests of one caller beside the one that comes: a frame of twenty pages is asked for at once.
const WAITING_MAX: usize = 32;

/// See the module.
#[derive(Debug)]
pub struct Turns {
    all: Semaphore,
    own_max: usize,
    wait: Duration,
    own: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// One turn; the next may begin when it is dropped.
#[derive(Debug)]
pub struct Turn<'t> {
    _all: SemaphorePermit<'t>,
    _own: OwnedSemaphorePermit,
}

impl Turns {
    /// So many at a time, so many of one caller; nobody waits longer than `wait`.
    #[must_use]
    pub fn new(all_max: usize, own_max: usize, wait: Duration) -> Self {
        Self { all: Semaphore::new(all_max), own_max, wait, own: Mutex::default() }
    }

    /// Waits for a turn; `None` where none came in time, or the caller waits for too many already.
    pub async fn take(&self, caller: &Caller) -> Option<Turn<'_>> {
        let own = self.own(caller);
        // Beside the map's and this one.
        if Arc::strong_count(&own) > WAITING_MAX + 2 {
            return None;
        }
        let both = async {
            let own = own.acquire_owned().await.ok()?;
            Some(Turn { _all: self.all.acquire().await.ok()?, _own: own })
        };
        tokio::time::timeout(self.wait, both).await.ok().flatten()
    }

    /// The turns of a company, of an official, or of everybody without an account.
    fn own(&self, caller: &Caller) -> Arc<Semaphore> {
        let name = caller.operator_id.map_or_else(|| caller.subject.clone(), |id| id.to_string());
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever neither has a turn nor waits is forgotten.
        own.retain(|_, turns| Arc::strong_count(turns) > 1);
        own.entry(name).or_insert_with(|| Arc::new(Semaphore::new(self.own_max))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(all_max: usize, own_max: usize) -> Turns {
        Turns::new(all_max, own_max, Duration::ZERO)
    }

    #[tokio::test]
    async fn one_caller_cannot_take_every_turn_and_a_turn_that_ends_is_free_again() {
        let turns = turns(3, 2);
        let (greedy, other) = (Caller::system("greedy"), Caller::system("other"));
        let first = turns.take(&greedy).await.expect("a turn");
        let second = turns.take(&greedy).await.expect("a turn");
        assert!(turns.take(&greedy).await.is_none(), "one caller has two");
        let third = turns.take(&other).await.expect("others have theirs");
        assert!(turns.take(&Caller::system("late")).await.is_none(), "all have three");
        drop((first, second));
        assert!(turns.take(&greedy).await.is_some());
        drop(third);
        turns.own(&other);
        assert_eq!(turns.own.lock().expect("not poisoned").len(), 1, "who has none is forgotten");
    }

    #[tokio::test]
    async fn whoever_waits_for_its_own_turn_is_not_in_the_way_of_others() {
        let turns = Turns::new(1, 1, Duration::from_secs(60));
        let (greedy, other) = (Caller::system("greedy"), Caller::system("other"));
        let first = turns.take(&greedy).await.expect("a turn");
        let (mut again, mut next) = (Box::pin(turns.take(&greedy)), Box::pin(turns.take(&other)));
        assert!(futures::poll!(&mut again).is_pending() && futures::poll!(&mut next).is_pending());
        drop(first);
        assert!(futures::poll!(&mut again).is_pending(), "it stands behind those who came meanwhile");
        assert!(futures::poll!(&mut next).is_ready());
    }

    #[tokio::test]
    async fn no_caller_waits_for_more_than_a_frame_of_pages() {
        let turns = Turns::new(1, 1, Duration::from_secs(60));
        let greedy = Caller::system("greedy");
        let first = turns.take(&greedy).await.expect("a turn");
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(turns.take(&greedy))).collect();
        for one in &mut waiting {
            assert!(futures::poll!(one).is_pending());
        }
        assert!(turns.take(&greedy).await.is_none(), "it is told at once");
        drop((waiting, first));
        assert!(turns.take(&greedy).await.is_some());
    }
}
