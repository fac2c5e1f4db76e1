//! Typed settings of this service; a missing, unknown or invalid one stops the start and is named.
use std::{collections::BTreeMap, time::Duration};

use chassis::config::{Broker, ConfigError, Database, Identity, Profile, Server, Settings, Telemetry};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use time::Duration as Span;

use crate::{
    domain::bounds::{Bounds, CHINA},
    vault::Vault,
};

/// All settings; see `settings.toml` for defaults, units and reasons.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Strictness of the start.
    pub profile: Profile,
    /// Own database.
    pub database: Database,
    /// NATS.
    pub broker: Broker,
    /// Ports.
    pub server: Server,
    /// Logs and traces.
    pub telemetry: Telemetry,
    /// Own key and the keys of others.
    pub identity: Identity,
    /// Addresses of accounts and reviews.
    pub peers: BTreeMap<String, String>,
    /// Rules of the registry that differ by province.
    pub registry: Registry,
    /// When a station counts as connected.
    pub connection: Connection,
    /// Bounds of the ingest.
    pub ingest: Ingest,
    /// Links to operators' systems.
    pub links: Links,
    /// How long data is kept, and how claims without an application end.
    pub retention: Retention,
}

/// `[registry]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Western edge of the province, micro-degrees GCJ-02.
    pub longitude_e6_min: i64,
    /// Eastern edge.
    pub longitude_e6_max: i64,
    /// Southern edge.
    pub latitude_e6_min: i64,
    /// Northern edge.
    pub latitude_e6_max: i64,
    /// Seconds after which the divisions are asked for again.
    pub divisions_refresh_secs: u64,
}

/// `[connection]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Hours without a report after which a station is offline.
    pub window_hours: u32,
    /// Minutes after its latest report in which a connector counts as online.
    pub online_minutes: u32,
    /// Seconds between two sweeps for stations that fell silent.
    pub sweep_secs: u64,
}

/// `[ingest]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    /// Writers for statuses, and as many for each other kind.
    pub writers: usize,
    /// Items that may wait, over all writers of a kind but stations.
    pub waiting_items_max: usize,
    /// Stations that may wait.
    pub waiting_stations_max: usize,
    /// Items after which one writer takes no further batch into a transaction.
    pub flush_items_max: usize,
    /// Items of one batch of anything but stations.
    pub batch_items_max: usize,
    /// Stations of one batch.
    pub batch_stations_max: usize,
    /// Batches of one client-streaming call.
    pub send_batches_max: usize,
    /// Batches of one stream that may be without a receipt.
    pub stream_window: usize,
    /// Seconds after which a stream is renewed.
    pub stream_secs_max: u64,
    /// Milliseconds that an overloaded client is asked to wait.
    pub retry_after_millis: u64,
    /// Hours that the source time of a status or of a sample may lie back.
    pub status_age_hours_max: u32,
    /// Days that the end of an order may lie back.
    pub order_age_days_max: u32,
}

/// `[links]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// The key that seals secrets: 32 bytes in base64; empty: no link can be approved.
    pub secrets_key: SecretString,
    /// Minutes between the end of a link's joint test and the next one, 0 to 1440.
    pub joint_test_minutes: u32,
    /// Whether operators' systems may have addresses inside this network, and be called without TLS.
    pub private_addresses: bool,
}

/// `[retention]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days of status history.
    pub status_history_days: u32,
    /// Days of telemetry.
    pub telemetry_days: u32,
    /// Days of quality items, after they last came.
    pub quality_days: u32,
    /// Days of the counts by day.
    pub quality_day_days: u32,
    /// Seconds after which a claim that no event has confirmed is looked into.
    pub claim_confirm_secs: u64,
}

