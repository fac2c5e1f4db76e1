//! What happened to an application: the facts of the review, the task that follows, and which desks are told.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    desk::{Desk, Role},
    refusal::Refusal,
    stage::Stage,
    task::{Clock, Subject, Task, desk_of},
    tier::Tier,
};

/// The facts of the review that have a text of their own. Source: workflow, Transitions T01–T27.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the workflow's events, one for one")]
pub enum Fact {
    Drafted,
    AcceptanceSubmitted,
    AcceptanceWithdrawn,
    CountyPassed,
    CountyReturned,
    PaperCheckPassed,
    PaperCheckIncomplete,
    CountyRevoked,
    MaterialsSubmitted,
    MaterialsWithdrawn,
    CityPassed,
    CityReturned,
    CityPassRetracted,
    EnteredJointReview,
    ExpertOpined,
    InterestHeeded,
    ExpertsPassed,
    SupplementRequested,
    SupplementSubmitted,
    CarriedOver,
    EnteredProvincialReview,
    DepartmentOpined,
    Approved,
    ProvinceReturned,
    EnteredSample,
    Deleted,
    Terminated,
    DeadlineExtended,
    Reminded,
    Reassigned,
    DeadlineNear,
    DeadlineOverdue,
    DeadlineEscalated,
}

impl Fact {
    /// Every fact with its stable name.
    pub const ALL: [(Fact, &'static str); 33] = [
        (Fact::Drafted, "drafted"),
        (Fact::AcceptanceSubmitted, "acceptance_submitted"),
        (Fact::AcceptanceWithdrawn, "acceptance_withdrawn"),
        (Fact::CountyPassed, "county_passed"),
        (Fact::CountyReturned, "county_returned"),
        (Fact::PaperCheckPassed, "paper_check_passed"),
        (Fact::PaperCheckIncomplete, "paper_check_incomplete"),
        (Fact::CountyRevoked, "county_revoked"),
        (Fact::MaterialsSubmitted, "materials_submitted"),
        (Fact::MaterialsWithdrawn, "materials_withdrawn"),
        (Fact::CityPassed, "city_passed"),
        (Fact::CityReturned, "city_returned"),
        (Fact::CityPassRetracted, "city_pass_retracted"),
        (Fact::EnteredJointReview, "entered_joint_review"),
        (Fact::ExpertOpined, "expert_opined"),
        (Fact::InterestHeeded, "interest_heeded"),
        (Fact::ExpertsPassed, "experts_passed"),
        (Fact::SupplementRequested, "supplement_requested"),
        (Fact::SupplementSubmitted, "supplement_submitted"),
        (Fact::CarriedOver, "carried_over"),
        (Fact::EnteredProvincialReview, "entered_provincial_review"),
        (Fact::DepartmentOpined, "department_opined"),
        (Fact::Approved, "approved"),
        (Fact::ProvinceReturned, "province_returned"),
        (Fact::EnteredSample, "entered_sample"),
        (Fact::Deleted, "deleted"),
        (Fact::Terminated, "terminated"),
        (Fact::DeadlineExtended, "deadline_extended"),
        (Fact::Reminded, "reminded"),
        (Fact::Reassigned, "reassigned"),
        (Fact::DeadlineNear, "deadline_near"),
        (Fact::DeadlineOverdue, "deadline_overdue"),
        (Fact::DeadlineEscalated, "deadline_escalated"),
    ];

    /// Reads a stable name; `None` for a fact that this version has no text for.
    pub fn parse(kind: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|(_, name)| *name == kind).map(|(fact, _)| fact)
    }

    /// Who is told: (the operator, the desk that it lands on).
    ///
    /// The operator hears of every receipt, return, supplement and decision, not of single opinions. A desk hears
    /// when something lands on it; a launch, a freeze and a draw are told once per order (see `work_order`).
    fn told(self) -> (bool, bool) {
        match self {
            Fact::Drafted
            | Fact::ExpertOpined
            | Fact::InterestHeeded
            | Fact::DepartmentOpined
            | Fact::EnteredSample => (false, false),
            Fact::AcceptanceSubmitted
            | Fact::CountyPassed
            | Fact::MaterialsSubmitted
            | Fact::CityPassed
            | Fact::CityPassRetracted
            | Fact::ExpertsPassed
            | Fact::SupplementSubmitted
            | Fact::CarriedOver
            | Fact::ProvinceReturned => (true, true),
            Fact::AcceptanceWithdrawn
            | Fact::CountyReturned
            | Fact::PaperCheckPassed
            | Fact::PaperCheckIncomplete
            | Fact::CountyRevoked
            | Fact::MaterialsWithdrawn
            | Fact::CityReturned
            | Fact::EnteredJointReview
            | Fact::EnteredProvincialReview
            | Fact::SupplementRequested
            | Fact::Approved
            | Fact::Deleted
            | Fact::Terminated => (true, false),
            // What is done about time is told to one desk only, see `Moved::told`.
            Fact::DeadlineExtended
            | Fact::Reminded
            | Fact::Reassigned
            | Fact::DeadlineNear
            | Fact::DeadlineOverdue
            | Fact::DeadlineEscalated => (false, false),
        }
    }

