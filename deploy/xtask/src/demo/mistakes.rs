//! Refusals on purpose: what must be refused is tried, and the reason that the service gives is counted.
//!
//! Owns: the count, and failing when something is accepted or refused for another reason. Not: the mistakes themselves.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Result, bail, ensure};

use crate::driver::Answer;

/// Refusals by reason, as the services named them. Cheap to clone; clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Mistakes {
    counted: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Mistakes {
    /// Counts a refusal that must have this reason.
    ///
    /// Errors: the service accepted, or gave another reason.
    pub fn expect<T>(&self, what: &str, reason: &str, answer: Answer<T>) -> Result<()> {
        match answer {
            Ok(_) => bail!("{what}: was accepted, {reason} was expected"),
            Err(refused) => {
                ensure!(refused.reason == reason, "{what}: {reason} was expected, got {refused}");
                ensure!(!refused.text.is_ascii(), "{what}: {refused} has no Chinese text");
                self.count(reason);
                Ok(())
            }
        }
    }

    /// Counts a reason that a service gave inside an answer (a rejected file).
    pub fn count(&self, reason: &str) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner).entry(reason.to_owned()).or_default() +=
            1;
    }

    /// The counts so far.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn only_the_expected_reason_counts() {
        let mistakes = Mistakes::default();
        assert!(mistakes.expect("a pass", "stale_version", Ok(())).is_err());
        let refused = Status::not_found("没有该申请").into();
        mistakes.expect::<()>("a look", "not_found", Err(refused)).unwrap();
        let refused = Status::not_found("没有该申请").into();
        assert!(mistakes.expect::<()>("a look", "stale_version", Err(refused)).is_err());
        assert_eq!(mistakes.counts(), BTreeMap::from([("not_found".to_owned(), 1)]));
    }
}
