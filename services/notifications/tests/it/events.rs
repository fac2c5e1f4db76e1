//! Events as `reviews` and `accounts` announce them; builders show only what a test is about.

use chassis::clock::unix_seconds;
use prost::Message as _;
use prost_types::Timestamp;
use proto::{
    accounts::OperatorEvent,
    common::Envelope,
    reviews::{ApplicationEvent, Awaited, WorkOrderEvent},
};
use uuid::Uuid;

/// An hour ago, so that messages are unread; each version a second later.
fn at(version: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: unix_seconds() / 3_600 * 3_600 - 3_600 + version, nanos: 0 })
}

/// A stable id for the nth thing of a kind.
pub fn id(kind: u128, n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | kind << 32 | n)
}

/// An application and where it lies.
#[derive(Debug, Clone)]
pub struct Application {
    pub n: u128,
    pub operator: Uuid,
    pub county: &'static str,
    pub prefecture: &'static str,
    pub order: Option<Uuid>,
    /// Voices that can still act; none: everybody.
    pub awaited: Option<Vec<String>>,
}

/// The nth application of the nth operator in 中牟县.
pub fn application(n: u128) -> Application {
    Application { n, operator: id(2, n), county: "410122", prefecture: "410100", order: None, awaited: None }
}

impl Application {
    pub fn id(&self) -> Uuid {
        id(1, self.n)
    }

    pub fn lying_in(mut self, prefecture: &'static str, county: &'static str) -> Self {
        (self.prefecture, self.county) = (prefecture, county);
        self
    }

    pub fn member_of(mut self, order: Uuid) -> Self {
        self.order = Some(order);
        self
    }

    /// Only these can still do something.
    pub fn awaiting(mut self, voices: &[String]) -> Self {
        self.awaited = Some(voices.to_vec());
        self
    }

    /// One event: `(kind, stage, waits for)`; empty `waits_for` is told to the operator's tier.
    pub fn event(&self, version: i64, kind: &str, stage: &str, waits_for: &str) -> Envelope {
        let tier = if waits_for.is_empty() { "operator" } else { waits_for };
        let payload = ApplicationEvent {
            application_id: self.id().to_string(),
            application_no: format!("HN2026-{:06}", self.n),
            round_id: id(9, 1).to_string(),
            operator_id: self.operator.to_string(),
            station_id: id(3, self.n).to_string(),
            county: self.county.into(),
            prefecture: self.prefecture.into(),
            to_stage: stage.into(),
            waits_for: waits_for.into(),
            work_order_id: self.order.map(|order| order.to_string()).unwrap_or_default(),
            items: if kind.ends_with("returned") { vec!["M1".into(), "M4".into()] } else { Vec::new() },
            entered_at: at(version),
            awaited: self.awaited.clone().map(|voices| Awaited { voices }),
            ..ApplicationEvent::default()
        };
        Envelope {
            event_id: id(1_000 + version.unsigned_abs() as u128, self.n).to_string(),
            r#type: kind.into(),
            schema_version: 1,
            aggregate_type: "application".into(),
            aggregate_id: self.id().to_string(),
            aggregate_version: version,
            occurred_at: at(version),
            subject: format!("reviews.v1.{tier}.{}.{}.{kind}", self.prefecture, self.county),
            payload: payload.encode_to_vec().into(),
            ..Envelope::default()
        }
    }

    /// From draft to 审核通过 with a return at the county and a supplement, 16 versions.
    pub fn whole_life(&self) -> Vec<Envelope> {
        let steps = [
            ("drafted", "Draft", "operator"),
            ("acceptance_submitted", "CountyReview", "county"),
            ("county_returned", "CountyReturned", "operator"),
            ("acceptance_submitted", "CountyReview", "county"),
            ("county_passed", "PaperCheck", "county"),
            ("paper_check_passed", "MaterialsDue", "operator"),
            ("materials_submitted", "CityReview", "city"),
            ("city_passed", "AwaitingJointReview", "administrator"),
            ("entered_joint_review", "ExpertReview", "experts"),
            ("expert_opined", "ExpertReview", "experts"),
            ("supplement_requested", "SupplementDue", "operator"),
            ("supplement_submitted", "ExpertReview", "experts"),
            ("experts_passed", "AwaitingProvince", "administrator"),
            ("entered_provincial_review", "ProvincialReview", "departments"),
            ("department_opined", "ProvincialReview", "departments"),
            ("approved", "Approved", ""),
        ];
        (1..)
            .zip(steps)
            .map(|(version, (kind, stage, tier))| self.event(version, kind, stage, tier))
            .collect()
    }
}

/// An event of a work order at the tier that it concerns.
pub fn order_event(order: Uuid, version: i64, kind: &str, experts: &[Uuid], sample: &[Uuid]) -> Envelope {
    let tier = if kind == "joint_review_launched" { "experts" } else { "departments" };
    let payload = WorkOrderEvent {
        work_order_id: order.to_string(),
        round_id: id(9, 1).to_string(),
        prefecture: "410100".into(),
        batch: 1,
        application_ids: vec![id(1, 1).to_string()],
        expert_ids: experts.iter().map(Uuid::to_string).collect(),
        sample_ids: sample.iter().map(Uuid::to_string).collect(),
        ..WorkOrderEvent::default()
    };
    Envelope {
        event_id: id(2_000 + version.unsigned_abs() as u128, order.as_u128() & 0xffff_ffff).to_string(),
        r#type: kind.into(),
        schema_version: 1,
        aggregate_type: "work_order".into(),
        aggregate_id: order.to_string(),
        aggregate_version: version,
        occurred_at: at(version),
        subject: format!("reviews.v1.{tier}.410100._.{kind}"),
        payload: payload.encode_to_vec().into(),
        ..Envelope::default()
    }
}

/// An event of the nth operator's account.
pub fn account_event(n: u128, version: i64, kind: &str, state: &str, review_pending: bool) -> Envelope {
    let operator_id = id(2, n).to_string();
    let payload = OperatorEvent {
        operator_id: operator_id.clone(),
        state: state.into(),
        review_pending,
        registered_division: "410122".into(),
        city: "410100".into(),
        ..OperatorEvent::default()
    };
    Envelope {
        event_id: id(3_000 + version.unsigned_abs() as u128, n).to_string(),
        r#type: kind.into(),
        schema_version: 1,
        aggregate_type: "operator".into(),
        aggregate_id: operator_id,
        aggregate_version: version,
        occurred_at: at(version),
        subject: format!("accounts.v1.{kind}"),
        payload: payload.encode_to_vec().into(),
        ..Envelope::default()
    }
}

/// The event of an application with its time told: deadline so many hours from now, light, reminders.
pub fn timed(event: &Envelope, hours: i64, light: &str, reminded: i32) -> Envelope {
    changed(event, |payload| {
        payload.deadline_at =
            Some(Timestamp { seconds: unix_seconds() / 3_600 * 3_600 + hours * 3_600, nanos: 0 });
        payload.light = light.into();
        payload.reminded_count = reminded;
        payload.reminded_at = if reminded == 0 { None } else { event.occurred_at };
    })
}

/// The event with another payload.
pub fn changed(event: &Envelope, change: impl FnOnce(&mut ApplicationEvent)) -> Envelope {
    let mut payload = ApplicationEvent::decode(event.payload.clone()).expect("an application's event");
    change(&mut payload);
    Envelope { payload: payload.encode_to_vec().into(), ..event.clone() }
}
