//! The real server over real HTTP; accounts and stations are played over gRPC.

mod answers;
mod checks;
mod client;
mod fuzz;
mod hostile;
mod neighbours;
mod pages;
mod properties;
mod refusals;
mod stage;
mod strangers;
mod turns;
mod vectors;
