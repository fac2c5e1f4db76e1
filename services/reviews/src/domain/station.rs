//! The registry record of a station as it was when the application was created. Source: T01 "prefill from the registry".

use std::collections::BTreeSet;

use time::Date;
use uuid::Uuid;

use super::form::Form;

/// No county of the sample province reaches so far from its seat, and a degree mistyped is 90 km. Source: ui, section 6.
const COUNTY_METRES: f64 = 80_000.0;
/// Mean radius of the earth.
const EARTH_METRES: f64 = 6_371_000.0;

/// One connector of the station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// The operator's id of it (T/CEC 102 ConnectorID).
    pub id: String,
    /// The equipment that it belongs to.
    pub equipment_id: String,
    /// T/CEC 102 ConnectorType, 1..=6.
    pub kind: i32,
    /// Rated power, watts.
    pub power_watts: i64,
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Its identity.
    pub id: Uuid,
    /// The operator's own code (T/CEC 102 StationID).
    pub code: String,
    /// Name in the registry.
    pub name: String,
    /// Address in the registry.
    pub address: String,
    /// Division codes; they route the review (invariant 10).
    pub county: String,
    /// See `county`.
    pub prefecture: String,
    /// GCJ-02 in micro-degrees: longitude, latitude; none where the registry has none.
    pub coordinates: Option<(i64, i64)>,
    /// Where the seat of its county lies, WGS-84 in micro-degrees: longitude, latitude; none where nobody knows.
    pub seat: Option<(i64, i64)>,
    /// Rated power of all, watts.
    pub total_power_watts: i64,
    /// 开工时间, where known.
    pub start_date: Option<Date>,
    /// 完工时间, where known.
    pub finish_date: Option<Date>,
    /// 场站负责人, where known.
    pub manager: String,
    /// Phone, where known.
    pub manager_phone: String,
    /// Its connectors.
    pub connectors: Vec<Connector>,
    /// Version of the record.
    pub registry_version: i64,
}

impl Station {
    /// The form as the registry fills it. Source: T01.
    pub fn prefill(&self) -> Form {
        Form {
            station_name: self.name.clone(),
            address: self.address.clone(),
            coordinates: self.coordinates,
            connectors: self.connector_ids(),
            start_date: self.start_date,
            finish_date: self.finish_date,
            manager: self.manager.clone(),
            manager_phone: self.manager_phone.clone(),
        }
    }

    /// Whether a place can be in its county; every one can where nobody knows the seat. GCJ-02 and WGS-84 lie less than a
    /// kilometre apart.
    pub fn reaches(&self, place: (i64, i64)) -> bool {
        self.seat.is_none_or(|seat| metres(seat, place) <= COUNTY_METRES)
    }

    /// The connectors that may be applied for.
    pub fn connector_ids(&self) -> BTreeSet<String> {
        self.connectors.iter().map(|connector| connector.id.clone()).collect()
    }
}

/// Along the great circle between two places in micro-degrees.
fn metres(one: (i64, i64), other: (i64, i64)) -> f64 {
    let radians =
        |(wide, high): (i64, i64)| ((wide as f64 / 1e6).to_radians(), (high as f64 / 1e6).to_radians());
    let ((wide_one, high_one), (wide_other, high_other)) = (radians(one), radians(other));
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let chord = half(high_one - high_other) + high_one.cos() * high_other.cos() * half(wide_one - wide_other);
    2.0 * EARTH_METRES * chord.sqrt().min(1.0).asin()
}
