//! The outlet: facts to subjects and messages. Source: workflow, Events.
//!
//! Payloads carry identifiers, codes, stages and hashes; no names, no opinions. Writing the outbox is the chassis' work.

use chassis::Announcement;
use prost::Message as _;
use prost_types::Timestamp;
use proto::reviews::{ApplicationEvent, Awaited, WorkOrderEvent};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{
    application::{Application, Kind},
    clock::Alert,
    facts::{Fact, OrderFact},
    history::Step,
    order::Order,
    stage::{Party, Stage},
};

/// Aggregate type of an application's events.
pub const APPLICATION: &str = "application";
/// Aggregate type of a work order's events.
pub const WORK_ORDER: &str = "work_order";

/// Ids that an order's event lists at most: 40 bytes each, within the 256 KiB of an event. Longer lists are left out;
/// their counts and the membership hash stand for them, and each member has its own event. Source: reliability section 4.
pub const IDS_MAX: usize = 5_000;

/// What an order tells besides its own fields.
#[derive(Debug, Clone, Default)]
pub struct OrderNews {
    /// Its members.
    pub applications: Vec<Uuid>,
    /// Its panel.
    pub experts: Vec<Uuid>,
    /// The members drawn.
    pub sample: Vec<Uuid>,
    /// The seed of the draw, hex.
    pub seed: String,
}

/// A step of one application.
pub fn application(step: &Step) -> Announcement {
    let after = &step.after;
    let tier = step.row.tier(after.stage);
    Announcement {
        aggregate_type: APPLICATION,
        aggregate_id: after.id.0,
        aggregate_version: after.version,
        subject: subject(tier, &after.prefecture, &after.county, step.row.fact.id()),
        kind: step.row.fact.id(),
        payload: payload(step).encode_to_vec(),
        round_id: Some(after.round_id.0),
        policy_version: after.policy_version,
    }
}

fn payload(step: &Step) -> ApplicationEvent {
    let Step { after, entry, .. } = step;
    let submitted = after.submitted.as_ref();
    ApplicationEvent {
        application_id: after.id.to_string(),
        application_no: after.number.clone(),
        round_id: after.round_id.to_string(),
        operator_id: after.operator_id.to_string(),
        station_id: after.station_id.to_string(),
        county: after.county.clone(),
        prefecture: after.prefecture.clone(),
        transition: entry.transition.clone(),
        from_stage: entry.from.map_or("", Stage::id).to_owned(),
        to_stage: after.stage.id().to_owned(),
        waits_for: after.stage.waits_for().map_or("", Party::id).to_owned(),
        submission_version: submitted.map_or(0, |submitted| submitted.version),
        submission_hash: submitted.map(|submitted| submitted.hash.clone()).unwrap_or_default(),
        submission_kind: submitted.map_or("", |submitted| Kind::id(submitted.kind)).to_owned(),
        work_order_id: after.order_id.map(|order| order.to_string()).unwrap_or_default(),
        items: items(step.row.fact, after),
        assignee_id: after.assignee.map(|person| person.to_string()).unwrap_or_default(),
        entered_at: Some(timestamp(after.entered_at)),
        actor_role: entry.role.role().to_owned(),
        deadline_at: after.clock.map(|clock| timestamp(clock.deadline_at)),
        light: light(after).to_owned(),
        reminded_count: i32::try_from(after.reminders.count).unwrap_or(i32::MAX),
        reminded_at: after.reminders.last_at.map(timestamp),
        escalated_to: escalated_to(step).map_or("", Party::id).to_owned(),
        awaited: after.awaited.clone().map(|voices| Awaited { voices }),
        led_here: after.last.as_ref().map(|last| last.transition.clone()).unwrap_or_default(),
    }
}

/// 黄牌, 红牌 or none.
pub fn light(application: &Application) -> &'static str {
    application.clock.and_then(|clock| clock.struck).map_or("", Alert::light)
}

fn escalated_to(step: &Step) -> Option<Party> {
    (step.row.fact == Fact::DeadlineEscalated).then(|| step.after.stage.above()).flatten()
}

