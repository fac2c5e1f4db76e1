//! SQL of revisions: opening, sealing, confirming.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::revision::Use;

/// A sealed revision without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its number.
    pub revision: i32,
    /// Of which submission.
    pub submission_version: i32,
    /// `materials` or `supplement`.
    pub kind: String,
    /// Of the content, hex.
    pub hash: String,
    /// When.
    pub sealed_at: OffsetDateTime,
    /// Whether reviews has announced the submission.
    pub confirmed: bool,
    /// The sealed revision before, that the return judged.
    pub base: Option<i32>,
}

/// How a revision is opened.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// What may change; empty means all.
    pub items: Vec<String>,
    /// The sealed revision that changes are counted against.
    pub base: Option<i32>,
    /// Whether that one may stand again (T19).
    pub base_may_stand: bool,
}

/// The next free number of an application's revisions.
///
/// # Errors
/// The database is away.
pub async fn next(db: &mut PgConnection, application_id: Uuid) -> Result<i32, StoreError> {
    let number = sqlx::query_scalar!(
        r#"-- documents.revisions.next
         SELECT coalesce(max(revision), 0) + 1 AS "next!" FROM revisions WHERE application_id = $1"#,
        application_id,
    )
    .fetch_one(db)
    .await?;
    Ok(number)
}

/// Opens a revision.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    opening: &Opening,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.revisions.insert
         INSERT INTO revisions (application_id, revision, state, items, base, base_may_stand, opened_at)
         VALUES ($1, $2, 'open', $3, $4, $5, $6)",
        application_id,
        revision,
        &opening.items,
        opening.base,
        opening.base_may_stand,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Copies the files of one revision to another, and the answers where `answers` says so.
