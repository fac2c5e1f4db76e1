//! Stations by place, and their connectors with the latest state. The tree over the places of stations finds those of a box, the
//! distance on the sphere decides; connectors are looked at from the nearest station on, until the page is full.
use chassis::Failure;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::states;
use crate::domain::{
    search::{CLOSED, Circle},
    status::{Latest, Status},
};

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Filter {
    /// One operator's only.
    pub operator_id: Option<Uuid>,
    /// County or prefecture codes of the caller; none: everywhere.
    pub scope: Option<Vec<String>>,
    /// One county or prefecture; empty: all.
    pub division: String,
    /// Only available connectors that were seen after this.
    pub available_since: Option<OffsetDateTime>,
    /// Only connectors of stations that serve, and that were not seen after this.
    pub silent_since: Option<OffsetDateTime>,
    /// W.
    pub power_watts_min: i64,
}

/// Distance and id of the last station of a page.
pub type Key = (i32, Uuid);

/// A station that was found.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its id.
    pub station_id: Uuid,
    /// Whose.
    pub operator_id: Uuid,
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// County code.
    pub county: String,
    /// GCJ-02.
    pub longitude_e6: i64,
    /// GCJ-02.
    pub latitude_e6: i64,
    /// T/CEC StationStatus.
    pub station_status: i32,
    /// Metres; 0 without a circle.
    pub distance: i32,
}

/// One page of the stations within a circle that have such a connector, the nearest first.
///
/// # Errors
/// The database is away or busy.
pub async fn near(
    db: &mut PgConnection,
    circle: &Circle,
    filter: &Filter,
    after: Option<Key>,
    size: i64,
) -> Result<Vec<Place>, Failure> {
    let [west, south, east, north] = circle.corners();
    let (distance, station_id) = after.unwrap_or((-1, Uuid::nil()));
    // OFFSET 0 keeps the sorted list a list of its own: connectors are looked at in its order, and no further than needed.
    Ok(sqlx::query_as!(
        Place,
        r#"-- stations.search.near
         SELECT station_id, operator_id, name, address, county, longitude_e6, latitude_e6, station_status,
                distance AS "distance!"
         FROM (SELECT * FROM (
                   SELECT *, round(12742017.6 * asin(least(1, sqrt(
                          sin((high - $2::float8) / 2) ^ 2 + cos(high) * cos($2) * sin((wide - $1::float8) / 2) ^ 2))))::integer
                          AS distance
                   FROM (SELECT *, radians(longitude_e6::float8 / 1000000) AS wide,
                                radians(latitude_e6::float8 / 1000000) AS high
                         FROM stations
                         WHERE active AND point(longitude_e6, latitude_e6) <@ box(point($4, $5), point($6, $7))
                           AND ($8::uuid IS NULL OR operator_id = $8)
                           AND ($9::text[] IS NULL OR county = ANY ($9) OR prefecture = ANY ($9))
                           AND ($10 = '' OR county = $10 OR prefecture = $10)
                           AND ($12::timestamptz IS NULL AND $18::timestamptz IS NULL
                                OR station_status <> ALL ($14::integer[]))) AS boxed) AS measured
               WHERE distance <= $3 AND (distance, station_id) > ($15, $16)
               ORDER BY distance, station_id OFFSET 0) AS here
         WHERE EXISTS (SELECT FROM connectors gun JOIN connector_state state USING (connector_key)
                       WHERE gun.station_id = here.station_id AND gun.removed_at IS NULL AND gun.power_watts >= $11
                         AND ($12 IS NULL OR state.status = $13 AND GREATEST(state.seen_at, state.heard_at) > $12)
                         AND ($18 IS NULL OR coalesce(GREATEST(state.seen_at, state.heard_at), '-infinity') <= $18) OFFSET 0)
         ORDER BY distance, station_id LIMIT $17"#,
        (circle.longitude_e6 as f64 / 1e6).to_radians(),
        (circle.latitude_e6 as f64 / 1e6).to_radians(),
        circle.radius_metres,
        west,
        south,
        east,
        north,
        filter.operator_id,
        filter.scope.as_deref(),
        filter.division,
        filter.power_watts_min,
        filter.available_since,
        Status::Idle.code(),
        &CLOSED[..],
        distance,
        station_id,
        size,
        filter.silent_since
    )
    .fetch_all(db)
    .await?)
}

