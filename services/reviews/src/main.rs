//! The binary of reviews: a table of contents.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use reviews::{audit, config::Config};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Faster than glibc's where many threads make and drop small values, and it gives memory back. Source: performance, rule 14.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The subsidy review.
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
            let process = chassis::Process::start("reviews", &settings).await?;
            reviews::serve(process, &config).await?;
        }
        Command::Migrate => {
            let pool = chassis::process::connect(&settings.database, "reviews-migrate").await?;
            chassis::migrate(&pool, reviews::migrations()).await?;
        }
        Command::Audit { json } => {
            let pool = chassis::process::connect(&settings.database, "reviews-audit").await?;
            return Ok(chassis::audit::conclude(&audit::run(&pool, &config.seal()?).await?, json));
        }
        Command::Outbox { command: Outbox::Restored } => {
            let pool = chassis::process::connect(&settings.database, "reviews-outbox").await?;
            println!("{}", chassis::lineage::begin(&pool).await?);
        }
        Command::Outbox { command: Outbox::Republish { from, to } } => {
            let pool = chassis::process::connect(&settings.database, "reviews-outbox").await?;
            println!("{}", chassis::outbox::republish(&pool, from, to).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}
