//! SQL of files.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    Slot,
    file::{Declared, Kept, Purpose, Scan, Taken},
};

struct Row {
    id: Uuid,
    purpose: String,
    owner_id: Uuid,
    application_id: Option<Uuid>,
    slot: String,
    name: String,
    size_bytes: i64,
    sha256: String,
    state: String,
    reason: Option<String>,
    media_type: Option<String>,
    pages: i32,
    width: i32,
    height: i32,
    uploaded_at: OffsetDateTime,
}

impl TryFrom<Row> for Kept {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = || StoreError::corrupt("files", row.id);
        let purpose = match (row.purpose.as_str(), row.application_id) {
            ("material", Some(application_id)) => {
                Purpose::Material { application_id, slot: Slot::of_id(&row.slot).ok_or_else(corrupt)? }
            }
            ("invoice", None) => Purpose::Invoice,
            ("business_licence", None) => Purpose::BusinessLicence,
            _ => return Err(corrupt()),
        };
        let scan = match (row.state.as_str(), row.media_type, row.reason) {
            ("pending", None, None) => Scan::Pending,
            ("clean", Some(media_type), None) => {
                Scan::Clean { media_type, pages: row.pages, width: row.width, height: row.height }
            }
            ("rejected", None, Some(reason)) => Scan::Rejected { reason },
            _ => return Err(StoreError::corrupt("files", row.id)),
        };
        let declared = Declared {
            purpose,
            owner_id: row.owner_id,
            name: row.name,
            size: row.size_bytes,
            sha256: row.sha256,
        };
        Ok(Self { id: row.id, declared, scan, uploaded_at: row.uploaded_at })
    }
}

/// Writes a declared file as pending.
///
/// # Errors
/// The database is away.
pub async fn insert(db: &mut PgConnection, kept: &Kept, by: &str) -> Result<(), StoreError> {
    let declared = &kept.declared;
    let (application_id, slot) = match declared.purpose {
        Purpose::Material { application_id, slot } => (Some(application_id), slot.id()),
        Purpose::Invoice | Purpose::BusinessLicence => (None, ""),
    };
    sqlx::query!(
        "-- documents.files.insert
         INSERT INTO files (id, purpose, owner_id, application_id, slot, name, size_bytes, sha256, state, uploaded_by, uploaded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10)",
        kept.id,
        declared.purpose.id(),
        declared.owner_id,
        application_id,
        slot,
        declared.name,
        declared.size,
        declared.sha256,
        by,
        kept.uploaded_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One file.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn find(db: &mut PgConnection, id: Uuid) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "-- documents.files.find
         SELECT id, purpose, owner_id, application_id, slot, name, size_bytes, sha256, state, reason, media_type,
                pages, width, height, uploaded_at FROM files WHERE id = $1",
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(Kept::try_from).transpose()
}

/// Several files, in no order.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn find_all(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "-- documents.files.find_all
         SELECT id, purpose, owner_id, application_id, slot, name, size_bytes, sha256, state, reason, media_type,
                pages, width, height, uploaded_at FROM files WHERE id = ANY($1)",
        ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// Files of an application, newest first, older than `before`.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn list(
    db: &mut PgConnection,
    application_id: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "-- documents.files.list
         SELECT id, purpose, owner_id, application_id, slot, name, size_bytes, sha256, state, reason, media_type,
                pages, width, height, uploaded_at
         FROM files WHERE application_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        application_id,
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// Records what the inspection said, once; whether it was this call.
///
/// # Errors
/// The database is away.
pub async fn decide(
    db: &mut PgConnection,
    id: Uuid,
    scan: &Scan,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let (media_type, sizes, reason) = match scan {
        Scan::Pending => (None, [0; 3], None),
        Scan::Clean { media_type, pages, width, height } => {
            (Some(media_type), [*pages, *width, *height], None)
        }
        Scan::Rejected { reason } => (None, [0; 3], Some(reason)),
    };
    let done = sqlx::query!(
        "-- documents.files.decide
         UPDATE files SET state = $2, media_type = $3, pages = $4, width = $5, height = $6, reason = $7, decided_at = $8
         WHERE id = $1 AND state = 'pending'",
        id,
        scan.id(),
        media_type,
        sizes[0],
        sizes[1],
        sizes[2],
        reason,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What an application's files take: the open revision's, and those that are in no revision.
///
/// # Errors
/// The database is away.
pub async fn taken(db: &mut PgConnection, application_id: Uuid) -> Result<Taken, StoreError> {
    let row = sqlx::query!(
        r#"-- documents.files.taken
         SELECT count(*) AS "files!", coalesce(sum(size_bytes), 0)::bigint AS "bytes!" FROM files f
         WHERE f.application_id = $1 AND f.state <> 'rejected' AND (
             EXISTS (SELECT 1 FROM placements p JOIN dossiers d ON d.application_id = p.application_id
                     AND d.revision = p.revision WHERE p.file_id = f.id)
             OR NOT EXISTS (SELECT 1 FROM placements p WHERE p.file_id = f.id))"#,
        application_id,
    )
    .fetch_one(db)
    .await?;
    Ok(Taken { files: row.files, bytes: row.bytes })
}

/// Files of one owner and purpose that were not rejected.
///
/// # Errors
/// The database is away.
pub async fn owned(db: &mut PgConnection, owner_id: Uuid, purpose: &Purpose) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"-- documents.files.owned
         SELECT count(*) AS "count!" FROM files WHERE owner_id = $1 AND purpose = $2 AND state <> 'rejected'"#,
        owner_id,
        purpose.id(),
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Licences that people without an account sent since a time.
///
/// # Errors
/// The database is away.
pub async fn anonymous_since(db: &mut PgConnection, since: OffsetDateTime) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"-- documents.files.anonymous_since
         SELECT count(*) AS "count!" FROM files
         WHERE purpose = 'business_licence' AND uploaded_at >= $1 AND uploaded_by = 'anonymous'"#,
        since,
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Pending files declared before a time, oldest first, at most 100.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn interrupted(db: &mut PgConnection, before: OffsetDateTime) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "-- documents.files.interrupted
         SELECT id, purpose, owner_id, application_id, slot, name, size_bytes, sha256, state, reason, media_type,
                pages, width, height, uploaded_at
         FROM files WHERE state = 'pending' AND uploaded_at < $1 ORDER BY uploaded_at LIMIT 100",
        before,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// Applications in whose sealed revisions the file stands, in a slot or behind an invoice; newest first. Only those of
/// the counties and prefectures, or all where `everywhere` says so.
///
/// # Errors
/// The database is away.
pub async fn sealed_in(
    db: &mut PgConnection,
    file_id: Uuid,
    everywhere: bool,
    counties: &[String],
    prefectures: &[String],
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"-- documents.files.sealed_in
         SELECT d.application_id FROM dossiers d
         WHERE d.application_id IN (
             SELECT p.application_id FROM placements p JOIN revisions r USING (application_id, revision)
             WHERE p.file_id = $1 AND r.state = 'sealed'
             UNION SELECT s.application_id FROM sealed_invoices s WHERE s.file_id = $1)
           AND ($2 OR d.county = ANY($3) OR d.prefecture = ANY($4))
         ORDER BY d.application_id DESC LIMIT $5"#,
        file_id,
        everywhere,
        counties,
        prefectures,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}
