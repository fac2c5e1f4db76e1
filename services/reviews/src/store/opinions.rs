//! Panels, declarations of interest, and what each voice has said about a member.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    act::Verdict,
    application::Application,
    ids::{ApplicationId, OrderId, PersonId},
    order::{Opinion, Panelist},
};

/// Somebody on a panel as shown.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The panelist as the rules see it.
    pub panelist: Panelist,
    /// Shown name.
    pub name: String,
}

/// A new seat. Source: T14.
#[derive(Debug, Clone)]
pub struct NewSeat {
    /// In which order.
    pub order: OrderId,
    /// Who.
    pub expert: Uuid,
    /// Place in which the expert stands in for the lead, from 1.
    pub position: i32,
    /// 组长
    pub lead: bool,
    /// Shown name.
    pub name: String,
    /// Employer, for the conflict of interest.
    pub employer: String,
}

/// Something said about a member.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// About which member, as it stands after the step.
    pub application: &'a Application,
    /// The version with which it had come to the node.
    pub visit: i64,
    /// In which order.
    pub order: OrderId,
    /// Who.
    pub person: Uuid,
    /// The department; empty for experts.
    pub department: &'a str,
    /// What is recommended.
    pub verdict: Verdict,
    /// Whether it is a department's signature.
    pub signed: bool,
    /// In words.
    pub opinion: &'a str,
    /// When.
    pub at: OffsetDateTime,
}

/// Seats the panels of a launch.
///
/// # Errors
/// The database is away.
pub async fn seat(db: &mut PgConnection, seats: &[NewSeat]) -> Result<(), StoreError> {
    let orders: Vec<_> = seats.iter().map(|seat| seat.order.0).collect();
    let experts: Vec<_> = seats.iter().map(|seat| seat.expert).collect();
    let positions: Vec<_> = seats.iter().map(|seat| seat.position).collect();
    let leads: Vec<_> = seats.iter().map(|seat| seat.lead).collect();
    let names: Vec<_> = seats.iter().map(|seat| seat.name.clone()).collect();
    let employers: Vec<_> = seats.iter().map(|seat| seat.employer.clone()).collect();
    sqlx::query!(
        "-- reviews.opinions.seat
         INSERT INTO panel (work_order_id, expert_id, position, lead, name, employer)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::integer[], $4::boolean[], $5::text[], $6::text[])",
        &orders,
        &experts,
        &positions,
        &leads,
        &names,
        &employers
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The panel of an order with its declarations, by position.
///
/// # Errors
/// The database is away.
pub async fn panel(db: &mut PgConnection, order: OrderId) -> Result<Vec<Seat>, StoreError> {
    let rows = sqlx::query!(
        r#"-- reviews.opinions.panel
         SELECT p.expert_id, p.lead, p.name, d.conflicted AS "conflicted?", d.conflicts AS "conflicts?"
         FROM panel p LEFT JOIN LATERAL (
             SELECT conflicted, conflicts FROM declarations WHERE work_order_id = p.work_order_id AND expert_id = p.expert_id
             ORDER BY version DESC LIMIT 1) d ON true
         WHERE p.work_order_id = $1 ORDER BY p.position"#,
        order.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Seat {
            name: row.name,
            panelist: Panelist {
                person: PersonId(row.expert_id),
                lead: row.lead,
                declared: row.conflicted.is_some(),
                conflicted: row.conflicted.unwrap_or(false),
                conflicts: row.conflicts.unwrap_or_default().into_iter().map(ApplicationId).collect(),
            },
        })
        .collect())
}

/// The orders on whose panel a person sits.
///
/// # Errors
/// The database is away.
pub async fn orders_of(db: &mut PgConnection, person: PersonId) -> Result<Vec<OrderId>, StoreError> {
    let orders = sqlx::query_scalar!(
        "-- reviews.opinions.orders_of
         SELECT work_order_id FROM panel WHERE expert_id = $1",
        person.0
    )
    .fetch_all(db)
    .await?;
    Ok(orders.into_iter().map(OrderId).collect())
}

