//! `cargo xtask`: reads the command line and runs one command.
use std::process::ExitCode;

use clap::Parser;
use xtask::commands::{self, Command};

/// Faster than glibc's where many threads make and drop small values, and it gives memory back. Source: performance, rule 14.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The launcher of Yuchong 豫充: starts, tests and checks the platform on one machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[tokio::main]
async fn main() -> ExitCode {
    match commands::run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
