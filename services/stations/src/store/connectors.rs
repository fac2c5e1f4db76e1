//! Rows of `equipment` and `connectors` of one station, and the question which codes another one uses.
use std::collections::{BTreeMap, HashMap, HashSet};

use chassis::{Failure, Work};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::lost_race;
use crate::domain::registry::{Connector, Equipment, Station};

/// The equipment of a station in the order given, with its connectors; nothing that was removed.
///
/// # Errors
/// The database is away or busy.
pub async fn of_station(db: &mut PgConnection, station_id: Uuid) -> Result<Vec<Equipment>, Failure> {
    let devices = sqlx::query!(
        "-- stations.equipment.of_station
         SELECT code, equipment_type, power_watts, name, model, manufacturer, manufacturer_code
         FROM equipment WHERE station_id = $1 AND removed_at IS NULL ORDER BY position",
        station_id
    )
    .fetch_all(&mut *db)
    .await?;
    let guns = sqlx::query!(
        "-- stations.connectors.of_station
         SELECT equipment_code, code, connector_type, power_watts, name, voltage_upper, voltage_lower, current,
                national_standard, park_no
         FROM connectors WHERE station_id = $1 AND removed_at IS NULL ORDER BY position",
        station_id
    )
    .fetch_all(db)
    .await?;
    let mut by_device: BTreeMap<String, Vec<Connector>> = BTreeMap::new();
    for gun in guns {
        by_device.entry(gun.equipment_code).or_default().push(Connector {
            code: gun.code,
            connector_type: gun.connector_type,
            power_watts: gun.power_watts,
            name: gun.name,
            voltage_upper: gun.voltage_upper,
            voltage_lower: gun.voltage_lower,
            current: gun.current,
            national_standard: gun.national_standard,
            park_no: gun.park_no,
        });
    }
    Ok(devices
        .into_iter()
        .map(|device| Equipment {
            connectors: by_device.remove(&device.code).unwrap_or_default(),
            code: device.code,
            equipment_type: device.equipment_type,
            power_watts: device.power_watts,
            name: device.name,
            model: device.model,
            manufacturer: device.manufacturer,
            manufacturer_code: device.manufacturer_code,
        })
        .collect())
}

/// Codes of a station that are in force at another one of its operator.
#[derive(Debug, Default)]
pub struct Taken {
    /// Equipment codes.
    pub equipment: Vec<String>,
    /// Connector codes.
    pub connectors: Vec<String>,
}

/// Asks which codes of `station` a station of the operator other than `station_id` uses.
///
/// # Errors
/// The database is away or busy.
pub async fn taken(
    work: &mut Work,
    station_id: Uuid,
    operator_id: Uuid,
    station: &Station,
) -> Result<Taken, Failure> {
    let devices: Vec<String> = station.equipment.iter().map(|device| device.code.clone()).collect();
    let guns: Vec<String> =
        station.equipment.iter().flat_map(|device| &device.connectors).map(|gun| gun.code.clone()).collect();
    let row = sqlx::query!(
        r#"-- stations.codes.taken
         SELECT ARRAY (SELECT code FROM equipment WHERE operator_id = $2 AND code = ANY ($3)
                         AND removed_at IS NULL AND station_id <> $1) AS "equipment!: Vec<String>",
                ARRAY (SELECT code FROM connectors WHERE operator_id = $2 AND code = ANY ($4)
                         AND removed_at IS NULL AND station_id <> $1) AS "connectors!: Vec<String>""#,
        station_id,
        operator_id,
        &devices,
        &guns
    )
    .fetch_one(work.db())
    .await?;
    Ok(Taken { equipment: row.equipment, connectors: row.connectors })
}

