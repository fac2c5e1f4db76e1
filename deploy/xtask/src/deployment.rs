//! How the services of one fleet are set up: addresses, databases, keys, as environment variables.
//!
//! Owns: the settings of each service and running one of its subcommands. Not: the running fleet (`fleet`).
use std::{collections::BTreeMap, fs, path::PathBuf, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::{keys::Keys, ports::Port, services::Service};

/// The services' profile. Source: architecture, rule 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Durable servers on one machine.
    Development,
    /// Quick test rings: the database may run without syncing.
    Test,
}

impl Profile {
    /// Gives the word that the services' settings use.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Development => "development",
            Profile::Test => "test",
        }
    }
}

/// Where one service listens.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// gRPC, or HTTP where the service has no database; `127.0.0.1:port`.
    pub inlet: String,
    /// Health and metrics, `127.0.0.1:port`.
    pub admin: String,
}

/// Everything that the services of one fleet need to know.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The folder of the services' programs.
    pub binaries: PathBuf,
    /// One folder for each service below it: current folder, objects, local outbox file, log.
    pub folder: PathBuf,
    /// The same for all.
    pub profile: Profile,
    /// The address of each service's own database.
    pub databases: BTreeMap<Service, String>,
    /// The broker's address.
    pub broker: String,
    /// Where each service listens.
    pub addresses: BTreeMap<Service, Addresses>,
    /// Their keys.
    pub keys: Keys,
    /// Further settings: service, key as `SECTION__KEY`, value; the last one wins.
    pub settings: Vec<(Service, String, String)>,
}

