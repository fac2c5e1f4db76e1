//! Typed settings: compiled-in defaults, then one file, then the environment; unknown keys stop the start.
//!
//! Order: `settings.toml` of the service, the file named by `YUCHONG_<SERVICE>_CONFIG`, then variables
//! `YUCHONG_<SERVICE>__SECTION__KEY`. Secrets are redacted in `Debug`.

use std::{collections::BTreeMap, env, net::SocketAddr};

use config::{Config, Environment, File, FileFormat};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, de::DeserializeOwned};

use crate::production;

/// How strictly a process treats unsafe settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A laptop: durable PostgreSQL, plain text on the loopback.
    Development,
    /// Quick test rings: PostgreSQL may run without fsync.
    Test,
    /// Real data: unsafe settings stop the start.
    Production,
}

/// The service's own PostgreSQL database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host:port/database`.
    pub url: SecretString,
    /// Connections, 2..=200.
    pub pool_max: u32,
}

/// NATS with JetStream.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// `nats://host:port` or `tls://host:port`, several separated by commas.
    pub url: String,
    /// File with the NKey seed of this service; empty: the broker asks for none.
    pub nkey_file: String,
}

/// Where the process listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// gRPC.
    pub grpc_addr: SocketAddr,
    /// Health and metrics over HTTP.
    pub admin_addr: SocketAddr,
    /// gRPC for callers who are no service of the platform and show no certificate, `address:port`; empty: none. Only services
    /// that have something for them have the setting.
    #[serde(default)]
    pub outside_addr: String,
}

impl Server {
    /// Where callers from outside are answered; nothing where they are not.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], where it is no address with a port.
    pub fn outside(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let given = Some(self.outside_addr.as_str()).filter(|given| !given.is_empty());
        given.map(str::parse).transpose().map_err(|_| ConfigError::Invalid {
            key: "server.outside_addr",
            why: "must be an address with a port, e.g. 127.0.0.1:7112, or empty: nobody outside is answered"
                .into(),
        })
    }
}

/// Logs, traces, metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Filter of the log output, e.g. `info,sqlx=warn`; traces are not filtered by it.
    pub filter: String,
    /// OTLP over gRPC for traces and metrics, e.g. `http://127.0.0.1:4317`; empty: neither is sent, metrics are at the admin port.
    /// By `https://` the collector's certificate is of the services' authority.
    pub otlp_endpoint: String,
}

/// Who this process is, and whose word it believes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Ed25519 seed, 32 bytes in base64.
    pub signing_key: SecretString,
    /// `issuer:base64 public key` separated by commas; a rotated key is `issuer#2:…`.
    pub verifying_keys: String,
    /// See [`Tls`].
    pub tls: Tls,
}

/// PEM files for TLS between the services; all of them, or none: plain text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificates that everybody's own is signed by.
    pub authority: String,
    /// Own certificate and what leads to the authority; it names the service as callers do.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Tls {
    /// Whether all files are named.
    pub fn complete(&self) -> bool {
        [&self.authority, &self.certificate, &self.key].iter().all(|file| !file.is_empty())
    }

    /// Whether one of them is.
    pub(crate) fn named(&self) -> bool {
        [&self.authority, &self.certificate, &self.key].iter().any(|file| !file.is_empty())
    }
}

/// The sections that every service has.
#[derive(Debug, Clone)]
pub struct Settings {
    /// See [`Profile`].
    pub profile: Profile,
    /// See [`Database`].
    pub database: Database,
    /// See [`Broker`].
    pub broker: Broker,
    /// See [`Server`].
    pub server: Server,
    /// See [`Telemetry`].
    pub telemetry: Telemetry,
    /// See [`Identity`].
    pub identity: Identity,
    /// Service name to gRPC address, e.g. `accounts = "http://127.0.0.1:7101"`.
    pub peers: BTreeMap<String, String>,
}

/// The sections of a process without a database.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// See [`Profile`].
    pub profile: Profile,
    /// Health and metrics over HTTP.
    pub admin_addr: SocketAddr,
    /// See [`Telemetry`].
    pub telemetry: Telemetry,
    /// See [`Identity`].
    pub identity: Identity,
    /// As [`Settings::peers`].
    pub peers: BTreeMap<String, String>,
}

/// Whether a 32-byte key in base64 is one that everybody knows (one byte, repeated), and not to be used for real data.
pub fn well_known_key(text: &str) -> bool {
    production::well_known_seed(text)
}

/// Whether each server of a broker's address is reached over TLS, or on this machine.
pub fn broker_encrypted(url: &str) -> bool {
    production::broker_encrypted(url)
}

/// A setting is missing, unknown or out of range. The text names the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not readable, or a key is missing or unknown.
    #[error("settings of {service}: {source}")]
    Unreadable {
        /// Whose settings.
        service: String,
        /// What the reader found, with the key.
        source: Box<config::ConfigError>,
    },
    /// A value that the process cannot run with.
    #[error("setting {key}: {why}")]
    Invalid {
        /// Section and key, dotted.
        key: &'static str,
        /// The rule and the way out.
        why: String,
    },
}

/// Reads the settings of `service`.
///
/// # Errors
/// [`ConfigError::Unreadable`] names a key that is missing, unknown or of the wrong type.
pub fn load<T: DeserializeOwned>(service: &str, defaults: &'static str) -> Result<T, ConfigError> {
    let upper = service.to_uppercase();
    let mut builder = Config::builder().add_source(File::from_str(defaults, FileFormat::Toml));
    if let Ok(path) = env::var(format!("YUCHONG_{upper}_CONFIG")) {
        builder = builder.add_source(File::new(&path, FileFormat::Toml));
    }
    let environment =
        Environment::with_prefix(&format!("YUCHONG_{upper}")).prefix_separator("__").separator("__");
    builder
        .add_source(environment)
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|source| ConfigError::Unreadable { service: service.to_owned(), source: Box::new(source) })
}

impl Settings {
    /// Checks what types cannot: ranges, key formats, and in production the refusal of unsafe values.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the first key that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        if !(2..=200).contains(&self.database.pool_max) {
            return wrong("database.pool_max", "must be 2..=200");
        }
        if !self.database.url.expose_secret().starts_with("postgres") {
            return wrong("database.url", "must be a postgres:// URL");
        }
        if self.broker.url.is_empty() {
            return wrong("broker.url", "must name a NATS server, e.g. nats://127.0.0.1:14222");
        }
        self.server.outside()?;
        self.edge().validate()?;
        if self.profile == Profile::Production {
            production::check(self)?;
        }
        Ok(())
    }

    /// What does not depend on a database.
    pub fn edge(&self) -> EdgeSettings {
        EdgeSettings {
            profile: self.profile,
            admin_addr: self.server.admin_addr,
            telemetry: self.telemetry.clone(),
            identity: self.identity.clone(),
            peers: self.peers.clone(),
        }
    }
}

impl EdgeSettings {
    /// Checks key formats and addresses.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the first key that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        if self.identity.signing_key.expose_secret().is_empty() {
            return wrong("identity.signing_key", "must be an Ed25519 seed: 32 bytes in base64");
        }
        if self.identity.verifying_keys.is_empty() {
            return wrong("identity.verifying_keys", "must list issuer:public key pairs");
        }
        for (peer, url) in &self.peers {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(ConfigError::Invalid {
                    key: "peers",
                    why: format!("{peer}: must be an http:// or https:// URL"),
                });
            }
        }
        if self.profile == Profile::Production {
            production::check_edge(self)?;
        }
        Ok(())
    }
}
