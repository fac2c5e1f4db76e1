//! One application as the rules see it: where it stands, what was submitted, who has decided.
//!
//! Its form is loaded only where a rule needs it (see `form.rs`); storage is in `store/applications.rs`.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    canonical::Hash,
    clock::Clock,
    ids::{ApplicationId, OperatorId, OrderId, PersonId, RoundId},
    stage::{Actor, Party, Stage},
};

/// The kind of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// T02
    Acceptance,
    /// T09
    Materials,
    /// T18
    Supplement,
}

impl Kind {
    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Kind::Acceptance => "acceptance",
            Kind::Materials => "materials",
            Kind::Supplement => "supplement",
        }
    }

    /// Finds the kind of a stable id.
    pub fn parse(id: &str) -> Option<Kind> {
        [Kind::Acceptance, Kind::Materials, Kind::Supplement].into_iter().find(|kind| kind.id() == id)
    }
}

/// The submission that stands: what a decision judges. Source: invariant 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// 1, 2, 3 … over all kinds.
    pub version: i32,
    /// What it holds.
    pub kind: Kind,
    /// SHA-256, hex, of its canonical content.
    pub hash: String,
    /// Hash of the sealed dossier; empty for an acceptance.
    pub dossier_hash: String,
}

/// What the last return named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Returned {
    /// Form fields and material slots; each must be answered.
    pub items: Vec<String>,
    /// Whether everything is editable, not only what is named.
    pub open_all: bool,
    /// The submission that was returned: an answer differs from this one. 0 where nothing was returned.
    pub submission: i32,
}

/// Somebody who has decided, and where. Source: invariant 5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// Who.
    pub person: PersonId,
    /// For which tier.
    pub tier: Party,
}

/// The step that led here: told to a caller who comes too late. Reminders and the like (T26, T27) do not count.
///
/// Source: invariants 3 and 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastStep {
    /// The version that it made.
    pub version: i64,
    /// Transition id, e.g. `T04`.
    pub transition: String,
    /// Who acted.
    pub actor_id: Uuid,
    /// In which role.
    pub role: Actor,
    /// For which office, as people know it.
    pub office: String,
    /// When it was committed.
    pub at: OffsetDateTime,
}

/// How often the party that is waited for was reminded during this visit. Source: T26.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reminders {
    /// Times.
    pub count: u32,
    /// The last time.
    pub last_at: Option<OffsetDateTime>,
}

/// One application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its identity.
    pub id: ApplicationId,
    /// Shown number, e.g. `HN2026-000123`.
    pub number: String,
    /// Given at the first submission.
    pub receipt_no: Option<String>,
    /// The round, and the version of its policy that holds for this application.
    pub round_id: RoundId,
    /// See `round_id`.
    pub policy_version: i32,
    /// The applying company.
    pub operator_id: OperatorId,
    /// Its name when the application was created; compared with an expert's employer.
    pub operator_name: String,
    /// The station.
    pub station_id: Uuid,
    /// Its own code at the operator.
    pub station_code: String,
    /// Its name as it stands in the form.
    pub station_name: String,
    /// The station's county; routes the review (invariant 10).
    pub county: String,
    /// The station's city.
    pub prefecture: String,
    /// Where it stands.
    pub stage: Stage,
    /// Number of its steps: 1 after creation.
    pub version: i64,
    /// The version with which it came to this node; opinions belong to it.
    pub stage_version: i64,
    /// Since when it stands there.
    pub entered_at: OffsetDateTime,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// What was submitted last.
    pub submitted: Option<Submitted>,
    /// What the last return named; empty elsewhere.
    pub returned: Returned,
    /// The work order that it is a member of.
    pub order_id: Option<OrderId>,
    /// Whether the departments re-check it.
    pub in_sample: bool,
    /// Whether it is in the sample of its order whatever is drawn. Source: T23.
    pub forced_sample: bool,
    /// The step that led here; none before the first.
    pub last: Option<LastStep>,
    /// Hash of its newest history row; zero before the first.
    pub head: Hash,
    /// Everybody who has decided on it.
    pub deciders: Vec<Decider>,
    /// The clock of this visit; none where it is stopped.
    pub clock: Option<Clock>,
    /// When the clock strikes next; what the timer looks for (T27).
    pub strikes_at: Option<OffsetDateTime>,
    /// To whom the office gave it for this visit (T26).
    pub assignee: Option<PersonId>,
    /// See [`Reminders`].
    pub reminders: Reminders,
    /// Voices that can still act, see [`super::awaited`]; `None`: everybody of the party.
    pub awaited: Option<Vec<String>>,
}

impl Application {
    /// Whether this person has decided at another tier. Source: invariant 5.
    pub fn decided_elsewhere(&self, person: PersonId, tier: Party) -> Option<Party> {
        self.deciders
            .iter()
            .find(|decider| decider.person == person && decider.tier != tier)
            .map(|decider| decider.tier)
    }

    /// Whether who saw this version saw the matter as it stands. Reminders and the like since then change nothing in it.
    ///
    /// Source: invariant 3.
    pub fn current(&self, seen: i64) -> bool {
        let since = self.last.as_ref().map_or(self.version, |last| last.version);
        (since..=self.version).contains(&seen)
    }

    /// The version that the next submission gets.
    pub fn next_submission(&self) -> i32 {
        self.submitted.as_ref().map_or(1, |submitted| submitted.version + 1)
    }
}
