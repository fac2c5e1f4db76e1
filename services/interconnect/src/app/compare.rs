//! What an operator's system says of past days beside the orders that are held: statistics of each station, and a check of the
//! orders. Stations compares and keeps what disagrees as quality items.
//!
//! Owns: which calls, in which pieces, and counting. Not: when and for which days (`turns`), what agrees (stations). Source:
//! interconnect protocol, sections 12, 13 and 16.
use chassis::rpc::Peer;
use prost::Message as _;
use proto::stations::{
    CheckedOrder, ConnectorStatistics, ListEndedOrdersRequest, OperatorDispute, ReportDisputesRequest,
    ReportStatisticsRequest, StationStatistics, checks_client::ChecksClient,
};
use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime, Time};
use tonic::Status;
use uuid::Uuid;

use super::{
    check::{kilowatt_hours, yuan},
    pull::{Pull, Tally, codes, voice},
    stations::derived,
    timestamp,
};
use crate::{
    client::{CALL, PAGE},
    domain::{
        answer::Trouble,
        bodies::past,
        fields::{CHINA, moment_text, stamp_text},
        json::Members,
        ret::Ret,
    },
    labels,
};

/// Stations of one report: stations looks at a day's orders once for all of them.
const REPORTED: usize = 50;
/// Connectors of a station in it.
const CONNECTORS_MAX: usize = 1_000;
/// Stations without an answer in a row after which the others are not asked: it is the system that does not answer.
const SILENT_MAX: usize = 20;
/// The methods, as the standard names them.
pub const STATISTICS: &str = "query_station_stats";
/// Likewise; that operators serve it is unconfirmed, so a link may leave it out. Source: interconnect protocol, sections 13, 22.
pub const CHECK: &str = "check_charge_orders";

/// Asks for the energy of every registered station on each of the days; a day by itself, because its sum is compared with the
/// orders of the day. Each day is said to be compared when it is.
///
/// # Errors
/// [`Trouble`]; what came before it is kept.
pub async fn statistics(pull: &Pull<'_>, days: &[Date]) -> Result<Tally, Trouble> {
    let mut tally = Tally::default();
    if !pull.target.serves(STATISTICS) {
        return Ok(tally);
    }
    let codes = codes(pull.neighbours, pull.link).await?;
    let all = codes.len();
    let mut silent = 0;
    for day in days {
        for codes in codes.chunks(REPORTED) {
            let mut told = Vec::with_capacity(codes.len());
            for code in codes {
                pull.lease.keep().await?;
                match of_station(pull, code, *day).await {
                    Ok(station) => {
                        told.push(station);
                        silent = 0;
                    }
                    // A station that the operator's system does not know or will not tell of now; others it may.
                    Err(trouble) if of_one_station(&trouble) => {
                        tally.reject(format!("{code} {}", labels::trouble(&trouble)));
                        silent += 1;
                        if silent >= SILENT_MAX.min(all) {
                            return Err(trouble);
                        }
                    }
                    Err(trouble) => return Err(trouble),
                }
            }
            if !told.is_empty() {
                report_statistics(pull, *day, told, &mut tally).await?;
            }
        }
        pull.lease.compared(*day).await?;
    }
    Ok(tally)
}

/// Whether the trouble may be one station's alone.
const fn of_one_station(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Body(_)
            | Trouble::Mismatched
            | Trouble::TimedOut
            | Trouble::Refused { ret: Ret::Business | Ret::Envelope | Ret::Internal, .. }
    )
}

/// Energy of a station on a day.
async fn of_station(pull: &Pull<'_>, code: &str, day: Date) -> Result<StationStatistics, Trouble> {
    let text = day.to_string();
    let body = json!({ "StationID": code, "StartTime": text, "EndTime": text });
    let heard = pull.client.call(pull.target, STATISTICS, body, CALL).await?;
    let read = past::statistics(&heard.members).map_err(|found| Trouble::Body(found.faults))?;
    if read.station_code != code || read.days.is_some_and(|days| days != (day, day)) {
        return Err(Trouble::Mismatched);
    }
    let connectors = read.connectors.into_iter().take(CONNECTORS_MAX);
    Ok(StationStatistics {
        station_code: read.station_code,
        energy_wh: read.energy_wh,
        connectors: connectors
            .map(|(connector_id, energy_wh)| ConnectorStatistics { connector_id, energy_wh })
            .collect(),
    })
}

async fn report_statistics(
    pull: &Pull<'_>,
    day: Date,
    stations: Vec<StationStatistics>,
    tally: &mut Tally,
) -> Result<(), Trouble> {
    let operator_id = pull.link.operator_id.to_string();
    let mut report =
        ReportStatisticsRequest { request_id: String::new(), operator_id, day: day.to_string(), stations };
    report.request_id = same(pull, STATISTICS, &report.encode_to_vec());
    pull.lease.keep().await?;
    let voice = voice(pull.neighbours, pull.link).await?;
    let outcome = voice.checks().report_statistics(report).await.map_err(platform)?.into_inner();
    tally.add(outcome.agreeing, outcome.disagreeing, outcome.example);
    Ok(())
}

