//! The private servers: PostgreSQL and NATS JetStream as child processes of the launcher.
//!
//! Owns: both together, kept (`up`) or for a trial (tests, benchmarks). Not: databases and streams in them.
pub mod cluster;
pub mod home;
pub mod nats;
pub mod postgres;
pub mod tools;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub use cluster::Cluster;
pub use nats::Nats;
pub use postgres::{Durability, Postgres};
pub use tools::Tools;

use crate::{checkout::Checkout, ports::Port};

/// PostgreSQL's port under `cargo xtask up`. Source: architecture, "Two commands".
pub const POSTGRES_PORT: u16 = 15_432;
/// NATS's port under `cargo xtask up`. Source: architecture, "Two commands".
pub const NATS_PORT: u16 = 14_222;

/// A private PostgreSQL and a private NATS.
#[derive(Debug)]
pub struct Servers {
    /// The database server.
    pub postgres: Postgres,
    /// The broker.
    pub nats: Nats,
    folder: Folder,
}

impl Servers {
    /// Starts the checkout's own servers, whose data stays: durable, on fixed ports.
    ///
    /// Errors: a server is missing and cannot be installed, a port is taken, or a server does not start.
    pub async fn kept(checkout: &Checkout, postgres: Port, nats: Port) -> Result<Self> {
        let tools = Tools::find_or_install()?;
        let folder = Folder { path: home::find(checkout)?, trial: false };
        Self::start(&tools, folder, postgres, nats, Durability::Durable).await
    }

    /// Starts servers on free ports in a folder that goes away with this value.
    ///
    /// Errors: as [`Servers::kept`].
    pub async fn trial(checkout: &Checkout, durability: Durability) -> Result<Self> {
        let tools = Tools::find_or_install()?;
        let folder = Folder::trial(checkout)?;
        Self::start(&tools, folder, Port::Free, Port::Free, durability).await
    }

    async fn start(
        tools: &Tools,
        folder: Folder,
        postgres: Port,
        nats: Port,
        durability: Durability,
    ) -> Result<Self> {
        let (database, broker) = (folder.path.join("postgres"), folder.path.join("nats"));
        let (postgres, nats) = tokio::try_join!(
            Postgres::start(tools, &database, postgres, durability),
            Nats::start(tools, &broker, nats),
        )?;
        Ok(Self { postgres, nats, folder })
    }

    /// Gives the folder under which both keep their data and logs.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Stops both in order. Errors: one had to be killed.
    pub async fn stop(&mut self) -> Result<()> {
        let nats = self.nats.stop().await;
        self.postgres.stop().await?;
        nats
    }
}

/// The folder of a pair of servers, or of one of them.
#[derive(Debug)]
pub struct Folder {
    /// Where it lies.
    pub path: PathBuf,
    trial: bool,
}

impl Folder {
    /// Makes a new folder for one trial, removed when dropped; drop it after its servers.
    ///
    /// Errors: it cannot be created.
    pub fn trial(checkout: &Checkout) -> Result<Self> {
        let trials = home::find(checkout)?.join("trials");
        home::sweep(&trials);
        let path = trials.join(format!("{}-{}", std::process::id(), hex::encode(rand::random::<[u8; 4]>())));
        crate::checkout::open_folder(&trials)?;
        crate::checkout::open_folder(&path).context("no folder for a trial")?;
        Ok(Self { path, trial: true })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.trial {
            // What is left is swept by the next trial.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
