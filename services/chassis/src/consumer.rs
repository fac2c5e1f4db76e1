//! Durable consumers: claim in the inbox, find the place in the aggregate's order, apply, commit, acknowledge last.
//!
//! Source: reliability, section 5. Messages of one aggregate are applied one after the other; different aggregates in
//! parallel lanes. What can never be applied becomes a dead letter, which blocks later events of the same aggregate.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use async_nats::jetstream::{self, AckKind};
use futures::{StreamExt as _, future::BoxFuture};
use prost::Message as _;
use proto::common::{Envelope, ListEventsRequest, events_client::EventsClient};
use sqlx::{PgPool, Row as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    Failure, Units, Work,
    error::{Verdict, chain},
    identity::Caller,
    rpc::Peer,
    telemetry,
};

/// Lanes that apply messages at the same time.
const LANES: usize = 8;
/// Messages waiting in one lane.
const LANE_DEPTH: usize = 32;
/// Tries of an unexpected error before the message dies. Source: reliability 5.5.
const ATTEMPTS_MAX: i32 = 8;
/// First and longest pause after a transient failure. Longer pauses would miss "backlog drained ≤ 30 s" (reliability 15).
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Payload version that this code knows.
const SCHEMA_VERSION: u32 = 1;

/// One consumed event.
#[derive(Debug, Clone)]
pub struct Event {
    /// The envelope; `payload` is the producer's message.
    pub envelope: Envelope,
}

/// The effect of one event, inside the consumer's transaction.
pub type Apply = Arc<dyn for<'w> Fn(&'w mut Work, Event) -> BoxFuture<'w, Result<(), Failure>> + Send + Sync>;

/// Fetches an aggregate's events from a version on: `(aggregate type, aggregate id, from version)`.
pub type Fetch =
    Arc<dyn Fn(String, String, i64) -> BoxFuture<'static, Result<Vec<Envelope>, Failure>> + Send + Sync>;

/// How a consumer keeps the order of an aggregate. Source: reliability 5.2.
#[derive(Clone)]
pub enum Order {
    /// Filtered on a tier's subjects, sees holes by design: anything newer than the last version applies.
    Tier,
    /// Takes every version; a gap is filled from the producer before going on.
    EveryVersion(Fetch),
}

/// One row of a service's subscriptions.
#[derive(Clone)]
pub struct Subscription {
    /// E.g. `REVIEWS`.
    pub stream: &'static str,
    /// Name of the durable consumer; made by the deployment job, not here.
    pub durable: &'static str,
    /// See [`Order`].
    pub order: Order,
    /// See [`Apply`].
    pub apply: Apply,
}

/// A [`Fetch`] that asks the producing service's `Events`.
pub fn fetch_from(peer: Peer) -> Fetch {
    Arc::new(move |aggregate_type, aggregate_id, from_version| {
        let mut client = EventsClient::new(peer.clone());
        Box::pin(async move {
            let answer =
                client.list_events(ListEventsRequest { aggregate_type, aggregate_id, from_version }).await?;
            Ok(answer.into_inner().events)
        })
    })
}

/// What became of one event.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its effect is committed.
    Applied,
    /// It, or a later version of its aggregate, was applied before.
    Passed,
    /// An earlier event of its aggregate is a dead letter, so this one is kept behind it.
    Blocked,
    /// Versions before it are missing.
    Gap {
        /// The first version that is missing.
        from: i64,
    },
}

/// Applies events for one consumer; the running consumer, replays and rebuilds all go through it.
#[derive(Clone)]
pub struct Applier {
    units: Units,
    pool: PgPool,
    subscription: Subscription,
}

impl Applier {
    /// Over the service's database.
    pub fn new(units: Units, pool: PgPool, subscription: Subscription) -> Self {
        Self { units, pool, subscription }
    }

