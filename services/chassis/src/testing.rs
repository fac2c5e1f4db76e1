//! For tests only: a fresh database on the test server, settings for one process on free ports, and patient waiting.
//!
//! The servers come from the environment (`YUCHONG_TEST_POSTGRES`, `YUCHONG_TEST_NATS`); `cargo xtask test` starts them.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::Write as _,
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};

use crate::config::{Broker, Database, Identity, Profile, Server, Settings, Telemetry, Tls};

/// Seed of every key in tests.
const SEED: [u8; 32] = [7; 32];

/// A database of its own, removed when the test passes.
pub struct TestDatabase {
    admin: String,
    /// Its name on the server.
    pub name: String,
    /// Connection URL.
    pub url: String,
}

fn server(variable: &str) -> String {
    env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run the tests through `cargo xtask test`"))
}

impl TestDatabase {
    /// Creates an empty database.
    ///
    /// # Panics
    /// Without a test server.
    pub async fn create() -> TestDatabase {
        let admin = server("YUCHONG_TEST_POSTGRES");
        let name = format!("test_{}", crate::process::new_instance_id().simple());
        let mut connection = PgConnection::connect(&admin).await.expect("the test server answers");
        // The name is ours: letters, digits, underscore.
        let statement = format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
        );
        connection.execute(AssertSqlSafe(statement)).await.expect("the test role may create databases");
        let base = admin.rsplit_once('/').map_or(admin.as_str(), |(base, _)| base);
        let url = format!("{base}/{name}");
        TestDatabase { admin, name, url }
    }

    /// Drops the database; a failed test leaves it behind for a look.
    pub async fn remove(self) {
        let Ok(mut connection) = PgConnection::connect(&self.admin).await else { return };
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // What stays behind is swept with the test server itself.
        let _ = connection.execute(AssertSqlSafe(statement)).await;
    }

    /// A pool as the services use it.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn pool(&self) -> PgPool {
        crate::process::connect(&self.settings(), "test").await.expect("the test database answers")
    }

    fn settings(&self) -> Database {
        Database { url: SecretString::from(self.url.clone()), pool_max: 16 }
    }
}

/// The test NATS server.
pub fn nats_url() -> String {
    server("YUCHONG_TEST_NATS")
}

/// A port that is free now and that this process has not given out before.
///
/// Below the range from which the system takes the ports of outgoing connections (32768 on): one of those could take it
/// before its server binds it. Where to begin depends on the process, so that test programs keep out of each other's way.
///
/// # Panics
/// When every port from 10,000 to 19,999 is taken.
pub fn free_port() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    for _ in 0..10_000 {
        let step = std::process::id().wrapping_mul(211).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + u16::try_from(step % 10_000).unwrap_or(0);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port between 10000 and 19999 is free");
}

/// Settings of one process over this database and broker, port 0, every peer at a port where nobody listens.
pub fn settings(database: &TestDatabase, broker: &str) -> Settings {
    let public = STANDARD.encode(SigningKey::from_bytes(&SEED).verifying_key().to_bytes());
    let services = ["accounts", "stations", "documents", "reviews", "notifications", "interconnect"];
    Settings {
        profile: Profile::Test,
        database: database.settings(),
        broker: Broker { url: broker.to_owned(), nkey_file: String::new() },
        server: Server {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            admin_addr: ([127, 0, 0, 1], 0).into(),
            outside_addr: String::new(),
        },
        telemetry: Telemetry { filter: "warn".into(), otlp_endpoint: String::new() },
        identity: Identity {
            signing_key: SecretString::from(STANDARD.encode(SEED)),
            verifying_keys: services
                .iter()
                .chain(&["portal"])
                .map(|name| format!("{name}:{public}"))
                .collect::<Vec<_>>()
                .join(","),
            tls: Tls::default(),
        },
        peers: services
            .iter()
            .map(|name| ((*name).to_owned(), "http://127.0.0.1:9".to_owned()))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// Tells that a check was not run, and why; the end of `cargo xtask test`, which names the file, repeats it.
///
/// # Panics
/// When the file cannot be written.
pub fn not_run(check: &str, why: &str) {
    eprintln!("NOT RUN: {check}: {why}");
    let Some(path) = env::var_os("YUCHONG_NOT_RUN") else { return };
    let mut file = File::options().create(true).append(true).open(path).expect("the file can be opened");
    file.write_all(format!("{check}: {why}\n").as_bytes()).expect("the file can be written");
}

/// Asks until the answer is yes.
///
/// # Panics
/// When it is still no after `within`; the message says what was waited for.
pub async fn eventually<F, Fut>(what: &str, within: Duration, mut ask: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let deadline = tokio::time::Instant::now() + within;
    while !ask().await {
        assert!(tokio::time::Instant::now() < deadline, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
