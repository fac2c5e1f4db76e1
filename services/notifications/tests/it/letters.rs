//! Settling dead letters as the console does.

use chassis::{
    Failure, Process,
    dead_letters::{Decision, Letters, console},
};

/// Two persons about one letter.
pub fn both(id: i64) -> Decision {
    Decision { id, by: "zhang".into(), second: "li".into() }
}

pub async fn settle(process: &Process, letters: Letters) -> Result<(), Failure> {
    console(process, notifications::subscriptions(process), letters).await
}
