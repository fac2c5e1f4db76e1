//! `cargo xtask migrate`: brings the checkout's databases up to date.
//!
//! Owns: nothing but the order; each service migrates its own database.
use anyhow::Result;

use crate::{
    cargo::{self, Build},
    checkout::Checkout,
    platform::Platform,
    report::step,
};

/// Builds, starts what is needed, migrates, stops what it started. Errors: a migration failed.
pub async fn run() -> Result<()> {
    let checkout = Checkout::find()?;
    let binaries = step("building", cargo::build(&checkout, Build::Debug)).await?;
    let platform = step("PostgreSQL and NATS", Platform::find_or_start(&checkout, binaries)).await?;
    let migrated = step("migrations", platform.migrate()).await;
    platform.stop().await?;
    migrated
}
