//! The stations that the ingest is measured with: in force, connected, and each connector has said what it is.
//!
//! Owns: these rows. They are put into the tables by SQL, because registering half a million connectors through every command
//! would take an hour. Not: what is sent about them (`ingest`).
use std::ops::Range;

use anyhow::Result;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// Connectors of one station.
pub(super) const OF_STATION: usize = 10;

const STATIONS: &str = "
    INSERT INTO stations (station_id, operator_id, code, name, address, county, prefecture, longitude_e6, latitude_e6,
        total_power_watts, connector_count, station_type, station_status, construction, park_nums, manager, manager_phone,
        service_phone, active, version, event_version, connection, connected_since, created_at, updated_at)
    SELECT gen_random_uuid(), $1, 'Q' || $2 || lpad(number::text, 8, '0'), '测量充电站', '示例路1号',
        (410101 + number % 18 * 100 + number / 18 % 9)::text, (410100 + number % 18 * 100)::text,
        113168756 + number * 7919 % 1000003, 34398101 + number * 104729 % 800011, 120000, $4, 1, 50, 0, 0, '站长', '19900010001', '', true, 1, 1, 'connected',
        current_date, now() - interval '1 hour', now() - interval '1 hour'
    FROM generate_series($5::integer + 1, $3) AS number";
const EQUIPMENT: &str = "
    INSERT INTO equipment (station_id, code, position, equipment_type, power_watts, name, model, manufacturer)
    SELECT station_id, code || 'E', 1, 1, 120000, '', '', '' FROM stations
    WHERE operator_id = $1 AND NOT EXISTS (SELECT FROM equipment held WHERE held.station_id = stations.station_id)";
const CONNECTORS: &str = "
    INSERT INTO connectors (station_id, operator_id, equipment_code, code, position, connector_type, power_watts, name,
        voltage_upper, voltage_lower, current, national_standard, park_no)
    SELECT station_id, operator_id, code || 'E', code || 'C' || place, place, 4, 120000, '', 750, 200, 250, 2, ''
    FROM stations, generate_series(0, $2 - 1) AS place
    WHERE operator_id = $1 AND NOT EXISTS (SELECT FROM connectors held WHERE held.station_id = stations.station_id)";
/// Each connector of an operator has reported a status just now, also those that were there before. Without that the stations would
/// be called connected and have said nothing: the sweep takes such for lost, all of them, in the midst of measuring, and the next
/// report about each would bring it back.
const STATES: &str = "
    INSERT INTO connector_state (connector_key, status, changed_at, seen_at)
    SELECT connector_key, $2::integer, now(), now() FROM connectors WHERE operator_id = $1
    ON CONFLICT (connector_key) DO UPDATE SET
        status = excluded.status, changed_at = excluded.changed_at, seen_at = excluded.seen_at";

/// Registers an operator's stations of these numbers; gives the codes of all its connectors. All at once, so that a sweep finds no
/// station without what its connectors have said. They are of this `status` then, and the first change is to say another one: the
/// same one at a later time only tells that the connector was seen again.
pub(super) async fn fill(
    database: &str,
    operator: Uuid,
    number: usize,
    stations: Range<usize>,
    status: i32,
) -> Result<Vec<String>> {
    let mut database = PgConnection::connect(database).await?;
    let mut filling = database.begin().await?;
    let each = i32::try_from(OF_STATION)?;
    sqlx::query(STATIONS)
        .bind(operator)
        .bind(number.to_string())
        .bind(i32::try_from(stations.end)?)
        .bind(each)
        .bind(i32::try_from(stations.start)?)
        .execute(&mut *filling)
        .await?;
    sqlx::query(EQUIPMENT).bind(operator).execute(&mut *filling).await?;
    sqlx::query(CONNECTORS).bind(operator).bind(each).execute(&mut *filling).await?;
    sqlx::query(STATES).bind(operator).bind(status).execute(&mut *filling).await?;
    filling.commit().await?;
    let codes = "SELECT code FROM connectors WHERE operator_id = $1 ORDER BY connector_key";
    Ok(sqlx::query_scalar(codes).bind(operator).fetch_all(&mut database).await?)
}
