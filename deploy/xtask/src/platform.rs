//! The checkout's own platform, whose data stays between runs: its servers, databases and settings.
//!
//! Owns: what `up`, `migrate` and `audit` share, and the note by which one command finds another's servers.
//! Not: trials (`trial`), which share nothing.
use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    checkout::{Checkout, Lock, open_folder},
    deployment::{Deployment, Profile},
    keys::Keys,
    ports::Port,
    provision::{self, Protection},
    servers::{Cluster, NATS_PORT, POSTGRES_PORT, Servers},
    services::Service,
};

/// The checkout's platform with its servers running; the services are not started.
#[derive(Debug)]
pub struct Platform {
    /// How the services are set up.
    pub deployment: Deployment,
    /// The servers, unless another launcher runs them.
    pub servers: Option<Servers>,
    note: PathBuf,
    lock: Option<Lock>,
}

/// What a running launcher leaves for the others.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    postgres: String,
    nats: String,
}

impl Platform {
    /// Starts the servers, makes databases and streams, and keeps others away from the data folder.
    ///
    /// Errors: another launcher runs; a server is missing or does not start.
    pub async fn start(checkout: &Checkout, binaries: PathBuf) -> Result<Self> {
        let lock = match checkout.lock()? {
            Ok(lock) => lock,
            Err(pid) => bail!("the platform of this checkout runs already (process {pid})"),
        };
        let port = |variable: &str, usual: u16| -> Result<Port> {
            match std::env::var(variable) {
                Ok(text) => {
                    Ok(Port::Fixed(text.parse().with_context(|| format!("{variable} is not a port"))?))
                }
                Err(_) => Ok(Port::Fixed(usual)),
            }
        };
        let postgres = port("YUCHONG_POSTGRES_PORT", POSTGRES_PORT)?;
        let nats = port("YUCHONG_NATS_PORT", NATS_PORT)?;
        let servers = Servers::kept(checkout, postgres, nats).await?;
        let cluster = servers.postgres.cluster();
        for service in Service::WITH_DATABASE {
            cluster.create_database(service.name(), service).await?;
        }
        provision::provision(&servers.nats.url(), Protection::Denied).await?;
        let note = Note { postgres: cluster.admin_url().to_owned(), nats: servers.nats.url() };
        let path = checkout.dot()?.join("running.json");
        write_private(&path, &serde_json::to_string(&note)?)?;
        let deployment = deployment(checkout, binaries, cluster, &servers.nats.url())?;
        Ok(Self { deployment, servers: Some(servers), note: path, lock: Some(lock) })
    }

    /// Uses the servers of a running launcher, or starts them. Errors: as [`Platform::start`].
    pub async fn find_or_start(checkout: &Checkout, binaries: PathBuf) -> Result<Self> {
        let lock = checkout.lock()?;
        if lock.is_ok() {
            drop(lock);
            return Self::start(checkout, binaries).await;
        }
        let path = checkout.dot()?.join("running.json");
        let text = fs::read_to_string(&path).context("the platform of this checkout is just starting")?;
        let note: Note = serde_json::from_str(&text)?;
        let deployment = deployment(checkout, binaries, &Cluster::at(&note.postgres)?, &note.nats)?;
        Ok(Self { deployment, servers: None, note: path, lock: None })
    }

    /// Brings every database up to date. Errors: a migration failed.
    pub async fn migrate(&self) -> Result<()> {
        for service in Service::WITH_DATABASE {
            self.deployment.migrate(service).await?;
        }
        Ok(())
    }

    /// Stops the servers if they are this launcher's. Errors: one had to be killed.
    pub async fn stop(mut self) -> Result<()> {
        match &mut self.servers {
            Some(servers) => servers.stop().await,
            None => Ok(()),
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // A note without a lock is not looked at.
            let _ = fs::remove_file(&self.note);
        }
    }
}

fn deployment(checkout: &Checkout, binaries: PathBuf, cluster: &Cluster, broker: &str) -> Result<Deployment> {
    let folder = checkout.dot()?.join("services");
    open_folder(&folder)?;
    let databases: BTreeMap<_, _> = Service::WITH_DATABASE
        .iter()
        .map(|service| (*service, cluster.url(*service, service.name())))
        .collect();
    Ok(Deployment {
        binaries,
        keys: Keys::load_or_make(&checkout.dot()?)?,
        folder,
        profile: Profile::Development,
        databases,
        broker: broker.to_owned(),
        addresses: Deployment::addresses(Port::Fixed)?,
        // The demo's operator that speaks T/CEC 102 is a server of this machine.
        settings: vec![(Service::Stations, "LINKS__PRIVATE_ADDRESSES".to_owned(), "true".to_owned())],
    })
}

/// Writes a file that only its owner reads. Errors: it cannot be written.
pub(crate) fn write_private(path: &std::path::Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}
