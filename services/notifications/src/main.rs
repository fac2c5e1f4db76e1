//! Table of contents: serve | migrate | audit | digest | rebuild | dead-letters | outbox.

mod commands;

use std::process::ExitCode;

use clap::Parser as _;

/// Faster than glibc's where many threads make and drop small values, and it gives memory back. Source: performance, rule 14.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    commands::run(commands::Command::parse()).await
}
