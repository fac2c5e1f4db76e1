//! This service's share of the invariants: I1, I2, I7, I11, and what the chassis counts. All must be 0.

use chassis::audit::Report;
use futures::TryStreamExt as _;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    blob::{Blobs, CONTENT, PARTS, PREVIEW, QUARANTINE},
    store::audits,
};

/// An object may be without a row for this long: an upload may be under way.
const ORPHAN_AGE: Duration = Duration::hours(24);

/// Counts every violation.
///
/// # Errors
/// The database or the object store is away.
pub async fn report(pool: &PgPool, blobs: &Blobs) -> anyhow::Result<Report> {
    let mut report = chassis::audit::common(pool).await?;
    report.insert("I1".into(), audits::ledger(pool).await?);
    report.insert("allocations".into(), audits::allocations(pool).await?);
    report.insert("I2".into(), audits::identities(pool).await?);
    report.insert("I7".into(), audits::versions(pool).await?);
    report.insert("revisions".into(), audits::revisions(pool).await?);
    report.insert("I11".into(), contents(pool, blobs).await? + orphans(pool, blobs).await?);
    Ok(report)
}

/// Clean files whose object is missing, or has another size or hash.
async fn contents(pool: &PgPool, blobs: &Blobs) -> anyhow::Result<i64> {
    let mut wrong = 0;
    let mut expected = audits::contents(pool);
    while let Some((sha256, size)) = expected.try_next().await? {
        if blobs.measure(&sha256).await? != Some((size, sha256.clone())) {
            tracing::error!(sha256, size, "object missing or changed");
            wrong += 1;
        }
    }
    Ok(wrong)
}

/// Objects older than 24 h that no row knows.
async fn orphans(pool: &PgPool, blobs: &Blobs) -> anyhow::Result<i64> {
    let now: OffsetDateTime = sqlx::query_scalar("SELECT now()").fetch_one(pool).await?;
    let oldest = (now - ORPHAN_AGE).unix_timestamp();
    let mut wrong = 0;
    let mut objects = blobs.list();
    while let Some(object) = objects.try_next().await? {
        if object.last_modified.timestamp() >= oldest {
            continue;
        }
        let parts: Vec<_> = object.location.parts().map(|part| part.as_ref().to_owned()).collect();
        let known = match (parts.first().map(String::as_str), parts.last()) {
            (Some(CONTENT | PREVIEW), Some(sha256)) => audits::content_known(pool, sha256).await?,
            (Some(QUARANTINE), Some(id)) => match Uuid::parse_str(id) {
                Ok(id) => audits::waiting_known(pool, id).await?,
                Err(_) => false,
            },
            (Some(PARTS), _) => match parts.get(1).map(|id| Uuid::parse_str(id)) {
                Some(Ok(id)) => audits::waiting_known(pool, id).await?,
                Some(Err(_)) | None => false,
            },
            _ => false,
        };
        if !known {
            tracing::error!(object = %object.location, "object without a row");
            wrong += 1;
        }
    }
    Ok(wrong)
}
