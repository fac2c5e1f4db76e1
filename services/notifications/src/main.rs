//! Table of contents: serve | migrate | audit | digest | rebuild | dead-letters | outbox.

mod commands;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    commands::run(commands::Command::parse()).await
}
