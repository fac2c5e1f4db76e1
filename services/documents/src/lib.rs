//! Owns files, dossiers with their sealed revisions, and invoices with the ledger of their use.
//!
//! Holds: a file counts only when its inspection found nothing (reliability 13); a sealed revision never changes;
//! Σ live uses of an invoice ≤ its amount at every moment (invariant 6, I1); one company per invoice number (I2).
//! Announces on `documents.v1.<event>`: dossier opened, sealed, released; invoice entered, allocated, deleted;
//! allocation released. Does not know who may decide on an application, nor what its form says.

pub mod domain;
pub mod inspect;
pub mod labels;
