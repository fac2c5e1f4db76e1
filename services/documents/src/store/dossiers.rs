//! SQL of dossiers, each with its present revision.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::dossier::{Dossier, Seal, State};

/// One dossier, as it stands.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn find(db: &mut PgConnection, application_id: Uuid) -> Result<Option<Dossier>, StoreError> {
    let row = sqlx::query!(
        r#"-- documents.dossiers.find
         SELECT d.application_id, d.operator_id, d.round_id, d.county, d.prefecture, d.state, d.revision, d.edits, d.version, d.under_review,
                r.items AS "items?", r.base AS "base?", s.submission_version AS "submission_version?",
                s.dossier_hash AS "dossier_hash?", s.confirmed_at AS "confirmed_at?"
         FROM dossiers d
         LEFT JOIN revisions r ON r.application_id = d.application_id AND r.revision = d.revision
         LEFT JOIN LATERAL (SELECT submission_version, dossier_hash, confirmed_at FROM revisions
             WHERE application_id = d.application_id AND state = 'sealed' ORDER BY revision DESC LIMIT 1) s ON true
         WHERE d.application_id = $1"#,
        application_id,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = || StoreError::corrupt("dossiers", application_id);
    let seal = match (row.submission_version, row.dossier_hash) {
        (Some(submission_version), Some(hash)) => {
            Some(Seal { submission_version, hash, confirmed: row.confirmed_at.is_some() })
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(corrupt()),
    };
    Ok(Some(Dossier {
        application_id: row.application_id,
        operator_id: row.operator_id,
        round_id: row.round_id,
        county: row.county,
        prefecture: row.prefecture,
        state: State::of_id(&row.state).ok_or_else(corrupt)?,
        revision: row.revision,
        edits: row.edits,
        version: row.version,
        items: row.items.unwrap_or_default(),
        base: row.base,
        under_review: row.under_review,
        seal,
    }))
}

/// One dossier under its row lock; read after the lock is held, so that it is what stands then.
///
/// # Errors
/// The database is away or the lock is not given in time; an impossible row.
pub async fn lock(db: &mut PgConnection, application_id: Uuid) -> Result<Option<Dossier>, StoreError> {
    let held = sqlx::query_scalar!(
        "-- documents.dossiers.lock
         SELECT application_id FROM dossiers WHERE application_id = $1 FOR UPDATE",
        application_id,
    )
    .fetch_optional(&mut *db)
    .await?;
    if held.is_some() { find(db, application_id).await } else { Ok(None) }
}

/// A new dossier; whether it was new.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    dossier: &Dossier,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "-- documents.dossiers.insert
         INSERT INTO dossiers (application_id, operator_id, round_id, county, prefecture, state, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING",
        dossier.application_id,
        dossier.operator_id,
        dossier.round_id,
        dossier.county,
        dossier.prefecture,
        dossier.state.id(),
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes whether reviews says that a locked dossier is under review.
///
/// # Errors
/// The database is away.
pub async fn told(db: &mut PgConnection, application_id: Uuid, under_review: bool) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.dossiers.told
         UPDATE dossiers SET under_review = $2 WHERE application_id = $1 AND under_review <> $2",
        application_id,
        under_review,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves state, revision and counts of a locked dossier.
///
/// # Errors
/// The database is away.
pub async fn save(db: &mut PgConnection, dossier: &Dossier, now: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.dossiers.save
         UPDATE dossiers SET state = $2, revision = $3, edits = $4, version = $5, changed_at = $6 WHERE application_id = $1",
        dossier.application_id,
        dossier.state.id(),
        dossier.revision,
        dossier.edits,
        dossier.version,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
