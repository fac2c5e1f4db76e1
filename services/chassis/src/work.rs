//! The unit of work: one transaction, database time, ids, the caller, what it announces, and its stored answer.
//!
//! A repeated `request_id` is answered from the stored answer; the same id with another body is refused.
//! Source: reliability, sections 3, 6 and 7. The only place that opens a transaction.

use std::sync::Arc;

use futures::future::BoxFuture;
use prost::Message;
use proto::Mutation;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool, Row as _};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tonic::{Request, Response, Status, metadata::MetadataValue};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{Failure, identity::Caller, outbox, rpc, telemetry, transaction::Transaction};

/// What a unit of work tells the world; becomes one outbox row in the same transaction.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// E.g. `application`; with the id the unit of order.
    pub aggregate_type: &'static str,
    /// Which one.
    pub aggregate_id: Uuid,
    /// 1, 2, 3 … without holes, taken under the aggregate's row lock.
    pub aggregate_version: i64,
    /// The full NATS subject.
    pub subject: String,
    /// Past tense, snake case.
    pub kind: &'static str,
    /// The encoded payload message, ≤ 256 KiB.
    pub payload: Vec<u8>,
    /// Round that it belongs to.
    pub round_id: Option<Uuid>,
    /// Version of that round's policy.
    pub policy_version: i32,
}

/// Makes units of work over one database.
#[derive(Clone)]
pub struct Units {
    pool: PgPool,
    wake: Arc<Notify>,
}

/// One transaction and all that it may know. Dropping it changes nothing.
pub struct Work {
    tx: Transaction,
    now: OffsetDateTime,
    caller: Caller,
    /// Request id or event id that caused this work.
    cause: String,
    announced: Vec<Announced>,
    /// Something was announced: the relay has to know.
    announces: bool,
    wake: Arc<Notify>,
}

/// An announcement with what led to it: a consumer's transaction may hold the effects of several events.
pub(crate) struct Announced {
    pub(crate) event: Announcement,
    /// Request id or event id.
    pub(crate) cause: String,
    /// W3C trace context.
    pub(crate) trace: String,
}

/// What identifies a repetition.
pub(crate) struct Key {
    pub(crate) principal: String,
    pub(crate) method: String,
    pub(crate) request_id: Uuid,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) authority: Vec<u8>,
}

impl Units {
    pub(crate) fn new(pool: PgPool, wake: Arc<Notify>) -> Self {
        Self { pool, wake }
    }

