//! How many of a list stand at each node.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    Filter, Part,
    narrow::{self, Walk, Way},
};
use crate::{domain::stage::Stage, store::StoreError};

/// Counts are exact up to this; one more stands for more. Source: ui, section 5 (pager).
pub const COUNT_MAX: i32 = 1_000;
/// The most rows that are gathered; where a filter leaves more, most nodes have more than are counted.
const GATHERED_MAX: i64 = 30_000;

/// How many at each node, up to [`COUNT_MAX`] and one; nodes without any are left out.
///
/// # Errors
/// The database is away; a node that is none.
pub async fn counts(
    db: &mut PgConnection,
    parts: &[Part],
    filter: &Filter,
) -> Result<BTreeMap<Stage, i32>, StoreError> {
    let mut rows = Vec::new();
    let mut open = filter.nodes();
    if filter.picks() {
        rows = gather(db, parts, filter).await?;
        if rows.iter().map(|(_, count)| i64::from(*count)).sum::<i64>() <= GATHERED_MAX {
            open.clear();
        } else {
            rows.retain(|(_, count)| *count > COUNT_MAX);
            open.retain(|node| !rows.iter().any(|(stage, _)| stage == node));
        }
    }
    if !open.is_empty() && !parts.is_empty() {
        rows.extend(walk(db, parts, filter, &open).await?);
    }
    rows.into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(stage, count)| {
            let corrupt = StoreError::Corrupt { table: "applications", id: Uuid::nil() };
            Ok((Stage::parse(&stage).ok_or(corrupt)?, count.min(COUNT_MAX + 1)))
        })
        .collect()
}

/// Node and count of what the filter leaves, of no more than [`GATHERED_MAX`] and one in all.
async fn gather(
    db: &mut PgConnection,
    parts: &[Part],
    filter: &Filter,
) -> Result<Vec<(String, i32)>, StoreError> {
    let mut query = QueryBuilder::<Postgres>::new(
        "-- reviews.counts.gather
         SELECT stage, count(*)::integer FROM (SELECT stage FROM applications WHERE stage = ANY(",
    );
    query.push_bind(filter.nodes()).push(")");
    narrow::scope(&mut query, parts);
    narrow::conditions(&mut query, filter, Way::Gathered);
    query.push(" LIMIT ").push_bind(GATHERED_MAX + 1).push(") AS row GROUP BY stage");
    Ok(query.build_query_as().persistent(false).fetch_all(db).await?)
}

/// Node and count up to [`COUNT_MAX`] and one, node by node; what several parts hold counts once.
async fn walk(
    db: &mut PgConnection,
    parts: &[Part],
    filter: &Filter,
    nodes: &[&'static str],
) -> Result<Vec<(String, i32)>, StoreError> {
    let most = i64::from(COUNT_MAX) + 1;
    let mut query =
        QueryBuilder::<Postgres>::new("-- reviews.counts.walk\n SELECT node.stage, counted.count FROM ");
    narrow::nodes(&mut query, nodes);
    query.push(" CROSS JOIN LATERAL (SELECT count(*)::integer AS count FROM (");
    let mut kept = true;
    for (index, part) in parts.iter().enumerate() {
        let walk = Walk::of(part, filter);
        query.push(if index > 0 { " UNION SELECT found.id FROM " } else { "SELECT found.id FROM " });
        walk.keys(&mut query);
        query.push(" CROSS JOIN LATERAL ");
        walk.node(&mut query, most);
        query.push(" AS found");
        kept &= walk.kept();
    }
    query.push(format!(" LIMIT {most}) AS row) AS counted"));
    Ok(query.build_query_as().persistent(kept).fetch_all(db).await?)
}
