//! Messages to domain values and back; the only place that knows both.

pub mod checks;
pub mod links;
pub mod orders;
pub mod turns;

use chassis::Failure;
use foldhash::HashMap;
use prost_types::Timestamp;
use proto::stations::{
    CheckOrdersResponse, CheckedOrder, ConnectionFact, ConnectorEvidence as ConnectorEvidenceMessage,
    ConnectorState, DisputedOrder, EquipmentRecord, ItemResult, QualityItem, Receipt,
    Station as StationMessage, StationGuide, StationItem, StationRecord, StatusItem, TelemetryItem,
    UpsertStationRequest,
};
use time::{Date, OffsetDateTime, UtcDateTime, macros::format_description};
use uuid::Uuid;

use crate::{
    app,
    domain::{
        Finding, Refusal,
        evidence::ConnectorEvidence,
        guide::Guide,
        order::{self, Totals},
        registry::{Connector, Equipment, Station},
        status::Latest,
        telemetry::Sample,
        verdict::Verdict,
    },
    labels, publish,
    store::{connections::Past, quality::Listed, stations::Row},
};

/// An id that a caller names; one that is none names nothing.
///
/// # Errors
/// `not_found`.
pub fn id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| Failure::not_found())
}

/// A day by its name, YYYY-MM-DD.
///
/// # Errors
/// `unknown_value`.
pub fn day(field: &str, text: &str) -> Result<Date, Finding> {
    let read = Date::parse(text, format_description!("[year]-[month]-[day]"));
    read.map_err(|_| Finding::new(field, Refusal::UnknownValue))
}

