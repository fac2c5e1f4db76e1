//! What an application uses of an invoice, changed under the locks of its dossier and of the invoice.
//!
//! While a supplement is worked on, its application keeps what the sealed revision before says: the part that the open
//! revision gave back is held until the next submission stands, so that the old revision can stand again (T19).

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Failure, Work};
use uuid::Uuid;

use crate::{
    domain::{
        Refusal,
        invoice::Invoice,
        ledger::{self, Allocation},
    },
    publish,
    publish::InvoiceFact,
    store,
};

/// Makes the application use exactly `used_fen` of the locked invoice, and hold what `sealed_fen` says above that.
/// Announces `fact` where anything changed.
///
/// # Errors
/// `invoice_overdrawn`; the database is away.
pub async fn set(
    work: &mut Work,
    mut invoice: Invoice,
    application_id: Uuid,
    (used_fen, sealed_fen): (i64, i64),
    fact: InvoiceFact,
) -> Result<Invoice, Failure> {
    let wanted = [(false, used_fen), (true, ledger::held(used_fen, sealed_fen))];
    let mut uses = store::ledger::of_invoice(work.db(), invoice.id).await?;
    uses.retain(|one| one.application_id == application_id);
    let mut changed = false;
    for one in uses.iter().filter(|one| !wanted.contains(&(one.held, one.used_fen))) {
        give_back(work, &mut invoice, one).await?;
        changed = true;
    }
    for (held, fen) in wanted {
        if fen > 0 && !uses.iter().any(|one| (one.held, one.used_fen) == (held, fen)) {
            take(work, &mut invoice, application_id, fen, held).await?;
            changed = true;
        }
    }
    if changed {
        invoice.version += 1;
        let now = work.now();
        store::invoices::save(work.db(), &invoice, now).await?;
        publish::invoice(work, fact, &invoice, Some(application_id));
    }
    Ok(invoice)
}

async fn give_back(work: &mut Work, invoice: &mut Invoice, one: &Allocation) -> Result<(), Failure> {
    let (id, now) = (work.new_id(), work.now());
    let by = work.caller().subject.clone();
    store::ledger::release(work.db(), one, id, now, &by).await?;
    invoice.used_fen -= one.used_fen;
    Ok(())
}

async fn take(
    work: &mut Work,
    invoice: &mut Invoice,
    application_id: Uuid,
    used_fen: i64,
    held: bool,
) -> Result<(), Failure> {
    let (ledger_id, made_at) = (work.new_id(), work.now());
    let by = work.caller().subject.clone();
    let allocation =
        Allocation { invoice_id: invoice.id, application_id, ledger_id, used_fen, made_at, held };
    if !store::ledger::allocate(work.db(), &allocation, &by).await? {
        let remaining_fen = invoice.checked.amount_fen - invoice.used_fen;
        return Err(Refusal::InvoiceOverdrawn { remaining_fen }.into());
    }
    invoice.used_fen += used_fen;
    Ok(())
}

/// The next submission stands: nothing is held any more.
///
/// # Errors
/// The database is away.
pub async fn let_go(work: &mut Work, application_id: Uuid) -> Result<(), Failure> {
    let uses = store::ledger::of_application(work.db(), application_id).await?;
    for held in uses.iter().filter(|one| one.held) {
        let used_fen = live(&uses, held.invoice_id);
        change(work, held.invoice_id, application_id, used_fen).await?;
    }
    Ok(())
}

/// A sealed revision stands again: the application uses what that one says, and nothing else.
///
/// # Errors
/// `invoice_overdrawn` cannot be while what it says was held; the database is away.
pub async fn restore(work: &mut Work, application_id: Uuid, revision: i32) -> Result<(), Failure> {
    let uses = store::ledger::of_application(work.db(), application_id).await?;
    let sealed: BTreeMap<Uuid, i64> =
        store::contents::sealed_uses(work.db(), application_id, revision).await?.into_iter().collect();
    // One order of locks: by ascending invoice.
    let invoices: BTreeSet<Uuid> =
        uses.iter().map(|one| one.invoice_id).chain(sealed.keys().copied()).collect();
    for id in invoices {
        change(work, id, application_id, sealed.get(&id).copied().unwrap_or(0)).await?;
    }
    Ok(())
}

/// The application is over: it uses nothing any more.
///
/// # Errors
/// The database is away.
pub async fn release_all(work: &mut Work, application_id: Uuid) -> Result<(), Failure> {
    let uses = store::ledger::of_application(work.db(), application_id).await?;
    let invoices: BTreeSet<Uuid> = uses.iter().map(|one| one.invoice_id).collect();
    for id in invoices {
        change(work, id, application_id, 0).await?;
    }
    Ok(())
}

fn live(uses: &[Allocation], invoice_id: Uuid) -> i64 {
    uses.iter().filter(|one| one.invoice_id == invoice_id && !one.held).map(|one| one.used_fen).sum()
}

async fn change(work: &mut Work, invoice_id: Uuid, application_id: Uuid, fen: i64) -> Result<(), Failure> {
    let invoice = store::invoices::lock(work.db(), invoice_id).await?.ok_or_else(Failure::not_found)?;
    let uses = store::ledger::of_application(work.db(), application_id).await?;
    let fact = if live(&uses, invoice_id) < fen { InvoiceFact::Allocated } else { InvoiceFact::Released };
    set(work, invoice, application_id, (fen, 0), fact).await?;
    Ok(())
}
