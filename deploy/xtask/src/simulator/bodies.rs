//! Stations, statuses, samples and orders as bodies of T/CEC 102.
//!
//! Owns: names, units and digits of the protocol. Source: interconnect protocol, sections 9, 11 to 13.
use prost_types::Timestamp;
use proto::stations::{OrderItem, StationRecord, StatusItem};
use serde_json::{Value, json};

use super::{envelope::local, network::Sample};

/// Given where a record has no service phone, which the protocol demands.
const SERVICE_PHONE: &str = "400-000-0000";

fn time(at: Option<Timestamp>) -> String {
    local(at.map_or(0, |at| at.seconds))
}

/// kWh with two digits, as the standard sends an energy; also yuan of fen.
fn hundredths(number: i64) -> f64 {
    number as f64 / 100.0
}

/// Any number of reports in one `notification_stationStatus`: an object where it is one, as most systems send it.
pub fn statuses(items: &[StatusItem]) -> Value {
    let report = |item: &StatusItem| json!({ "ConnectorID": item.connector_id, "Status": item.status, "UpdateTime": time(item.source_time) });
    match items {
        [one] => json!({ "ConnectorStatusInfo": report(one) }),
        several => json!({ "ConnectorStatusInfos": several.iter().map(report).collect::<Vec<_>>() }),
    }
}

/// A sample of a connector that charges, for `notification_equip_charge_status`.
pub fn sample(sample: &Sample) -> Value {
    let item = &sample.item;
    let mut body = json!({
        "StartChargeSeq": item.order_no, "StartChargeSeqStat": 2, "ConnectorID": item.connector_id,
        "ConnectorStatus": 3, "CurrentA": f64::from(item.current_deciamperes) / 10.0,
        "VoltageA": f64::from(item.voltage_decivolts) / 10.0, "StartTime": time(Some(sample.session_start)),
        "EndTime": time(item.sample_time), "TotalPower": hundredths(item.energy_wh / 10),
    });
    if let Some(percent) = item.soc_percent {
        body["Soc"] = json!(percent);
    }
    body
}

/// A finished charge for `notification_charge_order_info`; its energy is a multiple of 10 Wh.
pub fn order(item: &OrderItem) -> Value {
    json!({
        "StartChargeSeq": item.order_no, "ConnectorID": item.connector_id, "StartTime": time(item.start_time),
        "EndTime": time(item.end_time), "TotalPower": hundredths(item.energy_wh / 10),
        "TotalElecMoney": hundredths(item.electricity_fen), "TotalSeviceMoney": hundredths(item.service_fen),
        "TotalMoney": hundredths(item.total_fen), "StopReason": item.stop_reason,
    })
}

/// A registry record as the StationInfo of the protocol.
pub fn station_info(record: &StationRecord, organisation: &str) -> Value {
    let degrees = |micro: i64| format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    let kilowatts = |watts: i64| format!("{}.{:01}", watts / 1_000, watts % 1_000 / 100);
    let devices: Vec<Value> = record
        .equipment
        .iter()
        .map(|device| {
            let guns: Vec<Value> = device
                .connectors
                .iter()
                .map(|gun| {
                    json!({
                        "ConnectorID": gun.connector_id, "ConnectorType": gun.connector_type,
                        "VoltageUpperLimits": gun.voltage_upper_volts, "VoltageLowerLimits": gun.voltage_lower_volts,
                        "Current": gun.current_amps, "Power": kilowatts(gun.power_watts),
                        "NationalStandard": gun.national_standard,
                    })
                })
                .collect();
            json!({
                "EquipmentID": device.equipment_id, "EquipmentType": device.equipment_type,
                "Power": kilowatts(device.power_watts), "ConnectorInfos": guns,
            })
        })
        .collect();
    let phone: &str = if record.service_phone.is_empty() { SERVICE_PHONE } else { &record.service_phone };
    json!({
        "StationID": record.station_code, "OperatorID": organisation, "EquipmentOwnerID": organisation,
        "StationName": record.name, "CountryCode": "CN", "AreaCode": record.county, "Address": record.address,
        "ServiceTel": phone, "StationType": record.station_type, "StationStatus": record.station_status,
        "ParkNums": record.park_nums, "StationLng": degrees(record.longitude_e6),
        "StationLat": degrees(record.latitude_e6), "Construction": record.construction, "EquipmentInfos": devices,
    })
}
