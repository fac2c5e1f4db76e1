//! One row of `stations` and what it means.
use chassis::Failure;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::domain::{
    connection::Standing,
    fact::Subject,
    guide::Guide,
    registry::{Equipment, Registered, Station},
};

/// One row, without equipment.
#[derive(Debug, Clone)]
pub struct Row {
    /// Key.
    pub station_id: Uuid,
    /// Whose.
    pub operator_id: Uuid,
    /// The operator's code.
    pub code: String,
    /// Shown name.
    pub name: String,
    /// Postal address.
    pub address: String,
    /// County code.
    pub county: String,
    /// Prefecture code.
    pub prefecture: String,
    /// Micro-degrees.
    pub longitude_e6: i64,
    /// Micro-degrees.
    pub latitude_e6: i64,
    /// Sum over equipment.
    pub total_power_watts: i64,
    /// Connectors in force.
    pub connector_count: i32,
    /// T/CEC code.
    pub station_type: i32,
    /// T/CEC code.
    pub station_status: i32,
    /// T/CEC code.
    pub construction: i32,
    /// Parking spaces.
    pub park_nums: i32,
    /// Start of works.
    pub start_date: Option<Date>,
    /// End of works.
    pub finish_date: Option<Date>,
    /// Opening.
    pub open_date: Option<Date>,
    /// Personal.
    pub manager: String,
    /// Personal.
    pub manager_phone: String,
    /// Public phone.
    pub service_phone: String,
    /// In force.
    pub active: bool,
    /// Of the record.
    pub version: i64,
    /// Of the events.
    pub event_version: i64,
    /// Standing fact.
    pub connection: String,
    /// First day.
    pub connected_since: Option<Date>,
    /// Of the operator's system.
    pub source_time: Option<OffsetDateTime>,
    /// Last change.
    pub updated_at: OffsetDateTime,
}

impl Row {
    /// The standing fact.
    ///
    /// # Errors
    /// Internal, when the row holds an impossible name.
    pub fn standing(&self) -> Result<Standing, Failure> {
        super::super::standing(&self.connection, self.connected_since, self.station_id)
    }

    /// What an event says about it.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            station_id: self.station_id,
            operator_id: self.operator_id,
            county: self.county.clone(),
            prefecture: self.prefecture.clone(),
        }
    }

    /// What the registry adds to the record.
    #[must_use]
    pub fn registered(&self) -> Registered {
        Registered {
            station_id: self.station_id,
            operator_id: self.operator_id,
            prefecture: self.prefecture.clone(),
            version: self.version,
        }
    }

    /// The record as its operator described it, with the equipment and the guide that were read beside it.
    #[must_use]
    pub fn station(&self, equipment: Vec<Equipment>, guide: Guide) -> Station {
        Station {
            code: self.code.clone(),
            name: self.name.clone(),
            address: self.address.clone(),
            county: self.county.clone(),
            longitude_e6: self.longitude_e6,
            latitude_e6: self.latitude_e6,
            station_type: self.station_type,
            station_status: self.station_status,
            construction: self.construction,
            park_nums: self.park_nums,
            start_date: self.start_date,
            finish_date: self.finish_date,
            open_date: self.open_date,
            manager: self.manager.clone(),
            manager_phone: self.manager_phone.clone(),
            service_phone: self.service_phone.clone(),
            guide,
            equipment,
        }
    }
}
