//! Table `operator_submissions`: every version that an operator submitted. Rows are decided once and never removed.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, violates};
use crate::domain::{
    ids::{FileId, OperatorId},
    operator::{Decision, Outcome, Submission},
    refusal::Refusal,
    registration::{Entry, OperatorType, Profile},
    seat::SettledSeat,
    uscc::Uscc,
};

struct Row {
    version: i32,
    entry: String,
    company_name: String,
    uscc: String,
    operator_type: String,
    contact_name: String,
    contact_phone: String,
    contact_email: String,
    registered_division: String,
    city: String,
    licence_county: String,
    home_province: String,
    licence_file_id: Option<Uuid>,
    licence_sha256: Option<String>,
    declaration: String,
    submitted_at: OffsetDateTime,
    submitted_by: String,
    outcome: String,
    opinion: String,
    decided_at: Option<OffsetDateTime>,
    decided_by: Option<String>,
}

impl Row {
    fn submission(self, operator: OperatorId) -> Result<Submission, StoreError> {
        let corrupt = || StoreError::Corrupt {
            table: "operator_submissions",
            id: format!("{operator}/{}", self.version),
        };
        let entry = Entry::ALL.into_iter().find(|entry| entry.name() == self.entry).ok_or_else(corrupt)?;
        let profile = Profile {
            uscc: Uscc::parse(&self.uscc).map_err(|_| corrupt())?,
            operator_type: OperatorType::parse(&self.operator_type).ok_or_else(corrupt)?,
            company_name: self.company_name,
            contact_name: self.contact_name,
            contact_phone: self.contact_phone,
            contact_email: self.contact_email,
            seat: SettledSeat {
                registered_division: self.registered_division,
                city: self.city,
                home_province: self.home_province,
                licence_county: self.licence_county,
            },
            licence_file_id: self.licence_file_id.map(FileId),
        };
        let outcome = Outcome::parse(&self.outcome)
            .ok_or(StoreError::Corrupt { table: "operator_submissions", id: operator.to_string() })?;
        Ok(Submission {
            version: self.version,
            entry,
            profile,
            licence_sha256: self.licence_sha256,
            declaration: self.declaration,
            submitted_at: self.submitted_at,
            submitted_by: self.submitted_by,
            outcome,
            opinion: self.opinion,
            decision: self.decided_at.zip(self.decided_by).map(|(at, by)| Decision { at, by }),
        })
    }
}

/// Every submission of an operator, the latest first.
///
/// # Errors
/// The database.
pub async fn list(db: &mut PgConnection, operator: OperatorId) -> Result<Vec<Submission>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.submissions.list
         SELECT version, entry, company_name, uscc, operator_type, contact_name, contact_phone, contact_email,
                registered_division, city, licence_county, home_province, licence_file_id, licence_sha256, declaration,
                submitted_at, submitted_by, outcome, opinion, decided_at, decided_by
         FROM operator_submissions WHERE operator_id = $1 ORDER BY version DESC",
        operator.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| row.submission(operator))
    .collect()
}

/// One submission.
///
/// # Errors
/// The database.
pub async fn find(
    db: &mut PgConnection,
    operator: OperatorId,
    version: i32,
) -> Result<Option<Submission>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.submissions.find
         SELECT version, entry, company_name, uscc, operator_type, contact_name, contact_phone, contact_email,
                registered_division, city, licence_county, home_province, licence_file_id, licence_sha256, declaration,
                submitted_at, submitted_by, outcome, opinion, decided_at, decided_by
         FROM operator_submissions WHERE operator_id = $1 AND version = $2",
        operator.0,
        version
    )
    .fetch_optional(db)
    .await?
    .map(|row| row.submission(operator))
    .transpose()
}

/// A new submission. `Ok(Err(refusal))` where another operator waits with this code.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    operator: OperatorId,
    submission: &Submission,
) -> Result<Result<(), Refusal>, StoreError> {
    let profile = &submission.profile;
    let done = sqlx::query!(
        "-- accounts.submissions.insert
         INSERT INTO operator_submissions (operator_id, version, entry, company_name, uscc, operator_type, contact_name,
             contact_phone, contact_email, registered_division, city, licence_county, home_province, licence_file_id,
             licence_sha256, declaration, submitted_at, submitted_by, outcome)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        operator.0,
        submission.version,
        submission.entry.name(),
        profile.company_name,
        profile.uscc.as_str(),
        profile.operator_type.name(),
        profile.contact_name,
        profile.contact_phone,
        profile.contact_email,
        profile.seat.registered_division,
        profile.seat.city,
        profile.seat.licence_county,
        profile.seat.home_province,
        profile.licence_file_id.map(|file| file.0),
        submission.licence_sha256,
        submission.declaration,
        submission.submitted_at,
        submission.submitted_by,
        submission.outcome.name()
    )
    .execute(db)
    .await;
    match done {
        Ok(_) => Ok(Ok(())),
        Err(error) if violates(&error, "operator_submissions_waiting_uscc") => Ok(Err(Refusal::UsccTaken)),
        Err(error) => Err(error.into()),
    }
}

/// The waiting submission of an operator is overtaken by another; does nothing where none waits.
///
/// # Errors
/// The database.
pub async fn supersede(db: &mut PgConnection, operator: OperatorId) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.submissions.supersede
         UPDATE operator_submissions SET outcome = 'superseded' WHERE operator_id = $1 AND outcome = 'waiting'",
        operator.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes the administrator's word on the waiting submission.
///
/// # Errors
/// The database; this version does not wait.
pub async fn decide(
    db: &mut PgConnection,
    operator: OperatorId,
    version: i32,
    outcome: Outcome,
    opinion: &str,
    decision: &Decision,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "-- accounts.submissions.decide
         UPDATE operator_submissions SET outcome = $3, opinion = $4, decided_at = $5, decided_by = $6
         WHERE operator_id = $1 AND version = $2 AND outcome = 'waiting'",
        operator.0,
        version,
        outcome.name(),
        opinion,
        decision.at,
        decision.by
    )
    .execute(db)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    Err(StoreError::Corrupt { table: "operator_submissions", id: format!("{operator}/{version}") })
}
