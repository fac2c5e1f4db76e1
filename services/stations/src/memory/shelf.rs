//! Things remembered by operator and connector code, each for a while.
//!
//! Owns: the bounds. Beyond what a province has, all is forgotten and read again: the memory only saves work.
use foldhash::{HashMap, HashMapExt as _};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// After so long a thing is read again, whatever happens; as often as a repetition is noted as a sign of life.
const KEPT: Duration = Duration::minutes(10);
/// Twice the connectors of a province, so that one which is full of them never forgets. Source: performance, "Scale to keep in mind".
pub(super) const CONNECTORS_MAX: usize = 1_000_000;

/// Things with the time at which they were learnt, by operator and code.
type Things<T> = HashMap<Uuid, HashMap<Box<str>, (T, OffsetDateTime)>>;

/// By operator, then by code.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    things: Things<T>,
    count: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { things: HashMap::new(), count: 0 }
    }
}

impl<T> Shelf<T> {
    /// What is remembered at `now`, the database's time.
    pub(super) fn get(&self, operator_id: Uuid, code: &str, now: OffsetDateTime) -> Option<&T> {
        let (thing, learnt_at) = self.things.get(&operator_id)?.get(code)?;
        (now - *learnt_at < KEPT).then_some(thing)
    }

    /// Remembers what was true at `now`; gives back what it has no more room for.
    pub(super) fn learn(&mut self, now: OffsetDateTime, things: Vec<(Uuid, String, T)>) -> Vec<Things<T>> {
        let mut emptied = Vec::new();
        for (operator_id, code, thing) in things {
            if let Some(held) = self.things.get_mut(&operator_id).and_then(|held| held.get_mut(code.as_str()))
            {
                *held = (thing, now);
                continue;
            }
            if self.count >= CONNECTORS_MAX {
                emptied.push(std::mem::take(&mut self.things));
                self.count = 0;
            }
            self.count += 1;
            self.things.entry(operator_id).or_default().insert(code.into_boxed_str(), (thing, now));
        }
        emptied
    }

    pub(super) fn forget_all(&mut self, operator_id: Uuid) {
        self.count -= self.things.remove(&operator_id).map_or(0, |things| things.len());
    }

    pub(super) fn forget(&mut self, operator_id: Uuid, code: &str) {
        let held = self.things.get_mut(&operator_id).and_then(|things| things.remove(code));
        self.count -= usize::from(held.is_some());
    }

    /// Forgets those of an operator that are not to be kept.
    pub(super) fn retain(&mut self, operator_id: Uuid, keep: impl Fn(&T) -> bool) {
        let Some(things) = self.things.get_mut(&operator_id) else { return };
        let before = things.len();
        things.retain(|_, (thing, _)| keep(thing));
        self.count -= before - things.len();
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-12-06 08:00 UTC);
    const OPERATOR: Uuid = Uuid::from_u128(1);

    fn learnt(codes: impl IntoIterator<Item = usize>) -> Vec<(Uuid, String, usize)> {
        codes.into_iter().map(|code| (OPERATOR, code.to_string(), code)).collect()
    }

    #[test]
    fn what_is_full_of_a_province_forgets_nothing_when_it_learns_the_same_again() {
        let mut shelf = Shelf::default();
        shelf.learn(NOW, learnt(0..CONNECTORS_MAX));
        shelf.learn(NOW, learnt(0..1_000));
        assert_eq!(shelf.get(OPERATOR, "999999", NOW), Some(&999_999));
    }

    #[test]
    fn beyond_twice_a_province_all_is_forgotten_but_what_comes_then() {
        let mut shelf = Shelf::default();
        shelf.learn(NOW, learnt(0..=CONNECTORS_MAX));
        assert_eq!(shelf.get(OPERATOR, "0", NOW), None);
        assert_eq!(shelf.get(OPERATOR, "1000000", NOW), Some(&1_000_000));
    }

    #[test]
    fn what_was_forgotten_leaves_room() {
        let mut shelf = Shelf::default();
        shelf.learn(NOW, learnt(0..CONNECTORS_MAX));
        shelf.forget(OPERATOR, "0");
        shelf.forget(OPERATOR, "0");
        shelf.retain(OPERATOR, |code| *code != 1);
        shelf.learn(NOW, learnt(CONNECTORS_MAX..CONNECTORS_MAX + 2));
        assert_eq!(shelf.get(OPERATOR, "2", NOW), Some(&2));
    }

    #[test]
    fn a_thing_is_read_again_after_ten_minutes() {
        let mut shelf = Shelf::default();
        shelf.learn(NOW, learnt([1]));
        assert!(shelf.get(OPERATOR, "1", NOW + Duration::minutes(9)).is_some());
        assert!(shelf.get(OPERATOR, "1", NOW + Duration::minutes(10)).is_none());
    }
}
