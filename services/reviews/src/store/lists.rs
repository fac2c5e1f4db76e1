//! Lists of applications: keyset pages by the last change or the time left, and counts by node, of what a caller may see.
//!
//! A statement says only what was asked for and is planned for these very values (decision 12). What a filter leaves is
//! found first where it is likely to be little; else each node of the scope is walked by its own index, which reads no
//! more rows than it shows. Source: performance, rules 10 to 12.

mod counts;
mod narrow;
mod places;

use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use self::narrow::{Walk, Way};
pub use self::{
    counts::{COUNT_MAX, counts},
    places::{Place, PlaceCount, by_place},
};
use super::{StoreError, applications::ApplicationRow};
use crate::domain::{application::Application, stage::Stage};

/// A part of what a caller may see; several parts add up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Nodes; none: all but deleted ones (G5: the list is clean).
    pub stages: Option<Vec<Stage>>,
    /// These only.
    pub ids: Option<Vec<Uuid>>,
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
    /// Only where the deadline has passed.
    pub overdue: bool,
    /// A piece of a name, or the begin or end of a number; two characters or more.
    pub text: Option<String>,
    /// The standing submission came at this time or later.
    pub submitted_from: Option<OffsetDateTime>,
    /// The standing submission came before this time.
    pub submitted_before: Option<OffsetDateTime>,
    /// What the caller itself has to do, or has done.
    pub own: Option<Own>,
}

/// The caller's own part in an application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Own {
    /// One of these voices can still act, or everybody of the party can.
    Open(Vec<String>),
    /// The person has decided, or one of the voices has; and none of them can still act.
    Done(Uuid, Vec<String>),
    /// The person has decided, or given an opinion, in the month that runs.
    ThisMonth(Uuid),
}

/// In which order a list comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Last changed first.
    #[default]
    Newest,
    /// Longest without a change first.
    Oldest,
    /// Only where a clock runs, the least time left first.
    Deadline,
}

impl Order {
    /// Reads the id of the wire.
    pub fn parse(id: &str) -> Option<Self> {
        match id {
            "" => Some(Self::Newest),
            "oldest" => Some(Self::Oldest),
            "deadline" => Some(Self::Deadline),
            _ => None,
        }
    }

    /// The place of an application.
    pub fn key(self, application: &Application) -> (OffsetDateTime, Uuid) {
        let changed_at = application.last.as_ref().map_or(application.entered_at, |last| last.at);
        let at = match self {
            Self::Newest | Self::Oldest => changed_at,
            Self::Deadline => application.clock.map_or(changed_at, |clock| clock.deadline_at),
        };
        (at, application.id.0)
    }

    /// The column, and the direction.
    const fn by(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest => ("last_at", "DESC"),
            Self::Oldest => ("last_at", "ASC"),
            Self::Deadline => ("deadline_at", "ASC"),
        }
    }
}

/// Which page.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    /// Of which list.
    pub order: Order,
    /// The key of the row before it.
    pub after: Option<(OffsetDateTime, Uuid)>,
    /// Rows.
    pub size: i64,
}

/// A row of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The application without its form.
    pub application: Application,
    /// When the standing submission came.
    pub submitted_at: Option<OffsetDateTime>,
    /// How large the station is.
    pub size: Size,
    /// When it was read.
    pub read_at: OffsetDateTime,
}

/// How large a station is.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Size {
    /// Piles applied for that have a DC connector.
    pub dc_piles: i32,
    /// The other piles applied for.
    pub ac_piles: i32,
    /// Rated power of the whole station as registered, watts.
    pub power_watts: i64,
}

#[derive(FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    application: ApplicationRow,
    submitted_at: Option<OffsetDateTime>,
    #[sqlx(flatten)]
    size: Size,
    read_at: OffsetDateTime,
}

/// The most rows that are gathered for a page; a filter that leaves more is met often enough on the way.
const GATHERED_MAX: i64 = 20_000;

const COLUMNS: &str = "NULL::uuid[] AS persons, NULL::text[] AS tiers, s.submitted_at, now() AS read_at,
     p.dc_piles, p.ac_piles, coalesce((f.station ->> 'total_power_watts')::bigint, 0) AS power_watts, a.*";
/// The standing submission, and the piles (T/CEC 102: equipment, a DC connector is of type 4) that it applies for; of a
/// draft, those of its form.
const BESIDE: &str = " LEFT JOIN submissions s ON s.application_id = a.id AND s.version = a.submission_version
     LEFT JOIN forms f ON f.application_id = a.id
     CROSS JOIN LATERAL (
         SELECT (count(*) FILTER (WHERE pile.dc))::integer AS dc_piles, (count(*) FILTER (WHERE NOT pile.dc))::integer AS ac_piles
         FROM (SELECT bool_or(c.kind = 4) AS dc
             FROM jsonb_to_recordset(f.station -> 'connectors') AS c (id text, equipment_id text, kind integer)
             WHERE coalesce(s.form, f.form) -> 'connectors' ? c.id GROUP BY c.equipment_id) AS pile) AS p";

