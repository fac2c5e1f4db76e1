//! Who may do what, when: the transitions of the workflow as data. Everything else is derived from this table.
//!
//! Source: workflow, Transitions, row by row.

use super::{
    act::{Command, Target},
    clock::Alert,
    facts::Fact,
    guards::{self, Guard, Situation},
    stage::{Actor, Party, Stage},
};

/// Which of several ways a command takes from one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// There is only one way.
    Always,
    /// RecordPaperCheck: everything was there.
    Complete,
    /// RecordPaperCheck: something is missing.
    Missing,
    /// Experts pass while the order is open.
    OrderOpen,
    /// Experts pass in a frozen order.
    OrderFrozen,
    /// A department passes, others have not yet.
    OthersPending,
    /// The last required department passes.
    LastDepartment,
    /// The province returns to the operator.
    ToOperator,
    /// The province returns to the experts.
    ToExperts,
    /// The province returns to the city.
    ToCity,
    /// The clock turns 黄.
    Near,
    /// The clock turns 红.
    Overdue,
    /// The clock goes one tier up.
    Escalation,
}

/// Where a row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// At this node.
    At(Stage),
    /// Where it started.
    Same,
}

/// One transition.
#[derive(Debug)]
pub struct Row {
    /// Its id in the workflow.
    pub id: &'static str,
    /// Where it starts; empty where the application does not exist yet.
    pub from: &'static [Stage],
    /// The command.
    pub on: Command,
    /// Which of several ways.
    pub case: Case,
    /// Who.
    pub by: Actor,
    /// Whether it is a decision: names the submission that it judged, is signed, and counts for four eyes.
    pub judges: bool,
    /// Rules beyond role, scope, version and node.
    pub guards: &'static [Guard],
    /// Where it ends.
    pub to: End,
    /// What has happened then.
    pub fact: Fact,
}

use Actor::{Administrator, City, County, Expert, Operator, Province, Timer};
use Case::{Always, Complete, LastDepartment, Missing, OrderFrozen, OrderOpen, OthersPending};
use Case::{Escalation, Near, Overdue, ToCity, ToExperts, ToOperator};
use End::{At, Same};
use Stage::{
    Approved, AwaitingJointReview, AwaitingProvince, CityReturned, CityReview, CountyReturned, CountyReview,
    Deleted, Draft, ExpertReview, MaterialsDue, PaperCheck, ProvincialReview, SupplementDue, Terminated,
};
use guards::{
    ACCOUNT_ACTIVE, ASSIGNED, ASSIGNEE_FITS, DECLARED_CLEAR, DEPARTMENT_REQUIRED, DOSSIER_SEALED,
    EXTENSION_GIVEN, FORM_VALID, FOUR_EYES, FREEZE_DUE, GATE_A, GATE_B, HAS_ITEMS, IN_SAMPLE, ITEMS_ANSWERED,
    LEADS, NEVER_SUBMITTED, NOT_SENT_BACK, NOT_SIGNED, OPINION_GIVEN, OPINION_READABLE, OUTSIDE_SAMPLE,
    PANEL_PASSES, PANEL_RETURNS, PAPERS_COMPLETE, PAPERS_MISSING, REASON_GIVEN, ROUND_OPEN, VERDICT_GIVEN,
};

/// The nodes with a clock. Source: workflow, Nodes.
const CLOCKED: &[Stage] = &[
    CountyReview,
    PaperCheck,
    CityReview,
    AwaitingJointReview,
    ExpertReview,
    AwaitingProvince,
    ProvincialReview,
];

