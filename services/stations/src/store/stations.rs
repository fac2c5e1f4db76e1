//! Rows of `stations` and `station_revisions`. Equipment and connectors are in `connectors.rs`.
use chassis::{Failure, Work};
use sqlx::PgConnection;
use uuid::Uuid;

mod row;

pub use row::Row;

use super::lost_race;
/// Locks the operator's station of a code; also one out of force. Where there is none yet, the code itself is locked
/// until the end of the unit, so that of two first registrations the second one finds the first.
///
/// # Errors
/// The database is away or busy.
pub async fn lock_by_code(work: &mut Work, operator_id: Uuid, code: &str) -> Result<Option<Row>, Failure> {
    sqlx::query_scalar!(
        r#"-- stations.stations.lock_code
         SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0)) IS NULL AS "locked!""#,
        format!("{operator_id}/{code}")
    )
    .fetch_one(work.db())
    .await?;
    Ok(sqlx::query_as!(
        Row,
        "-- stations.stations.lock_by_code
         SELECT station_id, operator_id, code, name, address, county, prefecture, longitude_e6, latitude_e6,
                total_power_watts, connector_count, station_type, station_status, construction, park_nums, start_date,
                finish_date, open_date, manager, manager_phone, service_phone, active, version, event_version,
                connection, connected_since, source_time, updated_at
         FROM stations WHERE operator_id = $1 AND code = $2 FOR NO KEY UPDATE",
        operator_id,
        code
    )
    .fetch_optional(work.db())
    .await?)
}

/// Locks these codes and the stations that have them, `operators` beside `codes`, each in one order whoever asks: of two that
/// register the same stations at once, one waits for the other, and not each for the other.
///
/// # Errors
/// The database is away or busy.
pub async fn lock_codes(work: &mut Work, operators: &[Uuid], codes: &[String]) -> Result<(), Failure> {
    let pairs = operators.iter().zip(codes);
    let mut keys: Vec<String> = pairs.map(|(operator_id, code)| format!("{operator_id}/{code}")).collect();
    keys.sort_unstable();
    sqlx::query_scalar!(
        r#"-- stations.stations.lock_all_codes
         SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) IS NULL AS "locked!" FROM UNNEST($1::text[]) AS key"#,
        &keys
    )
    .fetch_all(work.db())
    .await?;
    sqlx::query_scalar!(
        "-- stations.stations.lock_by_codes
         SELECT stations.station_id
         FROM stations JOIN UNNEST($1::uuid[], $2::text[]) AS wanted (operator_id, code) USING (operator_id, code)
         ORDER BY stations.station_id FOR NO KEY UPDATE OF stations",
        operators,
        codes
    )
    .fetch_all(work.db())
    .await?;
    Ok(())
}

/// Locks a station.
///
/// # Errors
/// The database is away or busy.
pub async fn lock(work: &mut Work, station_id: Uuid) -> Result<Option<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        "-- stations.stations.lock
         SELECT station_id, operator_id, code, name, address, county, prefecture, longitude_e6, latitude_e6,
                total_power_watts, connector_count, station_type, station_status, construction, park_nums, start_date,
                finish_date, open_date, manager, manager_phone, service_phone, active, version, event_version,
                connection, connected_since, source_time, updated_at
         FROM stations WHERE station_id = $1 FOR NO KEY UPDATE",
        station_id
    )
    .fetch_optional(work.db())
    .await?)
}

/// Reads a station.
///
/// # Errors
/// The database is away or busy.
pub async fn find(db: &mut PgConnection, station_id: Uuid) -> Result<Option<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        "-- stations.stations.find
         SELECT station_id, operator_id, code, name, address, county, prefecture, longitude_e6, latitude_e6,
                total_power_watts, connector_count, station_type, station_status, construction, park_nums, start_date,
                finish_date, open_date, manager, manager_phone, service_phone, active, version, event_version,
                connection, connected_since, source_time, updated_at
         FROM stations WHERE station_id = $1",
        station_id
    )
    .fetch_optional(db)
    .await?)
}

/// What a list shows and to whom.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One operator's stations only.
    pub operator_id: Option<Uuid>,
    /// County or prefecture codes of the caller; none: everywhere.
    pub scope: Option<Vec<String>>,
    /// One county; empty: all.
    pub county: String,
    /// One city; empty: all.
    pub prefecture: String,
    /// One state; empty: all.
    pub connection: String,
    /// A piece of the name or the begin of the code, in lower case; empty: all. A province has some ten thousand
    /// stations: it is looked for in each.
    pub search: String,
    /// Also those out of force.
    pub include_inactive: bool,
}

