//! What a station with its equipment and connectors must look like before it enters the registry.
//!
//! Names, limits and enumerations follow T/CEC 102 (interconnect sections 10, 11, 18). Who may register and what
//! is held already are questions for `app`.
use std::collections::HashSet;

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    Finding, Refusal,
    bounds::Bounds,
    guide::{self, Guide},
    text,
};

/// Longest StationID, EquipmentID, ConnectorID in characters. Source: interconnect section 11.
pub const STATION_CODE_MAX: usize = 20;
/// See [`STATION_CODE_MAX`].
pub const EQUIPMENT_CODE_MAX: usize = 23;
/// See [`STATION_CODE_MAX`].
pub const CONNECTOR_CODE_MAX: usize = 26;
/// Most equipments a station, most connectors an equipment. Source: interconnect section 9.
pub const EQUIPMENT_MAX: usize = 2000;
/// See [`EQUIPMENT_MAX`].
pub const CONNECTORS_MAX: usize = 50;
/// 2000 kW, the strongest connector or equipment. Source: interconnect section 18, group A.
pub const POWER_WATTS_MAX: i64 = 2_000_000;
/// Names: four times the standard's 50 characters. Source: interconnect section 9, string length.
const NAME_MAX: usize = 200;
const SHORT_MAX: usize = 120;
/// Four times the nine characters of an organisation code, as everywhere: it is kept, and nothing depends on it.
const MAKER_CODE_MAX: usize = 36;
const PHONE_MAX: usize = 32;
/// StationType, Construction and StationStatus. Source: interconnect section 10; 0 is "not said" or "unknown".
const STATION_TYPES: &[i32] = &[0, 1, 50, 100, 101, 102, 103, 104, 105, 106, 255];
const CONSTRUCTIONS: &[i32] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255];
const STATION_STATUSES: &[i32] = &[0, 1, 5, 6, 50];
/// NationalStandard; 0 is "not said".
const NATIONAL_STANDARDS: &[i32] = &[0, 1, 2, 3, 4, 255];

/// A station as its operator describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// The operator's own code (T/CEC StationID).
    pub code: String,
    /// Shown name.
    pub name: String,
    /// Postal address.
    pub address: String,
    /// County-level division code; routes the review.
    pub county: String,
    /// Micro-degrees GCJ-02.
    pub longitude_e6: i64,
    /// Micro-degrees GCJ-02.
    pub latitude_e6: i64,
    /// StationType; 0 where not said.
    pub station_type: i32,
    /// StationStatus; 0 unknown.
    pub station_status: i32,
    /// Construction (place); 0 where not said.
    pub construction: i32,
    /// Parking spaces; 0 unknown.
    pub park_nums: i32,
    /// Start of the building works.
    pub start_date: Option<Date>,
    /// End of the building works.
    pub finish_date: Option<Date>,
    /// Opening to the public.
    pub open_date: Option<Date>,
    /// 场站负责人; personal, never in events or logs.
    pub manager: String,
    /// Phone of the manager; personal.
    pub manager_phone: String,
    /// Service phone of the station.
    pub service_phone: String,
    /// What drivers are told.
    pub guide: Guide,
    /// The devices.
    pub equipment: Vec<Equipment>,
}

/// What the registry adds to a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id in the platform.
    pub station_id: Uuid,
    /// Whose it is.
    pub operator_id: Uuid,
    /// Prefecture that the county belongs to.
    pub prefecture: String,
    /// Of the record, from 1.
    pub version: i64,
}

/// One charging device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equipment {
    /// T/CEC EquipmentID.
    pub code: String,
    /// EquipmentType: 1 DC, 2 AC, 3 both, 4 wireless, 5 other.
    pub equipment_type: i32,
    /// Rated power in watts, total of the device.
    pub power_watts: i64,
    /// Shown name.
    pub name: String,
    /// Model.
    pub model: String,
    /// Maker.
    pub manufacturer: String,
    /// Organisation code of the maker (T/CEC ManufacturerID).
    pub manufacturer_code: String,
    /// Its connectors.
    pub connectors: Vec<Connector>,
}

