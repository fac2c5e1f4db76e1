//! Reads what people sent in a process of its own: 256 MiB of memory, 10 s of processor and wall time, an empty
//! environment, nothing but bytes in, one line of JSON out, and behind it the picture where one was asked for.
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
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    sync::Semaphore,
};

use super::{FILE_BYTES_MAX, Kind, Threat, Verdict, inspect, kind_of_name, shrink};

/// Address space of a worker, bytes. Source: reliability section 13.
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Processor and wall time of a worker, seconds. Source: reliability section 13.
const TIME_SECS_MAX: u64 = 10;
/// Workers at a time; the machine of reference has two cores.
const WORKERS_MAX: usize = 2;
/// Longest answer of a worker, bytes: above a picture of 1600 by 1600 pixels that does not compress.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
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
        let answer = self.run(&["inspect", "--extension", &extension.to_ascii_lowercase()], bytes).await?;
        Ok(split(&answer).map_or(Outcome::Refused(Threat::Limits), |(outcome, _)| outcome))
    }

    /// Makes a picture of an image, see [`shrink`].
    ///
    /// A worker that dies or does not answer in time refuses the file ([`Threat::Limits`]).
    /// Errors: the worker could not be started.
    pub async fn shrink(
        &self,
        kind: Kind,
        bytes: &[u8],
        side_max: u32,
    ) -> Result<Result<Vec<u8>, Threat>, WorkerError> {
        let side = side_max.to_string();
        let answer =
            self.run(&["shrink", "--extension", kind.extension(), "--side-max", &side], bytes).await?;
        Ok(match split(&answer) {
            Some((Outcome::Clean(_), picture)) => Ok(picture.to_vec()),
            Some((Outcome::Refused(threat), _)) => Err(threat),
            None => Err(Threat::Limits),
        })
    }

    /// What a worker answers; nothing where it died or did not answer in time.
    async fn run(&self, arguments: &[&str], bytes: &[u8]) -> Result<Vec<u8>, WorkerError> {
        let _permit = self.gate.acquire().await.map_err(std::io::Error::other)?;
        let mut child = self.command(arguments).spawn()?;
        let closed = || std::io::Error::other("no standard streams");
        let mut input = child.stdin.take().ok_or_else(closed)?;
        let output = child.stdout.take().ok_or_else(closed)?;
        let work = async {
            // A worker that stops reading early has made up its mind (or died); its output and status tell which.
            let _ = input.write_all(bytes).await;
            drop(input);
            let mut answer = Vec::new();
            output.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
            let status = child.wait().await?;
            Ok::<_, std::io::Error>(if status.success() { answer } else { Vec::new() })
        };
        match tokio::time::timeout(Duration::from_secs(TIME_SECS_MAX), work).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Ok(Vec::new()),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = if self.limits {
            let mut command = Command::new(PRLIMIT);
            command.arg(format!("--as={MEMORY_BYTES_MAX}")).arg(format!("--cpu={TIME_SECS_MAX}"));
            command.arg("--core=0").arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        command.args(arguments);
        command.env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }
}

/// The line of an answer, and what is behind it.
fn split(answer: &[u8]) -> Option<(Outcome, &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let outcome = serde_json::from_slice(&answer[..end]).ok()?;
    Some((outcome, &answer[end + 1..]))
}

/// The worker's side of an inspection: bytes from `input`, one line of JSON to `output`.
///
/// Errors: the streams broke.
pub fn answer(
    extension: &str,
    input: impl std::io::Read,
    mut output: impl std::io::Write,
) -> std::io::Result<()> {
    let outcome = match inspect(&format!("file.{extension}"), &all(input)?) {
        Ok(verdict) => Outcome::Clean(verdict),
        Err(threat) => Outcome::Refused(threat),
    };
    writeln!(output, "{}", serde_json::to_string(&outcome)?)
}

/// The worker's side of a picture: bytes from `input`; one line of JSON and the picture to `output`.
///
/// Errors: the streams broke.
pub fn answer_shrunk(
    extension: &str,
    side_max: u32,
    input: impl std::io::Read,
    mut output: impl std::io::Write,
) -> std::io::Result<()> {
    let kind = kind_of_name(&format!("file.{extension}")).ok_or(Threat::TypeUnsupported);
    let bytes = all(input)?;
    let (outcome, picture) = match kind.and_then(|kind| shrink(kind, &bytes, side_max)) {
        Ok((verdict, picture)) => (Outcome::Clean(verdict), picture),
        Err(threat) => (Outcome::Refused(threat), Vec::new()),
    };
    writeln!(output, "{}", serde_json::to_string(&outcome)?)?;
    output.write_all(&picture)
}

fn all(input: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
