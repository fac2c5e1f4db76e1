//! Typed settings: the sections of every service and this one's own. Defaults and units stand in `settings.toml`.

use std::collections::BTreeMap;

use chassis::config::{
    Broker, ConfigError, Database, Identity, Profile, Server, Settings, Telemetry, broker_encrypted, load,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use time::Duration;

use crate::{
    app::{deliver::Patience, subscribe::Terms},
    domain::webhook::schedule::Schedule,
    vault::Vault,
};

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
    /// See [`Webhooks`].
    pub webhooks: Webhooks,
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

/// Webhooks; what each number means stands in `settings.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// 32 bytes in base64; empty: nobody can subscribe.
    pub secrets_key: SecretString,
    /// Endpoints may be inside this network.
    pub private_addresses: bool,
    /// Endpoints may do without TLS.
    pub plain_http: bool,
    /// Attempts at the same time.
    pub at_once: usize,
    /// The same of one endpoint.
    pub at_once_per_endpoint: i64,
    /// Milliseconds.
    pub look_millis: u64,
    /// Seconds, separated by commas.
    pub retry_secs: String,
    /// Days.
    pub disable_after_days: u16,
    /// Hours.
    pub overlap_hours: u16,
    /// Days.
    pub keep_days: u16,
}

impl Webhooks {
    /// The vault under the key; `None` where it is none.
    #[must_use]
    pub fn vault(&self) -> Option<Vault> {
        Vault::new(self.secrets_key.expose_secret())
    }

    /// What a subscription may be.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            plain_http: self.plain_http,
            private_addresses: self.private_addresses,
            active_max: i64::try_from(self.at_once).unwrap_or(i64::MAX) / self.at_once_per_endpoint.max(1),
            overlap: Duration::hours(i64::from(self.overlap_hours)),
        }
    }

    /// How long is tried; `None` where the schedule is none.
    #[must_use]
    pub fn patience(&self) -> Option<Patience> {
        let schedule = Schedule::parse(&self.retry_secs)?;
        Some(Patience { schedule, days_max: self.disable_after_days })
    }

    /// The first rule that is broken.
    fn check(&self, real: bool) -> Result<(), ConfigError> {
        let keyed = !self.secrets_key.expose_secret().is_empty();
        let per_endpoint = usize::try_from(self.at_once_per_endpoint).unwrap_or(0);
        let rules = [
            (
                "webhooks.secrets_key",
                self.vault().is_some() && (keyed || !real),
                "must be 32 bytes in base64",
            ),
            (
                "webhooks.private_addresses",
                !(real && self.private_addresses),
                "must be false in production: a subscription could make this process call its neighbours",
            ),
            (
                "webhooks.plain_http",
                !(real && self.plain_http),
                "must be false in production: events would go through networks in plain text",
            ),
            ("webhooks.at_once_per_endpoint", per_endpoint >= 1, "must be 1 or more"),
            (
                "webhooks.at_once",
                (per_endpoint..=10_000).contains(&self.at_once),
                "must be at_once_per_endpoint..=10000",
            ),
            ("webhooks.look_millis", (50..=60_000).contains(&self.look_millis), "must be 50..=60000"),
            (
                "webhooks.retry_secs",
                self.patience().is_some(),
                "must be seconds separated by commas, each 1..=604800",
            ),
            ("webhooks.disable_after_days", (1..=30).contains(&self.disable_after_days), "must be 1..=30"),
            ("webhooks.overlap_hours", (1..=168).contains(&self.overlap_hours), "must be 1..=168"),
            ("webhooks.keep_days", (1..=3_650).contains(&self.keep_days), "must be 1..=3650"),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((key, _, why)) => Err(ConfigError::Invalid { key, why: why.to_owned() }),
        }
    }
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
        let real = self.profile == Profile::Production;
        let own = &self.rebuild.broker_url;
        if real && !own.is_empty() && !broker_encrypted(own) {
            return wrong("rebuild.broker_url", "must be tls:// in production: it carries a credential");
        }
        self.webhooks.check(real)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credential_of_a_rebuild_is_not_sent_in_plain_text_in_production() {
        let mut config: Config = load("notifications", include_str!("../settings.toml")).expect("defaults");
        config.profile = Profile::Production;
        config.webhooks.secrets_key = "b/J2mVx1Q0tKc8uZyW3nE5rT7pA9sDfGhJkLqXvBnM0=".to_owned().into();
        config.rebuild.broker_url = "nats://rebuild:secret@nats:4222/?@127.0.0.1".into();
        let said = config.check().expect_err("plain text").to_string();
        assert!(said.contains("setting rebuild.broker_url:"), "{said}");
        config.rebuild.broker_url = "tls://rebuild:secret@nats:4222".into();
        config.check().expect("production accepts it");
    }
}
