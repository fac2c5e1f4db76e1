//! Work orders and their members.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    draw::Candidate,
    ids::{ApplicationId, OrderId, PersonId, RoundId},
    order::{Order, Tally},
    stage::Stage,
};

struct OrderRow {
    id: Uuid,
    round_id: Uuid,
    policy_version: i32,
    batch: i32,
    prefecture: String,
    version: i64,
    membership_hash: String,
    launched_at: OffsetDateTime,
    freeze_due_at: OffsetDateTime,
    frozen_at: Option<OffsetDateTime>,
    concluded_at: Option<OffsetDateTime>,
    findings: i32,
}

impl OrderRow {
    fn read(self) -> Order {
        Order {
            id: OrderId(self.id),
            round_id: RoundId(self.round_id),
            policy_version: self.policy_version,
            batch: self.batch,
            prefecture: self.prefecture,
            version: self.version,
            membership_hash: self.membership_hash,
            launched_at: self.launched_at,
            freeze_due_at: self.freeze_due_at,
            frozen_at: self.frozen_at,
            concluded_at: self.concluded_at,
            // The column is checked to be no negative number.
            findings: u32::try_from(self.findings).unwrap_or_default(),
        }
    }
}

/// Claims (round, batch, city) with a new order. `Err(id)` in the inner result is the order that holds it already.
///
/// A concurrent launch of the same batch waits here for the first. Source: T14, reliability section 8.
///
/// # Errors
/// The database is away.
pub async fn claim(
    db: &mut PgConnection,
    order: &Order,
    by: PersonId,
) -> Result<Result<(), OrderId>, StoreError> {
    let made = sqlx::query_scalar!(
        "-- reviews.orders.claim
         INSERT INTO work_orders (id, round_id, policy_version, batch, prefecture, version, membership_hash, launched_at,
             launched_by, freeze_due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (round_id, batch, prefecture) DO NOTHING RETURNING id",
        order.id.0,
        order.round_id.0,
        order.policy_version,
        order.batch,
        order.prefecture,
        order.version,
        order.membership_hash,
        order.launched_at,
        by.0,
        order.freeze_due_at
    )
    .fetch_optional(&mut *db)
    .await?;
    if made.is_some() {
        return Ok(Ok(()));
    }
    let holder = sqlx::query_scalar!(
        "-- reviews.orders.holder
         SELECT id FROM work_orders WHERE round_id = $1 AND batch = $2 AND prefecture = $3",
        order.round_id.0,
        order.batch,
        order.prefecture
    )
    .fetch_one(db)
    .await?;
    Ok(Err(OrderId(holder)))
}

/// Writes the membership of a new order and its hash.
///
/// # Errors
/// The database is away.
pub async fn enrol(
    db: &mut PgConnection,
    order: &Order,
    members: &[Candidate],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let ids: Vec<_> = members.iter().map(|member| member.id.0).collect();
    let hashes: Vec<_> = members.iter().map(|member| member.submission_hash.clone()).collect();
    sqlx::query!(
        "-- reviews.orders.enrol
         WITH hashed AS (UPDATE work_orders SET membership_hash = $2 WHERE id = $1)
         INSERT INTO work_order_members (work_order_id, application_id, submission_hash, joined_at)
         SELECT $1, id, hash, $5 FROM UNNEST($3::uuid[], $4::text[]) AS m (id, hash)",
        order.id.0,
        order.membership_hash,
        &ids,
        &hashes,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks an order against every other change of it.
///
/// # Errors
/// The database is away; the row is locked for longer than 3 s.
pub async fn lock(db: &mut PgConnection, id: OrderId) -> Result<Option<Order>, StoreError> {
    let row = sqlx::query_as!(
        OrderRow,
        "-- reviews.orders.lock
         SELECT id, round_id, policy_version, batch, prefecture, version, membership_hash, launched_at, freeze_due_at,
                frozen_at, concluded_at, findings
         FROM work_orders WHERE id = $1 FOR NO KEY UPDATE",
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(OrderRow::read))
}

/// Holds an order as it is while opinions are written: freezing waits, other opinions do not. Reliability section 8.
///
/// # Errors
/// The database is away; the row is locked for longer than 3 s.
pub async fn hold(db: &mut PgConnection, id: OrderId) -> Result<Option<Order>, StoreError> {
    let row = sqlx::query_as!(
        OrderRow,
        "-- reviews.orders.hold
         SELECT id, round_id, policy_version, batch, prefecture, version, membership_hash, launched_at, freeze_due_at,
                frozen_at, concluded_at, findings
         FROM work_orders WHERE id = $1 FOR SHARE",
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(OrderRow::read))
}

/// Reads an order.
///
/// # Errors
/// The database is away.
pub async fn find(db: &mut PgConnection, id: OrderId) -> Result<Option<Order>, StoreError> {
    let row = sqlx::query_as!(
        OrderRow,
        "-- reviews.orders.find
         SELECT id, round_id, policy_version, batch, prefecture, version, membership_hash, launched_at, freeze_due_at,
                frozen_at, concluded_at, findings
         FROM work_orders WHERE id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(OrderRow::read))
}

/// Saves version, freeze, conclusion and findings of a locked order.
///
/// # Errors
/// The database is away.
pub async fn save(db: &mut PgConnection, order: &Order) -> Result<(), StoreError> {
    sqlx::query!(
        "-- reviews.orders.save
         UPDATE work_orders SET version = $2, frozen_at = $3, concluded_at = $4, findings = $5 WHERE id = $1",
        order.id.0,
        order.version,
        order.frozen_at,
        order.concluded_at,
        i32::try_from(order.findings).unwrap_or(i32::MAX)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a member leaves its order. Source: T19, T23.
///
/// # Errors
/// The database is away.
pub async fn leave(
    db: &mut PgConnection,
    order: OrderId,
    member: ApplicationId,
    transition: &str,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- reviews.orders.leave
         UPDATE work_order_members SET left_at = $3, left_by = $4
         WHERE work_order_id = $1 AND application_id = $2 AND left_at IS NULL",
        order.0,
        member.0,
        now,
        transition
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many of these applications are or were members of the order.
///
/// # Errors
/// The database is away.
pub async fn members_among(
    db: &mut PgConnection,
    order: OrderId,
    applications: &[Uuid],
) -> Result<usize, StoreError> {
    let count = sqlx::query_scalar!(
        r#"-- reviews.orders.members_among
         SELECT count(*) AS "count!" FROM work_order_members WHERE work_order_id = $1 AND application_id = ANY($2)"#,
        order.0,
        applications
    )
    .fetch_one(db)
    .await?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Counts the live members for freezing and widening, in one statement.
///
/// # Errors
/// The database is away.
pub async fn tally(db: &mut PgConnection, order: OrderId) -> Result<Tally, StoreError> {
    let rows = sqlx::query!(
        r#"-- reviews.orders.tally
         SELECT stage, in_sample OR forced_sample AS "sampled!", count(*) AS "count!"
         FROM applications WHERE work_order_id = $1 GROUP BY 1, 2"#,
        order.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().try_fold(Tally::default(), |tally, row| {
        let stage =
            Stage::parse(&row.stage).ok_or(StoreError::Corrupt { table: "applications", id: order.0 })?;
        Ok(tally.and(stage, row.sampled, usize::try_from(row.count).unwrap_or_default()))
    })
}

/// An official who acted on an order, as its history names the person.
#[derive(Debug, Clone)]
pub struct Signatory {
    /// Who.
    pub person: PersonId,
    /// For which office.
    pub office: String,
    /// For which department; empty where the person froze the order.
    pub department: String,
}

/// Who signed last for a department among the members of the order, or else who froze it. Source: T22, second part.
///
/// # Errors
/// The database is away.
pub async fn last_signatory(db: &mut PgConnection, order: OrderId) -> Result<Option<Signatory>, StoreError> {
    let row = sqlx::query!(
        "-- reviews.orders.last_signatory
         SELECT h.actor_id, h.office, h.department
         FROM work_order_members m JOIN history h ON h.application_id = m.application_id AND h.occurred_at >= m.joined_at
             AND (m.left_at IS NULL OR h.occurred_at <= m.left_at)
         WHERE m.work_order_id = $1
           AND (h.transition = 'T20' OR (h.actor_role = 'province' AND h.command IN ('Pass', 'Return')))
         ORDER BY h.transition = 'T20', h.occurred_at DESC LIMIT 1",
        order.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Signatory {
        person: PersonId(row.actor_id),
        office: row.office,
        department: row.department,
    }))
}

/// Members by stage, and how many have left.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Live members by stage id.
    pub stages: BTreeMap<String, i64>,
    /// Members that left.
    pub left: i64,
}

/// Progress of each of these orders, in one statement.
///
/// # Errors
/// The database is away.
pub async fn progress(
    db: &mut PgConnection,
    orders: &[OrderId],
) -> Result<BTreeMap<OrderId, Progress>, StoreError> {
    let ids: Vec<_> = orders.iter().map(|order| order.0).collect();
    let rows = sqlx::query!(
        r#"-- reviews.orders.progress
         SELECT m.work_order_id, CASE WHEN m.left_at IS NULL THEN a.stage ELSE '' END AS "stage!", count(*) AS "count!"
         FROM work_order_members m JOIN applications a ON a.id = m.application_id
         WHERE m.work_order_id = ANY($1) GROUP BY 1, 2"#,
        &ids
    )
    .fetch_all(db)
    .await?;
    let mut all: BTreeMap<OrderId, Progress> = BTreeMap::new();
    for row in rows {
        let progress = all.entry(OrderId(row.work_order_id)).or_default();
        match row.stage.as_str() {
            "" => progress.left = row.count,
            stage => {
                progress.stages.insert(stage.to_owned(), row.count);
            }
        }
    }
    Ok(all)
}

/// Who may see which orders; a part that does not apply is none.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// All of them.
    pub province: bool,
    /// Those of these cities.
    pub prefectures: Option<Vec<String>>,
    /// These.
    pub orders: Option<Vec<Uuid>>,
}

/// One page, newest first, after this one.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    scope: &Scope,
    round: Option<Uuid>,
    prefecture: Option<&str>,
    after: Option<Uuid>,
    size: i64,
) -> Result<Vec<Order>, StoreError> {
    let rows = sqlx::query_as!(
        OrderRow,
        "-- reviews.orders.list
         SELECT id, round_id, policy_version, batch, prefecture, version, membership_hash, launched_at, freeze_due_at,
                frozen_at, concluded_at, findings
         FROM work_orders
         WHERE ($1 OR prefecture = ANY($2) OR id = ANY($3)) AND ($4::uuid IS NULL OR round_id = $4)
           AND ($5::text IS NULL OR prefecture = $5) AND ($6::uuid IS NULL OR id < $6)
         ORDER BY id DESC LIMIT $7",
        scope.province,
        scope.prefectures.as_deref() as Option<&[String]>,
        scope.orders.as_deref() as Option<&[Uuid]>,
        round,
        prefecture,
        after,
        size
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(OrderRow::read).collect())
}
