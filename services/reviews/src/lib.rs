//! The subsidy review: rounds, applications, history, work orders, panels, opinions, samples.
//!
//! Holds invariants 1–5, 7, 8 and 10 of the workflow; announces `reviews.v1.…` facts from its outbox. It owns no files
//! and no invoices (`documents`), no registry (`stations`), no accounts.
//! `domain` imports `sha2` besides std, `time`, `uuid` and `thiserror`: hashes are part of its rules.

pub mod domain;
