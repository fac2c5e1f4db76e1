//! The audit of this service: its share of the invariants, each a number of violations that must be 0.
//!
//! Source: reliability section 9. I7_holes, I8 and I9 are the chassis' rows.

mod order_decisions;

use chassis::audit::Report;
use futures::TryStreamExt as _;
use sqlx::PgPool;

use crate::{
    domain::{
        act::{Judged, PaperCheck, Target, Verdict},
        canonical::{Canonical, Hash, hex},
        decision::{Decision, paper_hash},
        ids::ApplicationId,
        stage::{Party, Stage},
        table,
    },
    signing::Seal,
    store::{StoreError, history::HistoryRow},
};

/// Runs every check.
///
/// # Errors
/// The database is away.
pub async fn run(pool: &PgPool, seal: &Seal) -> Result<Report, StoreError> {
    let mut report = chassis::audit::common(pool).await?;
    let (steps, chain) = histories(pool).await?;
    report.insert("I3".into(), steps + stages(pool).await?);
    report.insert("I4".into(), orders(pool).await?);
    report.insert("I5".into(), decisions(pool, seal).await? + order_decisions::violations(pool, seal).await?);
    report.insert("I6".into(), deciders(pool).await?);
    report.insert("I7".into(), events(pool).await?);
    report.insert("I10".into(), chain);
    Ok(report)
}

/// I3 (versions without gap, each step an edge) and I10 (each row carries the hash of the row before it).
async fn histories(pool: &PgPool) -> Result<(i64, i64), StoreError> {
    let mut rows = sqlx::query_as!(
        HistoryRow,
        "-- reviews.audit.histories
         SELECT * FROM history ORDER BY application_id, version"
    )
    .fetch(pool);
    let (mut steps, mut chain) = (0, 0);
    let mut last: Option<(ApplicationId, i64, Option<Stage>, Hash)> = None;
    while let Some(row) = rows.try_next().await? {
        let link = row.read()?;
        let entry = &link.entry;
        let (version, stage, hash) = match last {
            Some((id, version, stage, hash)) if id == entry.application_id => (version, stage, hash),
            Some(_) | None => (0, None, [0; 32]),
        };
        let edge = table::knows(&entry.transition, entry.from, entry.to);
        if entry.version != version + 1 || entry.from != stage || !edge {
            steps += 1;
        }
        if link.prev_hash != hash || entry.hash(&link.prev_hash) != link.hash {
            chain += 1;
        }
        last = Some((entry.application_id, entry.version, Some(entry.to), link.hash));
    }
    Ok((steps, chain))
}

/// I3: the state is the last step, and the head its hash.
async fn stages(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.audit.stages
         SELECT count(*) AS "count!" FROM applications a LEFT JOIN LATERAL
             (SELECT version, to_stage, hash FROM history h WHERE h.application_id = a.id ORDER BY version DESC LIMIT 1) h ON true
         WHERE h.version IS DISTINCT FROM a.version OR h.to_stage IS DISTINCT FROM a.stage OR h.hash IS DISTINCT FROM a.head_hash"#
    )
    .fetch_one(pool)
    .await?)
}

/// I4: one order per batch and city, each application a live member of the order that it names and of no other.
async fn orders(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.audit.orders
         SELECT (SELECT count(*) FROM (SELECT 1 FROM work_orders GROUP BY round_id, batch, prefecture HAVING count(*) > 1) AS twice)
              + (SELECT count(*) FROM applications a WHERE a.work_order_id IS NOT NULL AND NOT EXISTS
                    (SELECT 1 FROM work_order_members m WHERE m.application_id = a.id AND m.work_order_id = a.work_order_id AND m.left_at IS NULL))
              + (SELECT count(*) FROM work_order_members m JOIN applications a ON a.id = m.application_id
                    WHERE m.left_at IS NULL AND a.work_order_id IS DISTINCT FROM m.work_order_id) AS "count!""#
    )
    .fetch_one(pool)
    .await?)
}

