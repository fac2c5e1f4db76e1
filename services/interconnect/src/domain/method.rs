//! The methods that operators call, by every name that they go by. Source: interconnect protocol, sections 12 to 15.

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
}

/// Path name and method. The government profile's prefix `supervise_` in front of pushes is unconfirmed; further names
/// are settings.
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
];

impl Method {
    /// Finds a method by the last part of its path.
    #[must_use]
    pub fn named(name: &str) -> Option<Method> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }

    /// The standard's name; a label of metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, method)| *method == self).map_or("unknown", |(name, _)| *name)
    }
}