/// The workflow.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    Row { id: "T01", from: &[], on: Command::CreateApplication, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, ROUND_OPEN], to: At(Draft), fact: Fact::Drafted },
    Row { id: "T02", from: &[Draft, CountyReturned], on: Command::SubmitAcceptance, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, FORM_VALID, ITEMS_ANSWERED, GATE_A], to: At(CountyReview), fact: Fact::AcceptanceSubmitted },
    Row { id: "T03", from: &[CountyReview], on: Command::Withdraw, case: Always, by: Operator, judges: false,
        guards: &[], to: At(Draft), fact: Fact::AcceptanceWithdrawn },
    Row { id: "T04", from: &[CountyReview], on: Command::Pass, case: Always, by: County, judges: true,
        guards: &[FOUR_EYES, OPINION_READABLE], to: At(PaperCheck), fact: Fact::CountyPassed },
    Row { id: "T05", from: &[CountyReview], on: Command::Return, case: Always, by: County, judges: true,
        guards: &[FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: At(CountyReturned), fact: Fact::CountyReturned },
    Row { id: "T06", from: &[PaperCheck], on: Command::RecordPaperCheck, case: Complete, by: County, judges: true,
        guards: &[FOUR_EYES, PAPERS_COMPLETE], to: At(MaterialsDue), fact: Fact::PaperCheckPassed },
    Row { id: "T07", from: &[PaperCheck], on: Command::RecordPaperCheck, case: Missing, by: County, judges: true,
        guards: &[FOUR_EYES, PAPERS_MISSING], to: At(PaperCheck), fact: Fact::PaperCheckIncomplete },
    Row { id: "T08", from: &[PaperCheck], on: Command::RevokePass, case: Always, by: County, judges: true,
        guards: &[FOUR_EYES, REASON_GIVEN], to: At(CountyReturned), fact: Fact::CountyRevoked },
    Row { id: "T09", from: &[MaterialsDue, CityReturned], on: Command::SubmitMaterials, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, FORM_VALID, ITEMS_ANSWERED, GATE_B, DOSSIER_SEALED], to: At(CityReview), fact: Fact::MaterialsSubmitted },
    Row { id: "T10", from: &[CityReview], on: Command::Withdraw, case: Always, by: Operator, judges: false,
        guards: &[NOT_SENT_BACK], to: At(MaterialsDue), fact: Fact::MaterialsWithdrawn },
    Row { id: "T11", from: &[CityReview], on: Command::Pass, case: Always, by: City, judges: true,
        guards: &[FOUR_EYES, OPINION_READABLE], to: At(AwaitingJointReview), fact: Fact::CityPassed },
    Row { id: "T12", from: &[CityReview], on: Command::Return, case: Always, by: City, judges: true,
        guards: &[FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: At(CityReturned), fact: Fact::CityReturned },
    Row { id: "T13", from: &[AwaitingJointReview], on: Command::TakeBack, case: Always, by: City, judges: false,
        guards: &[OPINION_READABLE], to: At(CityReview), fact: Fact::CityPassRetracted },
    Row { id: "T14", from: &[AwaitingJointReview], on: Command::LaunchJointReview, case: Always, by: Administrator, judges: false,
        guards: &[], to: At(ExpertReview), fact: Fact::EnteredJointReview },
    Row { id: "T15", from: &[ExpertReview], on: Command::RecordOpinion, case: Always, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, VERDICT_GIVEN, OPINION_GIVEN], to: At(ExpertReview), fact: Fact::ExpertOpined },
    Row { id: "T15", from: &[ExpertReview], on: Command::HeedInterest, case: Always, by: Timer, judges: false,
        guards: &[], to: Same, fact: Fact::InterestHeeded },
    Row { id: "T16", from: &[ExpertReview], on: Command::Pass, case: OrderOpen, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, PANEL_PASSES, OPINION_READABLE], to: At(AwaitingProvince), fact: Fact::ExpertsPassed },
    Row { id: "T16", from: &[ExpertReview], on: Command::Pass, case: OrderFrozen, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, PANEL_PASSES, OPINION_READABLE], to: At(ProvincialReview), fact: Fact::ExpertsPassed },
    Row { id: "T17", from: &[ExpertReview], on: Command::Return, case: Always, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, PANEL_RETURNS, OPINION_GIVEN, HAS_ITEMS], to: At(SupplementDue), fact: Fact::SupplementRequested },
    Row { id: "T18", from: &[SupplementDue], on: Command::SubmitSupplement, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, FORM_VALID, ITEMS_ANSWERED, DOSSIER_SEALED], to: At(ExpertReview), fact: Fact::SupplementSubmitted },
    Row { id: "T19", from: &[ExpertReview, SupplementDue], on: Command::CarryOver, case: Always, by: Administrator, judges: false,
        guards: &[FREEZE_DUE, REASON_GIVEN], to: At(AwaitingJointReview), fact: Fact::CarriedOver },
    Row { id: "T20", from: &[AwaitingProvince], on: Command::FreezeOrder, case: Always, by: Administrator, judges: false,
        guards: &[], to: At(ProvincialReview), fact: Fact::EnteredProvincialReview },
    Row { id: "T21", from: &[ProvincialReview], on: Command::RecordOpinion, case: Always, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, NOT_SIGNED, FOUR_EYES, VERDICT_GIVEN, OPINION_GIVEN], to: At(ProvincialReview), fact: Fact::DepartmentOpined },
    Row { id: "T21", from: &[ProvincialReview], on: Command::Pass, case: OthersPending, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, NOT_SIGNED, FOUR_EYES, OPINION_READABLE], to: At(ProvincialReview), fact: Fact::DepartmentOpined },
    Row { id: "T22", from: &[ProvincialReview], on: Command::Pass, case: LastDepartment, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, NOT_SIGNED, FOUR_EYES, OPINION_READABLE], to: At(Approved), fact: Fact::Approved },
    Row { id: "T22", from: &[ProvincialReview], on: Command::ConcludeOrder, case: Always, by: Province, judges: false,
        guards: &[OUTSIDE_SAMPLE], to: At(Approved), fact: Fact::Approved },
    Row { id: "T23", from: &[ProvincialReview], on: Command::Return, case: ToOperator, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: At(SupplementDue), fact: Fact::ProvinceReturned },
    Row { id: "T23", from: &[ProvincialReview], on: Command::Return, case: ToExperts, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: At(ExpertReview), fact: Fact::ProvinceReturned },
    Row { id: "T23", from: &[ProvincialReview], on: Command::Return, case: ToCity, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: At(CityReview), fact: Fact::ProvinceReturned },
    Row { id: "T24", from: &[ProvincialReview], on: Command::WidenSample, case: Always, by: Province, judges: false,
        guards: &[DEPARTMENT_REQUIRED, OUTSIDE_SAMPLE], to: At(ProvincialReview), fact: Fact::EnteredSample },
    Row { id: "T25", from: &[Draft], on: Command::Delete, case: Always, by: Operator, judges: false,
        guards: &[NEVER_SUBMITTED], to: At(Deleted), fact: Fact::Deleted },
    Row { id: "T25", from: &[Draft, CountyReturned, MaterialsDue, CityReturned, SupplementDue], on: Command::Terminate, case: Always, by: Operator, judges: false,
        guards: &[OPINION_READABLE], to: At(Terminated), fact: Fact::Terminated },
    Row { id: "T26", from: CLOCKED, on: Command::ExtendDeadline, case: Always, by: Administrator, judges: false,
        guards: &[EXTENSION_GIVEN, REASON_GIVEN], to: Same, fact: Fact::DeadlineExtended },
    Row { id: "T26", from: &[CountyReview, PaperCheck], on: Command::ExtendDeadline, case: Always, by: County, judges: false,
        guards: &[LEADS, EXTENSION_GIVEN, REASON_GIVEN], to: Same, fact: Fact::DeadlineExtended },
    Row { id: "T26", from: &[CityReview], on: Command::ExtendDeadline, case: Always, by: City, judges: false,
        guards: &[LEADS, EXTENSION_GIVEN, REASON_GIVEN], to: Same, fact: Fact::DeadlineExtended },
    Row { id: "T26", from: &[ExpertReview], on: Command::ExtendDeadline, case: Always, by: Expert, judges: false,
        guards: &[ASSIGNED, LEADS, EXTENSION_GIVEN, REASON_GIVEN], to: Same, fact: Fact::DeadlineExtended },
    Row { id: "T26", from: &[ProvincialReview], on: Command::ExtendDeadline, case: Always, by: Province, judges: false,
        guards: &[DEPARTMENT_REQUIRED, LEADS, EXTENSION_GIVEN, REASON_GIVEN], to: Same, fact: Fact::DeadlineExtended },
    Row { id: "T26", from: &[CountyReturned, MaterialsDue], on: Command::Remind, case: Always, by: County, judges: false,
        guards: &[REASON_GIVEN], to: Same, fact: Fact::Reminded },
    Row { id: "T26", from: &[CountyReview, PaperCheck, CityReturned], on: Command::Remind, case: Always, by: City, judges: false,
        guards: &[REASON_GIVEN], to: Same, fact: Fact::Reminded },
    Row { id: "T26", from: &[CityReview, ExpertReview, SupplementDue, ProvincialReview], on: Command::Remind, case: Always, by: Administrator, judges: false,
        guards: &[REASON_GIVEN], to: Same, fact: Fact::Reminded },
    Row { id: "T26", from: &[AwaitingJointReview, AwaitingProvince], on: Command::Remind, case: Always, by: Province, judges: false,
        guards: &[REASON_GIVEN], to: Same, fact: Fact::Reminded },
    Row { id: "T26", from: &[CountyReview, PaperCheck], on: Command::Reassign, case: Always, by: County, judges: false,
        guards: &[LEADS, ASSIGNEE_FITS, REASON_GIVEN], to: Same, fact: Fact::Reassigned },
    Row { id: "T26", from: &[CityReview], on: Command::Reassign, case: Always, by: City, judges: false,
        guards: &[LEADS, ASSIGNEE_FITS, REASON_GIVEN], to: Same, fact: Fact::Reassigned },
    Row { id: "T26", from: &[AwaitingJointReview, AwaitingProvince], on: Command::Reassign, case: Always, by: Administrator, judges: false,
        guards: &[LEADS, ASSIGNEE_FITS, REASON_GIVEN], to: Same, fact: Fact::Reassigned },
    Row { id: "T26", from: &[ExpertReview], on: Command::Reassign, case: Always, by: Expert, judges: false,
        guards: &[ASSIGNED, LEADS, ASSIGNEE_FITS, REASON_GIVEN], to: Same, fact: Fact::Reassigned },
    Row { id: "T26", from: &[ProvincialReview], on: Command::Reassign, case: Always, by: Province, judges: false,
        guards: &[DEPARTMENT_REQUIRED, LEADS, ASSIGNEE_FITS, REASON_GIVEN], to: Same, fact: Fact::Reassigned },
    Row { id: "T27", from: CLOCKED, on: Command::StrikeClock, case: Near, by: Timer, judges: false,
        guards: &[], to: Same, fact: Fact::DeadlineNear },
    Row { id: "T27", from: CLOCKED, on: Command::StrikeClock, case: Overdue, by: Timer, judges: false,
        guards: &[], to: Same, fact: Fact::DeadlineOverdue },
    Row { id: "T27", from: CLOCKED, on: Command::StrikeClock, case: Escalation, by: Timer, judges: false,
        guards: &[], to: Same, fact: Fact::DeadlineEscalated },
];

