//! Applications: read, locked, and moved by one statement that carries history and decision. Lists are in `lists.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::{
    domain::{
        act::{PaperCheck, Target, Verdict},
        application::{Application, Decider, Kind, LastStep, Reminders, Returned, Submitted},
        clock::{Alert, Clock},
        history::Step,
        ids::{ApplicationId, OperatorId, OrderId, PersonId, RoundId},
        stage::{Actor, Party, Stage},
    },
    signing::Signed,
};

pub(crate) struct ApplicationRow {
    pub(crate) id: Uuid,
    pub(crate) application_no: String,
    pub(crate) receipt_no: Option<String>,
    pub(crate) round_id: Uuid,
    pub(crate) policy_version: i32,
    pub(crate) operator_id: Uuid,
    pub(crate) operator_name: String,
    pub(crate) station_id: Uuid,
    pub(crate) station_code: String,
    pub(crate) station_name: String,
    pub(crate) county: String,
    pub(crate) prefecture: String,
    pub(crate) stage: String,
    pub(crate) version: i64,
    pub(crate) stage_version: i64,
    pub(crate) entered_at: OffsetDateTime,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) submission_version: i32,
    pub(crate) submission_kind: String,
    pub(crate) submission_hash: String,
    pub(crate) dossier_hash: String,
    pub(crate) return_items: Vec<String>,
    pub(crate) return_open_all: bool,
    pub(crate) return_submission: i32,
    pub(crate) work_order_id: Option<Uuid>,
    pub(crate) in_sample: bool,
    pub(crate) forced_sample: bool,
    pub(crate) last_transition: String,
    pub(crate) last_actor_id: Uuid,
    pub(crate) last_role: String,
    pub(crate) last_office: String,
    pub(crate) last_at: OffsetDateTime,
    pub(crate) head_hash: Vec<u8>,
    pub(crate) deadline_at: Option<OffsetDateTime>,
    pub(crate) struck: String,
    pub(crate) strikes_at: Option<OffsetDateTime>,
    pub(crate) assignee_id: Option<Uuid>,
    pub(crate) reminded_count: i32,
    pub(crate) reminded_at: Option<OffsetDateTime>,
    pub(crate) last_version: i64,
    pub(crate) persons: Option<Vec<Uuid>>,
    pub(crate) tiers: Option<Vec<String>>,
}

impl ApplicationRow {
    pub(crate) fn read(self) -> Result<Application, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "applications", id: self.id };
        let submitted = match self.submission_version {
            0 => None,
            version => Some(Submitted {
                version,
                kind: Kind::parse(&self.submission_kind).ok_or_else(corrupt)?,
                hash: self.submission_hash,
                dossier_hash: self.dossier_hash,
            }),
        };
        let struck = match self.struck.as_str() {
            "" => None,
            alert => Some(Alert::parse(alert).ok_or_else(corrupt)?),
        };
        let deciders = self
            .persons
            .unwrap_or_default()
            .into_iter()
            .zip(self.tiers.unwrap_or_default())
            .map(|(person, tier)| Some(Decider { person: PersonId(person), tier: Party::parse(&tier)? }))
            .collect::<Option<Vec<_>>>();
        Ok(Application {
            id: ApplicationId(self.id),
            number: self.application_no,
            receipt_no: self.receipt_no,
            round_id: RoundId(self.round_id),
            policy_version: self.policy_version,
            operator_id: OperatorId(self.operator_id),
            operator_name: self.operator_name,
            station_id: self.station_id,
            station_code: self.station_code,
            station_name: self.station_name,
            county: self.county,
            prefecture: self.prefecture,
            stage: Stage::parse(&self.stage).ok_or_else(corrupt)?,
            version: self.version,
            stage_version: self.stage_version,
            entered_at: self.entered_at,
            created_at: self.created_at,
            submitted,
            returned: Returned {
                items: self.return_items,
                open_all: self.return_open_all,
                submission: self.return_submission,
            },
            order_id: self.work_order_id.map(OrderId),
            in_sample: self.in_sample,
            forced_sample: self.forced_sample,
            last: Some(LastStep {
                version: if self.last_version == 0 { self.version } else { self.last_version },
                transition: self.last_transition,
                actor_id: self.last_actor_id,
                role: Actor::parse(&self.last_role).ok_or_else(corrupt)?,
                office: self.last_office,
                at: self.last_at,
            }),
            head: self.head_hash.try_into().map_err(|_| corrupt())?,
            deciders: deciders.ok_or_else(corrupt)?,
            clock: self.deadline_at.map(|deadline_at| Clock { deadline_at, struck }),
            strikes_at: self.strikes_at,
            assignee: self.assignee_id.map(PersonId),
            reminders: Reminders {
                count: u32::try_from(self.reminded_count).map_err(|_| corrupt())?,
                last_at: self.reminded_at,
            },
        })
    }
}

