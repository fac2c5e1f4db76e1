//! Each registry rule broken once.
use super::*;
use time::macros::{date, datetime};

const HENAN: Bounds = Bounds {
    longitude_e6_min: 110_300_000,
    longitude_e6_max: 116_700_000,
    latitude_e6_min: 31_300_000,
    latitude_e6_max: 36_400_000,
};
const TODAY: Date = date!(2026 - 11 - 26);

fn connector(code: &str) -> Connector {
    Connector {
        code: code.into(),
        connector_type: 4,
        power_watts: 120_000,
        name: String::new(),
        voltage_upper: 1000,
        voltage_lower: 200,
        current: 250,
        national_standard: 2,
        park_no: String::new(),
    }
}

fn station() -> Station {
    Station {
        code: "4101050001".into(),
        name: "花园路示例充电站".into(),
        address: "河南省郑州市金水区示例路1号".into(),
        county: "410105".into(),
        longitude_e6: 113_668_756,
        latitude_e6: 34_798_101,
        station_type: 1,
        station_status: 50,
        construction: 0,
        park_nums: 22,
        start_date: Some(date!(2025 - 10 - 08)),
        finish_date: Some(date!(2026 - 02 - 16)),
        open_date: Some(date!(2026 - 03 - 17)),
        manager: "站长01".into(),
        manager_phone: "19900010001".into(),
        service_phone: String::new(),
        guide: Guide::default(),
        equipment: vec![Equipment {
            code: "4101050001001".into(),
            equipment_type: 1,
            power_watts: 120_000,
            name: String::new(),
            model: String::new(),
            manufacturer: String::new(),
            manufacturer_code: String::new(),
            connectors: vec![connector("410105000100101"), connector("410105000100102")],
        }],
    }
}

fn findings(change: impl FnOnce(&mut Station)) -> Vec<(String, &'static str)> {
    let mut station = station();
    change(&mut station);
    examine(&station, &HENAN, TODAY).into_iter().map(|found| (found.field, found.refusal.reason())).collect()
}

#[test]
fn a_sample_station_is_taken_and_shared_power_counts_once() {
    assert_eq!(findings(|_| ()), vec![]);
    assert_eq!(station().total_power_watts(), 120_000);
}

#[test]
fn each_broken_field_is_named() {
    type Case = (fn(&mut Station), &'static str, &'static str);
    let cases: &[Case] = &[
        (|s| s.code = "x".repeat(21), "station_code", "too_long"),
        (|s| s.name = " ".into(), "name", "required"),
        (|s| s.address = "a\nb".into(), "address", "control_character"),
        (|s| s.county = String::new(), "county", "required"),
        (|s| s.longitude_e6 = 0, "longitude_e6", "coordinates_outside"),
        (|s| std::mem::swap(&mut s.longitude_e6, &mut s.latitude_e6), "longitude_e6", "coordinates_swapped"),
        (|s| s.station_type = 7, "station_type", "unknown_value"),
        (|s| s.station_status = 2, "station_status", "unknown_value"),
        (|s| s.park_nums = -1, "park_nums", "out_of_range"),
        (|s| s.finish_date = Some(date!(2025 - 10 - 07)), "finish_date", "dates_out_of_order"),
        (|s| s.finish_date = Some(date!(2026 - 11 - 27)), "finish_date", "date_in_future"),
        (|s| s.equipment.clear(), "equipment", "required"),
        (|s| s.equipment[0].manufacturer_code = "x".repeat(37), "equipment[0].manufacturer_code", "too_long"),
        (|s| s.equipment[0].connectors.clear(), "equipment[0].connectors", "required"),
        (|s| s.equipment[0].equipment_type = 9, "equipment[0].equipment_type", "unknown_value"),
        (
            |s| s.equipment[0].connectors[1].code = "410105000100101".into(),
            "equipment[0].connectors[1].connector_id",
            "repeated",
        ),
        (
            |s| s.equipment[0].connectors[0].connector_type = 0,
            "equipment[0].connectors[0].connector_type",
            "unknown_value",
        ),
        (
            |s| s.equipment[0].connectors[0].power_watts = 0,
            "equipment[0].connectors[0].power_watts",
            "out_of_range",
        ),
        (
            |s| s.equipment[0].connectors[0].power_watts = 120_001,
            "equipment[0].connectors[0].power_watts",
            "power_above_equipment",
        ),
        (
            |s| s.equipment[0].connectors[0].voltage_lower = 1001,
            "equipment[0].connectors[0].voltage_lower_volts",
            "voltage_out_of_order",
        ),
    ];
    for (change, field, reason) in cases {
        assert_eq!(findings(*change), vec![((*field).to_owned(), *reason)], "{field} {reason}");
    }
}

#[test]
fn all_findings_come_at_once() {
    assert_eq!(
        findings(|s| {
            s.name.clear();
            s.park_nums = -1;
        })
        .len(),
        2
    );
}

#[test]
fn older_source_times_and_stale_versions_lose() {
    let (early, late) = (datetime!(2026-11-26 08:00 UTC), datetime!(2026-11-26 09:00 UTC));
    assert_eq!(newer(Some(late), Some(early)), Err(Refusal::StaleSource));
    assert_eq!(newer(Some(early), Some(early)), Ok(()));
    assert_eq!(newer(Some(early), None), Ok(()));
    assert_eq!(same_version(3, Some(2)), Err(Refusal::StaleVersion { current: 3 }));
    assert_eq!(same_version(0, Some(0)), Ok(()));
    assert_eq!(same_version(3, None), Ok(()));
}
