//! When a dossier may change, and what each stage of the review makes of it.
//!
//! Knows the stages of `workflow.md` only by what they mean for a dossier. Source: workflow, Materials; T06–T25.

use uuid::Uuid;

use super::{Refusal, Slot, slot::slots_of};

/// Longest answer to an item, characters.
pub const EXPLANATION_CHARS_MAX: usize = 500;
/// Fields of the form that a return can name; the form itself is kept by reviews. Source: workflow, Materials.
const FORM_FIELDS: [&str; 8] = [
    "station_name",
    "address",
    "coordinates",
    "connectors",
    "start_date",
    "finish_date",
    "manager",
    "manager_phone",
];
/// An unconfirmed seal older than this is put to reviews, seconds. It is well above any submission's deadline.
pub const SEAL_UNCONFIRMED_SECS_MAX: i64 = 60;

/// Where a dossier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Before the paper check has passed.
    Closed,
    /// The operator works on a revision.
    Open,
    /// A revision is sealed for a submission.
    Sealed,
    /// The application is over; allocations are released.
    Released,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Closed, Self::Open, Self::Sealed, Self::Released];

    /// The id on the wire and in the database.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Sealed => "sealed",
            Self::Released => "released",
        }
    }

    /// Reads an id.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.id() == id)
    }
}

/// The seal on the present revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Of which submission.
    pub submission_version: i32,
    /// Of the content, hex.
    pub hash: String,
    /// Whether reviews has announced the submission.
    pub confirmed: bool,
}

/// A dossier with its present revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// Whose.
    pub application_id: Uuid,
    /// Which company's.
    pub operator_id: Uuid,
    /// The application's round.
    pub round_id: Option<Uuid>,
    /// The station's county.
    pub county: String,
    /// The station's prefecture.
    pub prefecture: String,
    /// Where it stands.
    pub state: State,
    /// Open or sealed revision; 0 while closed.
    pub revision: i32,
    /// Count of edits.
    pub edits: i64,
    /// Count of announced events.
    pub version: i64,
    /// Items that may change in the present revision; empty means all.
    pub items: Vec<String>,
    /// The sealed revision that the present one is compared with.
    pub base: Option<i32>,
    /// Whether the last event of reviews said that it is under review.
    pub under_review: bool,
    /// Of the present revision while sealed; while open, of the last sealed one before it.
    pub seal: Option<Seal>,
}

impl Dossier {
    /// Whether content may change at all, as the caller saw it (`edits` 0: it did not look).
    ///
    /// Errors: [`Refusal::DossierClosed`], [`Refusal::DossierLocked`], [`Refusal::DossierReleased`],
    /// [`Refusal::DossierChanged`].
    pub fn check_open(&self, edits: i64) -> Result<(), Refusal> {
        match self.state {
            State::Closed => return Err(Refusal::DossierClosed),
            State::Sealed => return Err(Refusal::DossierLocked),
            State::Released => return Err(Refusal::DossierReleased),
            State::Open => {}
        }
        if edits != 0 && edits != self.edits {
            return Err(Refusal::DossierChanged { now: self.edits });
        }
        Ok(())
    }

    /// Whether a slot may change now.
    #[must_use]
    pub fn editable(&self, slot: Slot) -> bool {
        self.state == State::Open
            && (self.items.is_empty() || self.items.iter().any(|item| slot.meant_by(item)))
    }

    /// [`Dossier::check_open`], and that the return named the slot.
    ///
    /// Errors: those, and [`Refusal::ItemNotEditable`].
    pub fn check_slot(&self, slot: Slot, edits: i64) -> Result<(), Refusal> {
        self.check_open(edits)?;
        if self.editable(slot) { Ok(()) } else { Err(Refusal::ItemNotEditable(slot.id().to_owned())) }
    }

    /// [`Dossier::check_open`], and that the return named the item, a slot of it, or its category.
    ///
    /// Errors: those, [`Refusal::ItemUnknown`], [`Refusal::ItemNotEditable`], [`Refusal::ExplanationTooLong`],
    /// [`Refusal::ControlCharacters`] but for line breaks.
    pub fn check_explain(&self, item: &str, text: &str, edits: i64) -> Result<(), Refusal> {
        self.check_open(edits)?;
        if !known(item) {
            return Err(Refusal::ItemUnknown);
        }
        let named = self.items.is_empty()
            || self.items.iter().any(|named| named == item)
            || Slot::of_id(item).is_some_and(|slot| self.editable(slot));
        if !named {
            return Err(Refusal::ItemNotEditable(item.to_owned()));
        }
        if text.chars().count() > EXPLANATION_CHARS_MAX {
            return Err(Refusal::ExplanationTooLong);
        }
        if text.chars().any(|letter| letter.is_control() && letter != '\n') {
            return Err(Refusal::ControlCharacters("text"));
        }
        Ok(())
    }
}

