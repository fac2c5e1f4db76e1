//! Turns of links, the lease of each link, and joint tests.
use chassis::{Failure, Work};
use sqlx::{PgConnection, types::Json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::turn::Kind;

/// Joint tests that are shown.
const TESTS_SHOWN: i64 = 20;
/// Orders of the highest numbers that the latest one is looked for among: numbers rise in time.
const ORDERS_LOOKED_AT: i64 = 1_000;

/// A turn as it is kept.
#[derive(Debug, Clone)]
pub struct Row {
    /// Kind.
    pub kind: String,
    /// When it is due.
    pub due_at: OffsetDateTime,
    /// End of the last complete one.
    pub last_success_at: Option<OffsetDateTime>,
    /// End of the last failed one.
    pub last_failure_at: Option<OffsetDateTime>,
    /// Why the last one that failed did, or `items_rejected` of one that was complete.
    pub reason: String,
    /// The same in words.
    pub found: String,
    /// In a row.
    pub failures: i32,
    /// Items of the last complete one.
    pub taken: i64,
    /// Likewise.
    pub rejected: i64,
}

/// A link that has just been leased.
#[derive(Debug, Clone)]
pub struct Leased {
    /// Whose.
    pub operator_id: Uuid,
    /// Kind.
    pub kind: String,
    /// When it was due.
    pub due_at: OffsetDateTime,
    /// Start of the last complete turn.
    pub complete_at: Option<OffsetDateTime>,
    /// Start of the last complete turn that asked for everything.
    pub full_at: Option<OffsetDateTime>,
}

/// What is said at the end of a turn.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Empty: complete.
    pub reason: String,
    /// Words.
    pub found: String,
    /// Items taken.
    pub taken: i64,
    /// Items rejected.
    pub rejected: i64,
}

/// One step of a joint test.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// `platform`, `operator` or `received`.
    pub side: String,
    /// Stable id.
    pub step: String,
    /// `passed`, `failed`, `skipped` or, by a setting of the link, `left_out`.
    pub outcome: String,
    /// Result code.
    pub ret: Option<i32>,
    /// What it tries.
    pub title: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub way_out: String,
}

impl Step {
    /// Whether it found what it wants.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcome == "passed"
    }

    /// Whether a setting of the link leaves it out.
    #[must_use]
    pub fn left_out(&self) -> bool {
        self.outcome == "left_out"
    }
}

/// A joint test as it is kept.
#[derive(Debug, Clone)]
pub struct Test {
    /// Its id.
    pub test_id: Uuid,
    /// Whose.
    pub operator_id: Uuid,
    /// When somebody asked for it.
    pub requested_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// Whether every step passed.
    pub passed: Option<bool>,
    /// Its steps.
    pub steps: Option<Json<Vec<Step>>>,
}

