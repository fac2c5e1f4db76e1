//! What waits, by operator: who is next, for whom somebody writes, and when a further writer joins.
//!
//! Owns: the order. An operator's batches are taken in the order sent and never by two writers at once; operators take turns.
//! Not: how much may wait (`share`), nor what is written.
use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use uuid::Uuid;

/// Items that wait before a further writer joins: below that, one transaction for all of them costs less than two with a half each.
/// Source: decision record 52.
const JOINED_AT: usize = 500;

/// Jobs in the order sent, with their items.
type Jobs<J> = VecDeque<(usize, J)>;

/// See the module.
pub(super) struct Line<J> {
    waiting: Mutex<Waiting<J>>,
    news: Notify,
    /// Items after which no further job is taken at once.
    flush_items: usize,
    /// See [`JOINED_AT`].
    joined_at: usize,
}

struct Waiting<J> {
    /// Of operators that have jobs, or for whom somebody writes.
    operators: HashMap<Uuid, Own<J>>,
    /// Operators that have jobs and for whom nobody writes, the one that waits longest first.
    ready: VecDeque<Uuid>,
    /// Items of those.
    ready_items: usize,
    /// Writers at work whose end the others wait for.
    writing: usize,
    /// Nothing comes any more.
    closed: bool,
}

/// What one operator has in line.
struct Own<J> {
    jobs: Jobs<J>,
    items: usize,
    /// Somebody writes for it.
    written: bool,
}

/// What a writer finds.
enum Next<J> {
    Some(Vec<Uuid>, Vec<J>),
    Nothing,
    End,
}

impl<J> Line<J> {
    /// Bounds what a writer takes at once, in items.
    pub(super) fn new(flush_items: usize) -> Self {
        let waiting = Waiting {
            operators: HashMap::new(),
            ready: VecDeque::new(),
            ready_items: 0,
            writing: 0,
            closed: false,
        };
        let joined_at = JOINED_AT.min(flush_items);
        Self { waiting: Mutex::new(waiting), news: Notify::new(), flush_items, joined_at }
    }

    /// Puts a job behind the others of its operator.
    pub(super) fn push(&self, operator_id: Uuid, items: usize, job: J) {
        let mut waiting = self.lock();
        let new = || Own { jobs: VecDeque::new(), items: 0, written: false };
        let own = waiting.operators.entry(operator_id).or_insert_with(new);
        own.jobs.push_back((items, job));
        own.items += items;
        let (first, written) = (own.jobs.len() == 1, own.written);
        if !written {
            waiting.ready_items += items;
            if first {
                waiting.ready.push_back(operator_id);
            }
        }
        let takes = !written && (waiting.writing == 0 || waiting.ready_items >= self.joined_at);
        drop(waiting);
        if takes {
            self.news.notify_one();
        }
    }

