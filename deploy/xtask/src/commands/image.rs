//! `cargo xtask image`: makes the image of one program.
//!
//! Owns: choosing program, time and folder. Not: the format (`crate::image`).
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::{
    cargo::{self, Build},
    checkout::Checkout,
    image::{self, Recipe},
    report::step,
    services::Service,
};

/// Which image.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// A service, or `provision`.
    program: String,
    /// The new folder of the OCI layout.
    #[arg(long, required_unless_present = "check_reproducible")]
    out: Option<PathBuf>,
    /// A program that is built already, instead of building all of them for release.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Seconds since 1970 for every time in the image.
    #[arg(long, env = "SOURCE_DATE_EPOCH", default_value_t = 0)]
    epoch: u64,
    /// Makes no image, but builds what is committed of the program twice, from nothing and in two folders, and compares the
    /// bytes; takes as long as two whole builds.
    #[arg(long, conflicts_with_all = ["out", "binary"])]
    check_reproducible: bool,
}

/// Builds and writes the image and prints its digest, or compares two builds and prints their hash. Errors: there is no such
/// program; see [`image::write`], [`image::twice::build`].
pub async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { program: name, out, binary, epoch, check_reproducible } = arguments;
    let known = name == "provision" || Service::ALL.iter().any(|service| service.name() == name);
    ensure!(known, "{name}: there is no such program");
    if check_reproducible {
        println!("sha256:{}", image::twice::build(&Checkout::find()?, &name).await?);
        return Ok(());
    }
    let out = out.context("--out names the new folder")?;
    let program = match binary {
        Some(path) => path,
        None => step("building", cargo::build(&Checkout::find()?, Build::Release)).await?.join(&name),
    };
    let digest = image::write(&Recipe { name, program, epoch }, &out).context("the image cannot be made")?;
    println!("{digest}");
    Ok(())
}
