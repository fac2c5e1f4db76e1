//! One running service: its database, keys, peers and background tasks, from start to graceful end.
//!
//! Start needs the own database only; neither NATS nor another service has to be there.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use async_nats::jetstream;
use proto::common::events_server::EventsServer;
use secrecy::ExposeSecret as _;
use sqlx::{
    Connection as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{net::TcpListener, sync::Notify};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::{Routes, RoutesBuilder},
    transport::{Server, ServerTlsConfig},
};
use uuid::Uuid;

use crate::{
    Units,
    config::{ConfigError, Profile, Settings},
    consumer::{Applier, Subscription},
    edge::Edge,
    events::FromOutbox,
    identity::{Identity, KeyError},
    outbox::Relay,
    pull::Consumer,
    rpc::{self, Access, GateLayer, Open, Peer},
    schema,
    secure::{self, Material},
    upkeep,
};

/// The longest call: an upload of 20 MiB over a slow line (1 Mbit/s ≈ 170 s). Short calls end earlier by themselves: each
/// statement has 15 s, each call to a peer 8 s, and streams bound the silence between two pieces.
const CALL_MAX: Duration = Duration::from_secs(300);

/// Why a process did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong; the text names the key.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key cannot be used; the text names the setting.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database cannot be reached.
    #[error("setting database.url: cannot use the database")]
    Database(#[from] sqlx::Error),
    /// PostgreSQL could lose what it confirmed (reliability section 2).
    #[error(
        "PostgreSQL runs with {setting} = {value}; confirmed changes could be lost, so this service does not start; set it on"
    )]
    NotDurable {
        /// Name of the PostgreSQL setting.
        setting: &'static str,
        /// What it is.
        value: String,
    },
    /// The role of the URL may do anything to any database of the server.
    #[error(
        "setting database.url: the role {0} is a superuser; production needs the service's own role (deploy/postgres/roles.sql)"
    )]
    Superuser(String),
    /// Logs or traces cannot start.
    #[error("telemetry: {0}")]
    Telemetry(#[source] anyhow::Error),
    /// The broker's address does not parse.
    #[error("setting broker.url: {0}")]
    Broker(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A peer's address does not parse.
    #[error("setting peers.{name}: {source}")]
    Peer {
        /// Which peer.
        name: String,
        /// What is wrong with it.
        source: tonic::transport::Error,
    },
}

/// How long a request waits for a connection. Source: reliability 7 (pool wait 2 s).
const ACQUIRE: Duration = Duration::from_secs(2);
/// A connection that rested for longer is asked whether it still stands.
const PING_AFTER: Duration = Duration::from_secs(1);
/// Waits of that length for the first connection of a process.
const FIRST_ATTEMPTS: u32 = 3;

/// Everything that a running service shares.
pub struct Process {
    /// Name of the service, e.g. `reviews`.
    pub name: &'static str,
    /// Its own database, for reads.
    pub pool: PgPool,
    /// Its units of work, for changes.
    pub units: Units,
    /// Its keys.
    pub identity: Arc<Identity>,
    jetstream: jetstream::Context,
    wake: Arc<Notify>,
    grpc_addr: SocketAddr,
    outside_addr: Option<SocketAddr>,
    edge: Edge,
}

/// A connection pool whose connections are bounded in every wait; see `transaction.rs` for what leaves a transaction open.
///
/// # Errors
/// The database cannot be reached within 6 s.
pub async fn connect(settings: &crate::config::Database, name: &str) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = settings.url.expose_secret().parse()?;
    let options = options.application_name(name).options([
        ("lock_timeout", "3s"),
        ("statement_timeout", "15s"),
        ("idle_in_transaction_session_timeout", "10s"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(settings.pool_max)
        .acquire_timeout(ACQUIRE)
        // A connection that was just in use needs no ping; one that rested may have been cut off meanwhile.
        .test_before_acquire(false)
        .before_acquire(|connection, rest| {
            Box::pin(async move {
                if schema::is_older(rest.age) {
                    return Ok(false);
                }
                if rest.idle_for > PING_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    let mut attempt = 1;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            // The first connection of a process on a busy machine may take longer than a request should wait.
            Err(sqlx::Error::PoolTimedOut) if attempt < FIRST_ATTEMPTS => attempt += 1,
            connected => return connected,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an id of the process itself, outside any unit of work")]
pub(crate) fn new_instance_id() -> Uuid {
    Uuid::now_v7()
}

impl Process {
    /// Connects to the own database, reads the keys and prepares everything else for later.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(name: &'static str, settings: &Settings) -> Result<Process, StartError> {
        settings.validate()?;
        let edge = Edge::start(name, &settings.edge())?;
        let pool = connect(&settings.database, name).await?;
        if settings.profile == Profile::Production {
            check_role(&pool).await?;
        }
        if settings.profile != Profile::Test {
            check_durable(&pool).await?;
        }
        let nats = secure::broker(name, &settings.broker, &settings.identity.tls)?
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| Duration::from_millis((100 * attempts as u64).min(2_000)))
            .connect(secure::servers(&settings.broker.url).map_err(|error| StartError::Broker(error.into()))?)
            .await
            .map_err(|error| StartError::Broker(error.into()))?;
        let wake = Arc::new(Notify::new());
        Ok(Process {
            name,
            units: Units::new(pool.clone(), wake.clone()),
            pool,
            identity: edge.identity.clone(),
            jetstream: jetstream::new(nats),
            wake,
            grpc_addr: settings.server.grpc_addr,
            outside_addr: settings.server.outside()?,
            edge,
        })
    }

    /// A channel to another service; clients are made from it: `FactsClient::new(process.peer("reviews"))`.
    ///
    /// # Panics
    /// When the settings have no such peer: they are compiled in, so it is a fault of the code.
    pub fn peer(&self, name: &str) -> Peer {
        self.edge.peer(name)
    }

    /// Raised when the process should end.
    pub fn shutdown(&self) -> CancellationToken {
        self.edge.shutdown()
    }

    /// Runs a background task; see [`Edge::spawn`].
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        self.edge.spawn(name, future);
    }

    /// Starts publishing this service's outbox.
    pub fn relay(&self) {
        let relay = Relay {
            pool: self.pool.clone(),
            jetstream: self.jetstream.clone(),
            stream: self.name.to_uppercase(),
            wake: self.wake.clone(),
            shutdown: self.shutdown(),
        };
        self.edge.tasks.spawn(relay.run());
    }

    /// Starts one durable consumer.
    pub fn consume(&self, subscription: Subscription) {
        let consumer = Consumer {
            applier: Applier::new(self.units.clone(), self.pool.clone(), subscription),
            jetstream: self.jetstream.clone(),
            shutdown: self.shutdown(),
        };
        self.edge.tasks.spawn(consumer.run());
    }

    /// Serves until SIGTERM or SIGINT, then finishes what is running within 25 s.
    ///
    /// # Errors
    /// A port is taken, or the server fails.
    pub async fn serve(self, routes: RoutesBuilder, access: &'static [Access]) -> anyhow::Result<()> {
        self.serve_outside(routes, access, &[]).await
    }

    /// As [`Process::serve`]; where `server.outside_addr` is set, what is `open` is answered there too, to callers without
    /// a certificate. Source: decision record 40.
    ///
    /// # Errors
    /// As [`Process::serve`].
    pub async fn serve_outside(
        self,
        mut routes: RoutesBuilder,
        access: &'static [Access],
        open: Open,
    ) -> anyhow::Result<()> {
        self.spawn("upkeep", upkeep::run(self.pool.clone()));
        let (reporter, health_service) = tonic_health::server::health_reporter();
        reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
        routes.add_service(health_service);
        routes.add_service(EventsServer::new(FromOutbox(self.pool.clone())));
        let routes = routes.routes();
        let listener = TcpListener::bind(self.grpc_addr).await?;
        let outside = match self.outside_addr {
            Some(addr) => Some(TcpListener::bind(addr).await?),
            None => None,
        };
        self.edge.open(Some(self.pool.clone())).await?;
        tracing::info!(grpc = %self.grpc_addr, outside = ?self.outside_addr, "{} serves", self.name);
        let (tls, gate) = (self.edge.tls.as_ref(), GateLayer::new(access, self.identity.clone()));
        let outside = outside.map(|listener| Inlet {
            listener,
            tls: tls.map(Material::outside_server),
            gate: gate.outside(open),
        });
        let inside = Inlet { listener, tls: tls.map(Material::server), gate };
        let (also, stop, stop_outside) = (routes.clone(), self.shutdown(), self.shutdown());
        let answered = async move {
            let outside = async move {
                match outside {
                    Some(inlet) => inlet.answer(also, stop_outside).await,
                    None => Ok(()),
                }
            };
            tokio::try_join!(inside.answer(routes, stop), outside).map(|((), ())| ())
        };
        self.edge.until_drained(answered).await?;
        self.pool.close().await;
        Ok(())
    }
}

/// One port with its rules.
struct Inlet {
    listener: TcpListener,
    tls: Option<ServerTlsConfig>,
    gate: GateLayer,
}

impl Inlet {
    /// Answers until the process should end, then finishes what is running.
    async fn answer(self, routes: Routes, stop: CancellationToken) -> Result<(), tonic::transport::Error> {
        let incoming = tokio_stream::StreamExt::map(TcpListenerStream::new(self.listener), |stream| {
            if let Ok(stream) = &stream {
                // Nagle's delay only costs here; a socket that refuses the option still works.
                let _ = stream.set_nodelay(true);
            }
            stream
        });
        let mut server = Server::builder();
        if let Some(tls) = self.tls {
            server = server.tls_config(tls)?;
        }
        server
            .max_concurrent_streams(rpc::STREAMS_MAX)
            .concurrency_limit_per_connection(256)
            .timeout(CALL_MAX)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .layer(self.gate)
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, async move { stop.cancelled().await })
            .await
    }
}

async fn check_durable(pool: &PgPool) -> Result<(), StartError> {
    for (setting, statement) in [
        ("synchronous_commit", "SHOW synchronous_commit"),
        ("fsync", "SHOW fsync"),
        ("full_page_writes", "SHOW full_page_writes"),
    ] {
        let value: String = sqlx::query_scalar(statement).fetch_one(pool).await?;
        if value == "off" {
            return Err(StartError::NotDurable { setting, value });
        }
    }
    Ok(())
}

async fn check_role(pool: &PgPool) -> Result<(), StartError> {
    let role: Option<String> =
        sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE rolname = current_user AND rolsuper")
            .fetch_optional(pool)
            .await?;
    role.map_or(Ok(()), |role| Err(StartError::Superuser(role)))
}
