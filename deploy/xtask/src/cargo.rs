//! Calling cargo on the workspace, the same way everywhere.
//!
//! Owns: arguments and environment of builds, so that no step rebuilds what another has built. Always the whole
//! workspace: with `-p` the features differ and dozens of crates are built again.
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::{
    checkout::{Checkout, binaries},
    process::Signal,
    services::Service,
};

/// Which programs to build and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Quick to build.
    Debug,
    /// Optimised, for measuring.
    Release,
}

/// Makes a cargo call in the checkout whose output goes to standard error.
///
/// The compile-time checked SQL uses the committed metadata, not a database.
pub fn command(checkout: &Checkout, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(checkout.root()).env("SQLX_OFFLINE", "true");
    for service in Service::WITH_DATABASE {
        command.env_remove(service.sql_variable());
    }
    command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    command
}

/// Runs a command to its end; when this is dropped before, the command and all it has started are asked to end.
///
/// Errors: it cannot be started or does not end with success.
pub async fn run(mut command: Command) -> Result<()> {
    let shown: Vec<_> = command.as_std().get_args().map(OsStr::to_string_lossy).collect();
    let shown = format!("{} {}", Path::new(command.as_std().get_program()).display(), shown.join(" "));
    command.process_group(0);
    let mut child = command.spawn().with_context(|| format!("{shown} cannot be started"))?;
    let group = Group(child.id());
    let status = child.wait().await?;
    group.ended();
    if status.success() { Ok(()) } else { bail!("{shown}: {status}") }
}

/// A process group that is ended when dropped.
struct Group(Option<u32>);

impl Group {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Fails only when all of the group is gone.
            let _ = Signal::Terminate.send_group(leader);
        }
    }
}

/// Builds all programs and gives their folder. Errors: something does not compile.
pub async fn build(checkout: &Checkout, build: Build) -> Result<PathBuf> {
    let own = binaries()?;
    let target = own.parent().context("the running program lies in no target folder")?;
    let (arguments, folder): (&[&str], _) = match build {
        Build::Debug => (&["build", "--workspace", "--bins"], "debug"),
        Build::Release => (&["build", "--workspace", "--bins", "--release"], "release"),
    };
    let mut command = command(checkout, arguments);
    // The programs must come where this one lies, also when a folder was named only on the command line.
    command.env("CARGO_TARGET_DIR", target);
    run(command).await?;
    Ok(target.join(folder))
}
