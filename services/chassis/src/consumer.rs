//! Consumers: claim in the inbox, find the place in the aggregate's order, apply, commit.
//!
//! Source: reliability, section 5. The running consumer (`pull.rs`), replays of dead letters and rebuilds all go through
//! the one [`Applier`].

use std::sync::Arc;

use futures::future::BoxFuture;
use proto::common::{Envelope, ListEventsRequest, events_client::EventsClient};
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{Failure, Units, Work, identity::Caller, rpc::Peer};

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
    pub(crate) pool: PgPool,
    pub(crate) subscription: Subscription,
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

    pub(crate) async fn fill(&self, envelope: &Envelope, from: i64) -> Result<(), Failure> {
        let Order::EveryVersion(fetch) = &self.subscription.order else { return Ok(()) };
        tracing::info!(consumer = self.subscription.durable, aggregate.id = %envelope.aggregate_id, from, "filling a gap");
        let missing = fetch(envelope.aggregate_type.clone(), envelope.aggregate_id.clone(), from).await?;
        for event in missing.iter().filter(|event| event.aggregate_version < envelope.aggregate_version) {
            self.step(event, false).await?;
        }
        Ok(())
    }

    /// Applies events of different aggregates, or of one in its order, in one transaction: all or none.
    ///
    /// How many had an effect; none where one of them cannot simply be applied: then nothing has changed, and each goes
    /// its way alone. Source: decision record 7.
    pub(crate) async fn apply_together(
        &self,
        events: &[(Envelope, tracing::Span)],
    ) -> Result<Option<u64>, Failure> {
        let mut applied = 0;
        let mut work = self.units.begin_for(Caller::system(self.subscription.durable), String::new()).await?;
        for (envelope, span) in events {
            work.continue_for(envelope.event_id.clone());
            match self.step_in(&mut work, envelope, false).instrument(span.clone()).await {
                Ok(Outcome::Applied) => applied += 1,
                Ok(Outcome::Passed) => {}
                stopped @ (Ok(Outcome::Blocked | Outcome::Gap { .. }) | Err(_)) => {
                    work.undo().await;
                    return stopped.map(|_| None);
                }
            }
        }
        work.commit().await?;
        Ok(Some(applied))
    }

    /// `replayed`: an open dead letter of the aggregate does not block, because it is the one being replayed.
    pub(crate) async fn step(&self, envelope: &Envelope, replayed: bool) -> Result<Outcome, Failure> {
        let caller = Caller::system(self.subscription.durable);
        let mut work = self.units.begin_for(caller, envelope.event_id.clone()).await?;
        let outcome = self.step_in(&mut work, envelope, replayed).await;
        match outcome {
            Ok(Outcome::Applied | Outcome::Passed) => work.commit().await?,
            Ok(Outcome::Blocked | Outcome::Gap { .. }) | Err(_) => work.undo().await,
        }
        outcome
    }

    async fn step_in(
        &self,
        work: &mut Work,
        envelope: &Envelope,
        replayed: bool,
    ) -> Result<Outcome, Failure> {
        let consumer = self.subscription.durable;
        let event_id = Uuid::parse_str(&envelope.event_id).map_err(|_| undecodable("event_id"))?;
        let aggregate_id =
            Uuid::parse_str(&envelope.aggregate_id).map_err(|_| undecodable("aggregate_id"))?;
        let version = envelope.aggregate_version;
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
            return Ok(Outcome::Passed);
        }
        if version > last + 1 && matches!(self.subscription.order, Order::EveryVersion(_)) {
            return Ok(Outcome::Gap { from: last + 1 });
        }
        (self.subscription.apply)(work, Event { envelope: envelope.clone() }).await?;
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
        Ok(Outcome::Applied)
    }
}

pub(crate) fn undecodable(part: &'static str) -> Failure {
    Failure::invalid("undecodable", part, "事件内容无法解析")
}
