//! The rules of the station registry, of status reports, of telemetry and of charge orders, as plain functions on plain values.
//!
//! No I/O, no clock, no randomness: time and everything known comes in as arguments.

pub mod bounds;
pub mod check;
pub mod connection;
pub mod day;
pub mod evidence;
pub mod fact;
pub mod guide;
pub mod link;
pub mod order;
pub mod pages;
pub mod period;
pub mod refusal;
pub mod registry;
pub mod rollup;
pub mod search;
pub mod status;
pub mod tally;
pub mod telemetry;
pub mod text;
pub mod turn;
pub mod verdict;

pub use refusal::{Finding, Refusal};