/// Whether an answer can be about this: a slot, a category, or a field of the form.
fn known(item: &str) -> bool {
    !slots_of(item).is_empty() || FORM_FIELDS.contains(&item)
}

/// What a stage of the review means for the dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The materials are not asked for yet.
    NotYet,
    /// The operator works on them.
    Editing,
    /// They are under review, or have passed.
    Locked,
    /// The application is deleted or terminated.
    Over,
}

impl Standing {
    /// Of a stage's name as events carry it; `None` for a name that `workflow.md` does not know.
    #[must_use]
    pub fn of_stage(stage: &str) -> Option<Self> {
        match stage {
            "Draft" | "CountyReview" | "CountyReturned" | "PaperCheck" => Some(Self::NotYet),
            "MaterialsDue" | "CityReturned" | "SupplementDue" => Some(Self::Editing),
            "CityReview"
            | "AwaitingJointReview"
            | "ExpertReview"
            | "AwaitingProvince"
            | "ProvincialReview"
            | "Approved" => Some(Self::Locked),
            "Deleted" | "Terminated" => Some(Self::Over),
            _ => None,
        }
    }
}

/// What an event of reviews says about the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// By its stage.
    pub standing: Standing,
    /// The operator took its submission back itself (T10): the revision goes on as it was.
    pub withdrawn: bool,
    /// A supplement is asked for (T17, T23): carried over, the sealed revision stands again (T19).
    pub supplement: bool,
    /// The submission that stands.
    pub submission_version: i32,
    /// Whether that submission carries a dossier ("materials", "supplement").
    pub carries_dossier: bool,
    /// Items that a return named.
    pub items: Vec<String>,
}

/// What to do with the dossier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// Open the first revision.
    Open,
    /// Open the next revision, a copy of the sealed one.
    Reopen {
        /// What may change.
        items: Vec<String>,
        /// What changes are counted against.
        base: Option<i32>,
        /// Whether the answers in words are copied too.
        keep_answers: bool,
        /// Whether the base may stand again; after a city's return or a withdrawal only another submission can come.
        base_may_stand: bool,
    },
    /// The seal's submission stands.
    Confirm,
    /// The submission stands but its seal was released meanwhile: seal again.
    SealAgain,
    /// Drop the open revision; the one before stands again (T19).
    Discard,
    /// Release all allocations; nothing changes any more.
    Release,
}

/// What the dossier does on an event. An unconfirmed seal is left alone until its own submission is announced.
#[must_use]
pub fn follow(dossier: &Dossier, told: &Told) -> Step {
    match (dossier.state, told.standing) {
        (State::Released, _) | (State::Closed, Standing::NotYet | Standing::Locked) => Step::Stay,
        (State::Closed | State::Open | State::Sealed, Standing::Over) => Step::Release,
        (State::Closed, Standing::Editing) => Step::Open,
        (State::Open | State::Sealed, Standing::NotYet) | (State::Open, Standing::Editing) => Step::Stay,
        (State::Open, Standing::Locked) if told.carries_dossier && !already_sealed(dossier, told) => {
            Step::SealAgain
        }
        (State::Open, Standing::Locked) => Step::Discard,
        (State::Sealed, Standing::Editing | Standing::Locked) => follow_sealed(dossier, told),
    }
}

/// Whether the open revision was opened after the submission that stands: its base, or a later one, carries it.
fn already_sealed(dossier: &Dossier, told: &Told) -> bool {
    dossier.seal.as_ref().is_some_and(|seal| seal.submission_version >= told.submission_version)
}

fn follow_sealed(dossier: &Dossier, told: &Told) -> Step {
    let Some(seal) = &dossier.seal else { return Step::Stay };
    // Of a seal that is in doubt (decision record 26), the return or withdrawal of its own submission says that it stood.
    let own = told.carries_dossier && told.submission_version == seal.submission_version;
    let stood = seal.confirmed || own;
    match told.standing {
        Standing::Locked if !seal.confirmed && told.submission_version == seal.submission_version => {
            Step::Confirm
        }
        Standing::Editing if stood && told.withdrawn => Step::Reopen {
            items: if told.items.is_empty() { dossier.items.clone() } else { told.items.clone() },
            base: dossier.base,
            keep_answers: true,
            base_may_stand: false,
        },
        Standing::Editing if stood => Step::Reopen {
            items: told.items.clone(),
            base: Some(dossier.revision),
            keep_answers: false,
            base_may_stand: told.supplement,
        },
        Standing::NotYet | Standing::Editing | Standing::Locked | Standing::Over => Step::Stay,
    }
}

#[cfg(test)]
#[path = "dossier_tests.rs"]
mod tests;
