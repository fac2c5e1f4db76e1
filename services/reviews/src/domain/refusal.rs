//! Every way in which a rule of this service says no.
//!
//! The stable reason ids and the Chinese texts are in `labels.rs` (an exhaustive match); codes are the chassis' matter.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    act::Command,
    application::{Application, LastStep},
    form::{Field, FieldProblem},
    ids::{ApplicationId, OrderId},
    stage::{Actor, Party, Stage},
};

/// Who was faster. Source: invariants 3 and 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overtaken {
    /// The version that stands now.
    pub version: i64,
    /// Where it stands now.
    pub stage: Stage,
    /// The step that led there.
    pub transition: String,
    /// In which role somebody acted.
    pub role: Actor,
    /// For which office.
    pub office: String,
    /// When.
    pub at: OffsetDateTime,
}

impl Overtaken {
    /// The step that led to where the application stands.
    pub fn by(application: &Application, last: &LastStep) -> Self {
        Overtaken {
            version: application.version,
            stage: application.stage,
            transition: last.transition.clone(),
            role: last.role,
            office: last.office.clone(),
            at: last.at,
        }
    }
}

/// The last step of a whole order. Source: T14, T20, T22, T24.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStep {
    /// What was done.
    pub command: Command,
    /// For which office.
    pub office: String,
    /// When.
    pub at: OffsetDateTime,
}

