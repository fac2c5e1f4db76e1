//! Who reads what of the audit log.

use super::roles::Role;

/// What a security administrator answers for: people, their roles and passwords, outside systems.
const SECURITY: [&str; 17] = [
    "create_official",
    "deactivate_user",
    "reissue_password",
    "unlock_user",
    "end_sessions",
    "add_member",
    "deactivate_member",
    "restore_member",
    "reissue_member_password",
    "end_member_sessions",
    "hand_over",
    "issue_client",
    "revoke_client",
    "reset_password",
    "enrol_second_factor",
    "remove_second_factor",
    "reset_second_factor",
];

/// The acts that somebody may read; none: every act.
///
/// Source: reliability section 10 (the security administrator reads the own domain, the audit administrator everything);
/// ui, section 3 (the platform's administrator has 操作日志).
pub fn readable(roles: &[String]) -> Option<&'static [&'static str]> {
    let all = [Role::AuditAdministrator, Role::Administrator];
    let reads_all = all.iter().any(|role| roles.iter().any(|name| name == role.name()));
    if reads_all { None } else { Some(&SECURITY) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_administrator_reads_everything_and_the_security_administrator_the_own_domain() {
        let of = |role: Role| readable(&[role.name().to_owned()]);
        assert!(of(Role::AuditAdministrator).is_none() && of(Role::Administrator).is_none());
        let own = of(Role::SecurityAdministrator).unwrap_or_default();
        assert!(own.contains(&"create_official") && !own.contains(&"sign_in"));
    }
}
