//! Invoices and the ledger. Locks in one order: dossiers by ascending id, then invoices by ascending id.

use chassis::{Failure, Work};
use uuid::Uuid;

use super::{
    lock_own, uses,
    views::{self, InvoiceView},
};
use crate::{
    domain::{
        Refusal, Slot,
        dossier::State,
        file::Purpose,
        invoice::{self, Balance, Entry, Invoice},
        ledger::{self, Allocation},
    },
    labels, publish,
    publish::InvoiceFact,
    store,
};

/// What accounts says about the operator.
#[derive(Debug, Clone)]
pub struct Company {
    /// Its unified social credit code.
    pub uscc: String,
    /// Whether the account is active.
    pub active: bool,
}

/// Enters an invoice of the caller's company.
///
/// # Errors
/// `operator_not_active`; everything wrong with the entry; `file_not_clean`; `invoice_taken`.
pub async fn enter(
    work: &mut Work,
    company: &Company,
    entry: &Entry,
    file_id: Option<Uuid>,
) -> Result<InvoiceView, Failure> {
    let operator_id = work.caller().operator_id.ok_or_else(Failure::not_found)?;
    if !company.active {
        return Err(Refusal::OperatorNotActive.into());
    }
    let now = work.now();
    let checked = match invoice::check(entry, &company.uscc, invoice::day(now)) {
        Ok(checked) => checked,
        Err(wrong) => return Err(labels::all(wrong).unwrap_or_else(Failure::not_found)),
    };
    if let Some(file_id) = file_id {
        check_file(work, operator_id, file_id).await?;
    }
    match store::invoices::holder(work.db(), &checked.identity).await? {
        Some((id, holder)) if holder == operator_id => return Err(Refusal::InvoiceTakenByOwner(id).into()),
        Some(_) => return Err(Refusal::InvoiceTaken.into()),
        None => {}
    }
    let id = work.new_id();
    let by = work.caller().subject.clone();
    let entered = Invoice {
        id,
        operator_id,
        checked,
        used_fen: 0,
        file_id,
        version: 1,
        entered_at: now,
        deleted: false,
    };
    if let Err(error) = store::invoices::insert(work.db(), &entered, &by).await {
        // Somebody entered it between the look and the insert.
        let taken = store::broke(&error, "invoices_one_identity");
        return Err(if taken { Refusal::InvoiceTaken.into() } else { error.into() });
    }
    publish::invoice(work, InvoiceFact::Entered, &entered, None);
    views::invoice(work.db(), entered).await
}

async fn check_file(work: &mut Work, operator_id: Uuid, file_id: Uuid) -> Result<(), Failure> {
    let file = store::files::find(work.db(), file_id).await?;
    let own = file
        .filter(|file| file.declared.owner_id == operator_id && file.declared.purpose == Purpose::Invoice);
    let file = own.ok_or_else(|| Failure::not_found().on("file_id"))?;
    if file.scan.clean() { Ok(()) } else { Err(Refusal::FileNotClean.into()) }
}

async fn lock_own_invoice(work: &mut Work, id: Uuid, version: i64) -> Result<Invoice, Failure> {
    let operator_id = work.caller().operator_id;
    let invoice = store::invoices::lock(work.db(), id).await?;
    let own = invoice.filter(|invoice| Some(invoice.operator_id) == operator_id && !invoice.deleted);
    let invoice = own.ok_or_else(|| Failure::not_found().on("invoice_id"))?;
    ledger::check_version(&invoice.balance(), version)?;
    Ok(invoice)
}

/// Uses a part of an invoice for an application.
///
/// # Errors
/// `not_found`; those of a dossier that may not change at M9; `invoice_changed`, `used_not_positive`,
/// `used_over_amount`, `invoice_already_allocated`, `invoice_overdrawn`.
pub async fn allocate(
    work: &mut Work,
    invoice_id: Uuid,
    application_id: Uuid,
    used_fen: i64,
    version: i64,
) -> Result<InvoiceView, Failure> {
    let mut dossier = lock_own(work, application_id).await?;
    let invoice = lock_own_invoice(work, invoice_id, version).await?;
    dossier.check_slot(Slot::M9, 0)?;
    let uses = store::ledger::of_invoice(work.db(), invoice_id).await?;
    let mine = uses.iter().filter(|one| one.application_id == application_id);
    let held_fen: i64 = mine.clone().filter(|one| one.held).map(|one| one.used_fen).sum();
    // What is held for this very application is within its reach.
    let balance = Balance { used_fen: invoice.used_fen - held_fen, ..invoice.balance() };
    ledger::check_use(&balance, used_fen, mine.clone().any(|one| !one.held))?;
    let sealed_fen = store::contents::standing_fen(work.db(), application_id, invoice_id).await?;
    let fens = (used_fen, sealed_fen);
    let invoice = uses::set(work, invoice, application_id, fens, InvoiceFact::Allocated).await?;
    let now = work.now();
    dossier.edits += 1;
    store::dossiers::save(work.db(), &dossier, now).await?;
    views::invoice(work.db(), invoice).await
}

