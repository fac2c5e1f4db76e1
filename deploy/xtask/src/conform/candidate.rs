//! The consumer under examination: a program in a folder of its own, and the two files in which it says what it did.
//!
//! Owns: starting, killing, starting again; reading the files. Not: what should stand in them.
use std::{
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, de::DeserializeOwned};

use crate::process::{Process, Recipe, Signal, tail};

/// A program that ends by itself more often than this is taken for broken.
const ENDS_MAX: usize = 5;

/// What the consumer did wrong; every other error is the examination's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Error for Broken {}

/// The consumer's own fault.
pub fn broken<T>(what: String) -> Result<T> {
    Err(Broken(what).into())
}

/// A line of `applied.jsonl`. Source: proto/README.md, "The examination".
#[derive(Clone, Debug, Deserialize)]
pub struct Applied {
    /// UUID of the event.
    pub event_id: String,
    /// The unit of order.
    pub aggregate_id: String,
    /// 1, 2, 3 …
    pub aggregate_version: i64,
}

/// A line of `set_aside.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub struct SetAside {
    /// The message's place in the stream.
    pub stream_sequence: u64,
}

/// The program and its folder.
#[derive(Debug)]
pub struct Candidate {
    recipe: Recipe,
    state: PathBuf,
    process: Option<Process>,
    ends: usize,
}

impl Candidate {
    /// Prepares the folder; nothing runs yet. Errors: the folder cannot be made.
    pub fn new(
        folder: &Path,
        program: PathBuf,
        arguments: Vec<String>,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let state = folder.join("state");
        fs::create_dir_all(&state).context("no folder for the consumer's state")?;
        let mut environment: Vec<_> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        environment.push(("YUCHONG_STATE".to_owned(), state.display().to_string()));
        let recipe = Recipe {
            name: "the consumer".to_owned(),
            program,
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment,
            bare: false,
            user: None,
            folder: std::env::current_dir()?,
            log: folder.join("consumer.log"),
            orphaned: Signal::Kill,
        };
        Ok(Self { recipe, state, process: None, ends: 0 })
    }

    /// Starts the program. Errors: it cannot be started.
    pub fn start(&mut self) -> Result<()> {
        self.process = Some(Process::start(&self.recipe)?);
        Ok(())
    }

    /// From now on no file of the running program can grow by a byte: the system refuses each write, as a full disk does.
    ///
    /// Errors: it does not run, or the limit cannot be set.
    pub fn fill_disk(&mut self) -> Result<()> {
        self.keep_running()?;
        let leader = self.process.as_ref().context("it does not run")?.id();
        for process in group(leader)? {
            let mut limit = Command::new("prlimit");
            limit.args(["--fsize=0", "--pid"]).arg(process.to_string());
            ensure!(limit.status().context("prlimit cannot be started")?.success(), "no limit for {process}");
        }
        Ok(())
    }

    /// Kills it with SIGKILL and waits for its end.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Tells whether it has ended by itself.
    pub fn ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| process.ended().is_some())
    }

    /// Starts it again if it has ended, as a cluster would. Errors: it ends again and again.
    pub fn keep_running(&mut self) -> Result<()> {
        if self.ended() {
            self.ends += 1;
            if self.ends > ENDS_MAX {
                return broken(format!("it ended by itself {ENDS_MAX} times\n{}", tail(&self.recipe.log)));
            }
            self.start()?;
        }
        Ok(())
    }

    /// Reads what it says it has applied. Errors: a whole line is not of the agreed form.
    pub fn applied(&self) -> Result<Vec<Applied>> {
        lines(&self.state.join("applied.jsonl"))
    }

    /// Reads what it says it has set aside. Errors: as [`Candidate::applied`].
    pub fn set_aside(&self) -> Result<Vec<SetAside>> {
        lines(&self.state.join("set_aside.jsonl"))
    }
}

/// The processes of a group: the program itself, and what it was started by or has started. Errors: /proc cannot be read.
fn group(leader: u32) -> Result<Vec<u32>> {
    let mut members = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that has ended meanwhile is no member.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        // "id (name) state parent group …"; the name may hold anything.
        let of = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(2));
        if of == Some(leader.to_string().as_str()) {
            members.push(id);
        }
    }
    Ok(members)
}

/// Reads whole lines; what is being written at this moment is left for the next look.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let name = path.file_name().unwrap_or_default().display();
    whole
        .lines()
        .map(|line| serde_json::from_str(line).or_else(|_| broken(format!("{name} has the line {line}"))))
        .collect()
}
