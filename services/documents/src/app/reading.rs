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

/// Code of the whole province.
const PROVINCE: &str = "410000";

/// As whom somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The company that it belongs to.
    Owner,
    /// An official or expert.
    Reviewer(Sight),
    /// A service of the platform.
    Service,
}

/// What a reviewer sees of an application beside the materials that every reviewer sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Identity cards: the tiers that decide.
    pub identity_cards: bool,
    /// Invoices: everybody but administrators.
    pub invoices: bool,
}

impl Reader {
    /// Whether it may open what stands in this slot; `None` is the file of an invoice.
    #[must_use]
    pub fn opens(self, slot: Option<Slot>) -> bool {
        match self {
            Self::Owner | Self::Service => true,
            Self::Reviewer(sight) => match slot {
                None | Some(Slot::M9) => sight.invoices,
                Some(slot) => slot != Slot::M3b || sight.identity_cards,
            },
        }
    }

    /// Whether it sees invoices and their use.
    #[must_use]
    pub fn sees_invoices(self) -> bool {
        self.opens(Some(Slot::M9))
    }
}

/// The part of the province in which a caller's own roles read, before anybody asks reviews.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// All of it, or what an expert is assigned to.
    pub everywhere: bool,
    /// Codes of counties.
    pub counties: Vec<String>,
    /// Codes of prefectures.
    pub prefectures: Vec<String>,
}

impl Reach {
    /// Where the caller may find something that stands in this slot; `None` is the file of an invoice.
    #[must_use]
    pub fn of(caller: &Caller, slot: Option<Slot>) -> Self {
        let scope = |role| if caller.has_role(role) { caller.scope.clone() } else { Vec::new() };
        let anywhere = Sight { identity_cards: false, invoices: true };
        let expert = caller.has_role("expert") && Reader::Reviewer(anywhere).opens(slot);
        let overseen = Sight { identity_cards: false, invoices: false };
        let administrator = province_wide(caller, "administrator") && Reader::Reviewer(overseen).opens(slot);
        Self {
            everywhere: expert || administrator || province_wide(caller, "province"),
            counties: scope("county"),
            prefectures: scope("city"),
        }
    }
}

/// Whether the caller has a role for the whole province.
#[must_use]
pub fn province_wide(caller: &Caller, role: &str) -> bool {
    caller.has_role(role) && caller.scope.iter().any(|code| code == PROVINCE)
}

/// Whether one of the deciding tiers covers a county of a prefecture: a county or city role only by its own code,
/// whatever other role the person has.
#[must_use]
pub fn decides(caller: &Caller, county: &str, prefecture: &str) -> bool {
    let exactly = |role, code: &str| caller.has_role(role) && caller.scope.iter().any(|own| own == code);
    exactly("county", county) || exactly("city", prefecture) || province_wide(caller, "province")
}

/// Whether the caller belongs to this company (or, for licences, is it).
#[must_use]
pub fn owns(caller: &Caller, owner_id: Uuid) -> bool {
    caller.kind == Kind::Person && caller.operator_id == Some(owner_id)
}

/// As what a reviewer may see an application: by role and scope, and for experts by assignment; `None` where not at all.
#[must_use]
pub fn reviewer(caller: &Caller, facts: &ApplicationFacts) -> Option<Reader> {
    if caller.kind != Kind::Person {
        return None;
    }
    let decides = decides(caller, &facts.county, &facts.prefecture);
    let assigned = caller.has_role("expert") && facts.expert_ids.contains(&caller.subject);
    let sees = decides || assigned || province_wide(caller, "administrator");
    sees.then_some(Reader::Reviewer(Sight { identity_cards: decides, invoices: decides || assigned }))
}

/// Checks the reason that a reviewer must give for identity papers and licences.
///
/// # Errors
/// `control_characters`, `reason_required`.
pub fn check_reason(reader: Reader, file: &Kept, reason: &str) -> Result<(), Failure> {
    let sensitive = match file.declared.purpose {
        Purpose::Material { slot, .. } => slot.identity_paper(),
        Purpose::BusinessLicence => true,
        Purpose::Invoice => false,
    };
    if reason.chars().any(char::is_control) {
        return Err(Refusal::ControlCharacters("reason").into());
    }
    let given = REASON_CHARS.contains(&reason.trim().chars().count());
    if matches!(reader, Reader::Reviewer(_)) && sensitive && !given {
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

    fn both(roles: [&str; 2], scope: [&str; 2]) -> Caller {
        let mut caller = person("", "");
        caller.roles = roles.map(str::to_owned).to_vec();
        caller.scope = scope.map(str::to_owned).to_vec();
        caller
    }

    #[test]
    fn a_reviewer_sees_what_lies_in_scope_or_is_assigned() {
        let sees = |role, scope| reviewer(&person(role, scope), &facts()).is_some();
        assert!(sees("county", "410105"));
        assert!(!sees("county", "410102"));
        assert!(!sees("county", "410100"));
        assert!(sees("city", "410100"));
        assert!(!sees("city", "410300"));
        assert!(!sees("city", "410105"));
        assert!(sees("province", "410000"));
        assert!(sees("administrator", "410000"));
        assert!(sees("expert", ""));
        assert!(!sees("operator", "410000"));
        assert!(!sees("system_administrator", "410000"));
        let unassigned = ApplicationFacts { expert_ids: Vec::new(), ..facts() };
        assert!(reviewer(&person("expert", "410000"), &unassigned).is_none());
    }

    #[test]
    fn a_second_role_does_not_widen_the_first() {
        let unassigned = ApplicationFacts { expert_ids: Vec::new(), ..facts() };
        for role in ["county", "city"] {
            assert_eq!(reviewer(&both([role, "expert"], ["410300", "410000"]), &unassigned), None);
            assert_eq!(reviewer(&person(role, "410000"), &unassigned), None);
        }
        let elsewhere = reviewer(&both(["county", "administrator"], ["410102", "410000"]), &unassigned);
        assert!(elsewhere.is_some_and(|reader| !reader.opens(Some(Slot::M3b)) && !reader.sees_invoices()));
    }

    #[test]
    fn identity_cards_are_for_the_deciding_tiers_and_invoices_not_for_administrators() {
        let opens = |role, scope, slot| {
            reviewer(&person(role, scope), &facts()).is_some_and(|reader| reader.opens(slot))
        };
        let slots = [Some(Slot::M3b), Some(Slot::M3a), Some(Slot::M9), None];
        for (role, scope, expected) in [
            ("expert", "", [false, true, true, true]),
            ("administrator", "410000", [false, true, false, false]),
            ("city", "410100", [true; 4]),
            ("county", "410105", [true; 4]),
            ("province", "410000", [true; 4]),
        ] {
            assert_eq!(slots.map(|slot| opens(role, scope, slot)), expected, "{role}");
            let reach = slots.map(|slot| Reach::of(&person(role, scope), slot) != Reach::default());
            assert_eq!(reach, expected, "{role}");
        }
    }
}
