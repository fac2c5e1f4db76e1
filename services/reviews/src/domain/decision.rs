//! The record of an official decision, in the one encoding that is hashed and signed.
//!
//! Source: reliability sections 9 (I5) and 12. Signing itself is in `signing.rs`.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    act::{Act, Judged, Verdict},
    canonical::{Canonical, Hash},
    history::Step,
    ids::ApplicationId,
    stage::Party,
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
            judged: Judged { version: submitted.version, hash: submitted.hash.clone() },
            dossier_hash: submitted.dossier_hash.clone(),
            verdict: act.verdict,
            opinion: act.opinion.clone(),
            items: act.items.clone(),
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
            .number(i64::from(self.judged.version))
            .text(&self.judged.hash)
            .text(&self.dossier_hash)
            .text(self.verdict.map_or("", Verdict::id))
            .text(&self.opinion);
        let record = texts(&self.items, record).bytes(self.actor_id.as_bytes()).text(&self.actor_role);
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
