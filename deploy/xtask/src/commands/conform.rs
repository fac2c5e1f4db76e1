//! `cargo xtask conform -- PROGRAM …`: examines a consumer of our events.
//!
//! Owns: the command line and what is printed. Not: the examination.
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::conform::{self, Recording};

/// Whom to examine.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object: `{"passed": bool, "kept": […], "broken": id or null, "because": text or null}`.
    #[arg(long)]
    json: bool,
    /// Do not examine: print a new recording, taken from the running platform's broker at this address.
    #[arg(long, value_name = "URL", conflicts_with = "program")]
    record: Option<String>,
    /// The consumer's program and its arguments, behind `--`. What it has to do: proto/README.md, Events.
    #[arg(last = true, required_unless_present = "record")]
    program: Vec<String>,
}

/// Examines and prints. Errors: a rule was broken, or the examination could not be made.
pub async fn run(arguments: Arguments) -> Result<()> {
    if let Some(url) = &arguments.record {
        print!("{}", conform::record(url).await?);
        return Ok(());
    }
    let mut words = arguments.program.into_iter();
    let program = PathBuf::from(words.next().unwrap_or_default());
    let said = |rule: &str, broken: Option<&str>| match broken {
        None => eprintln!("✓ {rule}"),
        Some(because) => eprintln!("✗ {rule}\n  {because}"),
    };
    let outcome = conform::examine(program, words.collect(), Recording::load()?, said).await?;
    if arguments.json {
        println!("{}", outcome.json());
    }
    match outcome.broken {
        None => Ok(()),
        Some((rule, _)) => bail!("the consumer breaks the rule {rule}"),
    }
}