impl Row {
    /// Whether it starts at this node; none: the application does not exist yet.
    pub fn starts_at(&self, stage: Option<Stage>) -> bool {
        match stage {
            Some(stage) => self.from.contains(&stage),
            None => self.from.is_empty(),
        }
    }

    /// Where it ends when it started at this node.
    pub fn end(&self, from: Stage) -> Stage {
        match self.to {
            At(stage) => stage,
            Same => from,
        }
    }

    /// Who is responsible next at the node where it ended: the tier in the event's subject. The operator hears of an
    /// end, the tier above of a deadline that is long over.
    ///
    /// Source: workflow, Transitions, column tier.
    pub fn tier(&self, at: Stage) -> Party {
        let above = if self.fact == Fact::DeadlineEscalated { at.above() } else { None };
        above.or(at.waits_for()).unwrap_or(Party::Operator)
    }
}

impl Case {
    /// Whether it depends on the work order alone, and not on what the person says.
    pub fn of_the_order(self) -> bool {
        match self {
            OrderOpen | OrderFrozen | OthersPending | LastDepartment => true,
            Always | Complete | Missing | ToOperator | ToExperts | ToCity | Near | Overdue | Escalation => {
                false
            }
        }
    }

    /// Whether the situation is this case.
    pub fn holds(self, situation: &Situation<'_>) -> bool {
        let Situation { application, act, desk, policy, moment } = situation;
        let frozen = || desk.is_some_and(|desk| desk.order.frozen_at.is_some());
        let last = || desk.is_some_and(|desk| desk.last_department(policy, &act.person.department));
        let due = |alert| {
            let clock = application.clock;
            clock.and_then(|clock| clock.due(moment.now, &policy.limits, &policy.calendar)) == Some(alert)
        };
        match self {
            Always => true,
            Complete => act.paper.as_ref().is_some_and(|paper| paper.complete),
            Missing => act.paper.as_ref().is_some_and(|paper| !paper.complete),
            OrderOpen => !frozen(),
            OrderFrozen => frozen(),
            OthersPending => !last(),
            LastDepartment => last(),
            ToOperator => act.target == Some(Target::Operator),
            ToExperts => act.target == Some(Target::Experts),
            ToCity => act.target == Some(Target::City),
            Near => due(Alert::Near),
            Overdue => due(Alert::Overdue),
            Escalation => due(Alert::Escalated),
        }
    }
}

/// The row of a command that moves the members of a whole order: launch, freeze, wider sample, conclusion.
///
/// # Panics
/// For any other command.
pub fn of_order(command: Command) -> &'static Row {
    TABLE
        .iter()
        .find(|row| row.on == command)
        .expect("the table holds a row of each command of a whole order")
}

/// The row under which a member outside the sample is approved with its order. Source: T22, second part.
pub fn conclusion() -> &'static Row {
    of_order(Command::ConcludeOrder)
}

/// Whether the table knows this step; for audits of history. Source: reliability I3.
pub fn knows(transition: &str, from: Option<Stage>, to: Stage) -> bool {
    TABLE.iter().any(|row| {
        let end = from.map_or(row.to, |from| At(row.end(from)));
        row.id == transition && row.starts_at(from) && end == At(to)
    })
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