/// Locks the application until the end of the transaction and reads it.
///
/// # Errors
/// The database is away; the row is locked for longer than 3 s (`busy_elsewhere`).
pub async fn lock(db: &mut PgConnection, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    let row = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.applications.lock
         SELECT a.*, d.persons, d.tiers FROM applications a
         LEFT JOIN LATERAL (SELECT array_agg(person_id ORDER BY person_id) AS persons, array_agg(tier ORDER BY person_id) AS tiers
             FROM deciders WHERE application_id = a.id) d ON true
         WHERE a.id = $1 FOR NO KEY UPDATE OF a",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(ApplicationRow::read).transpose()
}

/// Locks an application that is no member of a work order, and reads it; none where it is one, or does not exist.
///
/// # Errors
/// The database is away; the row is locked for longer than 3 s (`busy_elsewhere`).
pub async fn lock_alone(db: &mut PgConnection, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    let row = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.applications.lock_alone
         SELECT a.*, d.persons, d.tiers FROM applications a
         LEFT JOIN LATERAL (SELECT array_agg(person_id ORDER BY person_id) AS persons, array_agg(tier ORDER BY person_id) AS tiers
             FROM deciders WHERE application_id = a.id) d ON true
         WHERE a.id = $1 AND a.work_order_id IS NULL FOR NO KEY UPDATE OF a",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(ApplicationRow::read).transpose()
}

/// Reads the application as it stands.
///
/// # Errors
/// The database is away.
pub async fn find(db: &mut PgConnection, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    let row = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.applications.find
         SELECT a.*, d.persons, d.tiers FROM applications a
         LEFT JOIN LATERAL (SELECT array_agg(person_id ORDER BY person_id) AS persons, array_agg(tier ORDER BY person_id) AS tiers
             FROM deciders WHERE application_id = a.id) d ON true
         WHERE a.id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(ApplicationRow::read).transpose()
}

/// The order of which an application is a member, and its node; none where there is no such application.
///
/// # Errors
/// The database is away.
pub async fn order_of(
    db: &mut PgConnection,
    id: ApplicationId,
) -> Result<Option<(Option<OrderId>, Stage)>, StoreError> {
    let row = sqlx::query!(
        "-- reviews.applications.order_of
         SELECT work_order_id, stage FROM applications WHERE id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    let corrupt = StoreError::Corrupt { table: "applications", id: id.0 };
    row.map(|row| Ok((row.work_order_id.map(OrderId), Stage::parse(&row.stage).ok_or(corrupt)?))).transpose()
}

/// Locks everything of a city that awaits joint review in a round, in ascending id order. Source: T14.
///
/// # Errors
/// The database is away; a row is locked for longer than 3 s.
pub async fn lock_awaiting(
    db: &mut PgConnection,
    round: RoundId,
    prefecture: &str,
) -> Result<Vec<Application>, StoreError> {
    let rows = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.applications.lock_awaiting
         SELECT a.*, NULL::uuid[] AS persons, NULL::text[] AS tiers FROM applications a
         WHERE round_id = $1 AND prefecture = $2 AND stage = 'AwaitingJointReview' ORDER BY id FOR NO KEY UPDATE OF a",
        round.0,
        prefecture
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ApplicationRow::read).collect()
}

/// Locks the live members of an order in ascending id order.
///
/// # Errors
/// The database is away; a row is locked for longer than 3 s.
pub async fn lock_members(db: &mut PgConnection, order: OrderId) -> Result<Vec<Application>, StoreError> {
    let rows = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.applications.lock_members
         SELECT a.*, NULL::uuid[] AS persons, NULL::text[] AS tiers FROM applications a
         WHERE work_order_id = $1 ORDER BY id FOR NO KEY UPDATE OF a",
        order.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ApplicationRow::read).collect()
}

/// Draws the next application number and receipt number; gaps are of no consequence.
///
/// # Errors
/// The database is away.
pub async fn next_number(db: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.applications.next_number
         SELECT nextval('application_numbers') AS "number!""#
    )
    .fetch_one(db)
    .await?)
}

