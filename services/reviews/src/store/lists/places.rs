//! How many stand at one node that waits for an office, by round and place: exact.
//!
//! Such a node holds what offices have not done yet, tens of thousands in the whole province at most, and is counted to
//! its end; a node of the operator's or a final one would be counted through everything. What waits for the launch (T14)
//! is counted from `applications_to_launch` alone. For what a city or county has at a node, the range of its own index is
//! read and each row fetched, for its round and county. Source: decision 28.

use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Part, narrow};
use crate::{domain::stage::Stage, store::StoreError};

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Cities.
    Prefecture,
    /// Counties.
    County,
}

impl Place {
    /// Reads the id of the wire.
    pub fn parse(id: &str) -> Option<Self> {
        match id {
            "prefecture" => Some(Self::Prefecture),
            "county" => Some(Self::County),
            _ => None,
        }
    }
}

/// What stands in one place in one round.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PlaceCount {
    /// The round.
    pub round_id: Uuid,
    /// The city.
    pub prefecture: String,
    /// The county; empty where cities are counted.
    pub county: String,
    /// How many.
    pub count: i32,
}

/// How many of these parts stand at a node, by round and place, in this order; where there are none is left out.
///
/// # Errors
/// The database is away.
pub async fn by_place(
    db: &mut PgConnection,
    parts: &[Part],
    stage: Stage,
    by: Place,
) -> Result<Vec<PlaceCount>, StoreError> {
    let (county, keys) = match by {
        Place::Prefecture => ("''::text AS county", "round_id, prefecture"),
        Place::County => ("county", "round_id, prefecture, county"),
    };
    let mut query =
        QueryBuilder::<Postgres>::new("-- reviews.lists.by_place\n SELECT round_id, prefecture, ");
    query.push(county).push(", count(*)::integer AS count FROM applications WHERE stage = '");
    query.push(stage.id()).push("'");
    // A constraint says that whatever waits for the launch was submitted: then its index knows all that is asked.
    if stage != Stage::AwaitingJointReview || !parts.contains(&Part::Province) {
        narrow::scope(&mut query, parts);
    }
    query.push(" GROUP BY ").push(keys).push(" ORDER BY ").push(keys);
    Ok(query.build_query_as().persistent(false).fetch_all(db).await?)
}
