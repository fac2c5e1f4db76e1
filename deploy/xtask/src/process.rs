//! One child process: started in a group of its own, logged into a file, ended with its starter.
//!
//! Owns: start, signals, waiting, resident memory. Not: what the child is.
//!
//! A child dies with the launcher, also when that is killed with -9: `setpriv --pdeathsig` asks the kernel for it.
//! The kernel means the *thread* that started the child, so one thread that never ends starts all of them.
use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::time::sleep;

/// How a process is asked to end, or to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: a service drains; NATS closes its files.
    Terminate,
    /// SIGINT: PostgreSQL's fast shutdown.
    Interrupt,
    /// SIGQUIT: PostgreSQL's immediate shutdown, as a crash of all its processes.
    Quit,
    /// SIGKILL.
    Kill,
    /// SIGSTOP: it hangs; its connections stay open and nothing is answered.
    Stop,
    /// SIGCONT: it goes on.
    Continue,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Signal::Terminate => "TERM",
            Signal::Interrupt => "INT",
            Signal::Quit => "QUIT",
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        }
    }

    /// Sends this signal to a process by its id. Errors: the process is gone or another user's.
    pub fn send(self, pid: u32) -> Result<()> {
        self.send_to(&pid.to_string())
    }

    /// Sends this signal to a whole process group by its leader's id. Errors: as [`Signal::send`].
    pub fn send_group(self, leader: u32) -> Result<()> {
        self.send_to(&format!("-- -{leader}"))
    }

    /// The shell's own `kill`: a direct call of the system's would be unsafe code.
    fn send_to(self, whom: &str) -> Result<()> {
        let done = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -s {} {whom}", self.name()))
            .stderr(Stdio::null())
            .status()
            .context("sh cannot be started")?;
        if done.success() { Ok(()) } else { bail!("process {whom} cannot be sent {}", self.name()) }
    }
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Shown in messages.
    pub name: String,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Added to the environment, or all of it when `bare`.
    pub environment: Vec<(String, String)>,
    /// Starts with an empty environment.
    pub bare: bool,
    /// The user to become, when this process is root.
    pub user: Option<&'static str>,
    /// Its current folder.
    pub folder: PathBuf,
    /// Both output streams are appended here.
    pub log: PathBuf,
    /// What ends it when the launcher ends without having stopped it.
    pub orphaned: Signal,
}

/// A running child; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a child. Errors: the program, its log or its folder cannot be used.
    pub fn start(recipe: &Recipe) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&recipe.log)
            .with_context(|| format!("the log {} cannot be opened", recipe.log.display()))?;
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg(recipe.orphaned.name());
        if let Some(user) = recipe.user {
            command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups");
        }
        command.arg("--").arg(&recipe.program).args(&recipe.arguments);
        if recipe.bare {
            command.env_clear();
        }
        command.envs(recipe.environment.iter().map(|(key, value)| (key, value)));
        command.current_dir(&recipe.folder).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // An error with a backtrace behind it would push its own words out of the tail that is shown.
        command.env("RUST_LIB_BACKTRACE", "0");
        let child =
            spawn(command).with_context(|| format!("{} cannot be started", recipe.program.display()))?;
        Ok(Self { name: recipe.name.clone(), log: recipe.log.clone(), child })
    }

    /// Gives the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells how the child ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Reports an end that nobody asked for, with the tail of the log. Errors: the child has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => Err(anyhow!("{} ended ({status})\n{}", self.name, tail(&self.log))),
        }
    }

    /// Sends a signal. Errors: the child has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        self.check()?;
        signal.send(self.id())
    }

    /// Kills with SIGKILL and waits for the end.
    pub fn kill(&mut self) {
        // Both fail only when the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends `signal` and waits; kills after `within`.
    ///
    /// Errors: it had to be killed.
    pub async fn stop(&mut self, signal: Signal, within: Duration) -> Result<()> {
        if self.ended().is_some() || self.signal(signal).is_err() {
            return Ok(());
        }
        let start = Instant::now();
        while self.ended().is_none() {
            if start.elapsed() > within {
                self.kill();
                bail!("{} did not stop within {} s and was killed", self.name, within.as_secs());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Gives the resident memory in bytes (VmRSS). Errors: the process is gone.
    pub fn resident_bytes(&self) -> Result<u64> {
        resident_bytes(self.id()).with_context(|| format!("{} has no memory figure", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Gives the last lines of a log, for an error message.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    format!("{}:\n{last}", log.display())
}

/// Reads VmRSS of a process in bytes. Errors: the process is gone.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Tells whether a process with this id exists.
pub fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a command on the one thread that lives as long as this process.
fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in inbox {
                // The asker waits for the answer; it cannot be gone.
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    starter.send((command, answer)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(script: &str) -> Recipe {
        let folder = std::env::temp_dir();
        Recipe {
            name: "trial".into(),
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![],
            bare: false,
            user: None,
            log: folder.join(format!("yuchong-process-{}.log", crate::ports::free().unwrap())),
            folder,
            orphaned: Signal::Kill,
        }
    }

    #[tokio::test]
    async fn a_child_is_seen_stopped_and_its_last_words_are_kept() {
        let mut child = Process::start(&recipe("echo started; exec sleep 60")).unwrap();
        assert!(child.resident_bytes().unwrap() > 0);
        child.stop(Signal::Terminate, Duration::from_secs(5)).await.unwrap();
        assert!(child.ended().is_some());

        let recipe = recipe("echo no money; exit 3");
        let mut child = Process::start(&recipe).unwrap();
        let said = loop {
            if let Err(error) = child.check() {
                break error.to_string();
            }
            sleep(Duration::from_millis(5)).await;
        };
        assert!(said.contains("no money") && said.contains("exit status: 3"), "{said}");
    }

    #[tokio::test]
    async fn a_dropped_child_is_gone() {
        let child = Process::start(&recipe("exec sleep 60")).unwrap();
        let pid = child.id();
        drop(child);
        assert!(!alive(pid));
    }
}
