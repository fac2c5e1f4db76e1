//! Roles: what they are called, which exclude each other, which scope each needs. Who may call what is in `rpc/access.rs`.

use super::{
    division::{Catalogue, Level},
    refusal::{Field, Refusal},
};

/// What a person or machine may be. The names are those in caller tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A user of an operator in good standing.
    Operator,
    /// A user of an operator whose registration has not been approved: reaches its own profile only.
    OperatorApplicant,
    /// County authority.
    County,
    /// City authority.
    City,
    /// Provincial platform staff.
    Administrator,
    /// Member of expert panels.
    Expert,
    /// Provincial department.
    Province,
    /// Keys, unlocking, sessions.
    SystemAdministrator,
    /// Roles and policy.
    SecurityAdministrator,
    /// Reads the audit.
    AuditAdministrator,
    /// A machine that delivers an operator's data.
    Ingest,
}

/// Roles of officials, in the order in which they are shown.
pub const OFFICIAL: [Role; 8] = [
    Role::County,
    Role::City,
    Role::Administrator,
    Role::Expert,
    Role::Province,
    Role::SystemAdministrator,
    Role::SecurityAdministrator,
    Role::AuditAdministrator,
];

impl Role {
    /// The name in caller tokens and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::OperatorApplicant => "operator_applicant",
            Self::County => "county",
            Self::City => "city",
            Self::Administrator => "administrator",
            Self::Expert => "expert",
            Self::Province => "province",
            Self::SystemAdministrator => "system_administrator",
            Self::SecurityAdministrator => "security_administrator",
            Self::AuditAdministrator => "audit_administrator",
            Self::Ingest => "ingest",
        }
    }

    /// The role of an official by its name.
    pub fn official(name: &str) -> Option<Self> {
        OFFICIAL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this is one of the three administrators that exclude each other and every business role.
    ///
    /// Source: reliability section 10, conflict rules.
    pub fn separated(self) -> bool {
        match self {
            Self::SystemAdministrator | Self::SecurityAdministrator | Self::AuditAdministrator => true,
            Self::Operator
            | Self::OperatorApplicant
            | Self::County
            | Self::City
            | Self::Administrator
            | Self::Expert
            | Self::Province
            | Self::Ingest => false,
        }
    }

    /// Whether its sessions idle out after the shorter time. Source: reliability section 11 (administrators 15 min).
    pub fn short_idle(self) -> bool {
        self.separated() || self == Self::Administrator
    }
}

/// Parses and checks the roles of one official: known, at least one, none excluding another.
///
/// Errors: [`Refusal::Missing`], [`Refusal::UnknownValue`], [`Refusal::RolesExclude`]. Source: reliability section 10.
pub fn officials_roles(names: &[String]) -> Result<Vec<Role>, Refusal> {
    let mut roles = Vec::with_capacity(names.len());
    for name in names {
        let role = Role::official(name.trim()).ok_or(Refusal::UnknownValue(Field::Roles))?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles.sort();
    if roles.is_empty() {
        return Err(Refusal::Missing(Field::Roles));
    }
    if let Some(alone) = roles.iter().copied().find(|role| role.separated())
        && let Some(other) = roles.iter().copied().find(|role| *role != alone)
    {
        return Err(Refusal::RolesExclude(alone, other));
    }
    Ok(roles)
}

/// Checks the divisions that an official acts for; a province-wide role without any gets the province.
///
/// Errors: [`Refusal::UnknownValue`] for a code not in force, [`Refusal::Missing`], [`Refusal::ScopeMismatch`].
pub fn officials_scope(
    roles: &[Role],
    codes: &[String],
    catalogue: &Catalogue,
) -> Result<Vec<String>, Refusal> {
    let mut scope: Vec<String> = codes.iter().map(|code| code.trim().to_owned()).collect();
    if scope.is_empty() && roles.iter().all(|role| wants(*role) == Wants::Province) {
        scope.push(catalogue.province().to_owned());
    }
    scope.sort();
    scope.dedup();
    if scope.is_empty() {
        return Err(Refusal::Missing(Field::Scope));
    }
    let mut divisions = Vec::with_capacity(scope.len());
    for code in &scope {
        divisions.push(catalogue.find(code).ok_or(Refusal::UnknownValue(Field::Scope))?);
    }
    for role in roles {
        let fits = divisions.iter().any(|division| match wants(*role) {
            Wants::County => division.level == Level::County,
            Wants::City => division.code == division.city_code,
            Wants::Province => division.level == Level::Province,
        });
        if !fits {
            return Err(Refusal::ScopeMismatch(*role));
        }
    }
    Ok(scope)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    County,
    City,
    Province,
}

fn wants(role: Role) -> Wants {
    match role {
        Role::County => Wants::County,
        Role::City => Wants::City,
        Role::Operator
        | Role::OperatorApplicant
        | Role::Administrator
        | Role::Expert
        | Role::Province
        | Role::SystemAdministrator
        | Role::SecurityAdministrator
        | Role::AuditAdministrator
        | Role::Ingest => Wants::Province,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(roles: &[Role]) -> Vec<String> {
        roles.iter().map(|role| role.name().to_owned()).collect()
    }

    #[test]
    fn the_three_administrators_exclude_each_other_and_every_business_role() {
        for alone in OFFICIAL.into_iter().filter(|role| role.separated()) {
            assert_eq!(officials_roles(&names(&[alone])), Ok(vec![alone]));
            for other in OFFICIAL.into_iter().filter(|role| *role != alone) {
                assert!(matches!(officials_roles(&names(&[alone, other])), Err(Refusal::RolesExclude(..))));
            }
        }
    }

    #[test]
    fn an_operator_role_cannot_be_given_to_an_official() {
        assert_eq!(officials_roles(&names(&[Role::Operator])), Err(Refusal::UnknownValue(Field::Roles)));
    }

    #[test]
    fn jiyuan_is_a_county_and_a_city() {
        let catalogue = Catalogue::sample();
        let scope = |role, code: &str| officials_scope(&[role], &[code.to_owned()], &catalogue);
        assert_eq!(scope(Role::County, "419001"), Ok(vec!["419001".to_owned()]));
        assert_eq!(scope(Role::City, "419001"), Ok(vec!["419001".to_owned()]));
        assert_eq!(scope(Role::City, "410105"), Err(Refusal::ScopeMismatch(Role::City)));
        assert_eq!(scope(Role::County, "410100"), Err(Refusal::ScopeMismatch(Role::County)));
        assert_eq!(scope(Role::Administrator, "410100"), Err(Refusal::ScopeMismatch(Role::Administrator)));
        assert_eq!(officials_scope(&[Role::Expert], &[], &catalogue), Ok(vec!["410000".to_owned()]));
    }
}
