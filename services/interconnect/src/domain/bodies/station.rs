//! `notification_stationInfo`, and each element of a page of stations. Source: interconnect protocol, sections 11 and 14.
use super::status::CONNECTOR_ID_MAX;
use crate::domain::{
    envelope::OPERATOR_ID_LEN,
    fields::{Fields, Findings},
    link::Link,
};

/// Most of each in one message. Source: interconnect protocol, section 9.
const STATIONS_MAX: usize = 1000;
const EQUIPMENT_MAX: usize = 2000;
const CONNECTORS_MAX: usize = 50;
/// Most pictures that stations keeps, and longest address of one.
const PICTURES_MAX: usize = 20;
const PICTURE_MAX: usize = 512;

/// A station with its equipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// StationID.
    pub code: String,
    /// StationName.
    pub name: String,
    /// First six digits of AreaCode.
    pub county: String,
    /// Address.
    pub address: String,
    /// ServiceTel.
    pub service_phone: String,
    /// StationType; unknown numbers are 255 (other).
    pub station_type: i32,
    /// StationStatus; unknown numbers are 0 (unknown).
    pub station_status: i32,
    /// ParkNums.
    pub park_nums: i32,
    /// Micro-degrees GCJ-02.
    pub longitude_e6: i64,
    /// Micro-degrees GCJ-02.
    pub latitude_e6: i64,
    /// Construction; unknown numbers are 255 (other).
    pub construction: i32,
    /// OfficialRunTime `yyyy-MM-dd`; empty where not sent.
    pub open_date: String,
    /// What drivers are told.
    pub guide: Guide,
    /// EquipmentInfos.
    pub equipment: Vec<Equipment>,
}

/// What drivers are told, in words; empty where not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guide {
    /// BusineHours.
    pub business_hours: String,
    /// ElectricityFee.
    pub electricity_fee: String,
    /// ServiceFee.
    pub service_fee: String,
    /// ParkFee.
    pub park_fee: String,
    /// Payment.
    pub payment: String,
    /// ParkInfo.
    pub park_info: String,
    /// SiteGuide.
    pub directions: String,
    /// MatchCars.
    pub vehicles: String,
    /// StationTel.
    pub station_phone: String,
    /// SupportOrder is 1.
    pub bookable: bool,
    /// Remark.
    pub remark: String,
    /// Pictures: where they are.
    pub pictures: Vec<String>,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equipment {
    /// EquipmentID.
    pub code: String,
    /// EquipmentType; unknown numbers are 5 (other).
    pub equipment_type: i32,
    /// Power in watts.
    pub power_watts: i64,
    /// EquipmentName.
    pub name: String,
    /// EquipmentModel.
    pub model: String,
    /// ManufacturerName.
    pub manufacturer: String,
    /// ManufacturerID.
    pub manufacturer_code: String,
    /// ConnectorInfos.
    pub connectors: Vec<Connector>,
}

/// A connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// ConnectorID.
    pub code: String,
    /// ConnectorName.
    pub name: String,
    /// ConnectorType; unknown numbers are 6 (other).
    pub connector_type: i32,
    /// Power in watts.
    pub power_watts: i64,
    /// Volts.
    pub voltage_upper: i32,
    /// Volts.
    pub voltage_lower: i32,
    /// Amperes.
    pub current: i32,
    /// NationalStandard; unknown numbers are 255 (other).
    pub national_standard: i32,
    /// ParkNo.
    pub park_no: String,
}

pub(super) fn read(fields: &Fields<'_>, link: &Link, findings: &mut Findings) -> Option<Vec<Station>> {
    let stations = fields.needed_list(&["StationInfo", "StationInfos"], STATIONS_MAX, findings);
    Some(stations.iter().map(|station| one(station, link, findings)).collect())
}

/// Reads one station; its faults stand in the findings.
pub fn one(fields: &Fields<'_>, link: &Link, findings: &mut Findings) -> Station {
    fields.id(&["OperatorID"], OPERATOR_ID_LEN, findings);
    super::of_link(fields, link, findings);
    fields.needed(&["EquipmentOwnerID"], OPERATOR_ID_LEN, findings);
    let known = |names: &[&str], known: &[i64], other: i32, findings: &mut Findings| {
        let number = fields.needed_integer(names, findings).unwrap_or_default();
        narrowed(number, known, other, fields, names[0], findings)
    };
    let types = [1, 50, 100, 101, 102, 103, 104, 105, 106, 255];
    let places = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255];
    let station_type = known(&["StationType"], &types, 255, findings);
    let station_status = known(&["StationStatus"], &[0, 1, 5, 6, 50], 0, findings);
    let construction = known(&["Construction"], &places, 255, findings);
    let area = fields.needed(&["AreaCode"], 20, findings);
    let devices = fields.needed_list(&["EquipmentInfos", "EquipmentInfo"], EQUIPMENT_MAX, findings);
    Station {
        code: fields.id(&["StationID"], 20, findings),
        name: fields.needed(&["StationName"], 50, findings),
        county: area.chars().take(6).collect(),
        address: fields.needed(&["Address"], 50, findings),
        service_phone: fields.needed(&["ServiceTel"], 30, findings),
        station_type,
        station_status,
        park_nums: whole(fields, &["ParkNums"], findings),
        longitude_e6: fields.needed_decimal(&["StationLng"], 6, 8, findings).unwrap_or_default(),
        latitude_e6: fields.needed_decimal(&["StationLat"], 6, 8, findings).unwrap_or_default(),
        construction,
        open_date: fields.text(&["OfficialRunTime"], 10, findings),
        guide: guide(fields, findings),
        equipment: devices.iter().map(|device| equipment(device, findings)).collect(),
    }
}

