//! The outbox: events are rows of the deciding transaction; the relay publishes them, in order per aggregate.
//!
//! Source: reliability, section 3. Rows belong to one of 16 buckets by aggregate id; a relay holds buckets by lease,
//! and re-checks the lease's epoch when it marks rows. Within an aggregate the next event waits for the acknowledgement
//! of the one before; different aggregates go in parallel. What the broker lost is published again.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::jetstream::{self, message::PublishMessage};
use futures::{StreamExt as _, stream};
use prost::Message as _;
use proto::common::Envelope;
use sqlx::{PgConnection, PgPool, Row as _, postgres::PgRow};
use time::OffsetDateTime;
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    Failure,
    work::{Announced, Key},
};

/// Rows taken in one turn. Source: performance, rule 8.
const TURN: i64 = 500;
/// Aggregates published at the same time.
const PARALLEL: usize = 256;
/// Life of a lease, seconds.
const LEASE_SECS: f64 = 10.0;
/// A lease is renewed this often, and what others let go is taken: not each turn, because the rows would cost more than
/// the events.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// The relay looks at least this often. Source: reliability 3.6.
const POLL: Duration = Duration::from_millis(250);
/// An acknowledgement that takes longer counts as missing.
const ACK_WAIT: Duration = Duration::from_secs(5);
/// How often the relay asks whether the stream still holds what it acknowledged.
const VERIFY_EVERY: Duration = Duration::from_secs(5);

/// What [`envelope`] reads. By name: a prepared `outbox.*` fails on every connection once a migration has added a column.
macro_rules! envelope_columns {
    () => {
        "event_id, kind, schema_version, aggregate_type, aggregate_id, aggregate_version, occurred_at, actor, causation, \
         lineage_id, round_id, policy_version, subject, payload, trace"
    };
}

/// Writes outbox rows and, where the unit answers a request, its answer; the caller holds the locks of the aggregates.
/// One statement, because every decision pays for it. False where that request has an answer already.
pub(crate) async fn write(
    tx: &mut PgConnection,
    announced: &[Announced],
    ids: &[Uuid],
    actor: &str,
    now: OffsetDateTime,
    answered: Option<(&Key, &[u8])>,
) -> Result<bool, Failure> {
    let (key, answer) = answered.unzip();
    let written = sqlx::query(
        "-- chassis.outbox.write
         WITH announced AS (
             INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_version, subject, kind,
                                 schema_version, payload, actor, causation, round_id, policy_version, trace, occurred_at)
             SELECT event_id, aggregate_type, aggregate_id, aggregate_version, subject, kind, 1, payload, $5, causation,
                    round_id, policy_version, trace, $13
             FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $6::text[], $7::text[], $8::bytea[],
                         $9::uuid[], $10::integer[], $11::text[], $12::text[])
                  WITH ORDINALITY AS t (event_id, aggregate_type, aggregate_id, aggregate_version, subject, kind,
                                        payload, round_id, policy_version, causation, trace, place)
             ORDER BY place RETURNING event_id, seq, aggregate_id),
         to_deliver AS (
             -- Sixteen buckets by the aggregate, which relays share.
             INSERT INTO outbox_delivery (event_id, seq, bucket)
             SELECT event_id, seq, get_byte(uuid_send(aggregate_id), 15) % 16 FROM announced)
         INSERT INTO requests (principal, method, request_id, fingerprint, authority, response, made_at)
         SELECT $14, $15, $16, $17, $18, $19, $13 WHERE $16 IS NOT NULL ON CONFLICT DO NOTHING",
    )
    .bind(ids)
    .bind(announced.iter().map(|one| one.event.aggregate_type).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.event.aggregate_id).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.event.aggregate_version).collect::<Vec<_>>())
    .bind(actor)
    .bind(announced.iter().map(|one| one.event.subject.as_str()).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.event.kind).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.event.payload.as_slice()).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.event.round_id).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.event.policy_version).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.cause.as_str()).collect::<Vec<_>>())
    .bind(announced.iter().map(|one| one.trace.as_str()).collect::<Vec<_>>())
    .bind(now)
    .bind(key.map(|key| key.principal.as_str()))
    .bind(key.map(|key| key.method.as_str()))
    .bind(key.map(|key| key.request_id))
    .bind(key.map(|key| key.fingerprint.as_slice()))
    .bind(key.map(|key| key.authority.as_slice()))
    .bind(answer)
    .execute(tx)
    .await?;
    Ok(answered.is_none() || written.rows_affected() == 1)
}

