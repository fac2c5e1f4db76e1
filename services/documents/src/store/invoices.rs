//! SQL of invoices.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::invoice::{Checked, Invoice, InvoiceType};

struct Row {
    id: Uuid,
    operator_id: Uuid,
    r#type: String,
    code: String,
    number: String,
    identity: String,
    amount_fen: i64,
    used_fen: i64,
    issued_on: Date,
    seller: String,
    buyer_uscc: String,
    file_id: Option<Uuid>,
    version: i64,
    entered_at: OffsetDateTime,
    deleted_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Invoice {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let invoice_type =
            InvoiceType::of_id(&row.r#type).ok_or_else(|| StoreError::corrupt("invoices", row.id))?;
        Ok(Self {
            id: row.id,
            operator_id: row.operator_id,
            checked: Checked {
                invoice_type,
                code: row.code,
                number: row.number,
                identity: row.identity,
                amount_fen: row.amount_fen,
                issued_on: row.issued_on,
                seller: row.seller,
                buyer_uscc: row.buyer_uscc,
            },
            used_fen: row.used_fen,
            file_id: row.file_id,
            version: row.version,
            entered_at: row.entered_at,
            deleted: row.deleted_at.is_some(),
        })
    }
}

/// Writes a new invoice.
///
/// # Errors
/// The database is away; `invoices_one_identity` where it is entered already.
pub async fn insert(db: &mut PgConnection, invoice: &Invoice, by: &str) -> Result<(), StoreError> {
    let says = &invoice.checked;
    sqlx::query!(
        "-- documents.invoices.insert
         INSERT INTO invoices (id, operator_id, type, code, number, identity, amount_fen, issued_on, seller, buyer_uscc,
                               file_id, version, entered_at, entered_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $13)",
        invoice.id,
        invoice.operator_id,
        says.invoice_type.id(),
        says.code,
        says.number,
        says.identity,
        says.amount_fen,
        says.issued_on,
        says.seller,
        says.buyer_uscc,
        invoice.file_id,
        invoice.version,
        invoice.entered_at,
        by,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who has entered the invoice of this identity: id and operator.
///
/// # Errors
/// The database is away.
pub async fn holder(db: &mut PgConnection, identity: &str) -> Result<Option<(Uuid, Uuid)>, StoreError> {
    let row = sqlx::query!(
        "-- documents.invoices.holder
         SELECT id, operator_id FROM invoices WHERE identity = $1 AND deleted_at IS NULL",
        identity,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.operator_id)))
}

/// One invoice, also a deleted one.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn find(db: &mut PgConnection, id: Uuid) -> Result<Option<Invoice>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "-- documents.invoices.find
         SELECT id, operator_id, type, code, number, identity, amount_fen, used_fen, issued_on, seller, buyer_uscc,
                file_id, version, entered_at, deleted_at FROM invoices WHERE id = $1",
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(Invoice::try_from).transpose()
}

/// One invoice under its row lock. Several are locked in ascending id (reliability section 8).
///
/// # Errors
/// The database is away or the lock is not given in time; an impossible row.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<Invoice>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "-- documents.invoices.lock
         SELECT id, operator_id, type, code, number, identity, amount_fen, used_fen, issued_on, seller, buyer_uscc,
                file_id, version, entered_at, deleted_at FROM invoices WHERE id = $1 FOR UPDATE",
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(Invoice::try_from).transpose()
}

/// Which invoices of an operator a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those that this application uses.
    pub application_id: Option<Uuid>,
    /// The begin of the number, or a piece of the seller's name; lower case; empty for all.
    pub text: String,
    /// Only those of which something is left, or kept for an application that may use it again.
    pub balance_left: bool,
}

/// Live invoices of an operator, newest first, older than `before`.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn list(
    db: &mut PgConnection,
    operator_id: Uuid,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Invoice>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "-- documents.invoices.list
         SELECT id, operator_id, type, code, number, identity, amount_fen, used_fen, issued_on, seller, buyer_uscc,
                file_id, version, entered_at, deleted_at
         FROM invoices i
         WHERE operator_id = $1 AND deleted_at IS NULL AND ($3::uuid IS NULL OR id < $3)
           AND ($2::uuid IS NULL OR EXISTS (SELECT 1 FROM allocations a WHERE a.invoice_id = i.id AND a.application_id = $2
                                               AND NOT a.held))
           AND ($5 = '' OR starts_with(number, $5) OR strpos(lower(seller), $5) > 0)
           AND (NOT $6::boolean OR used_fen < amount_fen
                OR EXISTS (SELECT 1 FROM allocations a WHERE a.invoice_id = i.id AND a.held))
         ORDER BY id DESC LIMIT $4",
        operator_id,
        filter.application_id,
        before,
        limit,
        filter.text,
        filter.balance_left,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Invoice::try_from).collect()
}

/// Saves file, version and deletion of a locked invoice.
///
/// # Errors
/// The database is away.
pub async fn save(db: &mut PgConnection, invoice: &Invoice, now: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query!(
        "-- documents.invoices.save
         UPDATE invoices SET file_id = $2, version = $3, changed_at = $4,
                deleted_at = CASE WHEN $5 THEN coalesce(deleted_at, $4) END
         WHERE id = $1",
        invoice.id,
        invoice.file_id,
        invoice.version,
        now,
        invoice.deleted,
    )
    .execute(db)
    .await?;
    Ok(())
}
