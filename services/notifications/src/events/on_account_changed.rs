//! An operator's account changed: from the wire to [`Changed`], then the one path.

use chassis::{Failure, Work, consumer::Event};
use proto::accounts::OperatorEvent;

use super::{id, payload, unknown, unreadable};
use crate::{
    app,
    domain::{
        account::{Changed, Fact},
        occurrence::Occurrence,
        stage::AccountState,
    },
    live::Hub,
};

pub(super) async fn apply(work: &mut Work, hub: &Hub, event: &Event) -> Result<(), Failure> {
    let occurrence = super::occurrence(event)?;
    let changed = read(event, &payload(event)?, occurrence)?;
    app::account_changed(work, hub, occurrence, &changed).await
}

fn read(event: &Event, wire: &OperatorEvent, occurrence: Occurrence) -> Result<Changed, Failure> {
    let kind = event.envelope.r#type.clone();
    if wire.operator_id != event.envelope.aggregate_id {
        return Err(unreadable("operator_id"));
    }
    Ok(Changed {
        fact: Fact::parse(&kind),
        kind,
        version: event.envelope.aggregate_version,
        operator_id: id("operator_id", &wire.operator_id)?,
        state: AccountState::parse(&wire.state).ok_or_else(|| unknown("state"))?,
        review_pending: wire.review_pending,
        county: wire.registered_division.clone(),
        prefecture: wire.city.clone(),
        at: occurrence.at,
    })
}
