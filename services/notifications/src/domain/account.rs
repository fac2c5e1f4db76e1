//! What happened to an operator's account, and the administrators' task that follows.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    application::Audience,
    desk::Desk,
    stage::AccountState,
    task::{Clock, Subject, Task},
};

/// The facts of an account that have a text of their own. Source: workflow, Accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the events of accounts, one for one")]
pub enum Fact {
    Registered,
    Resubmitted,
    Returned,
    Approved,
    ProfileChanged,
    Suspended,
    Reinstated,
}

impl Fact {
    /// Every fact with its stable name.
    pub const ALL: [(Fact, &'static str); 7] = [
        (Fact::Registered, "registered"),
        (Fact::Resubmitted, "resubmitted"),
        (Fact::Returned, "returned"),
        (Fact::Approved, "approved"),
        (Fact::ProfileChanged, "profile_changed"),
        (Fact::Suspended, "suspended"),
        (Fact::Reinstated, "reinstated"),
    ];

    /// Reads a stable name; `None` for a fact that this version has no text for.
    pub fn parse(kind: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|(_, name)| *name == kind).map(|(fact, _)| fact)
    }
}

/// One event of an operator's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The event's type as announced.
    pub kind: String,
    /// The same where this version knows it.
    pub fact: Option<Fact>,
    /// Version of the operator after it.
    pub version: i64,
    /// The company.
    pub operator_id: Uuid,
    /// State after it.
    pub state: AccountState,
    /// A registration or a profile change waits for the administrators.
    pub review_pending: bool,
    /// Registered division: for the account review and statistics only (workflow, invariant 10).
    pub county: String,
    /// The city-tier unit above it.
    pub prefecture: String,
    /// When it happened.
    pub at: OffsetDateTime,
}

impl Changed {
    /// The administrators' task, open while a review is pending.
    pub fn task(&self) -> Task {
        Task {
            subject: Subject::Operator(self.operator_id),
            application_no: String::new(),
            stage: self.state.code(),
            desk: self.review_pending.then_some(Desk::Administrator),
            county: self.county.clone(),
            prefecture: self.prefecture.clone(),
            operator_id: self.operator_id,
            station_id: None,
            work_order_id: None,
            round_id: None,
            assignee_id: None,
            version: self.version,
            since: self.at,
            clock: Clock::default(),
            awaited: None,
        }
    }

    /// The desks that get a message: the operator always, the administrators when there is something to review.
    pub fn told(&self) -> Vec<(Desk, Fact, Audience)> {
        let Some(fact) = self.fact else { return Vec::new() };
        let own = (Desk::Operator(self.operator_id), fact, Audience::Applicant);
        match fact {
            Fact::Registered | Fact::Resubmitted => vec![(Desk::Administrator, fact, Audience::Next), own],
            Fact::ProfileChanged if self.review_pending => {
                vec![(Desk::Administrator, fact, Audience::Next), own]
            }
            Fact::ProfileChanged | Fact::Returned | Fact::Approved | Fact::Suspended | Fact::Reinstated => {
                vec![own]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(fact: Fact, state: AccountState, review_pending: bool) -> Changed {
        Changed {
            kind: String::new(),
            fact: Some(fact),
            version: 1,
            operator_id: Uuid::from_u128(1),
            state,
            review_pending,
            county: "410105".into(),
            prefecture: "410100".into(),
            at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_pending_review_lies_on_the_administrators_desk() {
        let registered = changed(Fact::Registered, AccountState::Pending, true);
        assert_eq!(registered.task().desk, Some(Desk::Administrator));
        assert_eq!(registered.told().len(), 2);
    }

    #[test]
    fn a_settled_review_closes_the_task_and_tells_the_operator() {
        let approved = changed(Fact::Approved, AccountState::Active, false);
        assert!(!approved.task().open());
        assert_eq!(
            approved.told(),
            [(Desk::Operator(approved.operator_id), Fact::Approved, Audience::Applicant)]
        );
    }
}
