//! The registry record of a station as it was when the application was created. Source: T01 "prefill from the registry".

use std::collections::BTreeSet;

use time::Date;
use uuid::Uuid;

use super::form::Form;

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

    /// The connectors that may be applied for.
    pub fn connector_ids(&self) -> BTreeSet<String> {
        self.connectors.iter().map(|connector| connector.id.clone()).collect()
    }
}
