//! What a dossier or an invoice looks like from outside: the row with everything that is shown beside it.

use std::collections::BTreeMap;

use chassis::Failure;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{
        dossier::{Dossier, State},
        file::{Kept, Taken},
        invoice::Invoice,
        ledger::Allocation,
        revision::Content,
    },
    store,
};

/// A dossier with what is in it.
#[derive(Debug, Clone)]
pub struct DossierView {
    /// The dossier.
    pub dossier: Dossier,
    /// Its present content.
    pub content: Content,
    /// The files of that content.
    pub files: BTreeMap<Uuid, Kept>,
    /// What counts towards the limits.
    pub taken: Taken,
}

/// An invoice with its live uses.
#[derive(Debug, Clone)]
pub struct InvoiceView {
    /// The invoice.
    pub invoice: Invoice,
    /// Who uses how much.
    pub allocations: Vec<Allocation>,
}

/// The content that stands: sealed while sealed, live otherwise.
///
/// # Errors
/// The database is away.
pub async fn content(db: &mut PgConnection, dossier: &Dossier) -> Result<Content, Failure> {
    let content = match dossier.state {
        State::Sealed => store::contents::sealed(db, dossier.application_id, dossier.revision).await?,
        State::Closed | State::Open | State::Released => {
            store::contents::live(db, dossier.application_id, dossier.revision).await?
        }
    };
    Ok(content)
}

/// The files that a content names, in its slots and on its invoices.
///
/// # Errors
/// The database is away.
pub async fn files(db: &mut PgConnection, content: &Content) -> Result<BTreeMap<Uuid, Kept>, Failure> {
    let placed = content.placed.iter().map(|placed| placed.file_id);
    let invoices = content.uses.iter().filter_map(|one| one.file.as_ref().map(|(id, _, _)| *id));
    let ids: Vec<Uuid> = placed.chain(invoices).collect();
    let files = store::files::find_all(db, &ids).await?;
    Ok(files.into_iter().map(|file| (file.id, file)).collect())
}

/// A dossier as it stands.
///
/// # Errors
/// The database is away.
pub async fn dossier(db: &mut PgConnection, dossier: Dossier) -> Result<DossierView, Failure> {
    let content = content(db, &dossier).await?;
    let files = files(db, &content).await?;
    let taken = store::files::taken(db, dossier.application_id).await?;
    Ok(DossierView { dossier, content, files, taken })
}

/// An invoice as it stands.
///
/// # Errors
/// The database is away.
pub async fn invoice(db: &mut PgConnection, invoice: Invoice) -> Result<InvoiceView, Failure> {
    let allocations = store::ledger::of_invoice(db, invoice.id).await?;
    Ok(InvoiceView { invoice, allocations })
}
