//! What the production profile refuses at start: each rule broken once, on settings that are right otherwise.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chassis::{
    Edge, Process, StartError,
    config::{EdgeSettings, Profile, Settings, Tls},
    rpc::{Access, Open, Who},
    testing::{TestDatabase, eventually, free_port, nats_url, settings},
};
use ed25519_dalek::SigningKey;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::Executor as _;
use tonic::{
    Code,
    service::RoutesBuilder,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// A seed that nobody else uses.
const SEED: &str = "ZrPz0x8vQ2lqVnA3T1cwYk5hR0hKdUxtQ2VYczlPaWQ=";

fn public() -> String {
    let seed = STANDARD.decode(SEED).expect("base64").try_into().expect("32 bytes");
    public_of(&seed)
}

fn public_of(seed: &[u8; 32]) -> String {
    STANDARD.encode(SigningKey::from_bytes(seed).verifying_key().to_bytes())
}

/// Certificates of tests alone, valid for a century; made by `certificates/make.sh`.
fn file(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name).display().to_string()
}

fn tls(authority: &str) -> Tls {
    Tls { authority: file(authority), certificate: file("service.crt"), key: file("service.key") }
}

/// Settings that production accepts, for servers elsewhere.
async fn good() -> (TestDatabase, Settings) {
    let database = TestDatabase::create().await;
    let mut good = settings(&database, "tls://nats:4222");
    good.profile = Profile::Production;
    good.database.url = SecretString::from(
        "postgres://reviews:Zt8-kq!w@postgres-rw/reviews?sslmode=verify-full&sslrootcert=ca.crt",
    );
    good.broker.nkey_file = file("service.key");
    good.server.grpc_addr = ([0, 0, 0, 0], 7104).into();
    good.identity.signing_key = SecretString::from(SEED);
    good.identity.verifying_keys = format!("accounts:{}", public());
    good.identity.tls = tls("authority.crt");
    good.peers = [("accounts".to_owned(), "https://accounts:7101".to_owned())].into();
    good.telemetry.otlp_endpoint = "https://otel-collector:4317".into();
    (database, good)
}

type Break = fn(&mut Settings);

