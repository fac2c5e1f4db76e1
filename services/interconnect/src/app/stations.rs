//! `notification_stationInfo`: each station enters the registry; what the protocol does not carry stays as people entered it.
use chassis::error::Refusal;
use proto::{
    common::Page,
    stations::{
        ConnectorRecord, EquipmentRecord, ListStationsRequest, Station as Registered, StationGuide,
        StationRecord, UpsertStationRequest,
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::{Call, Done, Refused, timestamp};
use crate::{
    domain::{
        bodies::station::{Connector, Equipment, Guide, Station},
        method::Method,
        ret::Ret,
    },
    labels,
    neighbours::Voice,
    refusals::{Refusals, STATION},
};

/// Somebody may change the station between reading and writing it.
const ATTEMPTS: u32 = 3;
/// Stations of one look-up: many codes may begin with that of another.
const PAGE: i32 = 200;

/// Registers the stations; notes those that the registry refuses. Status is 0, or 1 when one of several was discarded; Results
/// names those then.
///
/// # Errors
/// 4004 with the fields when a single station breaks a rule; busy, when stations cannot take them now.
pub async fn execute(
    call: &Call<'_>,
    voice: &Voice,
    stations: &[Station],
    refusals: &Refusals,
) -> Result<Done, Refused> {
    let mut discarded: Vec<Value> = Vec::new();
    let mut msg = String::new();
    for station in stations {
        match register(call, voice, station).await {
            Ok(Taken::Registered) => {}
            Ok(Taken::Older(text)) => {
                msg = format!("{} {text}", station.code);
                discarded.push(json!({ "StationID": station.code, "Status": 1, "Reason": "stale_source" }));
            }
            Err(refused) if refused.ret == Ret::Business => {
                let refused = refused.about(vec![(STATION, station.code.clone())]);
                refusals.note(call.link.operator_id, Some(Method::Stations), &refused);
                if stations.len() == 1 {
                    return Err(refused);
                }
                msg = format!("{} {}", station.code, refused.msg);
                discarded.push(json!({ "StationID": station.code, "Status": 1, "Reason": refused.msg }));
            }
            Err(refused) => return Err(refused),
        }
    }
    let body = if discarded.is_empty() {
        json!({ "Status": 0 })
    } else {
        json!({ "Status": 1, "Results": discarded })
    };
    Ok(Done { body, msg })
}

/// What became of a station.
pub(super) enum Taken {
    /// It stands in the registry as sent.
    Registered,
    /// The registry holds newer data of the operator's system.
    Older(String),
}

pub(super) async fn register(call: &Call<'_>, voice: &Voice, station: &Station) -> Result<Taken, Refused> {
    let mut attempt = 1;
    loop {
        let held = held(voice, &station.code).await?;
        let version = held.as_ref().map_or(0, |record| record.version);
        let request = UpsertStationRequest {
            request_id: request_id(call, &station.code, version).to_string(),
            station: Some(record(station, held)),
            expected_version: Some(version),
            source_time: Some(timestamp(call.stamp)),
        };
        let Err(status) = voice.registry().upsert_station(request).await else {
            return Ok(Taken::Registered);
        };
        match Refusal::read(&status) {
            Some(told) if told.reason == "stale_source" => return Ok(Taken::Older(told.text)),
            Some(told) if told.reason == "stale_version" && attempt < ATTEMPTS => attempt += 1,
            Some(told) if told.reason == "stale_version" => {
                return Err(Refused::new(Ret::Busy, labels::BUSY));
            }
            _ => return Err(status.into()),
        }
    }
}

/// The record that the registry holds, also of a station out of force.
async fn held(voice: &Voice, code: &str) -> Result<Option<StationRecord>, Refused> {
    let mut page = Page { page_size: PAGE, page_token: String::new() };
    loop {
        let asked = ListStationsRequest {
            page: Some(page),
            search: code.to_owned(),
            include_inactive: true,
            ..Default::default()
        };
        let found = voice.registry().list_stations(asked).await?.into_inner();
        let mut records = found.stations.into_iter().filter_map(|station: Registered| station.record);
        let held = records.find(|record| record.station_code == code);
        if held.is_some() || found.next_page_token.is_empty() {
            return Ok(held);
        }
        page = Page { page_size: PAGE, page_token: found.next_page_token };
    }
}

/// The same for the same envelope and the same state of the registry.
fn request_id(call: &Call<'_>, code: &str, version: i64) -> Uuid {
    let request = call.request;
    let parts = [&request.sig, &request.timestamp, &request.seq, code].map(str::as_bytes);
    derived(&[parts[0], parts[1], parts[2], parts[3], &version.to_be_bytes()])
}

/// The same id for the same parts.
pub(super) fn derived(parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

fn record(station: &Station, held: Option<StationRecord>) -> StationRecord {
    let held = held.unwrap_or_default();
    let open_date =
        if station.open_date.is_empty() { held.open_date.clone() } else { station.open_date.clone() };
    StationRecord {
        station_code: station.code.clone(),
        name: station.name.clone(),
        address: station.address.clone(),
        county: station.county.clone(),
        longitude_e6: station.longitude_e6,
        latitude_e6: station.latitude_e6,
        open_date,
        equipment: station.equipment.iter().map(equipment).collect(),
        station_type: station.station_type,
        station_status: station.station_status,
        construction: station.construction,
        park_nums: station.park_nums,
        service_phone: station.service_phone.clone(),
        guide: Some(guide(&station.guide)),
        // Start, finish, manager and phone: the protocol does not carry them.
        ..held
    }
}

fn guide(told: &Guide) -> StationGuide {
    StationGuide {
        business_hours: told.business_hours.clone(),
        electricity_fee: told.electricity_fee.clone(),
        service_fee: told.service_fee.clone(),
        park_fee: told.park_fee.clone(),
        payment: told.payment.clone(),
        park_info: told.park_info.clone(),
        directions: told.directions.clone(),
        vehicles: told.vehicles.clone(),
        station_phone: told.station_phone.clone(),
        bookable: told.bookable,
        remark: told.remark.clone(),
        pictures: told.pictures.clone(),
    }
}

fn equipment(device: &Equipment) -> EquipmentRecord {
    EquipmentRecord {
        equipment_id: device.code.clone(),
        connectors: device.connectors.iter().map(connector).collect(),
        equipment_type: device.equipment_type,
        power_watts: device.power_watts,
        name: device.name.clone(),
        model: device.model.clone(),
        manufacturer: device.manufacturer.clone(),
        manufacturer_code: device.manufacturer_code.clone(),
    }
}

fn connector(gun: &Connector) -> ConnectorRecord {
    ConnectorRecord {
        connector_id: gun.code.clone(),
        connector_type: gun.connector_type,
        power_watts: gun.power_watts,
        name: gun.name.clone(),
        voltage_upper_volts: gun.voltage_upper,
        voltage_lower_volts: gun.voltage_lower,
        current_amps: gun.current,
        national_standard: gun.national_standard,
        park_no: gun.park_no.clone(),
    }
}
