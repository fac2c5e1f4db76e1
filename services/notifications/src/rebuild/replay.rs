//! Puts each message to the consumer that would have received it: same place rules, same effect, same inbox row.

use std::collections::{HashMap, HashSet};

use anyhow::bail;
use async_nats::jetstream::Message;
use chassis::{
    Failure, Work,
    consumer::{Event, lineage_of},
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
        rebuild::{self, Places},
    },
};

/// Payload version that this code knows; the same as the consumers'.
const SCHEMA_VERSION: u32 = 1;

/// Consumer, aggregate type, aggregate.
type Unit = (String, String, Uuid);

/// What a batch has done so far; the database learns of it at the batch's end.
#[derive(Default)]
struct Batch {
    seen: HashSet<(&'static str, Uuid)>,
    last: HashMap<Unit, i64>,
    handled: Places,
}

/// The running replay.
pub(super) struct Replay {
    hub: Hub,
    accept_cut: bool,
    /// First version of an aggregate that waits behind a dead letter.
    blocked_from: HashMap<Unit, i64>,
    /// Events that two persons dismissed, with their consumer.
    dismissed: HashSet<(String, String)>,
    /// Versions of those.
    stepped_over: HashSet<(Unit, i64)>,
    /// Events of the present batch that a consumer has applied: their webhooks are made.
    heard: HashSet<Uuid>,
    pub(super) summary: Summary,
}

impl Replay {
    pub(super) fn new(accept_cut: bool) -> Replay {
        Replay {
            hub: Hub::silent(),
            accept_cut,
            blocked_from: HashMap::new(),
            dismissed: HashSet::new(),
            stepped_over: HashSet::new(),
            heard: HashSet::new(),
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

    /// Applies a batch in its order; places are read and written once a batch.
    pub(super) async fn take(
        &mut self,
        work: &mut Work,
        stream: &str,
        batch: &[Message],
    ) -> anyhow::Result<()> {
        self.summary.events += batch.len() as u64;
        let mut places = Places::default();
        let mut events = Vec::new();
        for message in batch {
            let Some(consumer) = consumer_of(stream, &message.subject) else {
                self.summary.skipped += 1;
                continue;
            };
            let Some((envelope, event_id, aggregate_id, lineage_id)) = read(message) else {
                tracing::warn!(subject = %message.subject, "left to the consumer: it does not decode");
                self.summary.skipped += 1;
                continue;
            };
            let at = (envelope.aggregate_version, lineage_id);
            places.push(consumer, event_id, &envelope.aggregate_type, aggregate_id, at);
            events.push((consumer, event_id, aggregate_id, lineage_id, envelope));
        }
        let known = rebuild::find(work.db(), &places).await?;
        self.heard = rebuild::heard(work.db(), &places).await?.into_iter().collect();
        let mut batch = Batch::default();
        for (event, (known, last)) in events.into_iter().zip(known) {
            let (consumer, event_id, aggregate_id, lineage_id, envelope) = event;
            let unit = (consumer.to_owned(), envelope.aggregate_type.clone(), aggregate_id);
            let known = known || !batch.seen.insert((consumer, event_id));
            let last = batch.last.get(&unit).copied().unwrap_or(last);
            if self.one(work, stream, &unit, &envelope, known, last).await? {
                let version = envelope.aggregate_version;
                batch.handled.push(consumer, event_id, &unit.1, aggregate_id, (version, lineage_id));
                batch.last.insert(unit, version.max(last));
            }
        }
        rebuild::note(work.db(), &batch.handled).await?;
        Ok(())
    }

    /// True when the event is handled and its place is to be noted.
    async fn one(
        &mut self,
        work: &mut Work,
        stream: &str,
        unit: &Unit,
        envelope: &Envelope,
        known: bool,
        last: i64,
    ) -> anyhow::Result<bool> {
        let version = envelope.aggregate_version;
        let consumer = &unit.0;
        if self.blocked_from.get(unit).is_some_and(|from| version >= *from) {
            self.summary.skipped += 1;
            return Ok(false);
        }
        if known {
            self.summary.passed += 1;
            return Ok(false);
        }
        if self.dismissed.contains(&(consumer.clone(), envelope.event_id.clone())) {
            // Its version is not passed, only stepped over: the row never came to stand there.
            self.stepped_over.insert((unit.clone(), version));
            self.summary.skipped += 1;
            return Ok(false);
        }
        if version <= last {
            self.announce(work, &Event { envelope: envelope.clone() }).await?;
            self.summary.passed += 1;
            return Ok(true);
        }
        let missing =
            (last + 1..version).find(|earlier| !self.stepped_over.contains(&(unit.clone(), *earlier)));
        if let Some(missing) = missing.filter(|_| consumer == ACCOUNTS_DURABLE && !self.accept_cut) {
            bail!(
                "stream {stream} lacks version {missing} of {} {}: publish it again (outbox republish) or accept it \
                 with --accept-cut-stream",
                unit.1,
                unit.2,
            );
        }
        self.effect(work, unit, envelope).await
    }

    /// What consumers do.
    async fn apply(&self, work: &mut Work, event: &Event) -> Result<(), Failure> {
        events::apply(work, &self.hub, event).await?;
        self.announce(work, event).await
    }

    /// The webhooks of an event that a consumer has applied are not made again.
    async fn announce(&self, work: &mut Work, event: &Event) -> Result<(), Failure> {
        let heard = Uuid::parse_str(&event.envelope.event_id).is_ok_and(|id| self.heard.contains(&id));
        if heard { Ok(()) } else { events::outgoing::announce(work, event).await }
    }

    /// False when the event can never be applied: it, and what follows it, is left to the consumer's dead letters.
    async fn effect(&mut self, work: &mut Work, unit: &Unit, envelope: &Envelope) -> anyhow::Result<bool> {
        let event = Event { envelope: envelope.clone() };
        let Err(failure) = self.apply(work, &event).await else {
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

/// The event, its id, its aggregate's, and that of the life in which it was told.
fn read(message: &Message) -> Option<(Envelope, Uuid, Uuid, Uuid)> {
    let envelope = Envelope::decode(message.payload.clone()).ok()?;
    if envelope.schema_version != SCHEMA_VERSION {
        return None;
    }
    let event_id = Uuid::parse_str(&envelope.event_id).ok()?;
    let aggregate_id = Uuid::parse_str(&envelope.aggregate_id).ok()?;
    let lineage_id = lineage_of(&envelope).ok()?;
    Some((envelope, event_id, aggregate_id, lineage_id))
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
