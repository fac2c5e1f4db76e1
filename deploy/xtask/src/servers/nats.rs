//! A private NATS server with JetStream as a child process.
//!
//! Owns: its files, start, stop, crash, loss of all data. Not: streams and consumers (`provision`).
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use super::tools::Tools;
use crate::{
    checkout::open_folder,
    ports::{self, Port},
    probe::{eventually, get},
    process::{Process, Recipe, Signal},
};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running private broker; killed when dropped.
#[derive(Debug)]
pub struct Nats {
    recipe: Recipe,
    process: Option<Process>,
    store: PathBuf,
    port: u16,
    monitor: u16,
}

impl Nats {
    /// Starts the broker of `folder`. Errors: the port is taken, or it does not get ready.
    pub async fn start(tools: &Tools, folder: &Path, port: Port) -> Result<Self> {
        open_folder(folder)?;
        let mut tries = 0;
        loop {
            let number = port.claim("NATS")?;
            let monitor = ports::free()?;
            let store = folder.join("store");
            let recipe = recipe(tools, folder, &store, number, monitor)?;
            let mut server = Self { recipe, process: None, store, port: number, monitor };
            match server.start_again().await {
                Ok(()) => return Ok(server),
                // Somebody else may have taken the free port meanwhile.
                Err(_) if tries < 2 && port == Port::Free => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the address for clients.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts the broker again after a stop or kill, on the same ports and data. Errors: not ready within 30 s.
    pub async fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "NATS runs already");
        let mut process = Process::start(&self.recipe)?;
        let monitor = format!("127.0.0.1:{}", self.monitor);
        eventually(READY_WITHIN, "NATS gets ready", || {
            let dead = process.check();
            let monitor = monitor.clone();
            async move {
                dead?;
                let answer = get(&monitor, "/healthz?js-enabled-only=true").await;
                Ok(matches!(answer, Ok((200, _))).then_some(()))
            }
        })
        .await?;
        // Healthy is what listens on the monitor's port; that the clients' port is ours shows only here.
        process.check()?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops; the data stays. Errors: it had to be killed after 10 s.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop(Signal::Terminate, Duration::from_secs(10)).await,
            None => Ok(()),
        }
    }

    /// Kills with SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops and starts again. Errors: as the two.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Loses every stream, consumer and message: stops, removes the store, starts again.
    ///
    /// Streams must be provisioned anew. Errors: as stop and start.
    pub async fn wipe(&mut self) -> Result<()> {
        self.stop().await?;
        self.remove_store()?;
        self.start_again().await
    }

    /// Removes the store of a stopped broker. Errors: it runs, or the store cannot be removed.
    pub fn remove_store(&self) -> Result<()> {
        ensure!(self.process.is_none(), "NATS runs; stop it first");
        if self.store.exists() {
            fs::remove_dir_all(&self.store).context("the broker's store cannot be removed")?;
        }
        Ok(())
    }

    /// Gives the process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }
}

/// Gives the settings of a private broker.
///
/// The limit of the store is stated, because the server's own is a share of the free disk: with little left it refuses
/// streams whose limits sum up to more (four of 256 MiB), although nothing near that is ever stored here.
fn settings(store: &Path, port: u16, monitor: u16) -> String {
    format!(
        "listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor}\"\n\
         jetstream {{\n  store_dir: {:?}\n  max_file: 2GB\n  max_mem: 64MB\n}}\n",
        store.display().to_string()
    )
}

fn recipe(tools: &Tools, folder: &Path, store: &Path, port: u16, monitor: u16) -> Result<Recipe> {
    let file = folder.join("nats.conf");
    fs::write(&file, settings(store, port, monitor)).context("the broker's settings cannot be written")?;
    Ok(Recipe {
        name: "NATS".into(),
        program: tools.nats_server.clone(),
        arguments: vec!["-c".into(), file.into()],
        environment: vec![],
        bare: false,
        user: None,
        folder: folder.to_path_buf(),
        log: folder.join("nats.log"),
        orphaned: Signal::Terminate,
    })
}
