//! Typed settings of reviews; invalid values stop the start, with the key in the message.

use std::collections::BTreeMap;

use chassis::config::{self, ConfigError, Profile, Settings};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::signing::{Seal, SealError};

/// Every setting; the file `settings.toml` explains each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strictly unsafe values are treated.
    pub profile: Profile,
    /// Own database.
    pub database: config::Database,
    /// NATS.
    pub broker: config::Broker,
    /// Listening addresses.
    pub server: config::Server,
    /// Logs and traces.
    pub telemetry: config::Telemetry,
    /// Keys of the process.
    pub identity: config::Identity,
    /// Other services.
    pub peers: BTreeMap<String, String>,
    /// Shown numbers.
    pub numbers: Numbers,
    /// Keys of decision records.
    pub decisions: Decisions,
}

/// Section `[numbers]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Before the year of an application number.
    pub application_prefix: String,
    /// Before the year of a receipt number.
    pub receipt_prefix: String,
}

/// Section `[decisions]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// Name under which the signing key is kept with each decision.
    pub key_id: String,
    /// Ed25519 seed, 32 bytes in base64; empty outside production: the identity's key is used.
    pub signing_key: SecretString,
    /// Older keys, `key id:public key`, separated by commas.
    pub verifying_keys: String,
}

impl Config {
    /// Reads defaults, file and environment, and checks this service's own values.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn load() -> Result<Config, ConfigError> {
        let config: Config = config::load("reviews", include_str!("../settings.toml"))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        for peer in ["accounts", "stations", "documents"] {
            if !self.peers.contains_key(peer) {
                return wrong("peers", "must name accounts, stations and documents");
            }
        }
        let prefix = |text: &str| text.len() <= 8 && text.chars().all(|c| c.is_ascii_uppercase());
        if !prefix(&self.numbers.application_prefix) {
            return wrong("numbers.application_prefix", "must be at most 8 upper-case letters");
        }
        if !prefix(&self.numbers.receipt_prefix) {
            return wrong("numbers.receipt_prefix", "must be at most 8 upper-case letters");
        }
        if self.decisions.key_id.is_empty() || self.decisions.key_id.contains([':', ',']) {
            return wrong("decisions.key_id", "must be a name without ':' and ','");
        }
        if self.profile == Profile::Production && self.decisions.signing_key.expose_secret().is_empty() {
            return wrong("decisions.signing_key", "must be an Ed25519 seed of its own in production");
        }
        Ok(())
    }

    /// The keys of decision records.
    ///
    /// # Errors
    /// [`SealError`] names the setting that does not hold a usable key.
    pub fn seal(&self) -> Result<Seal, SealError> {
        let own = self.decisions.signing_key.expose_secret();
        let seed = if own.is_empty() { self.identity.signing_key.expose_secret() } else { own };
        Seal::new(&self.decisions.key_id, seed, &self.decisions.verifying_keys)
    }

    /// The sections that the chassis reads.
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
