//! `cargo xtask test`: everything that continuous integration runs, from a clean checkout, on private servers.
//!
//! Owns: the steps and their order. Not: the tests.
use std::path::Path;

use anyhow::Result;

use super::prepare;
use crate::{
    arch,
    browser::Browser,
    cargo::{self, Build},
    checkout::{Checkout, binaries},
    manifests,
    report::step,
    servers::{Durability, Servers},
    trial::{SHARED_NATS, SHARED_POSTGRES},
};

/// How long to test.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Races run 500 rounds instead of 50, and the drills of restore are run.
    #[arg(long)]
    long: bool,
    /// Fail where the portal's walks in a real browser cannot run, instead of saying so.
    #[arg(long)]
    browser: bool,
}

/// Tells tests to run their races 500 times.
pub const LONG: &str = "YUCHONG_LONG";

/// Runs all steps; the first that fails ends it. Errors: that step's.
pub async fn run(arguments: Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    let target = binaries()?.parent().map(Path::to_path_buf).unwrap_or_default();
    let call = |arguments: &[&str]| {
        let mut command = cargo::command(&checkout, arguments);
        command.env("CARGO_TARGET_DIR", &target);
        command
    };
    step("formatting", cargo::run(call(&["fmt", "--all", "--check"]))).await?;
    step("house rules", async { arch::run() }).await?;
    step("manifests", async { manifests::run() }).await?;
    let clippy =
        call(&["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    step("lints", cargo::run(clippy)).await?;
    step("query metadata", prepare::run(prepare::Arguments { check: true })).await?;
    step("programs", cargo::build(&checkout, Build::Debug)).await?;
    let mut parts = vec![vec!["test", "--workspace", "--locked", "--no-fail-fast"]];
    let browser = step("browser", async { Browser::find_or_install().map(drop) }).await;
    if browser.is_ok() {
        parts.push(vec!["test", "--workspace", "--test", "browser", "--locked", "--no-fail-fast"]);
    }
    let mut servers = step("private servers", Servers::trial(&checkout, Durability::Quick)).await?;
    // No line of ours behind it: the runner's own summary is the last word.
    eprintln!("… tests");
    let mut passed = Ok(());
    for part in parts {
        let mut tests = call(&part);
        tests.env(SHARED_POSTGRES, servers.postgres.cluster().admin_url());
        tests.env(SHARED_NATS, servers.nats.url());
        if arguments.long {
            // Tests that are left out otherwise say so by `#[ignore]`.
            tests.env(LONG, "1").args(["--", "--include-ignored"]);
        }
        passed = passed.and(cargo::run(tests).await);
    }
    servers.stop().await?;
    match browser {
        Err(error) if arguments.browser => return Err(error),
        // A machine without a network is no reason to lose all other tests; but nobody shall take it for a pass.
        Err(error) => eprintln!("! NOT RUN: the walks in a real browser ({error:#})"),
        Ok(()) => {}
    }
    passed
}