    /// Nothing comes any more: the writers end when nothing is left.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_waiters();
    }

    /// Waits for something to write; none at the end. Never without a job.
    pub(super) async fn next(self: &Arc<Self>) -> Option<Taken<J>> {
        loop {
            let mut news = pin!(self.news.notified());
            // From here on nothing is missed.
            news.as_mut().enable();
            match self.take() {
                Next::Some(operators, jobs) => {
                    return Some(Taken { line: self.clone(), operators, jobs, awaited: true });
                }
                Next::Nothing => news.await,
                Next::End => return None,
            }
        }
    }

    fn take(&self) -> Next<J> {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        if waiting.ready.is_empty() {
            return if waiting.closed { Next::End } else { Next::Nothing };
        }
        if waiting.writing > 0 && waiting.ready_items < self.joined_at && !waiting.closed {
            return Next::Nothing;
        }
        let (mut operators, mut jobs, mut count) = (Vec::new(), Vec::new(), 0);
        while count < self.flush_items
            && let Some(operator_id) = waiting.ready.pop_front()
        {
            let Some(own) = waiting.operators.get_mut(&operator_id) else { continue };
            own.written = true;
            waiting.ready_items -= own.items;
            while count < self.flush_items
                && let Some((items, job)) = own.jobs.pop_front()
            {
                own.items -= items;
                count += items;
                jobs.push(job);
            }
            operators.push(operator_id);
        }
        waiting.writing += 1;
        let more = waiting.ready_items >= self.joined_at;
        drop(guard);
        if more {
            self.news.notify_one();
        }
        Next::Some(operators, jobs)
    }

    fn done(&self, operators: &[Uuid], awaited: bool) {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        waiting.writing -= usize::from(awaited);
        for operator_id in operators {
            let Some(own) = waiting.operators.get_mut(operator_id) else { continue };
            if own.jobs.is_empty() {
                waiting.operators.remove(operator_id);
                continue;
            }
            own.written = false;
            waiting.ready_items += own.items;
            waiting.ready.push_back(*operator_id);
        }
        let more = !waiting.ready.is_empty();
        drop(guard);
        if more {
            self.news.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<J>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Jobs of some operators; nobody else writes for these before it is dropped.
pub(super) struct Taken<J> {
    line: Arc<Line<J>>,
    operators: Vec<Uuid>,
    /// In the order sent, operator by operator.
    pub(super) jobs: Vec<J>,
    /// Others wait for its end where little waits.
    awaited: bool,
}

impl<J> Taken<J> {
    /// It takes long: the others go on with other operators however little waits of them.
    pub(super) fn step_aside(&mut self) {
        if std::mem::take(&mut self.awaited) {
            self.line.lock().writing -= 1;
            self.line.news.notify_one();
        }
    }
}

impl<J> Drop for Taken<J> {
    fn drop(&mut self) {
        self.line.done(&self.operators, self.awaited);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn line(flush_items: usize) -> Arc<Line<u32>> {
        Arc::new(Line::new(flush_items))
    }

    /// What the next writer takes, where it need not wait.
    fn next(line: &Arc<Line<u32>>) -> Option<Taken<u32>> {
        line.next().now_or_never().flatten()
    }

    fn jobs(taken: Option<&Taken<u32>>) -> Vec<u32> {
        taken.map(|taken| taken.jobs.clone()).unwrap_or_default()
    }

    #[test]
    fn an_operators_batches_stay_in_order_and_with_one_writer() {
        let line = line(2);
        (0..5).for_each(|job| line.push(ONE, 1, job));
        let first = next(&line);
        assert_eq!(jobs(first.as_ref()), [0, 1]);
        assert!(next(&line).is_none(), "somebody writes for it");
        drop(first);
        let second = next(&line);
        assert_eq!(jobs(second.as_ref()), [2, 3]);
        line.push(ONE, 1, 5);
        drop(second);
        assert_eq!(jobs(next(&line).as_ref()), [4, 5]);
    }

    #[test]
    fn operators_take_turns_however_much_one_of_them_sends() {
        let line = line(3);
        (0..9).for_each(|job| line.push(ONE, 1, job));
        line.push(OTHER, 1, 100);
        drop(next(&line));
        let second = next(&line);
        assert_eq!(jobs(second.as_ref()), [100, 3, 4]);
    }

    #[test]
    fn a_further_writer_joins_when_much_waits_and_else_the_first_one_takes_it_all() {
        let line = line(10_000);
        line.push(ONE, 1, 0);
        let first = next(&line);
        line.push(OTHER, JOINED_AT - 1, 1);
        assert!(next(&line).is_none(), "one transaction will do");
        line.push(Uuid::from_u128(3), 1, 2);
        assert_eq!(jobs(next(&line).as_ref()), [1, 2]);
        line.push(ONE, 1, 3);
        drop(first);
        assert_eq!(jobs(next(&line).as_ref()), [3]);
    }

    #[test]
    fn a_writer_that_waits_is_woken_by_a_batch_and_by_another_that_ends() {
        let line = line(10_000);
        let mut idle = Box::pin(line.next());
        assert!(idle.as_mut().now_or_never().is_none());
        line.push(ONE, 1, 0);
        let first = idle.now_or_never().flatten();
        assert_eq!(jobs(first.as_ref()), [0]);
        let mut idle = Box::pin(line.next());
        line.push(ONE, 1, 1);
        assert!(idle.as_mut().now_or_never().is_none());
        drop(first);
        assert_eq!(jobs(idle.now_or_never().flatten().as_ref()), [1]);
    }

    #[test]
    fn nobody_waits_for_the_end_of_what_takes_long_but_its_own_operators() {
        let line = line(10_000);
        line.push(ONE, 1, 0);
        let mut slow = next(&line);
        line.push(ONE, 1, 1);
        let mut idle = Box::pin(line.next());
        line.push(OTHER, 1, 2);
        assert!(idle.as_mut().now_or_never().is_none());
        slow.as_mut().expect("taken").step_aside();
        let other = idle.now_or_never().flatten();
        assert_eq!(jobs(other.as_ref()), [2]);
        drop(other);
        assert!(next(&line).is_none());
        drop(slow);
        assert_eq!(jobs(next(&line).as_ref()), [1]);
    }

    #[test]
    fn what_waits_at_the_end_is_written_before_the_writers_go() {
        let line = line(10_000);
        line.push(ONE, 1, 0);
        let first = next(&line);
        line.push(OTHER, 1, 1);
        line.push(ONE, 1, 2);
        line.close();
        assert_eq!(jobs(next(&line).as_ref()), [1], "the end is not waited for");
        assert!(matches!(line.take(), Next::End), "the first one goes on with its own");
        drop(first);
        assert_eq!(jobs(next(&line).as_ref()), [2]);
        assert!(line.lock().operators.is_empty());
        assert!(matches!(line.take(), Next::End));
    }
}
