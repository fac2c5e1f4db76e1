//! The browser of the portal's tests: Chromium, its driver, a Chinese font, and axe-core, which judges accessibility.
//!
//! Owns: finding them, or installing them after saying so. Not: driving them (`tests/browser`).
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::{
    checkout::binaries,
    servers::tools::{in_path, install},
};

/// Source: decision 0013.
const AXE_VERSION: &str = "4.14.1";
/// SHA-256 of `axe.min.js` of that version.
const AXE_DIGEST: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";

/// What browser tests need of this machine.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Chromium.
    pub chromium: PathBuf,
    /// Its WebDriver server.
    pub driver: PathBuf,
    /// The script with the accessibility rules.
    pub axe: PathBuf,
}

impl Browser {
    /// Finds everything; installs programs by `apt-get` and fetches axe-core by `npm` into the target folder, which no
    /// commit contains, after saying so.
    ///
    /// Errors: something is missing and cannot be had, or the fetched script is not the pinned one.
    pub fn find_or_install() -> Result<Self> {
        let mut missing = Vec::new();
        for (program, package) in [("chromium", "chromium"), ("chromedriver", "chromium-driver")] {
            if in_path(program).is_none() {
                missing.push(package);
            }
        }
        if !chinese_font() {
            missing.push("fonts-noto-cjk");
        }
        if !missing.is_empty() {
            install(&missing)?;
        }
        let program =
            |name| in_path(name).with_context(|| format!("{name} is not in PATH after its installation"));
        Ok(Self { chromium: program("chromium")?, driver: program("chromedriver")?, axe: axe()? })
    }
}

/// Without one, screenshots show boxes and widths are wrong.
fn chinese_font() -> bool {
    let listed = Command::new("fc-list").args([":lang=zh-cn", "family"]).stderr(Stdio::null()).output();
    listed.is_ok_and(|output| !output.stdout.is_empty())
}

fn axe() -> Result<PathBuf> {
    let target = binaries()?.parent().context("the running program lies in no target folder")?.to_path_buf();
    let folder = target.join(format!("axe-core-{AXE_VERSION}"));
    let script = folder.join("package/axe.min.js");
    if !script.is_file() {
        fetch(&folder)?;
    }
    let digest = hex::encode(Sha256::digest(fs::read(&script)?));
    ensure!(digest == AXE_DIGEST, "{} is not the pinned axe-core {AXE_VERSION}: {digest}", script.display());
    Ok(script)
}

fn fetch(folder: &Path) -> Result<()> {
    if in_path("npm").is_none() {
        install(&["npm"])?;
    }
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let name = format!("axe-core@{AXE_VERSION}");
    eprintln!("Not found here: {name}. Fetching by: npm pack {name}");
    run(Command::new("npm").args(["pack", "--silent", &name]).current_dir(folder))?;
    let archive = format!("axe-core-{AXE_VERSION}.tgz");
    run(Command::new("tar").args(["-xzf", &archive, "package/axe.min.js"]).current_dir(folder))
}

fn run(command: &mut Command) -> Result<()> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{shown} cannot be started"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
}
