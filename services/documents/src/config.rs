//! Typed settings of this service; `settings.toml` says what each means. Invalid values stop the start.

use std::{collections::BTreeMap, path::PathBuf};

use chassis::config::{Broker, ConfigError, Database, Identity, Profile, Server, Settings, Telemetry};
use secrecy::SecretString;
use serde::Deserialize;

use crate::inspect::Font;

/// The compiled-in settings.
pub const DEFAULTS: &str = include_str!("../settings.toml");

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strictly unsafe settings are treated.
    pub profile: Profile,
    /// The own database.
    pub database: Database,
    /// NATS.
    pub broker: Broker,
    /// Where it listens.
    pub server: Server,
    /// Logs and traces.
    pub telemetry: Telemetry,
    /// Own key and believed keys.
    pub identity: Identity,
    /// Other services.
    pub peers: BTreeMap<String, String>,
    /// Where bytes live.
    pub storage: Storage,
    /// Bounds of uploads.
    pub uploads: Uploads,
    /// The inspection worker.
    pub inspection: Inspection,
    /// Pictures to look at.
    pub previews: Previews,
    /// The background sweep.
    pub sweep: Sweep,
}

/// Where bytes live.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Which of the two.
    pub kind: StorageKind,
    /// Folder of the object store.
    pub folder: String,
    /// Whether writes reach the disk before they are answered.
    pub fsync: bool,
    /// S3-compatible storage.
    pub s3: S3,
}

/// What kind of object store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageKind {
    /// A folder of this machine.
    Folder,
    /// S3-compatible storage.
    S3,
}

/// S3-compatible storage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Its address.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Who signs.
    pub access_key: String,
    /// With what; redacted in `Debug`.
    pub secret_key: SecretString,
}

impl Storage {
    fn validate(&self, profile: Profile) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        let production = profile == Profile::Production;
        match self.kind {
            StorageKind::Folder if self.folder.trim().is_empty() => {
                wrong("storage.folder", "must name a folder")
            }
            StorageKind::Folder if production && !self.fsync => wrong(
                "storage.fsync",
                "must be true in production: a confirmed upload must survive a power loss",
            ),
            StorageKind::S3 if production && !self.s3.endpoint.starts_with("https://") => {
                wrong("storage.s3.endpoint", "must be an https:// URL in production")
            }
            StorageKind::S3 if self.s3.endpoint.is_empty() => wrong("storage.s3.endpoint", "must be a URL"),
            StorageKind::S3 if self.s3.bucket.is_empty() => wrong("storage.s3.bucket", "must name a bucket"),
            StorageKind::Folder | StorageKind::S3 => Ok(()),
        }
    }
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
    /// Wall time of one, seconds, 10..=240.
    pub wall_secs: u64,
}

/// Pictures to look at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previews {
    /// Font file for Chinese, Japanese and Korean text whose font a PDF does not carry; empty or not there: none.
    pub font: String,
    /// Which face of that file, from 0.
    pub font_face: u32,
}

impl Previews {
    /// The font, where its file is there.
    #[must_use]
    pub fn font(&self) -> Option<Font> {
        let font = Font { path: PathBuf::from(&self.font), face: self.font_face };
        if font.path.is_file() {
            return Some(font);
        }
        tracing::warn!(font = self.font, "no font for text of PDF files that bring none");
        None
    }
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
        let config: Self = chassis::config::load("documents", DEFAULTS)?;
        config.validate()?;
        Ok(config)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the first key that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        self.storage.validate(self.profile)?;
        if !(1..=64).contains(&self.uploads.at_once_max) {
            return wrong("uploads.at_once_max", "must be 1..=64");
        }
        if self.uploads.anonymous_per_hour_max < 0 {
            return wrong("uploads.anonymous_per_hour_max", "must not be negative");
        }
        if !(10..=240).contains(&self.inspection.wall_secs) {
            return wrong("inspection.wall_secs", "must be 10..=240");
        }
        if !(1..=3600).contains(&self.sweep.interval_secs) {
            return wrong("sweep.interval_secs", "must be 1..=3600");
        }
        if !(60..=604_800).contains(&self.sweep.upload_given_up_secs) {
            return wrong("sweep.upload_given_up_secs", "must be 60..=604800");
        }
        for peer in ["accounts", "reviews"] {
            if !self.peers.contains_key(peer) {
                return wrong("peers", "must name accounts and reviews");
            }
        }
        Ok(())
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
