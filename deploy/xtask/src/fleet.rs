//! The running services: start, readiness, crash, restart, memory, stop.
//!
//! Owns: their processes. Not: their settings (`deployment`) or servers (`servers`).
mod front;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use futures::future::{join_all, try_join_all};

use self::front::Front;
use crate::{
    deployment::{Addresses, Deployment},
    ports,
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
    running: BTreeMap<Service, Mutex<Option<Running>>>,
    /// What listens at the services' addresses in place of them; none where each listens by itself.
    fronts: BTreeMap<Service, Front>,
}

/// A process of a service, and where it listens.
#[derive(Debug)]
struct Running {
    process: Process,
    at: Addresses,
}

impl Fleet {
    /// Starts `services`, whose databases are migrated, and waits until each is ready.
    ///
    /// Errors: one cannot be started, ends, or is not ready within 60 s; its log's tail is in the message.
    pub async fn start(deployment: Deployment, services: &[Service]) -> Result<Self> {
        Self::started(deployment, services, BTreeMap::new()).await
    }

    /// Starts `services` as [`Fleet::start`], each behind an address of its own, so that it can be [replaced](Fleet::replace)
    /// without being away.
    ///
    /// Errors: as [`Fleet::start`]; an address is taken.
    pub async fn start_behind_fronts(deployment: Deployment, services: &[Service]) -> Result<Self> {
        let mut fronts = BTreeMap::new();
        for service in services {
            fronts.insert(*service, Front::open(&deployment.address(*service)?.inlet).await?);
        }
        Self::started(deployment, services, fronts).await
    }

    async fn started(
        deployment: Deployment,
        services: &[Service],
        fronts: BTreeMap<Service, Front>,
    ) -> Result<Self> {
        let running = services.iter().map(|service| (*service, Mutex::new(None))).collect();
        let fleet = Self { deployment, running, fronts };
        try_join_all(services.iter().map(|service| fleet.start_again(*service))).await?;
        Ok(fleet)
    }

    /// Gives the settings of this fleet.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Lets every process that starts from now on be one of these programs, e.g. of the next release.
    pub fn bring_binaries(&mut self, folder: PathBuf) {
        self.deployment.binaries = folder;
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
        let at = self.place(service)?;
        let started = self.process(service, &at)?;
        {
            let mut slot = self.slot(service)?;
            ensure!(slot.is_none(), "{service} runs already");
            *slot = Some(Running { process: started, at: at.clone() });
        }
        self.ready(service, READY_WITHIN).await?;
        if let Some(front) = self.fronts.get(&service) {
            front.lead_to(&at.inlet);
        }
        Ok(())
    }

    /// Replaces the process of a service as a rolling update does: the new one is ready before new connections go to it
    /// alone, and only then the old one is told to end. Gives how long the old one took to end.
    ///
    /// Errors: this fleet has no fronts; the new one does not get ready; the old one had to be killed.
    pub async fn replace(&self, service: Service) -> Result<Duration> {
        let front = self.fronts.get(&service).with_context(|| format!("{service} has no front"))?;
        let at = self.place(service)?;
        let mut fresh = self.process(service, &at)?;
        eventually(READY_WITHIN, &format!("the new {service} gets ready"), || {
            let checked = fresh.check();
            let admin = &at.admin;
            async move {
                checked?;
                Ok(matches!(get(admin, "/ready").await, Ok((200, _))).then_some(()))
            }
        })
        .await?;
        front.lead_to(&at.inlet);
        let old = self.slot(service)?.replace(Running { process: fresh, at });
        let begun = std::time::Instant::now();
        if let Some(mut old) = old {
            old.process.stop(Signal::Terminate, STOPPED_WITHIN).await?;
        }
        Ok(begun.elapsed())
    }

    /// Where the next process of a service listens.
    fn place(&self, service: Service) -> Result<Addresses> {
        let own = self.deployment.address(service)?;
        if !self.fronts.contains_key(&service) {
            return Ok(own.clone());
        }
        let free = || anyhow::Ok(format!("127.0.0.1:{}", ports::free()?));
        Ok(Addresses { inlet: free()?, admin: free()? })
    }