/// One page in the order of registration, after `after`.
///
/// # Errors
/// The database is away or busy.
pub async fn list(
    db: &mut PgConnection,
    filter: &Filter,
    after: Option<Uuid>,
    size: i64,
) -> Result<Vec<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        "-- stations.stations.list
         SELECT station_id, operator_id, code, name, address, county, prefecture, longitude_e6, latitude_e6,
                total_power_watts, connector_count, station_type, station_status, construction, park_nums, start_date,
                finish_date, open_date, manager, manager_phone, service_phone, active, version, event_version,
                connection, connected_since, source_time, updated_at
         FROM stations
         WHERE ($1::uuid IS NULL OR operator_id = $1)
           AND ($2::text[] IS NULL OR county = ANY ($2) OR prefecture = ANY ($2))
           AND ($3 = '' OR county = $3)
           AND ($4 = '' OR connection = $4)
           AND ($5 = '' OR strpos(lower(name), $5) > 0 OR starts_with(lower(code), $5))
           AND (active OR $6)
           AND ($7::uuid IS NULL OR station_id > $7)
           AND ($9 = '' OR prefecture = $9)
         ORDER BY station_id LIMIT $8",
        filter.operator_id,
        filter.scope.as_deref(),
        filter.county,
        filter.connection,
        filter.search,
        filter.include_inactive,
        after,
        size,
        filter.prefecture
    )
    .fetch_all(db)
    .await?)
}

/// State of connection and how many are in it, of all that the filter leaves but for its own state.
///
/// # Errors
/// The database is away or busy.
pub async fn counts(db: &mut PgConnection, filter: &Filter) -> Result<Vec<(String, i32)>, Failure> {
    let rows = sqlx::query!(
        r#"-- stations.stations.counts
         SELECT connection, count(*)::integer AS "count!" FROM stations
         WHERE ($1::uuid IS NULL OR operator_id = $1)
           AND ($2::text[] IS NULL OR county = ANY ($2) OR prefecture = ANY ($2))
           AND ($3 = '' OR county = $3)
           AND ($4 = '' OR prefecture = $4)
           AND ($5 = '' OR strpos(lower(name), $5) > 0 OR starts_with(lower(code), $5))
           AND (active OR $6)
         GROUP BY connection ORDER BY connection"#,
        filter.operator_id,
        filter.scope.as_deref(),
        filter.county,
        filter.prefecture,
        filter.search,
        filter.include_inactive
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.connection, row.count)).collect())
}

/// Writes a new station, version 1.
///
/// # Errors
/// `registered_meanwhile` when a concurrent registration has taken the code, which its lock makes impossible in practice.
pub async fn insert(work: &mut Work, row: &Row) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.stations.insert
         INSERT INTO stations (station_id, operator_id, code, name, address, county, prefecture, longitude_e6,
                latitude_e6, total_power_watts, connector_count, station_type, station_status, construction, park_nums,
                start_date, finish_date, open_date, manager, manager_phone, service_phone, active, version,
                event_version, connection, connected_since, source_time, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                $23, $24, $25, $26, $27, $28, $28)",
        row.station_id,
        row.operator_id,
        row.code,
        row.name,
        row.address,
        row.county,
        row.prefecture,
        row.longitude_e6,
        row.latitude_e6,
        row.total_power_watts,
        row.connector_count,
        row.station_type,
        row.station_status,
        row.construction,
        row.park_nums,
        row.start_date,
        row.finish_date,
        row.open_date,
        row.manager,
        row.manager_phone,
        row.service_phone,
        row.active,
        row.version,
        row.event_version,
        row.connection,
        row.connected_since,
        row.source_time,
        now
    )
    .execute(work.db())
    .await
    .map_err(lost_race)?;
    Ok(())
}

/// The system says the same of a locked station at a later time.
///
/// # Errors
/// The database is away or busy.
pub async fn said_again(
    work: &mut Work,
    id: Uuid,
    source_time: Option<time::OffsetDateTime>,
) -> Result<(), Failure> {
    sqlx::query!(
        "-- stations.stations.said_again
         UPDATE stations SET source_time = $2 WHERE station_id = $1",
        id,
        source_time
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Writes the next version of a locked station.
///
/// # Errors
/// The database is away or busy.
pub async fn save(work: &mut Work, row: &Row) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.stations.save
         UPDATE stations SET name = $2, address = $3, county = $4, prefecture = $5, longitude_e6 = $6, latitude_e6 = $7,
                total_power_watts = $8, connector_count = $9, station_type = $10, station_status = $11,
                construction = $12, park_nums = $13, start_date = $14, finish_date = $15, open_date = $16,
                manager = $17, manager_phone = $18, service_phone = $19, active = $20, version = $21,
                event_version = $22, connection = $23, connected_since = $24, source_time = $25, updated_at = $26
         WHERE station_id = $1",
        row.station_id,
        row.name,
        row.address,
        row.county,
        row.prefecture,
        row.longitude_e6,
        row.latitude_e6,
        row.total_power_watts,
        row.connector_count,
        row.station_type,
        row.station_status,
        row.construction,
        row.park_nums,
        row.start_date,
        row.finish_date,
        row.open_date,
        row.manager,
        row.manager_phone,
        row.service_phone,
        row.active,
        row.version,
        row.event_version,
        row.connection,
        row.connected_since,
        row.source_time,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Keeps a version of the record for good; `content` is the encoded record, `actor` whoever made it so.
///
/// # Errors
/// The database is away or busy.
pub async fn keep_revision(work: &mut Work, row: &Row, content: &[u8], actor: &str) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.station_revisions.insert
         INSERT INTO station_revisions (station_id, version, active, content, actor, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        row.station_id,
        row.version,
        row.active,
        content,
        actor,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}
