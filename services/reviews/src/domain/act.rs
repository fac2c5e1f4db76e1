//! A command with everything that a rule may look at: who acts, what was seen, what is said, which evidence was taken.
//!
//! Built by `rpc/convert.rs`; evidence of other services is taken before the transaction (architecture, rule 2).

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    application::{Kind, Returned, Submitted},
    form::FieldProblem,
    ids::{OperatorId, OrderId, PersonId},
    stage::Actor,
};

/// A command of the workflow. Source: workflow, Transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// T01
    CreateApplication,
    /// T02
    SubmitAcceptance,
    /// T03, T10
    Withdraw,
    /// T04, T11, T16, T22
    Pass,
    /// T05, T12, T17, T23
    Return,
    /// T06, T07
    RecordPaperCheck,
    /// T08
    RevokePass,
    /// T09
    SubmitMaterials,
    /// T13
    TakeBack,
    /// T14
    LaunchJointReview,
    /// T15, T21
    RecordOpinion,
    /// T15: follows from a declaration of interest, nobody calls it
    HeedInterest,
    /// T18
    SubmitSupplement,
    /// T19
    CarryOver,
    /// T20
    FreezeOrder,
    /// T22, of members outside the sample: follows from the last signature, nobody calls it
    ConcludeOrder,
    /// T24
    WidenSample,
    /// T25
    Delete,
    /// T25
    Terminate,
    /// T26, 延长时限
    ExtendDeadline,
    /// T26, 催办
    Remind,
    /// T26, 转办
    Reassign,
    /// T27: the timer's, nobody calls it
    StrikeClock,
}

impl Command {
    /// Every command.
    pub const ALL: [Command; 23] = [
        Command::CreateApplication,
        Command::SubmitAcceptance,
        Command::Withdraw,
        Command::Pass,
        Command::Return,
        Command::RecordPaperCheck,
        Command::RevokePass,
        Command::SubmitMaterials,
        Command::TakeBack,
        Command::LaunchJointReview,
        Command::RecordOpinion,
        Command::HeedInterest,
        Command::SubmitSupplement,
        Command::CarryOver,
        Command::FreezeOrder,
        Command::ConcludeOrder,
        Command::WidenSample,
        Command::Delete,
        Command::Terminate,
        Command::ExtendDeadline,
        Command::Remind,
        Command::Reassign,
        Command::StrikeClock,
    ];

    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Command::CreateApplication => "CreateApplication",
            Command::SubmitAcceptance => "SubmitAcceptance",
            Command::Withdraw => "Withdraw",
            Command::Pass => "Pass",
            Command::Return => "Return",
            Command::RecordPaperCheck => "RecordPaperCheck",
            Command::RevokePass => "RevokePass",
            Command::SubmitMaterials => "SubmitMaterials",
            Command::TakeBack => "TakeBack",
            Command::LaunchJointReview => "LaunchJointReview",
            Command::RecordOpinion => "RecordOpinion",
            Command::HeedInterest => "HeedInterest",
            Command::SubmitSupplement => "SubmitSupplement",
            Command::CarryOver => "CarryOver",
            Command::FreezeOrder => "FreezeOrder",
            Command::ConcludeOrder => "ConcludeOrder",
            Command::WidenSample => "WidenSample",
            Command::Delete => "Delete",
            Command::Terminate => "Terminate",
            Command::ExtendDeadline => "ExtendDeadline",
            Command::Remind => "Remind",
            Command::Reassign => "Reassign",
            Command::StrikeClock => "StrikeClock",
        }
    }
}

/// The person who acts, as the caller's verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// The roles of this review that the person holds.
    pub roles: Vec<Actor>,
    /// Division codes of the person's office.
    pub scope: Vec<String>,
    /// The person's company; officials have none.
    pub operator_id: Option<OperatorId>,
    /// The provincial department; only role province.
    pub department: String,
    /// The office as people know it.
    pub office: String,
    /// The session in which the person acts.
    pub session_id: String,
    /// How the person proved itself.
    pub authentication: String,
    /// Whether the person leads the own office (负责人); of a panel, the panel itself says who leads.
    pub lead: bool,
    /// Work orders on whose panel the person sits; read only for experts.
    pub orders: Vec<OrderId>,
}

impl Person {
    /// The timer, which acts for nobody (T27).
    pub fn timer() -> Self {
        Person {
            id: PersonId(Uuid::nil()),
            roles: vec![Actor::Timer],
            scope: Vec::new(),
            operator_id: None,
            department: String::new(),
            office: String::new(),
            session_id: String::new(),
            authentication: String::new(),
            lead: false,
            orders: Vec::new(),
        }
    }

    /// Whether the person acts for exactly this division.
    ///
    /// The scope of a token lists an office's division and its predecessors, so that no code prefix is ever read. The
    /// province in it belongs to another role of the person and is no county and no city.
    /// Source: reliability section 10.
    pub fn acts_for(&self, division: &str) -> bool {
        self.scope.iter().any(|code| code == division)
    }

