//! Turns for workbooks and packages: each has a thread of its own, so few are made at a time, and fewer for one person.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::Refused;

/// At a time. Decision 14.
const ALL_MAX: usize = 8;
/// Of one person. Decision 14.
const OWN_MAX: usize = 2;

/// Who is being served, and how many times.
#[derive(Clone, Default)]
pub struct Downloads(Arc<Mutex<HashMap<String, usize>>>);

/// One download; the next may begin when it is dropped.
pub struct Turn {
    person: String,
    downloads: Downloads,
}

impl Downloads {
    /// One more for this person.
    ///
    /// # Errors
    /// The person has as many as one may have; as many as can be served are being served.
    pub fn turn(&self, person: &str) -> Result<Turn, Refused> {
        let mut served = self.served();
        if served.get(person).is_some_and(|own| *own >= OWN_MAX) {
            return Err(Refused::crowded_by_oneself(OWN_MAX));
        }
        if served.values().sum::<usize>() >= ALL_MAX {
            return Err(Refused::crowded());
        }
        *served.entry(person.to_owned()).or_default() += 1;
        Ok(Turn { person: person.to_owned(), downloads: self.clone() })
    }

    fn served(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut served = self.downloads.served();
        if let Some(own) = served.get_mut(&self.person) {
            *own -= 1;
            if *own == 0 {
                served.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(turn: Result<Turn, Refused>) -> String {
        turn.err().map(|refused| refused.text).unwrap_or_default()
    }

    #[test]
    fn one_person_cannot_take_all_turns_and_a_turn_that_ends_is_free_again() {
        let downloads = Downloads::default();
        let mut own = vec![downloads.turn("li").expect("a turn"), downloads.turn("li").expect("a turn")];
        assert!(text(downloads.turn("li")).contains("您已有 2 个"));
        let others: Vec<_> =
            ["a", "b", "c", "d", "e", "f"].map(|person| downloads.turn(person).expect("a turn")).into();
        assert!(text(downloads.turn("g")).contains("人较多"));
        own.pop();
        assert!(downloads.turn("g").is_ok());
        drop((own, others));
        assert!(downloads.served().is_empty());
    }
}
