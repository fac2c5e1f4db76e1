//! Rows of `link_pulls`: how far the pull of a link's stations has come.
use chassis::{Failure, Work};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::pages::{Pages, Pull};

/// The pull of a leased link that has not ended.
///
/// # Errors
/// The database is away or busy.
pub async fn find(work: &mut Work, operator_id: Uuid) -> Result<Option<Pull>, Failure> {
    let row = sqlx::query!(
        "-- stations.link_pulls.find
         SELECT began_at, since, moved_at, next_page, page_size, items, moving, came, last_codes, taken, rejected, found
         FROM link_pulls WHERE operator_id = $1",
        operator_id
    )
    .fetch_optional(work.db())
    .await?;
    Ok(row.map(|row| Pull {
        began_at: row.began_at,
        since: row.since,
        moved_at: row.moved_at,
        pages: Pages {
            next_page: row.next_page,
            page_size: row.page_size,
            items: row.items,
            moving: row.moving,
            came: row.came,
            last_codes: row.last_codes,
            taken: row.taken,
            rejected: row.rejected,
            found: row.found,
        },
    }))
}

/// Keeps that a pull begins now, with the first page; one before is forgotten.
///
/// # Errors
/// The database is away or busy.
pub async fn begin(work: &mut Work, operator_id: Uuid, since: Option<OffsetDateTime>) -> Result<(), Failure> {
    let now = work.now();
    forget(work, operator_id).await?;
    sqlx::query!(
        "-- stations.link_pulls.begin
         INSERT INTO link_pulls (operator_id, began_at, since, moved_at) VALUES ($1, $2, $3, $2)",
        operator_id,
        now,
        since
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Keeps how far a pull has come.
///
/// # Errors
/// The database is away or busy.
pub async fn save(work: &mut Work, operator_id: Uuid, pages: &Pages) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.link_pulls.save
         UPDATE link_pulls SET moved_at = $2, next_page = $3, page_size = $4, items = $5, moving = $6, came = $7,
                last_codes = $8, taken = $9, rejected = $10, found = $11
         WHERE operator_id = $1",
        operator_id,
        now,
        pages.next_page,
        pages.page_size,
        pages.items,
        pages.moving,
        pages.came,
        &pages.last_codes,
        pages.taken,
        pages.rejected,
        pages.found
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Forgets the pull of a link: it has ended, or asks somewhere else.
///
/// # Errors
/// The database is away or busy.
pub async fn forget(work: &mut Work, operator_id: Uuid) -> Result<(), Failure> {
    sqlx::query!(
        "-- stations.link_pulls.forget
         DELETE FROM link_pulls WHERE operator_id = $1",
        operator_id
    )
    .execute(work.db())
    .await?;
    Ok(())
}
