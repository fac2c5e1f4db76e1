//! Stations over gRPC with a real PostgreSQL; accounts is played by its directory, reviews by its events.

mod claims;
mod harness;
mod ingest;
mod links;
mod registry;
mod search;
mod statistics;
mod turns;
