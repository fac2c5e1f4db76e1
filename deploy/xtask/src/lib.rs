//! The launcher: private servers, streams, the fleet of services, and the commands built from them.
//!
//! Owns: starting and stopping the platform on one machine, for a developer, for tests, for benchmarks.
//! Not: any rule of the business; it asks the services as everybody does.
pub mod checkout;
pub mod deployment;
pub mod fleet;
pub mod keys;
pub mod ports;
pub mod probe;
pub mod process;
pub mod provision;
pub mod servers;
pub mod services;
pub mod trial;
