//! Registers a station, or brings it up to date.
use std::collections::HashSet;

use chassis::{Failure, Work};
use prost::Message as _;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::settle;
use crate::{
    domain::{
        Finding, Refusal,
        bounds::Bounds,
        connection::{Connection, Standing},
        day,
        fact::Fact,
        registry::{self, Station},
    },
    labels, publish,
    store::{self, connectors::Taken, stations::Row},
};

/// What a caller wants registered.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Whose: from the caller's token.
    pub operator_id: Uuid,
    /// As described.
    pub station: Station,
    /// Of the county; `None` where the county is not one.
    pub prefecture: Option<String>,
    /// Version that the caller has seen.
    pub expected_version: Option<i64>,
    /// Of the operator's system.
    pub source_time: Option<OffsetDateTime>,
}

/// Registers or updates; the same content again changes nothing. Returns the station's id.
///
/// # Errors
/// All field findings at once; `stale_version`, `stale_source`, `code_taken`, `connector_claimed`; `registered_meanwhile`
/// when a concurrent registration won.
pub async fn execute(
    work: &mut Work,
    wanted: Registration,
    province: &Bounds,
    window: Duration,
) -> Result<Uuid, Failure> {
    let prefecture = admissible(&wanted, province, work.now())?;
    let held = store::stations::lock_by_code(work, wanted.operator_id, &wanted.station.code).await?;
    let version = held.as_ref().map_or(0, |row| row.version);
    about_version(version, &wanted, held.as_ref())?;
    if let Some(row) = &held {
        let equipment = store::connectors::of_station(work.db(), row.station_id).await?;
        if row.active && row.prefecture == prefecture && row.station(equipment) == wanted.station {
            return Ok(row.station_id);
        }
        keeps_claimed(work, row.station_id, &wanted.station).await?;
    }
    let station_id = match &held {
        Some(row) => row.station_id,
        None => work.new_id(),
    };
    let taken = store::connectors::taken(work, station_id, wanted.operator_id, &wanted.station).await?;
    if let Some(failure) = labels::all(code_findings(&wanted.station, &taken)) {
        return Err(failure);
    }
    let row = next(station_id, &wanted, prefecture, held.as_ref(), work.now());
    match held {
        Some(_) => store::stations::save(work, &row).await?,
        None => store::stations::insert(work, &row).await?,
    }
    store::connectors::replace(work, station_id, wanted.operator_id, &wanted.station).await?;
    let content = publish::record(&row.registered(), &wanted.station).encode_to_vec();
    store::stations::keep_revision(work, &row, &content).await?;
    work.announce(publish::to_wire(
        Fact::RegistryChanged,
        &row.subject(),
        row.standing()?,
        row.event_version,
    ));
    settle::execute(work, &[station_id], window).await?;
    Ok(station_id)
}

/// The prefecture, when the station may stand in the registry at all.
fn admissible(wanted: &Registration, province: &Bounds, now: OffsetDateTime) -> Result<String, Failure> {
    let mut findings = registry::examine(&wanted.station, province, day::of(now));
    if wanted.prefecture.is_none() && !wanted.station.county.is_empty() {
        findings.push(Finding::new("county", Refusal::UnknownDivision));
    }
    match (labels::all(findings), &wanted.prefecture) {
        (Some(failure), _) => Err(failure),
        (None, Some(prefecture)) => Ok(prefecture.clone()),
        (None, None) => Err(Finding::new("county", Refusal::UnknownDivision).into()),
    }
}

fn about_version(version: i64, wanted: &Registration, held: Option<&Row>) -> Result<(), Failure> {
    registry::same_version(version, wanted.expected_version)
        .map_err(|refusal| Finding::new("expected_version", refusal))?;
    registry::newer(held.and_then(|row| row.source_time), wanted.source_time)
        .map_err(|refusal| Finding::new("source_time", refusal))?;
    Ok(())
}

/// A connector that a live application holds must not vanish.
async fn keeps_claimed(work: &mut Work, station_id: Uuid, station: &Station) -> Result<(), Failure> {
    let codes: HashSet<&str> =
        station.equipment.iter().flat_map(|device| &device.connectors).map(|gun| gun.code.as_str()).collect();
    let claims = store::claims::live(work, station_id).await?;
    match claims.into_iter().find(|claim| !codes.contains(claim.code.as_str())) {
        Some(claim) => {
            Err(Finding::new("equipment", Refusal::ConnectorClaimed { connector: claim.code }).into())
        }
        None => Ok(()),
    }
}

fn code_findings(station: &Station, taken: &Taken) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, device) in station.equipment.iter().enumerate() {
        if taken.equipment.contains(&device.code) {
            findings.push(Finding::new(format!("equipment[{index}].equipment_id"), Refusal::CodeTaken));
        }
        for (at, gun) in device.connectors.iter().enumerate() {
            if taken.connectors.contains(&gun.code) {
                let path = format!("equipment[{index}].connectors[{at}].connector_id");
                findings.push(Finding::new(path, Refusal::CodeTaken));
            }
        }
    }
    findings
}

fn next(
    station_id: Uuid,
    wanted: &Registration,
    prefecture: String,
    held: Option<&Row>,
    now: OffsetDateTime,
) -> Row {
    let station = &wanted.station;
    let none = Standing { connection: Connection::NotConnected, since: None };
    let connectors = station.equipment.iter().map(|device| device.connectors.len()).sum::<usize>();
    Row {
        station_id,
        operator_id: wanted.operator_id,
        code: station.code.clone(),
        name: station.name.clone(),
        address: station.address.clone(),
        county: station.county.clone(),
        prefecture,
        longitude_e6: station.longitude_e6,
        latitude_e6: station.latitude_e6,
        total_power_watts: station.total_power_watts(),
        connector_count: i32::try_from(connectors).unwrap_or(i32::MAX),
        station_type: station.station_type,
        station_status: station.station_status,
        construction: station.construction,
        park_nums: station.park_nums,
        start_date: station.start_date,
        finish_date: station.finish_date,
        open_date: station.open_date,
        manager: station.manager.clone(),
        manager_phone: station.manager_phone.clone(),
        service_phone: station.service_phone.clone(),
        active: true,
        version: held.map_or(0, |row| row.version) + 1,
        event_version: held.map_or(0, |row| row.event_version) + 1,
        connection: held.map_or(none.connection.name().to_owned(), |row| row.connection.clone()),
        connected_since: held.and_then(|row| row.connected_since),
        source_time: wanted.source_time.or(held.and_then(|row| row.source_time)),
        updated_at: now,
    }
}
