//! Accounts on real servers: its own PostgreSQL database, NATS, and gRPC over a socket.

#![expect(clippy::disallowed_methods, reason = "tests make their own ids")]

mod divisions;
mod exports;
mod import;
mod licences;
mod machines;
mod members;
mod own;
mod profile;
mod registration;
mod reset;
mod second_factor;
mod setup;
mod sign_in;
mod trail;
mod wrong_codes;
