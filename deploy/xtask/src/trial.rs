//! A whole platform for one test or benchmark: own databases, own broker, own services, free ports.
//!
//! Owns: putting servers, databases, streams and fleet together and clearing them away. Not: what is tried.
use std::{collections::BTreeMap, env, fs, path::PathBuf};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::{
    checkout::{Checkout, binaries},
    deployment::{Deployment, Profile},
    fleet::Fleet,
    keys::Keys,
    ports::Port,
    provision::{self, Protection},
    servers::{Cluster, Durability, Folder, Nats, Postgres, Tools},
    services::Service,
};

/// Names a PostgreSQL superuser's address that quick trials share instead of starting a server each.
pub const SHARED_POSTGRES: &str = "YUCHONG_TEST_POSTGRES";
/// Names a NATS address for tests that need a broker but no services.
pub const SHARED_NATS: &str = "YUCHONG_TEST_NATS";

/// What a trial is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `Durable`: a private PostgreSQL, which the test may stop and kill. `Quick`: a shared one if
    /// [`SHARED_POSTGRES`] names it.
    pub durability: Durability,
    /// The services to start.
    pub services: Vec<Service>,
    /// Where their programs lie; beside the running program when absent.
    pub binaries: Option<PathBuf>,
    /// Further settings, see [`Deployment::settings`].
    pub settings: Vec<(Service, String, String)>,
    /// Whether services can be replaced while they are called, see [`Fleet::replace`].
    pub fronts: bool,
}

impl Plan {
    /// The services with a database on quick servers.
    pub fn quick() -> Self {
        Self {
            durability: Durability::Quick,
            services: Service::WITH_DATABASE.to_vec(),
            binaries: None,
            settings: vec![],
            fronts: false,
        }
    }

    /// The services with a database on durable servers of their own.
    pub fn durable() -> Self {
        Self { durability: Durability::Durable, ..Self::quick() }
    }

    /// Adds a service, e.g. the portal.
    pub fn with(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Puts each service behind a front, so that it can be replaced while it is called.
    pub fn behind_fronts(self) -> Self {
        Self { fronts: true, ..self }
    }

    /// Adds a setting of one service, e.g. `("DATABASE__POOL_MAX", "4")`.
    pub fn set(mut self, service: Service, key: &str, value: impl ToString) -> Self {
        self.settings.push((service, key.to_owned(), value.to_string()));
        self
    }
}

/// A running platform of one's own; everything is gone when it is dropped.
#[derive(Debug)]
pub struct Trial {
    /// The services.
    pub fleet: Fleet,
    /// The broker, never shared.
    pub nats: Nats,
    /// The database server, when it is this trial's own.
    pub postgres: Option<Postgres>,
    /// Access to databases.
    pub cluster: Cluster,
    names: BTreeMap<Service, String>,
    folder: Folder,
}

impl Trial {
    /// Starts everything. Errors: a server or service does not start; the message has its log's tail.
    pub async fn start(plan: Plan) -> Result<Self> {
        let checkout = Checkout::find()?;
        let tools = Tools::find_or_install()?;
        let folder = Folder::trial(&checkout)?;
        let store = folder.path.join("nats");
        let database = database(&tools, &folder, plan.durability);
        let (nats, (postgres, cluster)) =
            tokio::try_join!(Nats::start(&tools, &store, Port::Free), database)?;
        let profile = match plan.durability {
            Durability::Durable => Profile::Development,
            Durability::Quick => Profile::Test,
        };
        let keys = Keys::load_or_make(&folder.path)?;
        let mut names = BTreeMap::new();
        let mut databases = BTreeMap::new();
        for service in plan.services.iter().filter(|service| service.has_database()) {
            let name = format!("trial_{}_{service}", hex::encode(rand::random::<[u8; 5]>()));
            databases.insert(*service, cluster.url(*service, &name));
            names.insert(*service, name);
        }
        let deployment = Deployment {
            binaries: plan.binaries.map_or_else(binaries, Ok)?,
            folder: folder.path.clone(),
            profile,
            databases,
            broker: nats.url(),
            addresses: Deployment::addresses(|_| Port::Free)?,
            keys,
            settings: plan.settings,
        };
        let made = names.iter().map(|(service, name)| {
            make_database(&checkout, &cluster, &deployment, *service, name, plan.durability)
        });
        let broker = nats.url();
        tokio::try_join!(try_join_all(made), provision::provision(&broker, Protection::Open))?;
        let fleet = match plan.fronts {
            true => Fleet::start_behind_fronts(deployment, &plan.services).await?,
            false => Fleet::start(deployment, &plan.services).await?,
        };
        Ok(Self { fleet, nats, postgres, cluster, names, folder })
    }

