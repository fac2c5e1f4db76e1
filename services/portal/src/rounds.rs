//! Names of the rounds for the filters of lists; asked of reviews once in a while, because few are made in a year.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chassis::clock;

use crate::{Visitor, web::orders};

/// Seconds for which the names are used again; a round that another process made is offered no later.
const FRESH_SECS: i64 = 10;

/// Id and name of every round, the newest first, and when they were read.
#[derive(Default)]
pub struct Rounds(Mutex<Known>);

#[derive(Clone, Default)]
struct Known {
    names: Vec<(String, String)>,
    read_at: i64,
    /// How often they were forgotten: what was asked for before that is not kept.
    forgotten: u64,
}

impl Rounds {
    /// Id and name of every round, the newest first; none while reviews is away and nothing is known.
    pub async fn names(&self, visitor: &Visitor) -> Vec<(String, String)> {
        let now = clock::unix_seconds();
        let known = self.lock().clone();
        if now - known.read_at < FRESH_SECS {
            return known.names;
        }
        let read = orders::rounds(visitor).await;
        if read.is_empty() {
            return known.names;
        }
        self.keep(&read, now, known.forgotten);
        read
    }

    /// The next reader asks reviews: this process made a round.
    pub fn forget(&self) {
        let mut known = self.lock();
        known.read_at = 0;
        known.forgotten += 1;
    }

    fn keep(&self, names: &[(String, String)], read_at: i64, forgotten: u64) {
        let mut known = self.lock();
        if known.forgotten == forgotten {
            names.clone_into(&mut known.names);
            known.read_at = read_at;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_asked_for_before_a_round_was_made_are_not_kept() {
        let rounds = Rounds::default();
        let names = [("7".to_owned(), "2026 年第一批".to_owned())];
        let before = rounds.lock().forgotten;
        rounds.forget();
        rounds.keep(&names, 1_000, before);
        assert!(rounds.lock().names.is_empty());
        let after = rounds.lock().forgotten;
        rounds.keep(&names, 1_000, after);
        let known = rounds.lock();
        assert_eq!((known.names.as_slice(), known.read_at), (names.as_slice(), 1_000));
    }
}