    /// Applies one event in one transaction, filling a gap first where the order asks for it.
    ///
    /// # Errors
    /// Whatever the effect refuses; nothing has changed then.
    pub async fn apply(&self, envelope: &Envelope) -> Result<Outcome, Failure> {
        match self.step(envelope, false).await? {
            Outcome::Gap { from } => {
                self.fill(envelope, from).await?;
                self.step(envelope, false).await
            }
            outcome @ (Outcome::Applied | Outcome::Passed | Outcome::Blocked) => Ok(outcome),
        }
    }

    async fn fill(&self, envelope: &Envelope, from: i64) -> Result<(), Failure> {
        let Order::EveryVersion(fetch) = &self.subscription.order else { return Ok(()) };
        tracing::info!(consumer = self.subscription.durable, aggregate.id = %envelope.aggregate_id, from, "filling a gap");
        let missing = fetch(envelope.aggregate_type.clone(), envelope.aggregate_id.clone(), from).await?;
        for event in missing.iter().filter(|event| event.aggregate_version < envelope.aggregate_version) {
            self.step(event, false).await?;
        }
        Ok(())
    }

    /// `replayed`: an open dead letter of the aggregate does not block, because it is the one being replayed.
    async fn step(&self, envelope: &Envelope, replayed: bool) -> Result<Outcome, Failure> {
        let consumer = self.subscription.durable;
        let event_id = Uuid::parse_str(&envelope.event_id).map_err(|_| undecodable("event_id"))?;
        let aggregate_id =
            Uuid::parse_str(&envelope.aggregate_id).map_err(|_| undecodable("aggregate_id"))?;
        let version = envelope.aggregate_version;
        let mut work = self.units.begin_for(Caller::system(consumer), envelope.event_id.clone()).await?;
        let row = sqlx::query(
            "-- chassis.inbox.claim
             WITH claimed AS (
                 INSERT INTO inbox (consumer, event_id, aggregate_id, aggregate_version, applied_at)
                 VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING RETURNING 1),
             place AS (
                 INSERT INTO consumer_versions (consumer, aggregate_type, aggregate_id, version) VALUES ($1, $5, $3, 0)
                 ON CONFLICT (consumer, aggregate_type, aggregate_id) DO UPDATE SET version = consumer_versions.version
                 RETURNING version)
             SELECT EXISTS (SELECT 1 FROM claimed) AS fresh, (SELECT version FROM place) AS last,
                    EXISTS (SELECT 1 FROM dead_letters WHERE consumer = $1 AND aggregate_type = $5 AND aggregate_id = $3
                            AND settled_at IS NULL) AS blocked",
        )
        .bind(consumer)
        .bind(event_id)
        .bind(aggregate_id)
        .bind(version)
        .bind(&envelope.aggregate_type)
        .fetch_one(work.db())
        .await?;
        let last: i64 = row.try_get("last")?;
        if !row.try_get::<bool, _>("fresh")? {
            return Ok(Outcome::Passed);
        }
        if row.try_get::<bool, _>("blocked")? && !replayed {
            return Ok(Outcome::Blocked);
        }
        if version <= last {
            work.commit().await?;
            return Ok(Outcome::Passed);
        }
        if version > last + 1 && matches!(self.subscription.order, Order::EveryVersion(_)) {
            return Ok(Outcome::Gap { from: last + 1 });
        }
        (self.subscription.apply)(&mut work, Event { envelope: envelope.clone() }).await?;
        sqlx::query(
            "-- chassis.consumer_versions.raise
             UPDATE consumer_versions SET version = $4 WHERE consumer = $1 AND aggregate_type = $2 AND aggregate_id = $3",
        )
        .bind(consumer)
        .bind(&envelope.aggregate_type)
        .bind(aggregate_id)
        .bind(version)
        .execute(work.db())
        .await?;
        work.commit().await?;
        Ok(Outcome::Applied)
    }

