//! Deliveries: made when an event is applied, settled after an attempt, sent again by a person, or as a test.

use chassis::{Failure, Work};
use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::{body, flawed, subscribe};
use crate::{
    domain::{
        desk::Desk,
        webhook::{
            catalogue,
            flaw::Flaw,
            outcome::{Outcome, Trouble},
            schedule::{Schedule, failing_too_long, retry_after},
        },
    },
    labels,
    store::{
        deliveries::{self, DeliveryRow, Parcel, Span},
        messages::{self, Message},
        queue::{self, Claimed, Next},
        subscriptions,
    },
};

/// Deliveries that one act may resend.
const RESEND_MAX: i64 = 10_000;
/// Longest span of one resend.
const SPAN_MAX: Duration = Duration::days(31);
/// An event that is heard of later was announced in its time: streams keep 30 days, so a restored producer tells it anew, and
/// whether it was delivered may be forgotten already. Source: decision record 26.
const ANNOUNCED_WITHIN: Duration = Duration::days(30);
/// States in which a delivery may be listed or resent.
const STATES: [&str; 4] = ["", "waiting", "delivered", "dead"];

/// Makes a delivery for every active subscription that wants the event, unless it is an old one that is told anew.
///
/// # Errors
/// The database is away.
pub async fn announce(work: &mut Work, parcel: &Parcel) -> Result<(), Failure> {
    if parcel.occurred_at < work.now() - ANNOUNCED_WITHIN {
        return Ok(());
    }
    let names = catalogue::wanted_as(&parcel.event_type);
    let wanting = deliveries::wanting(work.db(), &names, &parcel.prefecture).await?;
    if wanting.is_empty() {
        return Ok(());
    }
    let rows: Vec<(Uuid, Uuid)> = wanting.into_iter().map(|id| (work.new_id(), id)).collect();
    let now = work.now();
    Ok(deliveries::insert(work.db(), parcel, &rows, now).await?)
}

/// Delivers a test event to one subscription.
///
/// # Errors
/// `not_found`; `subscription_disabled`.
pub async fn test(work: &mut Work, subscription_id: Uuid) -> Result<DeliveryRow, Failure> {
    subscribe::lock(work, subscription_id).await?;
    if !subscribe::find(work, subscription_id).await?.disabled_reason.is_empty() {
        return Err(flawed(Flaw::Disabled));
    }
    let (event_id, delivery_id, now) = (work.new_id(), work.new_id(), work.now());
    let parcel = Parcel {
        event_id,
        event_type: catalogue::TEST.to_owned(),
        prefecture: String::new(),
        occurred_at: now,
        body: body::text(catalogue::TEST, now, json!({ "event_id": event_id.to_string() })),
    };
    deliveries::insert(work.db(), &parcel, &[(delivery_id, subscription_id)], now).await?;
    subscribe::record(work, subscription_id, "send_test", &event_id.to_string()).await?;
    found(work, delivery_id).await
}

/// Delivers once more, from the beginning of the schedule.
///
/// # Errors
/// `not_found`.
pub async fn resend(work: &mut Work, delivery_id: Uuid) -> Result<DeliveryRow, Failure> {
    let now = work.now();
    let of = deliveries::resend(work.db(), delivery_id, now).await?.ok_or_else(Failure::not_found)?;
    subscribe::record(work, of, "resend_delivery", &delivery_id.to_string()).await?;
    found(work, delivery_id).await
}

/// Delivers a span once more; how many deliveries that are.
///
/// # Errors
/// `not_found`; `span_malformed`; `unknown_value` (state); `span_too_long`.
pub async fn resend_span(work: &mut Work, span: &Span<'_>) -> Result<u64, Failure> {
    if span.to <= span.from || span.to - span.from > SPAN_MAX {
        return Err(flawed(Flaw::SpanMalformed));
    }
    if span.state == "waiting" {
        return Err(flawed(Flaw::UnknownState));
    }
    known_state(span.state)?;
    subscribe::lock(work, span.subscription_id).await?;
    let now = work.now();
    let resent = deliveries::resend_span(work.db(), span, now, RESEND_MAX).await?;
    if resent > RESEND_MAX.unsigned_abs() {
        return Err(flawed(Flaw::SpanTooLong));
    }
    let detail = format!("{} {} {} {resent}", span.from, span.to, span.state);
    subscribe::record(work, span.subscription_id, "resend_span", &detail).await?;
    Ok(resent)
}

/// Refuses a state that no delivery has.
///
/// # Errors
/// `unknown_value`.
pub fn known_state(state: &str) -> Result<(), Failure> {
    if STATES.contains(&state) { Ok(()) } else { Err(flawed(Flaw::UnknownState)) }
}

/// When a subscription is given up.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For each delivery.
    pub schedule: Schedule,
    /// Days without any success.
    pub days_max: u16,
}

/// Writes what came of an attempt, and disables an endpoint that is gone or has failed for too long. None where the lease was
/// outlived.
///
/// # Errors
/// The database is away.
pub async fn settle(
    work: &mut Work,
    claimed: &Claimed,
    outcome: &Outcome,
    patience: &Patience,
    jitter: f64,
) -> Result<Option<Next>, Failure> {
    let now = work.now();
    let tries = u32::try_from(claimed.tries).unwrap_or_default() + 1;
    let pause = patience.schedule.pause(tries, jitter, outcome.retry_after_secs);
    let next = match (outcome.trouble, pause) {
        (None, _) => Next::Delivered,
        (Some(Trouble::Gone), _) | (Some(_), None) => Next::Dead,
        (Some(_), Some(pause)) => Next::At(now + pause),
    };
    if !queue::settle(work.db(), claimed, outcome, next, now).await? {
        return Ok(None);
    }
    let Some(trouble) = outcome.trouble else {
        subscriptions::note_success(work.db(), claimed.subscription_id).await?;
        return Ok(Some(next));
    };
    let held = retry_after(outcome.retry_after_secs).map(|pause| now + pause);
    let (since, name) = subscriptions::note_failure(work.db(), claimed.subscription_id, now, held).await?;
    let reason = if trouble == Trouble::Gone {
        Some("gone")
    } else {
        failing_too_long(since, now, patience.days_max).then_some("failing")
    };
    if let Some(reason) = reason
        && subscriptions::disable(work.db(), claimed.subscription_id, reason, now).await?
    {
        tell_administrators(work, claimed.subscription_id, &name, reason).await?;
    }
    Ok(Some(next))
}

async fn tell_administrators(
    work: &mut Work,
    subscription_id: Uuid,
    name: &str,
    reason: &'static str,
) -> Result<(), Failure> {
    subscribe::record(work, subscription_id, "disable_subscription", reason).await?;
    let (event_id, at, desk) = (work.new_id(), work.now(), Desk::Administrator.key());
    let message = Message {
        message_id: messages::id(event_id, &desk),
        event_id,
        desk,
        kind: "webhook_disabled".to_owned(),
        subject_type: "webhook",
        subject_id: subscription_id,
        text: labels::webhooks::disabled(name, reason),
        at,
    };
    Ok(messages::insert(work.db(), &[message]).await?)
}

async fn found(work: &mut Work, delivery_id: Uuid) -> Result<DeliveryRow, Failure> {
    let found = deliveries::find(work.db(), delivery_id).await?.ok_or_else(Failure::not_found)?;
    Ok(found.0)
}