/// Makes a turn due now, and forgets its failures.
///
/// # Errors
/// The database is away or busy.
pub async fn make_due(work: &mut Work, operator_id: Uuid, kind: Kind) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.turns.make_due
         INSERT INTO link_turns (operator_id, kind, due_at) VALUES ($1, $2, $3)
         ON CONFLICT (operator_id, kind) DO UPDATE SET due_at = excluded.due_at, failures = 0",
        operator_id,
        kind.name(),
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Plans the first turn of a kind; one that has failed is due now, and its failures are forgotten.
///
/// # Errors
/// The database is away or busy.
pub async fn schedule(
    work: &mut Work,
    operator_id: Uuid,
    kind: Kind,
    due_at: OffsetDateTime,
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.turns.schedule
         INSERT INTO link_turns AS held (operator_id, kind, due_at) VALUES ($1, $2, $3)
         ON CONFLICT (operator_id, kind) DO UPDATE SET due_at = CASE WHEN held.failures > 0 THEN $4 ELSE held.due_at END,
                failures = 0",
        operator_id,
        kind.name(),
        due_at,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Leases the link whose turn of these kinds (none: of any) has been due for longest, joint tests first; `None` when nothing is due
/// or free.
///
/// # Errors
/// The database is away or busy.
pub async fn lease(
    work: &mut Work,
    lease_id: Uuid,
    kinds: &[String],
    span: Duration,
) -> Result<Option<Leased>, Failure> {
    let now = work.now();
    Ok(sqlx::query_as!(
        Leased,
        r#"-- stations.turns.lease
         WITH due AS (
             SELECT turn.operator_id, turn.kind, turn.due_at, turn.complete_at, turn.full_at
             FROM link_turns turn JOIN links USING (operator_id)
             WHERE turn.due_at <= $1 AND links.state = 'active' AND (cardinality($4::text[]) = 0 OR turn.kind = ANY ($4))
               AND (links.leased_until IS NULL OR links.leased_until <= $1)
               AND (turn.kind = 'joint_test' OR links.open AND links.base_url <> '' AND EXISTS (
                    SELECT 1 FROM link_secrets secret WHERE secret.operator_id = turn.operator_id
                      AND secret.direction = 'outbound' AND (secret.retires_at IS NULL OR secret.retires_at > $1)))
             ORDER BY turn.kind <> 'joint_test', turn.due_at LIMIT 1
             FOR UPDATE OF links, turn SKIP LOCKED)
         UPDATE links SET lease_id = $2, leased_kind = due.kind, leased_at = $1, leased_until = $3
         FROM due WHERE links.operator_id = due.operator_id
         RETURNING due.operator_id AS "operator_id!", due.kind AS "kind!", due.due_at AS "due_at!",
                   due.complete_at AS "complete_at?", due.full_at AS "full_at?""#,
        now,
        lease_id,
        now + span,
        kinds
    )
    .fetch_optional(work.db())
    .await?)
}

/// Keeps a lease that has not ended, and tells whose it is and of what kind; `None` when it has.
///
/// # Errors
/// The database is away or busy.
pub async fn renew(
    work: &mut Work,
    lease_id: Uuid,
    span: Duration,
) -> Result<Option<(Uuid, String)>, Failure> {
    let now = work.now();
    let held = sqlx::query!(
        r#"-- stations.turns.renew
         UPDATE links SET leased_until = $2 WHERE lease_id = $1 AND leased_until > $3 AND state = 'active'
         RETURNING operator_id, leased_kind AS "kind!""#,
        lease_id,
        now + span,
        now
    )
    .fetch_optional(work.db())
    .await?;
    Ok(held.map(|held| (held.operator_id, held.kind)))
}

/// A lease that has been given back.
#[derive(Debug, Clone)]
pub struct Released {
    /// Whose.
    pub operator_id: Uuid,
    /// Kind.
    pub kind: String,
    /// When the turn began.
    pub leased_at: OffsetDateTime,
    /// Failures before it.
    pub failures: i32,
    /// Start of the last complete turn.
    pub complete_at: Option<OffsetDateTime>,
    /// Start of the last complete turn that asked for everything.
    pub full_at: Option<OffsetDateTime>,
}

/// Gives a lease back; `None` when it has ended.
///
/// # Errors
/// The database is away or busy.
pub async fn release(work: &mut Work, lease_id: Uuid) -> Result<Option<Released>, Failure> {
    let now = work.now();
    Ok(sqlx::query_as!(
        Released,
        r#"-- stations.turns.release
         WITH held AS (
             SELECT links.operator_id, leased_kind, leased_at, failures, complete_at, full_at
             FROM links JOIN link_turns turn ON turn.operator_id = links.operator_id AND turn.kind = leased_kind
             WHERE lease_id = $1 AND leased_until > $2 FOR UPDATE)
         UPDATE links SET lease_id = NULL, leased_kind = NULL, leased_at = NULL, leased_until = NULL
         FROM held WHERE links.operator_id = held.operator_id
         RETURNING held.operator_id AS "operator_id!", held.leased_kind AS "kind!", held.leased_at AS "leased_at!",
                   held.failures AS "failures!", held.complete_at AS "complete_at?", held.full_at AS "full_at?""#,
        lease_id,
        now
    )
    .fetch_optional(work.db())
    .await?)
}

/// Records a complete turn; `next` is when it comes again, `full`: it asked for everything. What was rejected is said as
/// `items_rejected`.
///
/// # Errors
/// The database is away or busy.
pub async fn complete(
    work: &mut Work,
    turn: &Released,
    outcome: &Outcome,
    full: bool,
    next: Option<OffsetDateTime>,
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.turns.complete
         UPDATE link_turns SET due_at = coalesce($3::timestamptz, 'infinity'), complete_at = $4,
                full_at = CASE WHEN $5 THEN $4 ELSE full_at END, last_success_at = $6, failures = 0, taken = $7,
                rejected = $8, reason = CASE WHEN $9 <> '' THEN 'items_rejected' ELSE reason END,
                found = CASE WHEN $9 <> '' THEN $9 ELSE found END
         WHERE operator_id = $1 AND kind = $2",
        turn.operator_id,
        turn.kind,
        next,
        turn.leased_at,
        full,
        now,
        outcome.taken,
        outcome.rejected,
        outcome.found
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Records a failed turn.
///
/// # Errors
/// The database is away or busy.
pub async fn fail(
    work: &mut Work,
    turn: &Released,
    outcome: &Outcome,
    next: OffsetDateTime,
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.turns.fail
         UPDATE link_turns SET due_at = $3, last_failure_at = $4, reason = $5, found = $6, failures = failures + 1
         WHERE operator_id = $1 AND kind = $2",
        turn.operator_id,
        turn.kind,
        next,
        now,
        outcome.reason,
        outcome.found
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// The pulls of a link.
///
/// # Errors
/// The database is away or busy.
pub async fn list(db: &mut PgConnection, operator_id: Uuid) -> Result<Vec<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        "-- stations.turns.list
         SELECT kind, due_at, last_success_at, last_failure_at, reason, found, failures, taken, rejected
         FROM link_turns WHERE operator_id = $1 AND kind <> 'joint_test' ORDER BY kind",
        operator_id
    )
    .fetch_all(db)
    .await?)
}

