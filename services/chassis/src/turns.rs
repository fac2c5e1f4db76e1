//! Turns at something dear: so many at a time, fewer of one person or address; nobody waits for one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// See the module.
#[derive(Debug, Clone)]
pub struct Turns {
    all_max: usize,
    own_max: usize,
    /// Who is being served, and how many times.
    served: Arc<Mutex<HashMap<String, usize>>>,
}

/// One turn; the next may begin when it is dropped.
#[derive(Debug)]
pub struct Turn {
    whose: String,
    turns: Turns,
}

/// Why there is no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowded {
    /// As many as can be served are being served.
    All,
    /// This one has so many, which is as many as one may have.
    Own(usize),
}

impl Turns {
    /// So many at a time, so many of one.
    #[must_use]
    pub fn new(all_max: usize, own_max: usize) -> Turns {
        Turns { all_max, own_max, served: Arc::default() }
    }

    /// One more for this person or address.
    ///
    /// # Errors
    /// [`Crowded`].
    pub fn turn(&self, whose: &str) -> Result<Turn, Crowded> {
        let mut served = self.served();
        if served.get(whose).is_some_and(|own| *own >= self.own_max) {
            return Err(Crowded::Own(self.own_max));
        }
        if served.values().sum::<usize>() >= self.all_max {
            return Err(Crowded::All);
        }
        *served.entry(whose.to_owned()).or_default() += 1;
        Ok(Turn { whose: whose.to_owned(), turns: self.clone() })
    }

    fn served(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut served = self.turns.served();
        if let Some(own) = served.get_mut(&self.whose) {
            *own -= 1;
            if *own == 0 {
                served.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_cannot_take_all_turns_and_a_turn_that_ends_is_free_again() {
        let turns = Turns::new(8, 2);
        let mut own = vec![turns.turn("li").expect("a turn"), turns.turn("li").expect("a turn")];
        assert_eq!(turns.turn("li").err(), Some(Crowded::Own(2)));
        let others = ["a", "b", "c", "d", "e", "f"].map(|person| turns.turn(person).expect("a turn"));
        assert_eq!(turns.turn("g").err(), Some(Crowded::All));
        own.pop();
        assert!(turns.turn("g").is_ok());
        drop((own, others));
        assert!(turns.served().is_empty());
    }
}
