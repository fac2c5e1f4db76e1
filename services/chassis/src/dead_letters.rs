//! Dead letters: messages that can never be applied. An open one blocks later events of its aggregate (R4); it is
//! replayed with all that was kept behind it, or dismissed.

use prost::Message as _;
use proto::common::Envelope;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use crate::{
    Failure,
    consumer::{Applier, Outcome, undecodable},
};

impl Applier {
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

/// Marks a dead letter as settled without applying it; its consumer counts it as passed, so that later versions follow.
///
/// What was kept behind it stays until it is replayed.
///
/// # Errors
/// `not_found` when no such letter is open.
pub async fn dismiss(pool: &PgPool, letter: i64, by: &str) -> Result<(), Failure> {
    settle(pool, letter, by, "dismissed").await?;
    sqlx::query(
        "-- chassis.dead_letters.pass
         INSERT INTO consumer_versions (consumer, aggregate_type, aggregate_id, version)
         SELECT consumer, aggregate_type, aggregate_id, aggregate_version FROM dead_letters
         WHERE id = $1 AND aggregate_id IS NOT NULL AND aggregate_version IS NOT NULL
         ON CONFLICT (consumer, aggregate_type, aggregate_id)
         DO UPDATE SET version = greatest(consumer_versions.version, excluded.version)",
    )
    .bind(letter)
    .execute(pool)
    .await?;
    Ok(())
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
