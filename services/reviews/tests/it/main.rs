//! Reviews over gRPC with a real PostgreSQL; accounts, stations and documents are played by their contracts.

mod applications;
mod deadlines;
mod harness;
mod joint_review;
mod lists;
mod neighbours;
mod own_parts;
mod races;
mod trail;