/// One connector (gun) of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// T/CEC ConnectorID.
    pub code: String,
    /// ConnectorType 1 to 6.
    pub connector_type: i32,
    /// Rated power in watts.
    pub power_watts: i64,
    /// Shown name.
    pub name: String,
    /// Volts; 0 where not said.
    pub voltage_upper: i32,
    /// Volts; 0 where not said.
    pub voltage_lower: i32,
    /// Amperes; 0 where not said.
    pub current: i32,
    /// NationalStandard; 0 where not said.
    pub national_standard: i32,
    /// Number of the parking space.
    pub park_no: String,
}

impl Station {
    /// Rated power of the station in watts: the sum over its equipment (connectors may share a device's power).
    #[must_use]
    pub fn total_power_watts(&self) -> i64 {
        self.equipment.iter().map(|device| device.power_watts).sum()
    }
}

/// Everything that is wrong with a station; empty when it may enter the registry.
///
/// `today` is the day in Asia/Shanghai. Whether the county exists is checked against the divisions in `app`.
#[must_use]
pub fn examine(station: &Station, province: &Bounds, today: Date) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.add("station_code", text::identifier(&station.code, STATION_CODE_MAX));
    findings.add("name", text::required(&station.name, NAME_MAX));
    findings.add("address", text::required(&station.address, NAME_MAX));
    findings.add("county", text::identifier(&station.county, 6));
    findings.add("longitude_e6", coordinates(station, province));
    findings.add("station_type", one_of(station.station_type, STATION_TYPES));
    findings.add("station_status", one_of(station.station_status, STATION_STATUSES));
    findings.add("construction", one_of(station.construction, CONSTRUCTIONS));
    findings.add("park_nums", within(i64::from(station.park_nums), 0, 100_000));
    findings.add("manager", text::optional(&station.manager, SHORT_MAX));
    findings.add("manager_phone", text::optional(&station.manager_phone, PHONE_MAX));
    findings.add("service_phone", text::optional(&station.service_phone, PHONE_MAX));
    dates(station, today, &mut findings);
    findings.0.extend(guide::examine(&station.guide));
    if station.equipment.is_empty() {
        findings.add("equipment", Err(Refusal::Required));
    }
    if station.equipment.len() > EQUIPMENT_MAX {
        findings.add("equipment", Err(Refusal::TooMany { max: EQUIPMENT_MAX }));
    }
    let mut devices = HashSet::new();
    let mut guns = HashSet::new();
    for (index, device) in station.equipment.iter().take(EQUIPMENT_MAX).enumerate() {
        let path = format!("equipment[{index}]");
        equipment(&path, device, &mut findings);
        if !devices.insert(device.code.as_str()) {
            findings.add(&format!("{path}.equipment_id"), Err(Refusal::Repeated));
        }
        for (at, gun) in device.connectors.iter().take(CONNECTORS_MAX).enumerate() {
            let path = format!("{path}.connectors[{at}]");
            connector(&path, gun, device, &mut findings);
            if !guns.insert(gun.code.as_str()) {
                findings.add(&format!("{path}.connector_id"), Err(Refusal::Repeated));
            }
        }
    }
    findings.0
}

/// A change that carries the time of the operator's system loses against newer data that is held.
///
/// Source: interconnect section 8, station info. Error: [`Refusal::StaleSource`].
pub fn newer(held: Option<OffsetDateTime>, sent: Option<OffsetDateTime>) -> Result<(), Refusal> {
    match (held, sent) {
        (Some(held), Some(sent)) if sent < held => Err(Refusal::StaleSource),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// The caller changes the version that it has seen; 0 means that there must be none yet, absent means any.
///
/// Error: [`Refusal::StaleVersion`].
pub fn same_version(current: i64, expected: Option<i64>) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != current => Err(Refusal::StaleVersion { current }),
        Some(_) | None => Ok(()),
    }
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, field: &str, result: Result<(), Refusal>) {
        if let Err(refusal) = result {
            self.0.push(Finding::new(field, refusal));
        }
    }
}