    /// Applies a dead letter again, then everything that was kept behind it, in order.
    ///
    /// # Errors
    /// The effect refuses again (the letter stays), or there is no such open letter (`not_found`).
    pub async fn replay(&self, letter: i64, by: &str) -> Result<(), Failure> {
        let first = self.letter(letter).await?.ok_or_else(Failure::not_found)?;
        for (id, envelope) in self.kept_behind(letter, &first).await? {
            match self.step(&envelope, true).await? {
                Outcome::Applied | Outcome::Passed | Outcome::Blocked => {
                    settle(&self.pool, id, by, "replayed").await?
                }
                Outcome::Gap { from } => {
                    self.fill(&envelope, from).await?;
                    self.step(&envelope, true).await?;
                    settle(&self.pool, id, by, "replayed").await?;
                }
            }
        }
        Ok(())
    }

    async fn letter(&self, id: i64) -> Result<Option<Envelope>, Failure> {
        let payload: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT payload FROM dead_letters WHERE id = $1 AND consumer = $2 AND settled_at IS NULL",
        )
        .bind(id)
        .bind(self.subscription.durable)
        .fetch_optional(&self.pool)
        .await?;
        payload
            .map(|payload| Envelope::decode(payload.as_slice()).map_err(|_| undecodable("envelope")))
            .transpose()
    }

    async fn kept_behind(&self, letter: i64, first: &Envelope) -> Result<Vec<(i64, Envelope)>, Failure> {
        let aggregate = Uuid::parse_str(&first.aggregate_id).map_err(|_| undecodable("aggregate_id"))?;
        let rows = sqlx::query(
            "-- chassis.dead_letters.kept_behind
             SELECT id, payload FROM dead_letters WHERE consumer = $1 AND aggregate_type = $2 AND aggregate_id = $3
             AND settled_at IS NULL AND (id = $4 OR reason = 'blocked') ORDER BY aggregate_version",
        )
        .bind(self.subscription.durable)
        .bind(&first.aggregate_type)
        .bind(aggregate)
        .bind(letter)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let payload: Vec<u8> = row.try_get("payload")?;
                Ok((
                    row.try_get("id")?,
                    Envelope::decode(payload.as_slice()).map_err(|_| undecodable("envelope"))?,
                ))
            })
            .collect()
    }
}

/// Marks a dead letter as settled without applying it.
///
/// # Errors
/// `not_found` when no such letter is open.
pub async fn dismiss(pool: &PgPool, letter: i64, by: &str) -> Result<(), Failure> {
    settle(pool, letter, by, "dismissed").await
}

async fn settle(pool: &PgPool, letter: i64, by: &str, settlement: &str) -> Result<(), Failure> {
    let done = sqlx::query(
        "-- chassis.dead_letters.settle
         UPDATE dead_letters SET settled_at = now(), settled_by = $2, settlement = $3 WHERE id = $1 AND settled_at IS NULL",
    )
    .bind(letter)
    .bind(by)
    .bind(settlement)
    .execute(pool)
    .await?;
    if done.rows_affected() == 0 { Err(Failure::not_found()) } else { Ok(()) }
}

fn undecodable(part: &'static str) -> Failure {
    Failure::invalid("undecodable", part, "事件内容无法解析")
}

/// Pulls from the broker and hands each message to its aggregate's lane.
pub(crate) struct Consumer {
    pub(crate) applier: Applier,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) shutdown: CancellationToken,
}

impl Consumer {
    pub(crate) async fn run(self) {
        let mut backoff = BACKOFF.0;
        while !self.shutdown.is_cancelled() {
            let pulled = self.pull().await;
            if let Err(error) = pulled {
                tracing::warn!(consumer = self.applier.subscription.durable, error = %error, "consumer lost its stream");
            }
            tokio::select! { () = tokio::time::sleep(backoff) => {}, () = self.shutdown.cancelled() => {} }
            backoff = (backoff * 2).min(BACKOFF.1);
        }
    }

