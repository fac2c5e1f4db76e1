//! Consumer `documents-reviews`: dossiers follow their applications. Takes every version of every aggregate of the
//! stream; work orders say nothing about dossiers.

use std::sync::Arc;

use chassis::{
    Failure, Work,
    consumer::{Event, Fetch, Order, Subscription},
};
use prost::Message as _;
use proto::reviews::ApplicationEvent;
use uuid::Uuid;

use crate::{
    app::{
        follow::{self, Applied},
        sweep::carries_dossier,
    },
    domain::dossier::{Standing, Told},
    store,
};

/// The subscription; `fetch` fills gaps from reviews.
#[must_use]
pub fn subscription(fetch: Fetch) -> Subscription {
    Subscription {
        stream: "REVIEWS",
        durable: "documents-reviews",
        order: Order::EveryVersion(fetch),
        apply: Arc::new(|work, event| Box::pin(apply(work, event))),
        late: None,
        // A dossier follows from where it stands; of its seal the event says whether it stands, or the sweep releases it.
        forget: Arc::new(|work, kind, id| {
            Box::pin(async move {
                if kind == "application" {
                    store::revisions::doubt(work.db(), id).await?;
                }
                Ok(())
            })
        }),
    }
}

/// Applies one event.
///
/// # Errors
/// `undecodable`, `unknown_value` (a stage that is not in the contract), `seal_lost`: the event becomes a dead letter.
pub async fn apply(work: &mut Work, event: Event) -> Result<(), Failure> {
    let envelope = event.envelope;
    if envelope.aggregate_type != "application" {
        return Ok(());
    }
    let undecodable = |field: &'static str| Failure::invalid("undecodable", field, "事件内容无法解析");
    let fact = ApplicationEvent::decode(envelope.payload.as_ref()).map_err(|_| undecodable("payload"))?;
    let unknown = || Failure::invalid("unknown_value", "to_stage", "不支持的环节");
    let applied = Applied {
        application_id: Uuid::parse_str(&envelope.aggregate_id).map_err(|_| undecodable("aggregate_id"))?,
        operator_id: Uuid::parse_str(&fact.operator_id).map_err(|_| undecodable("operator_id"))?,
        round_id: Uuid::parse_str(&fact.round_id).ok(),
        county: fact.county,
        prefecture: fact.prefecture,
    };
    let told = Told {
        standing: Standing::of_stage(&fact.to_stage).ok_or_else(unknown)?,
        // A reminder may be the newest that a restored producer has (decision record 26).
        withdrawn: envelope.r#type == "materials_withdrawn" || fact.led_here == "T10",
        supplement: fact.to_stage == "SupplementDue",
        submission_version: fact.submission_version,
        carries_dossier: carries_dossier(&fact.submission_kind),
        items: fact.items,
    };
    follow::told(work, &applied, &told, &fact.submission_kind).await
}