/// Items that a return opens (a reminder says them again), or that a withdrawn answer opens again; empty where everything is open, and where nothing
/// was returned.
fn items(fact: Fact, after: &Application) -> Vec<String> {
    match fact {
        Fact::CountyReturned
        | Fact::CountyRevoked
        | Fact::MaterialsWithdrawn
        | Fact::CityReturned
        | Fact::SupplementRequested
        | Fact::ProvinceReturned
        | Fact::Reminded => {
            if after.returned.open_all {
                Vec::new()
            } else {
                after.returned.items.clone()
            }
        }
        Fact::Drafted
        | Fact::AcceptanceSubmitted
        | Fact::AcceptanceWithdrawn
        | Fact::CountyPassed
        | Fact::PaperCheckPassed
        | Fact::PaperCheckIncomplete
        | Fact::MaterialsSubmitted
        | Fact::CityPassed
        | Fact::CityPassRetracted
        | Fact::EnteredJointReview
        | Fact::ExpertOpined
        | Fact::InterestHeeded
        | Fact::ExpertsPassed
        | Fact::SupplementSubmitted
        | Fact::CarriedOver
        | Fact::EnteredProvincialReview
        | Fact::DepartmentOpined
        | Fact::Approved
        | Fact::EnteredSample
        | Fact::Deleted
        | Fact::Terminated
        | Fact::DeadlineExtended
        | Fact::Reassigned
        | Fact::DeadlineNear
        | Fact::DeadlineOverdue
        | Fact::DeadlineEscalated => Vec::new(),
    }
}

/// A step of a whole order; `_` stands in the county's place.
pub fn order(order: &Order, fact: OrderFact, news: &OrderNews) -> Announcement {
    let tier = match fact {
        OrderFact::JointReviewLaunched => Party::Experts,
        OrderFact::OrderFrozen | OrderFact::SampleWidened => Party::Departments,
    };
    let room = IDS_MAX.saturating_sub(news.sample.len());
    let applications = if news.applications.len() > room { &[] } else { news.applications.as_slice() };
    let sample = if news.sample.len() > IDS_MAX { &[] } else { news.sample.as_slice() };
    let texts = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect();
    let payload = WorkOrderEvent {
        work_order_id: order.id.to_string(),
        round_id: order.round_id.to_string(),
        prefecture: order.prefecture.clone(),
        batch: order.batch,
        application_ids: texts(applications),
        membership_hash: order.membership_hash.clone(),
        expert_ids: texts(&news.experts),
        sample_ids: texts(sample),
        draw_seed: news.seed.clone(),
        transition: fact.transition().to_owned(),
        member_count: count(&news.applications),
        sample_count: count(&news.sample),
    };
    Announcement {
        aggregate_type: WORK_ORDER,
        aggregate_id: order.id.0,
        aggregate_version: order.version,
        subject: subject(tier, &order.prefecture, "_", fact.id()),
        kind: fact.id(),
        payload: payload.encode_to_vec(),
        round_id: Some(order.round_id.0),
        policy_version: order.policy_version,
    }
}

fn count(ids: &[Uuid]) -> i32 {
    i32::try_from(ids.len()).unwrap_or(i32::MAX)
}

fn subject(tier: Party, prefecture: &str, county: &str, event: &str) -> String {
    format!("reviews.v1.{}.{prefecture}.{county}.{event}", tier.id())
}

/// The wire's form of an instant.
pub fn timestamp(at: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: at.unix_timestamp(),
        // Below a thousand million by definition.
        nanos: i32::try_from(at.nanosecond()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    #[test]
    fn an_order_of_any_size_fits_into_an_event() {
        let ids: Vec<_> = (0..20_000).map(Uuid::from_u128).collect();
        let order = fixtures::desk().order;
        for (applications, sample) in [(20_000, 4_000), (5_000, 0), (4_000, 1_000), (20_000, 20_000)] {
            let news = OrderNews {
                applications: ids[..applications].to_vec(),
                sample: ids[..sample].to_vec(),
                ..OrderNews::default()
            };
            let announced = super::order(&order, OrderFact::OrderFrozen, &news);
            assert!(announced.payload.len() <= 256 * 1024, "{}", announced.payload.len());
            assert_eq!(announced.subject, "reviews.v1.departments.410100._.order_frozen");
            let told = WorkOrderEvent::decode(announced.payload.as_slice()).expect("our own message");
            assert_eq!((told.member_count, told.sample_count), (applications as i32, sample as i32));
        }
    }
}