/// Lists the orders that ended on each of the days to the operator's system, in windows of as many as one message should hold;
/// keeps what it disputes. Each day is said to be compared when it is.
///
/// # Errors
/// [`Trouble`]; what came before it is kept.
pub async fn orders(pull: &Pull<'_>, days: &[Date]) -> Result<Tally, Trouble> {
    let mut tally = Tally::default();
    if !pull.target.serves(CHECK) {
        return Ok(tally);
    }
    for day in days {
        let mut start = day.with_time(Time::MIDNIGHT).assume_offset(CHINA);
        let end = start + Duration::DAY;
        while start < end {
            start = match of_window(pull, (start, end), &mut tally).await {
                // Whether operators serve it is unconfirmed: an address that is none of theirs is no trouble.
                Err(Trouble::Status(404 | 405)) => return Ok(tally),
                came => came?,
            };
        }
        pull.lease.compared(*day).await?;
    }
    Ok(tally)
}

/// Checks orders from the start of a window on; gives how far it came.
async fn of_window(
    pull: &Pull<'_>,
    (start, end): (OffsetDateTime, OffsetDateTime),
    tally: &mut Tally,
) -> Result<OffsetDateTime, Trouble> {
    pull.lease.keep().await?;
    let speaks = voice(pull.neighbours, pull.link).await?;
    let operator_id = pull.link.operator_id.to_string();
    let (orders, until) = ended(speaks.checks(), &operator_id, (start, end)).await?;
    // The same for the same window: the key by which a check that is done again is known. Source: section 8.
    let check_no = format!("{}{}0001", pull.target.organisation, stamp_text(start));
    let body = listing(&check_no, (start, until), &orders);
    let heard = pull.client.call(pull.target, CHECK, body, PAGE).await?;
    let disputes = answered(&heard.members, &check_no)?;
    let disputes = disputes.into_iter().map(|one| OperatorDispute {
        order_no: one.order_no,
        energy_wh: one.energy_wh,
        total_fen: one.total_fen,
        reason: one.reason,
    });
    let mut report = ReportDisputesRequest {
        request_id: String::new(),
        operator_id,
        check_no,
        start_time: Some(timestamp(start)),
        end_time: Some(timestamp(until)),
        listed: i32::try_from(orders.len()).unwrap_or(i32::MAX),
        disputes: disputes.collect(),
    };
    report.request_id = same(pull, CHECK, &report.encode_to_vec());
    pull.lease.keep().await?;
    let voice = voice(pull.neighbours, pull.link).await?;
    let outcome = voice.checks().report_disputes(report).await.map_err(platform)?.into_inner();
    tally.add(outcome.agreeing, outcome.disagreeing, outcome.example);
    Ok(until)
}

/// The orders that are held and ended within a window, as many as one list may hold, and how far they go.
///
/// # Errors
/// [`Trouble::Platform`].
pub(super) async fn ended(
    mut checks: ChecksClient<Peer>,
    operator_id: &str,
    (start, end): (OffsetDateTime, OffsetDateTime),
) -> Result<(Vec<CheckedOrder>, OffsetDateTime), Trouble> {
    let asked = ListEndedOrdersRequest {
        operator_id: operator_id.to_owned(),
        start_time: Some(timestamp(start)),
        end_time: Some(timestamp(end)),
    };
    let listed = checks.list_ended_orders(asked).await.map_err(platform)?.into_inner();
    let until = listed.until.and_then(|at| OffsetDateTime::from_unix_timestamp(at.seconds).ok());
    let until = until.filter(|until| (start + Duration::SECOND..=end).contains(until));
    Ok((listed.orders, until.ok_or(Trouble::Platform)?))
}

/// The body of a check of the orders of a window.
pub(super) fn listing(
    check_no: &str,
    (start, until): (OffsetDateTime, OffsetDateTime),
    orders: &[CheckedOrder],
) -> Value {
    json!({
        // Both ends of the protocol's window are included.
        "CheckOrderSeq": check_no, "StartTime": moment_text(start), "EndTime": moment_text(until - Duration::SECOND),
        "OrderCount": orders.len(), "TotalOrderPower": kilowatt_hours(sum(orders, |one| one.energy_wh)),
        "TotalOrderMoney": yuan(sum(orders, |one| one.total_fen)),
        "ChargeOrders": orders.iter().map(|one| json!({
            "StartChargeSeq": one.order_no, "TotalPower": kilowatt_hours(one.energy_wh), "TotalMoney": yuan(one.total_fen),
        })).collect::<Vec<_>>(),
    })
}

/// What the operator's system disputes of a check.
///
/// # Errors
/// [`Trouble::Body`]; [`Trouble::Mismatched`]; [`Trouble::Incomplete`].
pub(super) fn answered(members: &Members, check_no: &str) -> Result<Vec<past::Dispute>, Trouble> {
    let answer = past::disputes(members).map_err(|found| Trouble::Body(found.faults))?;
    if answer.check_no != check_no {
        return Err(Trouble::Mismatched);
    }
    if answer.count != i64::try_from(answer.disputes.len()).unwrap_or(i64::MAX) {
        return Err(Trouble::Incomplete);
    }
    Ok(answer.disputes)
}

fn sum(orders: &[CheckedOrder], of: fn(&CheckedOrder) -> i64) -> i64 {
    orders.iter().map(of).fold(0, i64::saturating_add)
}

/// The same id for the same report of the same link: a turn that is done again does not count again.
fn same(pull: &Pull<'_>, method: &str, content: &[u8]) -> String {
    let id: Uuid = derived(&[pull.link.organisation.as_bytes(), method.as_bytes(), content]);
    id.to_string()
}

fn platform(status: Status) -> Trouble {
    tracing::warn!(error = %chassis::Failure::from(status), "stations took no comparison");
    Trouble::Platform
}
