//! The binary of the portal: serve.

use clap::{Parser, Subcommand};
use portal::config::Config;

/// Faster than glibc's where many threads make and drop small values, and it gives memory back. Source: performance, rule 14.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pages for every role.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve pages until told to end.
    Serve,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Command::Serve = Arguments::parse().command;
    portal::serve(&Config::load()?).await
}
