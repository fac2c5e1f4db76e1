//! Typed settings of reviews; invalid values stop the start, with the key in the message.

use std::{collections::BTreeMap, time::Duration};

use chassis::config::{self, ConfigError, Profile, Settings};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use time::{Date, format_description::well_known::Iso8601};

use crate::{
    domain::calendar::Calendar,
    signing::{Seal, SealError},
};

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
    /// The timer of deadlines.
    pub clock: Clock,
    /// What notices of the State Council lay down, by year.
    pub calendar: BTreeMap<String, Year>,
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

/// Section `[clock]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Seconds between two looks, 1..=3600.
    pub every_secs: u64,
}

impl Clock {
    /// Between two looks.
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.every_secs)
    }
}

/// Section `[calendar.<year>]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Year {
    /// The notice.
    pub source: String,
    /// Days off, YYYY-MM-DD, a run of them as first/last; separated by commas.
    pub holidays: String,
    /// Weekends on which one works, the same way.
    pub made_up_days: String,
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
        if !(1..=3600).contains(&self.clock.every_secs) {
            return wrong("clock.every_secs", "must be 1..=3600");
        }
        self.calendar()?;
        Ok(())
    }

    /// The working days of every year that has data.
    ///
    /// # Errors
    /// [`ConfigError`] where a year or a day is none.
    pub fn calendar(&self) -> Result<Calendar, ConfigError> {
        let mut calendar = Calendar::default();
        for (name, year) in &self.calendar {
            let wrong = |why: String| ConfigError::Invalid { key: "calendar", why: format!("{name}: {why}") };
            let number = name.parse().map_err(|_| wrong("must be a year".to_owned()))?;
            let days = |text: &str| days(text).ok_or_else(|| wrong(format!("cannot read the days {text}")));
            calendar.add(number, &year.source, days(&year.holidays)?, days(&year.made_up_days)?);
        }
        Ok(calendar)
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

/// Longest run of days off that is believed. Source: ours; the longest so far had nine.
const RUN_DAYS_MAX: i64 = 31;

/// Reads days and runs of days; none where a part is no day, or a run is backwards or beyond belief.
fn days(text: &str) -> Option<Vec<Date>> {
    let mut days = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('/').unwrap_or((part, part));
        let day = |text: &str| Date::parse(text.trim(), &Iso8601::DATE).ok();
        let (first, last) = (day(first)?, day(last)?);
        let count = (last - first).whole_days() + 1;
        if !(1..=RUN_DAYS_MAX).contains(&count) {
            return None;
        }
        days.extend((0..count).map(|n| first + time::Duration::days(n)));
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn runs_and_single_days_are_read_and_nonsense_is_not() {
        let read = days("2026-10-01/2026-10-03, 2026-10-10").expect("days");
        let expected =
            [date!(2026 - 10 - 01), date!(2026 - 10 - 02), date!(2026 - 10 - 03), date!(2026 - 10 - 10)];
        assert_eq!(read, expected);
        for wrong in ["2026-10-32", "2026-10-03/2026-10-01", "2026-01-01/2026-12-31", "tomorrow"] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_years_that_are_compiled_in_have_as_many_working_days_as_their_notices_say() {
        let config: Config =
            config::load("reviews-calendar-test", include_str!("../settings.toml")).expect("settings");
        let calendar = config.calendar().expect("a calendar");
        // Weekdays of the year, less holidays on weekdays, and the weekends that are made up.
        for (first, last, working_days) in [
            (date!(2024 - 12 - 31), date!(2025 - 12 - 31), 248),
            (date!(2025 - 12 - 31), date!(2026 - 12 - 31), 248),
        ] {
            assert_eq!(calendar.between(first, last), working_days, "{last}");
        }
        assert_eq!(calendar.sources().count(), 2);
    }
}
