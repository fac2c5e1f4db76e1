//! Applications by their clocks: locked without waiting for anybody, the due ones first. Source: T26, T27.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, applications::ApplicationRow};
use crate::domain::{application::Application, ids::ApplicationId};

/// Locks those of these applications that nobody holds at this moment, in ascending id order. Source: T26.
///
/// # Errors
/// The database is away.
pub async fn lock_free(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Application>, StoreError> {
    let rows = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.clocks.lock_free
         SELECT d.persons, d.tiers, a.* FROM applications a
         LEFT JOIN LATERAL (SELECT array_agg(person_id ORDER BY person_id) AS persons, array_agg(tier ORDER BY person_id) AS tiers
             FROM deciders WHERE application_id = a.id) d ON true
         WHERE a.id = ANY ($1) ORDER BY a.id FOR NO KEY UPDATE OF a SKIP LOCKED",
        ids
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ApplicationRow::read).collect()
}

/// Locks the applications whose clock should have struck by now, the longest due first; those that somebody holds wait
/// for another look. Two timers never get the same one. Source: T27.
///
/// # Errors
/// The database is away.
pub async fn lock_due(
    db: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Application>, StoreError> {
    let rows = sqlx::query_as!(
        ApplicationRow,
        "-- reviews.clocks.lock_due
         SELECT NULL::uuid[] AS persons, NULL::text[] AS tiers, a.* FROM applications a
         WHERE strikes_at <= $1 ORDER BY strikes_at, id LIMIT $2 FOR NO KEY UPDATE OF a SKIP LOCKED",
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ApplicationRow::read).collect()
}

/// Notes when a clock strikes next, where that follows from the calendar and not from a step.
///
/// # Errors
/// The database is away.
pub async fn wind(
    db: &mut PgConnection,
    id: ApplicationId,
    strikes_at: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- reviews.clocks.wind
         UPDATE applications SET strikes_at = $2 WHERE id = $1",
        id.0,
        strikes_at
    )
    .execute(db)
    .await?;
    Ok(())
}