/// What is broken, the setting that the refusal names, and a word of the way out.
const REFUSED: &[(Break, &str, &str)] = &[
    (|it| set_url(it, "postgres://reviews:Zt8-kq!w@postgres-rw/reviews"), "database.url", "verify-full"),
    (
        |it| set_url(it, "postgres://reviews:Zt8-kq!w@postgres-rw/reviews?sslmode=require"),
        "database.url",
        "verify-full",
    ),
    (
        |it| set_url(it, "postgres://reviews:reviews@postgres-rw/reviews?sslmode=verify-full"),
        "database.url",
        "password",
    ),
    (|it| set_url(it, "postgres://reviews@127.0.0.1/reviews"), "database.url", "password"),
    (|it| it.broker.url = "nats://nats:4222".into(), "broker.url", "tls://"),
    (|it| it.broker.url = "tls://nats:4222,nats://other:4222".into(), "broker.url", "tls://"),
    // The client takes the last of two, and knows it under another name.
    (|it| set_query(it, "sslmode=verify-full&sslmode=disable"), "database.url", "verify-full"),
    (|it| set_query(it, "sslmode=verify-full&ssl-mode=prefer"), "database.url", "verify-full"),
    (|it| set_query(it, "SSLMODE=verify-full"), "database.url", "verify-full"),
    (|it| set_query(it, "sslmode=disable&sslmode=verify-full"), "database.url", "each once"),
    (|it| set_query(it, "sslmode=verify-full&host=elsewhere"), "database.url", "ALTER ROLE"),
    (|it| set_query(it, "sslmode=verify-full&password=reviews"), "database.url", "ALTER ROLE"),
    (
        |it| set_query(it, "sslmode=verify-full&options=-c%20synchronous_commit%3Doff"),
        "database.url",
        "ALTER ROLE",
    ),
    (|it| set_query(it, "sslmode=verify-full&options[synchronous_commit]=off"), "database.url", "ALTER ROLE"),
    (
        |it| set_url(it, "postgres://reviews:Zt8-kq!w@127.0.0.1/reviews?host=postgres-rw"),
        "database.url",
        "verify-full",
    ),
    (
        |it| set_url(it, "postgres://reviews:Zt8-kq!w@127.0.0.1/reviews?hostaddr=10.0.0.1"),
        "database.url",
        "verify-full",
    ),
    (
        |it| set_url(it, "postgres://reviews:%72eviews@postgres-rw/reviews?sslmode=verify-full"),
        "database.url",
        "password",
    ),
    (|it| it.broker.url = "tls://nats:4222, other:4222".into(), "broker.url", "tls://"),
    (|it| it.broker.url = "nats://nats:4222/?@127.0.0.1".into(), "broker.url", "tls://"),
    (|it| it.broker.url = "nats://127.0.0.1@nats:4222".into(), "broker.url", "tls://"),
    (|it| it.broker.url = "nats://nats:4222/tls://".into(), "broker.url", "tls://"),
    (|it| it.broker.url = "tls://reviews:secret@nats:4222".into(), "broker.url", "NKey"),
    (|it| it.broker.nkey_file.clear(), "broker.nkey_file", "NKey seed"),
    (|it| it.identity.tls = Tls::default(), "identity.tls", "authority"),
    // Also where only callers from outside come over the network.
    (|it| listen_outside(it, "0.0.0.0:7112"), "identity.tls", "plain text"),
    (
        |it| set_key(it, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="),
        "identity.signing_key",
        "random bytes",
    ),
    (
        |it| it.identity.verifying_keys.push_str(&format!(",portal:{}", public_of(&[7; 32]))),
        "identity.verifying_keys",
        "this installation",
    ),
    (|it| set_peer(it, "http://stations:7102"), "peers", "https://"),
    (|it| set_peer(it, "http://stations:7102/?@127.0.0.1"), "peers", "https://"),
    (|it| set_peer(it, "http://127.0.0.1@stations:7102"), "peers", "https://"),
    (|it| set_peer(it, "https://reviews:secret@stations:7102"), "peers", "without a login"),
    (
        |it| it.telemetry.otlp_endpoint = "http://otel-collector:4317".into(),
        "telemetry.otlp_endpoint",
        "https://",
    ),
    (
        |it| it.telemetry.otlp_endpoint = "http://otel-collector:4317#@localhost".into(),
        "telemetry.otlp_endpoint",
        "https://",
    ),
];

/// Everything is on this machine, but for where callers from outside are answered.
fn listen_outside(settings: &mut Settings, addr: &str) {
    settings.server.grpc_addr = ([127, 0, 0, 1], 7104).into();
    settings.server.outside_addr = addr.into();
    settings.identity.tls = Tls::default();
    settings.peers.clear();
    settings.telemetry.otlp_endpoint.clear();
}

/// What stands behind the `?` of an address that is right otherwise.
fn set_query(settings: &mut Settings, query: &str) {
    set_url(settings, &format!("postgres://reviews:Zt8-kq!w@postgres-rw/reviews?{query}"));
}

fn set_peer(settings: &mut Settings, url: &str) {
    settings.peers.insert("stations".into(), url.into());
}

fn set_url(settings: &mut Settings, url: &str) {
    settings.database.url = SecretString::from(url);
}

fn set_key(settings: &mut Settings, key: &str) {
    settings.identity.signing_key = SecretString::from(key);
}

#[tokio::test]
async fn unsafe_settings_are_refused_with_their_key_and_the_way_out() {
    let (database, good) = good().await;
    good.validate().expect("production accepts them");
    for (spoil, key, way_out) in REFUSED {
        let mut broken = good.clone();
        spoil(&mut broken);
        let said = broken.validate().expect_err(key).to_string();
        assert!(said.contains(&format!("setting {key}:")) && said.contains(way_out), "{key}: {said}");
        broken.profile = Profile::Development;
        broken.validate().expect("a laptop may");
    }
    database.remove().await;
}

#[tokio::test]
async fn servers_of_the_same_machine_may_be_reached_in_plain_text() {
    let (database, mut one) = good().await;
    set_url(&mut one, "postgres://reviews:Zt8-kq!w@127.0.0.1/reviews");
    one.broker.url = "nats://127.0.0.1:4222,nats://[::1]:4222".into();
    one.telemetry.otlp_endpoint = "http://127.0.0.1:4317".into();
    one.server.grpc_addr = ([127, 0, 0, 1], 7104).into();
    one.identity.tls = Tls::default();
    one.peers = [("accounts".to_owned(), "http://127.0.0.1:7101".to_owned())].into();
    one.validate().expect("one machine");
    database.remove().await;
}

/// Settings of production over the test servers of this machine, in the name of a database role.
fn here(database: &TestDatabase, role: &str) -> Settings {
    let mut here = settings(database, &nats_url());
    here.profile = Profile::Production;
    let place = here.database.url.expose_secret().rsplit_once('@').expect("a login").1.to_owned();
    set_url(&mut here, &format!("postgres://{role}:Zt8-kq!w@{place}"));
    here.broker.nkey_file = file("nkey");
    here.identity.signing_key = SecretString::from(SEED);
    here.identity.verifying_keys = format!("accounts:{}", public());
    here.peers.clear();
    here
}

#[tokio::test]
async fn a_server_that_may_lose_commits_and_a_superuser_are_refused() {
    let database = TestDatabase::create().await;
    let role = format!("role_{}", database.name);
    let superuser = format!("{role}_super");
    for make in [
        format!("CREATE ROLE {role} LOGIN PASSWORD 'Zt8-kq!w'"),
        format!("CREATE ROLE {superuser} SUPERUSER LOGIN PASSWORD 'Zt8-kq!w'"),
    ] {
        database.pool().await.execute(sqlx::AssertSqlSafe(make)).await.expect("a role");
    }
    let start =
        async |role: &str| Process::start("chassis", &here(&database, role)).await.err().expect("refused");
    let refused = start(&superuser).await;
    assert!(matches!(&refused, StartError::Superuser(role) if *role == superuser), "{refused}");
    assert!(refused.to_string().contains("deploy/postgres/roles.sql"));
    // The test server runs without fsync.
    for (value, named) in [("off", "synchronous_commit"), ("on", "fsync")] {
        let set = format!("ALTER ROLE {role} SET synchronous_commit = {value}");
        database.pool().await.execute(sqlx::AssertSqlSafe(set)).await.expect("set at the role");
        let refused = start(&role).await;
        assert!(matches!(&refused, StartError::NotDurable { setting, .. } if *setting == named), "{refused}");
        assert!(refused.to_string().contains("set it on"));
    }
    let drop = format!("DROP ROLE {role}, {superuser}");
    database.pool().await.execute(sqlx::AssertSqlSafe(drop)).await.expect("the role goes");
    database.remove().await;
}

/// Nothing but health is served.
const HEALTH: &[Access] = &[Access { method: "/grpc.health.v1.Health/Check", who: &[Who::Anyone] }];

/// Asks a server for its health as a process with these files.
async fn ask(url: &str, tls: Tls) -> Result<(), Code> {
    let settings = EdgeSettings {
        profile: Profile::Test,
        admin_addr: ([127, 0, 0, 1], 0).into(),
        telemetry: chassis::config::Telemetry { filter: "warn".into(), otlp_endpoint: String::new() },
        identity: chassis::config::Identity {
            signing_key: SecretString::from(SEED),
            verifying_keys: format!("accounts:{}", public()),
            tls,
        },
        peers: [("served".to_owned(), url.to_owned())].into(),
    };
    let edge = Edge::start("asking", &settings).expect("starts");
    let asked = HealthClient::new(edge.channel("served")).check(HealthCheckRequest::default()).await;
    asked.map(drop).map_err(|status| status.code())
}

#[tokio::test]
async fn services_believe_only_certificates_of_their_authority_and_never_plain_text() {
    let database = TestDatabase::create().await;
    let mut served = settings(&database, &nats_url());
    served.server.grpc_addr = free_port();
    served.identity.tls = tls("authority.crt");
    let address = served.server.grpc_addr;
    let process = Process::start("served", &served).await.expect("starts");
    tokio::spawn(process.serve(RoutesBuilder::default(), HEALTH));
    eventually("the port is open", Duration::from_secs(10), || async {
        tokio::net::TcpStream::connect(address).await.is_ok()
    })
    .await;
    let (secure, plain) = (format!("https://localhost:{}", address.port()), format!("http://{address}"));
    assert_eq!(ask(&secure, tls("authority.crt")).await, Ok(()));
    ask(&plain, Tls::default()).await.expect_err("plain text");
    ask(&secure, tls("other.crt")).await.expect_err("the server's certificate is of another authority");
    let stranger =
        Tls { certificate: file("stranger.crt"), key: file("stranger.key"), ..tls("authority.crt") };
    ask(&secure, stranger).await.expect_err("the caller's certificate is of another authority");
}

/// Asks a server for its health as somebody outside: sure of the server, without a certificate of its own.
async fn ask_from_outside(address: SocketAddr) -> Result<(), Code> {
    let authority = Certificate::from_pem(std::fs::read(file("authority.crt")).expect("a file"));
    let channel = Endpoint::from_shared(format!("https://localhost:{}", address.port()))
        .and_then(|endpoint| endpoint.tls_config(ClientTlsConfig::new().ca_certificate(authority)))
        .expect("an address")
        .connect_lazy();
    let asked = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    asked.map(drop).map_err(|status| status.code())
}

#[tokio::test]
async fn callers_from_outside_need_no_certificate_and_reach_only_what_is_open_to_them() {
    for (open, answer) in [
        (&["/grpc.health.v1.Health/"] as Open, Ok(())),
        (&["/grpc.health.v1.Health/Watch"] as Open, Err(Code::PermissionDenied)),
    ] {
        let database = TestDatabase::create().await;
        let mut served = settings(&database, &nats_url());
        let (inside, outside) = (free_port(), free_port());
        served.server.grpc_addr = inside;
        served.server.outside_addr = outside.to_string();
        served.identity.tls = tls("authority.crt");
        let process = Process::start("served", &served).await.expect("starts");
        tokio::spawn(process.serve_outside(RoutesBuilder::default(), HEALTH, open));
        eventually("the ports are open", Duration::from_secs(10), || async {
            let (inside, outside) =
                (tokio::net::TcpStream::connect(inside), tokio::net::TcpStream::connect(outside));
            inside.await.is_ok() && outside.await.is_ok()
        })
        .await;
        assert_eq!(ask_from_outside(outside).await, answer);
        ask_from_outside(inside).await.expect_err("services show a certificate");
    }
}

/// The sections of every service that are read here; each service's own are its own affair.
#[derive(serde::Deserialize)]
struct Sections {
    identity: chassis::config::Identity,
    broker: Option<chassis::config::Broker>,
}

#[test]
fn every_service_has_the_settings_of_tls_and_of_the_brokers_key() {
    for (service, defaults) in [
        ("accounts", include_str!("../../accounts/settings.toml")),
        ("stations", include_str!("../../stations/settings.toml")),
        ("documents", include_str!("../../documents/settings.toml")),
        ("reviews", include_str!("../../reviews/settings.toml")),
        ("notifications", include_str!("../../notifications/settings.toml")),
        ("portal", include_str!("../../portal/settings.toml")),
        ("interconnect", include_str!("../../interconnect/settings.toml")),
    ] {
        let sections: Sections =
            chassis::config::load(&format!("{service}_sections"), defaults).expect(service);
        assert!(!sections.identity.tls.complete(), "{service} has no certificate by default");
        assert!(sections.broker.is_none_or(|broker| broker.nkey_file.is_empty()), "{service}");
    }
}
