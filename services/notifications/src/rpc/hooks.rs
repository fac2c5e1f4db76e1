//! Between the wire and the domain: subscriptions, deliveries, event types.

use chassis::{Failure, page};
use proto::notifications as wire;
use time::OffsetDateTime;
use uuid::Uuid;

use super::convert;
use crate::{
    app,
    domain::webhook::{catalogue, flaw::Flaw, subscription::Draft},
    labels::webhooks as words,
    store::{
        deliveries::{AttemptRow, DeliveryRow, Span},
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
    }
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
