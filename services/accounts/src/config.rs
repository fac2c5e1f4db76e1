//! Typed settings of accounts; invalid values stop the start, with the key in the message.

use std::{collections::BTreeMap, path::PathBuf};

use chassis::config::{self, ConfigError, Profile, Settings};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use time::Duration;

use crate::{
    domain::{lockout, password, reset, second_factor::Required, session},
    vault::Vault,
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
    /// Keys.
    pub identity: config::Identity,
    /// Other services.
    pub peers: BTreeMap<String, String>,
    /// Registration.
    pub registration: Registration,
    /// Sessions, tickets, codes, caller tokens.
    pub sessions: Sessions,
    /// Failed sign-ins.
    pub lockout: Lockout,
    /// Forgotten passwords.
    pub resets: Resets,
    /// Passwords.
    pub passwords: Passwords,
    /// Second factors.
    pub second_factor: SecondFactor,
    /// What leaves for people.
    pub sender: Sender,
}

/// Section `[registration]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Division of companies from outside the province.
    pub outside_division: String,
    /// Text of the truth declaration.
    pub declaration: String,
}

/// Section `[sessions]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Minutes without use.
    pub idle_minutes: i64,
    /// The same for administrators.
    pub idle_minutes_administrator: i64,
    /// Hours at most.
    pub max_hours: i64,
    /// Minutes of an activation ticket.
    pub ticket_minutes: i64,
    /// Minutes of a code.
    pub code_minutes: i64,
    /// Wrong tries of a code.
    pub code_tries: i32,
    /// Seconds between two codes.
    pub code_interval_secs: i64,
    /// Seconds of a caller token.
    pub token_secs: i64,
}

/// Section `[lockout]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockout {
    /// Failures of a login from one address.
    pub failures_max: i64,
    /// Minutes of the lock.
    pub lock_minutes: i64,
    /// Failures of a login from all addresses.
    pub account_failures_max: i64,
    /// Seconds of the first delay.
    pub account_delay_secs: i64,
}

/// Section `[resets]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resets {
    /// Minutes that a request counts.
    pub window_minutes: i64,
    /// Requests for a login.
    pub login_max: i64,
    /// Requests for a phone.
    pub phone_max: i64,
    /// Requests from an address.
    pub address_max: i64,
}

/// Section `[passwords]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// Fewest characters.
    pub length_min: usize,
    /// Most characters.
    pub length_max: usize,
    /// Classes of characters.
    pub classes_min: usize,
    /// Days of an official's password; 0 for ever.
    pub official_days_max: i64,
    /// Hours of a one-time password.
    pub one_time_hours: i64,
    /// Argon2id memory.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_passes: u32,
    /// Hashes at the same time.
    pub hashes_at_once: usize,
}

/// Section `[second_factor]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// Of whom one is asked: off, enrolled, officials.
    pub required: String,
    /// Name of this platform in an authenticator app.
    pub issuer: String,
    /// 32 bytes in base64; empty: nobody can enrol.
    pub secrets_key: SecretString,
}

/// Section `[sender]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// File that deliveries are appended to.
    pub outbox_file: PathBuf,
}

impl Config {
    /// Reads defaults, file and environment and checks every value of accounts' own sections.
    ///
    /// # Errors
    /// A key that is missing, unknown or out of range, named.
    pub fn load() -> Result<Self, ConfigError> {
        let config: Self = config::load("accounts", include_str!("../settings.toml"))?;
        config.check()?;
        Ok(config)
    }

    /// The sections that every service has.
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