/// Experts of the order whose newest declaration is clear of this member. Source: contract of `Facts`.
///
/// # Errors
/// The database is away.
pub async fn clear_experts(
    db: &mut PgConnection,
    order: OrderId,
    member: ApplicationId,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "-- reviews.opinions.clear_experts
         SELECT expert_id FROM (
             SELECT DISTINCT ON (expert_id) expert_id, conflicted, conflicts FROM declarations
             WHERE work_order_id = $1 ORDER BY expert_id, version DESC) AS newest
         WHERE NOT conflicted AND NOT ($2 = ANY(conflicts)) ORDER BY expert_id",
        order.0,
        member.0
    )
    .fetch_all(db)
    .await?)
}

/// Keeps a declaration as the expert's newest; those before stay. The order's row is locked by the caller.
///
/// # Errors
/// The database is away.
pub async fn declare(
    db: &mut PgConnection,
    order: OrderId,
    person: PersonId,
    conflicted: bool,
    conflicts: &[Uuid],
    statement: &str,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- reviews.opinions.declare
         INSERT INTO declarations (work_order_id, expert_id, version, conflicted, conflicts, statement, declared_at)
         SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6 FROM declarations
         WHERE work_order_id = $1 AND expert_id = $2",
        order.0,
        person.0,
        conflicted,
        conflicts,
        statement,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was said about a member since it came to its node.
///
/// # Errors
/// The database is away.
pub async fn list(db: &mut PgConnection, id: ApplicationId, visit: i64) -> Result<Vec<Opinion>, StoreError> {
    let rows = sqlx::query_as!(
        OpinionRow,
        "-- reviews.opinions.list
         SELECT application_id, person_id, department, verdict, signed FROM opinions
         WHERE application_id = $1 AND visit = $2 ORDER BY said_at",
        id.0,
        visit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(OpinionRow::read).collect()
}

/// What was said about every member of an order since it came to its node.
///
/// # Errors
/// The database is away.
pub async fn of_order(
    db: &mut PgConnection,
    order: OrderId,
) -> Result<BTreeMap<ApplicationId, Vec<Opinion>>, StoreError> {
    let rows = sqlx::query_as!(
        OpinionRow,
        "-- reviews.opinions.of_order
         SELECT o.application_id, o.person_id, o.department, o.verdict, o.signed FROM applications a
         JOIN opinions o ON o.application_id = a.id AND o.visit = a.stage_version
         WHERE a.work_order_id = $1 ORDER BY o.said_at",
        order.0
    )
    .fetch_all(db)
    .await?;
    let mut said: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        said.entry(ApplicationId(row.application_id)).or_default().push(row.read()?);
    }
    Ok(said)
}

struct OpinionRow {
    application_id: Uuid,
    person_id: Uuid,
    department: String,
    verdict: String,
    signed: bool,
}

impl OpinionRow {
    fn read(self) -> Result<Opinion, StoreError> {
        let corrupt = StoreError::Corrupt { table: "opinions", id: self.application_id };
        Ok(Opinion {
            person: PersonId(self.person_id),
            department: self.department,
            verdict: Verdict::parse(&self.verdict).ok_or(corrupt)?,
            signed: self.signed,
        })
    }
}

/// Decisions and opinions of a person since an instant.
///
/// # Errors
/// The database is away.
pub async fn decided_since(
    db: &mut PgConnection,
    person: PersonId,
    since: OffsetDateTime,
) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"-- reviews.opinions.decided_since
         SELECT count(*)::integer AS "count!" FROM decisions WHERE actor_id = $1 AND decided_at >= $2"#,
        person.0,
        since
    )
    .fetch_one(db)
    .await?)
}

/// Keeps what a voice says; its word before is replaced. The order's row is locked by the caller.
///
/// # Errors
/// The database is away.
pub async fn save(db: &mut PgConnection, said: &Said<'_>) -> Result<(), StoreError> {
    let voice = if said.department.is_empty() { said.person.to_string() } else { said.department.to_owned() };
    sqlx::query!(
        "-- reviews.opinions.save
         INSERT INTO opinions (application_id, visit, voice, work_order_id, person_id, department, verdict, signed, opinion,
             version, said_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (application_id, visit, voice) DO UPDATE SET person_id = excluded.person_id,
             verdict = excluded.verdict, signed = excluded.signed, opinion = excluded.opinion, version = excluded.version,
             said_at = excluded.said_at",
        said.application.id.0,
        said.visit,
        voice,
        said.order.0,
        said.person,
        said.department,
        said.verdict.id(),
        said.signed,
        said.opinion,
        said.application.version,
        said.at
    )
    .execute(db)
    .await?;
    Ok(())
}
