//! The launcher: private servers, streams, the fleet of services, and the commands built from them.
//!
//! Owns: starting and stopping the platform on one machine, for a developer, for tests, for benchmarks.
//! Not: any rule of the business; it asks the services as everybody does.
pub mod arch;
pub mod bench;
pub mod browser;
pub mod capacity;
pub mod cargo;
pub mod checkout;
pub mod commands;
pub mod conform;
pub mod demo;
pub mod deployment;
pub mod driver;
pub mod fleet;
pub mod image;
pub mod keys;
pub mod manifests;
pub mod observability;
pub mod platform;
pub mod ports;
pub mod probe;
pub mod process;
pub mod provision;
pub mod report;
pub mod servers;
pub mod services;
pub mod simulator;
pub mod stop;
pub mod trial;
