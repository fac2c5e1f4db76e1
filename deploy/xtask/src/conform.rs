//! The examination of an event consumer: a real broker, a recorded stream, and everything that may happen to it.
//!
//! Owns: one run over all rules. Not: the rules (`rules`), what the consumer has to do (`proto/README.md`, Events).
mod candidate;
mod desk;
mod recording;
mod rules;

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

pub use self::recording::{Recording, record};
use self::{candidate::Broken, desk::Desk};

/// How an examination ended: the rules that held, and the first that did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Ids of the rules that held, in order.
    pub kept: Vec<&'static str>,
    /// Id of the rule that was broken, and what was seen. The rules behind it were not tried.
    pub broken: Option<(&'static str, String)>,
}

impl Outcome {
    /// Gives `{"passed": bool, "kept": […], "broken": id or null, "because": text or null}`.
    pub fn json(&self) -> Value {
        let (broken, because) = self.broken.clone().unzip();
        json!({"passed": self.broken.is_none(), "kept": self.kept, "broken": broken, "because": because})
    }
}

/// Tries all rules on a consumer, given by its program and arguments; `said` hears of each as it ends.
///
/// Errors: the examination itself could not be made, e.g. no broker, or the program cannot be started.
pub async fn examine(
    program: PathBuf,
    arguments: Vec<String>,
    recording: Recording,
    mut said: impl FnMut(&str, Option<&str>),
) -> Result<Outcome> {
    let mut desk = Desk::open(program, arguments, recording).await?;
    let mut outcome = Outcome::default();
    for rule in rules::RULES {
        match (rule.tried)(&mut desk).await {
            Ok(()) => {
                said(rule.says, None);
                outcome.kept.push(rule.id);
            }
            Err(error) => {
                let Broken(because) = error.downcast()?;
                said(rule.says, Some(&because));
                outcome.broken = Some((rule.id, because));
                break;
            }
        }
    }
    desk.close().await?;
    Ok(outcome)
}
