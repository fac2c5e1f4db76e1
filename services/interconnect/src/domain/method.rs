//! The methods that operators call, by every name that they go by; a link may have further ones. Source: interconnect protocol,
//! sections 12 to 15.

use std::collections::BTreeMap;

/// Path of a method that a link's system does not serve.
pub const NOT_SERVED: &str = "-";

/// A method that this platform serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `query_token`.
    Token,
    /// `notification_stationStatus`: connectors changed their status.
    Status,
    /// `notification_stationInfo`: stations with equipment and connectors.
    Stations,
    /// `notification_equip_charge_status`: a sample of a running charge.
    Charging,
    /// `notification_charge_order_info`: a finished charge.
    Order,
    /// `check_charge_orders`: yesterday's orders, to be compared.
    Check,
    /// `notification_realtime_power_info`: the power of stations, down to connectors.
    Power,
    /// `notification_start_charge_result`: what came of a start.
    Started,
    /// `notification_stop_charge_result`: what came of a stop.
    Stopped,
}

/// Path name and method. The government profile's prefix `supervise_` in front of pushes is unconfirmed; further names are those
/// of the link.
const NAMES: &[(&str, Method)] = &[
    ("query_token", Method::Token),
    ("notification_stationStatus", Method::Status),
    ("supervise_notification_station_status", Method::Status),
    ("notification_stationInfo", Method::Stations),
    ("notification_station_info", Method::Stations),
    ("supervise_notification_station_info", Method::Stations),
    ("notification_equip_charge_status", Method::Charging),
    ("supervise_notification_equip_charge_status", Method::Charging),
    ("notification_charge_order_info", Method::Order),
    ("supervise_notification_charge_order_info", Method::Order),
    ("check_charge_orders", Method::Check),
    ("check_charge_order", Method::Check),
    ("notification_realtime_power_info", Method::Power),
    ("supervise_notification_realtime_power_info", Method::Power),
    ("notification_start_charge_result", Method::Started),
    ("notification_stop_charge_result", Method::Stopped),
];

impl Method {
    /// Finds a method by the last part of its path.
    #[must_use]
    pub fn named(name: &str) -> Option<Method> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }

    /// Finds a method by the last part of its path, as a link's system names it first of all. `paths`: standard name to that of
    /// the link.
    #[must_use]
    pub fn on_link(name: &str, paths: &BTreeMap<String, String>) -> Option<Method> {
        let mut own = paths.iter().filter(|(_, path)| path.as_str() == name && name != NOT_SERVED);
        own.find_map(|(method, _)| Method::named(method)).or_else(|| Method::named(name))
    }

    /// What it is about, as stations counts it.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Token => "link",
            Self::Status => "status",
            Self::Stations => "station",
            Self::Charging | Self::Power | Self::Started | Self::Stopped => "telemetry",
            Self::Order => "order",
            Self::Check => "order_check",
        }
    }

    /// The standard's name; a label of metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, method)| *method == self).map_or("unknown", |(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_names_of_its_own_beside_those_of_the_standard() {
        let paths = [
            ("notification_stationStatus", "pushStatus"),
            ("notification_charge_order_info", "notification_stationInfo"),
            ("check_charge_orders", "-"),
            ("query_stations_info", "stations"),
        ];
        let paths: BTreeMap<String, String> =
            paths.map(|(method, path)| (method.to_owned(), path.to_owned())).into();
        for (name, method) in [
            ("pushStatus", Some(Method::Status)),
            ("notification_stationStatus", Some(Method::Status)),
            ("notification_stationInfo", Some(Method::Order)),
            ("check_charge_orders", Some(Method::Check)),
            ("-", None),
            ("stations", None),
        ] {
            assert_eq!(Method::on_link(name, &paths), method, "{name}");
        }
    }
}
