//! SQL of the ledger: rows are only added; the invoice's sum moves in the same transaction (invariant 6, I1).

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ledger::Allocation;

/// Takes a part of an invoice, if it fits: the statement itself checks the balance. Whether it did.
///
/// # Errors
/// The database is away.
pub async fn allocate(db: &mut PgConnection, allocation: &Allocation, by: &str) -> Result<bool, StoreError> {
    let moved = sqlx::query!(
        "-- documents.ledger.take
         UPDATE invoices SET used_fen = used_fen + $2
         WHERE id = $1 AND deleted_at IS NULL AND used_fen + $2 <= amount_fen",
        allocation.invoice_id,
        allocation.used_fen,
    )
    .execute(&mut *db)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "-- documents.ledger.insert
         INSERT INTO ledger (id, invoice_id, application_id, amount_fen, made_at, made_by) VALUES ($1, $2, $3, $4, $5, $6)",
        allocation.ledger_id,
        allocation.invoice_id,
        allocation.application_id,
        allocation.used_fen,
        allocation.made_at,
        by,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- documents.allocations.insert
         INSERT INTO allocations (invoice_id, application_id, ledger_id, used_fen, made_at, held) VALUES ($1, $2, $3, $4, $5, $6)",
        allocation.invoice_id,
        allocation.application_id,
        allocation.ledger_id,
        allocation.used_fen,
        allocation.made_at,
        allocation.held,
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Gives a part back: a reversing row `id` names the row that it reverses, once.
///
/// # Errors
/// The database is away; `ledger_reverses_key` where it is reversed already.
pub async fn release(
    db: &mut PgConnection,
    allocation: &Allocation,
    id: Uuid,
    now: OffsetDateTime,
    by: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.ledger.reverse
         INSERT INTO ledger (id, invoice_id, application_id, amount_fen, reverses, made_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        allocation.invoice_id,
        allocation.application_id,
        -allocation.used_fen,
        allocation.ledger_id,
        now,
        by,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- documents.ledger.give_back
         UPDATE invoices SET used_fen = used_fen - $2 WHERE id = $1",
        allocation.invoice_id,
        allocation.used_fen,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- documents.allocations.delete
         DELETE FROM allocations WHERE ledger_id = $1",
        allocation.ledger_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Live and held uses of one invoice, by application.
///
/// # Errors
/// The database is away.
pub async fn of_invoice(db: &mut PgConnection, invoice_id: Uuid) -> Result<Vec<Allocation>, StoreError> {
    let rows = sqlx::query_as!(
        Allocation,
        "-- documents.allocations.of_invoice
         SELECT invoice_id, application_id, ledger_id, used_fen, made_at, held FROM allocations
         WHERE invoice_id = $1 ORDER BY application_id, held",
        invoice_id,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Live and held uses of several invoices.
///
/// # Errors
/// The database is away.
pub async fn of_invoices(db: &mut PgConnection, invoices: &[Uuid]) -> Result<Vec<Allocation>, StoreError> {
    let rows = sqlx::query_as!(
        Allocation,
        "-- documents.allocations.of_invoices
         SELECT invoice_id, application_id, ledger_id, used_fen, made_at, held FROM allocations
         WHERE invoice_id = ANY($1) ORDER BY invoice_id, application_id, held",
        invoices,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Live and held uses by one application, by ascending invoice id: the order in which invoices are locked.
///
/// # Errors
/// The database is away.
pub async fn of_application(
    db: &mut PgConnection,
    application_id: Uuid,
) -> Result<Vec<Allocation>, StoreError> {
    let rows = sqlx::query_as!(
        Allocation,
        "-- documents.allocations.of_application
         SELECT invoice_id, application_id, ledger_id, used_fen, made_at, held FROM allocations
         WHERE application_id = $1 ORDER BY invoice_id, held",
        application_id,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}
