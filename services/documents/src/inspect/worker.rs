//! Reads what people sent in a process of its own: 256 MiB of memory, 10 s of processor and wall time (5 s of
//! processor for a picture), an empty environment, nothing but bytes in (and one font file of the machine, where a page needs it), one line of JSON out, and
//! behind it the picture where one was asked for.
//!
//! Memory and processor limits are set by util-linux' `prlimit` where the machine has it; the wall clock always
//! holds. The worker opens no socket; that it could not is the business of the container it runs in.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    sync::Semaphore,
};

use super::{
    Drawn, FILE_BYTES_MAX, Font, Kind, Threat, Undrawn, Verdict, inspect, kind_of_name, page, shrink,
};

/// Address space of a worker, bytes. Source: reliability section 13.
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Processor and wall time of a worker, seconds. Source: reliability section 13.
const TIME_SECS_MAX: u64 = 10;
/// Processor time of a worker that draws, seconds: a hostile page must not take longer than its reader waits.
const DRAWING_SECS_MAX: u64 = 5;
/// Workers at a time; the machine of reference has two cores.
const WORKERS_MAX: usize = 2;
/// Of these, workers that draw at a time: however slow a page is, a place is left for an upload.
const DRAWING_MAX: usize = 1;
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

/// What the worker writes to its standard output before a picture, and instead of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawing {
    /// Its bytes follow.
    Drawn(Drawn),
    /// Nothing follows.
    Undrawn(Undrawn),
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
    drawing: Semaphore,
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
        let limits = Path::new(PRLIMIT).exists();
        let (gate, drawing) = (Semaphore::new(WORKERS_MAX), Semaphore::new(DRAWING_MAX));
        Ok(Self { program, limits, gate, drawing })
    }

    /// Inspects `bytes` under the extension of `name`.
    ///
    /// A worker that dies or does not answer in time refuses the file ([`Threat::Limits`]).
    /// Errors: the worker could not be started.
    pub async fn inspect(&self, name: &str, bytes: &[u8]) -> Result<Outcome, WorkerError> {
        let Some((_, extension)) = name.rsplit_once('.').filter(|_| kind_of_name(name).is_some()) else {
            return Ok(Outcome::Refused(Threat::TypeUnsupported));
        };
        let arguments = ["inspect", "--extension", &extension.to_ascii_lowercase()];
        let answer = self.run(&arguments, bytes, TIME_SECS_MAX).await?;
        Ok(split(&answer).map_or(Outcome::Refused(Threat::Limits), |(outcome, _)| outcome))
    }

    /// Makes a picture of an image, see [`shrink`]; read it with [`drawn`].
    ///
    /// A worker that dies or does not answer in time refuses the file ([`Threat::Limits`]).
    /// Errors: the worker could not be started.
    pub async fn shrink(
        &self,
        kind: Kind,
        bytes: &[u8],
        side_max: u32,
    ) -> Result<Result<Vec<u8>, Undrawn>, WorkerError> {
        let side = side_max.to_string();
        self.draw(&["shrink", "--extension", kind.extension(), "--side-max", &side], bytes).await
    }

    /// Draws a page of a PDF, see [`page`]; read it with [`drawn`].
    ///
    /// A worker that dies or does not answer in time refuses the page ([`Threat::Limits`]).
    /// Errors: the worker could not be started.
    pub async fn page(
        &self,
        bytes: &[u8],
        number: u32,
        side_max: u32,
        font: Option<&Font>,
    ) -> Result<Result<Vec<u8>, Undrawn>, WorkerError> {
        let (number, side) = (number.to_string(), side_max.to_string());
        let mut arguments = vec!["page", "--number", &number, "--side-max", &side];
        let font = font.map(|font| (font.path.to_string_lossy(), font.face.to_string()));
        if let Some((path, face)) = &font {
            arguments.extend(["--font", path, "--font-face", face]);
        }
        self.draw(&arguments, bytes).await
    }

    /// A picture with its line before it, as [`drawn`] reads it.
    async fn draw(&self, arguments: &[&str], bytes: &[u8]) -> Result<Result<Vec<u8>, Undrawn>, WorkerError> {
        let _permit = self.drawing.acquire().await.map_err(std::io::Error::other)?;
        let answer = self.run(arguments, bytes, DRAWING_SECS_MAX).await?;
        Ok(match split(&answer) {
            Some((Drawing::Drawn(_), _)) => Ok(answer),
            Some((Drawing::Undrawn(undrawn), _)) => Err(undrawn),
            None => Err(Threat::Limits.into()),
        })
    }

    /// What a worker answers; nothing where it died or did not answer in time.
    async fn run(&self, arguments: &[&str], bytes: &[u8], secs_max: u64) -> Result<Vec<u8>, WorkerError> {
        let _permit = self.gate.acquire().await.map_err(std::io::Error::other)?;
        let mut child = self.command(arguments, secs_max).spawn()?;
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

    fn command(&self, arguments: &[&str], secs_max: u64) -> Command {
        let mut command = if self.limits {
            let mut command = Command::new(PRLIMIT);
            command.arg(format!("--as={MEMORY_BYTES_MAX}")).arg(format!("--cpu={secs_max}"));
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

/// What a picture is and where its bytes begin in the answer of a worker; `None` where it is no picture.
#[must_use]
pub fn drawn(answer: &[u8]) -> Option<(Drawn, usize)> {
    match split(answer)? {
        (Drawing::Drawn(drawn), begin) => Some((drawn, begin)),
        (Drawing::Undrawn(_), _) => None,
    }
}

/// The line of an answer, and where what is behind it begins.
fn split<T: DeserializeOwned>(answer: &[u8]) -> Option<(T, usize)> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    Some((serde_json::from_slice(&answer[..end]).ok()?, end + 1))
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
    output: impl std::io::Write,
) -> std::io::Result<()> {
    let kind = kind_of_name(&format!("file.{extension}")).ok_or(Threat::TypeUnsupported);
    let bytes = all(input)?;
    put(kind.and_then(|kind| shrink(kind, &bytes, side_max)).map_err(Undrawn::from), output)
}

/// The worker's side of a page: bytes from `input`; one line of JSON and the picture to `output`.
///
/// Errors: the streams broke.
pub fn answer_page(
    number: u32,
    side_max: u32,
    font: Option<Font>,
    input: impl std::io::Read,
    output: impl std::io::Write,
) -> std::io::Result<()> {
    put(page(all(input)?, number, side_max, font), output)
}

fn put(made: Result<(Drawn, Vec<u8>), Undrawn>, mut output: impl std::io::Write) -> std::io::Result<()> {
    let (drawing, picture) = match made {
        Ok((drawn, picture)) => (Drawing::Drawn(drawn), picture),
        Err(undrawn) => (Drawing::Undrawn(undrawn), Vec::new()),
    };
    writeln!(output, "{}", serde_json::to_string(&drawing)?)?;
    output.write_all(&picture)
}

fn all(input: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
