//! Reads what people sent in a process of its own: 256 MiB of memory, 10 s of processor (5 s for a picture), an empty
//! environment, nothing but bytes in (and one font file of the machine, where a page needs it), one line of JSON out, and
//! behind it the picture where one was asked for.
//!
//! Memory and processor limits are set by util-linux' `prlimit` where the machine has it: a worker that runs into them has
//! been given what a file may cost, so the file is refused. The wall clock always holds, and says something about the file
//! only where there is no `prlimit`; else the machine was too busy, and the same file comes again. Source: decision record 36.
//! The worker opens no socket; that it could not is the business of the container it runs in.

use std::{
    io::Read as _,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
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
/// Processor time of a worker, seconds. Source: reliability section 13.
const INSPECTION_SECS_MAX: u64 = 10;
/// Processor time of a worker that draws, seconds: a hostile page must not take longer than its reader waits.
const DRAWING_SECS_MAX: u64 = 5;
/// Wall time of a worker that draws: the portal waits no longer.
const DRAWING_WALL: Duration = Duration::from_secs(20);
/// Workers at a time; the machine of reference has two cores.
const WORKERS_MAX: usize = 2;
/// Longest answer of a worker, bytes: above a picture of 1600 by 1600 pixels that does not compress.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Where util-linux puts it.
const PRLIMIT: &str = "/usr/bin/prlimit";
/// What a process is killed with by the machine that is short of memory; a limit of ours sends another signal.
const SIGKILL: i32 = 9;

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

/// The worker did not get to an answer; says nothing about the file.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It could not be run at all.
    #[error("the inspection worker could not be run")]
    NotRun(#[from] std::io::Error),
    /// The machine gave it no place, no processor or no memory for too long.
    #[error("the machine was too busy for the inspection worker")]
    Late,
}

/// Starts workers, a few at a time.
#[derive(Debug)]
pub struct Inspector {
    program: PathBuf,
    limits: bool,
    wall: Duration,
    gate: Semaphore,
}

impl Inspector {
    /// Workers are `program inspect`; `None` means this executable. `wall`: how long one may take, with the wait for a place.
    ///
    /// Errors: where the own executable cannot be named.
    pub fn new(program: Option<&Path>, wall: Duration) -> Result<Self, WorkerError> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => std::env::current_exe()?,
        };
        let limits = Path::new(PRLIMIT).exists();
        Ok(Self { program, limits, wall, gate: Semaphore::new(WORKERS_MAX) })
    }

    /// Inspects `bytes` under the extension of `name`.
    ///
    /// A worker that dies or costs too much refuses the file ([`Threat::Limits`]).
    /// Errors: the worker could not be started, or was not given the time.
    pub async fn inspect(&self, name: &str, bytes: &[u8]) -> Result<Outcome, WorkerError> {
        let Some((_, extension)) = name.rsplit_once('.').filter(|_| kind_of_name(name).is_some()) else {
            return Ok(Outcome::Refused(Threat::TypeUnsupported));
        };
        let arguments = ["inspect", "--extension", &extension.to_ascii_lowercase()];
        let answer = self.run(&arguments, bytes, INSPECTION_SECS_MAX, self.wall).await?;
        Ok(split(&answer).map_or(Outcome::Refused(Threat::Limits), |(outcome, _)| outcome))
    }

    /// Makes a picture of an image, see [`shrink`]; read it with [`drawn`].
    ///
    /// A worker that dies or costs too much refuses the file ([`Threat::Limits`]).
    /// Errors: the worker could not be started, or was not given the time.
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
    /// A worker that dies or costs too much refuses the page ([`Threat::Limits`]).
    /// Errors: the worker could not be started, or was not given the time.
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
        let answer = self.run(arguments, bytes, DRAWING_SECS_MAX, self.wall.min(DRAWING_WALL)).await?;
        Ok(match split(&answer) {
            Some((Drawing::Drawn(_), _)) => Ok(answer),
            Some((Drawing::Undrawn(undrawn), _)) => Err(undrawn),
            None => Err(Threat::Limits.into()),
        })
    }

    /// What a worker answers; nothing where it died of what it was given.
    async fn run(
        &self,
        arguments: &[&str],
        bytes: &[u8],
        secs_max: u64,
        wall: Duration,
    ) -> Result<Vec<u8>, WorkerError> {
        // Without a limit on its processor the clock is all that a hostile file runs into.
        if !self.limits {
            let _place = self.gate.acquire().await.map_err(std::io::Error::other)?;
            let ran = tokio::time::timeout(
                Duration::from_secs(secs_max).min(wall),
                self.ran(arguments, bytes, secs_max),
            );
            return ran.await.unwrap_or_else(|_| Ok(Vec::new()));
        }
        let work = async {
            let _place = self.gate.acquire().await.map_err(std::io::Error::other)?;
            self.ran(arguments, bytes, secs_max).await
        };
        tokio::time::timeout(wall, work).await.unwrap_or(Err(WorkerError::Late))
    }

    async fn ran(&self, arguments: &[&str], bytes: &[u8], secs_max: u64) -> Result<Vec<u8>, WorkerError> {
        let mut child = self.command(arguments, secs_max).spawn()?;
        let closed = || std::io::Error::other("no standard streams");
        let mut input = child.stdin.take().ok_or_else(closed)?;
        let output = child.stdout.take().ok_or_else(closed)?;
        // A worker that stops reading early has made up its mind (or died); its output and status tell which.
        let _ = input.write_all(bytes).await;
        drop(input);
        let mut answer = Vec::new();
        output.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        ended(child.wait().await?, answer)
    }

    fn command(&self, arguments: &[&str], secs_max: u64) -> Command {
        let mut command = if self.limits {
            let mut command = Command::new(PRLIMIT);
            // The signal of the soft limit says what the worker died of; the hard one is for a worker that would ignore it.
            let cpu = format!("--cpu={secs_max}:{}", secs_max + 1);
            command.arg(format!("--as={MEMORY_BYTES_MAX}")).arg(cpu);
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

/// What became of a worker: its answer; nothing where it died of its limits or of a fault; late where the machine took it away.
fn ended(status: ExitStatus, answer: Vec<u8>) -> Result<Vec<u8>, WorkerError> {
    match status.signal() {
        Some(SIGKILL) => Err(WorkerError::Late),
        Some(_) => Ok(Vec::new()),
        None if status.success() => Ok(answer),
        None => Ok(Vec::new()),
    }
}

/// What a picture is and where its bytes begin in the answer of a worker, or why there is none; `None` where it is no answer.
#[must_use]
pub fn drawn(answer: &[u8]) -> Option<Result<(Drawn, usize), Undrawn>> {
    match split(answer)? {
        (Drawing::Drawn(drawn), begin) => Some(Ok((drawn, begin))),
        (Drawing::Undrawn(undrawn), _) => Some(Err(undrawn)),
    }
}

/// The answer of a worker that drew nothing, as [`drawn`] reads it.
///
/// Errors: none that a value of these types can have.
pub fn without_picture(undrawn: Undrawn) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    put(Err(undrawn), &mut answer)?;
    Ok(answer)
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
