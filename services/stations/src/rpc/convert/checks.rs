//! Messages of comparisons to values and back.
use std::collections::BTreeSet;

use chassis::Failure;
use proto::stations::{
    CheckOutcome, CheckedOrder, ListEndedOrdersRequest, ListEndedOrdersResponse, OperatorDispute,
    RefusedMessages, ReportDisputesRequest, ReportListedRequest, ReportRefusedRequest,
    ReportStatisticsRequest, StationStatistics,
};
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::{day, id, instant, timestamp};
use crate::{
    app::{
        check::{Answered, Listed, Outcome},
        refused::Refused,
    },
    domain::{
        Finding, Refusal,
        check::{Disputed, REASON_MAX, Statement},
        order::ORDER_NO_MAX,
        registry::STATION_CODE_MAX,
        tally::Kind,
        text,
    },
    labels,
    store::{checks::Ended, quality::tame},
};

/// Stations of one report.
const STATIONS_MAX: usize = 1_000;
/// Connectors of one station in it.
const CONNECTORS_MAX: usize = 1_000;
/// Disputes of one report; as many as orders in a message of the protocol.
const DISPUTES_MAX: usize = 30_000;

/// Refused messages of one report that differ.
const REFUSED_MAX: usize = 200;
/// Equal ones among them.
const TIMES_MAX: i64 = 1_000_000;
/// Members that are named of one message; as many as its answer names.
const FIELDS_MAX: usize = 20;
/// Characters that are kept of what was answered.
const SAID_MAX: usize = 500;

/// A window of at most a day, its end excluded.
///
/// # Errors
/// `bad_time`, `out_of_range`.
pub fn window(body: ListEndedOrdersRequest) -> Result<(OffsetDateTime, OffsetDateTime), Failure> {
    bounds(body.start_time.as_ref(), body.end_time.as_ref())
}

fn bounds(
    start: Option<&prost_types::Timestamp>,
    end: Option<&prost_types::Timestamp>,
) -> Result<(OffsetDateTime, OffsetDateTime), Failure> {
    let read = |field: &str, at| instant(at).ok_or_else(|| Finding::new(field, Refusal::BadTime));
    let (start, end) = (read("start_time", start)?, read("end_time", end)?);
    let day = Duration::DAY.whole_seconds();
    if !(Duration::SECOND..=Duration::DAY).contains(&(end - start)) {
        return Err(Finding::new("end_time", Refusal::OutOfRange { min: 1, max: day }).into());
    }
    Ok((start, end))
}

/// Orders of a window, whole up to `until`.
#[must_use]
pub fn listed(orders: Vec<Ended>, until: OffsetDateTime) -> ListEndedOrdersResponse {
    let order = |one: Ended| CheckedOrder {
        order_no: one.order_no,
        energy_wh: one.energy_wh,
        total_fen: one.total_fen,
    };
    ListEndedOrdersResponse { orders: orders.into_iter().map(order).collect(), until: Some(timestamp(until)) }
}

/// More orders than a list may have.
#[must_use]
pub fn too_many(max: usize) -> Failure {
    Finding::new("orders", Refusal::TooMany { max }).into()
}

fn within(field: String, value: i64, min: i64, max: i64) -> Option<Finding> {
    (!(min..=max).contains(&value)).then(|| Finding::new(field, Refusal::OutOfRange { min, max }))
}

fn code(field: String, code: &str, max: usize) -> Option<Finding> {
    text::identifier(code, max).err().map(|refusal| Finding::new(field, refusal))
}

/// Statistics of a day.
///
/// # Errors
/// Field rules, all at once.
pub fn statistics(body: ReportStatisticsRequest) -> Result<(Date, Vec<Statement>), Failure> {
    let day = day("day", &body.day)?;
    if body.stations.is_empty() {
        return Err(Finding::new("stations", Refusal::Required).into());
    }
    if body.stations.len() > STATIONS_MAX {
        return Err(Finding::new("stations", Refusal::TooMany { max: STATIONS_MAX }).into());
    }
    let mut findings = Vec::new();
    for (at, station) in body.stations.iter().enumerate() {
        let path = format!("stations[{at}]");
        findings.extend(code(format!("{path}.station_code"), &station.station_code, STATION_CODE_MAX));
        findings.extend(within(format!("{path}.energy_wh"), station.energy_wh, 0, i64::MAX));
        if station.connectors.len() > CONNECTORS_MAX {
            let refusal = Refusal::TooMany { max: CONNECTORS_MAX };
            findings.push(Finding::new(format!("{path}.connectors"), refusal));
        }
        for one in &station.connectors {
            findings.extend(within(format!("{path}.connectors.energy_wh"), one.energy_wh, 0, i64::MAX));
        }
    }
    match labels::all(findings) {
        Some(failure) => Err(failure),
        None => Ok((day, body.stations.into_iter().map(statement).collect())),
    }
}

