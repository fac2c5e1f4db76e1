//! What operators' systems answer about past days: energy of a station, and the orders that they dispute.
//!
//! Source: interconnect protocol, sections 11.8, 12 and 13.
use time::Date;

use super::status::CONNECTOR_ID_MAX;
use crate::domain::{
    fields::{Fields, Findings, Rule, date},
    json::Members,
};

/// Longest StationID. Source: interconnect protocol, section 11.2.
const STATION_ID_MAX: usize = 20;
/// Most of each in one answer. Source: interconnect protocol, section 9.
const EQUIPMENT_MAX: usize = 2000;
const CONNECTORS_MAX: usize = 50;
/// Disputes of one answer; no list has more orders.
const DISPUTES_MAX: usize = 30_000;
/// Largest DisputeReason. Source: interconnect protocol, section 10.
const REASON_MAX: i64 = 99;

/// The answer to `query_station_stats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// StationID.
    pub station_code: String,
    /// StartTime and EndTime, where they were sent.
    pub days: Option<(Date, Date)>,
    /// StationElectricity, Wh.
    pub energy_wh: i64,
    /// ConnectorID and ConnectorElectricity, Wh, as far as they were sent.
    pub connectors: Vec<(String, i64)>,
}

/// Reads the energy of a station.
///
/// # Errors
/// What is missing or wrong, with the paths.
pub fn statistics(members: &Members) -> Result<Statistics, Findings> {
    let (fields, mut findings) = (Fields::of(members), Findings::default());
    let stats = fields.needed_list(&["StationStats"], 1, &mut findings);
    let Some(stats) = stats.into_iter().next() else { return Err(findings) };
    let station_code = stats.id(&["StationID"], STATION_ID_MAX, &mut findings);
    let days = [&["StartTime"], &["EndTime"]].map(|name| {
        let text = stats.text(name, 19, &mut findings);
        if !text.is_empty() && date(&text).is_none() {
            findings.fault(stats.path(name[0]), Rule::Time);
        }
        date(&text)
    });
    let energy_wh = energy(&stats, "StationElectricity", &mut findings);
    let mut connectors = Vec::new();
    for device in stats.list(&["EquipmentStatsInfos"], EQUIPMENT_MAX, &mut findings) {
        for gun in device.list(&["ConnectorStatsInfos"], CONNECTORS_MAX, &mut findings) {
            let id = gun.id(&["ConnectorID"], CONNECTOR_ID_MAX, &mut findings);
            connectors.push((id, energy(&gun, "ConnectorElectricity", &mut findings)));
        }
    }
    if !findings.faults.is_empty() {
        return Err(findings);
    }
    Ok(Statistics { station_code, days: days[0].zip(days[1]), energy_wh, connectors })
}

/// A mandatory energy in Wh; none is below zero.
fn energy(fields: &Fields<'_>, name: &str, findings: &mut Findings) -> i64 {
    let wh = fields.needed_decimal(&[name], 3, 4, findings).unwrap_or_default();
    if wh < 0 {
        findings.fault(fields.path(name), Rule::Digits);
    }
    wh
}

/// The answer to `check_charge_orders`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disputes {
    /// CheckOrderSeq.
    pub check_no: String,
    /// TotalDisputeOrder.
    pub count: i64,
    /// Those orders.
    pub disputes: Vec<Dispute>,
}

/// One order that is disputed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Order number.
    pub order_no: String,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub total_fen: i64,
    /// DisputeReason, 1 to 99.
    pub reason: i32,
}