/// A rule said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not the caller's to see: looks like something that does not exist. Source: reliability R8.
    #[error("the application is outside the caller's role, scope or relation")]
    OutOfScope,
    /// The caller saw an older version. Source: invariant 3.
    #[error("the version that was seen has been overtaken")]
    Stale(Overtaken),
    /// A withdrawal came after a decision. Source: invariant 4.
    #[error("a decision was committed before the withdrawal")]
    AlreadyDecided(Overtaken),
    /// A decision came after a withdrawal. Source: invariant 4.
    #[error("the application was withdrawn before the decision")]
    AlreadyWithdrawn(Overtaken),
    /// The decision judged another submission. Source: invariant 3.
    #[error("the decision names another submission than the one that stands")]
    OtherSubmission {
        /// The one that stands.
        version: i32,
        /// Its hash.
        hash: String,
    },
    /// The decision does not say what it judged. Source: invariant 3.
    #[error("the decision does not name the submission that it judged")]
    SubmissionNotNamed,
    /// The command is not possible at this node.
    #[error("the command is not possible at this node")]
    WrongStage {
        /// Where it stands.
        stage: Stage,
        /// What was tried.
        command: Command,
    },
    /// The command is possible here, but for others.
    #[error("the node waits for another party")]
    NotYourTurn {
        /// Where it stands.
        stage: Stage,
        /// What was tried.
        command: Command,
        /// The actor who may do it.
        actor: Actor,
    },
    /// The person has decided at another tier. Source: invariant 5.
    #[error("the person has decided at another tier")]
    DecidedBefore {
        /// Where.
        tier: Party,
    },
    /// The company's account is not active. Source: T01.
    #[error("the operator's account is not active")]
    AccountNotActive,
    /// The round takes no applications today. Source: T01.
    #[error("the round takes no applications today")]
    RoundClosed,
    /// The station has another live application in the round. Source: T01, invariant 7.
    #[error("the station has a live application in this round")]
    LiveApplicationExists,
    /// Fields of the form are not valid. Source: T02.
    #[error("fields of the form are not valid")]
    FormInvalid(Vec<FieldProblem>),
    /// Items of the return were neither changed nor explained. Source: T09, T18.
    #[error("items of the return are unanswered")]
    Unanswered(Vec<String>),
    /// Gate A blocks. Source: workflow, Gates.
    #[error("the station is not interconnected")]
    GateA,
    /// Gate B blocks. Source: workflow, Gates.
    #[error("a claimed connector has not reported")]
    GateB,
    /// Evidence was taken for an older state; the request may be repeated.
    #[error("evidence for the submission is missing")]
    EvidenceMissing,
    /// 审批意见 is empty. Source: T05.
    #[error("the opinion is missing")]
    OpinionMissing,
    /// 审批意见 is too long.
    #[error("the opinion is too long")]
    OpinionTooLong,
    /// 审批意见 holds control characters.
    #[error("the opinion holds control characters")]
    OpinionUnreadable,
    /// A return names nothing. Source: T05.
    #[error("a return names at least one item")]
    ItemsMissing,
    /// A return names something that does not exist or is not this tier's to return.
    #[error("a return names an unknown item")]
    UnknownItem(String),
    /// A reason is empty. Source: T08, T19.
    #[error("the reason is missing")]
    ReasonMissing,
    /// Not all nine categories are ticked. Source: T06.
    #[error("categories of the paper check are not ticked")]
    PapersUnticked(Vec<String>),
    /// Everything is said to be there, and yet something is listed as missing. Source: T06.
    #[error("papers are listed as missing in a check that says complete")]
    PapersContradict,
    /// A ticked paper that is not one of the nine categories. Source: T06.
    #[error("an unknown category is ticked")]
    UnknownPaper(String),
    /// A missing paper that is not one of the nine categories, or none at all. Source: T07.
    #[error("the list of missing papers is empty or unknown")]
    MissingPapersUnlisted,
    /// The day of the paper check is empty or in the future. Source: T06.
    #[error("the day of the paper check is missing or in the future")]
    PaperDate,
    /// Nobody is named as checker. Source: T06.
    #[error("the checker is missing")]
    CheckerMissing,
    /// The command does not say which way it goes (target of a provincial return). Source: T23.
    #[error("the command does not say which way it goes")]
    DirectionMissing,
    /// The expert does not sit on the panel. Source: T15.
    #[error("the expert is not assigned")]
    NotAssigned,
    /// The expert has not declared. Source: T15.
    #[error("the conflict of interest has not been declared")]
    NotDeclared,
    /// The expert declared a conflict. Source: T15.
    #[error("the expert declared a conflict of interest")]
    Conflicted,
    /// Under the rule `lead` only the lead decides. Source: T16.
    #[error("only the lead decides")]
    LeadDecides,
    /// Too few of the panel agree. Source: T16, T17.
    #[error("too few of the panel agree")]
    QuorumUnmet {
        /// How many do.
        have: usize,
        /// How many must.
        needed: usize,
    },
    /// An opinion without its verdict. Source: T15.
    #[error("an opinion needs a verdict")]
    VerdictMissing,
    /// The member is not in the sample. Source: T21.
    #[error("the member is not in the sample")]
    NotInSample,
    /// The department does not sign in this round. Source: T21.
    #[error("the department is not one of the round's")]
    DepartmentNotRequired,
    /// The department has signed already. Source: T22.
    #[error("the department has signed already")]
    DepartmentSigned,
    /// Carried over before the deadline. Source: T19.
    #[error("the freeze deadline has not passed")]
    BeforeFreezeDue {
        /// When it passes.
        due: OffsetDateTime,
    },
    /// Submitted once: to be terminated, not deleted. Source: T25.
    #[error("the application was submitted and can only be terminated")]
    SubmittedOnce,
    /// Only the office's lead, or the panel's, does this. Source: T26.
    #[error("only the lead of the tier does this")]
    NotLead,
    /// An extension is no number of working days that can be counted. Source: T26.
    #[error("the extension is out of range")]
    ExtensionInvalid {
        /// The largest.
        max: u32,
    },
    /// The work is given to somebody who could not do it. Source: T26, invariant 5.
    #[error("the assignee could not act at this node")]
    AssigneeUnfit,
    /// Nothing can be edited at this node. Source: invariant 2.
    #[error("nothing can be edited at this node")]
    NotEditable {
        /// Where it stands.
        stage: Stage,
    },
    /// The return did not name this field. Source: T05.
    #[error("the field was not opened by the return")]
    FieldClosed {
        /// The field.
        field: Field,
    },
    /// Somebody else saved the form in between.
    #[error("the form was saved by somebody else")]
    EditedMeanwhile {
        /// The edit version that stands.
        edit_version: i64,
        /// When it was saved.
        at: OffsetDateTime,
    },
    /// The batch was launched for this city. Source: T14, invariant 7.
    #[error("the batch was launched already")]
    AlreadyLaunched {
        /// The city.
        prefecture: String,
        /// Its work order.
        order: OrderId,
    },
    /// Nothing awaits joint review in the city. Source: T14.
    #[error("no application awaits joint review")]
    NoMembers {
        /// The city.
        prefecture: String,
    },
    /// More or fewer wait in the city than the launch was confirmed for. Source: T14.
    #[error("another number of applications awaits joint review than was seen")]
    MembersChanged {
        /// The city.
        prefecture: String,
        /// How many were seen.
        seen: usize,
        /// How many wait now.
        found: usize,
    },
    /// A panel is empty, has no single lead, or names somebody twice. Source: T14.
    #[error("the panel is not valid")]
    PanelInvalid {
        /// The city.
        prefecture: String,
    },
    /// Somebody on a panel is not an active expert. Source: T14.
    #[error("a panel member is not an active expert")]
    NotAnExpert {
        /// Who.
        person: Uuid,
    },
    /// An expert works for an operator whose application is a member. Source: reliability section 10.
    #[error("an expert is employed by an operator of the order")]
    ExpertEmployed {
        /// Who.
        person: Uuid,
        /// The application.
        application: ApplicationId,
    },
    /// Members of the order are still at work. Source: T20.
    #[error("members of the order are not ready")]
    MembersUnready {
        /// How many.
        count: usize,
    },
    /// The order was frozen. Source: T20.
    #[error("the order is frozen already")]
    AlreadyFrozen,
    /// The order is concluded: nothing is left to declare. Source: T15.
    #[error("the order is concluded")]
    OrderConcluded,
    /// The order has not been frozen. Source: T24.
    #[error("the order is not frozen")]
    NotFrozen,
    /// The order's version has moved on.
    #[error("the order was changed meanwhile")]
    OrderStale {
        /// The version that stands.
        version: i64,
        /// The step that made it.
        last: Option<OrderStep>,
    },
    /// Findings do not exceed the round's threshold. Source: T24.
    #[error("findings do not exceed the threshold")]
    ThresholdNotExceeded {
        /// Findings since the last draw.
        findings: u32,
        /// What is tolerated.
        threshold: u32,
    },
    /// Every member is in the sample. Source: T24.
    #[error("nothing is left to draw")]
    NothingToDraw,
}
