//! The append-only history of one application: each row carries the hash of the row before it.
//!
//! Source: invariant 8; reliability I10. The first row follows a hash of zeros.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    act::{Act, Command},
    application::Application,
    canonical::{Canonical, Hash},
    ids::ApplicationId,
    stage::{Actor, Stage},
    table::Row,
};

/// One row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub application_id: ApplicationId,
    /// The version that it made.
    pub version: i64,
    /// Transition id.
    pub transition: String,
    /// The command.
    pub command: String,
    /// Where it started; none for the creation.
    pub from: Option<Stage>,
    /// Where it ended.
    pub to: Stage,
    /// Who acted.
    pub actor_id: Uuid,
    /// In which role.
    pub role: Actor,
    /// For which office.
    pub office: String,
    /// For which department; empty elsewhere.
    pub department: String,
    /// 审批意见 or reason.
    pub opinion: String,
    /// What a return named; the working days of an extension; the person to whom work was given.
    pub items: Vec<String>,
    /// The submission that stood afterwards; 0 and empty before the first.
    pub submission_version: i32,
    /// See `submission_version`.
    pub submission_hash: String,
    /// When.
    pub at: OffsetDateTime,
}

/// A step about to be committed: the row of the table, what it leads to, and its entry in the chain.
#[derive(Debug, Clone)]
pub struct Step {
    /// The row.
    pub row: &'static Row,
    /// The application before.
    pub before: Application,
    /// The application after, its head already the new one.
    pub after: Application,
    /// The entry.
    pub entry: Entry,
    /// Hash of the entry before.
    pub prev_hash: Hash,
}

impl Entry {
    /// The hash of this entry after its predecessor.
    pub fn hash(&self, prev_hash: &Hash) -> Hash {
        Canonical::new("yuchong.reviews.history.v1")
            .bytes(prev_hash)
            .bytes(self.application_id.0.as_bytes())
            .number(self.version)
            .text(&self.transition)
            .text(&self.command)
            .text(self.from.map_or("", Stage::id))
            .text(self.to.id())
            .bytes(self.actor_id.as_bytes())
            .text(self.role.role())
            .text(&self.office)
            .text(&self.department)
            .text(&self.opinion)
            .texts(self.items.iter().map(String::as_str).collect::<Vec<_>>().into_iter())
            .number(i64::from(self.submission_version))
            .text(&self.submission_hash)
            .instant(self.at)
            .hash()
    }
}

impl Step {
    /// Closes a step: writes its entry and links it to the chain.
    pub fn close(
        before: &Application,
        mut after: Application,
        row: &'static Row,
        act: &Act,
        actor: Actor,
        at: OffsetDateTime,
    ) -> Step {
        let submitted = after.submitted.as_ref();
        let entry = Entry {
            application_id: after.id,
            version: after.version,
            transition: row.id.to_owned(),
            command: row.on.id().to_owned(),
            from: (!row.from.is_empty()).then_some(before.stage),
            to: after.stage,
            actor_id: act.actor_id(),
            role: actor,
            office: act.person.office.clone(),
            department: act.person.department.clone(),
            opinion: act.opinion.clone(),
            items: named(act),
            submission_version: submitted.map_or(0, |submitted| submitted.version),
            submission_hash: submitted.map(|submitted| submitted.hash.clone()).unwrap_or_default(),
            at,
        };
        let prev_hash = before.head;
        after.head = entry.hash(&prev_hash);
        Step { row, before: before.clone(), after, entry, prev_hash }
    }
}

/// What a step names besides its words.
fn named(act: &Act) -> Vec<String> {
    match act.command {
        Command::ExtendDeadline => vec![act.extension.to_string()],
        Command::Reassign => act.assignee.iter().map(|assignee| assignee.id.to_string()).collect(),
        Command::CreateApplication
        | Command::SubmitAcceptance
        | Command::Withdraw
        | Command::Pass
        | Command::Return
        | Command::RecordPaperCheck
        | Command::RevokePass
        | Command::SubmitMaterials
        | Command::TakeBack
        | Command::LaunchJointReview
        | Command::RecordOpinion
        | Command::HeedInterest
        | Command::SubmitSupplement
        | Command::CarryOver
        | Command::FreezeOrder
        | Command::ConcludeOrder
        | Command::WidenSample
        | Command::Delete
        | Command::Terminate
        | Command::Remind
        | Command::StrikeClock => act.items.clone(),
    }
}
