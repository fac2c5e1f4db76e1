//! The rules of the subsidy review as plain functions on plain values: no I/O, no clock, no randomness.
//!
//! Imports std, `time`, `uuid`, `thiserror`, and `sha2` for the hashes that the rules themselves define.

pub mod act;
pub mod advance;
pub mod answers;
pub mod application;
pub mod awaited;
pub mod calendar;
pub mod canonical;
pub mod clock;
pub mod decide;
pub mod decision;
pub mod draw;
pub mod facts;
pub mod form;
pub mod guards;
pub mod history;
pub mod ids;
pub mod order;
pub mod order_decision;
pub mod policy;
pub mod refusal;
pub mod stage;
pub mod station;
pub mod table;

#[cfg(test)]
pub(crate) mod fixtures;