/// Takes an application's use back; while a supplement is worked on, what the sealed revision before says stays held.
///
/// # Errors
/// `not_found`; those of a dossier that may not change at M9; `invoice_changed`, `allocation_missing`.
pub async fn release(
    work: &mut Work,
    invoice_id: Uuid,
    application_id: Uuid,
    version: i64,
) -> Result<InvoiceView, Failure> {
    let mut dossier = lock_own(work, application_id).await?;
    let invoice = lock_own_invoice(work, invoice_id, version).await?;
    dossier.check_slot(Slot::M9, 0)?;
    let uses = store::ledger::of_invoice(work.db(), invoice_id).await?;
    if !uses.iter().any(|one| one.application_id == application_id && !one.held) {
        return Err(Refusal::AllocationMissing.into());
    }
    let sealed_fen = store::contents::standing_fen(work.db(), application_id, invoice_id).await?;
    let fens = (0, sealed_fen);
    let invoice = uses::set(work, invoice, application_id, fens, InvoiceFact::Released).await?;
    dossier.edits += 1;
    let now = work.now();
    store::dossiers::save(work.db(), &dossier, now).await?;
    views::invoice(work.db(), invoice).await
}

/// Deletes an invoice with all its uses.
///
/// # Errors
/// `not_found`, `invoice_changed`; `invoice_locked` where a dossier that uses it may not change at M9, or the sealed
/// revision before a supplement names it.
pub async fn delete(work: &mut Work, id: Uuid, version: i64) -> Result<InvoiceView, Failure> {
    let (mut invoice, users) = lock_with_users(work, id, version).await?;
    for one in &users {
        if store::contents::standing_fen(work.db(), one.application_id, id).await? > 0 {
            return Err(Refusal::InvoiceLocked.into());
        }
    }
    for one in &users {
        invoice = uses::set(work, invoice, one.application_id, (0, 0), InvoiceFact::Released).await?;
    }
    invoice.deleted = true;
    invoice.version += 1;
    let now = work.now();
    store::invoices::save(work.db(), &invoice, now).await?;
    publish::invoice(work, InvoiceFact::Deleted, &invoice, None);
    views::invoice(work.db(), invoice).await
}

/// Sets or takes away the invoice's file.
///
/// # Errors
/// As [`delete`], and `file_not_clean`.
pub async fn attach(
    work: &mut Work,
    id: Uuid,
    file_id: Option<Uuid>,
    version: i64,
) -> Result<InvoiceView, Failure> {
    let (mut invoice, _) = lock_with_users(work, id, version).await?;
    if let Some(file_id) = file_id {
        check_file(work, invoice.operator_id, file_id).await?;
    }
    invoice.file_id = file_id;
    invoice.version += 1;
    let now = work.now();
    store::invoices::save(work.db(), &invoice, now).await?;
    publish::invoice(work, InvoiceFact::Entered, &invoice, None);
    views::invoice(work.db(), invoice).await
}

/// Locks the dossiers that use an invoice, which must all be open at M9, then the invoice.
async fn lock_with_users(
    work: &mut Work,
    id: Uuid,
    version: i64,
) -> Result<(Invoice, Vec<Allocation>), Failure> {
    let seen = store::ledger::of_invoice(work.db(), id).await?;
    let now = work.now();
    let mut refused = None;
    for one in &seen {
        let found = store::dossiers::lock(work.db(), one.application_id).await?;
        let mut dossier = found.ok_or_else(Failure::not_found)?;
        if dossier.state == State::Open && dossier.editable(Slot::M9) {
            dossier.edits += 1;
            store::dossiers::save(work.db(), &dossier, now).await?;
        } else {
            refused = Some(Refusal::InvoiceLocked);
        }
    }
    // Only the owner learns that it is locked.
    let invoice = lock_own_invoice(work, id, version).await?;
    if let Some(refusal) = refused {
        return Err(refusal.into());
    }
    let uses = store::ledger::of_invoice(work.db(), id).await?;
    let same = uses.len() == seen.len() && uses.iter().zip(&seen).all(|(a, b)| a.ledger_id == b.ledger_id);
    if !same {
        return Err(Failure::conflict("busy_elsewhere", "该内容正在被他人处理，请稍后重试"));
    }
    Ok((invoice, uses))
}
