//! An application moved: from the wire to [`Moved`], then the one path.

use chassis::{Failure, Work, consumer::Event};
use proto::reviews::ApplicationEvent;

use super::{id, moment, optional_id, payload, unknown, unreadable};
use crate::{
    app,
    domain::{
        application::{Fact, Moved},
        desk::Role,
        occurrence::Occurrence,
        stage::Stage,
        task::{Clock, Light},
        tier::Tier,
    },
    live::Hub,
};

pub(super) async fn apply(work: &mut Work, hub: &Hub, event: &Event) -> Result<(), Failure> {
    let occurrence = super::occurrence(event)?;
    let moved = read(event, &payload(event)?, occurrence)?;
    app::application_moved(work, hub, occurrence, &moved).await
}

fn read(event: &Event, wire: &ApplicationEvent, occurrence: Occurrence) -> Result<Moved, Failure> {
    let kind = event.envelope.r#type.clone();
    let fact = Fact::parse(&kind);
    if fact.is_none() {
        tracing::info!(event.kind = %kind, "an event without a text of its own: the task moves, nobody is told");
    }
    if wire.application_id != event.envelope.aggregate_id {
        return Err(unreadable("application_id"));
    }
    Ok(Moved {
        fact,
        kind,
        version: event.envelope.aggregate_version,
        application_id: id("application_id", &wire.application_id)?,
        application_no: wire.application_no.clone(),
        stage: Stage::parse(&wire.to_stage).ok_or_else(|| unknown("to_stage"))?,
        waits_for: match wire.waits_for.as_str() {
            "" => None,
            tier => Some(Tier::parse(tier).ok_or_else(|| unknown("waits_for"))?),
        },
        county: wire.county.clone(),
        prefecture: wire.prefecture.clone(),
        operator_id: id("operator_id", &wire.operator_id)?,
        station_id: id("station_id", &wire.station_id)?,
        work_order_id: optional_id("work_order_id", &wire.work_order_id)?,
        round_id: optional_id("round_id", &wire.round_id)?,
        assignee_id: optional_id("assignee_id", &wire.assignee_id)?,
        items: wire.items.len(),
        since: wire.entered_at.and_then(moment).unwrap_or(occurrence.at),
        clock: Clock {
            deadline_at: wire.deadline_at.and_then(moment),
            light: Light::parse(&wire.light).ok_or_else(|| unknown("light"))?,
            reminded_count: wire.reminded_count,
            reminded_at: wire.reminded_at.and_then(moment),
        },
        escalated_to: match wire.escalated_to.as_str() {
            "" => None,
            tier => Some(Tier::parse(tier).ok_or_else(|| unknown("escalated_to"))?),
        },
        awaited: wire.awaited.as_ref().map(|awaited| awaited.voices.clone()),
        by: Role::parse(&wire.actor_role),
    })
}
