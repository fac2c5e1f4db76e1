//! `dead-letters list | replay | dismiss`: what could not be applied, and the two persons who decide about it.

use chassis::{
    Failure, Process,
    consumer::{Applier, dismiss, fetch_from},
};

use crate::{events, labels, live::Hub, store::dead_letters};

/// The two who decide. Source: reliability 5.5 and section 10.
#[derive(Debug, Clone)]
pub struct Deciders(String);

impl Deciders {
    /// Two different, named persons.
    ///
    /// # Errors
    /// `two_persons_required`.
    pub fn new(by: &str, second: &str) -> Result<Deciders, Failure> {
        let (by, second) = (by.trim(), second.trim());
        if by.is_empty() || second.is_empty() || by == second {
            return Err(Failure::refused("two_persons_required", labels::TWO_PERSONS));
        }
        Ok(Deciders(format!("{by} + {second}")))
    }
}

/// Prints one JSON object a line.
///
/// # Errors
/// The database is away.
pub async fn list(process: &Process, all: bool) -> Result<(), Failure> {
    for letter in dead_letters::list(&process.pool, all).await? {
        let line = serde_json::json!({
            "id": letter.id,
            "consumer": letter.consumer,
            "subject": letter.subject,
            "event_id": letter.event_id,
            "aggregate_type": letter.aggregate_type,
            "aggregate_id": letter.aggregate_id,
            "aggregate_version": letter.aggregate_version,
            "reason": letter.reason,
            "error": letter.error,
            "died_at": letter.died_at.to_string(),
            "settlement": letter.settlement,
        });
        println!("{line}");
    }
    Ok(())
}

/// Applies a letter again, and then what was kept behind it.
///
/// # Errors
/// `not_found`: no such open letter. `unknown_consumer`: nobody here can apply it. Whatever the effect refuses again.
pub async fn replay(process: &Process, letter: i64, deciders: &Deciders) -> Result<(), Failure> {
    let consumer = dead_letters::consumer(&process.pool, letter).await?.ok_or_else(Failure::not_found)?;
    let subscription = events::subscriptions(&Hub::silent(), fetch_from(process.peer("accounts")))
        .into_iter()
        .find(|subscription| subscription.durable == consumer)
        .ok_or_else(|| Failure::refused("unknown_consumer", labels::UNKNOWN_CONSUMER))?;
    Applier::new(process.units.clone(), process.pool.clone(), subscription).replay(letter, &deciders.0).await
}

/// Settles a letter without applying it.
///
/// # Errors
/// `not_found`: no such open letter.
pub async fn settle(process: &Process, letter: i64, deciders: &Deciders) -> Result<(), Failure> {
    dismiss(&process.pool, letter, &deciders.0).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_alone_decides_nothing() {
        assert!(Deciders::new("zhang", "zhang ").is_err());
        assert!(Deciders::new("zhang", "").is_err());
        assert!(Deciders::new("zhang", "li").is_ok());
    }
}
