//! The dated facts of interconnection: the standing one on the station, all of them in `station_connections`.
use std::collections::HashMap;

use chassis::{Failure, Work};
use sqlx::{PgConnection, PgPool};
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::{
    connection::{Situation, Standing},
    day,
    fact::Subject,
};

/// A station whose fact may have to change.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What an event would say.
    pub subject: Subject,
    /// Of the last event.
    pub event_version: i64,
    /// What stands.
    pub standing: Standing,
    /// What the data says.
    pub situation: Situation,
}

/// Locks the stations in force among `ids` in ascending order, then reads their data (so that it is the latest).
///
/// # Errors
/// The database is away or busy.
pub async fn lock(work: &mut Work, ids: &[Uuid]) -> Result<Vec<Candidate>, Failure> {
    let rows = sqlx::query!(
        "-- stations.stations.lock_many
         SELECT station_id, operator_id, county, prefecture, event_version, connection, connected_since
         FROM stations WHERE station_id = ANY ($1) AND active ORDER BY station_id FOR NO KEY UPDATE",
        ids
    )
    .fetch_all(work.db())
    .await?;
    let data = situations(work.db(), ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Candidate {
                standing: super::standing(&row.connection, row.connected_since, row.station_id)?,
                situation: data.get(&row.station_id).copied().unwrap_or(SILENT),
                subject: Subject {
                    station_id: row.station_id,
                    operator_id: row.operator_id,
                    county: row.county,
                    prefecture: row.prefecture,
                },
                event_version: row.event_version,
            })
        })
        .collect()
}

/// No connectors, no reports.
const SILENT: Situation = Situation { registered: 0, reported: 0, last_report_at: None };

/// What the data says about one station.
///
/// # Errors
/// The database is away or busy.
pub async fn situation(db: &mut PgConnection, station_id: Uuid) -> Result<Situation, Failure> {
    Ok(situations(db, &[station_id]).await?.remove(&station_id).unwrap_or(SILENT))
}

/// What the data says about many stations.
///
/// # Errors
/// The database is away or busy.
pub async fn situations(db: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Situation>, Failure> {
    let rows = sqlx::query!(
        r#"-- stations.connections.situations
         SELECT connectors.station_id, count(*) AS "registered!", count(state.seen_at) AS "reported!",
                max(GREATEST(state.seen_at, state.heard_at)) AS last_report_at
         FROM connectors JOIN connector_state state USING (connector_key)
         WHERE connectors.station_id = ANY ($1) AND connectors.removed_at IS NULL
         GROUP BY connectors.station_id"#,
        ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let data = Situation {
                registered: row.registered,
                reported: row.reported,
                last_report_at: row.last_report_at,
            };
            (row.station_id, data)
        })
        .collect())
}

/// The fact that a locked station has from now on.
#[derive(Debug, Clone, Copy)]
pub struct Next {
    /// Which station.
    pub station_id: Uuid,
    /// Of the event that announces it.
    pub event_version: i64,
    /// What stands then.
    pub standing: Standing,
}

/// Writes the next facts of locked stations, one of each: the standing ones, and the rows that stay. One statement for all of
/// them, because after an outage a province comes back at once; none where there is nothing new.
///
/// # Errors
/// The database is away or busy.
pub async fn save(work: &mut Work, facts: &[Next]) -> Result<(), Failure> {
    if facts.is_empty() {
        return Ok(());
    }
    let now = work.now();
    let stations: Vec<Uuid> = facts.iter().map(|fact| fact.station_id).collect();
    let versions: Vec<i64> = facts.iter().map(|fact| fact.event_version).collect();
    let names: Vec<String> = facts.iter().map(|fact| fact.standing.connection.name().to_owned()).collect();
    let since: Vec<Option<Date>> = facts.iter().map(|fact| fact.standing.since).collect();
    sqlx::query!(
        "-- stations.connections.save
         WITH standing AS (
             UPDATE stations SET connection = item.connection, connected_since = item.connected_since,
                    event_version = item.event_version
             FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::date[])
                  AS item (station_id, event_version, connection, connected_since)
             WHERE stations.station_id = item.station_id
             RETURNING stations.station_id, stations.event_version, stations.connection, stations.connected_since)
         INSERT INTO station_connections (station_id, event_version, connection, connected_since, day, recorded_at)
         SELECT station_id, event_version, connection, connected_since, $5, $6 FROM standing",
        &stations,
        &versions,
        &names,
        &since as &[Option<Date>],
        day::of(now),
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Stations whose data no longer fits their fact: silent ones that count as connected, reporting ones that do not.
///
/// # Errors
/// The database is away or busy.
pub async fn due(pool: &PgPool, window: Duration, limit: i64) -> Result<Vec<Uuid>, Failure> {
    let secs = window.whole_seconds() as f64;
    Ok(sqlx::query_scalar!(
        r#"-- stations.connections.due
         SELECT station.station_id AS "station_id!"
         FROM stations station
         LEFT JOIN (
             SELECT connectors.station_id, count(*) AS registered, count(state.seen_at) AS reported,
                    max(GREATEST(state.seen_at, state.heard_at)) >= now() - make_interval(secs => $1) AS fresh
             FROM connectors JOIN connector_state state USING (connector_key)
             WHERE connectors.removed_at IS NULL GROUP BY connectors.station_id) AS data USING (station_id)
         WHERE station.active AND (
             (station.connection = 'connected' AND data.fresh IS NOT TRUE)
             OR (station.connection = 'offline' AND data.fresh)
             OR (station.connection = 'not_connected' AND data.fresh AND data.registered = data.reported))
         ORDER BY station.station_id LIMIT $2"#,
        secs,
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// One fact of the past.
#[derive(Debug, Clone)]
pub struct Past {
    /// Event version of it.
    pub event_version: i64,
    /// State.
    pub connection: String,
    /// First day.
    pub connected_since: Option<Date>,
    /// Its day.
    pub day: Date,
    /// Database time.
    pub recorded_at: OffsetDateTime,
}

/// The facts of a station, newest first, below `before`.
///
/// # Errors
/// The database is away or busy.
pub async fn list(
    db: &mut PgConnection,
    station_id: Uuid,
    before: Option<i64>,
    size: i64,
) -> Result<Vec<Past>, Failure> {
    Ok(sqlx::query_as!(
        Past,
        "-- stations.station_connections.list
         SELECT event_version, connection, connected_since, day, recorded_at FROM station_connections
         WHERE station_id = $1 AND ($2::bigint IS NULL OR event_version < $2)
         ORDER BY event_version DESC LIMIT $3",
        station_id,
        before,
        size
    )
    .fetch_all(db)
    .await?)
}
