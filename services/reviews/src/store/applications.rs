//! Applications: read, locked and made. How they move is in `steps.rs`, lists are in `lists.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    application::{Application, Decider, Kind, LastStep, Reminders, Returned, Submitted},
    clock::{Alert, Clock},
    history::Step,
    ids::{ApplicationId, OperatorId, OrderId, PersonId, RoundId},
    stage::{Actor, Party, Stage},
};

#[derive(sqlx::FromRow)]
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
    pub(crate) awaited: Option<Vec<String>>,
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
            awaited: self.awaited,
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
         SELECT d.persons, d.tiers, a.* FROM applications a
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
         SELECT d.persons, d.tiers, a.* FROM applications a
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
         SELECT d.persons, d.tiers, a.* FROM applications a
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
         SELECT NULL::uuid[] AS persons, NULL::text[] AS tiers, a.* FROM applications a
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
         SELECT NULL::uuid[] AS persons, NULL::text[] AS tiers, a.* FROM applications a
         WHERE work_order_id = $1 ORDER BY id FOR NO KEY UPDATE OF a",
        order.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ApplicationRow::read).collect()
}

/// Locks the members of an order that its panel reviews, in ascending id order, with everybody who has decided on them.
///
/// # Errors
/// The database is away; a row is locked for longer than 3 s.
pub async fn lock_reviewed(db: &mut PgConnection, order: OrderId) -> Result<Vec<Application>, StoreError> {
    let rows = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.applications.lock_reviewed
         SELECT d.persons, d.tiers, a.* FROM applications a
         LEFT JOIN LATERAL (SELECT array_agg(person_id ORDER BY person_id) AS persons, array_agg(tier ORDER BY person_id) AS tiers
             FROM deciders WHERE application_id = a.id) d ON true
         WHERE a.work_order_id = $1 AND a.stage = 'ExpertReview' ORDER BY a.id FOR NO KEY UPDATE OF a",
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
