//! Who may do what, when: the transitions of the workflow as data. Everything else is derived from this table.
//!
//! Source: workflow, Transitions, row by row. T26 and T27 come with the deadlines; their rows are added here then.

use super::{
    act::{Command, Target},
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
    pub to: Stage,
    /// What has happened then.
    pub fact: Fact,
}

use Actor::{Administrator, City, County, Expert, Operator, Province};
use Case::{Always, Complete, LastDepartment, Missing, OrderFrozen, OrderOpen, OthersPending};
use Case::{ToCity, ToExperts, ToOperator};
use Stage::{
    Approved, AwaitingJointReview, AwaitingProvince, CityReturned, CityReview, CountyReturned, CountyReview,
    Deleted, Draft, ExpertReview, MaterialsDue, PaperCheck, ProvincialReview, SupplementDue, Terminated,
};
use guards::{
    ACCOUNT_ACTIVE, ASSIGNED, DECLARED_CLEAR, DEPARTMENT_REQUIRED, DOSSIER_SEALED, FORM_VALID, FOUR_EYES,
    FREEZE_DUE, GATE_A, GATE_B, HAS_ITEMS, IN_SAMPLE, ITEMS_ANSWERED, NEVER_SUBMITTED, NOT_SENT_BACK,
    NOT_SIGNED, OPINION_GIVEN, OPINION_READABLE, OUTSIDE_SAMPLE, PANEL_PASSES, PANEL_RETURNS,
    PAPERS_COMPLETE, PAPERS_MISSING, REASON_GIVEN, ROUND_OPEN, VERDICT_GIVEN,
};

/// The workflow.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    Row { id: "T01", from: &[], on: Command::CreateApplication, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, ROUND_OPEN], to: Draft, fact: Fact::Drafted },
    Row { id: "T02", from: &[Draft, CountyReturned], on: Command::SubmitAcceptance, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, FORM_VALID, ITEMS_ANSWERED, GATE_A], to: CountyReview, fact: Fact::AcceptanceSubmitted },
    Row { id: "T03", from: &[CountyReview], on: Command::Withdraw, case: Always, by: Operator, judges: false,
        guards: &[], to: Draft, fact: Fact::AcceptanceWithdrawn },
    Row { id: "T04", from: &[CountyReview], on: Command::Pass, case: Always, by: County, judges: true,
        guards: &[FOUR_EYES, OPINION_READABLE], to: PaperCheck, fact: Fact::CountyPassed },
    Row { id: "T05", from: &[CountyReview], on: Command::Return, case: Always, by: County, judges: true,
        guards: &[FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: CountyReturned, fact: Fact::CountyReturned },
    Row { id: "T06", from: &[PaperCheck], on: Command::RecordPaperCheck, case: Complete, by: County, judges: true,
        guards: &[FOUR_EYES, PAPERS_COMPLETE], to: MaterialsDue, fact: Fact::PaperCheckPassed },
    Row { id: "T07", from: &[PaperCheck], on: Command::RecordPaperCheck, case: Missing, by: County, judges: true,
        guards: &[FOUR_EYES, PAPERS_MISSING], to: PaperCheck, fact: Fact::PaperCheckIncomplete },
    Row { id: "T08", from: &[PaperCheck], on: Command::RevokePass, case: Always, by: County, judges: true,
        guards: &[FOUR_EYES, REASON_GIVEN], to: CountyReturned, fact: Fact::CountyRevoked },
    Row { id: "T09", from: &[MaterialsDue, CityReturned], on: Command::SubmitMaterials, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, FORM_VALID, ITEMS_ANSWERED, GATE_B, DOSSIER_SEALED], to: CityReview, fact: Fact::MaterialsSubmitted },
    Row { id: "T10", from: &[CityReview], on: Command::Withdraw, case: Always, by: Operator, judges: false,
        guards: &[NOT_SENT_BACK], to: MaterialsDue, fact: Fact::MaterialsWithdrawn },
    Row { id: "T11", from: &[CityReview], on: Command::Pass, case: Always, by: City, judges: true,
        guards: &[FOUR_EYES, OPINION_READABLE], to: AwaitingJointReview, fact: Fact::CityPassed },
    Row { id: "T12", from: &[CityReview], on: Command::Return, case: Always, by: City, judges: true,
        guards: &[FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: CityReturned, fact: Fact::CityReturned },
    Row { id: "T13", from: &[AwaitingJointReview], on: Command::TakeBack, case: Always, by: City, judges: false,
        guards: &[OPINION_READABLE], to: CityReview, fact: Fact::CityPassRetracted },
    Row { id: "T14", from: &[AwaitingJointReview], on: Command::LaunchJointReview, case: Always, by: Administrator, judges: false,
        guards: &[], to: ExpertReview, fact: Fact::EnteredJointReview },
    Row { id: "T15", from: &[ExpertReview], on: Command::RecordOpinion, case: Always, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, VERDICT_GIVEN, OPINION_GIVEN], to: ExpertReview, fact: Fact::ExpertOpined },
    Row { id: "T16", from: &[ExpertReview], on: Command::Pass, case: OrderOpen, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, PANEL_PASSES, OPINION_READABLE], to: AwaitingProvince, fact: Fact::ExpertsPassed },
    Row { id: "T16", from: &[ExpertReview], on: Command::Pass, case: OrderFrozen, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, PANEL_PASSES, OPINION_READABLE], to: ProvincialReview, fact: Fact::ExpertsPassed },
    Row { id: "T17", from: &[ExpertReview], on: Command::Return, case: Always, by: Expert, judges: true,
        guards: &[ASSIGNED, DECLARED_CLEAR, FOUR_EYES, PANEL_RETURNS, OPINION_GIVEN, HAS_ITEMS], to: SupplementDue, fact: Fact::SupplementRequested },
    Row { id: "T18", from: &[SupplementDue], on: Command::SubmitSupplement, case: Always, by: Operator, judges: false,
        guards: &[ACCOUNT_ACTIVE, FORM_VALID, ITEMS_ANSWERED, DOSSIER_SEALED], to: ExpertReview, fact: Fact::SupplementSubmitted },
    Row { id: "T19", from: &[ExpertReview, SupplementDue], on: Command::CarryOver, case: Always, by: Administrator, judges: false,
        guards: &[FREEZE_DUE, REASON_GIVEN], to: AwaitingJointReview, fact: Fact::CarriedOver },
    Row { id: "T20", from: &[AwaitingProvince], on: Command::FreezeOrder, case: Always, by: Administrator, judges: false,
        guards: &[], to: ProvincialReview, fact: Fact::EnteredProvincialReview },
    Row { id: "T21", from: &[ProvincialReview], on: Command::RecordOpinion, case: Always, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, NOT_SIGNED, FOUR_EYES, VERDICT_GIVEN, OPINION_GIVEN], to: ProvincialReview, fact: Fact::DepartmentOpined },
    Row { id: "T21", from: &[ProvincialReview], on: Command::Pass, case: OthersPending, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, NOT_SIGNED, FOUR_EYES, OPINION_READABLE], to: ProvincialReview, fact: Fact::DepartmentOpined },
    Row { id: "T22", from: &[ProvincialReview], on: Command::Pass, case: LastDepartment, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, NOT_SIGNED, FOUR_EYES, OPINION_READABLE], to: Approved, fact: Fact::Approved },
    Row { id: "T22", from: &[ProvincialReview], on: Command::ConcludeOrder, case: Always, by: Province, judges: false,
        guards: &[OUTSIDE_SAMPLE], to: Approved, fact: Fact::Approved },
    Row { id: "T23", from: &[ProvincialReview], on: Command::Return, case: ToOperator, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: SupplementDue, fact: Fact::ProvinceReturned },
    Row { id: "T23", from: &[ProvincialReview], on: Command::Return, case: ToExperts, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: ExpertReview, fact: Fact::ProvinceReturned },
    Row { id: "T23", from: &[ProvincialReview], on: Command::Return, case: ToCity, by: Province, judges: true,
        guards: &[IN_SAMPLE, DEPARTMENT_REQUIRED, FOUR_EYES, OPINION_GIVEN, HAS_ITEMS], to: CityReview, fact: Fact::ProvinceReturned },
    Row { id: "T24", from: &[ProvincialReview], on: Command::WidenSample, case: Always, by: Province, judges: false,
        guards: &[DEPARTMENT_REQUIRED, OUTSIDE_SAMPLE], to: ProvincialReview, fact: Fact::EnteredSample },
    Row { id: "T25", from: &[Draft], on: Command::Delete, case: Always, by: Operator, judges: false,
        guards: &[NEVER_SUBMITTED], to: Deleted, fact: Fact::Deleted },
    Row { id: "T25", from: &[Draft, CountyReturned, MaterialsDue, CityReturned, SupplementDue], on: Command::Terminate, case: Always, by: Operator, judges: false,
        guards: &[OPINION_READABLE], to: Terminated, fact: Fact::Terminated },
];