impl Config {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first key that is wrong.
    pub fn load() -> Result<Self, ConfigError> {
        let config: Self = chassis::config::load("stations", include_str!("../settings.toml"))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        let bounds = self.bounds();
        let keyed = !self.links.secrets_key.expose_secret().is_empty();
        let rules: [(&'static str, bool, &str); 21] = [
            (
                "links.secrets_key",
                self.links.vault().is_some() && (keyed || self.profile != Profile::Production),
                "must be 32 bytes in base64",
            ),
            (
                "links.private_addresses",
                !(self.links.private_addresses && self.profile == Profile::Production),
                "must be false in production: what operators' systems are told would travel without TLS",
            ),
            ("links.joint_test_minutes", self.links.joint_test_minutes <= 1_440, "must be 0..=1440"),
            (
                "registry.longitude_e6_min",
                CHINA.contain(bounds.longitude_e6_min, bounds.latitude_e6_min)
                    && CHINA.contain(bounds.longitude_e6_max, bounds.latitude_e6_max)
                    && bounds.longitude_e6_min < bounds.longitude_e6_max
                    && bounds.latitude_e6_min < bounds.latitude_e6_max,
                "the box must lie in China, west before east and south before north",
            ),
            (
                "registry.divisions_refresh_secs",
                (1..=86_400).contains(&self.registry.divisions_refresh_secs),
                "must be 1..=86400",
            ),
            (
                "connection.online_minutes",
                (1..=1_440).contains(&self.connection.online_minutes),
                "must be 1..=1440",
            ),
            ("connection.window_hours", (1..=720).contains(&self.connection.window_hours), "must be 1..=720"),
            ("connection.sweep_secs", (1..=3_600).contains(&self.connection.sweep_secs), "must be 1..=3600"),
            ("ingest.writers", (1..=8).contains(&self.ingest.writers), "must be 1..=8"),
            (
                "ingest.waiting_items_max",
                (self.ingest.batch_items_max..=1_000_000).contains(&self.ingest.waiting_items_max),
                "must be batch_items_max..=1000000",
            ),
            (
                "ingest.flush_items_max",
                (1..=100_000).contains(&self.ingest.flush_items_max),
                "must be 1..=100000",
            ),
            (
                "ingest.batch_items_max",
                (1..=10_000).contains(&self.ingest.batch_items_max),
                "must be 1..=10000",
            ),
            (
                "ingest.waiting_stations_max",
                (self.ingest.batch_stations_max..=100_000).contains(&self.ingest.waiting_stations_max),
                "must be batch_stations_max..=100000",
            ),
            (
                "ingest.batch_stations_max",
                (1..=1_000).contains(&self.ingest.batch_stations_max),
                "must be 1..=1000",
            ),
            ("ingest.stream_window", (1..=64).contains(&self.ingest.stream_window), "must be 1..=64"),
            (
                "ingest.status_age_hours_max",
                (1..=720).contains(&self.ingest.status_age_hours_max),
                "must be 1..=720",
            ),
            (
                "ingest.order_age_days_max",
                (1..=366).contains(&self.ingest.order_age_days_max),
                "must be 1..=366",
            ),
            (
                "retention.status_history_days",
                self.retention.status_history_days > self.ingest.status_age_hours_max / 24 + 1,
                "must be longer than ingest.status_age_hours_max",
            ),
            (
                "retention.telemetry_days",
                self.retention.telemetry_days > self.ingest.status_age_hours_max / 24 + 1,
                "must be longer than ingest.status_age_hours_max",
            ),
            ("retention.quality_days", self.retention.quality_days >= 1, "must be at least 1"),
            ("retention.quality_day_days", self.retention.quality_day_days >= 92, "must be at least 92"),
        ];
        for (key, holds, why) in rules {
            if !holds {
                return Err(ConfigError::Invalid { key, why: why.to_owned() });
            }
        }
        for peer in ["accounts", "reviews"] {
            if !self.peers.contains_key(peer) {
                return Err(ConfigError::Invalid { key: "peers", why: format!("{peer} is missing") });
            }
        }
        Ok(())
    }

    /// The sections that every service has.
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

    /// The province's box.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds {
            longitude_e6_min: self.registry.longitude_e6_min,
            longitude_e6_max: self.registry.longitude_e6_max,
            latitude_e6_min: self.registry.latitude_e6_min,
            latitude_e6_max: self.registry.latitude_e6_max,
        }
    }
}

impl Links {
    /// The vault under the key; `None` where it is none.
    #[must_use]
    pub fn vault(&self) -> Option<Vault> {
        Vault::new(self.secrets_key.expose_secret())
    }

    /// How long after a link's joint test the next one may be asked for.
    #[must_use]
    pub fn joint_test_rest(&self) -> Span {
        Span::minutes(i64::from(self.joint_test_minutes))
    }
}

impl Connection {
    /// How long a report keeps a station connected.
    #[must_use]
    pub fn window(&self) -> Span {
        Span::hours(i64::from(self.window_hours))
    }

    /// How long a report keeps a connector online.
    #[must_use]
    pub fn online(&self) -> Span {
        Span::minutes(i64::from(self.online_minutes))
    }
}

impl Ingest {
    /// Oldest source time of a status or of a sample, before now.
    #[must_use]
    pub fn status_age(&self) -> Span {
        Span::hours(i64::from(self.status_age_hours_max))
    }

    /// Oldest end of an order, before now.
    #[must_use]
    pub fn order_age(&self) -> Span {
        Span::days(i64::from(self.order_age_days_max))
    }

    /// Items of one operator that may wait: a quarter of all, and one batch at least.
    #[must_use]
    pub fn operator_items(&self) -> usize {
        (self.waiting_items_max / 4).max(self.batch_items_max)
    }

    /// Stations of one operator that may wait, likewise.
    #[must_use]
    pub fn operator_stations(&self) -> usize {
        (self.waiting_stations_max / 4).max(self.batch_stations_max)
    }

    /// What an overloaded client is asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        Duration::from_millis(self.retry_after_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        let config: Config =
            chassis::config::load("stations", include_str!("../settings.toml")).expect("readable");
        config.validate().expect("valid");
        // A lost connector looks available for as long; heartbeats come every 5 to 10 minutes.
        assert!((Span::minutes(20)..=Span::minutes(30)).contains(&config.connection.online()));
    }

    #[test]
    fn a_box_outside_of_china_is_named() {
        let mut config: Config =
            chassis::config::load("stations", include_str!("../settings.toml")).expect("readable");
        config.registry.latitude_e6_max = 70_000_000;
        assert!(config.validate().expect_err("refused").to_string().contains("registry.longitude_e6_min"));
    }
}