    /// Gives the superuser's address of a service's database, for looking at its tables.
    ///
    /// Errors: the service is not part of the trial.
    pub fn database_url(&self, service: Service) -> Result<String> {
        let name = self.names.get(&service).with_context(|| format!("{service} has no database"))?;
        Ok(self.cluster.admin_url_of(name))
    }

    /// Gives the folder with logs, objects and local outbox files.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder.path
    }

    /// Wipes the broker and makes its streams anew. Errors: it does not come back.
    pub async fn lose_broker_data(&mut self) -> Result<()> {
        self.nats.wipe().await?;
        provision::provision(&self.nats.url(), Protection::Open).await
    }

    /// Stops everything in order and drops the databases. Errors: something had to be killed.
    pub async fn stop(mut self) -> Result<()> {
        self.fleet.stop().await?;
        if self.postgres.is_none() {
            for name in self.names.values() {
                self.cluster.drop_database(name).await?;
            }
        }
        self.nats.stop().await?;
        match &mut self.postgres {
            Some(postgres) => postgres.stop().await,
            None => Ok(()),
        }
    }
}

/// The database server of a trial: shared when that is allowed and there is one, else its own.
async fn database(
    tools: &Tools,
    folder: &Folder,
    durability: Durability,
) -> Result<(Option<Postgres>, Cluster)> {
    match (durability, env::var(SHARED_POSTGRES)) {
        (Durability::Quick, Ok(url)) => Ok((None, Cluster::at(&url)?)),
        (Durability::Quick, Err(_)) | (Durability::Durable, _) => {
            let postgres =
                Postgres::start(tools, &folder.path.join("postgres"), Port::Free, durability).await?;
            let cluster = postgres.cluster().clone();
            Ok((Some(postgres), cluster))
        }
    }
}

/// Makes one migrated database: a quick trial copies a template that the first one made.
async fn make_database(
    checkout: &Checkout,
    cluster: &Cluster,
    deployment: &Deployment,
    service: Service,
    name: &str,
    durability: Durability,
) -> Result<()> {
    if durability == Durability::Durable {
        cluster.create_database(name, service).await?;
        return deployment.migrate(service).await;
    }
    let template = template(checkout, service)?;
    let mut holder = cluster.connect().await?;
    // One process makes the template, the others wait for it here; closing the connection lets go.
    sqlx::query("SELECT pg_advisory_lock(hashtext($1))").bind(&template).execute(&mut holder).await?;
    if !cluster.exists(&template).await? {
        let half = format!("{template}_half");
        cluster.drop_database(&half).await?;
        cluster.create_database(&half, service).await?;
        let mut maker = deployment.clone();
        maker.databases.insert(service, cluster.url(service, &half));
        maker.migrate(service).await?;
        // Both names are made here from a hash.
        let rename = format!("ALTER DATABASE {half} RENAME TO {template}");
        sqlx::raw_sql(AssertSqlSafe(rename)).execute(&mut holder).await?;
    }
    cluster.copy_database(&template, name, service).await?;
    holder.close().await?;
    Ok(())
}

/// Names the template of a service's migrations as they stand in the checkout.
fn template(checkout: &Checkout, service: Service) -> Result<String> {
    let mut digest = Sha256::new();
    for folder in ["chassis", service.name()] {
        let mut files: Vec<PathBuf> = match fs::read_dir(checkout.root().join("migrations").join(folder)) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![],
        };
        files.sort();
        for file in files {
            digest.update(file.as_os_str().as_encoded_bytes());
            digest.update(fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?);
        }
    }
    Ok(format!("template_{service}_{}", hex::encode(&digest.finalize()[..6])))
}
