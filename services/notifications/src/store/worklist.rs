//! Rows of `worklist`: saved by version, listed and counted by desk.
//!
//! Lists walk one index range per desk and merge them, so a page costs the same at ten thousand rows and at a million.

mod neighbours;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::neighbours::{Neighbours, neighbours};
use super::COUNT_MAX;
use crate::domain::{
    desk::Viewer,
    stage::{AccountState, Stage},
    task::Task,
};

/// What saving a task did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The row stands at this version or a higher one: nothing changed.
    Passed,
    /// The row moved; the desk that had it before, empty where none had.
    Moved {
        /// Key of the desk that had the task open.
        from_desk: String,
    },
}

/// One open task as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// `application` or `operator`.
    pub subject_type: String,
    /// Its id.
    pub subject_id: Uuid,
    /// The shown number.
    pub application_no: String,
    /// Stage or account state.
    pub stage: String,
    /// The tier.
    pub waits_for: String,
    /// Division code.
    pub county: String,
    /// Division code.
    pub prefecture: String,
    /// The company.
    pub operator_id: Uuid,
    /// The station.
    pub station_id: Option<Uuid>,
    /// The work order.
    pub work_order_id: Option<Uuid>,
    /// The round.
    pub round_id: Option<Uuid>,
    /// The person to whom it was given.
    pub assignee_id: Option<Uuid>,
    /// The aggregate's version.
    pub version: i64,
    /// Since when it waits.
    pub since: OffsetDateTime,
    /// Drawn for the spot check of its work order.
    pub sampled: bool,
    /// When the time is up.
    pub deadline_at: Option<OffsetDateTime>,
    /// 黄 or 红.
    pub light: String,
    /// Reminders since it came here.
    pub reminded_count: i32,
    /// The last of them.
    pub reminded_at: Option<OffsetDateTime>,
}

/// What a list shows; empty texts mean all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Stage or account state.
    pub stage: String,
    /// Division code.
    pub prefecture: String,
    /// Division code.
    pub county: String,
    /// 黄 or 红.
    pub light: String,
    /// To whom it was given.
    pub assignee_id: Option<Uuid>,
}

/// Where a page begins, and with that its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Longest waiting first, after this arrival and task.
    Since(Option<(OffsetDateTime, Uuid)>),
    /// The least time left first, after this deadline and task; what has none comes last.
    Deadline(Option<(Option<OffsetDateTime>, Uuid)>),
}

/// Open tasks of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageCount {
    /// Stage or account state.
    pub stage: String,
    /// `application` or `operator`.
    pub subject_type: String,
    /// Up to 1,001.
    pub count: i64,
    /// The one that waits longest.
    pub oldest_since: OffsetDateTime,
}

/// Moves the row to the task's version; a row that is already there or further stays.
///
/// # Errors
/// The database is away, or a constraint does not hold.
pub async fn save(db: &mut PgConnection, task: &Task) -> Result<Saved, sqlx::Error> {
    let from_desk = sqlx::query_scalar!(
        r#"-- notifications.worklist.save
        WITH before AS (
            -- From the statement's snapshot, so before the change below; a lock here would see the changed row.
            SELECT desk FROM worklist WHERE subject_type = $1 AND subject_id = $2
        )
        INSERT INTO worklist AS row (subject_type, subject_id, application_no, stage, waits_for, open, desk, county,
            prefecture, operator_id, station_id, work_order_id, round_id, assignee_id, version, since, deadline_at, light,
            reminded_count, reminded_at, awaited)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
        ON CONFLICT (subject_type, subject_id) DO UPDATE SET
            application_no = excluded.application_no, stage = excluded.stage, waits_for = excluded.waits_for,
            open = excluded.open, desk = excluded.desk, county = excluded.county, prefecture = excluded.prefecture,
            operator_id = excluded.operator_id, station_id = excluded.station_id,
            work_order_id = excluded.work_order_id, round_id = excluded.round_id,
            assignee_id = excluded.assignee_id, version = excluded.version, since = excluded.since,
            deadline_at = excluded.deadline_at, light = excluded.light, reminded_count = excluded.reminded_count,
            reminded_at = excluded.reminded_at, awaited = excluded.awaited
        WHERE row.version < excluded.version
        RETURNING COALESCE((SELECT desk FROM before), '') AS "from_desk!""#,
        task.subject.kind(),
        task.subject.id(),
        task.application_no,
        task.stage,
        task.waits_for(),
        task.open(),
        task.desk_key(),
        task.county,
        task.prefecture,
        task.operator_id,
        task.station_id,
        task.work_order_id,
        task.round_id,
        task.assignee_id,
        task.version,
        task.since,
        task.clock.deadline_at,
        task.clock.light.code(),
        task.clock.reminded_count,
        task.clock.reminded_at,
        task.awaited.as_deref() as Option<&[String]>,
    )
    .fetch_optional(db)
    .await?;
    Ok(from_desk.map_or(Saved::Passed, |from_desk| Saved::Moved { from_desk }))
}

