//! Every row as one line of text, in a fixed order, for comparing two databases.

use futures::stream::BoxStream;
use sqlx::PgPool;

/// Lines of the worklist, by subject.
pub fn worklist(pool: &PgPool) -> BoxStream<'_, Result<String, sqlx::Error>> {
    sqlx::query_scalar!(
        r#"-- notifications.digest.worklist
        SELECT concat_ws('|', subject_type, subject_id, application_no, stage, waits_for, open, desk, county, prefecture,
                   operator_id, COALESCE(station_id::text, '-'), COALESCE(work_order_id::text, '-'),
                   COALESCE(round_id::text, '-'), COALESCE(assignee_id::text, '-'), version,
                   extract(epoch FROM since), COALESCE(extract(epoch FROM deadline_at)::text, '-'), light, reminded_count,
                   COALESCE(extract(epoch FROM reminded_at)::text, '-'),
                   COALESCE(array_to_string(awaited, ','), '-')) AS "line!"
        FROM worklist ORDER BY subject_type, subject_id"#
    )
    .fetch(pool)
}

/// Lines of the messages, without ids.
pub fn messages(pool: &PgPool) -> BoxStream<'_, Result<String, sqlx::Error>> {
    sqlx::query_scalar!(
        r#"-- notifications.digest.messages
        SELECT concat_ws('|', desk, kind, subject_type, subject_id, text, extract(epoch FROM at)) AS "line!"
        FROM messages ORDER BY subject_type, subject_id, at, kind, desk, text"#
    )
    .fetch(pool)
}

/// Lines of work orders, panels and samples.
pub fn work_orders(pool: &PgPool) -> BoxStream<'_, Result<String, sqlx::Error>> {
    sqlx::query_scalar!(
        r#"-- notifications.digest.work_orders
        SELECT row.line AS "line!" FROM (
            SELECT concat_ws('|', 'order', work_order_id, COALESCE(round_id::text, '-'), prefecture, batch, version,
                             panel_version) AS line FROM work_orders
            UNION ALL
            SELECT concat_ws('|', 'expert', work_order_id, expert_id) FROM work_order_experts
            UNION ALL
            SELECT concat_ws('|', 'sample', work_order_id, application_id) FROM work_order_samples
        ) AS row ORDER BY row.line"#
    )
    .fetch(pool)
}
