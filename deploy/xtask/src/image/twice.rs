//! Whether two builds of a program, each from nothing and in a folder of another name, give the same bytes.
//!
//! Owns: the two builds, of what is committed. Not: the image, which is the same for the same program and libraries
//! (`crate::image`); another compiler, another linker and another machine, which is for whoever has two of them.
use std::{env, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use crate::{cargo, checkout::Checkout, report::step};

/// Names of different length: a path that stays in the program changes its size too.
const PLACES: [&str; 2] = ["once", "and-once-more"];

/// Builds a program twice and gives the SHA-256 of both.
///
/// Errors: it cannot be built; the two differ, and are kept for whoever looks why.
pub async fn build(checkout: &Checkout, name: &str) -> Result<String> {
    let folder = checkout.dot()?.join("reproducible");
    let mut hashes = Vec::new();
    for place in PLACES {
        let copy = folder.join(place);
        if copy.exists() {
            fs::remove_dir_all(&copy).with_context(|| format!("{}", copy.display()))?;
        }
        let built = async {
            let mut clone = Command::new("git");
            clone.args(["clone", "--quiet"]).arg(checkout.root()).arg(&copy);
            cargo::run(clone).await?;
            cargo::run(release(checkout, &copy, name)).await
        };
        step(&format!("{name}, {place}"), built).await?;
        let program = copy.join("target/release").join(name);
        let bytes = fs::read(&program).with_context(|| format!("{}", program.display()))?;
        hashes.push(hex::encode(Sha256::digest(bytes)));
    }
    let [first, second] = hashes.as_slice() else { anyhow::bail!("two builds have two hashes") };
    ensure!(
        first == second,
        "two builds of {name} differ: {first} and {second}; both are kept in {}",
        folder.display()
    );
    fs::remove_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    Ok(first.clone())
}

/// The build of `deploy/Dockerfile`, without the paths of the builder.
fn release(checkout: &Checkout, copy: &Path, name: &str) -> Command {
    let mut arguments = vec!["build", "--release", "--locked", "--package"];
    match name {
        "provision" => arguments.extend(["xtask", "--bin", "provision"]),
        service => arguments.push(service),
    }
    let mut command = cargo::command(checkout, &arguments);
    let flags = format!(
        "--remap-path-prefix={}=. --remap-path-prefix={}=cargo",
        copy.display(),
        env::var("CARGO_HOME").unwrap_or_else(|_| format!("{}/.cargo", env::var("HOME").unwrap_or_default())),
    );
    command
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env("SOURCE_DATE_EPOCH", "0")
        .env("RUSTFLAGS", flags);
    command
}
