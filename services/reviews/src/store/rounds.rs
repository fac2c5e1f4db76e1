//! Rounds and their policies. A policy never changes, so that each is read once per process.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    calendar::Calendar,
    clock::Limits,
    ids::{PersonId, RoundId},
    policy::{ExpertRule, Gate, Policy},
    stage::Stage,
};

/// A round with the policy that new applications are pinned to.
#[derive(Debug, Clone)]
pub struct Round {
    /// Its identity.
    pub id: RoundId,
    /// Shown name.
    pub name: String,
    /// The newest policy.
    pub policy: Arc<Policy>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

type Known = HashMap<(RoundId, i32), Arc<Policy>>;

/// Policies that this process has read, all counted on one calendar.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    known: Arc<RwLock<Known>>,
    calendar: Arc<Calendar>,
}

struct PolicyRow {
    round_id: Uuid,
    version: i32,
    opens_on: time::Date,
    closes_on: Option<time::Date>,
    required_slots: Vec<String>,
    gate_a: String,
    gate_b: String,
    expert_rule: String,
    experts_needed: i32,
    departments: Vec<String>,
    sample_permille: i32,
    finding_threshold: i32,
    freeze_after_days: i32,
    limit_stages: Vec<String>,
    limit_working_days: Vec<i32>,
    near_working_days: i32,
    escalate_after_working_days: i32,
}

impl PolicyRow {
    fn read(self, calendar: &Arc<Calendar>) -> Result<Policy, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "round_policies", id: self.round_id };
        let count = |number: i32| u32::try_from(number).map_err(|_| corrupt());
        let limit =
            |(stage, days): (&String, &i32)| Ok((Stage::parse(stage).ok_or_else(corrupt)?, count(*days)?));
        let nodes = self.limit_stages.iter().zip(&self.limit_working_days).map(limit);
        Ok(Policy {
            round_id: RoundId(self.round_id),
            version: self.version,
            opens_on: self.opens_on,
            closes_on: self.closes_on,
            gate_a: Gate::parse(&self.gate_a).ok_or_else(corrupt)?,
            gate_b: Gate::parse(&self.gate_b).ok_or_else(corrupt)?,
            expert_rule: ExpertRule::parse(&self.expert_rule, count(self.experts_needed)?)
                .ok_or_else(corrupt)?,
            sample_permille: count(self.sample_permille)?,
            finding_threshold: count(self.finding_threshold)?,
            freeze_after_days: count(self.freeze_after_days)?,
            limits: Limits {
                nodes: nodes.collect::<Result<_, StoreError>>()?,
                near_working_days: count(self.near_working_days)?,
                escalate_after_working_days: count(self.escalate_after_working_days)?,
            },
            calendar: calendar.clone(),
            required_slots: self.required_slots,
            departments: self.departments,
        })
    }
}

impl Policies {
    /// Nothing is read yet.
    pub fn new(calendar: Arc<Calendar>) -> Policies {
        Policies { known: Arc::default(), calendar }
    }

    /// The calendar that every policy is counted on.
    pub fn calendar(&self) -> &Arc<Calendar> {
        &self.calendar
    }

    /// The policy that an application is pinned to.
    ///
    /// # Errors
    /// The database is away, or the row is missing though a foreign key promises it.
    pub async fn get(
        &self,
        db: &mut PgConnection,
        round: RoundId,
        version: i32,
    ) -> Result<Arc<Policy>, StoreError> {
        if let Some(policy) = self.known.read().ok().and_then(|known| known.get(&(round, version)).cloned()) {
            return Ok(policy);
        }
        let row = sqlx::query_as!(
            PolicyRow,
            "-- reviews.rounds.policy
             SELECT round_id, version, opens_on, closes_on, required_slots, gate_a, gate_b, expert_rule, experts_needed,
                    departments, sample_permille, finding_threshold, freeze_after_days, limit_stages, limit_working_days,
                    near_working_days, escalate_after_working_days
             FROM round_policies WHERE round_id = $1 AND version = $2",
            round.0,
            version
        )
        .fetch_optional(db)
        .await?;
        let row = row.ok_or(StoreError::Corrupt { table: "round_policies", id: round.0 })?;
        let policy = Arc::new(row.read(&self.calendar)?);
        if let Ok(mut known) = self.known.write() {
            known.insert((round, version), policy.clone());
        }
        Ok(policy)
    }
}

