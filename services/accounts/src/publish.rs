//! The outlet: what has happened to an operator, as subject and message. Codes and states only, no names.

use chassis::Announcement;
use prost::Message as _;
use proto::accounts::OperatorEvent;

use crate::domain::{lifecycle::Fact, operator::Operator};

/// The event for the version that `operator` has just reached.
pub fn to_wire(operator: &Operator, fact: Fact) -> Announcement {
    let event = OperatorEvent {
        operator_id: operator.id.to_string(),
        state: operator.standing.state.name().to_owned(),
        review_pending: operator.standing.review_pending,
        registered_division: operator.registered_division.clone(),
        city: operator.city.clone(),
        submission_version: operator.submission_version,
    };
    Announcement {
        aggregate_type: "operator",
        aggregate_id: operator.id.0,
        aggregate_version: operator.version,
        subject: format!("accounts.v1.{}", fact.name()),
        kind: fact.name(),
        payload: event.encode_to_vec(),
        round_id: None,
        policy_version: 0,
    }
}