/// I5: every judging step has its decision, and each decision its proof, its submission and a signature that holds.
async fn decisions(pool: &PgPool, seal: &Seal) -> Result<i64, StoreError> {
    let mut wrong = 0;
    let mut rows = sqlx::query!(
        r#"-- reviews.audit.decisions
         SELECT d.record, d.record_hash, d.algorithm, d.key_id, d.signature,
                s.hash AS submitted_hash, s.dossier_hash AS sealed_hash, s.content,
                d.application_id, d.version, d.transition, d.tier, d.judged_version, d.judged_hash, d.dossier_hash, d.verdict,
                d.target, d.open_all, d.actor_id, d.actor_role, d.scope, d.authentication, d.session_id, d.decided_at,
                h.command, h.to_stage, h.opinion, h.items, h.office, h.department,
                (h.transition, h.actor_id, h.actor_role, h.occurred_at)
                    = (d.transition, d.actor_id, d.actor_role, d.decided_at) AS "same_step!",
                p.complete AS "complete?", p.ticked AS "ticked?", p.missing AS "missing?", p.checked_on AS "checked_on?",
                p.checker AS "checker?"
         FROM decisions d JOIN submissions s ON s.application_id = d.application_id AND s.version = d.judged_version
         JOIN history h ON h.application_id = d.application_id AND h.version = d.version
         LEFT JOIN paper_checks p ON p.application_id = d.application_id AND p.version = d.version"#
    )
    .fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let paper = row.checked_on.map(|day| PaperCheck {
            complete: row.complete.unwrap_or_default(),
            ticked: row.ticked.clone().unwrap_or_default(),
            missing: row.missing.clone().unwrap_or_default(),
            checked_on: Some(day),
            checker: row.checker.clone().unwrap_or_default(),
        });
        let told = (|| {
            Some(Decision {
                application_id: ApplicationId(row.application_id),
                version: row.version,
                transition: row.transition,
                command: row.command,
                tier: Party::parse(&row.tier)?,
                to: Stage::parse(&row.to_stage)?,
                judged: Judged { version: row.judged_version, hash: row.judged_hash.clone() },
                dossier_hash: row.dossier_hash.clone(),
                verdict: Verdict::parse(&row.verdict),
                opinion: row.opinion,
                items: row.items,
                open_all: row.open_all,
                target: Target::parse(&row.target),
                paper_hash: paper.as_ref().map(paper_hash).unwrap_or_default(),
                actor_id: row.actor_id,
                actor_role: row.actor_role,
                scope: row.scope,
                office: row.office,
                department: row.department,
                authentication: row.authentication,
                session_id: row.session_id,
                decided_at: row.decided_at,
            })
        })();
        // What the rows tell is what was signed, word for word.
        let told = told.is_some_and(|told| told.encode().into_bytes() == row.record);
        let genuine = told
            && row.same_step
            && Canonical::digest(&row.record).as_slice() == row.record_hash.as_slice()
            && row.judged_hash == row.submitted_hash
            && row.dossier_hash == row.sealed_hash
            && hex(&Canonical::digest(&row.content)) == row.submitted_hash
            && seal.verifies(&row.algorithm, &row.key_id, &row.record_hash, &row.signature);
        if !genuine {
            wrong += 1;
        }
    }
    Ok(wrong + missing_decisions(pool).await?)
}

async fn missing_decisions(pool: &PgPool) -> Result<i64, StoreError> {
    let ids: Vec<_> = table::TABLE.iter().filter(|row| row.judges).map(|row| row.id.to_owned()).collect();
    let commands: Vec<_> =
        table::TABLE.iter().filter(|row| row.judges).map(|row| row.on.id().to_owned()).collect();
    Ok(sqlx::query_scalar!(
        r#"-- reviews.audit.missing_decisions
         SELECT count(*) AS "count!" FROM history h
         WHERE (h.transition, h.command) IN (SELECT * FROM UNNEST($1::text[], $2::text[]))
           AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.application_id = h.application_id AND d.version = h.version)"#,
        &ids,
        &commands
    )
    .fetch_one(pool)
    .await?)
}

/// I6: nobody decided at two tiers of one application.
async fn deciders(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.audit.deciders
         SELECT count(*) AS "count!" FROM
             (SELECT 1 FROM decisions GROUP BY application_id, actor_id HAVING count(DISTINCT tier) > 1) AS twice"#
    )
    .fetch_one(pool)
    .await?)
}

/// I7: each row of the history has its event and each event its row, among those that the outbox still keeps.
async fn events(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.audit.events
         SELECT (SELECT count(*) FROM history h WHERE h.occurred_at > now() - interval '29 days' AND NOT EXISTS
                    (SELECT 1 FROM outbox o WHERE o.aggregate_type = 'application' AND o.aggregate_id = h.application_id
                        AND o.aggregate_version = h.version))
              + (SELECT count(*) FROM outbox o WHERE o.aggregate_type = 'application' AND NOT EXISTS
                    (SELECT 1 FROM history h WHERE h.application_id = o.aggregate_id AND h.version = o.aggregate_version)) AS "count!""#
    )
    .fetch_one(pool)
    .await?)
}