/// An instant of the years 2010 to 2100 in microseconds, which is what the database keeps; `None` for others.
#[must_use]
pub fn instant(at: Option<&Timestamp>) -> Option<OffsetDateTime> {
    let at = at?;
    let whole = OffsetDateTime::from_unix_timestamp(at.seconds).ok()?;
    let nanos = u32::try_from(at.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let exact = whole.replace_nanosecond(nanos / 1_000 * 1_000).ok()?;
    (2010..=2100).contains(&exact.year()).then_some(exact)
}

/// An instant as a message.
#[must_use]
pub fn timestamp(at: OffsetDateTime) -> Timestamp {
    let utc: UtcDateTime = at.into();
    Timestamp { seconds: utc.unix_timestamp(), nanos: i32::try_from(utc.nanosecond()).unwrap_or_default() }
}

fn date(field: &'static str, text: &str, findings: &mut Vec<Finding>) -> Option<Date> {
    if text.is_empty() {
        return None;
    }
    let read = Date::parse(text, format_description!("[year]-[month]-[day]")).ok();
    let read = read.filter(|date| (1990..=2100).contains(&date.year()));
    if read.is_none() {
        findings.push(Finding::new(field, Refusal::BadTime));
    }
    read
}

/// What a caller wants registered, without the county; `actor` is the caller.
///
/// # Errors
/// `required` without a station; `bad_time` for dates that are none (all at once).
pub fn registration(
    body: UpsertStationRequest,
    operator_id: Uuid,
    actor: &str,
) -> Result<app::register::Registration, Vec<Finding>> {
    let record = body.station.ok_or_else(|| vec![Finding::new("station", Refusal::Required)])?;
    let mut findings = Vec::new();
    let source_time = instant(body.source_time.as_ref());
    if body.source_time.is_some() && source_time.is_none() {
        findings.push(Finding::new("source_time", Refusal::BadTime));
    }
    let keeps_guide = record.guide.is_none();
    let station = Station {
        start_date: date("start_date", &record.start_date, &mut findings),
        finish_date: date("finish_date", &record.finish_date, &mut findings),
        open_date: date("open_date", &record.open_date, &mut findings),
        code: record.station_code,
        name: record.name,
        address: record.address,
        county: record.county,
        longitude_e6: record.longitude_e6,
        latitude_e6: record.latitude_e6,
        station_type: record.station_type,
        station_status: record.station_status,
        construction: record.construction,
        park_nums: record.park_nums,
        manager: record.manager,
        manager_phone: record.manager_phone,
        service_phone: record.service_phone,
        guide: record.guide.map(guide).unwrap_or_default(),
        equipment: record.equipment.into_iter().map(equipment).collect(),
    };
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(app::register::Registration {
        operator_id,
        actor: actor.to_owned(),
        station,
        county: None,
        expected_version: body.expected_version,
        source_time,
        keeps_guide,
    })
}

/// A station as an operator's system sent it, without the county, or what of it cannot be read. A system says when it said so.
#[must_use]
pub fn station_line(item: StationItem, operator_id: Uuid, actor: &str) -> app::station::Line {
    let code = item.station.as_ref().map(|record| record.station_code.clone()).unwrap_or_default();
    let timed = item.source_time.is_some();
    let body = UpsertStationRequest {
        station: item.station,
        source_time: item.source_time,
        ..UpsertStationRequest::default()
    };
    let wanted = registration(body, operator_id, actor).and_then(|wanted| {
        if timed { Ok(wanted) } else { Err(vec![Finding::new("source_time", Refusal::BadTime)]) }
    });
    app::station::Line { wanted, code }
}

fn guide(said: StationGuide) -> Guide {
    Guide {
        business_hours: said.business_hours,
        electricity_fee: said.electricity_fee,
        service_fee: said.service_fee,
        park_fee: said.park_fee,
        payment: said.payment,
        park_info: said.park_info,
        directions: said.directions,
        vehicles: said.vehicles,
        station_phone: said.station_phone,
        bookable: said.bookable,
        remark: said.remark,
        pictures: said.pictures,
    }
}

fn equipment(device: EquipmentRecord) -> Equipment {
    Equipment {
        code: device.equipment_id,
        equipment_type: device.equipment_type,
        power_watts: device.power_watts,
        name: device.name,
        model: device.model,
        manufacturer: device.manufacturer,
        manufacturer_code: device.manufacturer_code,
        connectors: device
            .connectors
            .into_iter()
            .map(|gun| Connector {
                code: gun.connector_id,
                connector_type: gun.connector_type,
                power_watts: gun.power_watts,
                name: gun.name,
                voltage_upper: gun.voltage_upper_volts,
                voltage_lower: gun.voltage_lower_volts,
                current: gun.current_amps,
                national_standard: gun.national_standard,
                park_no: gun.park_no,
            })
            .collect(),
    }
}

/// A station as a page shows it, with what was read beside it; `own` unmasks the manager's phone.
#[must_use]
pub fn station(
    row: &Row,
    equipment: Vec<Equipment>,
    guide: Guide,
    states: &[(String, Latest)],
    last_report_at: Option<OffsetDateTime>,
    own: bool,
) -> StationMessage {
    let mut record: StationRecord = publish::record(&row.registered(), &row.station(equipment, guide));
    record.total_power_watts = row.total_power_watts;
    if !own {
        record.manager_phone = masked(&record.manager_phone);
    }
    StationMessage {
        record: Some(record),
        active: row.active,
        connection: row.connection.clone(),
        connected_since: row.connected_since.map(|day| day.to_string()).unwrap_or_default(),
        last_report_at: last_report_at.map(timestamp),
        connectors: states
            .iter()
            .map(|(code, latest)| ConnectorState {
                connector_id: code.clone(),
                status: i32::from(latest.status.code()),
                changed_at: Some(timestamp(latest.changed_at)),
                seen_at: Some(timestamp(latest.seen_at)),
            })
            .collect(),
        updated_at: Some(timestamp(row.updated_at)),
        connector_count: row.connector_count,
    }
}

/// The first three and last two characters of a phone. Source: reliability section 13.
fn masked(phone: &str) -> String {
    let all: Vec<char> = phone.chars().collect();
    let hidden = all.len().saturating_sub(2);
    all.iter().enumerate().map(|(at, one)| if (3..hidden).contains(&at) { '*' } else { *one }).collect()
}

/// A fact of the past.
#[must_use]
pub fn connection_fact(past: &Past) -> ConnectionFact {
    ConnectionFact {
        connection: past.connection.clone(),
        connected_since: past.connected_since.map(|day| day.to_string()).unwrap_or_default(),
        day: past.day.to_string(),
        recorded_at: Some(timestamp(past.recorded_at)),
    }
}

/// A kept quality item.
#[must_use]
pub fn quality_item(item: Listed) -> QualityItem {
    QualityItem {
        text: labels::kept(&item.reason).to_owned(),
        example: labels::example(&item.reason, &item.content),
        kind: item.kind,
        connector_id: item.connector_code,
        order_no: item.order_no,
        reason: item.reason,
        field: item.field,
        first_at: Some(timestamp(item.first_at)),
        last_at: Some(timestamp(item.last_at)),
        times: item.times,
        item_id: item.id,
    }
}

/// Evidence of one connector.
#[must_use]
pub fn connector_evidence(evidence: ConnectorEvidence) -> ConnectorEvidenceMessage {
    ConnectorEvidenceMessage {
        connector_id: evidence.code,
        first_seen_at: evidence.first_seen_at.map(timestamp),
        last_seen_at: evidence.last_seen_at.map(timestamp),
        days_covered: evidence.days_covered,
    }
}

/// A status as it came, of a batch that was `pulled` or not; what is wrong with it is for the rules to say.
#[must_use]
pub fn status_line(item: StatusItem, pulled: bool) -> app::status::Line {
    app::status::Line {
        source_time: instant(item.source_time.as_ref()),
        connector: item.connector_id,
        status_code: item.status,
        pulled,
    }
}

/// A sample as it came, or that its time is none.
#[must_use]
pub fn telemetry_line(item: TelemetryItem) -> app::telemetry::Line {
    let connector = item.connector_id.clone();
    let sample = instant(item.sample_time.as_ref())
        .ok_or_else(|| Finding::new("sample_time", Refusal::BadTime))
        .map(|sampled_at| Sample {
            connector_code: item.connector_id,
            sampled_at,
            order_no: item.order_no,
            energy_wh: item.energy_wh,
            power_watts: item.power_watts,
            voltage_decivolts: item.voltage_decivolts,
            current_deciamperes: item.current_deciamperes,
            soc_percent: item.soc_percent,
        });
    app::telemetry::Line { sample, connector }
}

/// Those of the orders that differ from what is held.
#[must_use]
pub fn checked(orders: Vec<CheckedOrder>, held: &HashMap<String, Totals>) -> CheckOrdersResponse {
    let mut disputed = Vec::new();
    for said in orders {
        let held = held.get(&said.order_no).copied();
        let told = Totals { energy_wh: said.energy_wh, total_fen: said.total_fen };
        if let Some(dispute) = order::compare(held, told) {
            disputed.push(DisputedOrder {
                order_no: said.order_no,
                energy_wh: held.map_or(0, |held| held.energy_wh),
                total_fen: held.map_or(0, |held| held.total_fen),
                dispute: dispute.name().to_owned(),
            });
        }
    }
    CheckOrdersResponse { disputed }
}

/// The receipt of a batch.
#[must_use]
pub fn receipt(batch_id: String, verdicts: Vec<Verdict>) -> Receipt {
    let mut receipt = Receipt { batch_id, ..Receipt::default() };
    for verdict in verdicts {
        let outcome = verdict.name().to_owned();
        let mut result = ItemResult { outcome, ..ItemResult::default() };
        match verdict {
            Verdict::Accepted => receipt.accepted += 1,
            Verdict::Duplicate => receipt.duplicate += 1,
            Verdict::Stale => receipt.stale += 1,
            Verdict::Rejected(found) => {
                receipt.rejected += 1;
                result.reason = found.refusal.reason().to_owned();
                result.text = labels::text(&found.refusal, &found.field);
                result.field = found.field;
            }
        }
        receipt.results.push(result);
    }
    receipt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_kept_to_the_microsecond_and_within_the_century() {
        let at = |seconds, nanos| instant(Some(&Timestamp { seconds, nanos }));
        assert_eq!(at(1_795_000_000, 123_456_789).map(|at| at.nanosecond()), Some(123_456_000));
        assert_eq!(at(0, 0), None);
        assert_eq!(at(1_795_000_000, -1), None);
        assert_eq!(at(i64::MAX, 0), None);
        assert_eq!(instant(None), None);
    }

    #[test]
    fn a_phone_is_masked_in_the_middle() {
        assert_eq!(masked("19900010001"), "199******01");
        assert_eq!(masked("110"), "110");
        assert_eq!(masked(""), "");
    }
}
