//! The record of an official decision, in the one encoding that is hashed and signed.
//!
//! Source: reliability sections 9 (I5) and 12. Signing itself is in `signing.rs`.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    act::{Act, Judged, PaperCheck, Target, Verdict},
    canonical::{Canonical, Hash, hex},
    history::Step,
    ids::ApplicationId,
    stage::{Party, Stage},
};

/// Who decided what over exactly which content, with which authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// About which application.
    pub application_id: ApplicationId,
    /// The version that it made.
    pub version: i64,
    /// Transition id.
    pub transition: String,
    /// The command.
    pub command: String,
    /// For which tier.
    pub tier: Party,
    /// The node that it led to.
    pub to: Stage,
    /// The submission that was judged.
    pub judged: Judged,
    /// The dossier in it.
    pub dossier_hash: String,
    /// What an individual opinion recommends; none elsewhere.
    pub verdict: Option<Verdict>,
    /// 审批意见.
    pub opinion: String,
    /// What a return names.
    pub items: Vec<String>,
    /// Whether a return opens everything.
    pub open_all: bool,
    /// To whom the province returns; none elsewhere.
    pub target: Option<Target>,
    /// Hash of the paper check, hex; empty where the decision is none.
    pub paper_hash: String,
    /// Who.
    pub actor_id: Uuid,
    /// In which role.
    pub actor_role: String,
    /// With which scope, on that day.
    pub scope: Vec<String>,
    /// For which office.
    pub office: String,
    /// For which department.
    pub department: String,
    /// How the person had proved itself.
    pub authentication: String,
    /// In which session.
    pub session_id: String,
    /// Database time.
    pub decided_at: OffsetDateTime,
}

impl Decision {
    /// Reads the decision out of a step; none where the row is no decision.
    pub fn of(step: &Step, act: &Act) -> Option<Decision> {
        let (submitted, tier) = (step.before.submitted.as_ref()?, step.before.stage.waits_for()?);
        step.row.judges.then(|| Decision {
            application_id: step.after.id,
            version: step.after.version,
            transition: step.row.id.to_owned(),
            command: step.row.on.id().to_owned(),
            tier,
            to: step.after.stage,
            judged: Judged { version: submitted.version, hash: submitted.hash.clone() },
            dossier_hash: submitted.dossier_hash.clone(),
            verdict: act.verdict,
            opinion: act.opinion.clone(),
            items: act.items.clone(),
            open_all: act.open_all,
            target: act.target,
            paper_hash: act.paper.as_ref().map(paper_hash).unwrap_or_default(),
            actor_id: act.actor_id(),
            actor_role: step.row.by.role().to_owned(),
            scope: act.person.scope.clone(),
            office: act.person.office.clone(),
            department: act.person.department.clone(),
            authentication: act.person.authentication.clone(),
            session_id: act.person.session_id.clone(),
            decided_at: step.entry.at,
        })
    }

    /// The bytes that are stored, hashed and signed.
    pub fn encode(&self) -> Canonical {
        let texts = |values: &[String], record: Canonical| {
            record.texts(values.iter().map(String::as_str).collect::<Vec<_>>().into_iter())
        };
        let record = Canonical::new("yuchong.reviews.decision.v1")
            .bytes(self.application_id.0.as_bytes())
            .number(self.version)
            .text(&self.transition)
            .text(&self.command)
            .text(self.tier.id())
            .text(self.to.id())
            .number(i64::from(self.judged.version))
            .text(&self.judged.hash)
            .text(&self.dossier_hash)
            .text(self.verdict.map_or("", Verdict::id))
            .text(&self.opinion);
        let record = texts(&self.items, record)
            .number(i64::from(self.open_all))
            .text(self.target.map_or("", Target::id))
            .text(&self.paper_hash)
            .bytes(self.actor_id.as_bytes())
            .text(&self.actor_role);
        texts(&self.scope, record)
            .text(&self.office)
            .text(&self.department)
            .text(&self.authentication)
            .text(&self.session_id)
            .instant(self.decided_at)
    }

    /// SHA-256 of the encoding: what is signed.
    pub fn hash(&self) -> Hash {
        self.encode().hash()
    }
}

/// SHA-256, hex, of what the county found on paper. Source: T06, T07.
pub fn paper_hash(paper: &PaperCheck) -> String {
    let texts = |values: &[String], record: Canonical| {
        record.texts(values.iter().map(String::as_str).collect::<Vec<_>>().into_iter())
    };
    let record = Canonical::new("yuchong.reviews.paper_check.v1").number(i64::from(paper.complete));
    let record = texts(&paper.missing, texts(&paper.ticked, record));
    let day = paper.checked_on.map(|day| day.to_string()).unwrap_or_default();
    hex(&record.text(&day).text(&paper.checker).hash())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fixtures::{act, application, desk, person, policy},
        guards::Situation,
        stage::Actor,
    };

    fn signed(change: impl FnOnce(&mut Act)) -> Hash {
        let (member, policy, desk) = (application(Stage::ProvincialReview), policy(), desk());
        let mut act = act(person(Actor::Province, 41), super::super::act::Command::Return);
        act.target = Some(Target::Operator);
        change(&mut act);
        let moment = super::super::act::Moment::at(super::super::fixtures::NOW);
        let situation =
            Situation { application: &member, act: &act, policy: &policy, desk: Some(&desk), moment };
        let row = super::super::decide::decide(&situation).expect("allowed");
        let after = super::super::advance::advance(&situation, row, row.by);
        let step = Step::close(&member, after, row, &act, row.by, moment.now);
        Decision::of(&step, &act).expect("a decision").hash()
    }

    #[test]
    fn where_it_leads_and_what_it_opens_are_signed() {
        let plain = signed(|_| ());
        assert_ne!(plain, signed(|act| act.target = Some(Target::City)));
        assert_ne!(plain, signed(|act| act.open_all = true));
    }

    #[test]
    fn each_part_of_a_paper_check_is_in_its_hash() {
        let paper = PaperCheck {
            complete: true,
            ticked: vec!["M1".into()],
            missing: vec![],
            checked_on: None,
            checker: "李".into(),
        };
        let hash = paper_hash(&paper);
        assert_ne!(hash, paper_hash(&PaperCheck { ticked: vec![], ..paper.clone() }));
        assert_ne!(hash, paper_hash(&PaperCheck { missing: vec!["M1".into()], ..paper.clone() }));
        assert_ne!(hash, paper_hash(&PaperCheck { checker: "王".into(), ..paper.clone() }));
        assert_ne!(hash, paper_hash(&PaperCheck { complete: false, ..paper }));
    }
}
