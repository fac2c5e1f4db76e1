//! Each operator's share of what may wait: one that sends without end leaves room for the others.
//!
//! Owns: the counts. Not: how much waits over all (`queue`). One lock a batch, held for a look into a map.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

/// Items waiting by operator.
#[derive(Clone)]
pub(super) struct Shares {
    held: Arc<Mutex<HashMap<Uuid, usize>>>,
    /// Items of one operator that may wait.
    items_max: usize,
}

/// A part of an operator's share; given back when dropped.
pub(super) struct Share {
    of: Shares,
    operator_id: Uuid,
    items: usize,
}

impl Shares {
    pub(super) fn new(items_max: usize) -> Self {
        Self { held: Arc::default(), items_max }
    }

    /// Takes room for so many items of an operator; `None` where it has no more.
    pub(super) fn take(&self, operator_id: Uuid, items: usize) -> Option<Share> {
        let mut held = self.lock();
        let waiting = held.get(&operator_id).copied().unwrap_or_default().saturating_add(items);
        if waiting > self.items_max {
            return None;
        }
        held.insert(operator_id, waiting);
        Some(Share { of: self.clone(), operator_id, items })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.lock();
        let left = held.get(&self.operator_id).copied().unwrap_or_default().saturating_sub(self.items);
        if left == 0 {
            held.remove(&self.operator_id);
        } else {
            held.insert(self.operator_id, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again_and_nobody_stays_on_the_list() {
        let shares = Shares::new(5);
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = shares.take(one, 3).expect("room");
        assert!(shares.take(one, 3).is_none());
        let second = shares.take(one, 2).expect("room");
        let foreign = shares.take(other, 5).expect("its own");
        drop((first, foreign));
        assert!(shares.take(one, 3).is_some());
        drop(second);
        assert!(shares.lock().is_empty());
    }
}
