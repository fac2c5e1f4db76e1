//! SQL of who holds a seal that no submission has confirmed.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;

/// Lets a request hold a seal that stands.
///
/// # Errors
/// The database is away.
pub async fn hold(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    holder: &str,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.revisions.hold
         UPDATE revisions SET holders = array_append(array_remove(holders, $3), $3), held_at = $4
         WHERE application_id = $1 AND revision = $2 AND state = 'sealed'",
        application_id,
        revision,
        holder,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a request's hold away; whether it was the last one.
///
/// # Errors
/// The database is away.
pub async fn let_go(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    holder: &str,
) -> Result<bool, StoreError> {
    let last = sqlx::query_scalar!(
        r#"-- documents.revisions.let_go
         UPDATE revisions SET holders = array_remove(holders, $3)
         WHERE application_id = $1 AND revision = $2 AND state = 'sealed' AND $3 = ANY(holders)
         RETURNING cardinality(holders) = 0 AS "last!""#,
        application_id,
        revision,
        holder,
    )
    .fetch_optional(db)
    .await?;
    Ok(last.unwrap_or(false))
}

/// Whether nobody has taken hold of a seal since a time.
///
/// # Errors
/// The database is away.
pub async fn idle(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    since: OffsetDateTime,
) -> Result<bool, StoreError> {
    let idle = sqlx::query_scalar!(
        r#"-- documents.revisions.idle
         SELECT held_at < $3 AS "idle!" FROM revisions
         WHERE application_id = $1 AND revision = $2 AND state = 'sealed'"#,
        application_id,
        revision,
        since,
    )
    .fetch_optional(db)
    .await?;
    Ok(idle.unwrap_or(false))
}
