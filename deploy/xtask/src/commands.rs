//! The commands of `cargo xtask`, one file each.
//!
//! Owns: what a person can ask the launcher to do. Not: the parts they are made of.
pub mod audit;
pub mod capacity;
pub mod conform;
pub mod down;
pub mod image;
pub mod migrate;
pub mod prepare;
pub mod test;
pub mod up;

use anyhow::{Result, bail};
use clap::Subcommand;
use futures::future::BoxFuture;

use crate::{bench, stop::Stop};

/// What the launcher can be asked to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Start the whole platform from nothing and keep it running until Ctrl-C.
    Up(up::Arguments),
    /// Stop a running platform; with --wipe also forget its data.
    Down(down::Arguments),
    /// Everything that continuous integration runs, on private servers.
    Test(test::Arguments),
    /// Check the invariants of every service; exit code 1 when one is violated.
    Audit(audit::Arguments),
    /// Examine an event consumer: repetitions, gaps, crashes, a full disk; exit code 1 when it breaks a rule.
    Conform(conform::Arguments),
    /// Measure the real services beside raw limits on private servers.
    Bench(bench::Arguments),
    /// Write the page of what a province and the nation need, from the benchmarks' figures.
    Capacity(capacity::Arguments),
    /// Bring the databases up to date and stop again.
    Migrate,
    /// Write the metadata of compile-time checked SQL; with --check only compare it.
    Prepare(prepare::Arguments),
    /// Check the house rules that a compiler does not: arrows between parts, sizes, words.
    Arch,
    /// Make the container image of one program, without a registry.
    Image(image::Arguments),
    /// Render what is deployed to Kubernetes and check it, without a cluster.
    Manifests,
}

/// Runs a command; Ctrl-C and SIGTERM end it and everything that it has started.
///
/// Errors: the command's own, for people; or it was stopped.
pub async fn run(command: Command) -> Result<()> {
    let mut stop = Stop::listen()?;
    let work: BoxFuture<'_, Result<()>> = match command {
        // Stops in order by itself.
        Command::Up(arguments) => return up::run(arguments).await,
        Command::Down(arguments) => Box::pin(down::run(arguments)),
        Command::Test(arguments) => Box::pin(test::run(arguments)),
        Command::Audit(arguments) => Box::pin(audit::run(arguments)),
        Command::Conform(arguments) => Box::pin(conform::run(arguments)),
        Command::Bench(arguments) => Box::pin(bench::run(arguments)),
        Command::Capacity(arguments) => Box::pin(async { capacity::run(arguments) }),
        Command::Migrate => Box::pin(migrate::run()),
        Command::Prepare(arguments) => Box::pin(prepare::run(arguments)),
        Command::Arch => Box::pin(async { crate::arch::run() }),
        Command::Image(arguments) => Box::pin(image::run(arguments)),
        Command::Manifests => Box::pin(async { crate::manifests::run() }),
    };
    tokio::select! {
        done = work => done,
        () = stop.asked() => bail!("stopped"),
    }
}
