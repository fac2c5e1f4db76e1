//! Waiting for what must come, seeds that are printed, and how often races are run.
use std::{future::Future, time::Duration};

use anyhow::Result;

/// Long enough for a loaded machine; nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until the answer is there.
///
/// Errors: the question's own at once; after `within` that `what` did not happen.
pub async fn eventually<T, F, Asked>(within: Duration, what: &str, question: F) -> Result<T>
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Result<Option<T>>>,
{
    xtask::probe::eventually(within, what, question).await
}

/// Gives the seed of a test and prints it: `YUCHONG_SEED` repeats a run, otherwise it is the test's own constant.
pub fn seed(own: u64) -> u64 {
    let seed = std::env::var("YUCHONG_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(own);
    println!("seed {seed}");
    seed
}

/// How many rounds a race is run: 50, or 500 with `YUCHONG_LONG=1`.
pub fn rounds() -> usize {
    if std::env::var("YUCHONG_LONG").is_ok_and(|value| value == "1") { 500 } else { 50 }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Gives a number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}
