//! Inlets of what other services announce: the table of subscriptions, and one file per kind of aggregate.

pub mod on_account_changed;
pub mod on_application_moved;
pub mod on_work_order_changed;
pub mod outgoing;

use std::sync::Arc;

use chassis::{
    Failure, Work,
    consumer::{Apply, Event, Fetch, Forget, Order, Subscription},
};
use prost::Message;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    domain::{occurrence::Occurrence, tier::Tier},
    labels,
    live::Hub,
    store,
};

/// The stream of `reviews`.
pub const REVIEWS: &str = "REVIEWS";
/// The stream of `accounts`.
pub const ACCOUNTS: &str = "ACCOUNTS";

/// The durable consumer of a tier, filtered on `reviews.v1.<tier>.>`; made by the deployment job.
pub fn durable(tier: Tier) -> &'static str {
    match tier {
        Tier::Operator => "notifications-operator",
        Tier::County => "notifications-county",
        Tier::City => "notifications-city",
        Tier::Administrator => "notifications-administrator",
        Tier::Experts => "notifications-experts",
        Tier::Departments => "notifications-departments",
    }
}

/// The durable consumer of account reviews.
pub const ACCOUNTS_DURABLE: &str = "notifications-accounts";

/// Every subscription: one per tier, one for accounts.
pub fn subscriptions(hub: &Hub, accounts: Fetch) -> Vec<Subscription> {
    let mut all: Vec<Subscription> = Tier::ALL
        .into_iter()
        .map(|tier| Subscription {
            stream: REVIEWS,
            durable: durable(tier),
            order: Order::Tier,
            apply: inlet(hub.clone()),
            // What people see has gone on; outside systems wait for every event.
            late: Some(Arc::new(|work, event| {
                Box::pin(async move { outgoing::announce(work, &event).await })
            })),
            forget: forget(),
        })
        .collect();
    all.push(Subscription {
        stream: ACCOUNTS,
        durable: ACCOUNTS_DURABLE,
        order: Order::EveryVersion(accounts),
        apply: inlet(hub.clone()),
        late: None,
        forget: forget(),
    });
    all
}

/// Tasks and panels move to higher versions only, so those of a producer that was restored have to make room. What people
/// were told stays told.
fn forget() -> Forget {
    Arc::new(|work, kind, id| {
        Box::pin(async move { Ok(store::rebuild::forget(work.db(), &kind, id).await?) })
    })
}

fn inlet(hub: Hub) -> Apply {
    Arc::new(move |work, event| {
        let hub = hub.clone();
        Box::pin(async move {
            apply(work, &hub, &event).await?;
            outgoing::announce(work, &event).await
        })
    })
}

/// The effect of one event on what people see; consumers, replays and the rebuild all go through here.
///
/// # Errors
/// `unknown_value`, `unreadable`, or a contradiction of [`crate::domain::refusal::Refusal`]: it can never be applied.
/// Anything of the database: it may be applied later.
pub async fn apply(work: &mut Work, hub: &Hub, event: &Event) -> Result<(), Failure> {
    match event.envelope.aggregate_type.as_str() {
        "application" => on_application_moved::apply(work, hub, event).await,
        "work_order" => on_work_order_changed::apply(work, hub, event).await,
        "operator" => on_account_changed::apply(work, hub, event).await,
        // Aggregates of other services' making (rounds, users) pass by without an effect here.
        other => {
            tracing::debug!(aggregate.kind = other, event.kind = %event.envelope.r#type, "not followed");
            Ok(())
        }
    }
}

fn occurrence(event: &Event) -> Result<Occurrence, Failure> {
    Ok(Occurrence {
        event_id: id("event_id", &event.envelope.event_id)?,
        at: event.envelope.occurred_at.and_then(moment).ok_or_else(|| unreadable("occurred_at"))?,
    })
}

fn payload<M: Message + Default>(event: &Event) -> Result<M, Failure> {
    M::decode(event.envelope.payload.clone()).map_err(|_| unreadable("payload"))
}

fn moment(at: prost_types::Timestamp) -> Option<OffsetDateTime> {
    let seconds = OffsetDateTime::from_unix_timestamp(at.seconds).ok()?;
    Some(seconds + time::Duration::nanoseconds(i64::from(at.nanos)))
}

fn id(field: &'static str, text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| unreadable(field))
}

fn optional_id(field: &'static str, text: &str) -> Result<Option<Uuid>, Failure> {
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

fn ids(field: &'static str, texts: &[String]) -> Result<Vec<Uuid>, Failure> {
    texts.iter().map(|text| id(field, text)).collect()
}

fn unreadable(field: &'static str) -> Failure {
    Failure::invalid("unreadable", field, labels::UNREADABLE)
}

fn unknown(field: &'static str) -> Failure {
    Failure::invalid("unknown_value", field, labels::UNKNOWN_VALUE)
}
