//! The binary of interconnect: serve.

use clap::{Parser, Subcommand};
use interconnect::config::Config;

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
