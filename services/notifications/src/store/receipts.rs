//! Rows of `webhook_receipts`. Append only.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::webhook::receipt::Receipt;

/// A receipt that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Of which event.
    pub event_id: Uuid,
    /// What it is about.
    pub kind: String,
    /// `delivered`, `failed`, `unknown`.
    pub status: String,
    /// The receiver's own code.
    pub code: String,
    /// By the receiver's clock.
    pub at: OffsetDateTime,
    /// By ours.
    pub received_at: OffsetDateTime,
}

impl ReceiptRow {
    /// What the receiver said.
    pub fn receipt(&self) -> Receipt {
        Receipt { kind: self.kind.clone(), status: self.status.clone(), code: self.code.clone(), at: self.at }
    }
}

/// Adds a receipt of an event of this type.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    subscription_id: Uuid,
    event_type: &str,
    row: &ReceiptRow,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.receipts.insert
        INSERT INTO webhook_receipts (subscription_id, event_id, event_type, kind, status, code, at, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        subscription_id,
        row.event_id,
        event_type,
        row.kind,
        row.status,
        row.code,
        row.at,
        row.received_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All receipts of an event, newest first by the receiver's time.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    subscription_id: Uuid,
    event_id: Uuid,
) -> Result<Vec<ReceiptRow>, sqlx::Error> {
    sqlx::query_as!(
        ReceiptRow,
        "-- notifications.receipts.list
        SELECT event_id, kind, status, code, at, received_at FROM webhook_receipts
        WHERE subscription_id = $1 AND event_id = $2 ORDER BY at DESC, kind",
        subscription_id,
        event_id,
    )
    .fetch_all(db)
    .await
}

/// The live receipts of these events, by kind.
///
/// # Errors
/// The database is away.
pub async fn live(
    db: &mut PgConnection,
    subscription_id: Uuid,
    events: &[Uuid],
) -> Result<Vec<ReceiptRow>, sqlx::Error> {
    sqlx::query_as!(
        ReceiptRow,
        "-- notifications.receipts.live
        SELECT DISTINCT ON (event_id, kind) event_id, kind, status, code, at, received_at FROM webhook_receipts
        WHERE subscription_id = $1 AND event_id = ANY($2) ORDER BY event_id, kind, at DESC",
        subscription_id,
        events,
    )
    .fetch_all(db)
    .await
}