fn statement(station: StationStatistics) -> Statement {
    let connectors = station.connectors.into_iter().map(|one| (one.connector_id, one.energy_wh));
    Statement {
        station_code: station.station_code,
        energy_wh: station.energy_wh,
        connectors: connectors.collect(),
    }
}

/// An answered check.
///
/// # Errors
/// Field rules, all at once.
pub fn disputes(body: ReportDisputesRequest) -> Result<Answered, Failure> {
    let window = bounds(body.start_time.as_ref(), body.end_time.as_ref())?;
    let max = DISPUTES_MAX;
    if body.disputes.len() > max {
        return Err(Finding::new("disputes", Refusal::TooMany { max }).into());
    }
    let mut findings: Vec<Finding> =
        code("check_no".into(), &body.check_no, ORDER_NO_MAX).into_iter().collect();
    findings.extend(within("listed".into(), body.listed.into(), 0, DISPUTES_MAX as i64));
    for (at, one) in body.disputes.iter().enumerate() {
        let path = format!("disputes[{at}]");
        findings.extend(within(format!("{path}.energy_wh"), one.energy_wh, 0, i64::MAX));
        findings.extend(within(format!("{path}.total_fen"), one.total_fen, 0, i64::MAX));
        findings.extend(within(format!("{path}.reason"), one.reason.into(), 1, REASON_MAX));
    }
    if let Some(failure) = labels::all(findings) {
        return Err(failure);
    }
    let disputed = |one: OperatorDispute| Disputed {
        order_no: one.order_no,
        energy_wh: one.energy_wh,
        total_fen: one.total_fen,
        reason: one.reason,
    };
    Ok(Answered {
        check_no: body.check_no,
        window,
        listed: usize::try_from(body.listed).unwrap_or_default(),
        disputes: body.disputes.into_iter().map(disputed).collect(),
    })
}

/// A list that the operator's system made by itself.
///
/// # Errors
/// `bad_time`, `out_of_range`, `too_many`.
pub fn listing(body: ReportListedRequest) -> Result<Listed, Failure> {
    let window = bounds(body.start_time.as_ref(), body.end_time.as_ref())?;
    let max = DISPUTES_MAX;
    for (field, numbers) in [("order_nos", &body.order_nos), ("disputed_order_nos", &body.disputed_order_nos)]
    {
        if numbers.len() > max {
            return Err(Finding::new(field, Refusal::TooMany { max }).into());
        }
    }
    // A number that the database cannot be asked for is not held.
    let safe = |number: &String| text::identifier(number, ORDER_NO_MAX).is_ok();
    let numbers: BTreeSet<String> = body.order_nos.into_iter().filter(safe).collect();
    let disputed = body.disputed_order_nos.into_iter().collect();
    Ok(Listed { check_no: tame(&body.check_no), window, numbers, disputed })
}

/// Messages that were refused, and whose they are.
///
/// # Errors
/// Not found for an id that is none; field rules.
pub fn refused(body: ReportRefusedRequest) -> Result<(Uuid, Vec<Refused>), Failure> {
    let operator_id = id(&body.operator_id)?;
    if body.refused.len() > REFUSED_MAX {
        return Err(Finding::new("refused", Refusal::TooMany { max: REFUSED_MAX }).into());
    }
    let read = body.refused.into_iter().enumerate().map(|(at, one)| refused_one(at, one));
    Ok((operator_id, read.collect::<Result<_, Finding>>()?))
}

fn refused_one(at: usize, one: RefusedMessages) -> Result<Refused, Finding> {
    let path = |name: &str| format!("refused[{at}].{name}");
    let kind = Kind::from_name(&one.kind).ok_or_else(|| Finding::new(path("kind"), Refusal::UnknownValue))?;
    for (name, value, (min, max)) in
        [("ret", i64::from(one.ret), (4_001, 4_004)), ("times", one.times.into(), (1, TIMES_MAX))]
    {
        within(path(name), value, min, max).map_or(Ok(()), Err)?;
    }
    let said = |text: &str| text.chars().filter(|one| !one.is_control()).take(SAID_MAX).collect();
    Ok(Refused {
        kind,
        method: tame(&one.method),
        ret: one.ret,
        fields: one.fields.iter().take(FIELDS_MAX).map(|field| tame(field)).collect(),
        text: said(&one.text),
        connector_code: tame(&one.connector_id),
        order_no: tame(&one.order_no),
        station_code: tame(&one.station_code),
        times: usize::try_from(one.times).unwrap_or(1),
    })
}

/// What came of a comparison.
#[must_use]
pub fn outcome(outcome: Outcome) -> CheckOutcome {
    let count = |items: usize| i32::try_from(items).unwrap_or(i32::MAX);
    CheckOutcome {
        agreeing: count(outcome.agreeing),
        disagreeing: count(outcome.disagreeing),
        example: outcome.example,
    }
}
