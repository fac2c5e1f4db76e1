//! The record of a decision about a whole work order: launch (T14), freeze (T20), wider sample (T24), conclusion (T22).
//!
//! It names every member by the head of its history, so that what was decided for thousands is proved by one signature.
//! Source: reliability sections 9 (I5) and 12.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    act::{Act, Command},
    canonical::{Canonical, Hash, hex},
    draw::Draw,
    history::Step,
    ids::{ApplicationId, OrderId},
    order::Order,
    table,
};

/// Who decided what over which members, with which authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDecision {
    /// About which order.
    pub order_id: OrderId,
    /// The version of the order that it made.
    pub version: i64,
    /// Transition id.
    pub transition: String,
    /// The command.
    pub command: String,
    /// Hash of the membership of the launch, hex.
    pub membership_hash: String,
    /// Members that took the step.
    pub members: i64,
    /// See [`members_hash`]; hex.
    pub members_hash: String,
    /// Population and seed of the draw, hex; empty where nothing was drawn.
    pub population_hash: String,
    /// See above.
    pub seed: String,
    /// Who; for a conclusion, which nobody calls, whose signature it follows from.
    pub actor_id: Uuid,
    /// In which role.
    pub actor_role: String,
    /// With which scope, on that day; empty for a conclusion, as proof and session are.
    pub scope: Vec<String>,
    /// For which office.
    pub office: String,
    /// For which department.
    pub department: String,
    /// How the person had proved itself.
    pub authentication: String,
    /// In which session.
    pub session_id: String,
    /// Database time.
    pub decided_at: OffsetDateTime,
}

impl OrderDecision {
    /// What the steps of one command on an order amount to.
    pub fn of(
        order: &Order,
        command: Command,
        steps: &[Step],
        drawn: Option<&Draw>,
        act: &Act,
        decided_at: OffsetDateTime,
    ) -> OrderDecision {
        let row = table::of_order(command);
        let members: Vec<_> =
            steps.iter().map(|step| (step.after.id, step.after.version, step.after.head)).collect();
        OrderDecision {
            order_id: order.id,
            version: order.version,
            transition: row.id.to_owned(),
            command: command.id().to_owned(),
            membership_hash: order.membership_hash.clone(),
            members: i64::try_from(members.len()).unwrap_or(i64::MAX),
            members_hash: hex(&members_hash(members)),
            population_hash: drawn.map(|drawn| hex(&drawn.population_hash)).unwrap_or_default(),
            seed: drawn.map(|drawn| hex(&drawn.seed)).unwrap_or_default(),
            actor_id: act.actor_id(),
            actor_role: row.by.role().to_owned(),
            scope: if command == Command::ConcludeOrder { Vec::new() } else { act.person.scope.clone() },
            office: act.person.office.clone(),
            department: act.person.department.clone(),
            authentication: act.person.authentication.clone(),
            session_id: act.person.session_id.clone(),
            decided_at,
        }
    }

    /// The bytes that are stored, hashed and signed.
    pub fn encode(&self) -> Canonical {
        Canonical::new("yuchong.reviews.order_decision.v1")
            .bytes(self.order_id.0.as_bytes())
            .number(self.version)
            .text(&self.transition)
            .text(&self.command)
            .text(&self.membership_hash)
            .number(self.members)
            .text(&self.members_hash)
            .text(&self.population_hash)
            .text(&self.seed)
            .bytes(self.actor_id.as_bytes())
            .text(&self.actor_role)
            .texts(self.scope.iter().map(String::as_str).collect::<Vec<_>>().into_iter())
            .text(&self.office)
            .text(&self.department)
            .text(&self.authentication)
            .text(&self.session_id)
            .instant(self.decided_at)
    }
}

/// SHA-256 over the members by ascending id: each with the version that the step made and the head of its history.
pub fn members_hash(mut members: Vec<(ApplicationId, i64, Hash)>) -> Hash {
    members.sort_unstable_by_key(|(id, _, _)| *id);
    members
        .into_iter()
        .fold(Canonical::new("yuchong.reviews.members.v1"), |record, (id, version, head)| {
            record.bytes(id.0.as_bytes()).number(version).bytes(&head)
        })
        .hash()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_the_same_in_any_order_and_each_head_counts() {
        let member =
            |number: u128, version, head| (ApplicationId(Uuid::from_u128(number)), version, [head; 32]);
        let hash = members_hash(vec![member(1, 7, 1), member(2, 8, 2)]);
        assert_eq!(hash, members_hash(vec![member(2, 8, 2), member(1, 7, 1)]));
        assert_ne!(hash, members_hash(vec![member(1, 7, 1), member(2, 8, 3)]));
        assert_ne!(hash, members_hash(vec![member(1, 6, 1), member(2, 8, 2)]));
        assert_ne!(hash, members_hash(vec![member(1, 7, 1)]));
    }
}
