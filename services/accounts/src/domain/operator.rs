//! An operator and its submissions as data, and how each step makes the next version. Decisions are in `lifecycle.rs`.

use time::OffsetDateTime;

use super::{
    ids::OperatorId,
    lifecycle::{Standing, State, Step},
    registration::{Entry, Profile},
    roles::Role,
};

/// An operator (company).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// Unified social credit code of the valid profile; of the latest submission while none is valid.
    pub uscc: String,
    /// Company name, likewise.
    pub company_name: String,
    /// Registered division, likewise.
    pub registered_division: String,
    /// City-tier unit of the division.
    pub city: String,
    /// State, and whether something waits.
    pub standing: Standing,
    /// Events so far: 1, 2, 3 ….
    pub version: i64,
    /// Latest submission.
    pub submission_version: i32,
    /// The submission whose profile is valid.
    pub valid_version: Option<i32>,
    /// When it registered.
    pub registered_at: OffsetDateTime,
    /// When it last changed.
    pub changed_at: OffsetDateTime,
    /// Who changed it.
    pub changed_by: String,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not decided.
    Waiting,
    /// Its profile became valid.
    Approved,
    /// Returned with an opinion.
    Returned,
    /// Sent again before a decision.
    Superseded,
    /// Valid at once: nothing in it asks for a review.
    Unreviewed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Waiting, Self::Approved, Self::Returned, Self::Superseded, Self::Unreviewed];

    /// Its name on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Returned => "returned",
            Self::Superseded => "superseded",
            Self::Unreviewed => "unreviewed",
        }
    }

    /// The outcome by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// An administrator's word on a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub by: String,
}

/// One version that an operator submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// 1, 2, 3 ….
    pub version: i32,
    /// By which entry it came.
    pub entry: Entry,
    /// What it says.
    pub profile: Profile,
    /// SHA-256 of the licence's content when it was submitted, hex; none for imported accounts.
    pub licence_sha256: Option<String>,
    /// The truth declaration as ticked; empty for imported accounts.
    pub declaration: String,
    /// When it came.
    pub submitted_at: OffsetDateTime,
    /// Who sent it.
    pub submitted_by: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The administrator's opinion; may be empty on approval.
    pub opinion: String,
    /// Who decided and when.
    pub decision: Option<Decision>,
}

impl Operator {
    /// The operator after a step, one version on.
    #[must_use]
    pub fn after(&self, step: Step, at: OffsetDateTime, by: &str) -> Self {
        Self {
            standing: step.to,
            version: self.version + 1,
            changed_at: at,
            changed_by: by.to_owned(),
            ..self.clone()
        }
    }

    /// The operator with this submission's profile as the one that is shown; valid too, where `valid`.
    #[must_use]
    pub fn showing(self, submission: &Submission, valid: Validity) -> Self {
        let profile = &submission.profile;
        let valid_version = match valid {
            Validity::Valid => Some(submission.version),
            Validity::NotYet => self.valid_version,
        };
        Self {
            uscc: profile.uscc.as_str().to_owned(),
            company_name: profile.company_name.clone(),
            registered_division: profile.seat.registered_division.clone(),
            city: profile.seat.city.clone(),
            valid_version,
            ..self
        }
    }
}

/// Whether a profile counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// From now on.
    Valid,
    /// Not before an approval.
    NotYet,
}

/// The role of an operator's users; none where they may not sign in.
///
/// A Pending or Returned account can sign in, but reaches its own profile only: no other service knows its role.
/// Source: workflow, Accounts.
pub fn role_of_users(state: State) -> Option<Role> {
    match state {
        State::Active => Some(Role::Operator),
        State::Pending | State::Returned => Some(Role::OperatorApplicant),
        State::Suspended => None,
    }
}
