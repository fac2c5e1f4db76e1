//! Operators' systems as the platform meets them, for `up --demo`, the end-to-end tests and the tests of faults alike.
//!
//! Owns: stations where vehicles come and go ([`network`], pure and the same for the same seed), faults as data with what the
//! platform must make of each ([`faults`], [`ledger`]), and two ways to say it: T/CEC 102 ([`tcec`], [`server`]) and gRPC ([`door`]).
//! An own implementation of the protocol, from its text. Not: what the platform does with it (decision record 45).
//!
//! ```text
//! let (mut network, mut script, mut ledger) = (Network::of(7, &records), Script::listed([Fault::Duplicate]), Ledger::default());
//! for delivery in network.turn(now).deliveries() {
//!     for sending in script.sendings(delivery) {
//!         let expected = ledger.expect(door.way(), &sending);
//!         assert!(door.send(&sending).await?.is_some_and(|answer| expected.agrees(&answer)));
//!     }
//! }
//! ```
pub mod bodies;
pub mod door;
pub mod envelope;
pub mod faults;
pub mod ledger;
pub mod network;
pub mod server;
pub mod tcec;

pub use door::{Door, Way};
pub use faults::{Delivery, Fault, How, Script, Sending};
pub use ledger::{Ledger, Outcome, Refusal, Verdict};
pub use network::{Network, Report, Sample};
pub use server::OperatorServer;
pub use tcec::Simulator;