fn guide(fields: &Fields<'_>, findings: &mut Findings) -> Guide {
    let hours = ["BusineHours", "BusinessHours", "BusineHours724", "BusineHoursFormat"];
    // Whatever else it says is no promise to anybody.
    let booking = fields.integer(&["SupportOrder"], &mut Findings::default());
    let pictures = fields.addresses(&["Pictures"], PICTURE_MAX, PICTURES_MAX, findings);
    let mut words = |names: &[&str], max| fields.words(names, max, findings);
    Guide {
        business_hours: words(&hours, 100),
        electricity_fee: words(&["ElectricityFee"], 256),
        service_fee: words(&["ServiceFee"], 100),
        park_fee: words(&["ParkFee"], 100),
        payment: words(&["Payment"], 20),
        park_info: words(&["ParkInfo"], 100),
        directions: words(&["SiteGuide"], 100),
        vehicles: words(&["MatchCars"], 100),
        station_phone: words(&["StationTel"], 30),
        bookable: booking == Some(1),
        remark: words(&["Remark"], 100),
        pictures,
    }
}

fn equipment(fields: &Fields<'_>, findings: &mut Findings) -> Equipment {
    let kind = fields.needed_integer(&["EquipmentType"], findings).unwrap_or_default();
    let connectors = fields.needed_list(&["ConnectorInfos", "ConnectorInfo"], CONNECTORS_MAX, findings);
    Equipment {
        code: fields.id(&["EquipmentID"], 23, findings),
        equipment_type: narrowed(kind, &[1, 2, 3, 4, 5], 5, fields, "EquipmentType", findings),
        power_watts: fields.needed_decimal(&["Power"], 3, 3, findings).unwrap_or_default(),
        name: fields.text(&["EquipmentName"], 30, findings),
        model: fields.text(&["EquipmentModel", "EquipmentMode"], 20, findings),
        manufacturer: fields.text(&["ManufacturerName"], 30, findings),
        manufacturer_code: fields.words(&["ManufacturerID"], OPERATOR_ID_LEN, findings),
        connectors: connectors.iter().map(|gun| connector(gun, findings)).collect(),
    }
}

fn connector(fields: &Fields<'_>, findings: &mut Findings) -> Connector {
    let kind = fields.needed_integer(&["ConnectorType"], findings).unwrap_or_default();
    let standard = fields.needed_integer(&["NationalStandard"], findings).unwrap_or_default();
    Connector {
        code: fields.id(&["ConnectorID"], CONNECTOR_ID_MAX, findings),
        name: fields.text(&["ConnectorName"], 30, findings),
        connector_type: narrowed(kind, &[1, 2, 3, 4, 5, 6], 6, fields, "ConnectorType", findings),
        power_watts: fields.needed_decimal(&["Power"], 3, 3, findings).unwrap_or_default(),
        voltage_upper: whole(fields, &["VoltageUpperLimits"], findings),
        voltage_lower: whole(fields, &["VoltageLowerLimits"], findings),
        current: whole(fields, &["Current"], findings),
        national_standard: narrowed(standard, &[1, 2, 3, 4, 255], 255, fields, "NationalStandard", findings),
        park_no: fields.text(&["ParkNo"], 10, findings),
    }
}

/// A mandatory whole number, also sent with zero fraction digits.
fn whole(fields: &Fields<'_>, names: &[&str], findings: &mut Findings) -> i32 {
    let number = fields.needed_decimal(names, 0, 3, findings).unwrap_or_default();
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// An unknown number stands for "other"; that is odd, and taken.
fn narrowed(
    number: i64,
    known: &[i64],
    other: i32,
    fields: &Fields<'_>,
    name: &str,
    findings: &mut Findings,
) -> i32 {
    if known.contains(&number) {
        return i32::try_from(number).unwrap_or(other);
    }
    findings.odd(fields.path(name), "unknown_number");
    other
}
