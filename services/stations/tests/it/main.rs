//! Stations over gRPC with a real PostgreSQL; accounts is played by its directory, reviews by its events.

mod batches;
mod checks;
mod claims;
mod days;
mod harness;
mod ingest;
mod links;
mod orders;
mod outage;
mod outside;
mod pages;
mod plans;
mod quality;
mod registry;
mod remembered;
mod repeats;
mod search;
mod statistics;
mod turns;
