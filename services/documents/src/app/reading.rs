//! Who may read what: the operator its own, a reviewer what was sealed and lies in scope, services what they need.
//!
//! Reviewers are judged by what reviews says about the application, fetched before. Source: reliability section 10.

use chassis::{Caller, Failure, identity::Kind};
use proto::reviews::ApplicationFacts;
use uuid::Uuid;

use crate::domain::{
    Refusal, Slot,
    file::{Kept, Purpose},
};

/// Characters of a reason to open an identity paper.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 2..=200;

/// As whom somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The company that it belongs to.
    Owner,
    /// An official or expert.
    Reviewer,
    /// A service of the platform.
    Service,
}

/// Whether the caller belongs to this company (or, for licences, is it).
#[must_use]
pub fn owns(caller: &Caller, owner_id: Uuid) -> bool {
    caller.kind == Kind::Person && caller.operator_id == Some(owner_id)
}

/// Whether a reviewer may see an application: role, scope, and for experts the assignment.
#[must_use]
pub fn reviews(caller: &Caller, facts: &ApplicationFacts) -> bool {
    let tier = ["county", "city", "province", "administrator"].iter().any(|role| caller.has_role(role));
    let assigned = caller.has_role("expert") && facts.expert_ids.contains(&caller.subject);
    caller.kind == Kind::Person && (assigned || (tier && caller.covers(&facts.county, &facts.prefecture)))
}

/// Whether a reviewer may open what stands in this slot: experts no identity card, administrators licences only.
#[must_use]
pub fn opens(caller: &Caller, slot: Option<Slot>) -> bool {
    let official = ["county", "city", "province"].iter().any(|role| caller.has_role(role));
    slot != Some(Slot::M3b) || official
}

/// Checks the reason that a reviewer must give for identity papers and licences.
///
/// # Errors
/// `reason_required`.
pub fn check_reason(reader: Reader, file: &Kept, reason: &str) -> Result<(), Failure> {
    let sensitive = match file.declared.purpose {
        Purpose::Material { slot, .. } => slot.identity_paper(),
        Purpose::BusinessLicence => true,
        Purpose::Invoice => false,
    };
    let given = REASON_CHARS.contains(&reason.trim().chars().count());
    if reader == Reader::Reviewer && sensitive && !given {
        Err(Refusal::ReasonRequired.into())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: &str, scope: &str) -> Caller {
        let mut caller = Caller::anonymous();
        caller.kind = Kind::Person;
        caller.subject = "someone".into();
        caller.roles = vec![role.into()];
        caller.scope = vec![scope.into()];
        caller
    }

    fn facts() -> ApplicationFacts {
        ApplicationFacts {
            county: "410105".into(),
            prefecture: "410100".into(),
            expert_ids: vec!["someone".into()],
            ..ApplicationFacts::default()
        }
    }

    #[test]
    fn a_reviewer_sees_what_lies_in_scope_or_is_assigned() {
        let sees = |role, scope| reviews(&person(role, scope), &facts());
        assert!(sees("county", "410105"));
        assert!(!sees("county", "410102"));
        assert!(sees("city", "410100"));
        assert!(!sees("city", "410300"));
        assert!(sees("province", "410000"));
        assert!(sees("administrator", "410000"));
        assert!(sees("expert", ""));
        assert!(!sees("operator", "410000"));
        assert!(!sees("system_administrator", "410000"));
        let unassigned = ApplicationFacts { expert_ids: Vec::new(), ..facts() };
        assert!(!reviews(&person("expert", "410000"), &unassigned));
    }

    #[test]
    fn identity_cards_are_for_the_deciding_tiers() {
        assert!(!opens(&person("expert", ""), Some(Slot::M3b)));
        assert!(!opens(&person("administrator", ""), Some(Slot::M3b)));
        assert!(opens(&person("administrator", ""), Some(Slot::M3a)));
        assert!(opens(&person("city", ""), Some(Slot::M3b)));
        assert!(opens(&person("expert", ""), None));
    }
}
