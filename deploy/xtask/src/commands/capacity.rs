//! `cargo xtask capacity`: writes the capacity page from the figures of the benchmarks.
//!
//! Owns: reading the files and writing the page. Not: the arithmetic (`crate::capacity`), nor the measurement (`crate::bench`).
use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::{
    capacity::{Measured, page},
    checkout::Checkout,
};

/// From what, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// What `bench review --json`, `bench ingest --json` and `bench portal --json` printed; a later file wins.
    #[arg(required = true)]
    figures: Vec<PathBuf>,
    /// Processors of the machine that measured, where the lines do not say.
    #[arg(long)]
    cores: Option<usize>,
    /// Which machine and release the figures are of, and when, e.g. "8 × EPYC 7763, NVMe, release 0.1.0, 2026-11-27"; stands on
    /// the page.
    #[arg(long)]
    of: Option<String>,
    /// The page; without it deploy/capacity.md of the checkout.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Computes and writes. Errors: a file cannot be read, or is none of a whole run; the page cannot be written.
pub fn run(arguments: Arguments) -> Result<()> {
    let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("{}", path.display()));
    let texts = arguments.figures.iter().map(read).collect::<Result<Vec<String>>>()?;
    let page = page::of(&Measured::read(&texts, arguments.cores)?, arguments.of.as_deref());
    let out = match arguments.out {
        Some(path) => path,
        None => Checkout::find()?.root().join("deploy/capacity.md"),
    };
    fs::write(&out, page).with_context(|| format!("{}", out.display()))?;
    eprintln!("{}", out.display());
    Ok(())
}
