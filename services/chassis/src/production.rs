//! What a process of the production profile refuses at start: plain text, well-known secrets, a server that may lose data.
//!
//! Owns: those rules, one row each; every refusal names the setting and the way out. An address is judged as its client's own
//! parser reads it. Not: what is wrong under any profile (`config`). Source: reliability, sections 2, 11 and 14.
use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use async_nats::ServerAddr;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use http::Uri;
use reqwest::Url;
use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::{
    config::{ConfigError, EdgeSettings, Settings},
    secure,
};

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
        "must be https:// in production, without a login: only a process on the same machine may be called in plain text",
        |settings| settings.peers.values().all(|url| sealed(url)),
    ),
    (
        "telemetry.otlp_endpoint",
        "must be https:// in production, without a login: only a collector on the same machine may be reached in plain text",
        |settings| settings.telemetry.otlp_endpoint.is_empty() || sealed(&settings.telemetry.otlp_endpoint),
    ),
    (
        "identity.tls",
        "must name authority, certificate and key (PEM files) in production, because a peer or the collector is called by https://",
        |settings| {
            let collector = &settings.telemetry.otlp_endpoint;
            let all_local = settings.peers.values().all(|url| local(url));
            settings.identity.tls.complete() || (all_local && (collector.is_empty() || local(collector)))
        },
    ),
];

/// Rules of a process with a database.
const OWNER: &[Rule<Settings>] = &[
    (
        "database.url",
        "must end in ?sslmode=verify-full&sslrootcert=<file> in production: only a server on the same machine may be reached in plain text",
        |settings| {
            database(settings).is_some_and(|(_, options)| {
                socket(&options)
                    || local_host(options.get_host())
                    || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
            })
        },
    ),
    (
        "database.url",
        "may say sslmode, sslrootcert, sslcert, sslkey and the folder of a socket as host behind its ?, each once, and PGOPTIONS \
         nothing: what a session has to be otherwise is set at its role (ALTER ROLE … SET)",
        |settings| {
            database(settings)
                .is_some_and(|(url, options)| expected_query(&url) && options.get_options().is_none())
        },
    ),
    (
        "database.url",
        "has no password, or one that everybody knows; set one for the role of this service",
        |settings| database(settings).is_some_and(|(url, options)| !known_password(&url, &options)),
    ),
    (
        "broker.url",
        "must be tls:// in production: only a server on the same machine may be reached in plain text",
        |settings| broker_encrypted(&settings.broker.url),
    ),
    (
        "broker.url",
        "carries a login; in production the NKey of broker.nkey_file signs in, so take it out",
        |settings| {
            every_server(&settings.broker.url, |server| {
                !server.has_user_pass() && server.password().is_none()
            })
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
        |settings| {
            let server = &settings.server;
            let outside_local = server.outside_addr.is_empty()
                || server.outside_addr.parse().is_ok_and(|addr: SocketAddr| addr.ip().is_loopback());
            settings.identity.tls.complete() || (server.grpc_addr.ip().is_loopback() && outside_local)
        },
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

/// Tells whether an address of gRPC is called over TLS or on this machine, and in nobody's name.
fn sealed(url: &str) -> bool {
    let uri: Result<Uri, _> = url.parse();
    uri.is_ok_and(|uri| {
        let login = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        !login && (uri.scheme_str() == Some("https") || uri.host().is_some_and(local_host))
    })
}

/// Tells whether an address of gRPC leads to this machine only.
fn local(url: &str) -> bool {
    let uri: Result<Uri, _> = url.parse();
    uri.is_ok_and(|uri| uri.host().is_some_and(local_host))
}

fn local_host(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || host.starts_with('/') || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Tells whether each server of a broker's address is reached over TLS or on this machine.
pub(crate) fn broker_encrypted(url: &str) -> bool {
    every_server(url, |server| server.tls_required() || local_host(server.host()))
}

fn every_server(url: &str, is: fn(&ServerAddr) -> bool) -> bool {
    secure::servers(url).is_ok_and(|servers| servers.iter().all(is))
}

/// The database's address: its parts, and what its client makes of it.
fn database(settings: &Settings) -> Option<(Url, PgConnectOptions)> {
    let text = settings.database.url.expose_secret();
    Some((text.parse().ok()?, text.parse().ok()?))
}

fn socket(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || options.get_host().starts_with('/')
}

/// Whether the address says nothing twice behind its `?`, and nothing that takes back what stands before it.
fn expected_query(url: &Url) -> bool {
    let mut seen = HashSet::new();
    url.query_pairs().all(|(key, value)| {
        let expected = match &*key {
            "sslmode" | "sslrootcert" | "sslcert" | "sslkey" => true,
            "host" => value.starts_with('/'),
            _ => false,
        };
        expected && seen.insert(key.into_owned())
    })
}

/// Tells whether the password of an address is missing or is a usual one; a socket and a client certificate need none.
fn known_password(url: &Url, options: &PgConnectOptions) -> bool {
    if socket(options) || url.query_pairs().any(|(key, _)| key == "sslkey") {
        return false;
    }
    let password = decoded(url.password().unwrap_or_default());
    ["", "postgres", "password", "yuchong", "secret", "changeme", options.get_username()]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&password))
}

/// A part of a login without its percent signs.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|code| hex::decode(code).ok()) {
            Some(byte) => {
                bytes.extend(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_the_network() {
        for url in ["http://localhost", "http://[::1]:7101", "http://127.8.0.1/x"] {
            assert!(local(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.example.org",
            "http://localhost.example.org:80",
            "http://127.0.0.1@10.0.0.1:80",
            "http://10.0.0.1:80/?@127.0.0.1",
            "http://10.0.0.1?@localhost",
        ] {
            assert!(!local(url), "{url}");
        }
    }

    #[test]
    fn usual_passwords_and_keys_are_known() {
        let known = |text: &str| {
            known_password(&text.parse().expect("a URL"), &text.parse().expect("an address of PostgreSQL"))
        };
        for text in [
            "postgres://reviews@db/reviews",
            "postgres://reviews:reviews@db/reviews",
            "postgres://reviews:%72eview%73@db/reviews",
            "postgres://reviews:Postgres@db/reviews",
            "postgres://reviews:reviews@db/reviews?sslrootcert=sslkey=",
            "postgres://reviews:reviews@db/x@/",
        ] {
            assert!(known(text), "{text}");
        }
        for text in [
            "postgres://reviews:Zt8%40kq@db/reviews",
            "postgres://reviews@db/reviews?sslkey=key.pem",
            "postgres://reviews@localhost/reviews?host=/run/postgresql",
            "postgres://reviews@%2Frun%2Fpostgresql/reviews",
        ] {
            assert!(!known(text), "{text}");
        }
        assert!(well_known_seed(&STANDARD.encode([7_u8; 32])));
        let public = STANDARD.encode(SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
        assert!(well_known_public(&format!(" accounts:{public}")));
    }
}