impl Row {
    /// Whether it starts at this node; none: the application does not exist yet.
    pub fn starts_at(&self, stage: Option<Stage>) -> bool {
        match stage {
            Some(stage) => self.from.contains(&stage),
            None => self.from.is_empty(),
        }
    }

    /// Who is responsible next: the tier in the event's subject. The operator hears of an end.
    ///
    /// Source: workflow, Transitions, column tier.
    pub fn tier(&self) -> Party {
        self.to.waits_for().unwrap_or(Party::Operator)
    }
}

impl Case {
    /// Whether it depends on the work order alone, and not on what the person says.
    pub fn of_the_order(self) -> bool {
        match self {
            OrderOpen | OrderFrozen | OthersPending | LastDepartment => true,
            Always | Complete | Missing | ToOperator | ToExperts | ToCity => false,
        }
    }

    /// Whether the situation is this case.
    pub fn holds(self, situation: &Situation<'_>) -> bool {
        let Situation { act, desk, policy, .. } = situation;
        let frozen = || desk.is_some_and(|desk| desk.order.frozen_at.is_some());
        let last = || desk.is_some_and(|desk| desk.last_department(policy, &act.person.department));
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
        }
    }
}

/// The row under which a member outside the sample is approved with its order. Source: T22, second part.
pub fn conclusion() -> &'static Row {
    TABLE
        .iter()
        .find(|row| row.on == Command::ConcludeOrder)
        .expect("the table holds the row of the conclusion")
}

/// Whether the table knows this step; for audits of history. Source: reliability I3.
pub fn knows(transition: &str, from: Option<Stage>, to: Stage) -> bool {
    TABLE.iter().any(|row| row.id == transition && row.starts_at(from) && row.to == to)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
