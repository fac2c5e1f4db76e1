//! The outlet: facts to subjects and messages. Subjects: `documents.v1.<event>`.

use chassis::{Announcement, Work};
use prost::Message as _;
use proto::documents::{DossierEvent, InvoiceEvent};
use uuid::Uuid;

use crate::domain::{dossier::Dossier, invoice::Invoice};

/// What happened to a dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DossierFact {
    /// A revision may be worked on, also after a seal was released.
    Opened,
    /// A revision is sealed for a submission, also when a carried-over supplement fell back to it.
    Sealed,
    /// The application is over.
    Released,
}

/// What happened to an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceFact {
    /// New, or with another file.
    Entered,
    /// An application uses a part.
    Allocated,
    /// An application gave its part back.
    Released,
    /// Gone; its number is free.
    Deleted,
}

/// Announces a dossier at its present version.
pub fn dossier(work: &mut Work, fact: DossierFact, dossier: &Dossier, hash: &str) {
    let kind = match fact {
        DossierFact::Opened => "dossier_opened",
        DossierFact::Sealed => "dossier_sealed",
        DossierFact::Released => "dossier_released",
    };
    let payload = DossierEvent {
        application_id: dossier.application_id.to_string(),
        operator_id: dossier.operator_id.to_string(),
        revision: dossier.revision,
        dossier_hash: hash.to_owned(),
        state: dossier.state.id().to_owned(),
    };
    work.announce(Announcement {
        aggregate_type: "dossier",
        aggregate_id: dossier.application_id,
        aggregate_version: dossier.version,
        subject: format!("documents.v1.{kind}"),
        kind,
        payload: payload.encode_to_vec(),
        round_id: dossier.round_id,
        policy_version: 0,
    });
}

/// Announces an invoice at its present version; `application_id` where the fact is about one.
pub fn invoice(work: &mut Work, fact: InvoiceFact, invoice: &Invoice, application_id: Option<Uuid>) {
    let kind = match fact {
        InvoiceFact::Entered => "invoice_entered",
        InvoiceFact::Allocated => "invoice_allocated",
        InvoiceFact::Released => "allocation_released",
        InvoiceFact::Deleted => "invoice_deleted",
    };
    let payload = InvoiceEvent {
        invoice_id: invoice.id.to_string(),
        operator_id: invoice.operator_id.to_string(),
        application_id: application_id.map(|id| id.to_string()).unwrap_or_default(),
        amount_fen: invoice.checked.amount_fen,
        used_fen: invoice.used_fen,
    };
    work.announce(Announcement {
        aggregate_type: "invoice",
        aggregate_id: invoice.id,
        aggregate_version: invoice.version,
        subject: format!("documents.v1.{kind}"),
        kind,
        payload: payload.encode_to_vec(),
        round_id: None,
        policy_version: 0,
    });
}