/// What a subcommand of a service said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether it ended with success.
    pub success: bool,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Deployment {
    /// Chooses addresses: the development ports, or free ones. Errors: no port is free.
    pub fn addresses(port: impl Fn(u16) -> Port) -> Result<BTreeMap<Service, Addresses>> {
        let address = |number: u16| anyhow::Ok(format!("127.0.0.1:{}", port(number).choose()?));
        let mut addresses = BTreeMap::new();
        for service in Service::ALL {
            let (inlet, admin) = (address(service.inlet_port())?, address(service.admin_port())?);
            addresses.insert(service, Addresses { inlet, admin });
        }
        Ok(addresses)
    }

    /// Gives the program of a service.
    pub fn program(&self, service: Service) -> PathBuf {
        self.binaries.join(service.name())
    }

    /// Gives the current folder of a service; creates it. Errors: it cannot be created.
    pub fn folder_of(&self, service: Service) -> Result<PathBuf> {
        let folder = self.folder.join(service.name());
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        Ok(folder)
    }

    /// Gives the address of a service's inlet as a URL. Errors: it is not part of this deployment.
    pub fn url(&self, service: Service) -> Result<String> {
        Ok(format!("http://{}", self.address(service)?.inlet))
    }

    /// Gives where a service listens. Errors: it is not part of this deployment.
    pub fn address(&self, service: Service) -> Result<&Addresses> {
        self.addresses.get(&service).with_context(|| format!("{service} has no address"))
    }

    /// Gives the settings of a service as environment variables. Errors: one of its facts is missing.
    pub fn environment(&self, service: Service) -> Result<Vec<(String, String)>> {
        self.environment_at(service, self.address(service)?)
    }

    /// The same for one of several processes of a service, which listens elsewhere than its callers look for it.
    pub fn environment_at(&self, service: Service, own: &Addresses) -> Result<Vec<(String, String)>> {
        let mut settings = vec![
            ("PROFILE".to_owned(), self.profile.name().to_owned()),
            ("SERVER__ADMIN_ADDR".to_owned(), own.admin.clone()),
            ("IDENTITY__SIGNING_KEY".to_owned(), self.keys.signing_key(service)),
            ("IDENTITY__VERIFYING_KEYS".to_owned(), self.keys.verifying_keys()),
        ];
        if service.has_database() {
            let url = self.databases.get(&service).with_context(|| format!("{service} has no database"))?;
            settings.push(("DATABASE__URL".to_owned(), url.clone()));
            settings.push(("BROKER__URL".to_owned(), self.broker.clone()));
            settings.push(("SERVER__GRPC_ADDR".to_owned(), own.inlet.clone()));
        } else {
            settings.push(("SERVER__HTTP_ADDR".to_owned(), own.inlet.clone()));
        }
        for (peer, addresses) in self.addresses.iter().filter(|(peer, _)| peer.has_database()) {
            let key = format!("PEERS__{}", peer.name().to_uppercase());
            settings.push((key, format!("http://{}", addresses.inlet)));
        }
        if service == Service::Stations {
            settings
                .push(("LINKS__SECRETS_KEY".to_owned(), self.keys.secrets_key(service, "links.secrets_key")));
        }
        if service == Service::Accounts {
            let key = self.keys.secrets_key(service, "second_factor.secrets_key");
            settings.push(("SECOND_FACTOR__SECRETS_KEY".to_owned(), key));
        }
        if service == Service::Notifications {
            let key = self.keys.secrets_key(service, "webhooks.secrets_key");
            settings.push(("WEBHOOKS__SECRETS_KEY".to_owned(), key));
        }
        let further = self.settings.iter().filter(|(of, ..)| *of == service);
        settings.extend(further.map(|(_, key, value)| (key.clone(), value.clone())));
        Ok(settings.into_iter().map(|(key, value)| (service.variable(&key), value)).collect())
    }

    /// Runs a subcommand of a service and gives what it said, success or not.
    ///
    /// Errors: the program is not there.
    pub async fn run(&self, service: Service, arguments: &[&str]) -> Result<Answer> {
        let program = self.program(service);
        let output = Command::new(&program)
            .args(arguments)
            .envs(self.environment(service)?)
            .current_dir(self.folder_of(service)?)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("{} cannot be started; is it built?", program.display()))?;
        Ok(Answer {
            success: output.status.success(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Brings a service's database up to date. Errors: the migration failed, with what it said.
    pub async fn migrate(&self, service: Service) -> Result<()> {
        let answer = self.run(service, &["migrate"]).await?;
        ensure!(answer.success, "{service} migrate failed\n{}{}", answer.output, answer.errors);
        Ok(())
    }
}

impl AsRef<Deployment> for Deployment {
    fn as_ref(&self) -> &Deployment {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_learns_its_database_its_peers_and_what_was_set_last() {
        let folder = std::env::temp_dir().join(format!("yuchong-deployment-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let deployment = Deployment {
            binaries: "bin".into(),
            folder: folder.clone(),
            profile: Profile::Test,
            databases: [(Service::Reviews, "postgres://reviews@host/reviews".to_owned())].into(),
            broker: "nats://host:1".into(),
            addresses: Deployment::addresses(Port::Fixed).unwrap(),
            keys: Keys::load_or_make(&folder).unwrap(),
            settings: vec![(Service::Reviews, "DATABASE__POOL_MAX".into(), "4".into())],
        };
        let environment: BTreeMap<_, _> =
            deployment.environment(Service::Reviews).unwrap().into_iter().collect();
        assert_eq!(environment["YUCHONG_REVIEWS__PROFILE"], "test");
        assert_eq!(environment["YUCHONG_REVIEWS__PEERS__ACCOUNTS"], "http://127.0.0.1:7101");
        assert_eq!(environment["YUCHONG_REVIEWS__SERVER__ADMIN_ADDR"], "127.0.0.1:9104");
        assert_eq!(environment["YUCHONG_REVIEWS__DATABASE__POOL_MAX"], "4");
        assert!(deployment.environment(Service::Accounts).is_err());
        let environment: BTreeMap<_, _> =
            deployment.environment(Service::Portal).unwrap().into_iter().collect();
        assert_eq!(environment["YUCHONG_PORTAL__SERVER__HTTP_ADDR"], "127.0.0.1:8080");
        assert!(!environment.contains_key("YUCHONG_PORTAL__DATABASE__URL"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
