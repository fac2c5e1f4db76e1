//! The running services: start, readiness, crash, restart, memory, stop.
//!
//! Owns: their processes. Not: their settings (`deployment`) or servers (`servers`).
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use futures::future::{join_all, try_join_all};

use crate::{
    deployment::Deployment,
    probe::{eventually, get},
    process::{Process, Recipe, Signal},
    services::Service,
};

/// Reliability, section 15, asks for 5 s; a loaded test machine gets more.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A service drains for 25 s at most. Source: reliability, section 7.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// The services of one deployment, running; killed when dropped.
#[derive(Debug)]
pub struct Fleet {
    deployment: Deployment,
    running: BTreeMap<Service, Mutex<Option<Process>>>,
}

impl Fleet {
    /// Starts `services`, whose databases are migrated, and waits until each is ready.
    ///
    /// Errors: one cannot be started, ends, or is not ready within 60 s; its log's tail is in the message.
    pub async fn start(deployment: Deployment, services: &[Service]) -> Result<Self> {
        let running = services.iter().map(|service| (*service, Mutex::new(None))).collect();
        let fleet = Self { deployment, running };
        try_join_all(services.iter().map(|service| fleet.start_again(*service))).await?;
        Ok(fleet)
    }

    /// Gives the settings of this fleet.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Lists the services that this fleet was started with.
    pub fn services(&self) -> impl Iterator<Item = Service> + '_ {
        self.running.keys().copied()
    }

    /// Gives the log file of a service; it is appended to over restarts.
    pub fn log(&self, service: Service) -> PathBuf {
        self.deployment.folder.join(format!("{service}.log"))
    }

    /// Starts a service that was stopped or killed and waits until it is ready.
    ///
    /// Errors: it runs already, ends, or is not ready within 60 s.
    pub async fn start_again(&self, service: Service) -> Result<()> {
        let folder = self.deployment.folder_of(service)?;
        let recipe = Recipe {
            name: service.name().to_owned(),
            program: self.deployment.program(service),
            arguments: vec!["serve".into()],
            environment: self.deployment.environment(service)?,
            bare: false,
            user: None,
            folder,
            log: self.log(service),
            orphaned: Signal::Terminate,
        };
        ensure!(recipe.program.is_file(), "{} is not there; is it built?", recipe.program.display());
        {
            let mut slot = self.slot(service)?;
            ensure!(slot.is_none(), "{service} runs already");
            *slot = Some(Process::start(&recipe)?);
        }
        self.ready(service, READY_WITHIN).await
    }

    /// Waits until a running service says that it is ready. Errors: it ends, or does not within the time.
    pub async fn ready(&self, service: Service, within: Duration) -> Result<()> {
        let admin = &self.deployment.address(service)?.admin;
        eventually(within, &format!("{service} gets ready"), || async {
            self.check(service)?;
            Ok(matches!(get(admin, "/ready").await, Ok((200, _))).then_some(()))
        })
        .await
    }

    /// Reports a service that ended without being asked. Errors: it did, with its log's tail.
    pub fn check(&self, service: Service) -> Result<()> {
        match self.slot(service)?.as_mut() {
            Some(process) => process.check(),
            None => Ok(()),
        }
    }

    /// Reports any service that ended without being asked. Errors: one did.
    pub fn check_all(&self) -> Result<()> {
        self.services().try_for_each(|service| self.check(service))
    }

    /// Kills a service with SIGKILL, as a crash does. Errors: it is not part of this fleet.
    pub fn kill(&self, service: Service) -> Result<()> {
        if let Some(mut process) = self.slot(service)?.take() {
            process.kill();
        }
        Ok(())
    }

    /// Stops a service with SIGTERM and waits. Errors: it had to be killed after 30 s.
    pub async fn stop_one(&self, service: Service) -> Result<()> {
        let process = self.slot(service)?.take();
        match process {
            Some(mut process) => process.stop(Signal::Terminate, STOPPED_WITHIN).await,
            None => Ok(()),
        }
    }

    /// Stops and starts a service. Errors: as the two.
    pub async fn restart(&self, service: Service) -> Result<()> {
        self.stop_one(service).await?;
        self.start_again(service).await
    }

    /// Stops all at once with SIGTERM and waits. Errors: the first that had to be killed.
    pub async fn stop(&self) -> Result<()> {
        join_all(self.services().map(|service| self.stop_one(service))).await.into_iter().collect()
    }

    /// Gives a service's resident memory in bytes. Errors: it does not run.
    pub fn resident_bytes(&self, service: Service) -> Result<u64> {
        self.slot(service)?.as_ref().with_context(|| format!("{service} does not run"))?.resident_bytes()
    }

    /// Gives a service's process id while it runs.
    pub fn id(&self, service: Service) -> Option<u32> {
        self.slot(service).ok()?.as_ref().map(Process::id)
    }

    /// Gives a service's metrics as text. Errors: it does not answer.
    pub async fn metrics(&self, service: Service) -> Result<String> {
        Ok(get(&self.deployment.address(service)?.admin, "/metrics").await?.1)
    }

    /// Reads a service's log so far; empty when there is none.
    pub fn log_text(&self, service: Service) -> String {
        fs::read(self.log(service))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn slot(&self, service: Service) -> Result<MutexGuard<'_, Option<Process>>> {
        let slot =
            self.running.get(&service).with_context(|| format!("{service} is not part of this fleet"))?;
        Ok(slot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