/// One page.
///
/// # Errors
/// The database is away.
pub async fn applications(
    db: &mut PgConnection,
    parts: &[Part],
    filter: &Filter,
    page: Page,
) -> Result<Vec<Listed>, StoreError> {
    let mut rows = Vec::new();
    if filter.picks() {
        rows = match gather(db, parts, filter, page).await? {
            Some(ids) => read(db, &ids, page).await?,
            None => follow(db, parts, filter, page).await?,
        };
    } else if page.order == Order::Deadline {
        rows = follow(db, parts, filter, page).await?;
    } else {
        for part in parts {
            rows.extend(walk(db, part, filter, page).await?);
        }
    }
    let mut listed = rows
        .into_iter()
        .map(|row| {
            let ListedRow { application, submitted_at, size, read_at } = row;
            Ok(Listed { application: application.read()?, submitted_at, size, read_at })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    if parts.len() > 1 {
        listed.sort_unstable_by_key(|row| page.order.key(&row.application));
        listed.dedup_by(|one, other| one.application.id == other.application.id);
        if page.order == Order::Newest {
            listed.reverse();
        }
        listed.truncate(usize::try_from(page.size).unwrap_or(usize::MAX));
    }
    Ok(listed)
}

/// The ids of the page, where the filter leaves no more than [`GATHERED_MAX`] rows.
async fn gather(
    db: &mut PgConnection,
    parts: &[Part],
    filter: &Filter,
    page: Page,
) -> Result<Option<Vec<Uuid>>, StoreError> {
    let mut query = QueryBuilder::<Postgres>::new(
        "-- reviews.lists.gather
         WITH found AS MATERIALIZED (SELECT id, last_at, deadline_at FROM applications WHERE stage = ANY(",
    );
    query.push_bind(filter.nodes()).push(")");
    narrow::scope(&mut query, parts);
    narrow::conditions(&mut query, filter, Way::Gathered);
    query.push(" LIMIT ").push_bind(GATHERED_MAX + 1);
    query.push(") SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found WHERE true");
    behind(&mut query, page);
    query.push(order("", page)).push(" LIMIT ").push_bind(page.size).push(")");
    let (found, ids): (i64, Vec<Uuid>) = query.build_query_as().persistent(false).fetch_one(db).await?;
    Ok((found <= GATHERED_MAX).then_some(ids))
}

/// The page among very many, row by row in its order.
async fn follow(
    db: &mut PgConnection,
    parts: &[Part],
    filter: &Filter,
    page: Page,
) -> Result<Vec<ListedRow>, StoreError> {
    let mut query = QueryBuilder::<Postgres>::new("-- reviews.lists.follow\n SELECT ");
    query.push(COLUMNS).push(" FROM (SELECT * FROM applications WHERE stage = ANY(");
    query.push_bind(filter.nodes()).push(")");
    narrow::scope(&mut query, parts);
    narrow::conditions(&mut query, filter, Way::Walked);
    behind(&mut query, page);
    query.push(order("", page)).push(" LIMIT ").push_bind(page.size).push(") AS a");
    query.push(BESIDE).push(order("a.", page));
    Ok(query.build_query_as().persistent(false).fetch_all(db).await?)
}

/// What comes after the row before the page.
fn behind(query: &mut QueryBuilder<Postgres>, page: Page) {
    let (column, direction) = page.order.by();
    if page.order == Order::Deadline {
        query.push(" AND deadline_at IS NOT NULL");
    }
    if let Some((at, id)) = page.after {
        query.push(" AND (").push(column).push(if direction == "ASC" { ", id) > (" } else { ", id) < (" });
        query.push_bind(at).push(", ").push_bind(id).push(")");
    }
}

async fn read(db: &mut PgConnection, ids: &[Uuid], page: Page) -> Result<Vec<ListedRow>, StoreError> {
    let mut query = QueryBuilder::<Postgres>::new("-- reviews.lists.read\n SELECT ");
    query.push(COLUMNS).push(" FROM applications a").push(BESIDE);
    query.push(" WHERE a.id = ANY(").push_bind(ids).push(")").push(order("a.", page));
    Ok(query.build_query_as().persistent(false).fetch_all(db).await?)
}

async fn walk(
    db: &mut PgConnection,
    part: &Part,
    filter: &Filter,
    page: Page,
) -> Result<Vec<ListedRow>, StoreError> {
    let walk = Walk::of(part, filter);
    let mut query = QueryBuilder::<Postgres>::new("-- reviews.lists.walk\n SELECT ");
    query.push(COLUMNS).push(" FROM (SELECT found.id FROM ");
    narrow::nodes(&mut query, &filter.nodes());
    query.push(" CROSS JOIN ");
    walk.keys(&mut query);
    query.push(" CROSS JOIN LATERAL ");
    walk.rows(&mut query, page.order, page.after, page.size);
    query.push(format!(" AS found{} LIMIT {}) AS page", order("found.", page), page.size));
    query.push(" JOIN applications a ON a.id = page.id").push(BESIDE).push(order("a.", page));
    Ok(query.build_query_as().persistent(walk.kept()).fetch_all(db).await?)
}

fn order(of: &str, page: Page) -> String {
    let (column, direction) = page.order.by();
    format!(" ORDER BY {of}{column} {direction}, {of}id {direction}")
}

impl Filter {
    /// Whether it names something that few have.
    fn picks(&self) -> bool {
        self.ids.is_some()
            || self.operator.is_some()
            || self.order.is_some()
            || self.station.is_some()
            || self.struck.is_some()
            || self.overdue
            || self.text.is_some()
            || self.submitted_from.is_some()
            || self.submitted_before.is_some()
            || matches!(self.own, Some(Own::Done(..) | Own::ThisMonth(_)))
    }

    fn nodes(&self) -> Vec<&'static str> {
        let all = || Stage::ALL.into_iter().filter(|stage| *stage != Stage::Deleted).collect();
        self.stages.clone().unwrap_or_else(all).into_iter().map(Stage::id).collect()
    }
}
