//! One platform for one test: the services as processes on free ports, own databases, own NATS server.
//!
//! Owns: its start, its end, and keeping its logs when a test fails. Not: what a test does with it.
use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use proto::reviews::Round;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use xtask::{
    deployment::Deployment,
    driver::{Actor, Platform, samples::Samples},
    fleet::Fleet,
    services::Service,
    trial::{Plan, SHARED_POSTGRES, Trial},
};

/// Platforms running at one time in this process: each is six processes, the machines have two cores.
static PLACES: Semaphore = Semaphore::const_new(3);
/// Names the folder of a platform's logs.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// Lines that a failed test repeats of what its services logged as errors.
const COMPLAINTS_SHOWN: usize = 20;

/// A running platform. Call [`System::finish`] at the end of a test; a test that does not get there keeps its logs.
pub struct System {
    trial: Option<Trial>,
    platform: Platform,
    pools: BTreeMap<Service, OnceLock<PgPool>>,
    pub(crate) samples: Samples,
    pub(crate) usual_round: OnceCell<Round>,
    pub(crate) cast: Mutex<HashMap<String, Arc<OnceCell<Actor>>>>,
    name: String,
    finished: bool,
    _place: SemaphorePermit<'static>,
}

impl System {
    /// Starts all services on quick servers under the test profile.
    ///
    /// # Panics
    /// Without `YUCHONG_TEST_POSTGRES`.
    ///
    /// # Errors
    /// Something does not start; the message has its log's tail.
    pub async fn start() -> Result<Self> {
        Self::planned(Plan::quick()).await
    }

    /// Starts all services on a durable PostgreSQL of their own, which the test may stop and kill.
    ///
    /// # Errors
    /// As [`System::start`].
    pub async fn durable() -> Result<Self> {
        Self::planned(Plan::durable()).await
    }

    /// Starts a platform with settings of the test's own. Panics and errors: as [`System::start`].
    pub async fn planned(plan: Plan) -> Result<Self> {
        assert!(
            env::var_os(SHARED_POSTGRES).is_some(),
            "{SHARED_POSTGRES} is not set: run the tests through `cargo xtask test`, which starts the servers"
        );
        let place = PLACES.acquire().await.context("the places are never closed")?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let test = std::thread::current().name().unwrap_or("test").replace("::", ".");
        // Deadlines are looked at often, so that no test waits for the timer.
        let trial = Trial::start(plan.set(Service::Reviews, "CLOCK__EVERY_SECS", 1)).await?;
        let pools = Service::WITH_DATABASE.map(|service| (service, OnceLock::new())).into();
        let name = format!("{test}-{}-{number}", std::process::id());
        let platform = Platform::of(trial.fleet.deployment())?;
        Ok(Self {
            trial: Some(trial),
            platform,
            pools,
            samples: Samples::load()?,
            usual_round: OnceCell::new(),
            cast: Mutex::default(),
            name,
            finished: false,
            _place: place,
        })
    }

    /// Gives the platform's parts.
    pub fn trial(&self) -> &Trial {
        self.trial.as_ref().expect("the trial is taken out only when the system is dropped")
    }

    /// Gives the platform's parts, to stop and kill servers.
    pub fn trial_mut(&mut self) -> &mut Trial {
        self.trial.as_mut().expect("the trial is taken out only when the system is dropped")
    }

    /// Gives the services as their callers see them.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Gives the running services.
    pub fn fleet(&self) -> &Fleet {
        &self.trial().fleet
    }

    /// Gives a superuser's connections to a service's database, to look at its tables.
    ///
    /// # Errors
    /// The service is not part of this platform.
    pub fn database(&self, service: Service) -> Result<&PgPool> {
        let pool = self.pools.get(&service).context("every service has a pool")?;
        if let Some(pool) = pool.get() {
            return Ok(pool);
        }
        let url = self.trial().database_url(service)?;
        let made = PgPoolOptions::new().max_connections(4).connect_lazy(&url)?;
        Ok(pool.get_or_init(|| made))
    }

    /// Gives the local outbox folder of a service, where messages for people are written.
    pub fn folder(&self, service: Service) -> PathBuf {
        self.trial().folder().join(service.name())
    }

    /// Ends a test: the queues run empty, every audit reports 0, the worklists equal the nodes, nobody complained.
    ///
    /// # Errors
    /// One of these does not hold.
    pub async fn finish(self) -> Result<()> {
        let complaints = self.complaints();
        ensure!(complaints.is_empty(), "services logged errors:\n{}", complaints.join("\n"));
        self.finish_after_faults().await
    }

    /// Ends a test that took servers away or sent garbage: as [`System::finish`], but services may have complained.
    ///
    /// # Errors
    /// As [`System::finish`].
    pub async fn finish_after_faults(mut self) -> Result<()> {
        self.calm().await?;
        self.finished = true;
        Ok(())
    }

    /// Ends a test in which something was left undone on purpose, e.g. a service that must not start.
    pub fn abandon(mut self) {
        self.finished = true;
    }

    /// Lists what services logged as errors: somebody must act on each. Source: house style, settings and telemetry.
    pub fn complaints(&self) -> Vec<String> {
        let mut found = Vec::new();
        for service in self.fleet().services() {
            let text = self.fleet().log_text(service);
            let errors = text
                .lines()
                .filter(|line| line.contains(r#""level":"ERROR""#) || line.contains("panicked at"));
            found.extend(errors.map(|line| format!("{service}: {line}")));
        }
        found
    }

    /// Keeps the logs of a failed test under `target/system-tests/<test>/` and says where.
    fn keep_logs(&self) -> Result<()> {
        let target = xtask::checkout::binaries()?.parent().context("no target folder")?.to_path_buf();
        let kept = target.join("system-tests").join(&self.name);
        fs::create_dir_all(&kept)?;
        for service in self.fleet().services() {
            let log = self.fleet().log(service);
            if log.is_file() {
                fs::copy(&log, kept.join(format!("{service}.log")))?;
            }
        }
        eprintln!("logs kept in {}", kept.display());
        for complaint in self.complaints().iter().take(COMPLAINTS_SHOWN) {
            eprintln!("{complaint}");
        }
        Ok(())
    }
}

impl AsRef<Deployment> for System {
    fn as_ref(&self) -> &Deployment {
        self.fleet().deployment()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = self.keep_logs()
        {
            eprintln!("the logs could not be kept: {error:#}");
        }
        let Some(trial) = self.trial.take() else { return };
        // The test's own runtime cannot wait inside a drop.
        let cleared = std::thread::spawn(move || -> Result<()> {
            for service in trial.fleet.services() {
                trial.fleet.kill(service)?;
            }
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(trial.stop())
        });
        match cleared.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("the platform could not be cleared away: {error:#}"),
            Err(_) => eprintln!("clearing the platform away panicked"),
        }
    }
}
