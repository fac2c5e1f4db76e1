//! Submissions: what was handed in, word for word. Only grows.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, forms};
use crate::domain::{
    application::{Kind, Returned},
    form::Form,
    ids::ApplicationId,
};

/// One submission.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Of which application.
    pub application_id: ApplicationId,
    /// 1, 2, 3 … over all kinds.
    pub version: i32,
    /// What it holds.
    pub kind: Kind,
    /// Canonical content: what the hash covers.
    pub content: Vec<u8>,
    /// SHA-256, hex.
    pub hash: String,
    /// The form as submitted.
    pub form: Form,
    /// Revision that `documents` sealed; none for an acceptance.
    pub dossier_revision: Option<i32>,
    /// Hash of the sealed dossier; empty for an acceptance.
    pub dossier_hash: String,
    /// Gate evidence, encoded; none where the round does not look.
    pub gate_evidence: Option<Vec<u8>>,
    /// Hash of the evidence.
    pub gate_hash: String,
    /// The return that it answers.
    pub answered: Returned,
    /// What the operator said to items.
    pub answers: BTreeMap<String, String>,
    /// When.
    pub submitted_at: OffsetDateTime,
    /// Who.
    pub submitted_by: Uuid,
}

struct SubmissionRow {
    application_id: Uuid,
    version: i32,
    kind: String,
    content: Vec<u8>,
    hash: String,
    form: Value,
    dossier_revision: Option<i32>,
    dossier_hash: String,
    gate_evidence: Option<Vec<u8>>,
    gate_hash: String,
    return_items: Vec<String>,
    return_open_all: bool,
    return_submission: i32,
    answers: Value,
    submitted_at: OffsetDateTime,
    submitted_by: Uuid,
}

impl SubmissionRow {
    fn read(self) -> Result<Submission, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "submissions", id: self.application_id };
        Ok(Submission {
            application_id: ApplicationId(self.application_id),
            version: self.version,
            kind: Kind::parse(&self.kind).ok_or_else(corrupt)?,
            answers: serde_json::from_value(self.answers).map_err(|_| corrupt())?,
            form: forms::form_of(self.form, self.application_id)?,
            content: self.content,
            hash: self.hash,
            dossier_revision: self.dossier_revision,
            dossier_hash: self.dossier_hash,
            gate_evidence: self.gate_evidence,
            gate_hash: self.gate_hash,
            answered: Returned {
                items: self.return_items,
                open_all: self.return_open_all,
                submission: self.return_submission,
            },
            submitted_at: self.submitted_at,
            submitted_by: self.submitted_by,
        })
    }
}

/// Inserts a submission; in the transaction of its transition.
///
/// # Errors
/// The database is away.
pub async fn insert(db: &mut PgConnection, submission: &Submission) -> Result<(), StoreError> {
    let answers = serde_json::to_value(&submission.answers)
        .map_err(|_| StoreError::Corrupt { table: "submissions", id: submission.application_id.0 })?;
    sqlx::query!(
        "-- reviews.submissions.insert
         INSERT INTO submissions (application_id, version, kind, content, hash, form, dossier_revision, dossier_hash,
             gate_evidence, gate_hash, return_items, answers, submitted_at, submitted_by, return_open_all, return_submission)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        submission.application_id.0,
        submission.version,
        submission.kind.id(),
        submission.content,
        submission.hash,
        forms::form_json(&submission.form)?,
        submission.dossier_revision,
        submission.dossier_hash,
        submission.gate_evidence,
        submission.gate_hash,
        &submission.answered.items,
        answers,
        submission.submitted_at,
        submission.submitted_by,
        submission.answered.open_all,
        submission.answered.submission
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One submission.
///
/// # Errors
/// The database is away.
pub async fn find(
    db: &mut PgConnection,
    id: ApplicationId,
    version: i32,
) -> Result<Option<Submission>, StoreError> {
    let row = sqlx::query_as!(
        SubmissionRow,
        "-- reviews.submissions.find
         SELECT * FROM submissions WHERE application_id = $1 AND version = $2",
        id.0,
        version
    )
    .fetch_optional(db)
    .await?;
    row.map(SubmissionRow::read).transpose()
}

/// The return that a submission had answered; empty where there is no such submission.
///
/// # Errors
/// The database is away.
pub async fn answered(
    db: &mut PgConnection,
    id: ApplicationId,
    version: i32,
) -> Result<Returned, StoreError> {
    let row = sqlx::query!(
        "-- reviews.submissions.answered
         SELECT return_items, return_open_all, return_submission FROM submissions WHERE application_id = $1 AND version = $2",
        id.0,
        version
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or_else(Returned::default, |row| Returned {
        items: row.return_items,
        open_all: row.return_open_all,
        submission: row.return_submission,
    }))
}

/// Every submission of an application, newest first, at most 200.
///
/// # Errors
/// The database is away.
pub async fn list(db: &mut PgConnection, id: ApplicationId) -> Result<Vec<Submission>, StoreError> {
    let rows = sqlx::query_as!(
        SubmissionRow,
        "-- reviews.submissions.list
         SELECT * FROM submissions WHERE application_id = $1 ORDER BY version DESC LIMIT 200",
        id.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(SubmissionRow::read).collect()
}
