//! SQL of what is in a revision: files, answers, and what it uses of invoices.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    Slot,
    invoice::InvoiceType,
    revision::{Content, Placed, Use},
};

fn invoice_type(id: &str, invoice_id: Uuid) -> Result<InvoiceType, StoreError> {
    InvoiceType::of_id(id).ok_or_else(|| StoreError::corrupt("invoices", invoice_id))
}

/// The content of a sealed revision: its files, and the invoices as they were then. Kind, day, seller and buyer are the
/// invoice's own, which nothing changes (workflow, Materials: a wrong one is entered anew).
///
/// # Errors
/// The database is away; an impossible row.
pub async fn sealed(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
) -> Result<Content, StoreError> {
    let rows = sqlx::query!(
        "-- documents.contents.sealed_uses
         SELECT s.invoice_id, s.allocation_id, s.code, s.number, s.identity, i.type AS invoice_type, i.issued_on, i.seller,
                i.buyer_uscc, s.amount_fen, s.used_fen, s.file_id, s.file_sha256
         FROM sealed_invoices s JOIN invoices i ON i.id = s.invoice_id
         WHERE s.application_id = $1 AND s.revision = $2 ORDER BY s.identity",
        application_id,
        revision,
    )
    .fetch_all(&mut *db)
    .await?;
    let uses = rows
        .into_iter()
        .map(|row| {
            Ok(Use {
                invoice_type: invoice_type(&row.invoice_type, row.invoice_id)?,
                invoice_id: row.invoice_id,
                allocation_id: row.allocation_id,
                code: row.code,
                number: row.number,
                identity: row.identity,
                issued_on: row.issued_on,
                seller: row.seller,
                buyer_uscc: row.buyer_uscc,
                amount_fen: row.amount_fen,
                used_fen: row.used_fen,
                balance: (row.used_fen, row.used_fen),
                file: row.file_id.zip(row.file_sha256).map(|(id, sha256)| (id, sha256, true)),
            })
        })
        .collect::<Result<_, StoreError>>()?;
    files_and_answers(db, application_id, revision, uses).await
}

/// What a sealed revision says of invoices: invoice and fen.
///
/// # Errors
/// The database is away.
pub async fn sealed_uses(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let rows = sqlx::query!(
        "-- documents.contents.sealed_fen
         SELECT invoice_id, used_fen FROM sealed_invoices WHERE application_id = $1 AND revision = $2",
        application_id,
        revision,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.invoice_id, row.used_fen)).collect())
}

/// What the sealed revision that stands again if the open supplement is dropped (T19) says of an invoice, fen; 0 where it
/// does not name it, and where only another submission can come: after a city's return (T12) or a withdrawal (T10).
///
/// # Errors
/// The database is away.
pub async fn standing_fen(
    db: &mut PgConnection,
    application_id: Uuid,
    invoice_id: Uuid,
) -> Result<i64, StoreError> {
    let fen = sqlx::query_scalar!(
        "-- documents.contents.standing_fen
         SELECT s.used_fen FROM dossiers d JOIN revisions r USING (application_id, revision)
         JOIN sealed_invoices s ON s.application_id = d.application_id AND s.revision = r.base
         WHERE d.application_id = $1 AND d.state = 'open' AND r.base_may_stand AND s.invoice_id = $2
           AND r.base = (SELECT max(x.revision) FROM revisions x WHERE x.application_id = $1 AND x.state = 'sealed')",
        application_id,
        invoice_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(fen.unwrap_or(0))
}

/// The content of a revision that is not sealed: its files, and the invoices that the application uses now.
///
/// # Errors
/// The database is away; an impossible row.
pub async fn live(db: &mut PgConnection, application_id: Uuid, revision: i32) -> Result<Content, StoreError> {
    let rows = sqlx::query!(
        r#"-- documents.contents.live_uses
         SELECT i.id, a.ledger_id, i.code, i.number, i.identity, i.type AS invoice_type, i.issued_on, i.seller, i.buyer_uscc,
                i.amount_fen, a.used_fen, i.used_fen AS total_fen,
                (SELECT coalesce(sum(l.amount_fen), 0)::bigint FROM ledger l WHERE l.invoice_id = i.id) AS "ledger_fen!",
                i.file_id, f.sha256 AS "sha256?", f.state AS "state?"
         FROM allocations a JOIN invoices i ON i.id = a.invoice_id LEFT JOIN files f ON f.id = i.file_id
         WHERE a.application_id = $1 AND NOT a.held ORDER BY i.identity"#,
        application_id,
    )
    .fetch_all(&mut *db)
    .await?;
    let uses = rows
        .into_iter()
        .map(|row| {
            Ok(Use {
                invoice_type: invoice_type(&row.invoice_type, row.id)?,
                invoice_id: row.id,
                allocation_id: row.ledger_id,
                code: row.code,
                number: row.number,
                identity: row.identity,
                issued_on: row.issued_on,
                seller: row.seller,
                buyer_uscc: row.buyer_uscc,
                amount_fen: row.amount_fen,
                used_fen: row.used_fen,
                balance: (row.ledger_fen, row.total_fen),
                file: row
                    .file_id
                    .zip(row.sha256)
                    .map(|(id, sha256)| (id, sha256, row.state.as_deref() == Some("clean"))),
            })
        })
        .collect::<Result<_, StoreError>>()?;
    files_and_answers(db, application_id, revision, uses).await
}

async fn files_and_answers(
    db: &mut PgConnection,
    application_id: Uuid,
    revision: i32,
    uses: Vec<Use>,
) -> Result<Content, StoreError> {
    let rows = sqlx::query!(
        r#"-- documents.contents.placements
         SELECT p.slot, p.file_id, p.sha256, f.size_bytes, f.state = 'clean' AS "clean!"
         FROM placements p JOIN files f ON f.id = p.file_id
         WHERE p.application_id = $1 AND p.revision = $2 ORDER BY p.slot, p.file_id"#,
        application_id,
        revision,
    )
    .fetch_all(&mut *db)
    .await?;
    let placed = rows
        .into_iter()
        .map(|row| {
            let slot =
                Slot::of_id(&row.slot).ok_or_else(|| StoreError::corrupt("placements", row.file_id))?;
            Ok(Placed {
                slot,
                file_id: row.file_id,
                sha256: row.sha256,
                size: row.size_bytes,
                clean: row.clean,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    let explanations: BTreeMap<_, _> = sqlx::query!(
        "-- documents.contents.explanations
         SELECT item, text FROM explanations WHERE application_id = $1 AND revision = $2",
        application_id,
        revision,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| (row.item, row.text))
    .collect();
    Ok(Content { placed, uses, explanations })
}
