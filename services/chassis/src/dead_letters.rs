//! Dead letters: messages that can never be applied. An open one blocks later events of its aggregate (R4); it is
//! replayed with all that was kept behind it, or dismissed; two persons decide (reliability 5.5).

use prost::Message as _;
use proto::common::Envelope;
use sqlx::{PgConnection, PgPool, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::{
    Failure, Process,
    consumer::{Applier, Order, Outcome, Subscription, lineage_of, undecodable},
    lineage::Lineage,
};

impl Applier {
    /// Applies a dead letter again, then everything that was kept behind it, in order, also what comes meanwhile.
    ///
    /// # Errors
    /// The effect refuses again (the letter stays), or there is no such open letter (`not_found`).
    pub async fn replay(&self, letter: i64, by: &str) -> Result<(), Failure> {
        let first = self.letter(letter).await?.ok_or_else(Failure::not_found)?;
        loop {
            let kept = self.kept_behind(letter, &first).await?;
            if kept.is_empty() {
                return Ok(());
            }
            for (id, envelope) in kept {
                self.replay_one(id, &envelope, by).await?;
            }
        }
    }

    async fn replay_one(&self, letter: i64, envelope: &Envelope, by: &str) -> Result<(), Failure> {
        let mut outcome = self.step(envelope, true).await?;
        if outcome == Outcome::Reborn {
            self.begin_anew(envelope).await?;
            outcome = self.step(envelope, true).await?;
        }
        if let Outcome::Gap { from } = outcome {
            self.fill(envelope, from, true).await?;
            outcome = self.step(envelope, true).await?;
        }
        let settlement = match outcome {
            Outcome::Applied => "replayed",
            // Its consumer has gone past this version another way, e.g. by a rebuild.
            Outcome::Passed => "passed",
            Outcome::Blocked | Outcome::Gap { .. } | Outcome::Reborn => {
                return Err(Failure::unavailable("gap_open", "前序事件尚未取得，请稍后重试"));
            }
        };
        let mut connection = self.pool.acquire().await?;
        settle(&mut connection, letter, by, settlement).await
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

    /// Settles a dead letter without applying it; a consumer of every version counts it as passed, so that later versions
    /// follow. What was kept behind it stays until it is replayed.
    ///
    /// # Errors
    /// `not_found` when no such letter is open, `older_letter_open` when one of a lower version of its aggregate is:
    /// passing the later one would pass that as well.
    pub async fn dismiss(&self, letter: i64, by: &str) -> Result<(), Failure> {
        let mut tx = self.pool.begin().await?;
        let older: Option<bool> = sqlx::query_scalar(
            "-- chassis.dead_letters.older
             SELECT EXISTS (SELECT 1 FROM dead_letters older WHERE older.consumer = letter.consumer
                 AND older.aggregate_type = letter.aggregate_type AND older.aggregate_id = letter.aggregate_id
                 AND older.aggregate_version < letter.aggregate_version AND older.settled_at IS NULL)
             FROM dead_letters letter WHERE id = $1 AND consumer = $2 AND settled_at IS NULL FOR UPDATE",
        )
        .bind(letter)
        .bind(self.subscription.durable)
        .fetch_optional(&mut *tx)
        .await?;
        match older {
            None => return Err(Failure::not_found()),
            Some(true) => {
                return Err(Failure::refused("older_letter_open", "同一对象还有更早的未处理消息，请先处理"));
            }
            Some(false) => {}
        }
        settle(&mut tx, letter, by, "dismissed").await?;
        if matches!(self.subscription.order, Order::EveryVersion(_)) {
            pass(&mut tx, letter).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Settles what an earlier life of the producer left open of an aggregate `(type, id)`, for every consumer of the service:
/// whatever of it still holds is told anew in this `lineage`. A letter that does not say its lineage stays. Source: decision
/// record 26.
pub(crate) async fn let_go(
    db: &mut PgConnection,
    (of, id): (&str, Uuid),
    lineage: Uuid,
    by: &str,
) -> Result<(), Failure> {
    let rows = sqlx::query(
        "-- chassis.dead_letters.of_aggregate
         SELECT id, payload, headers ->> 'Yuchong-Lineage-Id' AS lineage FROM dead_letters
         WHERE aggregate_type = $1 AND aggregate_id = $2 AND settled_at IS NULL ORDER BY id",
    )
    .bind(of)
    .bind(id)
    .fetch_all(&mut *db)
    .await?;
    for row in rows {
        if earlier(&row, lineage)? {
            settle(&mut *db, row.try_get("id")?, by, "passed").await?;
        }
    }
    Ok(())
}

/// Lets a letter of an earlier life keep its record under another name where this event is the same, told anew: an event
/// has one letter of a consumer, and that one must be what is replayed.
pub(crate) async fn make_room(pool: &PgPool, consumer: &str, envelope: &Envelope) -> Result<(), Failure> {
    // One that does not say its lineage takes nobody's place.
    let Ok(lineage) = lineage_of(envelope) else { return Ok(()) };
    let kept = sqlx::query(
        "-- chassis.dead_letters.of_event
         SELECT id, payload, headers ->> 'Yuchong-Lineage-Id' AS lineage FROM dead_letters
         WHERE consumer = $1 AND event_id = $2",
    )
    .bind(consumer)
    .bind(&envelope.event_id)
    .fetch_optional(pool)
    .await?;
    let Some(row) = kept else { return Ok(()) };
    if !earlier(&row, lineage)? {
        return Ok(());
    }
    sqlx::query(
        "-- chassis.dead_letters.make_room
         UPDATE dead_letters SET event_id = event_id || '@' || id::text, settled_at = coalesce(settled_at, now()),
                settled_by = coalesce(settled_by, $2), settlement = coalesce(settlement, 'passed') WHERE id = $1",
    )
    .bind(row.try_get::<i64, _>("id")?)
    .bind(consumer)
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether a letter was told in a life before this one.
fn earlier(letter: &PgRow, lineage: Uuid) -> Result<bool, sqlx::Error> {
    Ok(told_in(letter)?.is_some_and(|told| Lineage::of(lineage, Some(told), false) == Lineage::Later))
}

/// The lineage of a letter; its header says it where its body cannot be read. None where neither does.
fn told_in(letter: &PgRow) -> Result<Option<Uuid>, sqlx::Error> {
    let payload: Vec<u8> = letter.try_get("payload")?;
    let body = Envelope::decode(payload.as_slice()).ok().and_then(|envelope| lineage_of(&envelope).ok());
    let header: Option<String> = letter.try_get("lineage")?;
    let header = header.and_then(|told| Uuid::parse_str(&told).ok());
    Ok(body.filter(|told| !told.is_nil()).or(header).or(body))
}

/// Raises its consumer's place to the letter's version, in the letter's lineage: a place of another one stays, and one of a
/// restored producer also before a letter that does not say its own. What is missing then is fetched.
async fn pass(db: &mut PgConnection, letter: i64) -> Result<(), Failure> {
    let row = sqlx::query(
        "-- chassis.dead_letters.dismissed
         SELECT payload, headers ->> 'Yuchong-Lineage-Id' AS lineage FROM dead_letters WHERE id = $1",
    )
    .bind(letter)
    .fetch_one(&mut *db)
    .await?;
    sqlx::query(
        "-- chassis.dead_letters.pass
         INSERT INTO consumer_versions AS place (consumer, aggregate_type, aggregate_id, version, lineage_id)
         SELECT consumer, aggregate_type, aggregate_id, aggregate_version, $2::uuid FROM dead_letters
         WHERE id = $1 AND aggregate_id IS NOT NULL AND aggregate_version IS NOT NULL
         ON CONFLICT (consumer, aggregate_type, aggregate_id)
         DO UPDATE SET version = greatest(place.version, excluded.version),
                       lineage_id = CASE WHEN place.version = 0 THEN coalesce(place.lineage_id, excluded.lineage_id)
                                         ELSE place.lineage_id END
         WHERE place.lineage_id IS NULL OR place.lineage_id = excluded.lineage_id
               -- The first lineage is a random id, each that a restore began a UUIDv7: its version stands in the third group.
               OR (excluded.lineage_id IS NULL AND substr(place.lineage_id::text, 15, 1) <> '7')",
    )
    .bind(letter)
    .bind(told_in(&row)?)
    .execute(db)
    .await?;
    Ok(())
}

async fn settle(db: &mut PgConnection, letter: i64, by: &str, settlement: &str) -> Result<(), Failure> {
    sqlx::query(
        "-- chassis.dead_letters.settle
         UPDATE dead_letters SET settled_at = now(), settled_by = $2, settlement = $3 WHERE id = $1 AND settled_at IS NULL",
    )
    .bind(letter)
    .bind(by)
    .bind(settlement)
    .execute(db)
    .await?;
    Ok(())
}

/// The console's `dead-letters`, the same for every service that consumes.
#[derive(Debug, clap::Subcommand)]
pub enum Letters {
    /// Open ones as one JSON object a line.
    List {
        /// Settled ones too.
        #[arg(long)]
        all: bool,
    },
    /// Applies one again, then what was kept behind it.
    Replay(Decision),
    /// Settles one without applying it.
    Dismiss(Decision),
}

/// Which letter, and the two persons who decide.
#[derive(Debug, clap::Args)]
pub struct Decision {
    /// Number from the list.
    pub id: i64,
    /// Login name of the person who proposes it.
    #[arg(long)]
    pub by: String,
    /// Login name of a second person who confirms it.
    #[arg(long)]
    pub second: String,
}

impl Decision {
    /// Both names, where they are two.
    ///
    /// # Errors
    /// `two_persons_required`.
    fn deciders(&self) -> Result<String, Failure> {
        let (by, second) = (self.by.trim(), self.second.trim());
        if by.is_empty() || second.is_empty() || by == second {
            return Err(Failure::refused("two_persons_required", "处理死信须由两名不同的人员共同决定"));
        }
        Ok(format!("{by} + {second}"))
    }
}

/// Runs one command of the console.
///
/// # Errors
/// `two_persons_required`, `not_found`, `unknown_consumer` (nobody here can apply it), whatever the effect refuses again.
pub async fn console(
    process: &Process,
    subscriptions: Vec<Subscription>,
    letters: Letters,
) -> Result<(), Failure> {
    match letters {
        Letters::List { all } => list(&process.pool, all).await,
        Letters::Dismiss(decision) => {
            let deciders = decision.deciders()?;
            applier(process, subscriptions, decision.id).await?.dismiss(decision.id, &deciders).await
        }
        Letters::Replay(decision) => {
            let deciders = decision.deciders()?;
            applier(process, subscriptions, decision.id).await?.replay(decision.id, &deciders).await
        }
    }
}

/// The consumer that the letter belongs to.
async fn applier(
    process: &Process,
    subscriptions: Vec<Subscription>,
    letter: i64,
) -> Result<Applier, Failure> {
    let consumer: Option<String> =
        sqlx::query_scalar("SELECT consumer FROM dead_letters WHERE id = $1 AND settled_at IS NULL")
            .bind(letter)
            .fetch_optional(&process.pool)
            .await?;
    let consumer = consumer.ok_or_else(Failure::not_found)?;
    let subscription = subscriptions
        .into_iter()
        .find(|subscription| subscription.durable == consumer)
        .ok_or_else(|| Failure::refused("unknown_consumer", "本服务没有该消费者，无法处理"))?;
    Ok(Applier::new(process.units.clone(), process.pool.clone(), subscription))
}

/// Prints one JSON object a line, oldest first; payloads stay in the table.
async fn list(pool: &PgPool, all: bool) -> Result<(), Failure> {
    let lines: Vec<serde_json::Value> = sqlx::query_scalar(
        "-- chassis.dead_letters.list
         SELECT to_jsonb(letter) - 'payload' - 'headers' FROM dead_letters letter
         WHERE $1 OR settled_at IS NULL ORDER BY id",
    )
    .bind(all)
    .fetch_all(pool)
    .await?;
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_alone_decides_nothing() {
        let decision = |by: &str, second: &str| Decision { id: 1, by: by.into(), second: second.into() };
        assert!(decision("zhang", "zhang ").deciders().is_err());
        assert!(decision("zhang", "").deciders().is_err());
        assert!(decision("zhang", "li").deciders().is_ok());
    }
}
