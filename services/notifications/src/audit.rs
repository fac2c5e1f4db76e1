//! `audit`: this service's share of the invariants, each as a number of violations. Source: reliability section 9.

use chassis::audit::Report;
use sqlx::PgPool;

/// I8 and I9 of every service, and of this one: the worklist stands exactly where its consumers stand
/// (`I9_worklist`), and no open task belongs to a work order that never was announced (`I9_unseen`). `dead_letters`
/// counts the open ones: while there is one, a worklist may differ from the nodes.
///
/// One row per application holds by the primary key of `worklist`.
///
/// # Errors
/// The database is away.
pub async fn audit(pool: &PgPool) -> Result<Report, sqlx::Error> {
    let mut report = chassis::audit::common(pool).await?;
    report.insert("I9_worklist".into(), apart(pool).await?);
    report.insert("I9_unseen".into(), unseen(pool).await?);
    Ok(report)
}

/// Subjects whose row is behind or ahead of what the consumers have passed, or missing.
async fn apart(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- notifications.audit.worklist
        SELECT count(*) AS "count!" FROM (
            SELECT aggregate_type AS subject_type, aggregate_id AS subject_id, max(version) AS version
            FROM consumer_versions WHERE aggregate_type IN ('application', 'operator') AND version > 0
            GROUP BY aggregate_type, aggregate_id
        ) AS passed
        FULL JOIN worklist USING (subject_type, subject_id)
        WHERE passed.version IS DISTINCT FROM worklist.version"#
    )
    .fetch_one(pool)
    .await
}

/// Open experts' tasks of an order that is unknown here: no panel could see them.
async fn unseen(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- notifications.audit.unseen
        SELECT count(*) AS "count!" FROM worklist
        WHERE open AND waits_for = 'experts'
          AND NOT EXISTS (SELECT 1 FROM work_orders known WHERE known.work_order_id = worklist.work_order_id)"#
    )
    .fetch_one(pool)
    .await
}
