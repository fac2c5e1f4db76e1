//! `notification_realtime_power_info`: the power of stations, down to connectors. Source: interconnect protocol, section 14.
use time::OffsetDateTime;

use super::status::CONNECTOR_ID_MAX;
use crate::domain::{
    fields::{Fields, Findings, Rule},
    link::Link,
};

/// Most of each in one message. Source: interconnect protocol, section 9.
const STATIONS_MAX: usize = 1_000;
const EQUIPMENT_MAX: usize = 2_000;
const CONNECTORS_MAX: usize = 50;
/// Connectors of a whole message: those of the largest operator of a province.
const ALL_MAX: usize = 50_000;

/// The power of one connector at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The operator's connector code.
    pub connector_id: String,
    /// ConnectorRealTimePower.
    pub power_watts: i64,
    /// DataTime of the connector, or else of its equipment or its station.
    pub at: OffsetDateTime,
}

/// Reads what was measured at connectors; sums of equipment and stations follow from it.
pub(super) fn read(fields: &Fields<'_>, link: &Link, findings: &mut Findings) -> Option<Vec<Measured>> {
    let mut all = Vec::new();
    for station in fields.needed_list(&["SupStationPowerInfos"], STATIONS_MAX, findings) {
        super::of_link(&station, link, findings);
        station.id(&["StationID"], 20, findings);
        let at = station.time(&["DataTime"], findings);
        for device in station.list(&["EquipmentPowerInfos"], EQUIPMENT_MAX, findings) {
            let at = device.time(&["DataTime"], findings).or(at);
            for gun in device.list(&["ConnectorPowerInfos"], CONNECTORS_MAX, findings) {
                all.extend(measured(&gun, at, findings));
            }
        }
        if all.len() > ALL_MAX {
            findings.fault(fields.path("SupStationPowerInfos"), Rule::Count);
            break;
        }
    }
    Some(all)
}

fn measured(gun: &Fields<'_>, above: Option<OffsetDateTime>, findings: &mut Findings) -> Option<Measured> {
    let at = match above {
        Some(above) => gun.time(&["DataTime"], findings).or(Some(above)),
        None => gun.needed_time(&["DataTime"], findings),
    };
    Some(Measured {
        connector_id: gun.id(&["ConnectorID"], CONNECTOR_ID_MAX, findings),
        power_watts: gun.needed_decimal(&["ConnectorRealTimePower"], 3, 3, findings).unwrap_or_default(),
        at: at?,
    })
}
