//! Consumers: claim in the inbox, find the place in the aggregate's order, apply, commit.
//!
//! Source: reliability, section 5. The running consumer (`pull.rs`), replays of dead letters and rebuilds all go through
//! the one [`Applier`].

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::future::BoxFuture;
use proto::common::{Envelope, ListEventsRequest, events_client::EventsClient};
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{Failure, Units, Work, dead_letters, identity::Caller, lineage::Lineage, rpc::Peer};

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

/// Removes what a service keeps of an aggregate `(type, id)` and would not overwrite by an older version of it, inside the
/// consumer's transaction: its producer was restored from a backup and tells it anew. Source: decision record 26.
pub type Forget =
    Arc<dyn for<'w> Fn(&'w mut Work, String, Uuid) -> BoxFuture<'w, Result<(), Failure>> + Send + Sync>;

/// A [`Forget`] where every event overwrites whatever stands there.
pub fn nothing_to_forget() -> Forget {
    Arc::new(|_, _, _| Box::pin(async { Ok(()) }))
}

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
    /// What an event still does that comes after a later one of its aggregate, as holes of a tier may be filled by a
    /// redelivery; `None`: nothing. Source: decision record 20.
    pub late: Option<Apply>,
    /// See [`Forget`].
    pub forget: Forget,
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
    /// It belongs to a later lineage of its producer than what was applied before.
    Reborn,
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
                self.fill(envelope, from, false).await?;
                self.step(envelope, false).await
            }
            Outcome::Reborn => {
                self.begin_anew(envelope).await?;
                self.step(envelope, false).await
            }
            outcome @ (Outcome::Applied | Outcome::Passed | Outcome::Blocked) => Ok(outcome),
        }
    }

    /// `replayed`: as for [`Applier::step`]; what the letter waited for must not wait behind it.
    pub(crate) async fn fill(&self, envelope: &Envelope, from: i64, replayed: bool) -> Result<(), Failure> {
        let Order::EveryVersion(fetch) = &self.subscription.order else { return Ok(()) };
        tracing::info!(consumer = self.subscription.durable, aggregate.id = %envelope.aggregate_id, from, "filling a gap");
        let missing = fetch(envelope.aggregate_type.clone(), envelope.aggregate_id.clone(), from).await?;
        for event in missing.iter().filter(|event| event.aggregate_version < envelope.aggregate_version) {
            self.step(event, replayed).await?;
        }
        Ok(())
    }

    /// Forgets an aggregate whose producer was restored from a backup, for every consumer of this service, and takes up the
    /// new lineage: a tier's consumer from the event at hand, any other at the newest event, which carries the whole state.
    ///
    /// # Errors
    /// The producer or the database is away; nothing has changed then.
    pub(crate) async fn begin_anew(&self, envelope: &Envelope) -> Result<(), Failure> {
        let newest = match &self.subscription.order {
            Order::Tier => None,
            Order::EveryVersion(fetch) => self.newest(fetch, envelope).await?,
        };
        let heard = Heard::new(newest.as_ref().unwrap_or(envelope).clone(), tracing::Span::current())?;
        let mut work = self.units.begin_for(Caller::system(self.subscription.durable), String::new()).await?;
        let anew = self.reset(&mut work, &heard, newest.is_some()).await;
        match anew {
            Ok(()) => work.commit().await?,
            Err(_) => work.undo().await,
        }
        anew
    }

    async fn newest(&self, fetch: &Fetch, envelope: &Envelope) -> Result<Option<Envelope>, Failure> {
        let (mut newest, mut from) = (None, envelope.aggregate_version);
        loop {
            let events = fetch(envelope.aggregate_type.clone(), envelope.aggregate_id.clone(), from).await?;
            let Some(last) = events.into_iter().last() else { return Ok(newest) };
            from = last.aggregate_version + 1;
            newest = Some(last);
        }
    }

    async fn reset(&self, work: &mut Work, heard: &Heard, alone: bool) -> Result<(), Failure> {
        let (of, id) = heard.aggregate();
        // One consumer of this service after the other; the second finds the new lineage in its place.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(id.to_string())
            .execute(work.db())
            .await?;
        let known = sqlx::query_scalar::<_, Option<Uuid>>(
            "-- chassis.consumer_versions.lineage
             SELECT lineage_id FROM consumer_versions
             WHERE consumer = $1 AND aggregate_type = $2 AND aggregate_id = $3 FOR UPDATE",
        )
        .bind(self.subscription.durable)
        .bind(&of)
        .bind(id)
        .fetch_optional(work.db())
        .await?;
        // Also where a further restore was heard of meanwhile: nobody goes back to the life before.
        if Lineage::of(heard.lineage_id, known.flatten(), false) != Lineage::Later {
            return Ok(());
        }
        tracing::warn!(consumer = self.subscription.durable, aggregate.kind = of, aggregate.id = %id,
            "the producer was restored from a backup; what it told of this aggregate before is forgotten");
        metrics::counter!("aggregates_begun_anew_total").increment(1);
        (self.subscription.forget)(work, of.clone(), id).await?;
        dead_letters::let_go(work.db(), (&of, id), heard.lineage_id, self.subscription.durable).await?;
        sqlx::query(
            "-- chassis.inbox.forget
             DELETE FROM inbox USING consumer_versions place
             WHERE place.aggregate_type = $1 AND place.aggregate_id = $2
               AND inbox.consumer = place.consumer AND inbox.aggregate_id = place.aggregate_id",
        )
        .bind(&of)
        .bind(id)
        .execute(work.db())
        .await?;
        let before = if alone { heard.envelope.aggregate_version - 1 } else { 0 };
        sqlx::query(
            "-- chassis.consumer_versions.begin_anew
             UPDATE consumer_versions SET version = $3, lineage_id = $4 WHERE aggregate_type = $1 AND aggregate_id = $2",
        )
        .bind(&of)
        .bind(id)
        .bind(before)
        .bind(heard.lineage_id)
        .execute(work.db())
        .await?;
        if alone {
            let outcome = self.steps(work, std::slice::from_ref(heard), false, &mut 0).await?;
            // A letter of this life, or one that does not say of which it is, stands before it: it comes behind that one
            // when it is delivered.
            if !matches!(outcome, Outcome::Applied | Outcome::Passed) {
                self.unclaim(work, vec![heard.event_id]).await?;
            }
        }
        Ok(())
    }

    /// Applies events of different aggregates, or of one in its order, in one transaction: all or none.
    ///
    /// How many had an effect; none where one of them cannot simply be applied: then nothing has changed, and each goes
    /// its way alone. Source: decision record 7.
    pub(crate) async fn apply_together(&self, heard: &[Heard]) -> Result<Option<u64>, Failure> {
        let mut applied = 0;
        let outcome = self.commit_steps(heard, false, &mut applied).await?;
        Ok(matches!(outcome, Outcome::Applied | Outcome::Passed).then_some(applied))
    }

    /// `replayed`: an open dead letter of the aggregate does not block, because it is the one being replayed.
    pub(crate) async fn step(&self, envelope: &Envelope, replayed: bool) -> Result<Outcome, Failure> {
        let heard = Heard::new(envelope.clone(), tracing::Span::current())?;
        self.commit_steps(&[heard], replayed, &mut 0).await
    }

    async fn commit_steps(
        &self,
        heard: &[Heard],
        replayed: bool,
        applied: &mut u64,
    ) -> Result<Outcome, Failure> {
        let caller = Caller::system(self.subscription.durable);
        let mut work = self.units.begin_for(caller, String::new()).await?;
        let outcome = self.steps(&mut work, heard, replayed, applied).await;
        match outcome {
            Ok(Outcome::Applied | Outcome::Passed) => work.commit().await?,
            Ok(Outcome::Blocked | Outcome::Gap { .. } | Outcome::Reborn) | Err(_) => work.undo().await,
        }
        outcome
    }

    /// The outcome of the last one, or of the first that cannot simply be applied.
    async fn steps(
        &self,
        work: &mut Work,
        heard: &[Heard],
        replayed: bool,
        applied: &mut u64,
    ) -> Result<Outcome, Failure> {
        let mut claims = self.claim(work, heard).await?;
        let mut earlier = Vec::new();
        let mut last = Outcome::Passed;
        for one in heard {
            let Some(place) = claims.places.get_mut(&one.aggregate()) else {
                return Err(Failure::internal("an aggregate without a place"));
            };
            let version = one.envelope.aggregate_version;
            // Before the inbox is asked: a restored producer tells again what it told before the backup.
            match place.lineage(one.lineage_id) {
                Lineage::Same => {}
                Lineage::Earlier => {
                    earlier.push(one.event_id);
                    last = Outcome::Passed;
                    continue;
                }
                Lineage::Later => return Ok(Outcome::Reborn),
            }
            if !claims.fresh.remove(&one.event_id) {
                last = Outcome::Passed;
                continue;
            }
            if place.blocked && !replayed {
                return Ok(Outcome::Blocked);
            }
            let late = version <= place.version;
            if late && self.subscription.late.is_none() {
                last = Outcome::Passed;
                continue;
            }
            if version > place.version + 1 && matches!(self.subscription.order, Order::EveryVersion(_)) {
                return Ok(Outcome::Gap { from: place.version + 1 });
            }
            work.continue_for(one.envelope.event_id.clone());
            let effect = self.subscription.late.as_ref().filter(|_| late).unwrap_or(&self.subscription.apply);
            effect(work, Event { envelope: one.envelope.clone() }).instrument(one.span.clone()).await?;
            if late {
                last = Outcome::Passed;
                continue;
            }
            place.version = version;
            place.lineage_id = Some(one.lineage_id);
            place.raised = true;
            *applied += 1;
            last = Outcome::Applied;
        }
        // Stragglers that nothing of this lineage has claimed: it may tell them anew, under the same ids.
        earlier.retain(|event_id| claims.fresh.contains(event_id));
        self.unclaim(work, earlier).await?;
        self.raise(work, &claims).await?;
        Ok(last)
    }

    /// Claims the events in the inbox and locks the places of their aggregates, all in one statement.
    async fn claim(&self, work: &mut Work, heard: &[Heard]) -> Result<Claims, Failure> {
        let rows = sqlx::query(
            "-- chassis.inbox.claim
             WITH heard AS (
                 SELECT * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[])
                     AS t (event_id, aggregate_type, aggregate_id, version)),
             claimed AS (
                 INSERT INTO inbox (consumer, event_id, aggregate_id, aggregate_version, applied_at)
                 SELECT $1, event_id, aggregate_id, version, now() FROM heard ORDER BY event_id
                 ON CONFLICT DO NOTHING RETURNING event_id),
             place AS (
                 INSERT INTO consumer_versions (consumer, aggregate_type, aggregate_id, version)
                 SELECT DISTINCT $1, aggregate_type, aggregate_id, 0 FROM heard ORDER BY aggregate_type, aggregate_id
                 ON CONFLICT (consumer, aggregate_type, aggregate_id) DO UPDATE SET version = consumer_versions.version
                 RETURNING aggregate_type, aggregate_id, version, lineage_id)
             SELECT event_id, aggregate_type, aggregate_id, place.version, lineage_id, claimed.event_id IS NOT NULL AS fresh,
                    EXISTS (SELECT 1 FROM dead_letters letter WHERE consumer = $1 AND settled_at IS NULL
                            AND letter.aggregate_type = place.aggregate_type
                            AND letter.aggregate_id = place.aggregate_id) AS blocked
             FROM heard JOIN place USING (aggregate_type, aggregate_id) LEFT JOIN claimed USING (event_id)",
        )
        .bind(self.subscription.durable)
        .bind(heard.iter().map(|one| one.event_id).collect::<Vec<_>>())
        .bind(heard.iter().map(|one| one.envelope.aggregate_type.as_str()).collect::<Vec<_>>())
        .bind(heard.iter().map(|one| one.aggregate_id).collect::<Vec<_>>())
        .bind(heard.iter().map(|one| one.envelope.aggregate_version).collect::<Vec<_>>())
        .fetch_all(work.db())
        .await?;
        let mut claims = Claims { fresh: HashSet::new(), places: HashMap::new() };
        for row in &rows {
            if row.try_get("fresh")? {
                claims.fresh.insert(row.try_get("event_id")?);
            }
            let place = Place {
                version: row.try_get("version")?,
                lineage_id: row.try_get("lineage_id")?,
                blocked: row.try_get("blocked")?,
                raised: false,
            };
            claims.places.insert((row.try_get("aggregate_type")?, row.try_get("aggregate_id")?), place);
        }
        Ok(claims)
    }

    /// Takes back the claims of events that have had no effect and may be delivered again.
    async fn unclaim(&self, work: &mut Work, event_ids: Vec<Uuid>) -> Result<(), Failure> {
        if event_ids.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "-- chassis.inbox.unclaim
             DELETE FROM inbox WHERE consumer = $1 AND event_id = ANY($2)",
        )
        .bind(self.subscription.durable)
        .bind(event_ids)
        .execute(work.db())
        .await?;
        Ok(())
    }

    async fn raise(&self, work: &mut Work, claims: &Claims) -> Result<(), Failure> {
        let raised: Vec<_> = claims.places.iter().filter(|(_, place)| place.raised).collect();
        if raised.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "-- chassis.consumer_versions.raise
             UPDATE consumer_versions place SET version = raised.version, lineage_id = raised.lineage_id
             FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::uuid[])
                 AS raised (aggregate_type, aggregate_id, version, lineage_id)
             WHERE consumer = $1 AND place.aggregate_type = raised.aggregate_type
                   AND place.aggregate_id = raised.aggregate_id",
        )
        .bind(self.subscription.durable)
        .bind(raised.iter().map(|((of, _), _)| of.as_str()).collect::<Vec<_>>())
        .bind(raised.iter().map(|((_, id), _)| *id).collect::<Vec<_>>())
        .bind(raised.iter().map(|(_, place)| place.version).collect::<Vec<_>>())
        .bind(raised.iter().map(|(_, place)| place.lineage_id).collect::<Vec<_>>())
        .execute(work.db())
        .await?;
        Ok(())
    }
}

