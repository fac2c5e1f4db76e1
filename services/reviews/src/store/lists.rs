//! Lists of applications: keyset pages by scope, newest first or the least time left first.
//!
//! Each part of a scope has its own statement, so that each walks its own index in the order of the page and reads no
//! more rows than it shows. Source: performance, rule 10.

use std::cmp::Reverse;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, applications::ApplicationRow};
use crate::domain::application::Application;

/// A part of what a caller may see; several parts add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Applications of this company.
    Operator(Uuid),
    /// What was submitted in these counties.
    Counties(Vec<String>),
    /// What was submitted in these cities.
    Prefectures(Vec<String>),
    /// Members of these orders.
    Orders(Vec<Uuid>),
    /// Everything that was submitted.
    Province,
}

/// What a caller asks for; a part that is none does not filter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Nodes; none: all but deleted ones (G5: the list is clean).
    pub stages: Option<Vec<String>>,
    /// City.
    pub prefecture: Option<String>,
    /// County.
    pub county: Option<String>,
    /// Company.
    pub operator: Option<Uuid>,
    /// Round.
    pub round: Option<Uuid>,
    /// Work order.
    pub order: Option<Uuid>,
    /// Station.
    pub station: Option<Uuid>,
    /// The furthest strikes of the clock; none: whatever it has struck.
    pub struck: Option<Vec<String>>,
    /// Deadline at this instant or before.
    pub due_by: Option<OffsetDateTime>,
}

/// Where a page begins, and with that its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Newest first, after this one.
    Newest(Option<Uuid>),
    /// Only where a clock runs, the least time left first, after this deadline and application.
    Deadline(Option<(OffsetDateTime, Uuid)>),
}

/// One statement: for each key of the part a page by its own index, then the page of all.
macro_rules! page {
    ($db:expr, $name:tt, $keys:tt, $own:tt, $value:expr, $filter:expr, $after:expr, $size:expr) => {
        match $after {
            After::Newest(after) => page!(
                $db, $name, $keys, $own, $value, $filter, (after, None::<OffsetDateTime>), $size,
                "", "($8::uuid IS NULL OR id < $8) AND $13::timestamptz IS NULL", "id DESC", "a.id DESC"
            ),
            After::Deadline(after) => page!(
                $db, $name, $keys, $own, $value, $filter, (after.map(|(_, id)| id), after.map(|(at, _)| at)), $size,
                "_due", "deadline_at IS NOT NULL AND ($8::uuid IS NULL OR (deadline_at, id) > ($13::timestamptz, $8))",
                "deadline_at, id", "a.deadline_at, a.id"
            ),
        }
    };
    (
        $db:expr, $name:tt, $keys:tt, $own:tt, $value:expr, $filter:expr, $after:expr, $size:expr,
        $variant:tt, $from:tt, $inner:tt, $outer:tt
    ) => {{
        let (after, after_at) = $after;
        sqlx::query_as!(
            ApplicationRow,
            "-- reviews.lists."
                + $name
                + $variant
                + "
         SELECT a.*, NULL::uuid[] AS persons, NULL::text[] AS tiers FROM UNNEST($9::"
                + $keys
                + ") AS own (key)
         CROSS JOIN LATERAL (
             SELECT * FROM applications WHERE "
                + $own
                + "
                AND (($1::text[] IS NULL AND stage <> 'Deleted') OR stage = ANY($1))
                AND ($2::text IS NULL OR prefecture = $2) AND ($3::text IS NULL OR county = $3)
                AND ($4::uuid IS NULL OR operator_id = $4) AND ($5::uuid IS NULL OR round_id = $5)
                AND ($6::uuid IS NULL OR work_order_id = $6) AND ($7::uuid IS NULL OR station_id = $7)
                AND ($11::text[] IS NULL OR struck = ANY($11)) AND ($12::timestamptz IS NULL OR deadline_at <= $12)
                AND "
                + $from
                + "
             ORDER BY "
                + $inner
                + " LIMIT $10) a
         ORDER BY "
                + $outer
                + " LIMIT $10",
            $filter.stages.as_deref() as Option<&[String]>,
            $filter.prefecture.as_deref() as Option<&str>,
            $filter.county.as_deref() as Option<&str>,
            $filter.operator,
            $filter.round,
            $filter.order,
            $filter.station,
            after,
            $value,
            $size,
            $filter.struck.as_deref() as Option<&[String]>,
            $filter.due_by,
            after_at
        )
        .fetch_all($db)
        .await?
    }};
}

/// One page.
///
/// # Errors
/// The database is away.
pub async fn applications(
    db: &mut PgConnection,
    parts: &[Part],
    filter: &Filter,
    after: After,
    size: i64,
) -> Result<Vec<Application>, StoreError> {
    let mut found = Vec::new();
    for part in parts {
        for row in rows(db, part, filter, after, size).await? {
            found.push(row.read()?);
        }
    }
    if parts.len() > 1 {
        match after {
            After::Newest(_) => found.sort_unstable_by_key(|found| Reverse(found.id)),
            After::Deadline(_) => {
                found.sort_unstable_by_key(|found| (found.clock.map(|clock| clock.deadline_at), found.id));
            }
        }
        found.dedup_by(|one, other| one.id == other.id);
        found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    }
    Ok(found)
}

async fn rows(
    db: &mut PgConnection,
    part: &Part,
    filter: &Filter,
    after: After,
    size: i64,
) -> Result<Vec<ApplicationRow>, StoreError> {
    let submitted = &["".to_owned()];
    Ok(match part {
        Part::Operator(id) => {
            page!(db, "operator", "uuid[]", "operator_id = own.key", &[*id], filter, after, size)
        }
        Part::Counties(codes) => {
            page!(
                db,
                "counties",
                "text[]",
                "county = own.key AND submission_version > 0",
                codes,
                filter,
                after,
                size
            )
        }
        Part::Prefectures(codes) => {
            page!(
                db,
                "prefectures",
                "text[]",
                "prefecture = own.key AND submission_version > 0",
                codes,
                filter,
                after,
                size
            )
        }
        Part::Orders(ids) => {
            page!(db, "orders", "uuid[]", "work_order_id = own.key", ids, filter, after, size)
        }
        Part::Province => {
            page!(
                db,
                "province",
                "text[]",
                "submission_version > 0 AND own.key = ''",
                submitted,
                filter,
                after,
                size
            )
        }
    })
}