    /// Whether it is about time, and not about the matter. Source: T26, T27.
    pub fn about_time(self) -> bool {
        matches!(
            self,
            Fact::DeadlineExtended
                | Fact::Reminded
                | Fact::Reassigned
                | Fact::DeadlineNear
                | Fact::DeadlineOverdue
                | Fact::DeadlineEscalated
        )
    }
}

/// One event of an application, as far as worklists and messages care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The event's type as announced.
    pub kind: String,
    /// The same where this version knows it; others move the task and are told to nobody.
    pub fact: Option<Fact>,
    /// Version of the application after it.
    pub version: i64,
    /// The application.
    pub application_id: Uuid,
    /// The shown number.
    pub application_no: String,
    /// Stage after it.
    pub stage: Stage,
    /// Who acts next.
    pub waits_for: Option<Tier>,
    /// Division code of the station's county.
    pub county: String,
    /// Division code of the prefecture.
    pub prefecture: String,
    /// The company.
    pub operator_id: Uuid,
    /// The station.
    pub station_id: Uuid,
    /// The work order that it is a member of.
    pub work_order_id: Option<Uuid>,
    /// The round.
    pub round_id: Option<Uuid>,
    /// The person to whom the task was given.
    pub assignee_id: Option<Uuid>,
    /// How many items a return named.
    pub items: usize,
    /// When the stage was entered.
    pub since: OffsetDateTime,
    /// Deadline, 黄/红牌 and reminders after it.
    pub clock: Clock,
    /// The tier above, where it is told that the time is long over.
    pub escalated_to: Option<Tier>,
    /// Voices that can still do something; none where everybody of the tier can.
    pub awaited: Option<Vec<String>>,
    /// In which role somebody acted; none for one that this version does not know.
    pub by: Option<Role>,
}

/// Whom a message addresses; decides its wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The company that applied.
    Applicant,
    /// The office or panel that acts next.
    Next,
}

impl Moved {
    /// The task that stands after the event.
    ///
    /// # Errors
    /// Any [`Refusal`]: the event contradicts itself.
    pub fn task(&self) -> Result<Task, Refusal> {
        let desk = match (self.waits_for, self.stage.finished()) {
            (None, true) => None,
            (None, false) => return Err(Refusal::WaitsForNobody),
            (Some(_), true) => return Err(Refusal::FinalStageWaits),
            (Some(tier), false) => {
                Some(desk_of(tier, self.operator_id, &self.county, &self.prefecture, self.work_order_id)?)
            }
        };
        Ok(Task {
            subject: Subject::Application(self.application_id),
            application_no: self.application_no.clone(),
            stage: self.stage.code(),
            desk,
            county: self.county.clone(),
            prefecture: self.prefecture.clone(),
            operator_id: self.operator_id,
            station_id: Some(self.station_id),
            work_order_id: self.work_order_id,
            round_id: self.round_id,
            assignee_id: self.assignee_id,
            version: self.version,
            since: self.since,
            clock: self.clock,
            awaited: self.awaited.clone(),
        })
    }

    /// The order whose spot check it belongs to from now on: drawn anew, or back in an order that is frozen already.
    ///
    /// Who is drawn at the freeze is named by the order's own event. Source: workflow T16, T24.
    pub fn drawn_into(&self) -> Option<Uuid> {
        let drawn = match (self.fact, self.stage) {
            (Some(Fact::EnteredSample), _) | (Some(Fact::ExpertsPassed), Stage::ProvincialReview) => true,
            (Some(_) | None, _) => false,
        };
        self.work_order_id.filter(|_| drawn)
    }

