//! One task among those beside it: its place, and the ways on and back.
//!
//! By the key of the list that goes by deadline, desk by desk like the list itself; never by reading the list up to the task.

use sqlx::PgConnection;
use uuid::Uuid;

use super::COUNT_MAX;
use crate::domain::desk::Viewer;

/// Where an application stands among a viewer's open tasks at a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbours {
    /// From 1 up to 1,001; 0 where it is none of them.
    pub place: i64,
    /// All of them, up to 1,001.
    pub total: i64,
    /// The one before it.
    pub previous: Option<Uuid>,
    /// The one after it.
    pub next: Option<Uuid>,
    /// The first of them that is another one.
    pub first: Option<Uuid>,
}

/// Where an application stands among the viewer's open tasks at a stage, the least time left first as in [`super::list`],
/// and which stand beside it.
///
/// # Errors
/// The database is away.
pub async fn neighbours(
    db: &mut PgConnection,
    viewer: &Viewer,
    stage: &str,
    application_id: Uuid,
) -> Result<Neighbours, sqlx::Error> {
    sqlx::query_as!(
        Neighbours,
        r#"-- notifications.worklist.neighbours
        WITH desk AS (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ), here AS (
            SELECT COALESCE(own.deadline_at, 'infinity'::timestamptz) AS deadline_at, own.subject_id
            FROM worklist own
            WHERE own.subject_type = 'application' AND own.subject_id = $3 AND own.open AND own.stage = $4
              AND own.desk IN (SELECT desk.key FROM desk) AND (own.awaited IS NULL OR own.awaited && $5)
        )
        SELECT
            (SELECT CASE WHEN count(here.subject_id) = 0 THEN 0 ELSE least(1 + sum(ahead.tasks)::bigint, $6) END
             FROM here CROSS JOIN desk CROSS JOIN LATERAL (
                 SELECT count(*) AS tasks FROM (
                     SELECT 1 FROM worklist
                     WHERE worklist.open AND worklist.desk = desk.key
                       AND (COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id)
                         < (here.deadline_at, here.subject_id)
                       AND worklist.stage = $4 AND (worklist.awaited IS NULL OR worklist.awaited && $5)
                     ORDER BY COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id LIMIT $6
                 ) AS task
             ) AS ahead) AS "place!",
            (SELECT least(count(*), $6) FROM desk CROSS JOIN LATERAL (
                 SELECT 1 FROM worklist
                 WHERE worklist.open AND worklist.desk = desk.key AND worklist.stage = $4
                   AND (worklist.awaited IS NULL OR worklist.awaited && $5)
                 ORDER BY worklist.since, worklist.subject_id LIMIT $6
             ) AS task) AS "total!",
            (SELECT task.subject_id FROM here CROSS JOIN desk CROSS JOIN LATERAL (
                 SELECT COALESCE(worklist.deadline_at, 'infinity'::timestamptz) AS deadline_at, worklist.subject_id
                 FROM worklist
                 WHERE worklist.open AND worklist.desk = desk.key
                   AND (COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id)
                     < (here.deadline_at, here.subject_id)
                   AND worklist.stage = $4 AND (worklist.awaited IS NULL OR worklist.awaited && $5)
                 ORDER BY COALESCE(worklist.deadline_at, 'infinity'::timestamptz) DESC, worklist.subject_id DESC LIMIT 1
             ) AS task ORDER BY task.deadline_at DESC, task.subject_id DESC LIMIT 1) AS "previous?",
            (SELECT task.subject_id FROM here CROSS JOIN desk CROSS JOIN LATERAL (
                 SELECT COALESCE(worklist.deadline_at, 'infinity'::timestamptz) AS deadline_at, worklist.subject_id
                 FROM worklist
                 WHERE worklist.open AND worklist.desk = desk.key
                   AND (COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id)
                     > (here.deadline_at, here.subject_id)
                   AND worklist.stage = $4 AND (worklist.awaited IS NULL OR worklist.awaited && $5)
                 ORDER BY COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id LIMIT 1
             ) AS task ORDER BY task.deadline_at, task.subject_id LIMIT 1) AS "next?",
            (SELECT task.subject_id FROM desk CROSS JOIN LATERAL (
                 SELECT COALESCE(worklist.deadline_at, 'infinity'::timestamptz) AS deadline_at, worklist.subject_id
                 FROM worklist
                 WHERE worklist.open AND worklist.desk = desk.key AND worklist.subject_id <> $3
                   AND worklist.stage = $4 AND (worklist.awaited IS NULL OR worklist.awaited && $5)
                 ORDER BY COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id LIMIT 1
             ) AS task ORDER BY task.deadline_at, task.subject_id LIMIT 1) AS "first?""#,
        &viewer.desks,
        viewer.expert_id,
        application_id,
        stage,
        &viewer.voices,
        COUNT_MAX + 1,
    )
    .fetch_one(db)
    .await
}
