//! The event types that can be subscribed to: service and event, as in the subjects of the broker.

use crate::domain::{account, application, work_order};

/// Type of a test delivery; nobody subscribes to it.
pub const TEST: &str = "yuchong.test";

/// A group of types: what one service announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Applications and work orders.
    Reviews,
    /// Operators' accounts.
    Accounts,
}

/// What a type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Every type of the group, also those of later versions.
    All(Group),
    /// An application moved.
    Application(application::Fact),
    /// A work order changed.
    WorkOrder(work_order::Fact),
    /// An account changed.
    Account(account::Fact),
}

/// Every type with its meaning, group by group.
pub fn types() -> Vec<(String, Group, Meaning)> {
    let reviews = |kind: &str, meaning| (format!("reviews.{kind}"), Group::Reviews, meaning);
    let accounts = |kind: &str, meaning| (format!("accounts.{kind}"), Group::Accounts, meaning);
    let mut all = vec![reviews("*", Meaning::All(Group::Reviews))];
    all.extend(application::Fact::ALL.map(|(fact, kind)| reviews(kind, Meaning::Application(fact))));
    all.extend(work_order::Fact::ALL.map(|(fact, kind)| reviews(kind, Meaning::WorkOrder(fact))));
    all.push(accounts("*", Meaning::All(Group::Accounts)));
    all.extend(account::Fact::ALL.map(|(fact, kind)| accounts(kind, Meaning::Account(fact))));
    all
}

/// The names under which an event of this type may have been subscribed to: its own, and that of its group.
pub fn wanted_as(event_type: &str) -> [String; 2] {
    let group = event_type.split_once('.').map_or(event_type, |(group, _)| group);
    [event_type.to_owned(), format!("{group}.*")]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_has_a_name_of_its_own_that_standard_webhooks_allows() {
        let names: Vec<_> = types().into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for name in &names {
            let fits = |part: &str| {
                part == "*" || part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            assert!(name.split('.').count() == 2 && name.split('.').all(fits), "{name}");
        }
    }

    #[test]
    fn an_event_is_wanted_by_its_name_or_by_its_group() {
        assert_eq!(wanted_as("reviews.approved"), ["reviews.approved", "reviews.*"]);
        assert_eq!(wanted_as("accounts.approved"), ["accounts.approved", "accounts.*"]);
    }
}
