//! What came lately, by hash: the latest quarter of a million for sure, half a million at most. Two that hash alike cost a look.
use std::hash::{BuildHasher as _, Hash};

use foldhash::{HashSet, quality::RandomState};

/// Of one generation; two take about 8 MB.
const GENERATION: usize = 250_000;

/// Two generations: when the younger one is full, the elder is forgotten.
#[derive(Debug, Default)]
pub(super) struct Recent {
    state: RandomState,
    younger: HashSet<u64>,
    elder: HashSet<u64>,
}

impl Recent {
    pub(super) fn learn(&mut self, thing: impl Hash) {
        if self.younger.len() >= GENERATION {
            self.elder = std::mem::take(&mut self.younger);
        }
        self.younger.insert(self.state.hash_one(thing));
    }

    pub(super) fn contains(&self, thing: impl Hash) -> bool {
        let hash = self.state.hash_one(thing);
        self.younger.contains(&hash) || self.elder.contains(&hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_and_the_oldest_are_forgotten() {
        let mut recent = Recent::default();
        (0..=2 * GENERATION).for_each(|number| recent.learn(number));
        assert!(recent.contains(2 * GENERATION) && recent.contains(GENERATION));
        assert!(!recent.contains(GENERATION - 1));
    }
}