/// Events of one aggregate from a version on, at most 500.
pub(crate) async fn list(
    pool: &PgPool,
    aggregate_type: &str,
    id: Uuid,
    from: i64,
) -> Result<Vec<Envelope>, Failure> {
    let rows = sqlx::query(concat!(
        "-- chassis.outbox.list
         SELECT ",
        envelope_columns!(),
        " FROM outbox, lineage
         WHERE aggregate_type = $1 AND aggregate_id = $2 AND aggregate_version >= $3
         ORDER BY aggregate_version LIMIT 500"
    ))
    .bind(aggregate_type)
    .bind(id)
    .bind(from)
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().map(envelope).collect::<Result<_, _>>()?)
}

/// Sets rows back to unpublished; safe at any time, because consumers are idempotent.
///
/// # Errors
/// The database is away.
pub async fn republish(pool: &PgPool, from: OffsetDateTime, to: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "-- chassis.outbox.republish
         UPDATE outbox_delivery delivery SET published_at = NULL, stream_seq = NULL FROM outbox
         WHERE outbox.event_id = delivery.event_id AND occurred_at >= $1 AND occurred_at < $2",
    )
    .bind(from)
    .bind(to)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

fn envelope(row: &PgRow) -> Result<Envelope, sqlx::Error> {
    let occurred: OffsetDateTime = row.try_get("occurred_at")?;
    let causation: String = row.try_get("causation")?;
    Ok(Envelope {
        event_id: row.try_get::<Uuid, _>("event_id")?.to_string(),
        r#type: row.try_get("kind")?,
        schema_version: u32::try_from(row.try_get::<i32, _>("schema_version")?).unwrap_or(0),
        aggregate_type: row.try_get("aggregate_type")?,
        aggregate_id: row.try_get::<Uuid, _>("aggregate_id")?.to_string(),
        aggregate_version: row.try_get("aggregate_version")?,
        occurred_at: Some(prost_types::Timestamp {
            seconds: occurred.unix_timestamp(),
            nanos: i32::try_from(occurred.nanosecond()).unwrap_or(0),
        }),
        actor_id: row.try_get("actor")?,
        correlation_id: causation.clone(),
        causation_id: causation,
        lineage_id: row.try_get::<Uuid, _>("lineage_id")?.to_string(),
        round_id: row.try_get::<Option<Uuid>, _>("round_id")?.map(|id| id.to_string()).unwrap_or_default(),
        policy_version: row.try_get("policy_version")?,
        subject: row.try_get("subject")?,
        payload: row.try_get::<Vec<u8>, _>("payload")?.into(),
        traceparent: row.try_get("trace")?,
    })
}

/// Publishes this database's events to one stream until the process ends.
pub(crate) struct Relay {
    pub(crate) pool: PgPool,
    pub(crate) jetstream: jetstream::Context,
    /// E.g. `REVIEWS`.
    pub(crate) stream: String,
    pub(crate) wake: Arc<Notify>,
    pub(crate) shutdown: CancellationToken,
}

/// The buckets that this relay holds, with their epochs.
#[derive(Default)]
struct Held {
    buckets: Vec<i16>,
    epochs: Vec<i64>,
    renewed: Option<tokio::time::Instant>,
}

/// An event that the broker acknowledged.
struct Acked {
    event_id: Uuid,
    sequence: i64,
    duplicate: bool,
}

