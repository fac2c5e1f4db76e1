//! The rules of files, dossiers and invoices: plain functions on plain values. No I/O, no clock, no texts for people.

pub mod dossier;
pub mod file;
pub mod invoice;
pub mod ledger;
pub mod preview;
pub mod refusal;
pub mod revision;
pub mod slot;

pub use refusal::Refusal;
pub use slot::Slot;
