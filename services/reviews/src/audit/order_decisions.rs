//! I5 for whole orders: every step that a member took with its order stands in a signed decision, and each of those tells
//! what the history tells.

use futures::TryStreamExt as _;
use sqlx::PgPool;

use crate::{
    domain::{
        canonical::{Canonical, Hash, hex},
        ids::{ApplicationId, OrderId},
        order_decision::{OrderDecision, members_hash},
    },
    signing::Seal,
    store::StoreError,
};

/// How many are wrong or missing.
pub(super) async fn violations(pool: &PgPool, seal: &Seal) -> Result<i64, StoreError> {
    let mut wrong = 0;
    let mut rows = sqlx::query!(
        r#"-- reviews.audit.order_decisions
         SELECT w.membership_hash AS launched_hash, s.population_hash AS "drawn_from?", s.seed AS "drawn_by?",
                steps.ids AS "ids!", steps.versions AS "versions!", steps.heads AS "heads!", steps.same AS "same_actor!", d.*
         FROM order_decisions d JOIN work_orders w ON w.id = d.work_order_id
         LEFT JOIN samples s ON s.work_order_id = d.work_order_id AND s.order_version = d.version
              AND d.transition IN ('T20', 'T24')
         CROSS JOIN LATERAL (
             SELECT coalesce(array_agg(h.application_id), '{}') AS ids, coalesce(array_agg(h.version), '{}') AS versions,
                    coalesce(array_agg(h.hash), '{}') AS heads,
                    coalesce(bool_and((h.actor_id, h.actor_role, h.office) = (d.actor_id, d.actor_role, d.office)), true) AS same
             FROM work_order_members m JOIN history h USING (application_id)
             WHERE m.work_order_id = d.work_order_id AND h.command = d.command AND h.occurred_at = d.decided_at) steps"#
    )
    .fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let members: Option<Vec<(ApplicationId, i64, Hash)>> = row
            .ids
            .iter()
            .zip(&row.versions)
            .zip(&row.heads)
            .map(|((id, version), head)| {
                Some((ApplicationId(*id), *version, head.as_slice().try_into().ok()?))
            })
            .collect();
        let counted = i64::try_from(row.ids.len()).is_ok_and(|count| count == row.members);
        let same_members = members.is_some_and(|members| hex(&members_hash(members)) == row.members_hash);
        let same_draw = row.drawn_from.as_deref().map(hex).unwrap_or_default() == row.population_hash
            && row.drawn_by.as_deref().map(hex).unwrap_or_default() == row.seed;
        let told = OrderDecision {
            order_id: OrderId(row.work_order_id),
            version: row.version,
            transition: row.transition,
            command: row.command,
            membership_hash: row.membership_hash.clone(),
            members: row.members,
            members_hash: row.members_hash,
            population_hash: row.population_hash,
            seed: row.seed,
            actor_id: row.actor_id,
            actor_role: row.actor_role,
            scope: row.scope,
            office: row.office,
            department: row.department,
            authentication: row.authentication,
            session_id: row.session_id,
            decided_at: row.decided_at,
        };
        let genuine = counted
            && row.same_actor
            && same_members
            && same_draw
            && row.membership_hash == row.launched_hash
            && told.encode().into_bytes() == row.record
            && Canonical::digest(&row.record).as_slice() == row.record_hash.as_slice()
            && seal.verifies(&row.algorithm, &row.key_id, &row.record_hash, &row.signature);
        if !genuine {
            tracing::warn!(work_order.id = %row.work_order_id, counted, same_members, same_draw, "decision of an order is not genuine");
            wrong += 1;
        }
    }
    Ok(wrong + missing(pool).await?)
}

async fn missing(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.audit.missing_order_decisions
         SELECT (SELECT count(*) FROM history h
                 WHERE h.command IN ('LaunchJointReview', 'FreezeOrder', 'WidenSample', 'ConcludeOrder') AND NOT EXISTS (
                     SELECT 1 FROM order_decisions d JOIN work_order_members m USING (work_order_id)
                     WHERE m.application_id = h.application_id AND d.command = h.command AND d.decided_at = h.occurred_at))
              + (SELECT count(*) FROM work_orders w, LATERAL (VALUES ('T14', true), ('T20', frozen_at IS NOT NULL))
                     AS due (transition, wanted)
                 WHERE wanted AND NOT EXISTS (SELECT 1 FROM order_decisions d
                     WHERE d.work_order_id = w.id AND d.transition = due.transition)) AS "count!""#
    )
    .fetch_one(pool)
    .await?)
}
