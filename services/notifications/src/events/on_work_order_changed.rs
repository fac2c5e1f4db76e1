//! A work order was launched, frozen or drawn from again: from the wire to [`Changed`], then the one path.

use chassis::{Failure, Work, consumer::Event};
use proto::reviews::WorkOrderEvent;

use super::{id, ids, optional_id, payload, unreadable};
use crate::{
    app,
    domain::work_order::{Changed, Fact},
    live::Hub,
};

pub(super) async fn apply(work: &mut Work, hub: &Hub, event: &Event) -> Result<(), Failure> {
    let occurrence = super::occurrence(event)?;
    let changed = read(event, &payload(event)?)?;
    app::work_order_changed(work, hub, occurrence, &changed).await
}

fn read(event: &Event, wire: &WorkOrderEvent) -> Result<Changed, Failure> {
    let kind = event.envelope.r#type.clone();
    if wire.work_order_id != event.envelope.aggregate_id {
        return Err(unreadable("work_order_id"));
    }
    Ok(Changed {
        fact: Fact::parse(&kind),
        kind,
        version: event.envelope.aggregate_version,
        work_order_id: id("work_order_id", &wire.work_order_id)?,
        round_id: optional_id("round_id", &wire.round_id)?,
        prefecture: wire.prefecture.clone(),
        batch: wire.batch,
        members: counted(wire.member_count, &wire.application_ids),
        drawn: counted(wire.sample_count, &wire.sample_ids),
        experts: ids("expert_ids", &wire.expert_ids)?,
        sample: ids("sample_ids", &wire.sample_ids)?,
    })
}

/// The count that the event states, or that of its list where it states none.
fn counted(stated: i32, listed: &[String]) -> usize {
    usize::try_from(stated).unwrap_or(0).max(listed.len())
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn an_order_with_more_members_than_an_event_lists_is_counted_all_the_same() {
        assert_eq!(counted(20_000, &[]), 20_000);
        assert_eq!(counted(0, &["a".into(), "b".into()]), 2, "an event from before the count");
    }
}