    /// Whether the person acts for the whole province.
    pub fn covers_province(&self) -> bool {
        self.scope.iter().any(|code| code == PROVINCE)
    }
}

/// The code of the province. Source: GB/T 2260.
pub const PROVINCE: &str = "410000";

/// The submission that a decision judged. Source: invariant 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its version.
    pub version: i32,
    /// Its hash.
    pub hash: String,
}

/// To whom the province returns. Source: T23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// A defect of the material.
    Operator,
    /// The experts' work.
    Experts,
    /// The city's work.
    City,
}

impl Target {
    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Target::Operator => "operator",
            Target::Experts => "experts",
            Target::City => "city",
        }
    }

    /// Finds the target of a stable id.
    pub fn parse(id: &str) -> Option<Target> {
        [Target::Operator, Target::Experts, Target::City].into_iter().find(|target| target.id() == id)
    }
}

/// What an individual opinion recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// 同意
    Pass,
    /// 不同意
    Return,
}

impl Verdict {
    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Return => "return",
        }
    }

    /// Finds the verdict of a stable id.
    pub fn parse(id: &str) -> Option<Verdict> {
        [Verdict::Pass, Verdict::Return].into_iter().find(|verdict| verdict.id() == id)
    }
}

/// What the county found when the papers were handed in. Source: T06, T07.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperCheck {
    /// Whether everything was there.
    pub complete: bool,
    /// Categories ticked.
    pub ticked: Vec<String>,
    /// Categories that are missing.
    pub missing: Vec<String>,
    /// The day of the check; none where it was not filled in.
    pub checked_on: Option<Date>,
    /// Who checked.
    pub checker: String,
}

/// What the gates found before the transaction. Source: workflow, Gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateFinding {
    /// Gate A holds.
    pub linked: bool,
    /// Gate B holds.
    pub all_reported: bool,
    /// Hash of the evidence.
    pub hash: String,
}

/// What is about to be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The submission that will stand.
    pub submitted: Submitted,
    /// Problems of the form; none may be left.
    pub problems: Vec<FieldProblem>,
    /// Form fields that the return named and that were neither changed nor explained.
    pub unanswered: Vec<String>,
    /// What the gates found; none where the round has switched them off.
    pub gate: Option<GateFinding>,
    /// Whether `documents` has sealed the dossier for this submission.
    pub sealed: bool,
    /// Given at the first submission.
    pub receipt_no: Option<String>,
}

impl Draft {
    /// What kind of submission it is.
    pub fn kind(&self) -> Kind {
        self.submitted.kind
    }
}

/// One command by one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who acts.
    pub person: Person,
    /// What.
    pub command: Command,
    /// The version that the person saw; none where the command names none (a launch, a freeze).
    pub seen: Option<i64>,
    /// The submission that was judged.
    pub judged: Option<Judged>,
    /// 审批意见, or the reason.
    pub opinion: String,
    /// What a return names.
    pub items: Vec<String>,
    /// Whether a return opens everything.
    pub open_all: bool,
    /// To whom the province returns.
    pub target: Option<Target>,
    /// What an individual opinion recommends.
    pub verdict: Option<Verdict>,
    /// What the county found.
    pub paper: Option<PaperCheck>,
    /// What is submitted.
    pub draft: Option<Draft>,
    /// Whether the operator's account is active; none where it was not asked.
    pub account_active: Option<bool>,
    /// Whether the member is drawn (T20, T24).
    pub drawn: bool,
    /// The work order that a launch makes (T14).
    pub launched: Option<OrderId>,
    /// The return that a withdrawn submission had answered (T03, T10).
    pub answered: Option<Returned>,
    /// Working days that a deadline is extended by (T26).
    pub extension: u32,
    /// To whom the work is given (T26); none: back to the whole office.
    pub assignee: Option<Person>,
}

impl Act {
    /// A bare command of a person; the inlets add what it carries.
    pub fn new(person: Person, command: Command) -> Self {
        Act {
            person,
            command,
            seen: None,
            judged: None,
            opinion: String::new(),
            items: Vec::new(),
            open_all: false,
            target: None,
            verdict: None,
            paper: None,
            draft: None,
            account_active: None,
            drawn: false,
            launched: None,
            answered: None,
            extension: 0,
            assignee: None,
        }
    }

    /// Identity of the actor as stored.
    pub fn actor_id(&self) -> Uuid {
        self.person.id.0
    }
}

/// The instant of the unit of work, with the day in Asia/Shanghai.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Database time.
    pub now: OffsetDateTime,
    /// Its day.
    pub today: Date,
}

impl Moment {
    /// Reads the day of an instant.
    pub fn at(now: OffsetDateTime) -> Self {
        Moment { now, today: super::policy::day_of(now) }
    }
}
