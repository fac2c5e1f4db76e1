//! The services of the platform as the launcher knows them: names, who has a database, development ports.
//!
//! Owns: the list. Not: how they are started (`fleet`) or what they do (their own crates).
use std::fmt;

/// One of the services that the launcher starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Operators, users, sessions, signing keys.
    Accounts,
    /// Stations, connectors, interconnection, evidence.
    Stations,
    /// Files, dossiers, invoices.
    Documents,
    /// Rounds, applications, work orders, decisions.
    Reviews,
    /// Worklists and messages.
    Notifications,
    /// Pages for people; keeps nothing.
    Portal,
    /// T/CEC 102 with operators' systems; keeps nothing.
    Interconnect,
}

impl Service {
    /// All services, in the order in which they are printed; they start in any order.
    pub const ALL: [Service; 7] = [
        Service::Accounts,
        Service::Stations,
        Service::Documents,
        Service::Reviews,
        Service::Notifications,
        Service::Portal,
        Service::Interconnect,
    ];

    /// Those that own a database, answer gRPC and can be audited, in the order in which they are migrated.
    pub const WITH_DATABASE: [Service; 5] =
        [Service::Accounts, Service::Stations, Service::Documents, Service::Reviews, Service::Notifications];

    /// Names the service: crate, binary, database, database role and peer have this one name.
    pub const fn name(self) -> &'static str {
        match self {
            Service::Accounts => "accounts",
            Service::Stations => "stations",
            Service::Documents => "documents",
            Service::Reviews => "reviews",
            Service::Notifications => "notifications",
            Service::Portal => "portal",
            Service::Interconnect => "interconnect",
        }
    }

    /// Gives the port of its inlet in development: gRPC, or HTTP of the two edges. Source: architecture, "Two commands".
    pub const fn inlet_port(self) -> u16 {
        match self {
            Service::Accounts => 7101,
            Service::Stations => 7102,
            Service::Documents => 7103,
            Service::Reviews => 7104,
            Service::Notifications => 7105,
            Service::Portal => 8080,
            Service::Interconnect => 8081,
        }
    }

    /// Gives the port of health and metrics in development. Source: architecture, "Two commands".
    pub const fn admin_port(self) -> u16 {
        match self {
            Service::Portal => 9180,
            Service::Interconnect => 9181,
            Service::Accounts
            | Service::Stations
            | Service::Documents
            | Service::Reviews
            | Service::Notifications => self.inlet_port() + 2000,
        }
    }

    /// Gives the port at which callers from outside are answered in a cluster, where the service has something for them.
    pub const fn outside_port(self) -> Option<u16> {
        match self {
            Service::Accounts => Some(7111),
            Service::Stations => Some(7112),
            Service::Documents
            | Service::Reviews
            | Service::Notifications
            | Service::Portal
            | Service::Interconnect => None,
        }
    }

    /// Tells whether it owns a database; one that does not speaks HTTP to people or to operators' systems.
    pub fn has_database(self) -> bool {
        Service::WITH_DATABASE.contains(&self)
    }

    /// Names an environment variable of this service, e.g. `YUCHONG_ACCOUNTS__DATABASE__URL`.
    pub fn variable(self, key: &str) -> String {
        format!("YUCHONG_{}__{key}", self.name().to_uppercase())
    }

    /// Names the variable under which the compile-time checked SQL of this service finds its database.
    pub fn sql_variable(self) -> String {
        format!("{}_DATABASE_URL", self.name().to_uppercase())
    }
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_variables_follow_the_architecture() {
        let ports: Vec<_> =
            Service::ALL.iter().map(|service| (service.inlet_port(), service.admin_port())).collect();
        assert_eq!(
            ports,
            [
                (7101, 9101),
                (7102, 9102),
                (7103, 9103),
                (7104, 9104),
                (7105, 9105),
                (8080, 9180),
                (8081, 9181)
            ]
        );
        assert_eq!(Service::Reviews.variable("DATABASE__URL"), "YUCHONG_REVIEWS__DATABASE__URL");
        assert_eq!(Service::Documents.sql_variable(), "DOCUMENTS_DATABASE_URL");
    }
}
