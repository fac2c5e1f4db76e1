//! SQL of what the open revision holds: files in slots, answers in words.

use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;
use crate::domain::Slot;

/// Puts a file into a slot.
///
/// # Errors
/// The database is away; `placements_application_id_revision_sha256_key` or `placements_pkey` for the same content twice.
pub async fn insert(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    slot: Slot,
    file_id: Uuid,
    sha256: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.placements.insert
         INSERT INTO placements (application_id, revision, slot, file_id, sha256) VALUES ($1, $2, $3, $4, $5)",
        application_id,
        revision,
        slot.id(),
        file_id,
        sha256,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a file out of the revision; the slot that it was in.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn delete(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    file_id: Uuid,
) -> Result<Option<Slot>, StoreError> {
    let slot = sqlx::query_scalar!(
        "-- documents.placements.delete
         DELETE FROM placements WHERE application_id = $1 AND revision = $2 AND file_id = $3 RETURNING slot",
        application_id,
        revision,
        file_id,
    )
    .fetch_optional(db)
    .await?;
    slot.map(|slot| Slot::of_id(&slot).ok_or_else(|| StoreError::corrupt("placements", file_id))).transpose()
}

/// Whether content stands in the revision.
///
/// # Errors
/// The database is away.
pub async fn holds(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    sha256: &str,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"-- documents.placements.holds
         SELECT EXISTS (SELECT 1 FROM placements WHERE application_id = $1 AND revision = $2 AND sha256 = $3) AS "found!""#,
        application_id,
        revision,
        sha256,
    )
    .fetch_one(db)
    .await?;
    Ok(found)
}

/// Answers an item in words; an empty text takes the answer back.
///
/// # Errors
/// The database is away.
pub async fn explain(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    item: &str,
    text: &str,
) -> Result<(), StoreError> {
    if text.is_empty() {
        sqlx::query!(
            "-- documents.explanations.delete
             DELETE FROM explanations WHERE application_id = $1 AND revision = $2 AND item = $3",
            application_id,
            revision,
            item,
        )
        .execute(db)
        .await?;
        return Ok(());
    }
    sqlx::query!(
        "-- documents.explanations.save
         INSERT INTO explanations (application_id, revision, item, text) VALUES ($1, $2, $3, $4)
         ON CONFLICT (application_id, revision, item) DO UPDATE SET text = $4",
        application_id,
        revision,
        item,
        text,
    )
    .execute(db)
    .await?;
    Ok(())
}