/// Reads which orders are disputed.
///
/// # Errors
/// What is missing or wrong, with the paths.
pub fn disputes(members: &Members) -> Result<Disputes, Findings> {
    let (fields, mut findings) = (Fields::of(members), Findings::default());
    let check_no = fields.id(&["CheckOrderSeq"], super::ORDER_NO_MAX, &mut findings);
    let count = fields.needed_integer(&["TotalDisputeOrder"], &mut findings).unwrap_or_default();
    let mut disputes = Vec::new();
    for line in fields.list(&["DisputeOrders"], DISPUTES_MAX, &mut findings) {
        let reason = line.needed_integer(&["DisputeReason"], &mut findings).unwrap_or_default();
        if !(1..=REASON_MAX).contains(&reason) {
            findings.fault(line.path("DisputeReason"), Rule::Enumeration);
        }
        let mut amount = |names: &[&str], places| {
            let read = line.needed_decimal(names, places, 4, &mut findings).unwrap_or_default();
            if read < 0 {
                findings.fault(line.path(names[0]), Rule::Digits);
            }
            read
        };
        let (energy_wh, total_fen) = (amount(&["TotalPower", "TotalElect"], 3), amount(&["TotalMoney"], 2));
        disputes.push(Dispute {
            order_no: super::order_no(&line, &mut findings),
            energy_wh,
            total_fen,
            reason: i32::try_from(reason).unwrap_or_default(),
        });
    }
    if !findings.faults.is_empty() {
        return Err(findings);
    }
    Ok(Disputes { check_no, count, disputes })
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::domain::json::{self, Value};

    fn members(text: &str) -> Members {
        match json::parse(text) {
            Ok(Value::Object(members)) => members,
            other => panic!("{other:?}"),
        }
    }

    fn paths(findings: Findings) -> Vec<String> {
        findings.faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn the_energy_of_a_station_is_read_with_that_of_its_connectors() {
        let text = r#"{"StationStats":{"StationID":"S1","StartTime":"2026-11-26","EndTime":"2026-11-26 00:00:00",
            "StationElectricity":"30.5","EquipmentStatsInfos":[{"EquipmentID":"E1","EquipmentElectricity":30.5,
            "ConnectorStatsInfos":[{"ConnectorID":"C1","ConnectorElectricity":10.1},{"ConnectorID":"C2","ConnectorElectricity":20.4}]}]}}"#;
        let read = statistics(&members(text)).expect("read");
        let day = date!(2026 - 11 - 26);
        assert_eq!((read.station_code.as_str(), read.energy_wh, read.days), ("S1", 30_500, Some((day, day))));
        assert_eq!(read.connectors, [("C1".to_owned(), 10_100), ("C2".to_owned(), 20_400)]);
    }

    #[test]
    fn statistics_that_say_no_energy_or_less_than_none_are_refused() {
        let of = |inner: &str| statistics(&members(&format!(r#"{{"StationStats":{{{inner}}}}}"#)));
        let refused = |inner: &str| paths(of(inner).expect_err("refused"));
        assert_eq!(refused(r#""StationID":"S1""#), ["StationStats[0].StationElectricity"]);
        assert_eq!(
            refused(r#""StationID":"S1","StationElectricity":-1"#),
            ["StationStats[0].StationElectricity"]
        );
        assert_eq!(
            refused(r#""StationID":"S1","StationElectricity":1,"StartTime":"26.11.""#),
            ["StationStats[0].StartTime"]
        );
        assert_eq!(paths(statistics(&members("{}")).expect_err("refused")), ["StationStats"]);
    }

    #[test]
    fn disputes_are_read_by_every_spelling_and_an_unknown_reason_is_refused() {
        let of = |reason: i64| {
            format!(
                r#"{{"CheckOrderSeq":"1","TotalDisputeOrder":1,"DisputeOrders":[
                   {{"OrderNo":"O1","TotalElect":30.254,"TotalMoney":30.15,"DisputeReason":{reason}}}]}}"#
            )
        };
        let read = disputes(&members(&of(3))).expect("read");
        let dispute = Dispute { order_no: "O1".into(), energy_wh: 30_254, total_fen: 3_015, reason: 3 };
        assert_eq!((read.count, read.disputes), (1, vec![dispute]));
        assert_eq!(
            paths(disputes(&members(&of(0))).expect_err("refused")),
            ["DisputeOrders[0].DisputeReason"]
        );
        let none = disputes(&members(r#"{"CheckOrderSeq":"1","TotalDisputeOrder":0,"DisputeOrders":null}"#));
        assert_eq!(none.expect("read").disputes, []);
    }
}
