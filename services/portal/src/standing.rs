//! What a reviewer judges: the submission that stands, with its dossier, gate evidence and what changed since the one
//! before. Reads; decides nothing.

use std::collections::BTreeSet;

use futures::future::join_all;
use proto::{
    documents::{DiffRevisionsRequest, GetRevisionRequest, Revision, RevisionDiff},
    reviews::{
        AcceptanceForm, ApplicationView, GetApplicationRequest, GetSubmissionRequest, ListSubmissionsRequest,
        Submission,
    },
};
use tonic::Status;

use crate::{
    Refused, Visitor,
    dossier::{Change, Dossier, Others},
    format,
    gate::Gate,
    labels::{self, FIELDS},
    refused::Away,
};

/// Applications with the same invoices that are named.
const OTHERS_MAX: usize = 40;

/// See the module.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its number; 0 before the first.
    pub version: i32,
    /// What was submitted, in words.
    pub kind: &'static str,
    /// When.
    pub at: String,
    /// Its hash.
    pub hash: String,
    /// What the operator says to an item of the last return.
    pub answers: Vec<(String, String)>,
    /// What the gates found; none where the round does not look.
    pub gate: Option<Gate>,
    /// Number of the submission that it is compared with; 0 for none.
    pub compared_with: i32,
    /// Fields of the form that changed.
    pub changes: Vec<Change>,
    /// The sealed materials; nothing in it before the first.
    pub dossier: Result<Dossier, Away>,
}

impl Standing {
    /// Reads what stands.
    ///
    /// # Errors
    /// The session has ended.
    pub async fn load(visitor: &Visitor, view: &ApplicationView) -> Result<Result<Standing, Away>, Refused> {
        let id = &view.application_id;
        let listed = visitor
            .applications()
            .list_submissions(ListSubmissionsRequest { application_id: id.clone() })
            .await;
        let all = match Away::or(listed, "申报内容")? {
            Ok(answer) => answer.into_inner().submissions,
            Err(away) => return Ok(Err(away)),
        };
        // Newest first.
        let Some(newest) = all.first() else { return Ok(Ok(Standing::none())) };
        let before = all.get(1);
        let sealed_before = all.iter().skip(1).map(|one| one.dossier_revision).find(|revision| *revision > 0);
        // A supplement brings no evidence of its own: what was found before it stands.
        let proven = all.iter().find(|one| !one.gate_hash.is_empty()).map(|one| one.version);
        let (current, proven, previous, dossier) = tokio::join!(
            submission(visitor, id, newest.version),
            async {
                match proven.filter(|version| *version != newest.version) {
                    Some(version) => submission(visitor, id, version).await.map(Some),
                    None => Ok(None),
                }
            },
            async {
                match before {
                    Some(before) => submission(visitor, id, before.version).await.map(Some),
                    None => Ok(None),
                }
            },
            dossier(visitor, id, newest.dossier_revision, sealed_before.unwrap_or(0)),
        );
        let current = match Away::or(current, "申报内容")? {
            Ok(current) => current,
            Err(away) => return Ok(Err(away)),
        };
        let mut current = current;
        if let Some(proven) = Away::or(proven, "互联互通核验")?.ok().flatten() {
            current.gate_evidence = proven.gate_evidence;
        }
        // Without the one before there is nothing to compare with; the rest is shown.
        let previous = Away::or(previous, "上次提交")?.ok().flatten();
        let dossier = Away::or(dossier, "申报材料")?;
        let read = |(revision, diff, others): Sealed| match revision {
            Some(revision) => Dossier::of(&revision, diff.as_ref(), &others),
            None => Dossier::default(),
        };
        Ok(Ok(Standing::of(&current, previous.as_ref(), dossier.map(read))))
    }

    /// Before the first submission.
    pub fn none() -> Standing {
        Standing {
            version: 0,
            kind: "",
            at: format::moment(None),
            hash: String::new(),
            answers: Vec::new(),
            gate: None,
            compared_with: 0,
            changes: Vec::new(),
            dossier: Ok(Dossier::default()),
        }
    }

    fn of(current: &Submission, previous: Option<&Submission>, dossier: Result<Dossier, Away>) -> Standing {
        let forms = (previous.and_then(|one| one.form.as_ref()), current.form.as_ref());
        Standing {
            version: current.version,
            kind: labels::submission(&current.kind),
            at: format::moment(current.submitted_at.as_ref()),
            hash: current.hash.clone(),
            answers: current
                .answers
                .iter()
                .map(|answer| (labels::item(&answer.item), answer.text.clone()))
                .collect(),
            gate: Gate::read(&current.gate_evidence),
            compared_with: previous.map_or(0, |one| one.version),
            changes: match forms {
                (Some(before), Some(after)) => changed_fields(before, after),
                _ => Vec::new(),
            },
            dossier,
        }
    }

