//! How long sessions live, and which credential may open one.

use time::{Duration, OffsetDateTime};

use super::roles::Role;

/// How a session was proved: by the password alone. Kept with every decision that is made in it.
pub const PASSWORD: &str = "password";
/// The same, by the password and a code that the second factor counted.
pub const PASSWORD_AND_TOTP: &str = "password+totp";

/// Lifetimes; from settings.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Idle time until a session ends.
    pub idle: Duration,
    /// The same for administrators.
    pub idle_administrator: Duration,
    /// Longest life of a session.
    pub max: Duration,
}

impl Lifetimes {
    /// The idle time of somebody with these roles. Source: reliability section 11.
    pub fn idle_of(self, roles: &[Role]) -> Duration {
        if roles.iter().any(|role| role.short_idle()) { self.idle_administrator } else { self.idle }
    }

    /// When a session last used at `seen_at` ends, unless it is used again.
    pub fn ends_at(
        self,
        roles: &[Role],
        started_at: OffsetDateTime,
        seen_at: OffsetDateTime,
    ) -> OffsetDateTime {
        (seen_at + self.idle_of(roles)).min(started_at + self.max)
    }
}

/// State of a password credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialState {
    /// A password that its owner chose.
    Normal,
    /// A one-time initial password: it buys an activation ticket, nothing else.
    OneTime,
    /// Unusable.
    Locked,
}

impl CredentialState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Normal, Self::OneTime, Self::Locked];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::OneTime => "one_time",
            Self::Locked => "locked",
        }
    }

    /// The state by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_idles_out_and_never_outlives_eight_hours() {
        let lifetimes = Lifetimes {
            idle: Duration::minutes(30),
            idle_administrator: Duration::minutes(15),
            max: Duration::hours(8),
        };
        let start = OffsetDateTime::UNIX_EPOCH;
        let ends = |roles: &[Role], seen| lifetimes.ends_at(roles, start, seen) - start;
        assert_eq!(ends(&[Role::County], start), Duration::minutes(30));
        assert_eq!(ends(&[Role::Administrator], start), Duration::minutes(15));
        assert_eq!(ends(&[Role::AuditAdministrator], start), Duration::minutes(15));
        assert_eq!(ends(&[Role::Operator], start + Duration::minutes(470)), Duration::hours(8));
    }
}
