//! What may happen to an operator's account and when: one exhaustive match. It knows states and versions, not profiles.

use super::refusal::Refusal;

/// State of an operator. Source: workflow, Accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// 待审核: registered, not decided.
    Pending,
    /// 正常.
    Active,
    /// 审核不通过.
    Returned,
    /// 停用.
    Suspended,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Returned, Self::Suspended];

    /// Its name on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Returned => "Returned",
            Self::Suspended => "Suspended",
        }
    }

    /// The state by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What somebody wants to do with an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The operator sends its registration again.
    Resubmit,
    /// The operator changes licence, code or division.
    ChangeReviewed,
    /// The operator changes something that nobody reviews.
    ChangeUnreviewed,
    /// The administrator approves (保存).
    Approve,
    /// The administrator returns.
    Return,
    /// The administrator suspends (停用).
    Suspend,
    /// The administrator ends a suspension.
    Reinstate,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 7] = [
        Self::Resubmit,
        Self::ChangeReviewed,
        Self::ChangeUnreviewed,
        Self::Approve,
        Self::Return,
        Self::Suspend,
        Self::Reinstate,
    ];
}

/// What has happened. Announced as `accounts.v1.<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// A company registered.
    Registered,
    /// A registration was sent again.
    Resubmitted,
    /// A registration or change was returned.
    Returned,
    /// A registration or change was approved.
    Approved,
    /// The profile changed, or a change waits.
    ProfileChanged,
    /// The operator was suspended.
    Suspended,
    /// The suspension ended.
    Reinstated,
}

impl Fact {
    /// The event's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Resubmitted => "resubmitted",
            Self::Returned => "returned",
            Self::Approved => "approved",
            Self::ProfileChanged => "profile_changed",
            Self::Suspended => "suspended",
            Self::Reinstated => "reinstated",
        }
    }
}

/// Where an operator stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// State.
    pub state: State,
    /// A registration or change waits for the administrator.
    pub review_pending: bool,
}

/// The outcome of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Where the operator stands afterwards.
    pub to: Standing,
    /// What has happened.
    pub fact: Fact,
}

/// A registration as it begins.
pub const REGISTERED: Step =
    Step { to: Standing { state: State::Pending, review_pending: true }, fact: Fact::Registered };

/// An account imported from 1.0: it is in good standing at once.
pub const IMPORTED: Step =
    Step { to: Standing { state: State::Active, review_pending: false }, fact: Fact::Registered };

/// Decides an act.
///
/// A profile change of an active operator waits beside the valid profile; returning it leaves the operator active.
/// An operator may send again what still waits: the earlier version is superseded and a decision on it is stale.
/// Suspension keeps what waits; the account returns to the state it had.
///
/// Errors: [`Refusal::WrongState`]. Source: workflow, Accounts.
pub fn decide(from: Standing, act: Act) -> Result<Step, Refusal> {
    let Standing { state, review_pending } = from;
    let step = |state, review_pending, fact| Ok(Step { to: Standing { state, review_pending }, fact });
    let no = Err(Refusal::WrongState { state, review_pending });
    match (act, state) {
        (Act::Resubmit, State::Pending | State::Returned) => step(State::Pending, true, Fact::Resubmitted),
        (Act::Resubmit, State::Active | State::Suspended) => no,
        (Act::ChangeReviewed, State::Active) => step(State::Active, true, Fact::ProfileChanged),
        (Act::ChangeUnreviewed, State::Active) => step(State::Active, false, Fact::ProfileChanged),
        (
            Act::ChangeReviewed | Act::ChangeUnreviewed,
            State::Pending | State::Returned | State::Suspended,
        ) => no,
        (Act::Approve, State::Pending | State::Active) if review_pending => {
            step(State::Active, false, Fact::Approved)
        }
        (Act::Return, State::Pending) if review_pending => step(State::Returned, false, Fact::Returned),
        (Act::Return, State::Active) if review_pending => step(State::Active, false, Fact::Returned),
        (Act::Approve | Act::Return, State::Pending | State::Active | State::Returned | State::Suspended) => {
            no
        }
        (Act::Suspend, State::Active) => step(State::Suspended, review_pending, Fact::Suspended),
        (Act::Suspend, State::Pending | State::Returned | State::Suspended) => no,
        (Act::Reinstate, State::Suspended) => step(State::Active, review_pending, Fact::Reinstated),
        (Act::Reinstate, State::Pending | State::Active | State::Returned) => no,
    }
}

/// A decision names the submission that it judged.
///
/// Errors: [`Refusal::StaleVersion`]. Source: workflow, invariant 3.
pub fn judged(seen: i32, current: i32) -> Result<(), Refusal> {
    if seen == current { Ok(()) } else { Err(Refusal::StaleVersion { current }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(state: State, review_pending: bool) -> Standing {
        Standing { state, review_pending }
    }

    /// Every cell: the state afterwards in short, or `-` for a refusal. Columns: P+, R, A, A+, S (+ a review waits).
    const TABLE: [(Act, [&str; 5]); 7] = [
        (Act::Resubmit, ["P+", "P+", "-", "-", "-"]),
        (Act::ChangeReviewed, ["-", "-", "A+", "A+", "-"]),
        (Act::ChangeUnreviewed, ["-", "-", "A", "A", "-"]),
        (Act::Approve, ["A", "-", "-", "A", "-"]),
        (Act::Return, ["R", "-", "-", "A", "-"]),
        (Act::Suspend, ["-", "-", "S", "S+", "-"]),
        (Act::Reinstate, ["-", "-", "-", "-", "A"]),
    ];

    fn short(standing: Standing) -> String {
        let plus = if standing.review_pending { "+" } else { "" };
        format!("{}{plus}", &standing.state.name()[..1])
    }

    #[test]
    fn the_table_of_states_and_acts_holds() {
        let columns = [
            at(State::Pending, true),
            at(State::Returned, false),
            at(State::Active, false),
            at(State::Active, true),
            at(State::Suspended, false),
        ];
        for (act, row) in TABLE {
            for (from, expected) in columns.into_iter().zip(row) {
                let found = decide(from, act).map_or_else(|_| "-".to_owned(), |step| short(step.to));
                assert_eq!(found, expected, "{act:?} from {from:?}");
            }
        }
        assert_eq!(TABLE.map(|(act, _)| act), Act::ALL);
    }

    #[test]
    fn every_state_can_reach_active_again() {
        for state in State::ALL {
            let mut open = vec![at(state, state == State::Pending)];
            let mut seen = open.clone();
            while let Some(from) = open.pop() {
                for step in Act::ALL.into_iter().filter_map(|act| decide(from, act).ok()) {
                    if !seen.contains(&step.to) {
                        seen.push(step.to);
                        open.push(step.to);
                    }
                }
            }
            assert!(seen.contains(&at(State::Active, false)), "{state:?}");
        }
    }

    #[test]
    fn a_decision_on_an_older_version_is_stale() {
        assert_eq!(judged(2, 2), Ok(()));
        assert_eq!(judged(1, 2), Err(Refusal::StaleVersion { current: 2 }));
    }
}