    fn check(&self) -> Result<(), ConfigError> {
        let sessions = &self.sessions;
        let passwords = &self.passwords;
        let resets = &self.resets;
        let ranges: [(&'static str, i64, i64, i64); 20] = [
            ("sessions.idle_minutes", sessions.idle_minutes, 1, 24 * 60),
            ("sessions.idle_minutes_administrator", sessions.idle_minutes_administrator, 1, 24 * 60),
            ("sessions.max_hours", sessions.max_hours, 1, 24),
            ("sessions.ticket_minutes", sessions.ticket_minutes, 1, 60),
            ("sessions.code_minutes", sessions.code_minutes, 1, 60),
            ("sessions.code_tries", i64::from(sessions.code_tries), 1, 10),
            ("sessions.code_interval_secs", sessions.code_interval_secs, 0, 600),
            ("sessions.token_secs", sessions.token_secs, 5, chassis::identity::TOKEN_SECS_MAX),
            ("lockout.failures_max", self.lockout.failures_max, 1, 100),
            ("lockout.lock_minutes", self.lockout.lock_minutes, 1, 24 * 60),
            ("lockout.account_failures_max", self.lockout.account_failures_max, 1, 10_000),
            ("lockout.account_delay_secs", self.lockout.account_delay_secs, 0, 120),
            ("resets.window_minutes", resets.window_minutes, 1, 24 * 60),
            ("resets.login_max", resets.login_max, 1, 1_000),
            ("resets.phone_max", resets.phone_max, 1, 1_000),
            ("resets.address_max", resets.address_max, 1, 100_000),
            ("passwords.official_days_max", passwords.official_days_max, 0, 3_650),
            ("passwords.one_time_hours", passwords.one_time_hours, 1, 72),
            ("passwords.argon2_memory_kib", i64::from(passwords.argon2_memory_kib), 8, 1 << 20),
            ("passwords.argon2_passes", i64::from(passwords.argon2_passes), 1, 20),
        ];
        for (key, value, min, max) in ranges {
            if !(min..=max).contains(&value) {
                return Err(ConfigError::Invalid { key, why: format!("must be {min}..={max}, is {value}") });
            }
        }
        let wrong = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        if !(1..=64).contains(&passwords.hashes_at_once) {
            return wrong("passwords.hashes_at_once", "must be 1..=64");
        }
        if !(1..=4).contains(&passwords.classes_min) {
            return wrong("passwords.classes_min", "must be 1..=4");
        }
        if !(1..=passwords.length_max).contains(&passwords.length_min) || passwords.length_max > 1_024 {
            return wrong("passwords.length_min", "must be 1..=length_max, and length_max at most 1024");
        }
        if !self.peers.contains_key("documents") {
            return wrong("peers", "must name documents");
        }
        if self.registration.declaration.trim().is_empty() {
            return wrong("registration.declaration", "must not be empty");
        }
        self.second_factor.check(self.profile == Profile::Production)?;
        if self.sender.outbox_file.as_os_str().is_empty() {
            return wrong("sender.outbox_file", "must name a file");
        }
        let safe = self.passwords.length_min >= 10
            && self.passwords.classes_min >= 3
            && self.passwords.argon2_memory_kib >= 19_456
            && self.passwords.argon2_passes >= 2;
        if self.profile == Profile::Production && !safe {
            return wrong(
                "passwords",
                "production needs length_min 10, classes_min 3, argon2 19456 KiB and 2 passes or more",
            );
        }
        Ok(())
    }
}

impl Sessions {
    /// The lifetimes for the domain.
    pub fn lifetimes(&self) -> session::Lifetimes {
        session::Lifetimes {
            idle: Duration::minutes(self.idle_minutes),
            idle_administrator: Duration::minutes(self.idle_minutes_administrator),
            max: Duration::hours(self.max_hours),
        }
    }
}

impl SecondFactor {
    /// The vault under the key; `None` where it is none.
    pub fn vault(&self) -> Option<Vault> {
        Vault::new(self.secrets_key.expose_secret())
    }

    /// Of whom one is asked; the value has been checked.
    pub fn required(&self) -> Required {
        Required::parse(&self.required).unwrap_or(Required::Officials)
    }

    fn check(&self, real: bool) -> Result<(), ConfigError> {
        let demanded = self.required() == Required::Officials;
        let keyed = !self.secrets_key.expose_secret().is_empty();
        let rules = [
            (
                "second_factor.required",
                Required::parse(&self.required).is_some(),
                "must be off, enrolled or officials",
            ),
            (
                "second_factor.required",
                demanded || !real,
                "must be \"officials\" in production: every official and administrator has a second factor",
            ),
            (
                "second_factor.secrets_key",
                self.vault().is_some() && (keyed || !demanded),
                "must be 32 bytes in base64",
            ),
            ("second_factor.issuer", !self.issuer.trim().is_empty(), "must not be empty"),
        ];
        match rules.iter().find(|(_, holds, _)| !*holds) {
            Some(&(key, _, why)) => Err(ConfigError::Invalid { key, why: why.to_owned() }),
            None => Ok(()),
        }
    }
}

impl Lockout {
    /// The limits for the domain.
    pub fn limits(&self) -> lockout::Limits {
        lockout::Limits {
            failures_max: self.failures_max,
            lock: Duration::minutes(self.lock_minutes),
            account_failures_max: self.account_failures_max,
            account_delay: Duration::seconds(self.account_delay_secs),
        }
    }
}

impl Resets {
    /// The limits for the domain.
    pub fn limits(&self) -> reset::Limits {
        reset::Limits {
            window: Duration::minutes(self.window_minutes),
            login_max: self.login_max,
            phone_max: self.phone_max,
            address_max: self.address_max,
        }
    }
}

impl Passwords {
    /// The policy for the domain.
    pub fn policy(&self) -> password::Policy {
        password::Policy {
            length_min: self.length_min,
            length_max: self.length_max,
            classes_min: self.classes_min,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    /// The setting that is refused; empty where none is.
    fn refused(required: &str, secrets_key: &str, real: bool) -> String {
        let (required, issuer) = (required.to_owned(), "豫充".to_owned());
        let section = SecondFactor { required, issuer, secrets_key: secrets_key.to_owned().into() };
        let error = section.check(real).err().map(|error| error.to_string()).unwrap_or_default();
        error.split(':').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn production_demands_a_second_factor_of_every_official_and_a_key_for_it() {
        assert_eq!(refused("officials", KEY, true), "");
        assert_eq!(refused("everybody", KEY, true), "setting second_factor.required");
        for required in ["off", "enrolled"] {
            assert_eq!(refused(required, KEY, true), "setting second_factor.required");
            assert_eq!(refused(required, "", false), "");
        }
        assert_eq!(refused("officials", "", true), "setting second_factor.secrets_key");
        assert_eq!(refused("officials", "", false), "setting second_factor.secrets_key");
        assert_eq!(refused("enrolled", "c2hvcnQ=", false), "setting second_factor.secrets_key");
    }
}