///
/// # Errors
/// The database is away.
pub async fn copy(
    db: &mut PgConnection,
    application_id: Uuid,
    from: i32,
    to: i32,
    answers: bool,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.revisions.copy_placements
         INSERT INTO placements (application_id, revision, slot, file_id, sha256)
         SELECT application_id, $3, slot, file_id, sha256 FROM placements WHERE application_id = $1 AND revision = $2",
        application_id,
        from,
        to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- documents.revisions.copy_explanations
         INSERT INTO explanations (application_id, revision, item, text)
         SELECT application_id, $3, item, text FROM explanations WHERE application_id = $1 AND revision = $2 AND $4",
        application_id,
        from,
        to,
        answers,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Seals the open revision with a copy of what it uses of invoices.
///
/// # Errors
/// The database is away; `revisions_one_seal` where the submission is sealed already.
pub async fn seal(
    db: &mut PgConnection,
    application_id: Uuid,
    sealed: &Sealed,
    holder: &str,
    uses: &[Use],
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.revisions.seal
         UPDATE revisions SET state = 'sealed', submission_version = $3, kind = $4, dossier_hash = $5, sealed_at = $6, held_at = $6,
                holders = ARRAY[$7]::text[]
         WHERE application_id = $1 AND revision = $2 AND state = 'open'",
        application_id,
        sealed.revision,
        sealed.submission_version,
        sealed.kind,
        sealed.hash,
        sealed.sealed_at,
        holder,
    )
    .execute(&mut *db)
    .await?;
    for one in uses {
        let (file_id, file_sha256) = match &one.file {
            Some((id, sha256, _)) => (Some(*id), Some(sha256.as_str())),
            None => (None, None),
        };
        sqlx::query!(
            "-- documents.revisions.seal_invoice
             INSERT INTO sealed_invoices (application_id, revision, invoice_id, allocation_id, code, number, identity,
                                          amount_fen, used_fen, file_id, file_sha256)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            application_id,
            sealed.revision,
            one.invoice_id,
            one.allocation_id,
            one.code,
            one.number,
            one.identity,
            one.amount_fen,
            one.used_fen,
            file_id,
            file_sha256,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Opens a sealed revision again, as if it had not been sealed.
///
/// # Errors
/// The database is away.
pub async fn unseal(db: &mut PgConnection, application_id: Uuid, revision: i32) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.revisions.unseal_invoices
         DELETE FROM sealed_invoices WHERE application_id = $1 AND revision = $2",
        application_id,
        revision,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- documents.revisions.unseal
         UPDATE revisions SET state = 'open', released_submission = submission_version, released_hash = dossier_hash,
                submission_version = NULL, kind = NULL, dossier_hash = NULL, sealed_at = NULL,
                held_at = NULL, holders = '{}'
         WHERE application_id = $1 AND revision = $2 AND state = 'sealed' AND confirmed_at IS NULL",
        application_id,
        revision,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The submission and hash of a seal that was released from this revision.
///
/// # Errors
/// The database is away.
pub async fn released_seal(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
) -> Result<Option<(i32, String)>, StoreError> {
    let row = sqlx::query!(
        "-- documents.revisions.released_seal
         SELECT released_submission, released_hash FROM revisions WHERE application_id = $1 AND revision = $2",
        application_id,
        revision,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| row.released_submission.zip(row.released_hash)))
}

/// Notes that reviews has announced the submission.
///
/// # Errors
/// The database is away.
pub async fn confirm(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.revisions.confirm
         UPDATE revisions SET confirmed_at = $3 WHERE application_id = $1 AND revision = $2 AND state = 'sealed'",
        application_id,
        revision,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes back what was noted of the seal that stands: reviews came from a backup and may not know of its submission.
///
/// # Errors
/// The database is away.
pub async fn doubt(db: &mut PgConnection, application_id: Uuid) -> Result<(), StoreError> {
    sqlx::query(
        "-- documents.revisions.doubt
         UPDATE revisions SET confirmed_at = NULL FROM dossiers
         WHERE dossiers.application_id = $1 AND dossiers.state = 'sealed' AND revisions.application_id = $1
           AND revisions.revision = dossiers.revision AND revisions.state = 'sealed'",
    )
    .bind(application_id)
    .execute(db)
    .await?;
    Ok(())
}

/// Drops an open revision.
///
/// # Errors
/// The database is away.
pub async fn discard(db: &mut PgConnection, application_id: Uuid, revision: i32) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.revisions.discard
         UPDATE revisions SET state = 'discarded' WHERE application_id = $1 AND revision = $2 AND state = 'open'",
        application_id,
        revision,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sealed revisions of an application, oldest first.
///
/// # Errors
/// The database is away.
pub async fn list(db: &mut PgConnection, application_id: Uuid) -> Result<Vec<Sealed>, StoreError> {
    let rows = sqlx::query_as!(
        Sealed,
        r#"-- documents.revisions.list
         SELECT revision, submission_version AS "submission_version!", kind AS "kind!", dossier_hash AS "hash!",
                sealed_at AS "sealed_at!", confirmed_at IS NOT NULL AS "confirmed!", base
         FROM revisions WHERE application_id = $1 AND state = 'sealed' ORDER BY revision"#,
        application_id,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Seals of locked dossiers that nobody took hold of since a time, and reviews has not confirmed: application and
/// submission, oldest first, at most 100.
///
/// # Errors
/// The database is away.
pub async fn unconfirmed(
    db: &mut PgConnection,
    before: OffsetDateTime,
) -> Result<Vec<(Uuid, i32)>, StoreError> {
    let rows = sqlx::query!(
        r#"-- documents.revisions.unconfirmed
         SELECT r.application_id, r.submission_version AS "submission_version!"
         FROM revisions r JOIN dossiers d USING (application_id, revision)
         WHERE d.state = 'sealed' AND r.state = 'sealed' AND r.confirmed_at IS NULL AND r.held_at < $1
         ORDER BY r.held_at LIMIT 100"#,
        before,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.application_id, row.submission_version)).collect())
}
