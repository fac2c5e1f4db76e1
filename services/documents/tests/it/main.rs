//! Documents over gRPC with a real PostgreSQL; accounts and reviews are played by their directory, facts and events.

mod blobs;
mod files;
mod harness;
mod inspection;
mod invoices;
mod leftovers;
mod pages;
mod paper;
mod previews;
mod sealing;
mod verbs;