/// Brings equipment and connectors to what `station` says: removes what is missing, revives what comes back under its
/// old key (so that its evidence stays), and gives each connector a state row.
///
/// # Errors
/// `registered_meanwhile` when a concurrent registration has taken a code.
pub async fn replace(
    work: &mut Work,
    station_id: Uuid,
    operator_id: Uuid,
    station: &Station,
) -> Result<(), Failure> {
    let guns: Vec<String> =
        station.equipment.iter().flat_map(|device| &device.connectors).map(|gun| gun.code.clone()).collect();
    let devices: Vec<String> = station.equipment.iter().map(|device| device.code.clone()).collect();
    remove_missing(work, station_id, &devices, &guns).await?;
    save_equipment(work, station_id, operator_id, &station.equipment, &devices).await?;
    save_connectors(work, station_id, operator_id, &station.equipment, &guns).await?;
    sqlx::query!(
        "-- stations.connector_state.prepare
         INSERT INTO connector_state (connector_key)
         SELECT connector_key FROM connectors WHERE station_id = $1 AND removed_at IS NULL
         ON CONFLICT DO NOTHING",
        station_id
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Takes everything of a station out of force except the codes named.
///
/// # Errors
/// The database is away or busy.
pub async fn remove_missing(
    work: &mut Work,
    station_id: Uuid,
    devices: &[String],
    guns: &[String],
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.connectors.remove_missing
         WITH gone AS (
             UPDATE connectors SET removed_at = $4
             WHERE station_id = $1 AND removed_at IS NULL AND code <> ALL ($3))
         UPDATE equipment SET removed_at = $4
         WHERE station_id = $1 AND removed_at IS NULL AND code <> ALL ($2)",
        station_id,
        devices,
        guns,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// What of the registry is not any more as it was.
#[derive(Debug, Clone, Default)]
pub struct Gone {
    /// Connectors (operator, code) that were taken out of force.
    pub connectors: Vec<(Uuid, String)>,
    /// Stations whose record has changed, by operator.
    pub stations: HashMap<Uuid, HashSet<Uuid>>,
}

/// What has changed within `span` before now.
///
/// # Errors
/// The database is away or busy.
pub async fn gone(work: &mut Work, span: Duration) -> Result<Gone, Failure> {
    let since = work.now() - span;
    let removed = sqlx::query!(
        "-- stations.connectors.removed_lately
         SELECT operator_id, code FROM connectors WHERE removed_at > $1",
        since
    )
    .fetch_all(work.db())
    .await?;
    let changed = sqlx::query!(
        "-- stations.stations.changed_lately
         SELECT operator_id, station_id FROM stations WHERE updated_at > $1",
        since
    )
    .fetch_all(work.db())
    .await?;
    let mut gone = Gone::default();
    gone.connectors.extend(removed.into_iter().map(|row| (row.operator_id, row.code)));
    for row in changed {
        gone.stations.entry(row.operator_id).or_default().insert(row.station_id);
    }
    Ok(gone)
}

async fn save_equipment(
    work: &mut Work,
    station_id: Uuid,
    operator_id: Uuid,
    equipment: &[Equipment],
    codes: &[String],
) -> Result<(), Failure> {
    let kinds: Vec<i32> = equipment.iter().map(|device| device.equipment_type).collect();
    let powers: Vec<i64> = equipment.iter().map(|device| device.power_watts).collect();
    let names: Vec<String> = equipment.iter().map(|device| device.name.clone()).collect();
    let models: Vec<String> = equipment.iter().map(|device| device.model.clone()).collect();
    let makers: Vec<String> = equipment.iter().map(|device| device.manufacturer.clone()).collect();
    let maker_codes: Vec<String> = equipment.iter().map(|device| device.manufacturer_code.clone()).collect();
    sqlx::query!(
        "-- stations.equipment.save
         INSERT INTO equipment (station_id, operator_id, code, position, equipment_type, power_watts, name, model,
                manufacturer, manufacturer_code)
         SELECT $1, $8, code, position::integer, equipment_type, power_watts, name, model, manufacturer, manufacturer_code
         FROM UNNEST($2::text[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::text[], $9::text[])
              WITH ORDINALITY
              AS item (code, equipment_type, power_watts, name, model, manufacturer, manufacturer_code, position)
         ON CONFLICT (station_id, code) DO UPDATE SET operator_id = excluded.operator_id, position = excluded.position,
                equipment_type = excluded.equipment_type, power_watts = excluded.power_watts, name = excluded.name,
                model = excluded.model, manufacturer = excluded.manufacturer,
                manufacturer_code = excluded.manufacturer_code, removed_at = NULL",
        station_id,
        codes,
        &kinds,
        &powers,
        &names,
        &models,
        &makers,
        operator_id,
        &maker_codes
    )
    .execute(work.db())
    .await
    .map_err(lost_race)?;
    Ok(())
}

async fn save_connectors(
    work: &mut Work,
    station_id: Uuid,
    operator_id: Uuid,
    equipment: &[Equipment],
    codes: &[String],
) -> Result<(), Failure> {
    let all = || equipment.iter().flat_map(|device| device.connectors.iter().map(move |gun| (device, gun)));
    let devices: Vec<String> = all().map(|(device, _)| device.code.clone()).collect();
    let kinds: Vec<i32> = all().map(|(_, gun)| gun.connector_type).collect();
    let powers: Vec<i64> = all().map(|(_, gun)| gun.power_watts).collect();
    let names: Vec<String> = all().map(|(_, gun)| gun.name.clone()).collect();
    let uppers: Vec<i32> = all().map(|(_, gun)| gun.voltage_upper).collect();
    let lowers: Vec<i32> = all().map(|(_, gun)| gun.voltage_lower).collect();
    let currents: Vec<i32> = all().map(|(_, gun)| gun.current).collect();
    let standards: Vec<i32> = all().map(|(_, gun)| gun.national_standard).collect();
    let parks: Vec<String> = all().map(|(_, gun)| gun.park_no.clone()).collect();
    sqlx::query!(
        "-- stations.connectors.save
         INSERT INTO connectors (station_id, operator_id, equipment_code, code, position, connector_type, power_watts,
                name, voltage_upper, voltage_lower, current, national_standard, park_no)
         SELECT $1, $2, equipment_code, code, position::integer, connector_type, power_watts, name, voltage_upper,
                voltage_lower, current, national_standard, park_no
         FROM UNNEST($3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::integer[], $9::integer[],
                     $10::integer[], $11::integer[], $12::text[]) WITH ORDINALITY
              AS item (equipment_code, code, connector_type, power_watts, name, voltage_upper, voltage_lower, current,
                       national_standard, park_no, position)
         ON CONFLICT (station_id, code) DO UPDATE SET equipment_code = excluded.equipment_code,
                position = excluded.position, connector_type = excluded.connector_type,
                power_watts = excluded.power_watts, name = excluded.name, voltage_upper = excluded.voltage_upper,
                voltage_lower = excluded.voltage_lower, current = excluded.current,
                national_standard = excluded.national_standard, park_no = excluded.park_no, removed_at = NULL",
        station_id,
        operator_id,
        &devices,
        codes,
        &kinds,
        &powers,
        &names,
        &uppers,
        &lowers,
        &currents,
        &standards,
        &parks
    )
    .execute(work.db())
    .await
    .map_err(lost_race)?;
    Ok(())
}
