//! SQL of the record of downloads: rows are only added.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;

/// One download.
#[derive(Debug, Clone, Copy)]
pub struct Download<'d> {
    /// Of the record.
    pub id: Uuid,
    /// Which file.
    pub file_id: Uuid,
    /// Who: kind and subject.
    pub caller: &'d str,
    /// In which roles.
    pub roles: &'d str,
    /// In which session.
    pub session_id: &'d str,
    /// What of it: `original`, or the size of a preview.
    pub form: &'d str,
    /// Why, where a reason is asked for.
    pub reason: &'d str,
    /// When.
    pub at: OffsetDateTime,
}

/// Records a download.
///
/// # Errors
/// The database is away.
pub async fn insert(db: &mut PgConnection, download: Download<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.downloads.insert
         INSERT INTO downloads (id, file_id, caller, roles, session_id, reason, downloaded_at, form)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        download.id,
        download.file_id,
        download.caller,
        download.roles,
        download.session_id,
        download.reason,
        download.at,
        download.form,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the same download was recorded since a moment: file, form, person, session and reason.
///
/// # Errors
/// The database is away.
pub async fn opened(
    db: &mut PgConnection,
    download: Download<'_>,
    since: OffsetDateTime,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        "-- documents.downloads.opened
         SELECT EXISTS (SELECT FROM downloads WHERE file_id = $1 AND caller = $2 AND session_id = $3 AND reason = $4
             AND form = $5 AND downloaded_at > $6) AS \"opened!\"",
        download.file_id,
        download.caller,
        download.session_id,
        download.reason,
        download.form,
        since,
    )
    .fetch_one(db)
    .await?;
    Ok(found)
}
