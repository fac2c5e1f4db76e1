//! Connector status: the latest state, the history of changes, and the days with reports.
use std::collections::HashMap;

use chassis::{Failure, Work};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::Corrupt;
use crate::domain::status::{Latest, Status};

/// A connector whose state row is locked.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Key of everything measured.
    pub connector_key: i64,
    /// Its station.
    pub station_id: Uuid,
    /// Whether the station's standing fact is "connected".
    pub connected: bool,
    /// What is held.
    pub latest: Option<Latest>,
}

/// Locks the state rows of the connectors in force among `(operator, code)`, in the order of their keys.
///
/// # Errors
/// The database is away or busy.
pub async fn lock(
    work: &mut Work,
    operators: &[Uuid],
    codes: &[String],
) -> Result<HashMap<(Uuid, String), Locked>, Failure> {
    let rows = sqlx::query!(
        r#"-- stations.connector_state.lock
         SELECT connectors.operator_id, connectors.code, connectors.connector_key, connectors.station_id,
                (stations.connection = 'connected') AS "connected!", state.status, state.changed_at, state.seen_at,
                state.heard_at
         FROM UNNEST($1::uuid[], $2::text[]) AS item (operator_id, code)
         JOIN connectors ON connectors.code = item.code AND connectors.operator_id = item.operator_id
              AND connectors.removed_at IS NULL
         JOIN stations USING (station_id)
         JOIN connector_state state USING (connector_key)
         ORDER BY connectors.connector_key FOR NO KEY UPDATE OF state"#,
        operators,
        codes
    )
    .fetch_all(work.db())
    .await?;
    let mut locked = HashMap::with_capacity(rows.len());
    for row in rows {
        let latest = latest(row.connector_key, row.status, row.changed_at, row.seen_at, row.heard_at)?;
        locked.insert(
            (row.operator_id, row.code),
            Locked {
                connector_key: row.connector_key,
                station_id: row.station_id,
                connected: row.connected,
                latest,
            },
        );
    }
    Ok(locked)
}

/// What the history holds for exactly these instants.
///
/// # Errors
/// The database is away or busy.
pub async fn at_instants(
    work: &mut Work,
    keys: &[i64],
    times: &[OffsetDateTime],
) -> Result<HashMap<(i64, OffsetDateTime), Status>, Failure> {
    let rows = sqlx::query!(
        "-- stations.status_history.at_instants
         SELECT history.connector_key, history.source_time, history.status
         FROM UNNEST($1::bigint[], $2::timestamptz[]) AS item (connector_key, source_time)
         JOIN status_history history USING (connector_key, source_time)",
        keys,
        times
    )
    .fetch_all(work.db())
    .await?;
    rows.into_iter()
        .map(|row| Ok(((row.connector_key, row.source_time), read(row.status, row.connector_key)?)))
        .collect()
}

/// Everything that one flush writes.
#[derive(Debug, Default)]
pub struct Changes {
    /// Connectors whose system has sent again what is held.
    pub heard: Vec<i64>,
    /// New latest states by connector.
    pub latest: HashMap<i64, Latest>,
    /// New rows of the history: connector, source time, status, late.
    pub history: Vec<(i64, OffsetDateTime, Status, bool)>,
    /// Reports by connector and day: first and last source time, how many.
    pub days: HashMap<(i64, Date), (OffsetDateTime, OffsetDateTime, i64)>,
}

impl Changes {
    /// Counts a report towards its day.
    pub fn count(&mut self, connector_key: i64, day: Date, at: OffsetDateTime) {
        let seen = self.days.entry((connector_key, day)).or_insert((at, at, 0));
        *seen = (seen.0.min(at), seen.1.max(at), seen.2 + 1);
    }
}

/// Notes that the systems of these locked connectors have sent again what is held.
async fn hear(work: &mut Work, keys: &[i64]) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.connector_state.hear
         UPDATE connector_state SET heard_at = $2 WHERE connector_key = ANY ($1)",
        keys,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Writes a flush, sorted by connector; a state is only replaced by a later one. One statement, and one more where a connector
