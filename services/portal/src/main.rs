//! The binary of the portal: serve.

use clap::{Parser, Subcommand};
use portal::config::Config;

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
