//! Accounts: operators and the review of their registration, people and their roles and scope, sessions and caller
//! tokens, machine clients, divisions.
//!
//! Invariants: one operator per unified social credit code; every submitted version is kept with its opinion; only the
//! user of an active operator carries the role `operator`; a submitted licence is a clean file of the company itself; a one-time password opens no session; secrets are stored as
//! hashes only. Announces `accounts.v1.{registered, resubmitted, returned, approved, profile_changed, suspended,
//! reinstated}`.

pub mod app;
pub mod audit;
pub mod config;
pub mod console;
pub mod divisions;
pub mod domain;
pub mod hashing;
pub mod labels;
pub mod neighbours;
pub mod publish;
pub mod rpc;
pub mod secrets;
pub mod sender;
pub mod store;

use std::sync::Arc;

use chassis::Process;

use crate::{app::Accounts, config::Config, hashing::Hasher, neighbours::Neighbours};

/// What the inlets need, on a started process.
///
/// # Errors
/// Costs of hashing that Argon2 does not take.
pub fn accounts(process: &Process, config: Config) -> anyhow::Result<Accounts> {
    Ok(Accounts {
        pool: process.pool.clone(),
        units: process.units.clone(),
        identity: process.identity.clone(),
        hasher: Hasher::new(&config.passwords)
            .map_err(|error| anyhow::anyhow!("setting passwords: {error}"))?,
        neighbours: Neighbours::new(process.peer("documents")),
        config: Arc::new(config),
    })
}

/// Serves until the process is told to end.
///
/// # Errors
/// The process does not start, or its server fails.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let process = Process::start("accounts", &config.chassis()).await?;
    let accounts = accounts(&process, config)?;
    process.relay();
    process.spawn("sender", sender::run(accounts.units.clone(), accounts.config.sender.outbox_file.clone()));
    process.spawn("housekeeping", app::sessions::keep_house(accounts.clone()));
    process.serve(rpc::routes(&accounts), rpc::access::ACCESS).await
}
