//! The whole system from outside: a platform of its own for each test, and eyes that look into its databases.
//!
//! Owns: starting and stopping platforms, waiting, own recomputation of hashes, signatures and draws, the checks that
//! hold after every test. Not: how a step of the review is called over gRPC (the launcher's driver).
//!
//! Servers come from `cargo xtask test`: `YUCHONG_TEST_POSTGRES` names a PostgreSQL superuser; each platform has its own
//! databases, NATS server and ports. Tests that kill PostgreSQL start one of their own ([`System::durable`]).
pub mod ambush;
pub mod calm;
pub mod cases;
pub mod cast;
pub mod collector;
pub mod companies;
pub mod evidence;
pub mod paced;
pub mod pages;
pub mod premises;
pub mod records;
pub mod system;
pub mod totp;
pub mod traffic;
pub mod wait;

pub use companies::{Company, PASSWORD};
pub use system::System;
pub use wait::{eventually, rounds, seed};
pub use xtask::{
    driver::{Actor, Refused},
    simulator::server as operator,
};

/// An operator's system that calls the platform, with what a test says in its words.
pub mod tcec {
    pub use xtask::simulator::{bodies::station_info, envelope::local, tcec::Simulator};
}
