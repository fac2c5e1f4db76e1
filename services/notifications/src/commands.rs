//! The console: what each subcommand takes, and which part of the library it calls.

use std::process::ExitCode;

use chassis::{Process, dead_letters::Letters, process::connect};
use clap::{Parser, Subcommand};
use notifications::{audit, config::Config, digest, rebuild};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Worklists, messages and the live stream of the platform.
#[derive(Debug, Parser)]
#[command(name = "notifications", version)]
pub(crate) enum Command {
    /// Runs the service.
    Serve,
    /// Brings the database to this version.
    Migrate,
    /// Counts violations of the invariants; exit code 1 when there is one.
    Audit {
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Prints counts and hashes of worklist, messages and work orders as one JSON object.
    Digest,
    /// Makes worklist, messages, work orders and inbox anew from the streams; safe beside a running service.
    Rebuild {
        /// Reads the streams REVIEWS and ACCOUNTS from their start; the only source, and the default.
        #[arg(long)]
        from_stream: bool,
        /// Goes on although a stream no longer holds its first messages.
        #[arg(long)]
        accept_cut_stream: bool,
    },
    /// What could not be applied.
    #[command(subcommand)]
    DeadLetters(Letters),
    /// The outbox; this service announces nothing, so it is empty.
    #[command(subcommand)]
    Outbox(Outbox),
}

/// The outbox.
#[derive(Debug, Subcommand)]
pub(crate) enum Outbox {
    /// Begins another life after the database came from a backup: another lineage, and every event is published again.
    Restored,
    /// Publishes the events of a period again.
    Republish {
        /// RFC 3339, inclusive.
        #[arg(long, value_parser = moment)]
        from: OffsetDateTime,
        /// RFC 3339, exclusive.
        #[arg(long, value_parser = moment)]
        to: OffsetDateTime,
    },
}

fn moment(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &Rfc3339)
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let config = Config::load()?;
    match command {
        Command::Serve => notifications::serve(&config).await?,
        Command::Migrate => {
            let pool = connect(&config.database, "notifications-migrate").await?;
            chassis::migrate(&pool, sqlx::migrate!("../../migrations/notifications")).await?;
        }
        Command::Audit { json } => {
            let pool = connect(&config.database, "notifications-audit").await?;
            return Ok(chassis::audit::conclude(&audit::audit(&pool).await?, json));
        }
        Command::Digest => {
            let pool = connect(&config.database, "notifications-digest").await?;
            println!("{}", serde_json::to_string(&digest::digest(&pool).await?)?);
        }
        Command::Rebuild { from_stream: _, accept_cut_stream } => {
            let process = Process::start("notifications", &config.chassis()).await?;
            let summary = rebuild::run(&process, config.rebuild_broker(), accept_cut_stream).await?;
            println!("{}", serde_json::to_string(&summary)?);
        }
        Command::DeadLetters(letters) => {
            let process = Process::start("notifications", &config.chassis()).await?;
            let subscriptions = notifications::subscriptions(&process);
            chassis::dead_letters::console(&process, subscriptions, letters).await?;
        }
        Command::Outbox(Outbox::Restored) => {
            let pool = connect(&config.database, "notifications-outbox").await?;
            println!("{}", chassis::lineage::begin(&pool).await?);
        }
        Command::Outbox(Outbox::Republish { from, to }) => {
            let pool = connect(&config.database, "notifications-outbox").await?;
            println!("{}", chassis::outbox::republish(&pool, from, to).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}