fn coordinates(station: &Station, province: &Bounds) -> Result<(), Refusal> {
    if province.contain(station.longitude_e6, station.latitude_e6) {
        return Ok(());
    }
    if province.contain(station.latitude_e6, station.longitude_e6) {
        return Err(Refusal::CoordinatesSwapped);
    }
    Err(Refusal::CoordinatesOutside)
}

fn dates(station: &Station, today: Date, findings: &mut Findings) {
    for (field, date) in [("start_date", station.start_date), ("finish_date", station.finish_date)] {
        if date.is_some_and(|date| date > today) {
            findings.add(field, Err(Refusal::DateInFuture));
        }
    }
    if matches!((station.start_date, station.finish_date), (Some(start), Some(finish)) if finish < start) {
        findings.add("finish_date", Err(Refusal::DatesOutOfOrder));
    }
    if matches!((station.start_date, station.open_date), (Some(start), Some(open)) if open < start) {
        findings.add("open_date", Err(Refusal::DatesOutOfOrder));
    }
}

fn equipment(path: &str, device: &Equipment, findings: &mut Findings) {
    findings.add(&format!("{path}.equipment_id"), text::identifier(&device.code, EQUIPMENT_CODE_MAX));
    findings.add(&format!("{path}.equipment_type"), one_of(device.equipment_type, &[1, 2, 3, 4, 5]));
    findings.add(&format!("{path}.power_watts"), within(device.power_watts, 1, POWER_WATTS_MAX));
    findings.add(&format!("{path}.name"), text::optional(&device.name, SHORT_MAX));
    findings.add(&format!("{path}.model"), text::optional(&device.model, SHORT_MAX));
    findings.add(&format!("{path}.manufacturer"), text::optional(&device.manufacturer, SHORT_MAX));
    let code = text::optional(&device.manufacturer_code, MAKER_CODE_MAX);
    findings.add(&format!("{path}.manufacturer_code"), code);
    if device.connectors.is_empty() {
        findings.add(&format!("{path}.connectors"), Err(Refusal::Required));
    }
    if device.connectors.len() > CONNECTORS_MAX {
        findings.add(&format!("{path}.connectors"), Err(Refusal::TooMany { max: CONNECTORS_MAX }));
    }
}

fn connector(path: &str, gun: &Connector, device: &Equipment, findings: &mut Findings) {
    findings.add(&format!("{path}.connector_id"), text::identifier(&gun.code, CONNECTOR_CODE_MAX));
    findings.add(&format!("{path}.connector_type"), one_of(gun.connector_type, &[1, 2, 3, 4, 5, 6]));
    let power = within(gun.power_watts, 1, POWER_WATTS_MAX).and(if gun.power_watts > device.power_watts {
        Err(Refusal::PowerAboveEquipment)
    } else {
        Ok(())
    });
    findings.add(&format!("{path}.power_watts"), power);
    findings.add(&format!("{path}.name"), text::optional(&gun.name, SHORT_MAX));
    findings.add(&format!("{path}.voltage_upper_volts"), within(i64::from(gun.voltage_upper), 0, 10_000));
    let lower = within(i64::from(gun.voltage_lower), 0, 10_000)
        .and(if gun.voltage_lower > gun.voltage_upper { Err(Refusal::VoltageOutOfOrder) } else { Ok(()) });
    findings.add(&format!("{path}.voltage_lower_volts"), lower);
    findings.add(&format!("{path}.current_amps"), within(i64::from(gun.current), 0, 10_000));
    findings.add(&format!("{path}.national_standard"), one_of(gun.national_standard, NATIONAL_STANDARDS));
    findings.add(&format!("{path}.park_no"), text::optional(&gun.park_no, 40));
}

fn one_of(value: i32, known: &[i32]) -> Result<(), Refusal> {
    if known.contains(&value) { Ok(()) } else { Err(Refusal::UnknownValue) }
}

fn within(value: i64, min: i64, max: i64) -> Result<(), Refusal> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(Refusal::OutOfRange { min, max }) }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
