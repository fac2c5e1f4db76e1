//! Pulls from the broker: one lane per aggregate, acknowledges last, keeps aside what can never be applied.
//!
//! Messages of one aggregate are applied one after the other; different aggregates in parallel lanes. What waits in a lane
//! is applied in one transaction (decision record 7).

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use async_nats::jetstream::{self, AckKind};
use futures::StreamExt as _;
use prost::Message as _;
use proto::common::Envelope;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    Failure,
    consumer::{Applier, Heard, Outcome, Subscription},
    dead_letters,
    error::{Verdict, chain},
    telemetry,
};

/// Lanes of one consumer that apply messages at the same time; all consumers of a service share its pool.
const LANES: usize = 4;
/// Messages waiting in one lane, and applied together where they can be.
const LANE_DEPTH: usize = 32;
/// Tries of an unexpected error before the message dies. Source: reliability 5.5.
const ATTEMPTS_MAX: i32 = 8;
/// Questions to a producer that does not have what is missing: it sees its own earlier versions at once.
const GAP_ATTEMPTS_MAX: i32 = 3;
/// First and longest pause after a transient failure. Longer pauses would miss "backlog drained ≤ 30 s" (reliability 15).
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Between two looks at what waits at the broker.
const MEASURE: Duration = Duration::from_secs(10);
/// Header that says whose event it is.
const AGGREGATE_ID: &str = "Yuchong-Aggregate-Id";
/// Why an event is kept that could be applied: behind an open letter of its aggregate.
const BLOCKED: &str = "blocked";
/// Payload version that this code knows.
const SCHEMA_VERSION: u32 = 1;

/// Pulls from the broker and hands each message to its aggregate's lane.
pub(crate) struct Consumer {
    pub(crate) applier: Applier,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) shutdown: CancellationToken,
}

impl Consumer {
    pub(crate) async fn run(self) {
        let durable = self.applier.subscription.durable;
        // An increase is seen only of what was there before.
        metrics::counter!("dead_letters_total", "consumer" => durable).increment(0);
        metrics::counter!("events_consumed_total", "consumer" => durable).increment(0);
        let mut backoff = BACKOFF.0;
        while !self.shutdown.is_cancelled() {
            let began = tokio::time::Instant::now();
            let pulled = tokio::select! { pulled = self.pull() => pulled, never = self.measure() => never };
            if let Err(error) = pulled {
                tracing::warn!(consumer = durable, error = %error, "consumer lost its stream");
            }
            tokio::select! { () = tokio::time::sleep(backoff) => {}, () = self.shutdown.cancelled() => {} }
            let lasted = began.elapsed() > BACKOFF.1 * 2;
            backoff = if lasted { BACKOFF.0 } else { (backoff * 2).min(BACKOFF.1) };
        }
    }

