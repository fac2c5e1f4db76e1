//! Connector status: the latest state, which counts the reports of its day; the history of changes; the days before.
use std::collections::BTreeSet;

use chassis::{Failure, Work};
use foldhash::{HashMap, HashSet};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::Corrupt;
use crate::domain::{
    day,
    status::{Latest, Status},
};

/// A connector in force, and its state.
#[derive(Debug, Clone)]
pub struct Held {
    /// Key of everything measured.
    pub connector_key: i64,
    /// Its station.
    pub station_id: Uuid,
    /// What is held.
    pub latest: Option<Latest>,
    /// The day whose reports its state counts.
    pub counted_on: Option<Date>,
}

/// Locks the state rows of the connectors in force among `(operator, code)`, in the order of their keys.
///
/// # Errors
/// The database is away or busy.
pub async fn lock(
    work: &mut Work,
    operators: &[Uuid],
    codes: &[String],
) -> Result<Vec<(Uuid, String, Held)>, Failure> {
    let rows = sqlx::query!(
        "-- stations.connector_state.lock
         SELECT connectors.operator_id, connectors.code, connectors.connector_key, connectors.station_id, state.status,
                state.changed_at, state.seen_at, state.heard_at, state.day
         FROM UNNEST($1::uuid[], $2::text[]) AS item (operator_id, code)
         JOIN connectors ON connectors.code = item.code AND connectors.operator_id = item.operator_id
              AND connectors.removed_at IS NULL
         JOIN connector_state state USING (connector_key)
         ORDER BY connectors.connector_key FOR NO KEY UPDATE OF state",
        operators,
        codes
    )
    .fetch_all(work.db())
    .await?;
    let mut locked = Vec::with_capacity(rows.len());
    for row in rows {
        let latest = latest(row.connector_key, row.status, row.changed_at, row.seen_at, row.heard_at)?;
        let (connector_key, station_id, counted_on) = (row.connector_key, row.station_id, row.day);
        let held = Held { connector_key, station_id, latest, counted_on };
        locked.push((row.operator_id, row.code, held));
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
    /// Of those that are not locked: when the state was seen that the new one rests on.
    pub rests_on: HashMap<i64, OffsetDateTime>,
    /// Connectors whose state counts another day than their new latest state.
    pub turned: BTreeSet<i64>,
    /// New rows of the history: connector, source time, status, late.
    pub history: Vec<(i64, OffsetDateTime, Status, bool)>,
    /// Reports by connector and day.
    pub days: HashMap<(i64, Date), Reports>,
    /// Stations of all of them.
    pub stations: HashSet<Uuid>,
}

/// Reports of one connector about one day.
#[derive(Debug, Clone, Copy)]
pub struct Reports {
    /// Source time of the first.
    pub first_at: OffsetDateTime,
    /// And of the last.
    pub last_at: OffsetDateTime,
    /// How many.
    pub count: i64,
}

impl Changes {
    /// Counts a report towards its day.
    pub fn count(&mut self, connector_key: i64, at: OffsetDateTime) {
        let none = Reports { first_at: at, last_at: at, count: 0 };
        let reports = self.days.entry((connector_key, day::of(at))).or_insert(none);
        *reports = Reports {
            first_at: reports.first_at.min(at),
            last_at: reports.last_at.max(at),
            count: reports.count + 1,
        };
    }
}

/// What a flush has found.
#[derive(Debug, Default)]
pub struct Saved {
    /// Stations that do not count as connected.
    pub unsettled: Vec<Uuid>,
    /// Connectors whose state was not the one that the new one rests on: then the unit must not be committed.
    pub left: Vec<i64>,
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

/// Writes a flush, sorted by connector; a state is only replaced by a later one, and one that is not locked only where it is
/// still the one that the new one rests on. One statement, and one more where a connector was only heard of; none where there is
/// nothing new.
///
/// # Errors
/// `state_left`: the history holds already what rests on a state that is not locked. The database is away or busy.
pub async fn save(work: &mut Work, changes: Changes) -> Result<Saved, Failure> {
    let now = work.now();
    if !changes.heard.is_empty() {
        hear(work, &changes.heard).await?;
    }
    if changes.stations.is_empty() {
        return Ok(Saved::default());
    }
    let stations: Vec<Uuid> = changes.stations.into_iter().collect();
    let mut latest: Vec<_> = changes.latest.into_iter().collect();
    latest.sort_unstable_by_key(|(key, _)| *key);
    let mut days = changes.days;
    // The day of the latest report is counted in the state: a row less is written for each report.
    let counted: Vec<Reports> = latest
        .iter()
        .map(|(key, state)| {
            let none = Reports { first_at: state.seen_at, last_at: state.seen_at, count: 0 };
            days.remove(&(*key, day::of(state.seen_at))).unwrap_or(none)
        })
        .collect();
    let mut history = changes.history;
    history.sort_unstable_by_key(|(key, at, _, _)| (*key, *at));
    // What is newer than a state that has not been left is in no history yet; it costs half as much so.
    let (new, past): (Vec<_>, Vec<_>) =
        history.into_iter().partition(|(key, _, _, _)| changes.rests_on.contains_key(key));
    let state_keys: Vec<i64> = latest.iter().map(|(key, _)| *key).collect();
    let state_codes: Vec<i16> = latest.iter().map(|(_, state)| state.status.code()).collect();
    let changed: Vec<OffsetDateTime> = latest.iter().map(|(_, state)| state.changed_at).collect();
    let seen: Vec<OffsetDateTime> = latest.iter().map(|(_, state)| state.seen_at).collect();
    let rests: Vec<Option<OffsetDateTime>> =
        state_keys.iter().map(|key| changes.rests_on.get(key).copied()).collect();
    let counted_on: Vec<Date> = seen.iter().map(|at| day::of(*at)).collect();
    let counted_first: Vec<OffsetDateTime> = counted.iter().map(|reports| reports.first_at).collect();
    let counted_last: Vec<OffsetDateTime> = counted.iter().map(|reports| reports.last_at).collect();
    let counted_reports: Vec<i64> = counted.iter().map(|reports| reports.count).collect();
    let turned: Vec<i64> = changes.turned.into_iter().collect();
    let day_keys: Vec<i64> = days.keys().map(|(key, _)| *key).collect();
    let day_dates: Vec<Date> = days.keys().map(|(_, day)| *day).collect();
    let firsts: Vec<OffsetDateTime> = days.values().map(|reports| reports.first_at).collect();
    let lasts: Vec<OffsetDateTime> = days.values().map(|reports| reports.last_at).collect();
    let counts: Vec<i64> = days.values().map(|reports| reports.count).collect();
    let past_keys: Vec<i64> = past.iter().map(|row| row.0).collect();
    let past_times: Vec<OffsetDateTime> = past.iter().map(|row| row.1).collect();
    let past_codes: Vec<i16> = past.iter().map(|row| row.2.code()).collect();
    let past_late: Vec<bool> = past.iter().map(|row| row.3).collect();
    let new_keys: Vec<i64> = new.iter().map(|row| row.0).collect();
    let new_times: Vec<OffsetDateTime> = new.iter().map(|row| row.1).collect();
    let new_codes: Vec<i16> = new.iter().map(|row| row.2.code()).collect();
    let saved = sqlx::query!(
        r#"-- stations.states.save
         WITH state AS (
             UPDATE connector_state AS held SET status = item.status, changed_at = item.changed_at, seen_at = item.seen_at,
                    day = item.day, day_last_at = item.last_at,
                    day_first_at = CASE WHEN held.day = item.day THEN LEAST(held.day_first_at, item.first_at)
                                        ELSE item.first_at END,
                    day_reports = CASE WHEN held.day = item.day THEN held.day_reports ELSE 0 END + item.reports
             FROM UNNEST($1::bigint[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::date[],
                         $7::timestamptz[], $8::timestamptz[], $9::bigint[])
                  AS item (connector_key, status, changed_at, seen_at, rests_on, day, first_at, last_at, reports)
             WHERE held.connector_key = item.connector_key AND (held.seen_at IS NULL OR held.seen_at < item.seen_at)
               AND (item.rests_on IS NULL OR held.seen_at = item.rests_on)
             RETURNING held.connector_key),
         day AS (
             INSERT INTO connector_days AS held (connector_key, day, first_seen_at, last_seen_at, reports)
             SELECT connector_key, day, min(first_at), max(last_at), sum(reports) FROM (
                 SELECT * FROM UNNEST($11::bigint[], $12::date[], $13::timestamptz[], $14::timestamptz[], $15::bigint[])
                     AS said (connector_key, day, first_at, last_at, reports)
                 UNION ALL
                 SELECT connector_key, day, day_first_at, day_last_at, day_reports
                 FROM UNNEST($10::bigint[]) AS turned (connector_key) JOIN connector_state USING (connector_key)
                 WHERE connector_state.day IS NOT NULL) AS reports
             GROUP BY connector_key, day ORDER BY connector_key, day
             ON CONFLICT (connector_key, day) DO UPDATE SET
                    first_seen_at = LEAST(held.first_seen_at, excluded.first_seen_at),
                    last_seen_at = GREATEST(held.last_seen_at, excluded.last_seen_at),
                    reports = held.reports + excluded.reports),
         past AS (
             INSERT INTO status_history (connector_key, source_time, status, late, received_at)
             SELECT *, $20 FROM UNNEST($16::bigint[], $17::timestamptz[], $18::smallint[], $19::boolean[])
             ON CONFLICT DO NOTHING),
         new AS (
             INSERT INTO status_history (connector_key, source_time, status, late, received_at)
             SELECT *, false, $20 FROM UNNEST($21::bigint[], $22::timestamptz[], $23::smallint[]))
         SELECT CASE WHEN (SELECT count(*) FROM state) = cardinality($1::bigint[]) THEN '{}'
                     ELSE ARRAY (SELECT connector_key FROM UNNEST($1::bigint[]) AS said (connector_key)
                                 EXCEPT SELECT connector_key FROM state) END AS "left!",
                ARRAY (SELECT station_id FROM UNNEST($24::uuid[]) AS said (station_id) JOIN stations USING (station_id)
                       WHERE connection <> 'connected') AS "unsettled!""#,
        &state_keys,
        &state_codes,
        &changed,
        &seen,
        &rests as &[Option<OffsetDateTime>],
        &counted_on,
        &counted_first,
        &counted_last,
        &counted_reports,
        &turned,
        &day_keys,
        &day_dates,
        &firsts,
        &lasts,
        &counts,
        &past_keys,
        &past_times,
        &past_codes,
        &past_late,
        now,
        &new_keys,
        &new_times,
        &new_codes,
        &stations
    )
    .fetch_one(work.db())
    .await
    .map_err(|error| {
        let twice = error.as_database_error().is_some_and(|refused| refused.is_unique_violation());
        if twice { left() } else { error.into() }
    })?;
    Ok(Saved { unsettled: saved.unsettled, left: saved.left })
}

/// Another process has written a state on which one of the flush rests.
pub fn left() -> Failure {
    Failure::conflict("state_left", "充电枪状态刚被另一进程更新，请稍后重试")
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