    /// Runs one mutation: opens the unit, replays a repeated request, commits the effect with its answer and events.
    ///
    /// # Errors
    /// `request_id_missing`, `request_reused` (another body), `authority_changed` (other roles or scope than the first time), `request_running` (ABORTED), whatever `effect` refuses
    /// (nothing has changed then, and the refusal is on record), `outcome_unknown` (UNAVAILABLE: repeat with the same id).
    pub async fn run<Req, Res, F>(&self, request: Request<Req>, effect: F) -> Result<Response<Res>, Status>
    where
        Req: Message + Mutation,
        Res: Message + Default,
        F: for<'w> FnOnce(&'w mut Work, Req) -> BoxFuture<'w, Result<Res, Failure>> + Send,
    {
        let caller = rpc::caller(&request)?;
        let method =
            request.extensions().get::<rpc::Method>().map(|method| method.0.clone()).unwrap_or_default();
        let body = request.into_inner();
        let span = tracing::info_span!("unit", otel.name = "unit of work", rpc.method = %method, caller = %caller.subject);
        let principal = caller.principal();
        let request_id = Uuid::parse_str(body.request_id()).ok();
        let outcome = self.attempt(caller, &method, request_id, body, effect).instrument(span).await;
        match outcome {
            Ok(response) => Ok(response),
            Err(failure) => {
                self.record_refusal(&principal, &method, &failure, request_id).await;
                Err(failure.into())
            }
        }
    }

    async fn attempt<Req, Res, F>(
        &self,
        caller: Caller,
        method: &str,
        request_id: Option<Uuid>,
        body: Req,
        effect: F,
    ) -> Result<Response<Res>, Failure>
    where
        Req: Message + Mutation,
        Res: Message + Default,
        F: for<'w> FnOnce(&'w mut Work, Req) -> BoxFuture<'w, Result<Res, Failure>> + Send,
    {
        let request_id = request_id.ok_or_else(|| {
            Failure::invalid(
                "request_id_missing",
                "request_id",
                "缺少请求编号：每次提交须带一个 UUID，重试时沿用同一个",
            )
        })?;
        let fingerprint = Sha256::digest(body.encode_to_vec()).to_vec();
        let authority = authority(&caller);
        let key = Key {
            principal: caller.principal(),
            method: method.to_owned(),
            request_id,
            fingerprint,
            authority,
        };
        let mut work = self.begin_for(caller, request_id.to_string()).await?;
        let refused = match effect(&mut work, body).await {
            Ok(answer) => match work.settle(&key, &answer.encode_to_vec()).await {
                Ok(true) => {
                    work.commit().await?;
                    return Ok(Response::new(answer));
                }
                Ok(false) => Failure::conflict("request_running", "同一请求正在处理，请稍后重试"),
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        work.undo().await;
        // A repeated request cannot do its effect again, so it ends here; and here it gets the first answer.
        let stored = self.stored(&key).await?.ok_or(refused)?;
        let mut response = Response::new(Res::decode(stored.as_slice()).map_err(Failure::internal)?);
        response.metadata_mut().insert("idempotency-replayed", MetadataValue::from_static("true"));
        Ok(response)
    }

    /// A unit without a request: timers, consumers, commands at the console.
    ///
    /// # Errors
    /// The database is away or busy.
    pub async fn begin(&self, caller: Caller) -> Result<Work, Failure> {
        let cause = caller.subject.clone();
        self.begin_for(caller, cause).await
    }

    pub(crate) async fn begin_for(&self, caller: Caller, cause: String) -> Result<Work, Failure> {
        let (tx, now) = Transaction::begin(&self.pool).await?;
        Ok(Work { tx, now, caller, cause, announced: Vec::new(), announces: false, wake: self.wake.clone() })
    }

    /// The answer that an earlier request of this key was given; none where there was no such request.
    async fn stored(&self, key: &Key) -> Result<Option<Vec<u8>>, Failure> {
        let stored = sqlx::query(
            "-- chassis.requests.find
             SELECT fingerprint, authority, response FROM requests WHERE principal = $1 AND method = $2 AND request_id = $3",
        )
        .bind(&key.principal)
        .bind(&key.method)
        .bind(key.request_id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(stored) = stored else { return Ok(None) };
        if stored.try_get::<Vec<u8>, _>("fingerprint")? != key.fingerprint {
            return Err(
                Failure::reused("request_reused", "该请求编号已用于另一内容，请重新提交").on("request_id")
            );
        }
        if stored.try_get::<Vec<u8>, _>("authority")? != key.authority {
            return Err(Failure::forbidden("authority_changed", "您的权限已变更，请刷新页面查看办理结果"));
        }
        Ok(Some(stored.try_get("response")?))
    }

    async fn record_refusal(
        &self,
        principal: &str,
        method: &str,
        failure: &Failure,
        request_id: Option<Uuid>,
    ) {
        metrics::counter!("refusals_total", "reason" => failure.reason().to_owned()).increment(1);
        let recorded = sqlx::query(
            "-- chassis.refusals.insert
             INSERT INTO refusals (principal, method, reason, field, request_id) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(principal)
        .bind(method)
        .bind(failure.reason())
        .bind(failure.field())
        .bind(request_id)
        .execute(&self.pool)
        .await;
        if let Err(error) = recorded {
            tracing::error!(%error, reason = failure.reason(), "refusal could not be recorded");
        }
    }
}

/// Hash of what the caller may do: roles, scope and company. Source: reliability 6, authorisation is evaluated again
/// before a stored answer is given out.
fn authority(caller: &Caller) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in caller.roles.iter().chain(&caller.scope).chain([&caller.department]) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(caller.operator_id.unwrap_or_default().as_bytes());
    hash.update([u8::from(caller.lead)]);
    hash.finalize().to_vec()
}

impl Work {
    /// Database time, the same for the whole unit.
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// A fresh UUIDv7.
    #[expect(clippy::disallowed_methods, reason = "the one place where ids are made")]
    pub fn new_id(&mut self) -> Uuid {
        Uuid::now_v7()
    }

    /// Who acts.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The request id or event id behind this work; the causation of what it announces.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Goes on in the same transaction with what another event causes.
    pub(crate) fn continue_for(&mut self, cause: String) {
        self.cause = cause;
    }

    /// The connection inside the transaction.
    pub fn db(&mut self) -> &mut PgConnection {
        self.tx.db()
    }

    /// Announces an event; it becomes durable with the change or not at all.
    pub fn announce(&mut self, event: Announcement) {
        self.announces = true;
        self.announced.push(Announced { event, cause: self.cause.clone(), trace: telemetry::traceparent() });
    }

    /// Stores the answer and the outbox rows in one statement; false where the same request has been answered meanwhile.
    ///
    /// It waits for a concurrent request with the same key (or lock_timeout: ABORTED).
    async fn settle(&mut self, key: &Key, answer: &[u8]) -> Result<bool, Failure> {
        self.write(Some((key, answer))).await
    }

    async fn write(&mut self, answered: Option<(&Key, &[u8])>) -> Result<bool, Failure> {
        let events = std::mem::take(&mut self.announced);
        let ids: Vec<Uuid> = events.iter().map(|_| self.new_id()).collect();
        outbox::write(self.tx.db(), &events, &ids, &self.caller.subject, self.now, answered).await
    }

    /// Undoes everything; a connection that cannot say so is closed.
    pub(crate) async fn undo(self) {
        self.tx.rollback().await;
    }

    /// Makes the change and its events durable, then wakes the relay where there are any.
    ///
    /// # Errors
    /// `outcome_unknown` (UNAVAILABLE) when the database did not answer the COMMIT: it may have happened.
    pub async fn commit(mut self) -> Result<(), Failure> {
        if !self.announced.is_empty() {
            self.write(None).await?;
        }
        // Names by OpenTelemetry's semantic conventions for databases.
        let span = tracing::info_span!(
            "commit",
            otel.kind = "client",
            db.system.name = "postgresql",
            db.operation.name = "COMMIT"
        );
        self.tx.commit().instrument(span).await.map_err(|error| {
            tracing::warn!(%error, "commit without an answer");
            Failure::unavailable("outcome_unknown", "系统暂未确认结果，请稍后用同一请求重试，不会重复办理")
        })?;
        if self.announces {
            self.wake.notify_one();
        }
        Ok(())
    }
}