/// See [`next_number`].
///
/// # Errors
/// The database is away.
pub async fn next_receipt(db: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.applications.next_receipt
         SELECT nextval('receipt_numbers') AS "number!""#
    )
    .fetch_one(db)
    .await?)
}

/// Inserts a new application with the first row of its history. Source: T01.
///
/// # Errors
/// The database is away, or constraint `applications_one_live` refuses a second live one.
pub async fn insert(db: &mut PgConnection, step: &Step) -> Result<(), StoreError> {
    let Step { after, entry, prev_hash, .. } = step;
    sqlx::query!(
        "-- reviews.applications.insert
         WITH made AS (
             INSERT INTO applications (id, application_no, round_id, policy_version, operator_id, operator_name, station_id,
                 station_code, station_name, county, prefecture, stage, version, stage_version, entered_at, created_at,
                 last_transition, last_actor_id, last_role, last_office, last_at, last_version, head_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $14, $15, $17, $18, $19, $14, $13, $21)
             RETURNING id)
         INSERT INTO history (application_id, version, transition, command, from_stage, to_stage, actor_id, actor_role,
             office, department, opinion, items, submission_version, submission_hash, occurred_at, prev_hash, hash)
         SELECT id, $13, $15, $16, '', $12, $17, $18, $19, '', '', '{}', 0, '', $14, $20, $21 FROM made",
        after.id.0,
        after.number,
        after.round_id.0,
        after.policy_version,
        after.operator_id.0,
        after.operator_name,
        after.station_id,
        after.station_code,
        after.station_name,
        after.county,
        after.prefecture,
        after.stage.id(),
        after.version,
        entry.at,
        entry.transition,
        entry.command,
        entry.actor_id,
        entry.role.role(),
        entry.office,
        prev_hash.as_slice(),
        after.head.as_slice()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves one application: the row, its history, and where it is one its signed decision and its paper check, in one
/// statement.
///
/// # Errors
/// [`StoreError::Raced`] when the version is not the one that was locked; the database is away.
pub async fn advance(
    db: &mut PgConnection,
    step: &Step,
    signed: Option<&Signed>,
    paper: Option<&PaperCheck>,
) -> Result<(), StoreError> {
    let Step { before, after, entry, prev_hash, .. } = step;
    let decision = signed.map(|signed| &signed.decision);
    let submitted = after.submitted.as_ref();
    let Some(last) = &after.last else {
        return Err(StoreError::Corrupt { table: "applications", id: after.id.0 });
    };
    let moved = sqlx::query_scalar!(
        r#"-- reviews.applications.advance
         WITH moved AS (
             UPDATE applications SET stage = $3, version = $2 + 1, stage_version = $4, entered_at = $5,
                 submission_version = $6, submission_kind = $7, submission_hash = $8, dossier_hash = $9,
                 return_items = $10, return_open_all = $11, work_order_id = $12, in_sample = $13, forced_sample = $14,
                 receipt_no = $15, last_transition = $44, last_actor_id = $45, last_role = $46, last_office = $47,
                 last_at = $48, last_version = $49, head_hash = $21, return_submission = $40, deadline_at = $50, struck = $51,
                 strikes_at = $52, assignee_id = $53, reminded_count = $54, reminded_at = $55
             WHERE id = $1 AND version = $2 AND stage = $22 RETURNING id),
         chained AS (
             INSERT INTO history (application_id, version, transition, command, from_stage, to_stage, actor_id, actor_role,
                 office, department, opinion, items, submission_version, submission_hash, occurred_at, prev_hash, hash)
             SELECT id, $2 + 1, $16, $23, $22, $3, $17, $18, $19, $24, $25, $26, $6, $8, $20, $27, $21 FROM moved),
         decider AS (
             INSERT INTO deciders (application_id, person_id, tier)
             SELECT id, $17, $28::text FROM moved WHERE $28::text IS NOT NULL ON CONFLICT DO NOTHING),
         decided AS (
             INSERT INTO decisions (application_id, version, tier, transition, actor_id, actor_role, scope, authentication,
                 session_id, judged_version, judged_hash, dossier_hash, decided_at, record, record_hash, algorithm, key_id, signature,
                 verdict, target, open_all)
             SELECT id, $2 + 1, $28, $16, $17, $18, $29, $30, $31, $32, $33, $34, $20, $35, $36, $37, $38, $39, $41, $42, $43
             FROM moved WHERE $28::text IS NOT NULL),
         checked AS (
             INSERT INTO paper_checks (application_id, version, complete, ticked, missing, checked_on, checker)
             SELECT id, $2 + 1, $56, $57, $58, $59, $60 FROM moved WHERE $56::boolean IS NOT NULL)
         SELECT count(*) AS "moved!" FROM moved"#,
        before.id.0,
        before.version,
        after.stage.id(),
        after.stage_version,
        after.entered_at,
        submitted.map_or(0, |submitted| submitted.version),
        submitted.map_or("", |submitted| submitted.kind.id()),
        submitted.map_or("", |submitted| submitted.hash.as_str()),
        submitted.map_or("", |submitted| submitted.dossier_hash.as_str()),
        &after.returned.items,
        after.returned.open_all,
        after.order_id.map(|order| order.0),
        after.in_sample,
        after.forced_sample,
        after.receipt_no,
        entry.transition,
        entry.actor_id,
        entry.role.role(),
        entry.office,
        entry.at,
        after.head.as_slice(),
        before.stage.id(),
        entry.command,
        entry.department,
        entry.opinion,
        &entry.items,
        prev_hash.as_slice(),
        decision.map(|decision| decision.tier.id()) as Option<&str>,
        decision.map(|decision| decision.scope.as_slice()) as Option<&[String]>,
        decision.map(|decision| decision.authentication.as_str()) as Option<&str>,
        decision.map(|decision| decision.session_id.as_str()) as Option<&str>,
        decision.map(|decision| decision.judged.version) as Option<i32>,
        decision.map(|decision| decision.judged.hash.as_str()) as Option<&str>,
        decision.map(|decision| decision.dossier_hash.as_str()) as Option<&str>,
        signed.map(|signed| signed.record.as_slice()) as Option<&[u8]>,
        signed.map(|signed| signed.hash.as_slice()) as Option<&[u8]>,
        signed.map(|signed| signed.algorithm) as Option<&str>,
        signed.map(|signed| signed.key_id.as_str()) as Option<&str>,
        signed.map(|signed| signed.signature.as_slice()) as Option<&[u8]>,
        after.returned.submission,
        decision.map(|decision| decision.verdict.map_or("", Verdict::id)) as Option<&str>,
        decision.map(|decision| decision.target.map_or("", Target::id)) as Option<&str>,
        decision.map(|decision| decision.open_all) as Option<bool>,
        last.transition,
        last.actor_id,
        last.role.role(),
        last.office,
        last.at,
        last.version,
        after.clock.map(|clock| clock.deadline_at),
        struck(after),
        after.strikes_at,
        after.assignee.map(|person| person.0),
        reminded(after),
        after.reminders.last_at,
        paper.map(|paper| paper.complete) as Option<bool>,
        paper.map(|paper| paper.ticked.as_slice()) as Option<&[String]>,
        paper.map(|paper| paper.missing.as_slice()) as Option<&[String]>,
        paper.and_then(|paper| paper.checked_on) as Option<time::Date>,
        paper.map(|paper| paper.checker.as_str()) as Option<&str>
    )
    .fetch_one(db)
    .await?;
    if moved == 1 { Ok(()) } else { Err(StoreError::Raced { table: "applications", id: before.id.0 }) }
}

/// Moves many applications of one node along the same row by the same person with the same words: one statement for all
/// (launch, freeze, wider sample, conclusion, reminders, clocks). Source: performance, rule 9.
///
/// # Errors
/// [`StoreError::Raced`] when a version is not the one that was locked; the database is away.
pub async fn advance_many(db: &mut PgConnection, steps: &[Step]) -> Result<(), StoreError> {
    let Some(first) = steps.first() else { return Ok(()) };
    let entry = &first.entry;
    let ids: Vec<_> = steps.iter().map(|step| step.before.id.0).collect();
    let versions: Vec<_> = steps.iter().map(|step| step.before.version).collect();
    let stage_versions: Vec<_> = steps.iter().map(|step| step.after.stage_version).collect();
    let entered: Vec<_> = steps.iter().map(|step| step.after.entered_at).collect();
    let orders: Vec<_> = steps.iter().map(|step| step.after.order_id.map(|order| order.0)).collect();
    let in_sample: Vec<_> = steps.iter().map(|step| step.after.in_sample).collect();
    let forced: Vec<_> = steps.iter().map(|step| step.after.forced_sample).collect();
    let heads: Vec<_> = steps.iter().map(|step| step.after.head.to_vec()).collect();
    let previous: Vec<_> = steps.iter().map(|step| step.prev_hash.to_vec()).collect();
    let deadlines: Vec<_> =
        steps.iter().map(|step| step.after.clock.map(|clock| clock.deadline_at)).collect();
    let struck: Vec<_> = steps.iter().map(|step| struck(&step.after).to_owned()).collect();
    let strikes: Vec<_> = steps.iter().map(|step| step.after.strikes_at).collect();
    let assignees: Vec<_> = steps.iter().map(|step| step.after.assignee.map(|person| person.0)).collect();
    let reminded_counts: Vec<_> = steps.iter().map(|step| reminded(&step.after)).collect();
    let reminded: Vec<_> = steps.iter().map(|step| step.after.reminders.last_at).collect();
    let moved = sqlx::query_scalar!(
        r#"-- reviews.applications.advance_many
         WITH step AS (
             SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::boolean[],
                 $7::boolean[], $8::bytea[], $9::bytea[], $20::timestamptz[], $21::text[], $22::timestamptz[], $23::uuid[],
                 $24::integer[], $25::timestamptz[])
                 AS s (id, version, stage_version, entered_at, work_order_id, in_sample, forced_sample, head_hash, prev_hash,
                     deadline_at, struck, strikes_at, assignee_id, reminded_count, reminded_at)),
         moved AS (
             UPDATE applications a SET stage = $10, version = step.version + 1, stage_version = step.stage_version,
                 entered_at = step.entered_at, work_order_id = step.work_order_id, in_sample = step.in_sample,
                 forced_sample = step.forced_sample, head_hash = step.head_hash, deadline_at = step.deadline_at,
                 struck = step.struck, strikes_at = step.strikes_at, assignee_id = step.assignee_id,
                 reminded_count = step.reminded_count, reminded_at = step.reminded_at,
                 last_transition = CASE WHEN $26 THEN last_transition ELSE $11 END,
                 last_actor_id = CASE WHEN $26 THEN last_actor_id ELSE $12 END,
                 last_role = CASE WHEN $26 THEN last_role ELSE $13 END,
                 last_office = CASE WHEN $26 THEN last_office ELSE $14 END,
                 last_at = CASE WHEN $26 THEN last_at ELSE $15 END,
                 last_version = CASE WHEN $26 THEN last_version ELSE step.version + 1 END
             FROM step WHERE a.id = step.id AND a.version = step.version AND a.stage = $16
             RETURNING a.id, a.version, a.submission_version, a.submission_hash, step.prev_hash, a.head_hash),
         chained AS (
             INSERT INTO history (application_id, version, transition, command, from_stage, to_stage, actor_id, actor_role,
                 office, department, opinion, items, submission_version, submission_hash, occurred_at, prev_hash, hash)
             SELECT id, version, $11, $17, $16, $10, $12, $13, $14, $18, $19, $27, submission_version, submission_hash, $15,
                 prev_hash, head_hash FROM moved)
         SELECT count(*) AS "moved!" FROM moved"#,
        &ids,
        &versions,
        &stage_versions,
        &entered,
        &orders as &[Option<Uuid>],
        &in_sample,
        &forced,
        &heads,
        &previous,
        entry.to.id(),
        entry.transition,
        entry.actor_id,
        entry.role.role(),
        entry.office,
        entry.at,
        first.before.stage.id(),
        entry.command,
        entry.department,
        entry.opinion,
        &deadlines as &[Option<OffsetDateTime>],
        &struck,
        &strikes as &[Option<OffsetDateTime>],
        &assignees as &[Option<Uuid>],
        &reminded_counts,
        &reminded as &[Option<OffsetDateTime>],
        first.row.fact.quiet(),
        &entry.items
    )
    .fetch_one(db)
    .await?;
    if usize::try_from(moved).is_ok_and(|moved| moved == steps.len()) {
        Ok(())
    } else {
        Err(StoreError::Raced { table: "applications", id: first.before.id.0 })
    }
}

fn struck(application: &Application) -> &'static str {
    application.clock.and_then(|clock| clock.struck).map_or("", Alert::id)
}

fn reminded(application: &Application) -> i32 {
    i32::try_from(application.reminders.count).unwrap_or(i32::MAX)
}
