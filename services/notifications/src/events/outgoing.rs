//! From an event to what outside systems get: identifiers, codes, numbers and versions, as the contract of events allows.
//!
//! Source: proto/README.md, Events and Webhooks.

use chassis::{Failure, Work, consumer::Event};
use proto::{
    accounts::OperatorEvent,
    common::Envelope,
    reviews::{ApplicationEvent, WorkOrderEvent},
};
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::{moment, payload};
use crate::{app, store::deliveries::Parcel};

/// Makes deliveries of an event, in the transaction that applies it.
///
/// # Errors
/// `unreadable`: it can never be applied. Anything of the database: it may be applied later.
pub async fn announce(work: &mut Work, event: &Event) -> Result<(), Failure> {
    let envelope = &event.envelope;
    let (prefecture, fields) = match envelope.aggregate_type.as_str() {
        "application" => application(&payload(event)?),
        "work_order" => work_order(&payload(event)?),
        "operator" => operator(&payload(event)?),
        _ => return Ok(()),
    };
    let occurrence = super::occurrence(event)?;
    let service = envelope.subject.split('.').next().unwrap_or_default();
    let event_type = format!("{service}.{}", envelope.r#type);
    let parcel = Parcel {
        event_id: occurrence.event_id,
        body: app::body::text(&event_type, occurrence.at, data(envelope, fields)),
        event_type,
        prefecture,
        occurred_at: occurrence.at,
    };
    app::deliver::announce(work, &parcel).await
}

fn data(envelope: &Envelope, fields: Value) -> Value {
    let mut data = Map::new();
    data.insert("event_id".into(), envelope.event_id.clone().into());
    data.insert("subject".into(), envelope.subject.clone().into());
    data.insert("aggregate_type".into(), envelope.aggregate_type.clone().into());
    data.insert("aggregate_id".into(), envelope.aggregate_id.clone().into());
    data.insert("aggregate_version".into(), envelope.aggregate_version.into());
    data.insert("lineage_id".into(), envelope.lineage_id.clone().into());
    data.insert("schema_version".into(), envelope.schema_version.into());
    data.insert("round_id".into(), envelope.round_id.clone().into());
    data.insert("policy_version".into(), envelope.policy_version.into());
    if let Value::Object(fields) = fields {
        data.extend(fields);
    }
    Value::Object(data)
}

fn application(wire: &ApplicationEvent) -> (String, Value) {
    let deadline = wire.deadline_at.and_then(moment).and_then(|at| at.format(&Rfc3339).ok());
    let fields = json!({
        "application_id": wire.application_id, "application_no": wire.application_no, "operator_id": wire.operator_id,
        "station_id": wire.station_id, "county": wire.county, "prefecture": wire.prefecture,
        "transition": wire.transition, "from_stage": wire.from_stage, "to_stage": wire.to_stage,
        "waits_for": wire.waits_for, "work_order_id": wire.work_order_id, "deadline_at": deadline,
        "submission_version": wire.submission_version, "submission_hash": wire.submission_hash,
    });
    (wire.prefecture.clone(), fields)
}

fn work_order(wire: &WorkOrderEvent) -> (String, Value) {
    let fields = json!({
        "work_order_id": wire.work_order_id, "prefecture": wire.prefecture, "batch": wire.batch,
        "transition": wire.transition, "member_count": wire.member_count, "sample_count": wire.sample_count,
        "membership_hash": wire.membership_hash,
    });
    (wire.prefecture.clone(), fields)
}

fn operator(wire: &OperatorEvent) -> (String, Value) {
    let fields = json!({
        "operator_id": wire.operator_id, "state": wire.state, "review_pending": wire.review_pending,
        "registered_division": wire.registered_division, "city": wire.city,
        "submission_version": wire.submission_version,
    });
    (wire.city.clone(), fields)
}
