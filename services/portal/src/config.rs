//! Typed settings of the portal; `settings.toml` explains each, a wrong value stops the start with its key.

use std::{collections::BTreeMap, net::SocketAddr};

use chassis::config::{self, ConfigError, EdgeSettings, Profile};
use serde::Deserialize;

/// Services that pages ask.
pub const PEERS: [&str; 5] = ["accounts", "stations", "documents", "reviews", "notifications"];

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strictly unsafe values are treated.
    pub profile: Profile,
    /// Listening addresses and what stands in front.
    pub server: Server,
    /// Logs and traces.
    pub telemetry: config::Telemetry,
    /// Keys of the process.
    pub identity: config::Identity,
    /// The services.
    pub peers: BTreeMap<String, String>,
    /// Names and numbers on every page.
    pub site: Site,
    /// How cookies are marked.
    pub cookies: Cookies,
    /// How long a person's rights are used again.
    pub sessions: Sessions,
    /// Tries of one client address.
    pub limits: Limits,
    /// The live badge.
    pub live: Live,
}

/// Section `[server]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Pages.
    pub http_addr: SocketAddr,
    /// Health and metrics.
    pub admin_addr: SocketAddr,
    /// Origin as browsers see it; empty: the Host of the request.
    pub public_origin: String,
    /// Proxies in front, 0..=3.
    pub forwarded_hops: usize,
}

/// Section `[site]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Name of the platform.
    pub name: String,
    /// The same in English.
    pub name_english: String,
    /// 技术支持.
    pub support_phone: String,
    /// 主办单位.
    pub organiser: String,
    /// ICP 备案.
    pub icp_record: String,
    /// 公安备案.
    pub police_record: String,
    /// 网站标识码.
    pub site_code: String,
    /// 真实性声明.
    pub declaration: String,
    /// Division of companies from outside the province.
    pub outside_division: String,
}

/// Section `[cookies]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cookies {
    /// Secure and `__Host-`.
    pub secure: bool,
}

/// Section `[sessions]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Seconds, 1..=30.
    pub fresh_secs: i64,
}

/// Section `[limits]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Per client address, 1 or more.
    pub sign_ins_per_minute: u32,
    /// Per client address, 1 or more.
    pub registrations_per_hour: u32,
    /// Of all together, 1..=256.
    pub uploads_at_once: usize,
}

/// Section `[live]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Minutes, 1..=30.
    pub minutes_max: u64,
    /// Of all together, 1..=2000.
    pub streams_max: usize,
}

impl Config {
    /// Reads defaults, file and environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn load() -> Result<Config, ConfigError> {
        let config: Config = config::load("portal", include_str!("../settings.toml"))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        if PEERS.iter().any(|peer| !self.peers.contains_key(*peer)) {
            return wrong("peers", "must name accounts, stations, documents, reviews and notifications");
        }
        if self.profile == Profile::Production && !self.cookies.secure {
            return wrong("cookies.secure", "must be true in production");
        }
        if self.profile == Profile::Production && !self.server.public_origin.starts_with("https://") {
            return wrong("server.public_origin", "must be the https:// origin of the portal in production");
        }
        if self.server.forwarded_hops > 3 {
            return wrong("server.forwarded_hops", "must be 0..=3");
        }
        if !(1..=30).contains(&self.sessions.fresh_secs) {
            return wrong("sessions.fresh_secs", "must be 1..=30");
        }
        if self.limits.sign_ins_per_minute == 0 {
            return wrong("limits.sign_ins_per_minute", "must be 1 or more");
        }
        if self.limits.registrations_per_hour == 0 {
            return wrong("limits.registrations_per_hour", "must be 1 or more");
        }
        if !(1..=256).contains(&self.limits.uploads_at_once) {
            return wrong("limits.uploads_at_once", "must be 1..=256");
        }
        if !(1..=2000).contains(&self.live.streams_max) {
            return wrong("live.streams_max", "must be 1..=2000");
        }
        if !(1..=30).contains(&self.live.minutes_max) {
            return wrong("live.minutes_max", "must be 1..=30");
        }
        Ok(())
    }

    /// The sections that the chassis reads.
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
    fn production_refuses_cookies_that_travel_over_plain_http() {
        let mut config: Config = config::load("portal_test", include_str!("../settings.toml")).unwrap();
        assert!(config.check().is_ok());
        config.profile = Profile::Production;
        assert!(config.check().unwrap_err().to_string().contains("cookies.secure"));
        config.cookies.secure = true;
        assert!(config.check().unwrap_err().to_string().contains("server.public_origin"));
        config.server.public_origin = "https://portal.example".into();
        assert!(config.check().is_ok());
    }
}
