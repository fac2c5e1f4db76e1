//! Accounts: operators and the review of their registration, people and their roles and scope, sessions and caller
//! tokens, machine clients, divisions.
//!
//! Invariants: one operator per unified social credit code; every submitted version is kept with its opinion; only the
//! user of an active operator carries the role `operator`; a one-time password opens no session; secrets are stored as
//! hashes only. Announces `accounts.v1.{registered, resubmitted, returned, approved, profile_changed, suspended,
//! reinstated}`.

pub mod domain;
