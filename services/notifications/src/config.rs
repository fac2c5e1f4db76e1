//! Typed settings: the sections of every service and this one's own. Defaults and units stand in `settings.toml`.

use std::collections::BTreeMap;

use chassis::config::{Broker, ConfigError, Database, Identity, Profile, Server, Settings, Telemetry, load};
use serde::Deserialize;

/// All settings of the service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
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
    /// Service name to gRPC address.
    pub peers: BTreeMap<String, String>,
    /// See [`Messages`].
    pub messages: Messages,
    /// See [`Live`].
    pub live: Live,
    /// See [`Rebuild`].
    pub rebuild: Rebuild,
}

/// Messages to people and offices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Days after which a message counts as read, 1..=3650.
    pub unread_days: u16,
}

/// The live stream.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Streams open at the same time, 1..=100000.
    pub watchers_max: usize,
    /// Seconds after which a stream ends, 5..=3600.
    pub stream_secs_max: u64,
    /// Seconds between regular looks, 1..=60.
    pub look_secs: u64,
}

/// The rebuild command.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// NATS with the command's own credential; empty means `broker.url`.
    pub broker_url: String,
}

impl Config {
    /// Reads defaults, file and environment, and checks this service's own ranges.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn load() -> Result<Config, ConfigError> {
        let config: Config = load("notifications", include_str!("../settings.toml"))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        if !(1..=3_650).contains(&self.messages.unread_days) {
            return wrong("messages.unread_days", "must be 1..=3650");
        }
        if !(1..=100_000).contains(&self.live.watchers_max) {
            return wrong("live.watchers_max", "must be 1..=100000");
        }
        if !(5..=3_600).contains(&self.live.stream_secs_max) {
            return wrong("live.stream_secs_max", "must be 5..=3600");
        }
        if !(1..=60).contains(&self.live.look_secs) {
            return wrong("live.look_secs", "must be 1..=60");
        }
        if !self.peers.contains_key("accounts") {
            return wrong("peers.accounts", "must be the gRPC address of accounts");
        }
        Ok(())
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

    /// The broker address of the rebuild command.
    pub fn rebuild_broker(&self) -> &str {
        if self.rebuild.broker_url.is_empty() { &self.broker.url } else { &self.rebuild.broker_url }
    }
}