/// Inserts a round with its first policy.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    name: &str,
    policy: &Policy,
    by: PersonId,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- reviews.rounds.insert
         INSERT INTO rounds (id, name, created_at, created_by) VALUES ($1, $2, $3, $4)",
        policy.round_id.0,
        name,
        now,
        by.0
    )
    .execute(&mut *db)
    .await?;
    let needed = match policy.expert_rule {
        ExpertRule::NOfM { needed } => needed,
        ExpertRule::Lead | ExpertRule::All => 0,
    };
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let stages: Vec<_> = policy.limits.nodes.keys().map(|stage| stage.id().to_owned()).collect();
    let days: Vec<_> = policy.limits.nodes.values().map(|days| number(*days)).collect();
    sqlx::query!(
        "-- reviews.rounds.insert_policy
         INSERT INTO round_policies (round_id, version, opens_on, closes_on, required_slots, gate_a, gate_b, expert_rule,
             experts_needed, departments, sample_permille, finding_threshold, freeze_after_days, created_at, limit_stages,
             limit_working_days, near_working_days, escalate_after_working_days)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        policy.round_id.0,
        policy.version,
        policy.opens_on,
        policy.closes_on,
        &policy.required_slots,
        policy.gate_a.id(),
        policy.gate_b.id(),
        policy.expert_rule.id(),
        number(needed),
        &policy.departments,
        number(policy.sample_permille),
        number(policy.finding_threshold),
        number(policy.freeze_after_days),
        now,
        &stages,
        &days,
        number(policy.limits.near_working_days),
        number(policy.limits.escalate_after_working_days)
    )
    .execute(db)
    .await?;
    Ok(())
}

struct RoundRow {
    id: Uuid,
    name: String,
    created_at: OffsetDateTime,
    policy_version: i32,
}

/// The round with its newest policy; none where there is no such round.
///
/// # Errors
/// The database is away.
pub async fn find(
    db: &mut PgConnection,
    policies: &Policies,
    id: RoundId,
) -> Result<Option<Round>, StoreError> {
    let row = sqlx::query_as!(
        RoundRow,
        r#"-- reviews.rounds.find
         SELECT id, name, created_at,
                (SELECT max(version) FROM round_policies WHERE round_id = rounds.id) AS "policy_version!"
         FROM rounds WHERE id = $1"#,
        id.0
    )
    .fetch_optional(&mut *db)
    .await?;
    match row {
        Some(row) => Ok(Some(read(db, policies, row).await?)),
        None => Ok(None),
    }
}

/// Rounds, newest first, after this one.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    policies: &Policies,
    after: Option<Uuid>,
    size: i64,
) -> Result<Vec<Round>, StoreError> {
    let rows = sqlx::query_as!(
        RoundRow,
        r#"-- reviews.rounds.list
         SELECT id, name, created_at,
                (SELECT max(version) FROM round_policies WHERE round_id = rounds.id) AS "policy_version!"
         FROM rounds WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"#,
        after,
        size
    )
    .fetch_all(&mut *db)
    .await?;
    let mut rounds = Vec::with_capacity(rows.len());
    for row in rows {
        // Each policy is read once per process; a page of rounds is small.
        rounds.push(read(db, policies, row).await?);
    }
    Ok(rounds)
}

async fn read(db: &mut PgConnection, policies: &Policies, row: RoundRow) -> Result<Round, StoreError> {
    let id = RoundId(row.id);
    let policy = policies.get(db, id, row.policy_version).await?;
    Ok(Round { id, name: row.name, policy, created_at: row.created_at })
}