    async fn pull(&self) -> anyhow::Result<()> {
        let Subscription { stream, durable, .. } = &self.applier.subscription;
        let consumer: jetstream::consumer::PullConsumer = self
            .jetstream
            .get_consumer_from_stream(*durable, *stream)
            .await
            .map_err(|error| anyhow::anyhow!(error))?;
        let mut messages = consumer
            .stream()
            .max_messages_per_batch(LANES * LANE_DEPTH / 2)
            .heartbeat(Duration::from_secs(5))
            .expires(Duration::from_secs(15))
            .messages()
            .await?;
        let lanes = self.lanes();
        loop {
            let next = tokio::select! { next = messages.next() => next, () = self.shutdown.cancelled() => return Ok(()) };
            let message = next.ok_or_else(|| anyhow::anyhow!("the stream of messages ended"))??;
            let lane = lane_of(&message);
            if lanes[lane].send(message).await.is_err() {
                anyhow::bail!("a lane ended");
            }
        }
    }

    fn lanes(&self) -> Vec<mpsc::Sender<jetstream::Message>> {
        (0..LANES)
            .map(|_| {
                let (sender, mut receiver) = mpsc::channel::<jetstream::Message>(LANE_DEPTH);
                let lane = Lane { applier: self.applier.clone(), shutdown: self.shutdown.clone() };
                tokio::spawn(async move {
                    while let Some(message) = receiver.recv().await {
                        if lane.shutdown.is_cancelled() {
                            return;
                        }
                        lane.handle(message).await;
                    }
                });
                sender
            })
            .collect()
    }
}

/// All messages of one aggregate go to one lane, also those whose body does not decode.
fn lane_of(message: &jetstream::Message) -> usize {
    let mut hasher = DefaultHasher::new();
    header(message, "Yuchong-Aggregate-Id").hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0)
}

fn header(message: &jetstream::Message, name: &str) -> String {
    message
        .headers
        .as_ref()
        .and_then(|headers| headers.get(name))
        .map(|value| value.to_string())
        .unwrap_or_default()
}

struct Lane {
    applier: Applier,
    shutdown: CancellationToken,
}

impl Lane {
    /// Tries until the message is settled or the process ends; then it comes again by itself.
    async fn handle(&self, message: jetstream::Message) {
        let span = tracing::info_span!("consume", otel.kind = "consumer", consumer = self.applier.subscription.durable, messaging.destination.name = %message.subject);
        telemetry::continue_trace(&span, &header(&message, telemetry::TRACEPARENT));
        async {
            let mut backoff = BACKOFF.0;
            while !self.shutdown.is_cancelled() {
                match self.attempt(&message).await {
                    Ok(ack) => {
                        // A lost acknowledgement means one more delivery, which the inbox recognises.
                        if let Err(error) = message.ack_with(ack).await {
                            tracing::debug!(%error, "acknowledgement not sent");
                        }
                        return;
                    }
                    Err(failure) => {
                        tracing::warn!(error = %chain(&failure), subject = %message.subject, "event will be tried again");
                        tokio::time::sleep(backoff).await;
                        backoff = (backoff * 2).min(BACKOFF.1);
                        let _ = message.ack_with(AckKind::Progress).await;
                    }
                }
            }
        }
        .instrument(span)
        .await;
    }

    /// How to acknowledge; an error means: later.
    async fn attempt(&self, message: &jetstream::Message) -> Result<AckKind, Failure> {
        let envelope = match Envelope::decode(message.payload.as_ref()) {
            Ok(envelope) if envelope.schema_version == SCHEMA_VERSION => envelope,
            Ok(envelope) => {
                let error = format!("schema version {}", envelope.schema_version);
                return self.bury(message, Some(&envelope), "unknown_version", &error).await;
            }
            Err(error) => return self.bury(message, None, "undecodable", &error.to_string()).await,
        };
        match self.applier.apply(&envelope).await {
            Ok(Outcome::Applied) => {
                metrics::counter!("events_consumed_total", "consumer" => self.applier.subscription.durable)
                    .increment(1);
                Ok(AckKind::Ack)
            }
            Ok(Outcome::Passed) => Ok(AckKind::Ack),
            Ok(Outcome::Blocked) => {
                self.bury(message, Some(&envelope), "blocked", "an earlier event is a dead letter").await
            }
            Ok(Outcome::Gap { from }) => {
                Err(Failure::unavailable("gap_open", format!("missing from version {from}")))
            }
            Err(failure) => match failure.kind().meaning().2 {
                Verdict::Later => Err(failure),
                Verdict::DeadLetter => self.bury(message, Some(&envelope), "refused", &chain(&failure)).await,
                Verdict::Unexpected => {
                    if self.count(&envelope.event_id, &failure).await? >= ATTEMPTS_MAX {
                        self.bury(message, Some(&envelope), "unexpected", &chain(&failure)).await
                    } else {
                        Err(failure)
                    }
                }
            },
        }
    }

