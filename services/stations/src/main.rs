//! The binary of stations: a table of contents.
use std::process::ExitCode;

use chassis::dead_letters::Letters;
use clap::{Parser, Subcommand};
use stations::{audit, config::Config};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Faster than glibc's where many threads make and drop small values, and it gives memory back. Source: performance, rule 14.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The station registry, the ingest and the evidence.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve gRPC until told to end.
    Serve,
    /// Bring the database up to date.
    Migrate,
    /// Count violations of the invariants; exit code 1 when there is one.
    Audit {
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// What could not be applied.
    #[command(subcommand)]
    DeadLetters(Letters),
    /// The outbox.
    Outbox {
        #[command(subcommand)]
        command: Outbox,
    },
}

#[derive(Subcommand)]
enum Outbox {
    /// Begins another life after the database came from a backup: another lineage, and every event is published again.
    Restored,
    /// Publish the events of a time range again; consumers pass what they know.
    Republish {
        /// RFC 3339.
        #[arg(long, value_parser = instant)]
        from: OffsetDateTime,
        /// RFC 3339.
        #[arg(long, value_parser = instant)]
        to: OffsetDateTime,
    },
}

fn instant(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &Rfc3339)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let command = Arguments::parse().command;
    let config = Config::load()?;
    let settings = config.chassis();
    match command {
        Command::Serve => {
            let process = chassis::Process::start("stations", &settings).await?;
            stations::serve(process, &config).await?;
        }
        Command::Migrate => {
            let pool = chassis::process::connect(&settings.database, "stations-migrate").await?;
            chassis::migrate(&pool, stations::migrations()).await?;
        }
        Command::Audit { json } => {
            let pool = chassis::process::connect(&settings.database, "stations-audit").await?;
            return Ok(chassis::audit::conclude(&audit::report(&pool).await?, json));
        }
        Command::DeadLetters(letters) => {
            let process = chassis::Process::start("stations", &settings).await?;
            let subscriptions = vec![stations::subscription(&process)];
            chassis::dead_letters::console(&process, subscriptions, letters).await?;
        }
        Command::Outbox { command: Outbox::Restored } => {
            let pool = chassis::process::connect(&settings.database, "stations-outbox").await?;
            println!("{}", chassis::lineage::begin(&pool).await?);
        }
        Command::Outbox { command: Outbox::Republish { from, to } } => {
            let pool = chassis::process::connect(&settings.database, "stations-outbox").await?;
            println!("{}", chassis::outbox::republish(&pool, from, to).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}
