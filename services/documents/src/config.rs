//! Typed settings of this service; `settings.toml` says what each means. Invalid values stop the start.

use std::collections::BTreeMap;

use chassis::config::{Broker, ConfigError, Database, Identity, Profile, Server, Settings, Telemetry};
use serde::Deserialize;

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    profile: Profile,
    database: Database,
    broker: Broker,
    server: Server,
    telemetry: Telemetry,
    identity: Identity,
    peers: BTreeMap<String, String>,
    /// Where bytes live.
    pub storage: Storage,
    /// Bounds of uploads.
    pub uploads: Uploads,
    /// The inspection worker.
    pub inspection: Inspection,
    /// The background sweep.
    pub sweep: Sweep,
}

/// Where bytes live.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Folder of the object store.
    pub folder: String,
    /// Whether writes reach the disk before they are answered.
    pub fsync: bool,
}

/// Bounds of uploads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uploads {
    /// Uploads at the same time, 1..=64.
    pub at_once_max: usize,
    /// Licences from people without an account in an hour.
    pub anonymous_per_hour_max: i64,
}

/// The inspection worker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// Its program; empty means this executable.
    pub program: String,
}

/// The background sweep.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Between two looks, seconds, 1..=3600.
    pub interval_secs: u64,
    /// Until an interrupted upload is given up, seconds, 60..=604800.
    pub upload_given_up_secs: i64,
}

impl Config {
    /// Reads defaults, file and environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the key that is missing, unknown or out of range.
    pub fn load() -> Result<Self, ConfigError> {
        let config: Self = chassis::config::load("documents", include_str!("../settings.toml"))?;
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        if config.storage.folder.trim().is_empty() {
            return wrong("storage.folder", "must name a folder");
        }
        if config.profile == Profile::Production && !config.storage.fsync {
            return wrong("storage.fsync", "must be true in production: a confirmed upload must survive a power loss");
        }
        if !(1..=64).contains(&config.uploads.at_once_max) {
            return wrong("uploads.at_once_max", "must be 1..=64");
        }
        if config.uploads.anonymous_per_hour_max < 0 {
            return wrong("uploads.anonymous_per_hour_max", "must not be negative");
        }
        if !(1..=3600).contains(&config.sweep.interval_secs) {
            return wrong("sweep.interval_secs", "must be 1..=3600");
        }
        if !(60..=604_800).contains(&config.sweep.upload_given_up_secs) {
            return wrong("sweep.upload_given_up_secs", "must be 60..=604800");
        }
        Ok(config)
    }

    /// The part that every service has.
    #[must_use]
    pub fn chassis(&self) -> Settings {
        Settings {
            profile: self.profile,
            database: self.database.clone(),
            broker: self.broker.clone(),
            server: self.server.clone(),
            telemetry: self.telemetry.clone(),
            identity: self.identity.clone(),
            peers: self.peers.clone(),
        }
    }
}
