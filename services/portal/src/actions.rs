//! What may be done with an application, as reviews answers it: buttons, or the reason and who can unblock it.
//!
//! The table says where a command is carried out and what its button is called. Whether it is allowed stands in the answer of
//! `AllowedActions` only.

use proto::reviews::AllowedAction;

use crate::{
    labels,
    roles::Role::{self, Administrator, City, County, Expert, Operator, Province},
    visitor::Visitor,
};

/// How a button carries out its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A page of its own, by path; `{id}` stands for the application.
    Page(&'static str),
    /// A form that posts version and request id to the path; the words ask before.
    Post(&'static str, &'static str),
    /// A form on the page that shows the application.
    Here(&'static str),
}

/// One row: a command as one role carries it out.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Stable id of the command.
    pub command: &'static str,
    /// Whose it is.
    pub role: Role,
    /// The button.
    pub label: &'static str,
    /// How.
    pub way: Way,
}

/// The form of the decision, on the page of a review.
const DECISION: &str = "#decision-form";

const fn row(command: &'static str, role: Role, label: &'static str, way: Way) -> Row {
    Row { command, role, label, way }
}

/// The table; the first allowed action of a role is the page's main button.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row("SubmitAcceptance", Operator, "填写并提交验收申请", Way::Page("/subsidy/applications/{id}/edit")),
    row("SubmitMaterials", Operator, "初审资料提交", Way::Page("/subsidy/dossiers/{id}")),
    row("SubmitSupplement", Operator, "补充材料", Way::Page("/subsidy/dossiers/{id}")),
    row("Withdraw", Operator, "撤回修改", Way::Page("/subsidy/applications/{id}/withdraw")),
    row("Delete", Operator, "删除", Way::Page("/subsidy/applications/{id}/delete")),
    row("Terminate", Operator, "终止", Way::Page("/subsidy/applications/{id}/terminate")),
    row("Pass", County, "通过", Way::Here(DECISION)),
    row("Return", County, "退回", Way::Here(DECISION)),
    row("RecordPaperCheck", County, "线下初审登记", Way::Page("/supervision/county-subsidies/{id}/paper-check")),
    row("RevokePass", County, "撤销通过", Way::Page("/supervision/county-subsidies/{id}/revoke")),
    row("Pass", City, "通过", Way::Here(DECISION)),
    row("Return", City, "退回", Way::Here(DECISION)),
    row("TakeBack", City, "收回", Way::Page("/supervision/county-subsidies/{id}/take-back")),
    row("CarryOver", Administrator, "转入下次发起", Way::Page("/supervision/subsidies/{id}/carry-over")),
    row("RecordOpinion", Expert, "填写个人意见", Way::Here("#own-opinion")),
    row("Pass", Expert, "专家组通过", Way::Here(DECISION)),
    row("Return", Expert, "要求补充材料", Way::Here(DECISION)),
    row("RecordOpinion", Province, "填写意见", Way::Here("#own-opinion")),
    row("Pass", Province, "通过并签署", Way::Here(DECISION)),
    row("Return", Province, "退回", Way::Here(DECISION)),
];

/// An action as a page offers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Stable id of the command.
    pub command: String,
    /// The button.
    pub label: String,
    /// Where it leads or posts to; empty where it is not allowed.
    pub path: String,
    /// Whether it posts.
    pub post: bool,
    /// What is asked before it posts.
    pub confirm: String,
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why not.
    pub why: String,
    /// Stable id of that; empty where it is allowed.
    pub reason: String,
    /// Who else can unblock it; empty where nobody can, and where it is the reader's own party.
    pub who: String,
}

impl Offer {
    /// Whether the form of the decision carries it out, on the page where that stands.
    pub fn decides(&self) -> bool {
        self.allowed && self.path == DECISION
    }
}

/// The offers of one person for one application, in the order of the table.
pub fn offers(visitor: &Visitor, application_id: &str, answers: &[AllowedAction]) -> Vec<Offer> {
    of(&visitor.roles, application_id, answers)
}

/// The same for a set of roles.
pub fn of(roles: &[Role], application_id: &str, answers: &[AllowedAction]) -> Vec<Offer> {
    let answer = |command: &str| answers.iter().find(|answer| answer.command == command);
    let own = |party: &str| roles.iter().any(|role| role.party() == party);
    // 删除 until something was submitted, 终止 after that: only one of both is offered.
    let deletable = answer("Delete").is_some_and(|answer| answer.allowed);
    let mut offers: Vec<Offer> = Vec::new();
    for row in TABLE.iter().filter(|row| roles.contains(&row.role)) {
        let Some(answer) = answer(row.command) else { continue };
        let other_one = match row.command {
            "Delete" => !deletable,
            "Terminate" => deletable,
            _ => false,
        };
        if other_one || offers.iter().any(|offer| offer.command == row.command) {
            continue;
        }
        let (path, post, confirm) = match row.way {
            Way::Page(path) | Way::Here(path) => (path, false, ""),
            Way::Post(path, confirm) => (path, true, confirm),
        };
        offers.push(Offer {
            command: row.command.to_owned(),
            label: row.label.to_owned(),
            path: if answer.allowed { path.replace("{id}", application_id) } else { String::new() },
            post,
            confirm: confirm.to_owned(),
            allowed: answer.allowed,
            why: answer.text.clone(),
            reason: answer.reason.clone(),
            who: if answer.waits_for.is_empty() || own(&answer.waits_for) {
                String::new()
            } else {
                labels::party(&answer.waits_for).to_owned()
            },
        });
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(command: &str, allowed: bool) -> AllowedAction {
        AllowedAction {
            command: command.to_owned(),
            allowed,
            text: if allowed { String::new() } else { "已由县级主管部门审核".to_owned() },
            waits_for: "county".to_owned(),
            ..AllowedAction::default()
        }
    }

    #[test]
    fn a_refused_action_says_why_and_who_and_another_roles_action_is_left_out() {
        let answers = [
            answer("Withdraw", false),
            answer("Delete", false),
            answer("Terminate", true),
            answer("Pass", true),
        ];
        let offers = of(&[Operator], "7", &answers);
        let seen: Vec<_> = offers.iter().map(|offer| (offer.label.as_str(), offer.allowed)).collect();
        assert_eq!(seen, [("撤回修改", false), ("终止", true)]);
        assert_eq!(
            (offers[0].why.as_str(), offers[0].who.as_str()),
            ("已由县级主管部门审核", "县级主管部门")
        );
        assert_eq!(offers[1].path, "/subsidy/applications/7/terminate");
    }

    #[test]
    fn nobody_is_told_to_wait_for_oneself_and_the_decision_has_its_own_form() {
        let offers = of(&[County], "7", &[answer("Pass", true), answer("RevokePass", false)]);
        let seen: Vec<_> = offers.iter().map(|offer| (offer.decides(), offer.who.as_str())).collect();
        assert_eq!(seen, [(true, ""), (false, "")]);
    }
}
