//! What somebody may be, by the codes of a caller token.

/// What somebody may be. Source: workflow, Words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An operator's user whose company is approved.
    Operator,
    /// An operator's user before that: own profile only.
    OperatorApplicant,
    /// 县级主管部门.
    County,
    /// 市级主管部门.
    City,
    /// 平台管理员.
    Administrator,
    /// 专家.
    Expert,
    /// 省级厅委.
    Province,
    /// 系统管理员.
    SystemAdministrator,
    /// 安全管理员.
    SecurityAdministrator,
    /// 审计管理员.
    AuditAdministrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 10] = [
        Role::Operator,
        Role::OperatorApplicant,
        Role::County,
        Role::City,
        Role::Administrator,
        Role::Expert,
        Role::Province,
        Role::SystemAdministrator,
        Role::SecurityAdministrator,
        Role::AuditAdministrator,
    ];
    /// Everybody with a part in the review but the operator.
    pub const REVIEWERS: [Role; 5] =
        [Role::County, Role::City, Role::Administrator, Role::Expert, Role::Province];

    /// The code in a caller token.
    pub fn code(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::OperatorApplicant => "operator_applicant",
            Role::County => "county",
            Role::City => "city",
            Role::Administrator => "administrator",
            Role::Expert => "expert",
            Role::Province => "province",
            Role::SystemAdministrator => "system_administrator",
            Role::SecurityAdministrator => "security_administrator",
            Role::AuditAdministrator => "audit_administrator",
        }
    }

    /// The party on whose desk its tasks lie; empty where it has none.
    pub fn party(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::County => "county",
            Role::City => "city",
            Role::Administrator => "administrator",
            Role::Expert => "experts",
            Role::Province => "departments",
            Role::OperatorApplicant
            | Role::SystemAdministrator
            | Role::SecurityAdministrator
            | Role::AuditAdministrator => "",
        }
    }
}