/// One page of the stations of a division, or of all of an operator's, that have such a connector, in the order of their registration.
///
/// # Errors
/// The database is away or busy.
pub async fn within(
    db: &mut PgConnection,
    filter: &Filter,
    after: Option<Key>,
    size: i64,
) -> Result<Vec<Place>, Failure> {
    let station_id = after.map_or(Uuid::nil(), |(_, station_id)| station_id);
    Ok(sqlx::query_as!(
        Place,
        r#"-- stations.search.within
         SELECT station_id, operator_id, name, address, county, longitude_e6, latitude_e6, station_status, 0 AS "distance!"
         FROM (SELECT * FROM stations
               WHERE active AND (county = $1 OR prefecture = $1 OR $1 = '' AND operator_id = $2) AND station_id > $4
                 AND ($2::uuid IS NULL OR operator_id = $2)
                 AND ($3::text[] IS NULL OR county = ANY ($3) OR prefecture = ANY ($3))
                 AND ($6::timestamptz IS NULL AND $10::timestamptz IS NULL OR station_status <> ALL ($8::integer[]))
               ORDER BY station_id OFFSET 0) AS here
         WHERE EXISTS (SELECT FROM connectors gun JOIN connector_state state USING (connector_key)
                       WHERE gun.station_id = here.station_id AND gun.removed_at IS NULL AND gun.power_watts >= $5
                         AND ($6 IS NULL OR state.status = $7 AND GREATEST(state.seen_at, state.heard_at) > $6)
                         AND ($10 IS NULL OR coalesce(GREATEST(state.seen_at, state.heard_at), '-infinity') <= $10) OFFSET 0)
         ORDER BY station_id LIMIT $9"#,
        filter.division,
        filter.operator_id,
        filter.scope.as_deref(),
        station_id,
        filter.power_watts_min,
        filter.available_since,
        Status::Idle.code(),
        &CLOSED[..],
        size,
        filter.silent_since
    )
    .fetch_all(db)
    .await?)
}

/// A connector of a station that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its station.
    pub station_id: Uuid,
    /// The operator's code.
    pub code: String,
    /// Rated.
    pub power_watts: i64,
    /// T/CEC ConnectorType.
    pub connector_type: i32,
    /// The latest state, if any.
    pub latest: Option<Latest>,
}

/// The connectors of these stations that the filter leaves, in the order of the records.
///
/// # Errors
/// The database is away or busy; a state is corrupt.
pub async fn connectors(
    db: &mut PgConnection,
    stations: &[Uuid],
    filter: &Filter,
) -> Result<Vec<Found>, Failure> {
    let rows = sqlx::query!(
        "-- stations.search.connectors
         SELECT gun.connector_key, gun.station_id, gun.code, gun.power_watts, gun.connector_type, state.status,
                state.changed_at, state.seen_at, state.heard_at
         FROM connectors gun JOIN connector_state state USING (connector_key)
         WHERE gun.station_id = ANY ($1) AND gun.removed_at IS NULL AND gun.power_watts >= $2
           AND ($3::timestamptz IS NULL OR state.status = $4 AND GREATEST(state.seen_at, state.heard_at) > $3)
           AND ($5::timestamptz IS NULL OR coalesce(GREATEST(state.seen_at, state.heard_at), '-infinity') <= $5)
         ORDER BY gun.station_id, gun.position, gun.connector_key",
        stations,
        filter.power_watts_min,
        filter.available_since,
        Status::Idle.code(),
        filter.silent_since
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let latest =
                states::latest(row.connector_key, row.status, row.changed_at, row.seen_at, row.heard_at)?;
            Ok(Found {
                station_id: row.station_id,
                code: row.code,
                power_watts: row.power_watts,
                connector_type: row.connector_type,
                latest,
            })
        })
        .collect()
}
