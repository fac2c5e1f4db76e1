//! Accounts: operators and the review of their registration, people and their roles and scope, sessions and caller
//! tokens, machine clients, divisions.
//!
//! Invariants: one operator per unified social credit code; every submitted version is kept with its opinion; only the
//! user of an active operator carries the role `operator`; a submitted licence is a clean file of the company itself; a one-time password opens no session, nor does a password
//! alone where a second factor is enrolled; secrets are stored as hashes only, those of second factors sealed. Announces `accounts.v1.{registered, resubmitted, returned, approved, profile_changed, suspended,
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
pub mod vault;

use std::sync::Arc;

use anyhow::Context as _;
use chassis::Process;

use crate::{app::Accounts, config::Config, hashing::Hasher, neighbours::Neighbours};

/// What the inlets need, on a started process.
///
/// # Errors
/// Costs of hashing that Argon2 does not take; a key of second factors that is none.
pub fn accounts(process: &Process, config: Config) -> anyhow::Result<Accounts> {
    let vault = config.second_factor.vault();
    let vault = vault.context("setting second_factor.secrets_key: must be 32 bytes in base64")?;
    Ok(Accounts {
        pool: process.pool.clone(),
        units: process.units.clone(),
        identity: process.identity.clone(),
        hasher: Hasher::new(&config.passwords)
            .map_err(|error| anyhow::anyhow!("setting passwords: {error}"))?,
        vault: Arc::new(vault),
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
    process.serve_outside(rpc::routes(&accounts), rpc::access::ACCESS, rpc::access::OUTSIDE).await
}
