//! Runs an inspection in a process of its own: 256 MiB of memory, 10 s of processor and wall time, an empty
//! environment, nothing but bytes in and one line of JSON out.
//!
//! Memory and processor limits are set by util-linux' `prlimit` where the machine has it; the wall clock always
//! holds. The worker opens no socket; that it could not is the business of the container it runs in.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt as _, process::Command, sync::Semaphore};

use super::{FILE_BYTES_MAX, Threat, Verdict, inspect, kind_of_name};

/// Address space of a worker, bytes. Source: reliability section 13.
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Processor and wall time of a worker, seconds. Source: reliability section 13.
const TIME_SECS_MAX: u64 = 10;
/// Workers at a time; the machine of reference has two cores.
const WORKERS_MAX: usize = 2;
/// Where util-linux puts it.
const PRLIMIT: &str = "/usr/bin/prlimit";

/// What the worker writes to its standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// May be kept.
    Clean(Verdict),
    /// Must not.
    Refused(Threat),
}

/// The worker could not be run at all; says nothing about the file.
#[derive(Debug, thiserror::Error)]
#[error("the inspection worker could not be run")]
pub struct WorkerError(#[from] std::io::Error);

/// Starts workers, a few at a time.
#[derive(Debug)]
pub struct Inspector {
    program: PathBuf,
    limits: bool,
    gate: Semaphore,
}

impl Inspector {
    /// Workers are `program inspect`; `None` means this executable.
    ///
    /// Errors: where the own executable cannot be named.
    pub fn new(program: Option<&Path>) -> Result<Self, WorkerError> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => std::env::current_exe()?,
        };
        Ok(Self { program, limits: Path::new(PRLIMIT).exists(), gate: Semaphore::new(WORKERS_MAX) })
    }

    /// Inspects `bytes` under the extension of `name`.
    ///
    /// A worker that dies or does not answer in time refuses the file ([`Threat::Limits`]).
    /// Errors: the worker could not be started.
    pub async fn inspect(&self, name: &str, bytes: &[u8]) -> Result<Outcome, WorkerError> {
        let Some((_, extension)) = name.rsplit_once('.').filter(|_| kind_of_name(name).is_some()) else {
            return Ok(Outcome::Refused(Threat::TypeUnsupported));
        };
        let permit = self.gate.acquire().await.map_err(std::io::Error::other)?;
        let mut child = self.command(extension).spawn()?;
        let mut input = child.stdin.take().ok_or_else(|| std::io::Error::other("no standard input"))?;
        let work = async {
            // A worker that stops reading early has made up its mind (or died); its output and status tell which.
            let _ = input.write_all(bytes).await;
            drop(input);
            child.wait_with_output().await
        };
        let output = match tokio::time::timeout(Duration::from_secs(TIME_SECS_MAX), work).await {
            Ok(output) => output?,
            Err(_) => return Ok(Outcome::Refused(Threat::Limits)),
        };
        drop(permit);
        let outcome = serde_json::from_slice(&output.stdout).unwrap_or(Outcome::Refused(Threat::Limits));
        Ok(if output.status.success() { outcome } else { Outcome::Refused(Threat::Limits) })
    }

    fn command(&self, extension: &str) -> Command {
        let mut command = if self.limits {
            let mut command = Command::new(PRLIMIT);
            command.arg(format!("--as={MEMORY_BYTES_MAX}")).arg(format!("--cpu={TIME_SECS_MAX}"));
            command.arg("--core=0").arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        command.arg("inspect").arg("--extension").arg(extension.to_ascii_lowercase());
        command.env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }
}

/// The worker's side: bytes from `input`, one line of JSON to `output`.
///
/// Errors: the streams broke.
pub fn answer(
    extension: &str,
    input: impl std::io::Read,
    mut output: impl std::io::Write,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    input.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    let outcome = match inspect(&format!("file.{extension}"), &bytes) {
        Ok(verdict) => Outcome::Clean(verdict),
        Err(threat) => Outcome::Refused(threat),
    };
    writeln!(output, "{}", serde_json::to_string(&outcome)?)
}