/// Keeps a joint test that somebody asks for; `false` when one is waiting.
///
/// # Errors
/// The database is away or busy.
pub async fn insert_test(work: &mut Work, test_id: Uuid, operator_id: Uuid) -> Result<bool, Failure> {
    let (now, by) = (work.now(), work.caller().subject.clone());
    let done = sqlx::query!(
        "-- stations.turns.insert_test
         INSERT INTO joint_tests (test_id, operator_id, requested_by, requested_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (operator_id) WHERE finished_at IS NULL DO NOTHING",
        test_id,
        operator_id,
        by,
        now
    )
    .execute(work.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what came of the joint test that waits.
///
/// # Errors
/// The database is away or busy.
pub async fn finish_test(
    work: &mut Work,
    operator_id: Uuid,
    passed: bool,
    steps: &[Step],
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.turns.finish_test
         UPDATE joint_tests SET finished_at = $2, passed = $3, steps = $4
         WHERE operator_id = $1 AND finished_at IS NULL",
        operator_id,
        now,
        passed,
        serde_json::to_value(steps).map_err(Failure::internal)?
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// The latest joint tests of a link.
///
/// # Errors
/// The database is away or busy.
pub async fn tests(db: &mut PgConnection, operator_id: Uuid) -> Result<Vec<Test>, Failure> {
    Ok(sqlx::query_as!(
        Test,
        r#"-- stations.turns.tests
         SELECT test_id, operator_id, requested_at, finished_at, passed, steps AS "steps: Json<Vec<Step>>"
         FROM joint_tests WHERE operator_id = $1 ORDER BY requested_at DESC, test_id DESC LIMIT $2"#,
        operator_id,
        TESTS_SHOWN
    )
    .fetch_all(db)
    .await?)
}

/// The latest status and order that an operator's system has delivered.
///
/// # Errors
/// The database is away or busy.
pub async fn received(
    db: &mut PgConnection,
    operator_id: Uuid,
) -> Result<(Option<OffsetDateTime>, Option<OffsetDateTime>), Failure> {
    let row = sqlx::query!(
        "-- stations.turns.received
         SELECT (SELECT max(GREATEST(seen_at, heard_at)) FROM connectors JOIN connector_state USING (connector_key)
                 WHERE operator_id = $1 AND removed_at IS NULL) AS status_at,
                (SELECT max(received_at) FROM (SELECT received_at FROM charge_orders WHERE operator_id = $1
                 ORDER BY order_no DESC LIMIT $2) AS newest) AS order_at",
        operator_id,
        ORDERS_LOOKED_AT
    )
    .fetch_one(db)
    .await?;
    Ok((row.status_at, row.order_at))
}
