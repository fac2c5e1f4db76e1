//! Builders for the tests of the rules: each shows only what matters.

use std::sync::Arc;

use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{
    act::{Act, Command, Draft, Judged, Moment, Person, Verdict},
    application::{Application, Decider, Kind, LastStep, Reminders, Returned, Submitted},
    clock::{Clock, Limits},
    decide,
    guards::Situation,
    ids::{ApplicationId, OperatorId, OrderId, PersonId, RoundId},
    order::{Desk, Opinion, Order, Panelist},
    policy::{ExpertRule, Gate, Policy},
    refusal::Refusal,
    stage::{Actor, Party, Stage},
    table::Row,
};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-06 02:00 UTC);

pub(crate) fn person_id(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

pub(crate) fn operator_id() -> OperatorId {
    OperatorId(Uuid::from_u128(900))
}

pub(crate) fn order_id() -> OrderId {
    OrderId(Uuid::from_u128(700))
}

/// Somebody of this role who may act on [`application`].
pub(crate) fn person(actor: Actor, n: u128) -> Person {
    let scope: &[&str] = match actor {
        Actor::Operator | Actor::Expert | Actor::Timer => &[],
        Actor::County => &["410122"],
        Actor::City => &["410100"],
        Actor::Administrator | Actor::Province => &["410000"],
    };
    Person {
        id: person_id(n),
        roles: vec![actor],
        scope: scope.iter().map(|code| (*code).to_owned()).collect(),
        operator_id: (actor == Actor::Operator).then(operator_id),
        department: if actor == Actor::Province { "fgw".into() } else { String::new() },
        office: format!("office of {}", actor.role()),
        session_id: "s".into(),
        authentication: "password".into(),
        lead: true,
        orders: if actor == Actor::Expert { vec![order_id()] } else { vec![] },
    }
}

/// An application at a node, as it would look there.
pub(crate) fn application(stage: Stage) -> Application {
    let submitted = (stage != Stage::Draft).then(|| Submitted {
        version: 1,
        kind: Kind::Acceptance,
        hash: "aa".into(),
        dossier_hash: String::new(),
    });
    let in_order = matches!(
        stage,
        Stage::ExpertReview | Stage::SupplementDue | Stage::AwaitingProvince | Stage::ProvincialReview
    );
    Application {
        id: ApplicationId(Uuid::from_u128(1)),
        number: "HN2026-000001".into(),
        receipt_no: None,
        round_id: RoundId(Uuid::from_u128(800)),
        policy_version: 1,
        operator_id: operator_id(),
        operator_name: "豫充一号".into(),
        station_id: Uuid::from_u128(600),
        station_code: "S1".into(),
        station_name: "站".into(),
        county: "410122".into(),
        prefecture: "410100".into(),
        stage,
        version: 5,
        stage_version: 5,
        entered_at: NOW,
        created_at: NOW,
        submitted,
        returned: Returned { items: vec!["manager".into()], ..Returned::default() },
        order_id: in_order.then(order_id),
        in_sample: stage == Stage::ProvincialReview,
        forced_sample: false,
        last: Some(LastStep {
            version: 5,
            transition: "T02".into(),
            actor_id: Uuid::from_u128(1),
            role: Actor::Operator,
            office: "office".into(),
            at: NOW,
        }),
        head: [0; 32],
        deciders: vec![],
        clock: stage.clock_runs().then_some(Clock { deadline_at: NOW, struck: None }),
        strikes_at: None,
        assignee: None,
        reminders: Reminders::default(),
        awaited: None,
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        round_id: RoundId(Uuid::from_u128(800)),
        version: 1,
        opens_on: time::macros::date!(2026 - 01 - 01),
        closes_on: None,
        required_slots: vec!["M1".into()],
        gate_a: Gate::Block,
        gate_b: Gate::Block,
        expert_rule: ExpertRule::Lead,
        departments: vec!["fgw".into(), "czt".into()],
        sample_permille: 200,
        finding_threshold: 1,
        freeze_after_days: 0,
        limits: Limits {
            near_working_days: Limits::NEAR_WORKING_DAYS,
            escalate_after_working_days: Limits::ESCALATE_AFTER_WORKING_DAYS,
            ..Limits::default()
        },
        calendar: Arc::default(),
    }
}

/// An open order with a panel of three, all declared: persons 31 (lead), 32, 33.
pub(crate) fn desk() -> Desk {
    let panelist = |n: u128, lead| Panelist {
        person: person_id(n),
        lead,
        declared: true,
        conflicted: false,
        conflicts: vec![],
    };
    Desk {
        order: Order {
            id: order_id(),
            round_id: RoundId(Uuid::from_u128(800)),
            policy_version: 1,
            batch: 1,
            prefecture: "410100".into(),
            version: 1,
            membership_hash: String::new(),
            launched_at: NOW,
            freeze_due_at: NOW,
            frozen_at: None,
            concluded_at: None,
            findings: 0,
        },
        panel: vec![panelist(31, true), panelist(32, false), panelist(33, false)],
        opinions: vec![],
    }
}

pub(crate) fn opinion(n: u128, department: &str, verdict: Verdict) -> Opinion {
    Opinion { person: person_id(n), department: department.into(), verdict, signed: !department.is_empty() }
}

pub(crate) fn decider(n: u128, tier: Party) -> Decider {
    Decider { person: person_id(n), tier }
}

/// A complete command: everything that any row asks for is there.
pub(crate) fn act(person: Person, command: Command) -> Act {
    let mut act = Act::new(person, command);
    act.seen = Some(5);
    act.judged = Some(Judged { version: 1, hash: "aa".into() });
    act.opinion = "意见".into();
    act.items = vec!["manager".into()];
    act.verdict = Some(Verdict::Pass);
    act.account_active = Some(true);
    act.launched = Some(order_id());
    act.extension = 1;
    act
}

pub(crate) fn draft(version: i32, kind: Kind) -> Draft {
    Draft {
        submitted: Submitted { version, kind, hash: "bb".into(), dossier_hash: "dd".into() },
        problems: vec![],
        unanswered: vec![],
        gate: Some(super::act::GateFinding { linked: true, all_reported: true, hash: "gg".into() }),
        sealed: true,
        receipt_no: Some("SL1".into()),
    }
}

/// The situation without an order.
pub(crate) fn alone<'a>(application: &'a Application, act: &'a Act, policy: &'a Policy) -> Situation<'a> {
    Situation { application, act, policy, desk: None, moment: Moment::at(NOW) }
}

/// Decides with the fixture's policy and desk.
pub(crate) fn ruling(application: &Application, act: &Act, desk: &Desk) -> Result<&'static Row, Refusal> {
    let policy = policy();
    decide::decide(&Situation {
        application,
        act,
        policy: &policy,
        desk: Some(desk),
        moment: Moment::at(NOW),
    })
}