    /// The desks that get a message, each once.
    pub fn told(&self, task: &Task) -> Vec<(Desk, Fact, Audience)> {
        let Some(fact) = self.fact else { return Vec::new() };
        if fact.about_time() {
            return self.told_in_time(fact, task).into_iter().collect();
        }
        let (applicant, next) = fact.told();
        let own = Desk::Operator(self.operator_id);
        let mut told = Vec::new();
        if next && let Some(desk) = task.desk.as_ref().filter(|desk| **desk != own) {
            told.push((desk.clone(), fact, Audience::Next));
        }
        if applicant {
            told.push((own, fact, Audience::Applicant));
        }
        told
    }

    /// The desk that is waited for, or the one above it.
    fn told_in_time(&self, fact: Fact, task: &Task) -> Option<(Desk, Fact, Audience)> {
        let above = self.escalated_to.filter(|_| fact == Fact::DeadlineEscalated);
        let desk = match above {
            // A tier above is never the panel, which alone could be without a desk.
            Some(tier) => {
                desk_of(tier, self.operator_id, &self.county, &self.prefecture, self.work_order_id).ok()?
            }
            None => task.desk.clone()?,
        };
        let own = desk == Desk::Operator(self.operator_id);
        Some((desk, fact, if own { Audience::Applicant } else { Audience::Next }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(fact: Fact, stage: Stage, waits_for: Option<Tier>) -> Moved {
        Moved {
            kind: String::new(),
            fact: Some(fact),
            version: 3,
            application_id: Uuid::from_u128(1),
            application_no: "HN2026-000001".into(),
            stage,
            waits_for,
            county: "410105".into(),
            prefecture: "410100".into(),
            operator_id: Uuid::from_u128(2),
            station_id: Uuid::from_u128(3),
            work_order_id: None,
            round_id: None,
            assignee_id: None,
            items: 0,
            since: OffsetDateTime::UNIX_EPOCH,
            clock: Clock::default(),
            escalated_to: None,
            awaited: None,
            by: None,
        }
    }

    #[test]
    fn a_final_stage_closes_the_task() {
        let task = moved(Fact::Approved, Stage::Approved, None).task().expect("consistent");
        assert!(!task.open());
        assert_eq!(task.desk_key(), "");
    }

    #[test]
    fn an_event_that_contradicts_itself_is_refused() {
        let nobody = moved(Fact::CountyPassed, Stage::PaperCheck, None).task();
        assert_eq!(nobody, Err(Refusal::WaitsForNobody));
        let done = moved(Fact::Approved, Stage::Approved, Some(Tier::Operator)).task();
        assert_eq!(done, Err(Refusal::FinalStageWaits));
        let outside = moved(Fact::SupplementSubmitted, Stage::ExpertReview, Some(Tier::Experts)).task();
        assert_eq!(outside, Err(Refusal::ExpertsWithoutWorkOrder));
    }

    #[test]
    fn nobody_is_told_twice_of_one_event() {
        let returned = moved(Fact::ProvinceReturned, Stage::SupplementDue, Some(Tier::Operator));
        let told = returned.told(&returned.task().expect("consistent"));
        assert_eq!(
            told,
            [(Desk::Operator(returned.operator_id), Fact::ProvinceReturned, Audience::Applicant)]
        );
        let submitted = moved(Fact::AcceptanceSubmitted, Stage::CountyReview, Some(Tier::County));
        let told = submitted.told(&submitted.task().expect("consistent"));
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].0, Desk::County("410105".into()));
    }

    #[test]
    fn a_warning_is_told_where_the_task_lies_and_an_escalation_one_tier_up() {
        let told = |moved: &Moved| moved.told(&moved.task().expect("consistent"));
        let near = moved(Fact::DeadlineNear, Stage::CountyReview, Some(Tier::County));
        assert_eq!(told(&near), [(Desk::County("410105".into()), Fact::DeadlineNear, Audience::Next)]);
        let mut up = moved(Fact::DeadlineEscalated, Stage::CountyReview, Some(Tier::County));
        up.escalated_to = Some(Tier::City);
        assert_eq!(told(&up), [(Desk::City("410100".into()), Fact::DeadlineEscalated, Audience::Next)]);
        let reminded = moved(Fact::Reminded, Stage::CountyReturned, Some(Tier::Operator));
        let own = Desk::Operator(reminded.operator_id);
        assert_eq!(told(&reminded), [(own, Fact::Reminded, Audience::Applicant)]);
    }
}