impl Relay {
    pub(crate) async fn run(self) {
        // An increase is seen only of what was there before.
        metrics::counter!("outbox_lost_total").increment(0);
        metrics::counter!("outbox_published_total").increment(0);
        let holder = crate::process::new_instance_id();
        let mut held = Held::default();
        let mut backoff = POLL;
        let mut verified: Option<tokio::time::Instant> = None;
        while !self.shutdown.is_cancelled() {
            let due = verified.is_none_or(|at| at.elapsed() >= VERIFY_EVERY);
            if due && self.verify().await.is_ok() {
                verified = Some(tokio::time::Instant::now());
            }
            match self.turn(holder, &mut held, &mut verified).await {
                Ok(full) => {
                    backoff = POLL;
                    if full {
                        continue;
                    }
                    self.pause(POLL).await;
                }
                Err(error) => {
                    tracing::warn!(error = %crate::error::chain(&error), "relay could not publish");
                    // Only time and shutdown end this pause: waking earlier would not bring the broker back.
                    tokio::select! { () = tokio::time::sleep(backoff) => {}, () = self.shutdown.cancelled() => {} }
                    backoff = (backoff * 2).min(Duration::from_secs(2));
                }
            }
        }
        self.release(holder).await;
    }

    async fn pause(&self, most: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(most) => {}
            () = self.shutdown.cancelled() => {}
        }
    }

    /// Takes free buckets and renews the leases of those it holds.
    async fn renew(&self, holder: Uuid, held: &mut Held) -> Result<(), Failure> {
        let rows = sqlx::query(
            "-- chassis.outbox.lease
             UPDATE outbox_lease SET holder = $1, expires_at = now() + make_interval(secs => $2),
                    epoch = CASE WHEN holder = $1 AND expires_at > now() THEN epoch ELSE epoch + 1 END
             WHERE holder = $1 OR expires_at < now() RETURNING bucket, epoch",
        )
        .bind(holder)
        .bind(LEASE_SECS)
        .fetch_all(&self.pool)
        .await?;
        *held = Held { renewed: Some(tokio::time::Instant::now()), ..Held::default() };
        for row in &rows {
            held.buckets.push(row.try_get::<i16, _>("bucket")?);
            held.epochs.push(row.try_get("epoch")?);
        }
        Ok(())
    }

    /// One turn: take rows, publish, mark. True when there may be more.
    async fn turn(
        &self,
        holder: Uuid,
        held: &mut Held,
        verified: &mut Option<tokio::time::Instant>,
    ) -> Result<bool, Failure> {
        if held.renewed.is_none_or(|at| at.elapsed() >= RENEW_EVERY) {
            self.renew(holder, held).await?;
        }
        let rows = sqlx::query(concat!(
            "-- chassis.outbox.take
             SELECT ",
            envelope_columns!(),
            " FROM outbox_delivery delivery JOIN outbox USING (event_id), lineage
             WHERE published_at IS NULL AND bucket = ANY($1) ORDER BY delivery.seq LIMIT $2"
        ))
        .bind(&held.buckets)
        .bind(TURN)
        .fetch_all(&self.pool)
        .await?;
        let full = rows.len() == usize::try_from(TURN).unwrap_or(0);
        if rows.is_empty() {
            return Ok(false);
        }
        let (acked, failed) = self.publish(&rows).await?;
        let lost = self.mark(held, &acked).await?;
        if lost {
            // A fresh acknowledgement below what was recorded: look at once.
            *verified = None;
        }
        match failed {
            Some(failure) => Err(failure),
            None => Ok(full),
        }
    }

    /// Publishes each aggregate's events one after the other, different aggregates in parallel.
    async fn publish(&self, rows: &[PgRow]) -> Result<(Vec<Acked>, Option<Failure>), Failure> {
        let mut order = Vec::new();
        let mut queues: HashMap<String, Vec<Envelope>> = HashMap::new();
        for row in rows {
            let event = envelope(row)?;
            let queue = queues.entry(event.aggregate_id.clone()).or_insert_with(|| {
                order.push(event.aggregate_id.clone());
                Vec::new()
            });
            queue.push(event);
        }
        let chains =
            order.into_iter().filter_map(|id| queues.remove(&id)).map(|queue| self.publish_chain(queue));
        let outcomes: Vec<_> = stream::iter(chains).buffer_unordered(PARALLEL).collect().await;
        let mut acked = Vec::with_capacity(rows.len());
        let mut failed = None;
        for (done, failure) in outcomes {
            acked.extend(done);
            failed = failed.or(failure);
        }
        Ok((acked, failed))
    }

    async fn publish_chain(&self, queue: Vec<Envelope>) -> (Vec<Acked>, Option<Failure>) {
        let mut acked = Vec::with_capacity(queue.len());
        for event in queue {
            match self.publish_one(&event).await {
                Ok(one) => acked.push(one),
                Err(failure) => return (acked, Some(failure)),
            }
        }
        (acked, None)
    }

    async fn publish_one(&self, event: &Envelope) -> Result<Acked, Failure> {
        let away = |error: Box<dyn std::error::Error + Send + Sync>| {
            tracing::debug!(%error, event.id = event.event_id, "publish failed");
            Failure::unavailable("broker_unavailable", "消息服务暂时不可用")
        };
        let mut message = PublishMessage::build()
            .payload(event.encode_to_vec().into())
            .message_id(&event.event_id)
            .expected_stream(&self.stream)
            .header("Yuchong-Type", event.r#type.as_str())
            .header("Yuchong-Aggregate-Type", event.aggregate_type.as_str())
            .header("Yuchong-Aggregate-Id", event.aggregate_id.as_str())
            .header("Yuchong-Aggregate-Version", event.aggregate_version.to_string().as_str())
            .header("Yuchong-Lineage-Id", event.lineage_id.as_str());
        if !event.traceparent.is_empty() {
            message = message.header(crate::telemetry::TRACEPARENT, event.traceparent.as_str());
        }
        let span = tracing::info_span!("publish", otel.kind = "producer", event.id = %event.event_id, event.kind = %event.r#type);
        crate::telemetry::continue_trace(&span, &event.traceparent);
        let sent = async {
            let waiting = self.jetstream.send_publish(event.subject.clone(), message).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(timeout(ACK_WAIT, waiting).await??)
        };
        let ack = sent.instrument(span).await.map_err(away)?;
        Ok(Acked {
            event_id: Uuid::parse_str(&event.event_id).map_err(Failure::internal)?,
            sequence: i64::try_from(ack.sequence).unwrap_or(i64::MAX),
            duplicate: ack.duplicate,
        })
    }

    /// Marks what was acknowledged, where the lease still holds. True when the broker has lost something.
    ///
    /// A fresh acknowledgement at or below a sequence that was acknowledged before means that the broker lost its tail
    /// and hands out the numbers again (reliability 3.7); then the highest one is raised together with the repair.
    async fn mark(&self, held: &Held, acked: &[Acked]) -> Result<bool, Failure> {
        if acked.is_empty() {
            return Ok(false);
        }
        let lowest = acked.iter().filter(|one| !one.duplicate).map(|one| one.sequence).min();
        let highest = acked.iter().map(|one| one.sequence).max();
        let expected: Option<bool> = sqlx::query_scalar(
            "-- chassis.outbox.mark
             WITH before AS (SELECT stream, highest_seq FROM outbox_stream WHERE stream = $5 FOR UPDATE),
             marked AS (
                 UPDATE outbox_delivery delivery
                 SET published_at = now(), stream_seq = done.sequence, attempts = attempts + 1
                 FROM unnest($1::uuid[], $2::bigint[]) AS done (event_id, sequence)
                 WHERE delivery.event_id = done.event_id
                   AND EXISTS (SELECT 1 FROM outbox_lease lease JOIN unnest($3::smallint[], $4::bigint[]) AS mine (bucket, epoch)
                               ON lease.bucket = mine.bucket AND lease.epoch = mine.epoch WHERE lease.bucket = delivery.bucket))
             UPDATE outbox_stream SET highest_seq = greatest(before.highest_seq, $6) FROM before
             WHERE outbox_stream.stream = before.stream AND coalesce($7 > before.highest_seq, true) RETURNING true",
        )
        .bind(acked.iter().map(|one| one.event_id).collect::<Vec<_>>())
        .bind(acked.iter().map(|one| one.sequence).collect::<Vec<_>>())
        .bind(&held.buckets)
        .bind(&held.epochs)
        .bind(&self.stream)
        .bind(highest)
        .bind(lowest)
        .fetch_optional(&self.pool)
        .await?;
        metrics::counter!("outbox_published_total").increment(acked.len() as u64);
        match (expected, lowest, highest) {
            (None, Some(lowest), Some(highest)) => self.repair(acked, lowest, highest).await,
            (Some(_), _, _) | (None, None, _) | (None, Some(_), None) => Ok(false),
        }
    }

    /// Sets back to unpublished what stood at the sequences that the broker handed out again.
    async fn repair(&self, acked: &[Acked], lowest: i64, highest: i64) -> Result<bool, Failure> {
        let fresh: Vec<&Acked> = acked.iter().filter(|one| !one.duplicate).collect();
        let mut tx = self.pool.begin().await?;
        let lost = sqlx::query(
            "-- chassis.outbox.lost
             UPDATE outbox_delivery SET published_at = NULL, stream_seq = NULL
             WHERE published_at IS NOT NULL AND stream_seq >= $1 AND event_id <> ALL($2)
               AND stream_seq = ANY($3)",
        )
        .bind(lowest)
        .bind(fresh.iter().map(|one| one.event_id).collect::<Vec<_>>())
        .bind(fresh.iter().map(|one| one.sequence).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        sqlx::query(
            "-- chassis.outbox.raise
             UPDATE outbox_stream SET highest_seq = greatest(highest_seq, $2) WHERE stream = $1",
        )
        .bind(&self.stream)
        .bind(highest)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        if lost > 0 {
            self.report_loss(lost);
        }
        Ok(lost > 0)
    }

    fn report_loss(&self, lost: u64) {
        tracing::error!(lost, stream = self.stream, "the broker lost events; publishing them again");
        metrics::counter!("outbox_lost_total").increment(lost);
    }

    /// Compares the stream with what it acknowledged; sets lost rows back to unpublished (reliability 3.7).
    async fn verify(&self) -> Result<(), Failure> {
        let away = |error: Box<dyn std::error::Error + Send + Sync>| {
            tracing::debug!(%error, "stream could not be asked");
            Failure::unavailable("broker_unavailable", "消息服务暂时不可用")
        };
        let asked = timeout(ACK_WAIT, self.jetstream.get_stream(&self.stream)).await;
        let stream = asked.map_err(|error| away(error.into()))?.map_err(|error| away(error.into()))?;
        let info = stream.cached_info();
        let created = info.created.to_string();
        let last = i64::try_from(info.state.last_sequence).unwrap_or(i64::MAX);
        let mut tx = self.pool.begin().await?;
        let known =
            sqlx::query("SELECT created_at, highest_seq FROM outbox_stream WHERE stream = $1 FOR UPDATE")
                .bind(&self.stream)
                .fetch_optional(&mut *tx)
                .await?;
        let kept = match &known {
            None => 0,
            Some(row) if row.try_get::<String, _>("created_at")? != created => 0,
            Some(row) if row.try_get::<i64, _>("highest_seq")? > last => last,
            Some(_) => {
                tx.rollback().await?;
                return Ok(());
            }
        };
        let lost = sqlx::query(
            "-- chassis.outbox.reset
             UPDATE outbox_delivery SET published_at = NULL, stream_seq = NULL
             WHERE published_at IS NOT NULL AND stream_seq > $1",
        )
        .bind(kept)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        sqlx::query(
            "INSERT INTO outbox_stream (stream, created_at, highest_seq) VALUES ($1, $2, $3)
             ON CONFLICT (stream) DO UPDATE SET created_at = $2, highest_seq = $3",
        )
        .bind(&self.stream)
        .bind(&created)
        .bind(kept)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        if lost > 0 {
            self.report_loss(lost);
        }
        Ok(())
    }

    async fn release(&self, holder: Uuid) {
        // An unreleased lease ends by itself after LEASE_SECS.
        let _ = sqlx::query("UPDATE outbox_lease SET expires_at = '1970-01-01Z' WHERE holder = $1")
            .bind(holder)
            .execute(&self.pool)
            .await;
    }
}
