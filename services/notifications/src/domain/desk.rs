//! Desks: where a task or a message lies, and which desks a person sits at.
//!
//! One key decides visibility everywhere: a row carries the key of its desk, a viewer has the keys of his desks.

use uuid::Uuid;

use super::tier::Tier;

/// A place where work lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Desk {
    /// The company that applied.
    Operator(Uuid),
    /// A county's authority, by division code.
    County(String),
    /// A prefecture's authority, by division code.
    City(String),
    /// Provincial platform staff.
    Administrator,
    /// The panel of one work order.
    Experts(Uuid),
    /// The provincial departments.
    Departments,
}

impl Desk {
    /// The text that stands in rows; the migration's `worklist_desk` repeats it.
    pub fn key(&self) -> String {
        match self {
            Desk::Operator(id) => format!("{}:{id}", Tier::Operator.code()),
            Desk::County(code) => format!("{}:{code}", Tier::County.code()),
            Desk::City(code) => format!("{}:{code}", Tier::City.code()),
            Desk::Administrator => Tier::Administrator.code().to_owned(),
            Desk::Experts(order) => format!("{}:{order}", Tier::Experts.code()),
            Desk::Departments => Tier::Departments.code().to_owned(),
        }
    }
}

/// A role that sits at desks. Others (system, security, audit administrators, machines) sit at none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Acts for a company.
    Operator,
    /// Acts for a county.
    County,
    /// Acts for a prefecture.
    City,
    /// Provincial platform staff.
    Administrator,
    /// Member of panels.
    Expert,
    /// Acts for a provincial department.
    Province,
}

impl Role {
    /// Reads the role of a caller token; `None` for a role without a desk.
    pub fn parse(code: &str) -> Option<Role> {
        match code {
            "operator" => Some(Role::Operator),
            "county" => Some(Role::County),
            "city" => Some(Role::City),
            "administrator" => Some(Role::Administrator),
            "expert" => Some(Role::Expert),
            "province" => Some(Role::Province),
            _ => None,
        }
    }
}

/// A person with the desks that he sits at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The user; read marks are kept under it.
    pub user_id: Uuid,
    /// Keys of the desks that follow from role and scope.
    pub desks: Vec<String>,
    /// Set for an expert: the desks of the work orders whose panel names this user come in addition.
    pub expert_id: Option<Uuid>,
    /// What the person is called where a desk waits for single voices: an expert by user id, a department by code.
    pub voices: Vec<String>,
}

impl Viewer {
    /// Role × scope × relation. Source: reliability section 10; R8, R9 (no scope, no desk).
    pub fn new(
        user_id: Uuid,
        roles: &[Role],
        scope: &[String],
        operator_id: Option<Uuid>,
        department: &str,
    ) -> Viewer {
        let mut desks = Vec::new();
        let mut expert_id = None;
        let mut voices = Vec::new();
        for role in roles {
            match role {
                Role::Operator => desks.extend(operator_id.map(Desk::Operator)),
                Role::County => desks.extend(scope.iter().cloned().map(Desk::County)),
                Role::City => desks.extend(scope.iter().cloned().map(Desk::City)),
                Role::Administrator if !scope.is_empty() => desks.push(Desk::Administrator),
                Role::Province if !scope.is_empty() => {
                    desks.push(Desk::Departments);
                    voices.push(department.to_owned());
                }
                Role::Administrator | Role::Province => {}
                Role::Expert => {
                    expert_id = Some(user_id);
                    voices.push(user_id.to_string());
                }
            }
        }
        let mut desks: Vec<String> = desks.iter().map(Desk::key).collect();
        desks.sort();
        desks.dedup();
        Viewer { user_id, desks, expert_id, voices }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(role: Role, scope: &[&str], operator_id: Option<Uuid>) -> Viewer {
        let scope: Vec<String> = scope.iter().map(|code| (*code).to_owned()).collect();
        Viewer::new(Uuid::from_u128(7), &[role], &scope, operator_id, "fgw")
    }

    #[test]
    fn an_operator_sits_at_its_own_companys_desk_only() {
        let company = Uuid::from_u128(1);
        assert_eq!(viewer(Role::Operator, &[], Some(company)).desks, [format!("operator:{company}")]);
        assert!(viewer(Role::Operator, &["410105"], None).desks.is_empty());
    }

    #[test]
    fn in_jiyuan_the_county_and_the_city_desk_differ() {
        assert_eq!(viewer(Role::County, &["419001"], None).desks, ["county:419001"]);
        assert_eq!(viewer(Role::City, &["419001"], None).desks, ["city:419001"]);
    }

    #[test]
    fn without_scope_there_is_no_desk() {
        for role in [Role::County, Role::City, Role::Administrator, Role::Province] {
            assert!(viewer(role, &[], None).desks.is_empty(), "{role:?}");
        }
    }

    #[test]
    fn an_experts_desks_come_from_the_panels() {
        let expert = viewer(Role::Expert, &["410000"], None);
        assert!(expert.desks.is_empty());
        assert_eq!(expert.expert_id, Some(expert.user_id));
        assert_eq!(expert.voices, [expert.user_id.to_string()]);
        assert_eq!(viewer(Role::Province, &["410000"], None).voices, ["fgw"]);
    }
}
