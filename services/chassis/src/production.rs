//! What a process of the production profile refuses at start: plain text, well-known secrets, a server that may lose data.
//!
//! Owns: those rules, one row each; every refusal names the setting and the way out. Not: what is wrong under any profile
//! (`config`). Source: reliability, sections 2, 11 and 14.
use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::{ConfigError, EdgeSettings, Settings};

/// A rule: the setting, what it has to be, and whether it is.
type Rule<S> = (&'static str, &'static str, fn(&S) -> bool);

/// Rules of every process.
const EDGE: &[Rule<EdgeSettings>] = &[
    (
        "identity.signing_key",
        "is a well-known key; make one of your own, 32 random bytes in base64, and publish its public half",
        |settings| !well_known_seed(settings.identity.signing_key.expose_secret()),
    ),
    (
        "identity.verifying_keys",
        "believes a well-known key; list the public keys of this installation alone",
        |settings| settings.identity.verifying_keys.split(',').all(|pair| !well_known_public(pair)),
    ),
    (
        "peers",
        "must be https:// in production: only a process on the same machine may be called in plain text",
        |settings| settings.peers.values().all(|url| url.starts_with("https://") || local(url)),
    ),
    (
        "identity.tls",
        "must name authority, certificate and key (PEM files) in production, because a peer is called by https://",
        |settings| settings.identity.tls.complete() || settings.peers.values().all(|url| local(url)),
    ),
];

/// Rules of a process with a database.
const OWNER: &[Rule<Settings>] = &[
    (
        "database.url",
        "must end in ?sslmode=verify-full&sslrootcert=<file> in production: only a server on the same machine may be reached in plain text",
        |settings| {
            let options: Result<PgConnectOptions, _> = settings.database.url.expose_secret().parse();
            options.is_ok_and(|options| {
                local_host(options.get_host()) || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
            })
        },
    ),
    (
        "database.url",
        "has no password, or one that everybody knows; set one for the role of this service",
        |settings| !known_password(settings.database.url.expose_secret()),
    ),
    (
        "broker.url",
        "must be tls:// in production: only a server on the same machine may be reached in plain text",
        |settings| {
            settings.broker.url.split(',').map(str::trim).all(|url| url.starts_with("tls://") || local(url))
        },
    ),
    (
        "broker.nkey_file",
        "must name the file with this service's NKey seed in production: without it everybody may publish in its name",
        |settings| !settings.broker.nkey_file.is_empty(),
    ),
    (
        "identity.tls",
        "must name authority, certificate and key (PEM files) in production: only on the machine itself gRPC may be plain text",
        |settings| settings.identity.tls.complete() || settings.server.grpc_addr.ip().is_loopback(),
    ),
];

/// Judges the settings of a process without a database. Errors: the first rule that is broken.
pub(crate) fn check_edge(settings: &EdgeSettings) -> Result<(), ConfigError> {
    judge(EDGE, settings)
}

/// Judges the settings of a process with a database. Errors: the first rule that is broken.
pub(crate) fn check(settings: &Settings) -> Result<(), ConfigError> {
    judge(OWNER, settings)
}

fn judge<S>(rules: &[Rule<S>], settings: &S) -> Result<(), ConfigError> {
    match rules.iter().find(|(_, _, holds)| !holds(settings)) {
        Some((key, why, _)) => Err(ConfigError::Invalid { key, why: (*why).to_owned() }),
        None => Ok(()),
    }
}

/// The keys of tests and examples are one byte, thirty-two times.
pub(crate) fn well_known_seed(text: &str) -> bool {
    STANDARD.decode(text.trim()).is_ok_and(|bytes| bytes.windows(2).all(|pair| pair[0] == pair[1]))
}

fn well_known_public(pair: &str) -> bool {
    let Some((_, key)) = pair.trim().split_once(':') else { return false };
    let Ok(key) = STANDARD.decode(key.trim()) else { return false };
    (0..=u8::MAX).any(|byte| SigningKey::from_bytes(&[byte; 32]).verifying_key().as_bytes().as_slice() == key)
}

/// Tells whether a URL leads to this machine only.
fn local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let host = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => rest.split([':', '/']).next().unwrap_or_default(),
    };
    local_host(host)
}

fn local_host(host: &str) -> bool {
    host == "localhost" || host.starts_with('/') || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Tells whether the password in a URL is missing or is a usual one; a socket and a client certificate need none.
fn known_password(url: &str) -> bool {
    if url.contains("sslkey=") || url.contains("host=/") || url.contains("@/") || url.contains("@%2F") {
        return false;
    }
    let login =
        url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map_or("", |(login, _)| login);
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    ["", "postgres", "password", "yuchong", "secret", "changeme", user].contains(&password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_the_network() {
        for url in
            ["nats://127.0.0.1:4222", "nats://user:pass@localhost", "http://[::1]:7101", "http://127.8.0.1/x"]
        {
            assert!(local(url), "{url}");
        }
        for url in [
            "nats://nats:4222",
            "http://127.0.0.1.example.org",
            "http://localhost.example.org:80",
            "tls://10.0.0.1",
        ] {
            assert!(!local(url), "{url}");
        }
    }

    #[test]
    fn usual_passwords_and_keys_are_known() {
        assert!(known_password("postgres://reviews@db/reviews"));
        assert!(known_password("postgres://reviews:reviews@db/reviews"));
        assert!(!known_password("postgres://reviews:Zt8%40kq@db/reviews"));
        assert!(!known_password("postgres://reviews@/reviews?host=/run/postgresql"));
        assert!(well_known_seed(&STANDARD.encode([7_u8; 32])));
        let public = STANDARD.encode(SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
        assert!(well_known_public(&format!(" accounts:{public}")));
    }
}
