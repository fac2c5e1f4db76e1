//! The nodes of the review and the parties that they wait for.
//!
//! Source: workflow, Nodes. The names shown to people live in `labels.rs`.

/// Where an application stands. Source: workflow, Nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// 草稿
    Draft,
    /// 县级审核
    CountyReview,
    /// 县级审核未通过
    CountyReturned,
    /// 验收申请审核通过（待线下初审）
    PaperCheck,
    /// 待提交初审资料
    MaterialsDue,
    /// 市级审核
    CityReview,
    /// 市级退回
    CityReturned,
    /// 待发起联合审核
    AwaitingJointReview,
    /// 专家组审核
    ExpertReview,
    /// 待补充材料
    SupplementDue,
    /// 专家组审核通过
    AwaitingProvince,
    /// 省级厅委审核（抽查复核）
    ProvincialReview,
    /// 审核通过
    Approved,
    /// 已删除
    Deleted,
    /// 已终止
    Terminated,
}

/// Who is responsible next; also the tier in the subject of an event. Source: workflow, Events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The applying company.
    Operator,
    /// The county authority of the station.
    County,
    /// The city authority of the station.
    City,
    /// Provincial platform staff.
    Administrator,
    /// The expert panel of the work order.
    Experts,
    /// The provincial departments of the round.
    Departments,
}

/// The role in which a person acts. Source: workflow, Transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// OP
    Operator,
    /// CO
    County,
    /// CI
    City,
    /// AD
    Administrator,
    /// EX
    Expert,
    /// PR
    Province,
    /// SYS: nobody's role, no token can hold it
    Timer,
}

impl Stage {
    /// Every node, in the order of the workflow.
    pub const ALL: [Stage; 15] = [
        Stage::Draft,
        Stage::CountyReview,
        Stage::CountyReturned,
        Stage::PaperCheck,
        Stage::MaterialsDue,
        Stage::CityReview,
        Stage::CityReturned,
        Stage::AwaitingJointReview,
        Stage::ExpertReview,
        Stage::SupplementDue,
        Stage::AwaitingProvince,
        Stage::ProvincialReview,
        Stage::Approved,
        Stage::Deleted,
        Stage::Terminated,
    ];

    /// The stable id on the wire, in the database and in events.
    pub fn id(self) -> &'static str {
        match self {
            Stage::Draft => "Draft",
            Stage::CountyReview => "CountyReview",
            Stage::CountyReturned => "CountyReturned",
            Stage::PaperCheck => "PaperCheck",
            Stage::MaterialsDue => "MaterialsDue",
            Stage::CityReview => "CityReview",
            Stage::CityReturned => "CityReturned",
            Stage::AwaitingJointReview => "AwaitingJointReview",
            Stage::ExpertReview => "ExpertReview",
            Stage::SupplementDue => "SupplementDue",
            Stage::AwaitingProvince => "AwaitingProvince",
            Stage::ProvincialReview => "ProvincialReview",
            Stage::Approved => "Approved",
            Stage::Deleted => "Deleted",
            Stage::Terminated => "Terminated",
        }
    }

    /// Finds the node of a stable id.
    pub fn parse(id: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.id() == id)
    }

    /// Who the node waits for; nobody at a final node. Source: workflow, Nodes; invariant 1.
    pub fn waits_for(self) -> Option<Party> {
        match self {
            Stage::Draft
            | Stage::CountyReturned
            | Stage::MaterialsDue
            | Stage::CityReturned
            | Stage::SupplementDue => Some(Party::Operator),
            Stage::CountyReview | Stage::PaperCheck => Some(Party::County),
            Stage::CityReview => Some(Party::City),
            Stage::AwaitingJointReview | Stage::AwaitingProvince => Some(Party::Administrator),
            Stage::ExpertReview => Some(Party::Experts),
            Stage::ProvincialReview => Some(Party::Departments),
            Stage::Approved | Stage::Deleted | Stage::Terminated => None,
        }
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        self.waits_for().is_none()
    }

    /// Whether the operator may change something. Source: invariant 2.
    pub fn editable(self) -> bool {
        self.waits_for() == Some(Party::Operator)
    }

    /// Whether it waits for the answer to a return.
    pub fn returned(self) -> bool {
        matches!(self, Stage::CountyReturned | Stage::CityReturned | Stage::SupplementDue)
    }

    /// The tier above: reminds the party that is waited for (T26), and hears when its time is long up (T27).
    ///
    /// Over a company stands the tier that sent the work back to it; over experts and departments the administrator who
    /// convenes them, over the administrator the departments. Nobody reminds of a draft or of an end. Source: ours; the
    /// workflow says "tier above".
    pub fn above(self) -> Option<Party> {
        match self {
            Stage::CountyReturned | Stage::MaterialsDue => Some(Party::County),
            Stage::CountyReview | Stage::PaperCheck | Stage::CityReturned => Some(Party::City),
            Stage::CityReview | Stage::ExpertReview | Stage::SupplementDue | Stage::ProvincialReview => {
                Some(Party::Administrator)
            }
            Stage::AwaitingJointReview | Stage::AwaitingProvince => Some(Party::Departments),
            Stage::Draft | Stage::Approved | Stage::Deleted | Stage::Terminated => None,
        }
    }

    /// Whether a clock runs at the node. Source: workflow, Nodes.
    pub fn clock_runs(self) -> bool {
        self.waits_for().is_some_and(|party| party != Party::Operator)
    }
}