    fn process(&self, service: Service, at: &Addresses) -> Result<Process> {
        let folder = self.deployment.folder_of(service)?;
        let recipe = Recipe {
            name: service.name().to_owned(),
            program: self.deployment.program(service),
            arguments: vec!["serve".into()],
            environment: self.deployment.environment_at(service, at)?,
            bare: false,
            user: None,
            folder,
            log: self.log(service),
            orphaned: Signal::Terminate,
        };
        ensure!(recipe.program.is_file(), "{} is not there; is it built?", recipe.program.display());
        Process::start(&recipe)
    }

    /// Waits until a running service says that it is ready. Errors: it ends, or does not within the time.
    pub async fn ready(&self, service: Service, within: Duration) -> Result<()> {
        let admin = self.admin(service)?;
        eventually(within, &format!("{service} gets ready"), || async {
            self.check(service)?;
            Ok(matches!(get(&admin, "/ready").await, Ok((200, _))).then_some(()))
        })
        .await
    }

    /// Reports a service that ended without being asked. Errors: it did, with its log's tail.
    pub fn check(&self, service: Service) -> Result<()> {
        match self.slot(service)?.as_mut() {
            Some(running) => running.process.check(),
            None => Ok(()),
        }
    }

    /// Reports any service that ended without being asked. Errors: one did.
    pub fn check_all(&self) -> Result<()> {
        self.services().try_for_each(|service| self.check(service))
    }

    /// Kills a service with SIGKILL, as a crash does. Errors: it is not part of this fleet.
    pub fn kill(&self, service: Service) -> Result<()> {
        if let Some(mut running) = self.slot(service)?.take() {
            running.process.kill();
        }
        Ok(())
    }

    /// Lets a service hang: it keeps its connections and answers nothing. Errors: it does not run.
    pub fn freeze(&self, service: Service) -> Result<()> {
        self.signal(service, Signal::Stop)
    }

    /// Lets a service that hangs go on. Errors: it does not run.
    pub fn thaw(&self, service: Service) -> Result<()> {
        self.signal(service, Signal::Continue)
    }

    fn signal(&self, service: Service, signal: Signal) -> Result<()> {
        let mut slot = self.slot(service)?;
        slot.as_mut().with_context(|| format!("{service} does not run"))?.process.signal(signal)
    }

    /// Stops a service with SIGTERM and waits. Errors: it had to be killed after 30 s.
    pub async fn stop_one(&self, service: Service) -> Result<()> {
        let running = self.slot(service)?.take();
        match running {
            Some(mut running) => running.process.stop(Signal::Terminate, STOPPED_WITHIN).await,
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
        let slot = self.slot(service)?;
        slot.as_ref().with_context(|| format!("{service} does not run"))?.process.resident_bytes()
    }

    /// Gives a service's process id while it runs.
    pub fn id(&self, service: Service) -> Option<u32> {
        self.slot(service).ok()?.as_ref().map(|running| running.process.id())
    }

    /// Gives a service's metrics as text. Errors: it does not answer.
    pub async fn metrics(&self, service: Service) -> Result<String> {
        Ok(get(&self.admin(service)?, "/metrics").await?.1)
    }

    /// Where the running process of a service tells how it is.
    fn admin(&self, service: Service) -> Result<String> {
        let slot = self.slot(service)?;
        Ok(slot.as_ref().with_context(|| format!("{service} does not run"))?.at.admin.clone())
    }

    /// Reads a service's log so far; empty when there is none.
    pub fn log_text(&self, service: Service) -> String {
        fs::read(self.log(service))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn slot(&self, service: Service) -> Result<MutexGuard<'_, Option<Running>>> {
        let slot =
            self.running.get(&service).with_context(|| format!("{service} is not part of this fleet"))?;
        Ok(slot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