    /// Whether there is anything to say about the submission before: there was one.
    pub fn compares(&self) -> bool {
        self.compared_with > 0 || !self.answers.is_empty() || !self.dossier_changes().is_empty()
    }

    /// Materials that changed; none where they cannot be read.
    pub fn dossier_changes(&self) -> &[Change] {
        self.dossier.as_ref().map_or(&[], |dossier| &dossier.changes)
    }

    /// What a reviewer should look at first, in words.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if !self.changes.is_empty() {
            let names: Vec<_> = self.changes.iter().map(|change| change.what.as_str()).collect();
            hints.push(format!("与第 {} 次提交相比修改了：{}", self.compared_with, names.join("、")));
        }
        if let Ok(dossier) = &self.dossier {
            let names: Vec<_> = dossier.changed().collect();
            if !names.is_empty() {
                hints.push(format!("与上次提交的材料相比更新了：{}", names.join("、")));
            }
        }
        if let Some(gate) = &self.gate {
            hints.extend(gate.hints());
        }
        hints
    }
}

async fn submission(visitor: &Visitor, id: &str, version: i32) -> Result<Submission, Status> {
    let asked = GetSubmissionRequest { application_id: id.to_owned(), version };
    visitor.applications().get_submission(asked).await.map(tonic::Response::into_inner)
}

type Sealed = (Option<Revision>, Option<RevisionDiff>, Others);

/// A sealed revision, and what changed in it.
async fn dossier(visitor: &Visitor, id: &str, revision: i32, before: i32) -> Result<Sealed, Status> {
    if revision == 0 {
        return Ok((None, None, Others::new()));
    }
    let (mut one, mut two) = (visitor.dossiers(), visitor.dossiers());
    let asked = GetRevisionRequest { application_id: id.to_owned(), revision };
    let compared = DiffRevisionsRequest { application_id: id.to_owned(), from: before, to: revision };
    let diff = async {
        if before == 0 || before >= revision {
            return Ok(None);
        }
        two.diff_revisions(compared).await.map(|answer| Some(answer.into_inner()))
    };
    let (revision, diff) = tokio::try_join!(one.get_revision(asked), diff)?;
    let revision = revision.into_inner();
    let others = others(visitor, &revision).await;
    Ok((Some(revision), diff, others))
}

/// The applications that use the same invoices, as far as the reader may see them.
async fn others(visitor: &Visitor, revision: &Revision) -> Others {
    let uses = revision.invoices.iter().flat_map(|one| &one.elsewhere);
    let ids: BTreeSet<_> = uses.map(|one| one.application_id.clone()).take(OTHERS_MAX).collect();
    let asked = ids.into_iter().map(|application_id| async move {
        let asked = GetApplicationRequest { application_id: application_id.clone() };
        let view = visitor.applications().get_application(asked).await.ok()?.into_inner();
        let name = format!("{} {}（{}）", view.station_name, view.application_no, view.operator_name);
        Some((application_id, name))
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// The form as texts, in the order of [`FIELDS`].
pub fn form_values(form: &AcceptanceForm) -> [String; 8] {
    let mut connectors = form.connector_ids.clone();
    connectors.sort_unstable();
    let place = match (form.longitude_e6, form.latitude_e6) {
        (0, 0) => String::new(),
        (longitude, latitude) => format!("{}, {}", format::degrees(longitude), format::degrees(latitude)),
    };
    [
        form.station_name.clone(),
        form.address.clone(),
        place,
        connectors.join("、"),
        form.start_date.clone(),
        form.finish_date.clone(),
        form.manager.clone(),
        form.manager_phone.clone(),
    ]
}

fn changed_fields(before: &AcceptanceForm, after: &AcceptanceForm) -> Vec<Change> {
    let (before, after) = (form_values(before), form_values(after));
    let pairs = FIELDS.iter().zip(before.into_iter().zip(after));
    pairs
        .filter(|(_, (before, after))| before != after)
        .map(|((_, name), (before, after))| Change {
            what: (*name).to_owned(),
            before: format::or_dash(&before),
            after: format::or_dash(&after),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_that_changed_are_named_with_both_values() {
        let before = AcceptanceForm {
            address: "旧地址".into(),
            connector_ids: vec!["2".into(), "1".into()],
            ..AcceptanceForm::default()
        };
        let after = AcceptanceForm {
            address: "新地址".into(),
            connector_ids: vec!["1".into(), "2".into()],
            ..AcceptanceForm::default()
        };
        let changes = changed_fields(&before, &after);
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].what.as_str(), changes[0].before.as_str(), changes[0].after.as_str()),
            ("详细地址", "旧地址", "新地址")
        );
    }
}