impl Party {
    /// Every party.
    pub const ALL: [Party; 6] = [
        Party::Operator,
        Party::County,
        Party::City,
        Party::Administrator,
        Party::Experts,
        Party::Departments,
    ];

    /// The stable id in subjects and in `waits_for`.
    pub fn id(self) -> &'static str {
        match self {
            Party::Operator => "operator",
            Party::County => "county",
            Party::City => "city",
            Party::Administrator => "administrator",
            Party::Experts => "experts",
            Party::Departments => "departments",
        }
    }

    /// Finds the party of a stable id.
    pub fn parse(id: &str) -> Option<Party> {
        Party::ALL.into_iter().find(|party| party.id() == id)
    }

    /// The nodes that wait for this party.
    pub fn stages(self) -> Vec<Stage> {
        Stage::ALL.into_iter().filter(|stage| stage.waits_for() == Some(self)).collect()
    }
}

impl Actor {
    /// Every actor.
    pub const ALL: [Actor; 7] = [
        Actor::Operator,
        Actor::County,
        Actor::City,
        Actor::Administrator,
        Actor::Expert,
        Actor::Province,
        Actor::Timer,
    ];

    /// The role in a caller token.
    pub fn role(self) -> &'static str {
        match self {
            Actor::Operator => "operator",
            Actor::County => "county",
            Actor::City => "city",
            Actor::Administrator => "administrator",
            Actor::Expert => "expert",
            Actor::Province => "province",
            Actor::Timer => "timer",
        }
    }

    /// Finds the actor of a role.
    pub fn parse(role: &str) -> Option<Actor> {
        Actor::ALL.into_iter().find(|actor| actor.role() == role)
    }

    /// Finds the actor of a person's role; nobody is the timer.
    pub fn of_person(role: &str) -> Option<Actor> {
        Actor::parse(role).filter(|actor| *actor != Actor::Timer)
    }

    /// The party that the actor belongs to; the timer belongs to none.
    pub fn party(self) -> Option<Party> {
        match self {
            Actor::Operator => Some(Party::Operator),
            Actor::County => Some(Party::County),
            Actor::City => Some(Party::City),
            Actor::Administrator => Some(Party::Administrator),
            Actor::Expert => Some(Party::Experts),
            Actor::Province => Some(Party::Departments),
            Actor::Timer => None,
        }
    }
}
