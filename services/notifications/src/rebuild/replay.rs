//! Puts one message to the consumer that would have received it: same place rules, same effect, same inbox row.

use std::collections::{HashMap, HashSet};

use anyhow::bail;
use async_nats::jetstream::Message;
use chassis::{
    Work,
    consumer::Event,
    error::{Verdict, chain},
};
use prost::Message as _;
use proto::common::Envelope;
use sqlx::PgPool;
use uuid::Uuid;

use super::Summary;
use crate::{
    domain::tier::Tier,
    events::{self, ACCOUNTS, ACCOUNTS_DURABLE},
    live::Hub,
    store::{
        dead_letters,
        rebuild::{self, Place},
    },
};

/// Payload version that this code knows; the same as the consumers'.
const SCHEMA_VERSION: u32 = 1;

/// Consumer, aggregate type, aggregate.
type Unit = (String, String, Uuid);

/// The running replay.
pub(super) struct Replay {
    hub: Hub,
    accept_cut: bool,
    /// First version of an aggregate that waits behind a dead letter.
    blocked_from: HashMap<Unit, i64>,
    /// Events that two persons dismissed, with their consumer.
    dismissed: HashSet<(String, String)>,
    pub(super) summary: Summary,
}

impl Replay {
    pub(super) fn new(accept_cut: bool) -> Replay {
        Replay {
            hub: Hub::silent(),
            accept_cut,
            blocked_from: HashMap::new(),
            dismissed: HashSet::new(),
            summary: Summary::default(),
        }
    }

    /// Takes over what the consumers could not apply, and what was decided about it.
    pub(super) async fn note_letters(&mut self, pool: &PgPool) -> anyhow::Result<()> {
        for letter in dead_letters::list(pool, true).await? {
            match letter.settlement.as_deref() {
                Some("dismissed") => {
                    self.dismissed.insert((letter.consumer, letter.event_id));
                }
                Some(_) => {}
                None => {
                    if let (Some(id), Some(version)) = (letter.aggregate_id, letter.aggregate_version) {
                        self.block((letter.consumer, letter.aggregate_type, id), version);
                    }
                }
            }
        }
        Ok(())
    }

    fn block(&mut self, unit: Unit, version: i64) {
        let from = self.blocked_from.entry(unit).or_insert(version);
        *from = version.min(*from);
    }

    /// Applies one message where its consumer would.
    pub(super) async fn take(
        &mut self,
        work: &mut Work,
        stream: &str,
        message: &Message,
    ) -> anyhow::Result<()> {
        self.summary.events += 1;
        let Some(consumer) = consumer_of(stream, &message.subject) else {
            self.summary.skipped += 1;
            return Ok(());
        };
        let Some((envelope, event_id, aggregate_id)) = read(message) else {
            tracing::warn!(subject = %message.subject, "left to the consumer: it does not decode");
            self.summary.skipped += 1;
            return Ok(());
        };
        let unit = (consumer.to_owned(), envelope.aggregate_type.clone(), aggregate_id);
        if self.blocked_from.get(&unit).is_some_and(|from| envelope.aggregate_version >= *from) {
            self.summary.skipped += 1;
            return Ok(());
        }
        let place = Place {
            consumer,
            event_id,
            aggregate_type: &unit.1,
            aggregate_id,
            version: envelope.aggregate_version,
        };
        let (known, last) = rebuild::find(work.db(), place).await?;
        if known {
            self.summary.passed += 1;
            return Ok(());
        }
        if self.dismissed.contains(&(consumer.to_owned(), envelope.event_id.clone())) {
            self.summary.skipped += 1;
        } else if envelope.aggregate_version <= last {
            self.summary.passed += 1;
        } else if consumer == ACCOUNTS_DURABLE && envelope.aggregate_version > last + 1 && !self.accept_cut {
            bail!(
                "stream {stream} lacks versions {} to {} of {} {aggregate_id}: publish them again (outbox republish) \
                 or accept it with --accept-cut-stream",
                last + 1,
                envelope.aggregate_version - 1,
                unit.1,
            );
        } else if !self.effect(work, &unit, &envelope).await? {
            return Ok(());
        }
        rebuild::note(work.db(), place).await?;
        Ok(())
    }

    /// False when the event can never be applied: it, and what follows it, is left to the consumer's dead letters.
    async fn effect(&mut self, work: &mut Work, unit: &Unit, envelope: &Envelope) -> anyhow::Result<bool> {
        let event = Event { envelope: envelope.clone() };
        let Err(failure) = events::apply(work, &self.hub, &event).await else {
            self.summary.applied += 1;
            return Ok(true);
        };
        if failure.kind().meaning().2 != Verdict::DeadLetter {
            return Err(failure.into());
        }
        tracing::warn!(event.id = %envelope.event_id, error = %chain(&failure), "left to the consumer");
        self.block(unit.clone(), envelope.aggregate_version);
        self.summary.skipped += 1;
        Ok(false)
    }
}

/// The durable consumer whose filter matches; `None` for subjects that none follows.
fn consumer_of(stream: &str, subject: &str) -> Option<&'static str> {
    if stream == ACCOUNTS {
        return Some(ACCOUNTS_DURABLE);
    }
    subject.strip_prefix("reviews.v1.")?.split('.').next().and_then(Tier::parse).map(events::durable)
}

fn read(message: &Message) -> Option<(Envelope, Uuid, Uuid)> {
    let envelope = Envelope::decode(message.payload.clone()).ok()?;
    if envelope.schema_version != SCHEMA_VERSION {
        return None;
    }
    let event_id = Uuid::parse_str(&envelope.event_id).ok()?;
    let aggregate_id = Uuid::parse_str(&envelope.aggregate_id).ok()?;
    Some((envelope, event_id, aggregate_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_leads_to_its_tiers_consumer() {
        let county = consumer_of("REVIEWS", "reviews.v1.county.410100.410105.acceptance_submitted");
        assert_eq!(county, Some("notifications-county"));
        assert_eq!(
            consumer_of("REVIEWS", "reviews.v1.experts.410100._.joint_review_launched"),
            Some("notifications-experts")
        );
        assert_eq!(consumer_of("REVIEWS", "reviews.v1.rounds.opened"), None);
        assert_eq!(consumer_of("ACCOUNTS", "accounts.v1.registered"), Some("notifications-accounts"));
    }
}
