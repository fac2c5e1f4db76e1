//! Follows every application of reviews: one that ends lets go of its connectors, any other confirms its claims.
use std::sync::Arc;

use chassis::{
    Failure, Work,
    consumer::{Apply, Event, Fetch, Order, Subscription, nothing_to_forget},
};
use uuid::Uuid;

use crate::app::claim::{self, Holder};

/// The subscription; versions are followed without holes.
#[must_use]
pub fn subscription(fetch: Fetch) -> Subscription {
    let apply: Apply = Arc::new(|work, event| Box::pin(apply(work, event)));
    Subscription {
        stream: "REVIEWS",
        durable: "stations-reviews",
        order: Order::EveryVersion(fetch),
        apply,
        late: None,
        forget: nothing_to_forget(),
    }
}

async fn apply(work: &mut Work, event: Event) -> Result<(), Failure> {
    if event.envelope.aggregate_type != "application" {
        return Ok(());
    }
    let application_id = Uuid::parse_str(&event.envelope.aggregate_id).map_err(Failure::internal)?;
    let holder = match event.envelope.r#type.as_str() {
        "deleted" | "terminated" => Holder::Gone,
        _ => Holder::Alive,
    };
    claim::settle(work, application_id, holder).await
}
