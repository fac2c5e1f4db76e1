//! What has happened: the past tense of each transition, and the name under which the world hears of it.
//!
//! Subjects and messages are made in `publish.rs`.

/// A committed step of one application. Source: workflow, Transitions, column event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// T01
    Drafted,
    /// T02
    AcceptanceSubmitted,
    /// T03
    AcceptanceWithdrawn,
    /// T04
    CountyPassed,
    /// T05
    CountyReturned,
    /// T06
    PaperCheckPassed,
    /// T07
    PaperCheckIncomplete,
    /// T08
    CountyRevoked,
    /// T09
    MaterialsSubmitted,
    /// T10
    MaterialsWithdrawn,
    /// T11
    CityPassed,
    /// T12
    CityReturned,
    /// T13
    CityPassRetracted,
    /// T14, per member
    EnteredJointReview,
    /// T15
    ExpertOpined,
    /// T15, of a declaration of interest
    InterestHeeded,
    /// T16
    ExpertsPassed,
    /// T17
    SupplementRequested,
    /// T18
    SupplementSubmitted,
    /// T19
    CarriedOver,
    /// T20, per member
    EnteredProvincialReview,
    /// T21
    DepartmentOpined,
    /// T22
    Approved,
    /// T23
    ProvinceReturned,
    /// T24, per member drawn anew
    EnteredSample,
    /// T25
    Deleted,
    /// T25
    Terminated,
    /// T26
    DeadlineExtended,
    /// T26
    Reminded,
    /// T26
    Reassigned,
    /// T27
    DeadlineNear,
    /// T27
    DeadlineOverdue,
    /// T27
    DeadlineEscalated,
}

impl Fact {
    /// The event's stable name: the last part of its subject.
    pub fn id(self) -> &'static str {
        match self {
            Fact::Drafted => "drafted",
            Fact::AcceptanceSubmitted => "acceptance_submitted",
            Fact::AcceptanceWithdrawn => "acceptance_withdrawn",
            Fact::CountyPassed => "county_passed",
            Fact::CountyReturned => "county_returned",
            Fact::PaperCheckPassed => "paper_check_passed",
            Fact::PaperCheckIncomplete => "paper_check_incomplete",
            Fact::CountyRevoked => "county_revoked",
            Fact::MaterialsSubmitted => "materials_submitted",
            Fact::MaterialsWithdrawn => "materials_withdrawn",
            Fact::CityPassed => "city_passed",
            Fact::CityReturned => "city_returned",
            Fact::CityPassRetracted => "city_pass_retracted",
            Fact::EnteredJointReview => "entered_joint_review",
            Fact::ExpertOpined => "expert_opined",
            Fact::InterestHeeded => "interest_heeded",
            Fact::ExpertsPassed => "experts_passed",
            Fact::SupplementRequested => "supplement_requested",
            Fact::SupplementSubmitted => "supplement_submitted",
            Fact::CarriedOver => "carried_over",
            Fact::EnteredProvincialReview => "entered_provincial_review",
            Fact::DepartmentOpined => "department_opined",
            Fact::Approved => "approved",
            Fact::ProvinceReturned => "province_returned",
            Fact::EnteredSample => "entered_sample",
            Fact::Deleted => "deleted",
            Fact::Terminated => "terminated",
            Fact::DeadlineExtended => "deadline_extended",
            Fact::Reminded => "reminded",
            Fact::Reassigned => "reassigned",
            Fact::DeadlineNear => "deadline_near",
            Fact::DeadlineOverdue => "deadline_overdue",
            Fact::DeadlineEscalated => "deadline_escalated",
        }
    }

    /// Whether it leaves the matter as it is: who saw the application before may still act on what was seen.
    pub fn quiet(self) -> bool {
        match self {
            Fact::InterestHeeded
            | Fact::DeadlineExtended
            | Fact::Reminded
            | Fact::Reassigned
            | Fact::DeadlineNear
            | Fact::DeadlineOverdue
            | Fact::DeadlineEscalated => true,
            Fact::Drafted
            | Fact::AcceptanceSubmitted
            | Fact::AcceptanceWithdrawn
            | Fact::CountyPassed
            | Fact::CountyReturned
            | Fact::PaperCheckPassed
            | Fact::PaperCheckIncomplete
            | Fact::CountyRevoked
            | Fact::MaterialsSubmitted
            | Fact::MaterialsWithdrawn
            | Fact::CityPassed
            | Fact::CityReturned
            | Fact::CityPassRetracted
            | Fact::EnteredJointReview
            | Fact::ExpertOpined
            | Fact::ExpertsPassed
            | Fact::SupplementRequested
            | Fact::SupplementSubmitted
            | Fact::CarriedOver
            | Fact::EnteredProvincialReview
            | Fact::DepartmentOpined
            | Fact::Approved
            | Fact::ProvinceReturned
            | Fact::EnteredSample
            | Fact::Deleted
            | Fact::Terminated => false,
        }
    }
}

/// A committed step of a whole work order. Source: T14, T20, T24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderFact {
    /// T14
    JointReviewLaunched,
    /// T20
    OrderFrozen,
    /// T24
    SampleWidened,
}

impl OrderFact {
    /// The event's stable name.
    pub fn id(self) -> &'static str {
        match self {
            OrderFact::JointReviewLaunched => "joint_review_launched",
            OrderFact::OrderFrozen => "order_frozen",
            OrderFact::SampleWidened => "sample_widened",
        }
    }

    /// The transition that it follows from.
    pub fn transition(self) -> &'static str {
        match self {
            OrderFact::JointReviewLaunched => "T14",
            OrderFact::OrderFrozen => "T20",
            OrderFact::SampleWidened => "T24",
        }
    }
}