/// An event as it came, with the span of its delivery.
pub(crate) struct Heard {
    event_id: Uuid,
    aggregate_id: Uuid,
    lineage_id: Uuid,
    envelope: Envelope,
    span: tracing::Span,
}

impl Heard {
    /// # Errors
    /// `undecodable`, where an id is no id.
    pub(crate) fn new(envelope: Envelope, span: tracing::Span) -> Result<Heard, Failure> {
        let event_id = Uuid::parse_str(&envelope.event_id).map_err(|_| undecodable("event_id"))?;
        let aggregate_id =
            Uuid::parse_str(&envelope.aggregate_id).map_err(|_| undecodable("aggregate_id"))?;
        let lineage_id = lineage_of(&envelope)?;
        Ok(Heard { event_id, aggregate_id, lineage_id, envelope, span })
    }

    fn aggregate(&self) -> (String, Uuid) {
        (self.envelope.aggregate_type.clone(), self.aggregate_id)
    }
}

/// What a transaction has claimed.
struct Claims {
    /// Events that no earlier transaction has claimed.
    fresh: HashSet<Uuid>,
    /// By type and id of the aggregate.
    places: HashMap<(String, Uuid), Place>,
}

/// How far an aggregate has been applied; its row is locked.
struct Place {
    version: i64,
    /// Of the event that was applied last; none before the first, or where that was before lineages were kept.
    lineage_id: Option<Uuid>,
    /// An open dead letter stands before it.
    blocked: bool,
    /// This transaction has applied something.
    raised: bool,
}

impl Place {
    fn lineage(&self, told: Uuid) -> Lineage {
        Lineage::of(told, self.lineage_id, self.version == 0)
    }
}

/// In which life of its producer an event was told; one without a lineage counts as one of the first.
///
/// # Errors
/// `undecodable`, where it is no id.
pub fn lineage_of(envelope: &Envelope) -> Result<Uuid, Failure> {
    match envelope.lineage_id.as_str() {
        "" => Ok(Uuid::nil()),
        told => Uuid::parse_str(told).map_err(|_| undecodable("lineage_id")),
    }
}

pub(crate) fn undecodable(part: &'static str) -> Failure {
    Failure::invalid("undecodable", part, "事件内容无法解析")
}
