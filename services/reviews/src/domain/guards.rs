//! Why not: one named rule each, pure, with its source.
//!
//! Role, scope, version and node are checked for every command in `decide.rs`; here is what a row asks beyond that. The
//! rules of T26 are in `guards/deadlines.rs`.

pub mod deadlines;

use super::{
    act::{Act, Moment, Person, Verdict},
    application::Application,
    form::Field,
    order::Desk,
    policy::{CATEGORIES, ExpertRule, Gate, Policy, SLOTS},
    refusal::{Overtaken, Refusal},
    stage::{Actor, Stage},
};

/// Longest opinion or reason, in characters. Source: ours; a page of text.
pub const OPINION_CHARACTERS_MAX: usize = 2_000;

/// What a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The application as it stands, locked.
    pub application: &'a Application,
    /// The command.
    pub act: &'a Act,
    /// The policy that the application is pinned to.
    pub policy: &'a Policy,
    /// Its work order, where it is a member.
    pub desk: Option<&'a Desk>,
    /// Database time.
    pub moment: Moment,
}

/// A rule's verdict.
pub type Ruling = Result<(), Refusal>;

/// Whether a rule looks at what a person may do, or at what the person typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Person, node, order, clock: known before anything is typed, so that a page can show it.
    Standing,
    /// The content of the command.
    Content,
}

