//! Typed settings of interconnect; `settings.toml` explains each, a wrong value stops the start with its key.
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use chassis::config::{self, ConfigError, EdgeSettings, Profile};
use reqwest::Url;
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
    /// How long a turn may take.
    pub deadlines: Deadlines,
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
    /// Proxies in front, 0..=3.
    pub forwarded_hops: usize,
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
    pub arrivals_max: usize,
    /// Codes of one client address, 1 or more.
    pub strangers_per_minute: u32,
    /// Messages, 1 or more.
    pub in_flight_max: usize,
}

/// Section `[client]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Nine characters.
    pub operator_id: String,
    /// Up to and without the version; empty, which production refuses: the listening address.
    pub door: String,
    /// Whether operators' systems may have addresses inside this network.
    pub private_addresses: bool,
    /// Milliseconds, 100 or more.
    pub idle_millis: u64,
    /// Turns, 1 or more.
    pub at_once: usize,
    /// Joint tests, 1 or more.
    pub joint_at_once: usize,
    /// Turns about whole days, 1 or more.
    pub daily_at_once: usize,
}

/// Section `[deadlines]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    /// Seconds, as all of them 1 to 86400.
    pub stations_secs: u64,
    /// Seconds.
    pub status_secs: u64,
    /// Seconds, of statistics and of the check of orders.
    pub daily_secs: u64,
    /// Seconds.
    pub joint_test_secs: u64,
}

impl Deadlines {
    /// How long a turn of a kind may take.
    #[must_use]
    pub fn of(&self, kind: &str) -> Duration {
        Duration::from_secs(match kind {
            "stations" => self.stations_secs,
            "status" => self.status_secs,
            "joint_test" => self.joint_test_secs,
            _ => self.daily_secs,
        })
    }
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
        let (client, deadlines) = (&self.client, &self.deadlines);
        let day = |secs: u64| (1..=86_400).contains(&secs);
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
            (
                "client.door",
                !real || public(&client.door),
                "must be https:// and the host by which operators' systems find this platform in production, e.g. https://host/evcs",
            ),
            ("client.idle_millis", client.idle_millis >= 100, "must be 100 or more"),
            ("client.at_once", client.at_once >= 1, "must be 1 or more"),
            ("client.joint_at_once", client.joint_at_once >= 1, "must be 1 or more"),
            ("deadlines.stations_secs", day(deadlines.stations_secs), "must be 1..=86400"),
            ("deadlines.status_secs", day(deadlines.status_secs), "must be 1..=86400"),
            ("deadlines.daily_secs", day(deadlines.daily_secs), "must be 1..=86400"),
            ("deadlines.joint_test_secs", day(deadlines.joint_test_secs), "must be 1..=86400"),
            ("client.daily_at_once", client.daily_at_once >= 1, "must be 1 or more"),
            ("server.prefix", plain(&self.server.prefix), "must be letters and digits"),
            ("tokens.life_secs", (60..=604_800).contains(&self.tokens.life_secs), "must be 60..=604800"),
            ("tokens.per_minute", self.tokens.per_minute >= 1, "must be 1 or more"),
            ("links.fresh_secs", self.links.fresh_secs <= 60, "must be 0..=60"),
            (
                "limits.body_bytes_max",
                (1 << 10..=16 << 20).contains(&self.limits.body_bytes_max),
                "must be 1024..=16777216",
            ),
            ("server.forwarded_hops", self.server.forwarded_hops <= 3, "must be 0..=3"),
            ("limits.arrivals_max", self.limits.arrivals_max >= 1, "must be 1 or more"),
            ("limits.strangers_per_minute", self.limits.strangers_per_minute >= 1, "must be 1 or more"),
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

/// Whether somebody outside can call an address: over TLS, and it names a host instead of this machine or no place at all.
fn public(address: &str) -> bool {
    let parsed: Option<Url> = address.parse().ok();
    parsed.filter(|url| url.scheme() == "https").is_some_and(|url| {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match host.parse::<IpAddr>() {
            Ok(ip) => !ip.is_unspecified() && !ip.is_loopback(),
            Err(_) => !host.is_empty() && host != "localhost",
        }
    })
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
        let doors = [
            "",
            "http://host/evcs",
            "https://0.0.0.0:8081/evcs",
            "https://[::]/evcs",
            "https://localhost/evcs",
        ];
        for door in doors {
            config.client.door = door.into();
            let refused = config.check().expect_err("refused").to_string();
            assert!(refused.contains("client.door"), "{door}: {refused}");
        }
        config.client.door = "https://charging.example/evcs".into();
        config.check().expect("valid");
        config.client.daily_at_once = 0;
        assert!(config.check().expect_err("refused").to_string().contains("client.daily_at_once"));
        config.client.daily_at_once = 1;
        config.deadlines.status_secs = 0;
        assert!(config.check().expect_err("refused").to_string().contains("deadlines.status_secs"));
    }
}