/// One page: for each desk its own index range, then the page of all.
macro_rules! page {
    ($db:expr, $viewer:expr, $filter:expr, $limit:expr, $name:tt, $key:tt, $order:tt, $outer:tt, ($at:expr, $id:expr)) => {
        sqlx::query_as!(
            TaskRow,
            "-- notifications.worklist."
                + $name
                + r#"
        SELECT task.subject_type AS "subject_type!", task.subject_id AS "subject_id!",
               task.application_no AS "application_no!", task.stage AS "stage!", task.waits_for AS "waits_for!",
               task.county AS "county!", task.prefecture AS "prefecture!", task.operator_id AS "operator_id!",
               task.station_id, task.work_order_id, task.round_id, task.assignee_id, task.version AS "version!",
               task.since AS "since!", task.deadline_at, task.light AS "light!",
               task.reminded_count AS "reminded_count!", task.reminded_at,
               EXISTS (SELECT 1 FROM work_order_samples drawn
                       WHERE drawn.work_order_id = task.work_order_id
                         AND drawn.application_id = task.subject_id) AS "sampled!"
        FROM (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ) AS desk
        CROSS JOIN LATERAL (
            SELECT * FROM worklist
            WHERE worklist.open AND worklist.desk = desk.key
              AND "#
                + $key
                + "
              AND ($5 = '' OR worklist.stage = $5)
              AND ($6 = '' OR worklist.prefecture = $6)
              AND ($7 = '' OR worklist.county = $7)
              AND ($9 = '' OR worklist.light = $9)
              AND ($10::uuid IS NULL OR worklist.assignee_id = $10)
              AND (worklist.awaited IS NULL OR worklist.awaited && $11)
            ORDER BY "
                + $order
                + " LIMIT $8
        ) AS task
        ORDER BY "
                + $outer
                + " LIMIT $8",
            &$viewer.desks,
            $viewer.expert_id,
            $at,
            $id,
            $filter.stage,
            $filter.prefecture,
            $filter.county,
            $limit,
            $filter.light,
            $filter.assignee_id,
            &$viewer.voices,
        )
        .fetch_all($db)
        .await
    };
}

/// The viewer's open tasks after a key, in its order: where a desk waits for single voices, those that wait for the viewer's.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    after: After,
    limit: i64,
) -> Result<Vec<TaskRow>, sqlx::Error> {
    // Before everything.
    let first = (OffsetDateTime::UNIX_EPOCH, Uuid::nil());
    match after {
        After::Since(key) => {
            let (since, id) = key.unwrap_or(first);
            page!(
                db,
                viewer,
                filter,
                limit,
                "list",
                "(worklist.since, worklist.subject_id) > ($3, $4)",
                "worklist.since, worklist.subject_id",
                "task.since, task.subject_id",
                (since, id)
            )
        }
        After::Deadline(key) => {
            let (deadline_at, id) = key.unwrap_or((Some(first.0), first.1));
            page!(
                db,
                viewer,
                filter,
                limit,
                "list_by_deadline",
                "(COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id)
                  > (COALESCE($3, 'infinity'::timestamptz), $4)",
                "COALESCE(worklist.deadline_at, 'infinity'::timestamptz), worklist.subject_id",
                "COALESCE(task.deadline_at, 'infinity'::timestamptz), task.subject_id",
                (deadline_at, id)
            )
        }
    }
}