/// A named rule.
#[derive(Clone, Copy)]
pub struct Guard {
    /// Its name, as in the generated documentation.
    pub name: &'static str,
    /// What it looks at.
    pub about: About,
    /// The rule.
    pub rule: for<'a> fn(&Situation<'a>) -> Ruling,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn standing(name: &'static str, rule: for<'a> fn(&Situation<'a>) -> Ruling) -> Guard {
    Guard { name, about: About::Standing, rule }
}

const fn content(name: &'static str, rule: for<'a> fn(&Situation<'a>) -> Ruling) -> Guard {
    Guard { name, about: About::Content, rule }
}

/// See [`account_active`].
pub const ACCOUNT_ACTIVE: Guard = content("account_active", account_active);
/// See [`round_open`].
pub const ROUND_OPEN: Guard = content("round_open", round_open);
/// See [`form_valid`].
pub const FORM_VALID: Guard = content("form_valid", form_valid);
/// See [`items_answered`].
pub const ITEMS_ANSWERED: Guard = content("items_answered", items_answered);
/// See [`gate_a`].
pub const GATE_A: Guard = content("gate_a", gate_a);
/// See [`gate_b`].
pub const GATE_B: Guard = content("gate_b", gate_b);
/// See [`dossier_sealed`].
pub const DOSSIER_SEALED: Guard = content("dossier_sealed", dossier_sealed);
/// See [`four_eyes`].
pub const FOUR_EYES: Guard = standing("four_eyes", four_eyes);
/// See [`opinion_given`].
pub const OPINION_GIVEN: Guard = content("opinion_given", opinion_given);
/// See [`opinion_readable`].
pub const OPINION_READABLE: Guard = content("opinion_readable", opinion_readable);
/// See [`has_items`].
pub const HAS_ITEMS: Guard = content("has_items", has_items);
/// See [`reason_given`].
pub const REASON_GIVEN: Guard = content("reason_given", reason_given);
/// See [`papers_complete`].
pub const PAPERS_COMPLETE: Guard = content("papers_complete", papers_complete);
/// See [`papers_missing`].
pub const PAPERS_MISSING: Guard = content("papers_missing", papers_missing);
/// See [`assigned`].
pub const ASSIGNED: Guard = standing("assigned", assigned);
/// See [`declared_clear`].
pub const DECLARED_CLEAR: Guard = standing("declared_clear", declared_clear);
/// See [`verdict_given`].
pub const VERDICT_GIVEN: Guard = content("verdict_given", verdict_given);
/// See [`panel_passes`].
pub const PANEL_PASSES: Guard = standing("panel_passes", panel_passes);
/// See [`panel_returns`].
pub const PANEL_RETURNS: Guard = standing("panel_returns", panel_returns);
/// See [`in_sample`].
pub const IN_SAMPLE: Guard = standing("in_sample", in_sample);
/// See [`outside_sample`].
pub const OUTSIDE_SAMPLE: Guard = standing("outside_sample", outside_sample);
/// See [`department_required`].
pub const DEPARTMENT_REQUIRED: Guard = standing("department_required", department_required);
/// See [`not_signed`].
pub const NOT_SIGNED: Guard = standing("not_signed", not_signed);
/// See [`freeze_due`].
pub const FREEZE_DUE: Guard = standing("freeze_due", freeze_due);
/// See [`not_sent_back`].
pub const NOT_SENT_BACK: Guard = standing("not_sent_back", not_sent_back);
/// See [`never_submitted`].
pub const NEVER_SUBMITTED: Guard = standing("never_submitted", never_submitted);
/// See [`deadlines::leads`].
pub const LEADS: Guard = standing("leads", deadlines::leads);
/// See [`deadlines::extension_given`].
pub const EXTENSION_GIVEN: Guard = content("extension_given", deadlines::extension_given);
/// See [`deadlines::assignee_fits`].
pub const ASSIGNEE_FITS: Guard = content("assignee_fits", deadlines::assignee_fits);

/// Role, scope and relation of one actor to the application.
///
/// Source: reliability section 10; invariant 10 (the station's divisions count). Error: [`Refusal::OutOfScope`].
pub fn in_scope(situation: &Situation<'_>, actor: Actor) -> Ruling {
    let Situation { application, act: Act { person, .. }, .. } = situation;
    if related(application, person, actor) { Ok(()) } else { Err(Refusal::OutOfScope) }
}

pub(super) fn related(application: &Application, person: &Person, actor: Actor) -> bool {
    // What was never submitted is nobody's but the operator's.
    let shown = application.submitted.is_some();
    match actor {
        Actor::Operator => person.operator_id == Some(application.operator_id),
        // Exactly these divisions: a second role's province-wide scope must not widen a desk.
        Actor::County => shown && person.acts_for(&application.county),
        Actor::City => shown && person.acts_for(&application.prefecture),
        Actor::Administrator | Actor::Province => shown && person.covers_province(),
        Actor::Expert => shown && application.order_id.is_some_and(|order| person.orders.contains(&order)),
        Actor::Timer => shown,
    }
}

/// Only a company whose account is 正常 applies and submits.
///
/// Source: T01. Errors: [`Refusal::AccountNotActive`], [`Refusal::EvidenceMissing`].
pub fn account_active(situation: &Situation<'_>) -> Ruling {
    match situation.act.account_active {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::AccountNotActive),
        None => Err(Refusal::EvidenceMissing),
    }
}

/// An application is created while its round takes them.
///
/// Source: T01. Error: [`Refusal::RoundClosed`].
pub fn round_open(situation: &Situation<'_>) -> Ruling {
    if situation.policy.open_on(situation.moment.today) { Ok(()) } else { Err(Refusal::RoundClosed) }
}

/// Every field of the form is valid.
///
/// Source: T02; workflow, Materials. Errors: [`Refusal::FormInvalid`], [`Refusal::EvidenceMissing`].
pub fn form_valid(situation: &Situation<'_>) -> Ruling {
    let draft = situation.act.draft.as_ref().ok_or(Refusal::EvidenceMissing)?;
    if draft.problems.is_empty() { Ok(()) } else { Err(Refusal::FormInvalid(draft.problems.clone())) }
}

/// Every form field that the last return named was changed or explained; `documents` sees to the materials.
///
/// Source: T09, T18. Error: [`Refusal::Unanswered`].
pub fn items_answered(situation: &Situation<'_>) -> Ruling {
    let draft = situation.act.draft.as_ref().ok_or(Refusal::EvidenceMissing)?;
    if draft.unanswered.is_empty() { Ok(()) } else { Err(Refusal::Unanswered(draft.unanswered.clone())) }
}

/// The station is linked to an interconnected registry record, where the round blocks without.
///
/// Source: workflow, Gates. Errors: [`Refusal::GateA`], [`Refusal::EvidenceMissing`].
pub fn gate_a(situation: &Situation<'_>) -> Ruling {
    gate(situation.policy.gate_a, situation, |finding| finding.linked, Refusal::GateA)
}

/// Every claimed connector has reported, where the round blocks without.
///
/// Source: workflow, Gates. Errors: [`Refusal::GateB`], [`Refusal::EvidenceMissing`].
pub fn gate_b(situation: &Situation<'_>) -> Ruling {
    gate(situation.policy.gate_b, situation, |finding| finding.all_reported, Refusal::GateB)
}

fn gate(
    setting: Gate,
    situation: &Situation<'_>,
    holds: fn(&super::act::GateFinding) -> bool,
    refusal: Refusal,
) -> Ruling {
    let finding = situation.act.draft.as_ref().and_then(|draft| draft.gate.as_ref());
    match (setting, finding) {
        (Gate::Off, _) => Ok(()),
        (Gate::Warn | Gate::Block, None) => Err(Refusal::EvidenceMissing),
        (Gate::Warn, Some(_)) => Ok(()),
        (Gate::Block, Some(finding)) => {
            if holds(finding) {
                Ok(())
            } else {
                Err(refusal)
            }
        }
    }
}

/// `documents` has sealed the dossier for exactly this submission.
///
/// Source: T09, T18. Error: [`Refusal::EvidenceMissing`].
pub fn dossier_sealed(situation: &Situation<'_>) -> Ruling {
    let sealed = situation.act.draft.as_ref().is_some_and(|draft| {
        draft.sealed
            && !draft.submitted.dossier_hash.is_empty()
            && draft.submitted.version == situation.application.next_submission()
    });
    if sealed { Ok(()) } else { Err(Refusal::EvidenceMissing) }
}

/// No person decides on one application at two tiers.
///
/// Source: invariant 5. Error: [`Refusal::DecidedBefore`].
pub fn four_eyes(situation: &Situation<'_>) -> Ruling {
    let Some(tier) = situation.application.stage.waits_for() else { return Ok(()) };
    // A pass that the county takes back was the county's own decision: same tier.
    match situation.application.decided_elsewhere(situation.act.person.id, tier) {
        Some(tier) => Err(Refusal::DecidedBefore { tier }),
        None => Ok(()),
    }
}

/// 审批意见 is given.
///
/// Source: workflow, Words ("a return always carries an opinion"). Errors: [`Refusal::OpinionMissing`] and those of
/// [`opinion_readable`].
pub fn opinion_given(situation: &Situation<'_>) -> Ruling {
    if situation.act.opinion.trim().is_empty() {
        return Err(Refusal::OpinionMissing);
    }
    opinion_readable(situation)
}

/// An opinion may be empty here, but not endless, and holds nothing that nobody can read.
///
/// Source: [`OPINION_CHARACTERS_MAX`]. Errors: [`Refusal::OpinionTooLong`], [`Refusal::OpinionUnreadable`].
pub fn opinion_readable(situation: &Situation<'_>) -> Ruling {
    if situation.act.opinion.chars().count() > OPINION_CHARACTERS_MAX {
        return Err(Refusal::OpinionTooLong);
    }
    if readable(&situation.act.opinion) { Ok(()) } else { Err(Refusal::OpinionUnreadable) }
}

/// Whether a text of several lines is free of control characters; the database refuses some of them.
pub fn readable(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

/// A return names at least one item, and only items that exist at its tier.
///
/// The county has seen the form only; the tiers after it the form and the materials.
/// Source: T05, T12, T17, T23. Errors: [`Refusal::ItemsMissing`], [`Refusal::UnknownItem`].
pub fn has_items(situation: &Situation<'_>) -> Ruling {
    let Situation { application, act, .. } = situation;
    if act.items.is_empty() {
        return Err(Refusal::ItemsMissing);
    }
    let materials = application.stage != Stage::CountyReview;
    let known =
        |item: &&String| Field::parse(item).is_some() || (materials && SLOTS.contains(&item.as_str()));
    match act.items.iter().find(|item| !known(item)) {
        Some(item) => Err(Refusal::UnknownItem(item.clone())),
        None => Ok(()),
    }
}

/// A reason is given.
///
/// Source: T08, T19, T26. Errors: [`Refusal::ReasonMissing`], [`Refusal::OpinionTooLong`].
pub fn reason_given(situation: &Situation<'_>) -> Ruling {
    if situation.act.opinion.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    opinion_readable(situation)
}

/// The nine categories are ticked and none is missing, with date and checker.
///
/// Source: T06. Errors: [`Refusal::PapersUnticked`], [`Refusal::PapersContradict`], [`Refusal::UnknownPaper`],
/// [`Refusal::PaperDate`], [`Refusal::CheckerMissing`].
pub fn papers_complete(situation: &Situation<'_>) -> Ruling {
    let paper = situation.act.paper.as_ref().ok_or(Refusal::DirectionMissing)?;
    let unticked: Vec<_> = CATEGORIES
        .iter()
        .filter(|category| !paper.ticked.iter().any(|ticked| ticked == *category))
        .map(|category| (*category).to_owned())
        .collect();
    if !unticked.is_empty() {
        return Err(Refusal::PapersUnticked(unticked));
    }
    if !paper.missing.is_empty() {
        return Err(Refusal::PapersContradict);
    }
    checked(situation)
}

/// The missing papers are listed, with date and checker.
///
/// Source: T07. Errors: [`Refusal::MissingPapersUnlisted`], [`Refusal::UnknownPaper`], [`Refusal::PaperDate`],
/// [`Refusal::CheckerMissing`].
pub fn papers_missing(situation: &Situation<'_>) -> Ruling {
    let paper = situation.act.paper.as_ref().ok_or(Refusal::DirectionMissing)?;
    let known = paper.missing.iter().all(|missing| CATEGORIES.contains(&missing.as_str()));
    if paper.missing.is_empty() || !known {
        return Err(Refusal::MissingPapersUnlisted);
    }
    checked(situation)
}

fn checked(situation: &Situation<'_>) -> Ruling {
    let paper = situation.act.paper.as_ref().ok_or(Refusal::DirectionMissing)?;
    if let Some(unknown) = paper.ticked.iter().find(|ticked| !CATEGORIES.contains(&ticked.as_str())) {
        return Err(Refusal::UnknownPaper(unknown.clone()));
    }
    if paper.checked_on.is_none_or(|day| day > situation.moment.today) {
        return Err(Refusal::PaperDate);
    }
    let readable = !paper.checker.chars().any(char::is_control);
    if paper.checker.trim().is_empty() || paper.checker.chars().count() > 50 || !readable {
        return Err(Refusal::CheckerMissing);
    }
    Ok(())
}

/// The expert sits on the panel of the member's order.
///
/// Source: T15. Error: [`Refusal::NotAssigned`].
pub fn assigned(situation: &Situation<'_>) -> Ruling {
    let person = situation.act.person.id;
    let sits = situation.desk.is_some_and(|desk| desk.panelist(person).is_some());
    if sits { Ok(()) } else { Err(Refusal::NotAssigned) }
}

/// The expert has declared, and has no conflict of interest with this member.
///
/// Source: T15. Errors: [`Refusal::NotDeclared`], [`Refusal::Conflicted`].
pub fn declared_clear(situation: &Situation<'_>) -> Ruling {
    let panelist = situation.desk.and_then(|desk| desk.panelist(situation.act.person.id));
    let panelist = panelist.ok_or(Refusal::NotAssigned)?;
    if !panelist.declared {
        return Err(Refusal::NotDeclared);
    }
    if !panelist.eligible(situation.application.id) {
        return Err(Refusal::Conflicted);
    }
    Ok(())
}

/// An individual opinion says what it recommends.
///
/// Source: T15, T21. Error: [`Refusal::VerdictMissing`].
pub fn verdict_given(situation: &Situation<'_>) -> Ruling {
    if situation.act.verdict.is_some() { Ok(()) } else { Err(Refusal::VerdictMissing) }
}

/// The round's expert rule is met for a pass.
///
/// Source: T16. Errors: [`Refusal::LeadDecides`], [`Refusal::QuorumUnmet`].
pub fn panel_passes(situation: &Situation<'_>) -> Ruling {
    panel(situation, Verdict::Pass)
}

/// The round's expert rule is met for a return.
///
/// Source: T17. Errors: [`Refusal::LeadDecides`], [`Refusal::QuorumUnmet`].
pub fn panel_returns(situation: &Situation<'_>) -> Ruling {
    panel(situation, Verdict::Return)
}

fn panel(situation: &Situation<'_>, verdict: Verdict) -> Ruling {
    let desk = situation.desk.ok_or(Refusal::NotAssigned)?;
    let (person, member) = (situation.act.person.id, situation.application);
    match situation.policy.expert_rule {
        ExpertRule::Lead => {
            if desk.lead(member) == Some(person) {
                Ok(())
            } else {
                Err(Refusal::LeadDecides)
            }
        }
        rule @ (ExpertRule::NOfM { .. } | ExpertRule::All) => {
            let (have, needed) = desk.agreement(rule, member, person, verdict);
            if have >= needed { Ok(()) } else { Err(Refusal::QuorumUnmet { have, needed }) }
        }
    }
}

/// The departments re-check members in the sample only.
///
/// Source: T21. Error: [`Refusal::NotInSample`].
pub fn in_sample(situation: &Situation<'_>) -> Ruling {
    if situation.application.in_sample { Ok(()) } else { Err(Refusal::NotInSample) }
}

/// What is concluded with its order was not drawn.
///
/// Source: T22, second part. Error: [`Refusal::MembersUnready`] (it has to be passed by the departments).
pub fn outside_sample(situation: &Situation<'_>) -> Ruling {
    if situation.application.in_sample { Err(Refusal::MembersUnready { count: 1 }) } else { Ok(()) }
}

/// The department is one of the round's.
///
/// Source: T21. Error: [`Refusal::DepartmentNotRequired`].
pub fn department_required(situation: &Situation<'_>) -> Ruling {
    let required = situation.policy.departments.contains(&situation.act.person.department);
    if required { Ok(()) } else { Err(Refusal::DepartmentNotRequired) }
}

/// A department signs a member once.
///
/// Source: T22 ("each signs"). Errors: [`Refusal::DepartmentSigned`]; [`Refusal::EvidenceMissing`] where nobody looked at
/// the order.
pub fn not_signed(situation: &Situation<'_>) -> Ruling {
    let department = &situation.act.person.department;
    let desk = situation.desk.ok_or(Refusal::EvidenceMissing)?;
    let signed = desk.opinions.iter().any(|opinion| opinion.signed && &opinion.department == department);
    if signed { Err(Refusal::DepartmentSigned) } else { Ok(()) }
}

/// A member is carried over only after its order should have been frozen.
///
/// Source: T19. Error: [`Refusal::BeforeFreezeDue`].
pub fn freeze_due(situation: &Situation<'_>) -> Ruling {
    match situation.desk.map(|desk| desk.order.freeze_due_at) {
        Some(due) if situation.moment.now < due => Err(Refusal::BeforeFreezeDue { due }),
        Some(_) => Ok(()),
        None => Err(Refusal::EvidenceMissing),
    }
}

/// The operator takes back what he handed in, not what the province sent to the city.
///
/// Source: T23 ("only that party reopens"); a pass that the city has taken back since (T13) changes nothing in that.
/// Error: [`Refusal::AlreadyDecided`].
pub fn not_sent_back(situation: &Situation<'_>) -> Ruling {
    let application = situation.application;
    let Some(last) = &application.last else { return Ok(()) };
    let sent = last.transition == "T23" || (last.transition == "T13" && application.forced_sample);
    if sent { Err(Refusal::AlreadyDecided(Overtaken::by(application, last))) } else { Ok(()) }
}

/// What was submitted once is terminated, not deleted.
///
/// Source: T25. Error: [`Refusal::SubmittedOnce`].
pub fn never_submitted(situation: &Situation<'_>) -> Ruling {
    if situation.application.submitted.is_some() { Err(Refusal::SubmittedOnce) } else { Ok(()) }
}

#[cfg(test)]
#[path = "guards_tests.rs"]
mod tests;