/// was only heard of; none where there is nothing new.
///
/// # Errors
/// The database is away or busy.
pub async fn save(work: &mut Work, changes: Changes) -> Result<(), Failure> {
    let now = work.now();
    if !changes.heard.is_empty() {
        hear(work, &changes.heard).await?;
    }
    if changes.days.is_empty() {
        return Ok(());
    }
    let mut latest: Vec<_> = changes.latest.into_iter().collect();
    latest.sort_unstable_by_key(|(key, _)| *key);
    let mut days: Vec<_> = changes.days.into_iter().collect();
    days.sort_unstable_by_key(|(key, _)| *key);
    let state_keys: Vec<i64> = latest.iter().map(|(key, _)| *key).collect();
    let state_codes: Vec<i16> = latest.iter().map(|(_, state)| state.status.code()).collect();
    let changed: Vec<OffsetDateTime> = latest.iter().map(|(_, state)| state.changed_at).collect();
    let seen: Vec<OffsetDateTime> = latest.iter().map(|(_, state)| state.seen_at).collect();
    let day_keys: Vec<i64> = days.iter().map(|((key, _), _)| *key).collect();
    let day_dates: Vec<Date> = days.iter().map(|((_, day), _)| *day).collect();
    let firsts: Vec<OffsetDateTime> = days.iter().map(|(_, (first, _, _))| *first).collect();
    let lasts: Vec<OffsetDateTime> = days.iter().map(|(_, (_, last, _))| *last).collect();
    let counts: Vec<i64> = days.iter().map(|(_, (_, _, reports))| *reports).collect();
    let past_keys: Vec<i64> = changes.history.iter().map(|row| row.0).collect();
    let past_times: Vec<OffsetDateTime> = changes.history.iter().map(|row| row.1).collect();
    let past_codes: Vec<i16> = changes.history.iter().map(|row| row.2.code()).collect();
    let past_late: Vec<bool> = changes.history.iter().map(|row| row.3).collect();
    sqlx::query!(
        "-- stations.states.save
         WITH state AS (
             UPDATE connector_state SET status = item.status, changed_at = item.changed_at, seen_at = item.seen_at
             FROM UNNEST($1::bigint[], $2::smallint[], $3::timestamptz[], $4::timestamptz[])
                  AS item (connector_key, status, changed_at, seen_at)
             WHERE connector_state.connector_key = item.connector_key
               AND (connector_state.seen_at IS NULL OR connector_state.seen_at < item.seen_at)),
         day AS (
             INSERT INTO connector_days AS held (connector_key, day, first_seen_at, last_seen_at, reports)
             SELECT * FROM UNNEST($5::bigint[], $6::date[], $7::timestamptz[], $8::timestamptz[], $9::bigint[])
             ON CONFLICT (connector_key, day) DO UPDATE SET
                    first_seen_at = LEAST(held.first_seen_at, excluded.first_seen_at),
                    last_seen_at = GREATEST(held.last_seen_at, excluded.last_seen_at),
                    reports = held.reports + excluded.reports)
         INSERT INTO status_history (connector_key, source_time, status, late, received_at)
         SELECT *, $14 FROM UNNEST($10::bigint[], $11::timestamptz[], $12::smallint[], $13::boolean[])
         ON CONFLICT DO NOTHING",
        &state_keys,
        &state_codes,
        &changed,
        &seen,
        &day_keys,
        &day_dates,
        &firsts,
        &lasts,
        &counts,
        &past_keys,
        &past_times,
        &past_codes,
        &past_late,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// The live state of a station's connectors that have reported, by code.
///
/// # Errors
/// The database is away or busy.
pub async fn of_station(db: &mut PgConnection, station_id: Uuid) -> Result<Vec<(String, Latest)>, Failure> {
    let rows = sqlx::query!(
        r#"-- stations.connector_state.of_station
         SELECT connectors.code, connectors.connector_key, state.status AS "status!", state.changed_at AS "changed_at!",
                state.seen_at AS "seen_at!", state.heard_at
         FROM connectors JOIN connector_state state USING (connector_key)
         WHERE connectors.station_id = $1 AND connectors.removed_at IS NULL AND state.seen_at IS NOT NULL
         ORDER BY connectors.position"#,
        station_id
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let status = read(row.status, row.connector_key)?;
            let (changed_at, seen_at, heard_at) = (row.changed_at, row.seen_at, row.heard_at);
            Ok((row.code, Latest { status, changed_at, seen_at, heard_at }))
        })
        .collect()
}

/// A state as it is kept: whole, or not there yet.
pub(crate) fn latest(
    connector_key: i64,
    status: Option<i16>,
    changed_at: Option<OffsetDateTime>,
    seen_at: Option<OffsetDateTime>,
    heard_at: Option<OffsetDateTime>,
) -> Result<Option<Latest>, Failure> {
    match (status, changed_at, seen_at) {
        (None, None, None) => Ok(None),
        (Some(status), Some(changed_at), Some(seen_at)) => {
            Ok(Some(Latest { status: read(status, connector_key)?, changed_at, seen_at, heard_at }))
        }
        _ => Err(corrupt(connector_key)),
    }
}

fn read(code: i16, connector_key: i64) -> Result<Status, Failure> {
    Status::from_code(i32::from(code)).map_err(|_| corrupt(connector_key))
}

fn corrupt(connector_key: i64) -> Failure {
    Failure::internal(Corrupt { table: "connector_state", id: connector_key.to_string() })
}
