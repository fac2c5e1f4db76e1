//! Between the wire and the domain: subscriptions, deliveries, receipts, event types.

use std::collections::{BTreeSet, HashMap};

use chassis::{Failure, page};
use proto::notifications as wire;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::convert;
use crate::{
    app,
    domain::webhook::{
        catalogue,
        flaw::Flaw,
        receipt::{Place, Receipt},
        subscription::Draft,
    },
    labels::webhooks as words,
    store::{
        deliveries::{AttemptRow, DeliveryRow, Span},
        receipts::ReceiptRow,
        subscriptions::SubscriptionRow,
    },
};

pub(super) fn request_id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text)
        .map_err(|_| Failure::invalid("request_id_missing", "request_id", crate::labels::REQUEST_ID_MISSING))
}

pub(super) fn draft(request: wire::CreateSubscriptionRequest) -> Draft {
    let mut event_types = request.event_types;
    event_types.sort_unstable();
    event_types.dedup();
    Draft {
        name: request.name.replace(char::is_control, "").trim().to_owned(),
        url: request.url.trim().to_owned(),
        event_types,
        prefecture: request.prefecture,
    }
}

pub(super) fn event_types() -> Vec<wire::EventType> {
    catalogue::types()
        .into_iter()
        .map(|(name, group, meaning)| wire::EventType {
            name,
            title: words::event_type(meaning).to_owned(),
            group: words::group(group).to_owned(),
        })
        .collect()
}

pub(super) fn span(request: &wire::ResendSpanRequest) -> Result<Span<'_>, Failure> {
    let moment = |field, at: Option<prost_types::Timestamp>| {
        at.and_then(instant).ok_or_else(|| app::flawed(Flaw::Missing(field)))
    };
    Ok(Span {
        subscription_id: convert::id(&request.subscription_id)?,
        from: moment("from", request.from)?,
        to: moment("to", request.to)?,
        state: &request.state,
    })
}

fn instant(at: prost_types::Timestamp) -> Option<OffsetDateTime> {
    let seconds = OffsetDateTime::from_unix_timestamp(at.seconds).ok()?;
    seconds.checked_add(time::Duration::nanoseconds(i64::from(at.nanos)))
}

/// Where a page begins.
pub(super) fn place(page: Option<&proto::common::Page>) -> Result<Option<(OffsetDateTime, Uuid)>, Failure> {
    page::after(page)?.map(convert::after).transpose()
}

/// The token of the page after a full one.
pub(super) fn token(rows: usize, limit: i64, last: Option<(OffsetDateTime, Uuid)>) -> String {
    let full = i64::try_from(rows).is_ok_and(|rows| rows == limit);
    page::token(last.filter(|_| full).map(|(at, id)| convert::page_key(at, id)).as_ref())
}

pub(super) fn subscription(row: SubscriptionRow) -> wire::Subscription {
    let state = if row.disabled_reason.is_empty() { "active" } else { "disabled" };
    wire::Subscription {
        subscription_id: row.subscription_id.to_string(),
        name: row.name,
        url: row.url,
        event_types: row.event_types,
        prefecture: row.prefecture,
        state: state.to_owned(),
        disabled_reason: row.disabled_reason,
        disabled_at: row.disabled_at.and_then(convert::timestamp),
        failing_since: row.failing_since.and_then(convert::timestamp),
        previous_secret_until: row.previous_secret_until.and_then(convert::timestamp),
        created_by: row.created_by,
        created_at: convert::timestamp(row.created_at),
        waiting: convert::count(row.waiting),
        secret_issued_at: convert::timestamp(row.secret_issued_at),
    }
}

pub(super) fn delivery(row: DeliveryRow) -> wire::Delivery {
    let waiting = row.state == "waiting";
    wire::Delivery {
        delivery_id: row.delivery_id.to_string(),
        subscription_id: row.subscription_id.to_string(),
        event_id: row.event_id.to_string(),
        event_type: row.event_type,
        occurred_at: convert::timestamp(row.occurred_at),
        state: row.state,
        attempts: row.attempts,
        last_status: row.last_status,
        last_error: row.last_error,
        due_at: if waiting { convert::timestamp(row.due_at) } else { None },
        settled_at: row.settled_at.and_then(convert::timestamp),
        receipts: Vec::new(),
    }
}

/// Rows of the log, each with the live receipts of its event.
pub(super) fn log(rows: Vec<DeliveryRow>, live: Vec<ReceiptRow>) -> Vec<wire::Delivery> {
    let mut of_event: HashMap<Uuid, Vec<wire::Receipt>> = HashMap::new();
    for row in live {
        of_event.entry(row.event_id).or_default().push(receipt(row, true));
    }
    let with_receipts = |row: DeliveryRow| {
        let receipts = of_event.remove(&row.event_id).unwrap_or_default();
        wire::Delivery { receipts, ..delivery(row) }
    };
    rows.into_iter().map(with_receipts).collect()
}

/// All receipts of one event, newest first: the first of a kind is the live one.
pub(super) fn receipts(rows: Vec<ReceiptRow>) -> Vec<wire::Receipt> {
    let mut kinds = BTreeSet::new();
    let marked = |row: ReceiptRow| {
        let live = kinds.insert(row.kind.clone());
        receipt(row, live)
    };
    rows.into_iter().map(marked).collect()
}

pub(super) fn receipt(row: ReceiptRow, live: bool) -> wire::Receipt {
    wire::Receipt {
        kind: row.kind,
        status: row.status,
        code: row.code,
        at: convert::timestamp(row.at),
        received_at: convert::timestamp(row.received_at),
        live,
    }
}

pub(super) fn place_word(place: Place) -> &'static str {
    match place {
        Place::Live => "recorded",
        Place::Stale => "stale",
        Place::Known => "repeated",
    }
}

/// The subscription that a receipt says it is from; what is no id is nobody's, as an unknown one.
pub(super) fn sender(request: &wire::ReportReceiptRequest) -> Uuid {
    Uuid::parse_str(&request.subscription_id).unwrap_or_default()
}

/// What a receiver writes.
#[derive(Deserialize)]
struct Reported {
    event_id: String,
    kind: String,
    status: String,
    #[serde(default)]
    code: String,
    at: String,
}

/// The event and its receipt. The time is kept in microseconds, PostgreSQL's precision, so that a repetition is one.
pub(super) fn reported(body: &[u8]) -> Result<(Uuid, Receipt), Failure> {
    let malformed = |field| app::flawed(Flaw::ReceiptMalformed(field));
    let said: Reported = serde_json::from_slice(body).map_err(|_| app::flawed(Flaw::ReceiptUnreadable))?;
    let event_id = Uuid::parse_str(&said.event_id).map_err(|_| malformed("event_id"))?;
    let at = OffsetDateTime::parse(&said.at, &Rfc3339)
        .ok()
        .and_then(|at| at.replace_nanosecond(at.nanosecond() / 1_000 * 1_000).ok())
        .ok_or_else(|| malformed("at"))?;
    Ok((event_id, Receipt { kind: said.kind, status: said.status, code: said.code, at }))
}

pub(super) fn attempt(row: AttemptRow) -> wire::Attempt {
    wire::Attempt {
        number: row.number,
        at: convert::timestamp(row.at),
        status: row.status,
        latency_millis: row.latency_millis,
        answer: row.answer,
        error: row.error,
    }
}
