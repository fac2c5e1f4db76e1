//! A private PostgreSQL server as a child process.
//!
//! Owns: the cluster's files, start, stop, crash. Not: databases and roles (`cluster`).
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::time::sleep;

use super::{
    cluster::Cluster,
    home::{hand_over, postgres_user},
    tools::Tools,
};
use crate::{
    checkout::open_folder,
    ports::Port,
    probe::eventually,
    process::{Process, Recipe, Signal, alive},
};

/// The superuser of a private cluster.
pub const SUPERUSER: &str = "yuchong";
/// Recovery after a crash included: it syncs every file of the cluster first, which takes a minute where others write.
const READY_WITHIN: Duration = Duration::from_secs(180);
/// What PostgreSQL says when the processes of a former server of the same folder have not ended yet.
const HELD: &str = "pre-existing shared memory block";

/// Whether commits reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production: for `up`, fault tests and benchmarks. Source: reliability, section 2.
    Durable,
    /// Nothing is synced: for the quick test rings, whose services run under the test profile.
    Quick,
}

/// A running private server; killed as by a crash when dropped.
#[derive(Debug)]
pub struct Postgres {
    recipe: Recipe,
    process: Option<Process>,
    cluster: Cluster,
    data: PathBuf,
}

impl Postgres {
    /// Starts the server of `folder`; makes its cluster first when there is none.
    ///
    /// Errors: another version made the cluster, the port is taken, the server does not get ready.
    pub async fn start(tools: &Tools, folder: &Path, port: Port, durability: Durability) -> Result<Self> {
        open_folder(folder)?;
        hand_over(folder)?;
        let data = folder.join("data");
        let password = password(folder)?;
        if data.join("PG_VERSION").is_file() {
            let made_by = fs::read_to_string(data.join("PG_VERSION"))?;
            let program = tools.postgres_version.to_string();
            ensure!(
                made_by.trim() == program,
                "{} was made by PostgreSQL {}, found is {program}: install that version, or `cargo xtask down --wipe`",
                data.display(),
                made_by.trim()
            );
            stop_leftover(&data).await?;
        } else {
            make_cluster(tools, folder, &password)?;
        }
        let mut tries = 0;
        loop {
            let number = port.claim("PostgreSQL")?;
            let recipe = recipe(tools, folder, number, durability);
            let address = format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{number}/postgres");
            let cluster = Cluster::at(&address)?;
            let mut server = Self { recipe, process: None, cluster, data: data.clone() };
            match server.start_again().await {
                Ok(()) => return Ok(server),
                // Somebody else may have taken the free port meanwhile.
                Err(_) if tries < 2 && port == Port::Free => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives access to databases and roles.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Starts the server again after [`Postgres::stop`] or [`Postgres::kill`], on the same port and data.
    ///
    /// Errors: it does not get ready within 60 s.
    pub async fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "PostgreSQL runs already");
        stop_leftover(&self.data).await?;
        let start = Instant::now();
        loop {
            match self.start_once().await {
                Ok(process) => {
                    self.process = Some(process);
                    return Ok(());
                }
                // Helpers of a killed server still hold its shared memory until they notice its end.
                Err(error) if error.to_string().contains(HELD) && start.elapsed() < READY_WITHIN => {
                    sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn start_once(&self) -> Result<Process> {
        let mut process = Process::start(&self.recipe)?;
        let cluster = &self.cluster;
        eventually(READY_WITHIN, "PostgreSQL gets ready", || {
            let dead = process.check();
            async move {
                dead?;
                Ok(cluster.answers().await.then_some(()))
            }
        })
        .await?;
        Ok(process)
    }

    /// Stops fast: connections end, the data is written. Errors: it had to be killed after 30 s.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop(Signal::Interrupt, Duration::from_secs(30)).await,
            None => Ok(()),
        }
    }

    /// Kills the server with SIGKILL; its helper processes notice and end by themselves.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops and starts again. Errors: as the two.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Gives the process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT takes the helpers along, so that the folder can be removed at once.
        if let Some(mut process) = self.process.take() {
            let asked = process.signal(Signal::Quit).is_ok();
            let start = Instant::now();
            while asked && process.ended().is_none() && start.elapsed() < Duration::from_secs(3) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Reads the cluster's password, made once; only this user and PostgreSQL's can read it.
fn password(folder: &Path) -> Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("password");
    if let Ok(text) = fs::read_to_string(&path) {
        return Ok(text);
    }
    let text = hex::encode(rand::random::<[u8; 16]>());
    fs::write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    hand_over(&path)?;
    Ok(text)
}

fn environment(folder: &Path) -> Vec<(String, String)> {
    let home = folder.display().to_string();
    [("PATH", "/usr/bin:/bin"), ("HOME", home.as_str()), ("LANG", "C.UTF-8"), ("TZ", "UTC")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
}

fn make_cluster(tools: &Tools, folder: &Path, password: &str) -> Result<()> {
    ensure!(!password.is_empty(), "the cluster's password file is empty");
    // Made beside and renamed, so that an interrupted run leaves no half cluster.
    let half = folder.join("data.half");
    if half.exists() {
        fs::remove_dir_all(&half)?;
    }
    let mut command = match postgres_user() {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups", "--"]);
            command.arg(tools.postgres_folder.join("initdb"));
            command
        }
        None => Command::new(tools.postgres_folder.join("initdb")),
    };
    command.arg("-D").arg(&half).arg("--pwfile").arg(folder.join("password"));
    command.args(["-U", SUPERUSER, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    command.env_clear().envs(environment(folder)).current_dir(folder);
    let output = command.output().context("initdb cannot be started")?;
    if !output.status.success() {
        bail!("initdb: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    fs::rename(&half, folder.join("data")).context("the new cluster cannot be put in place")
}

fn recipe(tools: &Tools, folder: &Path, port: u16, durability: Durability) -> Recipe {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // Over TCP only: the path of a socket may be at most 107 bytes long.
        "unix_socket_directories=".to_owned(),
        "max_connections=600".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "log_line_prefix=%m %d %a ".to_owned(),
    ];
    if statistics_at_hand(&tools.postgres_folder) {
        // The benchmark counts statements by it. Source: performance, "The benchmark", 5.
        settings.push("shared_preload_libraries=pg_stat_statements".to_owned());
    }
    if durability == Durability::Quick {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
    }
    let mut arguments: Vec<OsString> = vec!["-D".into(), folder.join("data").into()];
    for setting in settings {
        arguments.extend(["-c".into(), setting.into()]);
    }
    Recipe {
        name: "PostgreSQL".into(),
        program: tools.postgres_folder.join("postgres"),
        arguments,
        environment: environment(folder),
        bare: true,
        user: postgres_user(),
        folder: folder.to_path_buf(),
        log: folder.join("postgres.log"),
        orphaned: Signal::Interrupt,
    }
}

fn statistics_at_hand(programs: &Path) -> bool {
    let library = Path::new("lib/pg_stat_statements.so");
    programs.parent().is_some_and(|folder| folder.join(library).is_file())
}

/// Waits for, or stops, a server that a former launcher left running in this folder.
async fn stop_leftover(data: &Path) -> Result<()> {
    let note = data.join("postmaster.pid");
    let read = || -> Option<u32> { fs::read_to_string(&note).ok()?.lines().next()?.trim().parse().ok() };
    let Some(pid) = read() else { return Ok(()) };
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    if !program.ends_with("postgres") {
        return Ok(());
    }
    // Already ending is as good.
    let _ = Signal::Interrupt.send(pid);
    eventually(Duration::from_secs(30), "the former PostgreSQL of this folder ends", || async {
        Ok((!alive(pid)).then_some(()))
    })
    .await
}
