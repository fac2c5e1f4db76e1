//! `documents serve | migrate | audit | outbox | inspect | shrink | page`.

use std::process::ExitCode;

use chassis::dead_letters::Letters;
use clap::{Parser, Subcommand};
use documents::{
    audit,
    blob::Blobs,
    config::Config,
    inspect::{Font, worker},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[derive(Parser)]
#[command(name = "documents", about = "Files, dossiers and invoices of the subsidy review")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves gRPC until SIGTERM.
    Serve,
    /// Brings the database to this version.
    Migrate,
    /// Counts violations of the invariants; exit code 1 when there is one.
    Audit {
        /// One JSON object for programs.
        #[arg(long)]
        json: bool,
    },
    /// The outbox of events.
    Outbox {
        #[command(subcommand)]
        command: Outbox,
    },
    /// What could not be applied.
    #[command(subcommand)]
    DeadLetters(Letters),
    /// The inspection worker: bytes from standard input, one line of JSON to standard output.
    Inspect {
        /// Extension that the file came with.
        #[arg(long)]
        extension: String,
    },
    /// The same worker makes a picture to look at: bytes from standard input, a line of JSON and the picture to standard output.
    Shrink {
        /// Extension of what the bytes are.
        #[arg(long)]
        extension: String,
        /// Longer side of the picture at most, pixels.
        #[arg(long)]
        side_max: u32,
    },
    /// The same worker draws a page of a PDF: bytes from standard input, a line of JSON and the picture to standard output.
    Page {
        /// Which, from 1.
        #[arg(long)]
        number: u32,
        /// Longer side of the picture at most, pixels.
        #[arg(long)]
        side_max: u32,
        /// Font file for Chinese, Japanese and Korean text whose font the PDF does not carry.
        #[arg(long)]
        font: Option<std::path::PathBuf>,
        /// Which face of that file, from 0.
        #[arg(long, default_value_t = 0)]
        font_face: u32,
    },
}

#[derive(Subcommand)]
enum Outbox {
    /// Begins another life after the database came from a backup: another lineage, and every event is published again.
    Restored,
    /// Publishes events again; consumers recognise them.
    Republish {
        /// First moment, RFC 3339.
        #[arg(long, value_parser = moment)]
        from: OffsetDateTime,
        /// Moment after the last, RFC 3339.
        #[arg(long, value_parser = moment)]
        to: OffsetDateTime,
    },
}

fn moment(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &Rfc3339)
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    // The worker has 256 MiB for everything: no threads, no settings.
    let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
    if let Command::Inspect { extension } = &arguments.command {
        worker::answer(extension, input, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Shrink { extension, side_max } = &arguments.command {
        worker::answer_shrunk(extension, *side_max, input, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Page { number, side_max, font, font_face } = arguments.command {
        let font = font.map(|path| Font { path, face: font_face });
        worker::answer_page(number, side_max, font, input, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    drop((input, output));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(arguments.command))
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let config = Config::load()?;
    if let Command::Serve = command {
        let process = chassis::Process::start("documents", &config.chassis()).await?;
        documents::serve(process, &config).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::DeadLetters(letters) = command {
        let process = chassis::Process::start("documents", &config.chassis()).await?;
        chassis::dead_letters::console(&process, vec![documents::subscription(&process)], letters).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let pool = chassis::process::connect(&config.chassis().database, "documents").await?;
    match command {
        Command::Serve
        | Command::DeadLetters(_)
        | Command::Inspect { .. }
        | Command::Shrink { .. }
        | Command::Page { .. } => {}
        Command::Migrate => chassis::migrate(&pool, documents::migrations()).await?,
        Command::Audit { json } => {
            return Ok(chassis::audit::conclude(
                &audit::report(&pool, &Blobs::open(&config.storage)?).await?,
                json,
            ));
        }
        Command::Outbox { command: Outbox::Restored } => {
            println!("{}", chassis::lineage::begin(&pool).await?);
        }
        Command::Outbox { command: Outbox::Republish { from, to } } => {
            println!("{}", chassis::outbox::republish(&pool, from, to).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}
