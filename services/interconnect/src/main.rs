//! The binary of interconnect: serve.

use clap::{Parser, Subcommand};
use interconnect::config::Config;

/// Faster than glibc's where many threads make and drop small values, and it gives memory back. Source: performance, rule 14.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// T/CEC 102 with operators' systems.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve operators' systems until told to end.
    Serve,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Command::Serve = Arguments::parse().command;
    interconnect::serve(&Config::load()?).await
}