    async fn count(&self, event_id: &str, failure: &Failure) -> Result<i32, Failure> {
        Ok(sqlx::query_scalar(
            "-- chassis.delivery_attempts.count
             INSERT INTO delivery_attempts (consumer, event_id, attempts, last_error) VALUES ($1, $2, 1, $3)
             ON CONFLICT (consumer, event_id) DO UPDATE SET attempts = delivery_attempts.attempts + 1, last_error = $3
             RETURNING attempts",
        )
        .bind(self.applier.subscription.durable)
        .bind(event_id)
        .bind(chain(failure))
        .fetch_one(&self.applier.pool)
        .await?)
    }

    /// Keeps the message with the reason, then ends its delivery.
    async fn bury(
        &self,
        message: &jetstream::Message,
        envelope: Option<&Envelope>,
        reason: &str,
        error: &str,
    ) -> Result<AckKind, Failure> {
        let info = message.info().ok();
        let sequence = info.as_ref().map_or(0, |info| i64::try_from(info.stream_sequence).unwrap_or(0));
        let Subscription { stream, durable, .. } = &self.applier.subscription;
        // A body that does not decode may still say in its headers whose it is; it then blocks that aggregate.
        let known =
            |of: fn(&Envelope) -> String, name: &str| envelope.map_or_else(|| header(message, name), of);
        let event_id = match known(|e| e.event_id.clone(), "Nats-Msg-Id") {
            id if id.is_empty() => format!("{stream}:{sequence}"),
            id => id,
        };
        let aggregate_type = known(|e| e.aggregate_type.clone(), "Yuchong-Aggregate-Type");
        let aggregate_id = Uuid::parse_str(&known(|e| e.aggregate_id.clone(), "Yuchong-Aggregate-Id")).ok();
        let version =
            known(|e| e.aggregate_version.to_string(), "Yuchong-Aggregate-Version").parse::<i64>().ok();
        let headers: serde_json::Map<String, serde_json::Value> = message
            .headers
            .iter()
            .flat_map(|headers| headers.iter())
            .map(|(name, values)| {
                let text = values.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",");
                (name.to_string(), text.into())
            })
            .collect();
        sqlx::query(
            "-- chassis.dead_letters.insert
             INSERT INTO dead_letters (consumer, stream, stream_seq, subject, event_id, aggregate_type, aggregate_id,
                                       aggregate_version, reason, error, payload, headers, died_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now()) ON CONFLICT (consumer, event_id) DO NOTHING",
        )
        .bind(durable)
        .bind(stream)
        .bind(sequence)
        .bind(message.subject.as_str())
        .bind(event_id)
        .bind(aggregate_type)
        .bind(aggregate_id)
        .bind(version)
        .bind(reason)
        .bind(error)
        .bind(message.payload.as_ref())
        .bind(sqlx::types::Json(headers))
        .execute(&self.applier.pool)
        .await?;
        metrics::counter!("dead_letters_total", "consumer" => *durable).increment(1);
        tracing::error!(consumer = durable, subject = %message.subject, reason, error, "dead letter");
        Ok(AckKind::Term)
    }
}
