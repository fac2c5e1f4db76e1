//! What operators' systems answer to our queries: a token, a page of stations, the status of stations.
//!
//! Source: interconnect protocol, sections 6 and 12.
use super::{
    station::{self, Station},
    status::{self, Report},
};
use crate::domain::{
    envelope::OPERATOR_ID_LEN,
    fields::{Fields, Findings},
    json::Members,
    link::Link,
};

/// A longer life is none: it is in milliseconds, or a date. Source: interconnect protocol, section 6.
const LIFE_MAX_SECS: i64 = 31_536_000;
/// What is assumed then.
const LIFE_ASSUMED_SECS: i64 = 300;
/// Most of each in one answer. Source: interconnect protocol, section 9.
const STATIONS_MAX: usize = 1000;
const OPERATORS_MAX: usize = 1000;
const CONNECTORS_MAX: usize = 100_000;

/// The answer to `query_token`.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// AccessToken.
    pub token: String,
    /// Seconds.
    pub life_secs: i64,
}

/// Reads the answer to `query_token`; `Err` is the FailReason.
pub fn token(members: &Members) -> Result<Granted, i64> {
    let (fields, mut findings) = (Fields::of(members), Findings::default());
    let succeeded = fields.integer(&["SuccStat"], &mut findings) == Some(0);
    let token = fields.text(&["AccessToken"], 4_096, &mut findings);
    if !succeeded || token.is_empty() {
        return Err(fields.integer(&["FailReason"], &mut findings).unwrap_or_default());
    }
    let life = fields.integer(&["TokenAvailableTime"], &mut findings).unwrap_or_default();
    let life_secs = if (1..=LIFE_MAX_SECS).contains(&life) { life } else { LIFE_ASSUMED_SECS };
    Ok(Granted { token, life_secs })
}

/// A page of `query_stations_info`.
#[derive(Debug, Clone)]
pub struct Page {
    /// Pages in all.
    pub count: i64,
    /// Stations in all.
    pub items: i64,
    /// Each with what is wrong with it.
    pub stations: Vec<(Station, Findings)>,
}

/// Reads a page; a station with faults does not spoil its neighbours.
///
/// # Errors
/// The page itself is none.
pub fn page(members: &Members, link: &Link) -> Result<Page, Findings> {
    let (fields, mut findings) = (Fields::of(members), Findings::default());
    let count = fields.needed_integer(&["PageCount"], &mut findings);
    let items = fields.needed_integer(&["ItemSize"], &mut findings);
    let stations = fields.list(&["StationInfos", "StationInfo"], STATIONS_MAX, &mut findings);
    let (Some(count), Some(items), true) = (count, items, findings.faults.is_empty()) else {
        return Err(findings);
    };
    let read = |fields: &Fields<'_>| {
        let mut findings = Findings::default();
        let station = station::one(fields, link, &mut findings);
        (station, findings)
    };
    Ok(Page { count, items, stations: stations.iter().map(read).collect() })
}

/// An operator as `supervise_query_operator_info` tells of it. Source: interconnect protocol, sections 11.1 and 14.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// OperatorID.
    pub code: String,
    /// OperatorUSCID; empty where it was not sent.
    pub uscc: String,
}

impl Operator {
    /// Whether it is that of the organisation code, which its social credit code holds too. Source: interconnect protocol,
    /// section 19.
    #[must_use]
    pub fn is(&self, organisation: &str) -> bool {
        self.code == organisation && (self.uscc.is_empty() || self.uscc.get(8..17) == Some(organisation))
    }
}

/// Reads the answer to `supervise_query_operator_info`.
///
/// # Errors
/// The answer, or one of its operators, is none.
pub fn operators(members: &Members) -> Result<Vec<Operator>, Findings> {
    let (fields, mut findings) = (Fields::of(members), Findings::default());
    let listed = fields.needed_list(&["OperatorInfos", "OperatorInfo"], OPERATORS_MAX, &mut findings);
    let read = |fields: &Fields<'_>| {
        fields.needed(&["OperatorName"], 64, &mut findings);
        Operator {
            code: fields.id(&["OperatorID"], OPERATOR_ID_LEN, &mut findings),
            uscc: fields.text(&["OperatorUSCID"], 18, &mut findings),
        }
    };
    let operators = listed.iter().map(read).collect();
    if findings.faults.is_empty() { Ok(operators) } else { Err(findings) }
}

/// Reads the answer to `query_station_status`; a connector with faults does not spoil its neighbours.
///
/// # Errors
/// The answer itself is none.
pub fn statuses(members: &Members, link: &Link) -> Result<Vec<(Report, Findings)>, Findings> {
    let (fields, mut findings) = (Fields::of(members), Findings::default());
    let mut reports = Vec::new();
    for station in fields.list(&["StationStatusInfos", "StationStatusInfo"], STATIONS_MAX, &mut findings) {
        let names = ["ConnectorStatusInfos", "ConnectorStatusInfo"];
        for connector in station.list(&names, CONNECTORS_MAX, &mut findings) {
            let mut own = Findings::default();
            let report = status::report(&connector, link, &mut own);
            reports.push((report, own));
        }
    }
    if findings.faults.is_empty() { Ok(reports) } else { Err(findings) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::{self, Value};

    fn members(text: &str) -> Members {
        match json::parse(text) {
            Ok(Value::Object(members)) => members,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_operator_is_the_one_of_its_code_and_its_social_credit_code() {
        let is = |uscc: &str| {
            let text = format!(
                r#"{{"OperatorInfos":[{{"OperatorID":"XXXX00019","OperatorName":"示例","OperatorUSCID":"{uscc}"}}]}}"#
            );
            operators(&members(&text)).expect("read")[0].is("XXXX00019")
        };
        assert!(is("") && is("91410105XXXX00019G"));
        assert!(!is("91410300XX41XY300W") && !is("短"));
        assert!(operators(&members(r#"{"OperatorInfos":[{}]}"#)).is_err());
    }

    #[test]
    fn a_life_that_is_none_is_five_minutes_and_a_refusal_gives_its_reason() {
        let life = |time: &str| {
            let text = format!(r#"{{"SuccStat":0,"AccessToken":"t","TokenAvailableTime":{time}}}"#);
            token(&members(&text)).map(|granted| granted.life_secs)
        };
        assert_eq!(life("7200"), Ok(7_200));
        assert_eq!(life("\"7200\""), Ok(7_200));
        assert_eq!(life("1798675200000"), Ok(300));
        assert_eq!(life("\"soon\""), Ok(300));
        assert_eq!(token(&members(r#"{"SuccStat":1,"AccessToken":"","FailReason":2}"#)).map(|_| ()), Err(2));
    }
}