/// Open tasks by stage, each exact up to 1,000. A stage says what its tasks are about, so that an index alone is read.
///
/// # Errors
/// The database is away.
pub async fn count_by_stage(db: &mut PgConnection, viewer: &Viewer) -> Result<Vec<StageCount>, sqlx::Error> {
    let stages = Stage::ALL.into_iter().filter(|stage| !stage.finished());
    let (stages, kinds): (Vec<String>, Vec<String>) = stages
        .map(|stage| (stage.code(), "application"))
        .chain(AccountState::ALL.into_iter().map(|state| (state.code(), "operator")))
        .map(|(stage, kind)| (stage.to_owned(), kind.to_owned()))
        .unzip();
    sqlx::query_as!(
        StageCount,
        r#"-- notifications.worklist.count_by_stage
        SELECT wanted.stage AS "stage!", wanted.subject_type AS "subject_type!",
               least(count(*), $5) AS "count!", min(task.since) AS "oldest_since!"
        FROM (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ) AS desk
        CROSS JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS wanted (stage, subject_type, place)
        CROSS JOIN LATERAL (
            SELECT worklist.since FROM worklist
            WHERE worklist.open AND worklist.desk = desk.key AND worklist.stage = wanted.stage
              AND (worklist.awaited IS NULL OR worklist.awaited && $6)
            ORDER BY worklist.since, worklist.subject_id LIMIT $5
        ) AS task
        GROUP BY wanted.stage, wanted.place, wanted.subject_type
        ORDER BY wanted.place"#,
        &viewer.desks,
        viewer.expert_id,
        &stages,
        &kinds,
        COUNT_MAX + 1,
        &viewer.voices,
    )
    .fetch_all(db)
    .await
}

/// 黄 or 红 of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightCount {
    /// The stage.
    pub stage: String,
    /// `yellow` or `red`.
    pub light: String,
    /// Up to 1,001.
    pub count: i64,
    /// The earliest deadline among them.
    pub earliest: Option<OffsetDateTime>,
}

/// Open tasks that are 黄 or 红, by stage, each exact up to 1,000.
///
/// # Errors
/// The database is away.
pub async fn count_by_light(db: &mut PgConnection, viewer: &Viewer) -> Result<Vec<LightCount>, sqlx::Error> {
    let stages: Vec<String> = Stage::ALL
        .into_iter()
        .filter(|stage| !stage.finished())
        .map(|stage| stage.code().to_owned())
        .collect();
    sqlx::query_as!(
        LightCount,
        r#"-- notifications.worklist.count_by_light
        SELECT wanted.stage AS "stage!", card.light AS "light!", least(count(*), $4) AS "count!",
               min(task.deadline_at) AS earliest
        FROM (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ) AS desk
        CROSS JOIN unnest($3::text[]) AS wanted (stage)
        CROSS JOIN (VALUES ('yellow'), ('red')) AS card (light)
        CROSS JOIN LATERAL (
            SELECT worklist.deadline_at FROM worklist
            WHERE worklist.open AND worklist.light <> '' AND worklist.desk = desk.key
              AND worklist.stage = wanted.stage AND worklist.light = card.light
              AND (worklist.awaited IS NULL OR worklist.awaited && $5)
            ORDER BY worklist.deadline_at, worklist.subject_id LIMIT $4
        ) AS task
        GROUP BY wanted.stage, card.light"#,
        &viewer.desks,
        viewer.expert_id,
        &stages,
        COUNT_MAX + 1,
        &viewer.voices,
    )
    .fetch_all(db)
    .await
}

/// What waits at one tier.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Standing {
    /// The tier.
    pub tier: String,
    /// Open tasks.
    pub open: f64,
    /// How long the oldest waits, seconds.
    pub oldest_secs: f64,
}

/// What waits at each tier where something does.
///
/// # Errors
/// The database is away.
pub async fn standing(pool: &sqlx::PgPool) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query_as(
        "-- notifications.worklist.standing
        SELECT waits_for AS tier, count(*)::float8 AS open, extract(epoch FROM now() - min(since))::float8 AS oldest_secs
        FROM worklist WHERE open GROUP BY waits_for",
    )
    .fetch_all(pool)
    .await
}

/// What a live reader compares: how many tasks are open (up to 1,001) and the latest arrival among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Open tasks.
    pub open_tasks: i64,
    /// The latest arrival; `None` where nothing is open.
    pub latest: Option<OffsetDateTime>,
}

/// The viewer's present worklist in two numbers.
///
/// # Errors
/// The database is away.
pub async fn present(db: &mut PgConnection, viewer: &Viewer) -> Result<Present, sqlx::Error> {
    sqlx::query_as!(
        Present,
        r#"-- notifications.worklist.present
        SELECT least(count(*), $3) AS "open_tasks!", max(task.since) AS latest
        FROM (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ) AS desk
        CROSS JOIN LATERAL (
            SELECT worklist.since FROM worklist WHERE worklist.open AND worklist.desk = desk.key
              AND (worklist.awaited IS NULL OR worklist.awaited && $4)
            ORDER BY worklist.since DESC, worklist.subject_id DESC LIMIT $3
        ) AS task"#,
        &viewer.desks,
        viewer.expert_id,
        COUNT_MAX + 1,
        &viewer.voices,
    )
    .fetch_one(db)
    .await
}
