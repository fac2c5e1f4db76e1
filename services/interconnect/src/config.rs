//! Typed settings of interconnect; `settings.toml` explains each, a wrong value stops the start with its key.
use std::{collections::BTreeMap, net::SocketAddr};

use chassis::config::{self, ConfigError, EdgeSettings, Profile};
use serde::Deserialize;

use crate::domain::envelope::OPERATOR_ID_LEN;

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strictly unsafe values are treated.
    pub profile: Profile,
    /// Listening addresses.
    pub server: Server,
    /// Logs and traces.
    pub telemetry: config::Telemetry,
    /// Keys of the process.
    pub identity: config::Identity,
    /// Addresses of accounts and stations.
    pub peers: BTreeMap<String, String>,
    /// Tokens that operators call with.
    pub tokens: Tokens,
    /// How links are remembered.
    pub links: Links,
    /// What is refused before it costs.
    pub limits: Limits,
    /// How operators' systems are called.
    pub client: Client,
}

/// Section `[server]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// T/CEC 102.
    pub http_addr: SocketAddr,
    /// Health and metrics.
    pub admin_addr: SocketAddr,
    /// First segment of every path.
    pub prefix: String,
}

/// Section `[tokens]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Seconds, 60 to 604800 (7 days).
    pub life_secs: i64,
    /// Calls, 1 or more.
    pub per_minute: u32,
}

/// Section `[links]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Seconds, 0 to 60.
    pub fresh_secs: u64,
}

/// Section `[limits]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes, 1 KiB to 16 MiB.
    pub body_bytes_max: usize,
    /// Messages, 1 or more.
    pub in_flight_max: usize,
}

/// Section `[client]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Nine characters.
    pub operator_id: String,
    /// Up to and without the version; empty: the listening address.
    pub door: String,
    /// Whether operators' systems may have addresses inside this network.
    pub private_addresses: bool,
    /// Milliseconds, 100 or more.
    pub idle_millis: u64,
    /// Turns, 1 or more.
    pub at_once: usize,
}

/// The identity that is good for tests only. Source: interconnect protocol, section 19.
const TEST_OPERATOR: &str = "123456789";

impl Config {
    /// Reads defaults, file and environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn load() -> Result<Config, ConfigError> {
        let config: Config = config::load("interconnect", include_str!("../settings.toml"))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_alphanumeric());
        let real = self.profile == Profile::Production;
        let client = &self.client;
        let rules = [
            (
                "client.operator_id",
                client.operator_id.chars().count() == OPERATOR_ID_LEN
                    && !(real && client.operator_id == TEST_OPERATOR),
                "must be the nine characters of the platform's organisation code",
            ),
            (
                "client.private_addresses",
                !(real && client.private_addresses),
                "must be false in production: anybody with a link could make this process call its neighbours",
            ),
            ("client.idle_millis", client.idle_millis >= 100, "must be 100 or more"),
            ("client.at_once", client.at_once >= 1, "must be 1 or more"),
            ("server.prefix", plain(&self.server.prefix), "must be letters and digits"),
            ("tokens.life_secs", (60..=604_800).contains(&self.tokens.life_secs), "must be 60..=604800"),
            ("tokens.per_minute", self.tokens.per_minute >= 1, "must be 1 or more"),
            ("links.fresh_secs", self.links.fresh_secs <= 60, "must be 0..=60"),
            (
                "limits.body_bytes_max",
                (1 << 10..=16 << 20).contains(&self.limits.body_bytes_max),
                "must be 1024..=16777216",
            ),
            ("limits.in_flight_max", self.limits.in_flight_max >= 1, "must be 1 or more"),
            (
                "peers",
                ["accounts", "stations"].iter().all(|peer| self.peers.contains_key(*peer)),
                "must name accounts and stations",
            ),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((key, _, why)) => Err(ConfigError::Invalid { key, why: why.to_owned() }),
            None => Ok(()),
        }
    }

    /// The sections that the chassis reads. The launcher names every peer; this process speaks to two.
    #[must_use]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_wrong_value_is_named() {
        let mut config: Config =
            config::load("interconnect_test", include_str!("../settings.toml")).expect("readable");
        config.check().expect("valid");
        config.tokens.life_secs = 7_200_000;
        assert!(config.check().expect_err("refused").to_string().contains("tokens.life_secs"));
        config.tokens.life_secs = 7_200;
        config.profile = Profile::Production;
        assert!(config.check().expect_err("refused").to_string().contains("client.operator_id"));
        config.client.operator_id = "MA0000019".into();
        assert!(config.check().expect_err("refused").to_string().contains("client.private_addresses"));
        config.client.private_addresses = false;
        config.check().expect("valid");
    }
}
