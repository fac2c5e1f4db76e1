//! The outlet: facts about stations to subjects and messages, and the record as others keep it. Decides nothing.
use chassis::Announcement;
use prost::Message as _;
use proto::stations::{ConnectorRecord, EquipmentRecord, StationEvent, StationGuide, StationRecord};

use crate::domain::{
    connection::Standing,
    fact::{Fact, Subject},
    guide::Guide,
    registry::{Connector, Equipment, Registered, Station},
};

/// A fact as an announcement; `event_version` was taken under the station's lock.
#[must_use]
pub fn to_wire(fact: Fact, station: &Subject, standing: Standing, event_version: i64) -> Announcement {
    let subject = match fact {
        Fact::RegistryChanged => "stations.v1.registry_changed",
        Fact::Connected => "stations.v1.connected",
        Fact::WentOffline => "stations.v1.went_offline",
    };
    let payload = StationEvent {
        station_id: station.station_id.to_string(),
        operator_id: station.operator_id.to_string(),
        county: station.county.clone(),
        prefecture: station.prefecture.clone(),
        connection: standing.connection.name().to_owned(),
        connected_since: standing.since.map(|day| day.to_string()).unwrap_or_default(),
    };
    Announcement {
        aggregate_type: "station",
        aggregate_id: station.station_id,
        aggregate_version: event_version,
        subject: subject.to_owned(),
        kind: fact.name(),
        payload: payload.encode_to_vec(),
        round_id: None,
        policy_version: 0,
    }
}

/// A station as a message; `registered` is what the registry adds to it.
#[must_use]
pub fn record(registered: &Registered, station: &Station) -> StationRecord {
    let date = |date: Option<time::Date>| date.map(|date| date.to_string()).unwrap_or_default();
    StationRecord {
        station_id: registered.station_id.to_string(),
        operator_id: registered.operator_id.to_string(),
        station_code: station.code.clone(),
        name: station.name.clone(),
        address: station.address.clone(),
        county: station.county.clone(),
        prefecture: registered.prefecture.clone(),
        longitude_e6: station.longitude_e6,
        latitude_e6: station.latitude_e6,
        total_power_watts: station.total_power_watts(),
        start_date: date(station.start_date),
        finish_date: date(station.finish_date),
        open_date: date(station.open_date),
        manager: station.manager.clone(),
        manager_phone: station.manager_phone.clone(),
        equipment: station.equipment.iter().map(equipment).collect(),
        version: registered.version,
        station_type: station.station_type,
        station_status: station.station_status,
        construction: station.construction,
        park_nums: station.park_nums,
        service_phone: station.service_phone.clone(),
        guide: (station.guide != Guide::default()).then(|| guide(&station.guide)),
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
