//! Signed decisions about whole work orders.

use sqlx::PgConnection;

use super::StoreError;
use crate::{
    domain::{act::Command, ids::OrderId, order_decision::OrderDecision, refusal::OrderStep},
    signing::Sealed,
};

/// The last step of an order; none for one from before its steps were kept.
///
/// # Errors
/// The database is away.
pub async fn last(db: &mut PgConnection, order: OrderId) -> Result<Option<OrderStep>, StoreError> {
    let row = sqlx::query!(
        "-- reviews.order_decisions.last
         SELECT command, office, decided_at FROM order_decisions WHERE work_order_id = $1 ORDER BY version DESC, decided_at DESC LIMIT 1",
        order.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| {
        let command = Command::ALL.into_iter().find(|command| command.id() == row.command)?;
        Some(OrderStep { command, office: row.office, at: row.decided_at })
    }))
}

/// Keeps a signed decision for good.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    decision: &OrderDecision,
    sealed: &Sealed,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- reviews.order_decisions.insert
         INSERT INTO order_decisions (work_order_id, version, transition, command, membership_hash, members, members_hash,
             population_hash, seed, actor_id, actor_role, scope, office, department, authentication, session_id, decided_at,
             record, record_hash, algorithm, key_id, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
        decision.order_id.0,
        decision.version,
        decision.transition,
        decision.command,
        decision.membership_hash,
        decision.members,
        decision.members_hash,
        decision.population_hash,
        decision.seed,
        decision.actor_id,
        decision.actor_role,
        &decision.scope,
        decision.office,
        decision.department,
        decision.authentication,
        decision.session_id,
        decision.decided_at,
        sealed.record,
        sealed.hash.as_slice(),
        sealed.algorithm,
        sealed.key_id,
        sealed.signature
    )
    .execute(db)
    .await?;
    Ok(())
}