    /// Tells the metrics how much waits at the broker, beside the pulling, which may stand still.
    async fn measure(&self) -> anyhow::Result<()> {
        let Subscription { stream, durable, .. } = self.applier.subscription;
        loop {
            tokio::time::sleep(MEASURE).await;
            let asked: Result<jetstream::consumer::PullConsumer, _> =
                self.jetstream.get_consumer_from_stream(durable, stream).await;
            // A broker that is away is told of by the pulling.
            let Ok(consumer) = asked else { continue };
            let info = consumer.cached_info();
            #[expect(clippy::cast_precision_loss, reason = "a queue that long is long enough")]
            metrics::gauge!("consumer_pending_events", "consumer" => durable).set(info.num_pending as f64);
            #[expect(clippy::cast_precision_loss, reason = "256 at most")]
            metrics::gauge!("consumer_unacknowledged_events", "consumer" => durable)
                .set(info.num_ack_pending as f64);
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
                    let mut waiting = Vec::with_capacity(LANE_DEPTH);
                    while receiver.recv_many(&mut waiting, LANE_DEPTH).await > 0 {
                        lane.handle_all(&mut waiting).await;
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
    header(message, AGGREGATE_ID).hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0)
}

async fn acknowledge(message: &jetstream::Message, ack: AckKind) {
    // A lost acknowledgement means one more delivery, which the inbox recognises.
    if let Err(error) = message.ack_with(ack).await {
        tracing::debug!(%error, "acknowledgement not sent");
    }
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
    /// What waits is applied in one transaction; where that cannot be, each message goes its way alone, in order.
    async fn handle_all(&self, waiting: &mut Vec<jetstream::Message>) {
        // Lanes of different consumers then lock what they share in the same order; within an aggregate it stays.
        waiting.sort_by_cached_key(|message| header(message, AGGREGATE_ID));
        if waiting.len() > 1 && self.together(waiting).await {
            for message in waiting.drain(..) {
                acknowledge(&message, AckKind::Ack).await;
            }
        }
        for message in waiting.drain(..) {
            if self.shutdown.is_cancelled() {
                return;
            }
            self.handle(message).await;
        }
    }

    async fn together(&self, waiting: &[jetstream::Message]) -> bool {
        let events: Option<Vec<_>> = waiting
            .iter()
            .map(|message| {
                let envelope = Envelope::decode(message.payload.as_ref()).ok()?;
                if envelope.schema_version != SCHEMA_VERSION {
                    return None;
                }
                Heard::new(envelope, self.span(message)).ok()
            })
            .collect();
        let Some(events) = events else { return false };
        match self.applier.apply_together(&events).await {
            Ok(Some(applied)) => self.consumed(applied),
            Ok(None) => return false,
            Err(failure) => {
                tracing::debug!(error = %chain(&failure), "events are applied one by one");
                return false;
            }
        }
        true
    }

    fn consumed(&self, events: u64) {
        metrics::counter!("events_consumed_total", "consumer" => self.applier.subscription.durable)
            .increment(events);
    }

    fn span(&self, message: &jetstream::Message) -> tracing::Span {
        let span = tracing::info_span!("consume", otel.kind = "consumer", consumer = self.applier.subscription.durable, messaging.destination.name = %message.subject);
        telemetry::continue_trace(&span, &header(message, telemetry::TRACEPARENT));
        span
    }

    /// Tries until the message is settled or the process ends; then it comes again by itself.
    async fn handle(&self, message: jetstream::Message) {
        let span = self.span(&message);
        async {
            let mut backoff = BACKOFF.0;
            while !self.shutdown.is_cancelled() {
                match self.attempt(&message).await {
                    Ok(ack) => return acknowledge(&message, ack).await,
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
                self.consumed(1);
                Ok(AckKind::Ack)
            }
            Ok(Outcome::Passed) => Ok(AckKind::Ack),
            Ok(Outcome::Blocked) => {
                self.bury(message, Some(&envelope), BLOCKED, "an earlier event is a dead letter").await
            }
            // Another restore, while this one's events came in: the next delivery begins anew once more.
            Ok(Outcome::Reborn) => {
                Err(Failure::unavailable("lineage_changed", "another lineage than before"))
            }
            Ok(Outcome::Gap { from }) => {
                // The producer answered and does not have it: only a person can say how to go on.
                let failure = Failure::unavailable("gap_open", format!("missing from version {from}"));
                if self.count(&envelope.event_id, &failure).await? >= GAP_ATTEMPTS_MAX {
                    return self.bury(message, Some(&envelope), "gap", &chain(&failure)).await;
                }
                Err(failure)
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
        let aggregate_id = Uuid::parse_str(&known(|e| e.aggregate_id.clone(), AGGREGATE_ID)).ok();
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
        if let Some(envelope) = envelope {
            dead_letters::make_room(&self.applier.pool, durable, envelope).await?;
        }
        // A letter that is being replayed is settled either after this one came behind it, and then finds it, or before.
        let stands: bool = sqlx::query_scalar(
            "-- chassis.dead_letters.insert
             WITH before AS (
                 SELECT id FROM dead_letters WHERE consumer = $1 AND aggregate_type = $6 AND aggregate_id = $7
                 AND settled_at IS NULL LIMIT 1 FOR SHARE),
             kept AS (
                 INSERT INTO dead_letters (consumer, stream, stream_seq, subject, event_id, aggregate_type, aggregate_id,
                                           aggregate_version, reason, error, payload, headers, died_at)
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now()
                 WHERE $9 <> 'blocked' OR EXISTS (SELECT FROM before)
                 ON CONFLICT (consumer, event_id) DO NOTHING)
             SELECT EXISTS (SELECT FROM before)",
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
        .fetch_one(&self.applier.pool)
        .await?;
        if reason == BLOCKED && !stands {
            return Err(Failure::unavailable("unblocked", "what stood before it is settled"));
        }
        metrics::counter!("dead_letters_total", "consumer" => *durable).increment(1);
        tracing::error!(consumer = durable, subject = %message.subject, reason, error, "dead letter");
        Ok(AckKind::Term)
    }
}
