//! `cargo xtask test`: everything that continuous integration runs, from a clean checkout, on private servers.
//!
//! Owns: the steps and their order. Not: the tests.
use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::prepare;
use crate::{
    arch,
    browser::Browser,
    cargo::{self, Build},
    checkout::{Checkout, binaries},
    manifests,
    report::{NOT_RUN, left_out, step},
    servers::{Durability, Servers},
    trial::{SHARED_NATS, SHARED_POSTGRES},
};

/// How long to test.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Races run 500 rounds instead of 50, and the drills of restore and upgrade are run.
    #[arg(long)]
    long: bool,
    /// Leave out the portal's walks in a real browser, on a machine that can have none.
    #[arg(long)]
    without_browser: bool,
    /// The same, but only where none can be had.
    #[arg(long, conflicts_with = "without_browser")]
    or_without_browser: bool,
}

/// What to do where no browser can be had.
const NO_BROWSER: &str = "no browser for the portal's walks; where none can be had, \
    `cargo xtask test --without-browser` leaves them out";

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
    // Before anything that takes long.
    let mut walks = !arguments.without_browser;
    if walks {
        let found = step("browser", async { Browser::find_or_install().map(drop).context(NO_BROWSER) }).await;
        walks = found.is_ok();
        if !arguments.or_without_browser {
            found?;
        }
    }
    step("formatting", cargo::run(call(&["fmt", "--all", "--check"]))).await?;
    step("house rules", async { arch::run() }).await?;
    step("manifests", async { manifests::run() }).await?;
    let clippy =
        call(&["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    step("lints", cargo::run(clippy)).await?;
    step("query metadata", prepare::run(prepare::Arguments { check: true })).await?;
    step("programs", cargo::build(&checkout, Build::Debug)).await?;
    let mut parts = vec![vec!["test", "--workspace", "--locked", "--no-fail-fast"]];
    if walks {
        parts.push(vec!["test", "--workspace", "--test", "browser", "--locked", "--no-fail-fast"]);
    }
    let mut servers = step("private servers", Servers::trial(&checkout, Durability::Quick)).await?;
    // But for what was not run, no line of ours stands behind the runner's own summary.
    eprintln!("… tests");
    let skipped = target.join(format!("not-run-{}", std::process::id()));
    let mut passed = Ok(());
    for part in parts {
        let mut tests = call(&part);
        tests.env(SHARED_POSTGRES, servers.postgres.cluster().admin_url());
        tests.env(SHARED_NATS, servers.nats.url());
        tests.env(NOT_RUN, &skipped);
        if arguments.long {
            // Tests that are left out otherwise say so by `#[ignore]`.
            tests.env(LONG, "1").args(["--", "--include-ignored"]);
        }
        passed = passed.and(cargo::run(tests).await);
    }
    servers.stop().await?;
    // Nobody shall take it for a pass.
    let mut left = left_out(&skipped);
    left.extend(
        (!walks).then(|| "the walks in a real browser: there is none, or they were left out".to_owned()),
    );
    left.extend(
        (!arguments.long).then(|| "500 rounds of each race, the drills: --long runs them".to_owned()),
    );
    for check in left {
        eprintln!("! NOT RUN: {check}");
    }
    if skipped.exists() {
        fs::remove_file(&skipped)?;
    }
    passed
}
