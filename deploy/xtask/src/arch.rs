//! `cargo xtask arch`: the house rules that a compiler does not check.
//!
//! Owns: finding the files and reporting. Not: the rules – dependencies are in `arch/manifests.rs`, arrows inside a
//! service in `arch/arrows.rs`, what every file must look like in `arch/files.rs`, what a release may do to a schema in
//! `arch/migrations.rs`. Source: house style, sections 3 and 5.
mod arrows;
mod files;
mod manifests;
mod migrations;
mod source;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::{checkout::Checkout, services::Service};

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the checkout.
    pub file: String,
    /// The line from 1 on; 0 means the whole file.
    pub line: usize,
    /// Which rule, and what to do.
    pub rule: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// Checks the checkout and prints what is wrong. Errors: a rule is broken.
pub fn run() -> Result<()> {
    let checkout = Checkout::find()?;
    let findings = check(checkout.root())?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} house rules are broken"),
    }
}

/// Finds every broken rule in a checkout. Errors: a file cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = manifests::check(root)?;
    findings.extend(migrations::check(root)?);
    for path in source_files(root)? {
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        findings.extend(files::check(&file, &text));
        let service = Service::ALL.iter().find_map(|service| {
            let inside = file.strip_prefix(&format!("services/{service}/src/"))?;
            Some((*service, inside.to_owned()))
        });
        if let Some((service, inside)) = service {
            let crates = manifests::dependencies(root, service)?;
            findings.extend(arrows::check(&file, &inside, &text, &crates));
        }
    }
    findings.sort();
    Ok(findings)
}

/// Every Rust file of the project, in order.
fn source_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open: Vec<_> = ["deploy", "proto", "services", "tests"].map(|top| root.join(top)).into();
    while let Some(folder) = open.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
