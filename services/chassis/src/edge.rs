//! What every process has, with or without a database: telemetry, keys, peers, the admin port, an orderly end.
//!
//! Owns: start and end. Not: a database, a broker or gRPC services; those are [`crate::Process`], which stands on this.

use std::{
    collections::BTreeMap, convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration,
};

use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::transport::{Channel, Endpoint};

use crate::{
    StartError,
    config::EdgeSettings,
    connections, health,
    identity::Identity,
    push::Push,
    rpc::{self, Peer},
    secure::Material,
    telemetry,
};

/// Work in progress gets this long after the signal. Source: reliability 7.
const DRAIN: Duration = Duration::from_secs(25);

/// A process that faces people or outside systems and keeps nothing.
pub struct Edge {
    /// Name of the process, e.g. `portal`.
    pub name: &'static str,
    /// Its keys.
    pub identity: Arc<Identity>,
    admin_addr: SocketAddr,
    pub(crate) tls: Option<Material>,
    peers: BTreeMap<String, (Endpoint, Channel)>,
    shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
    metrics: PrometheusHandle,
    /// Sends the metrics where a collector is set.
    push: Option<Arc<Push>>,
    _telemetry: telemetry::Guard,
}

impl Edge {
    /// Reads the keys and prepares the connections; needs nobody to be there.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(name: &'static str, settings: &EdgeSettings) -> Result<Edge, StartError> {
        settings.validate()?;
        let tls = Material::read(&settings.identity.tls)?;
        let peers = settings
            .peers
            .iter()
            .map(|(peer, url)| match rpc::endpoint(url, tls.as_ref()) {
                Ok(endpoint) => {
                    let shared = endpoint.connect_lazy();
                    Ok((peer.clone(), (endpoint, shared)))
                }
                Err(source) => Err(StartError::Peer { name: peer.clone(), source }),
            })
            .collect::<Result<_, _>>()?;
        let collector = match settings.telemetry.otlp_endpoint.as_str() {
            "" => None,
            url => Some(
                rpc::endpoint(url, tls.as_ref())
                    .map_err(|error| StartError::Telemetry(error.into()))?
                    .connect_lazy(),
            ),
        };
        let telemetry =
            telemetry::start(name, &settings.telemetry, collector.clone()).map_err(StartError::Telemetry)?;
        // Before anything counts: what is counted earlier is lost.
        let metrics = health::recorder();
        let push = collector.map(|collector| Push::new(name, collector, metrics.clone()));
        Ok(Edge {
            name,
            _telemetry: telemetry,
            identity: Arc::new(Identity::new(name, &settings.identity)?),
            admin_addr: settings.admin_addr,
            tls,
            peers,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            metrics,
            push,
        })
    }

    /// A connection to another service that speaks as this process.
    ///
    /// # Panics
    /// When the settings have no such peer: they are compiled in, so it is a fault of the code.
    pub fn peer(&self, name: &str) -> Peer {
        rpc::peer(self.channel(name), name, self.identity.clone())
    }

    /// The bare connection to another service, for [`rpc::speaking_for`].
    ///
    /// # Panics
    /// As [`Edge::peer`].
    pub fn channel(&self, name: &str) -> Channel {
        self.known(name).1.clone()
    }

    /// A connection to another service that nobody shares, for calls that last: each holds one of the streams that a server
    /// lets a connection have ([`rpc::STREAMS_MAX`]), and a call that finds none waits out its deadline.
    ///
    /// # Panics
    /// As [`Edge::peer`].
    pub fn channel_apart(&self, name: &str) -> Channel {
        self.known(name).0.connect_lazy()
    }

    fn known(&self, name: &str) -> &(Endpoint, Channel) {
        self.peers.get(name).unwrap_or_else(|| panic!("setting peers.{name} is missing"))
    }

    /// Raised when the process should end.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Runs a background task; it is dropped at shutdown, so it must hold nothing that needs an orderly end.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = future => if !shutdown.is_cancelled() { tracing::error!(task = name, "background task ended") },
                () = shutdown.cancelled() => {}
            }
        });
    }

    /// Serves pages until SIGTERM or SIGINT, then finishes what is running within 25 s; see [`connections::serve`].
    ///
    /// # Errors
    /// A port is taken, or the server fails.
    pub async fn serve_http(self, addr: SocketAddr, router: axum::Router) -> anyhow::Result<()> {
        let listener = TcpListener::bind(addr).await?;
        self.open(None).await?;
        tracing::info!(http = %addr, admin = %self.admin_addr, "{} serves", self.name);
        let stop = self.shutdown();
        let server = async {
            connections::serve(listener, router, stop).await;
            Ok::<_, Infallible>(())
        };
        self.until_drained(server).await?;
        Ok(())
    }

    /// Opens the admin port and begins to listen for the signal to end.
    pub(crate) async fn open(&self, pool: Option<PgPool>) -> std::io::Result<()> {
        let admin = health::Admin { pool, metrics: self.metrics.clone(), shutdown: self.shutdown() };
        let listener = TcpListener::bind(self.admin_addr).await?;
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, admin.router()).await {
                tracing::error!(%error, "admin port ended");
            }
        });
        if let Some(push) = &self.push {
            self.spawn("push of metrics", push.clone().run());
        }
        let shutdown = self.shutdown();
        tokio::spawn(async move {
            signalled().await;
            tracing::info!("shutting down");
            shutdown.cancel();
        });
        Ok(())
    }

    /// Waits for a server that stops by itself at shutdown, then for the background tasks; neither without a limit.
    pub(crate) async fn until_drained<E>(
        &self,
        server: impl Future<Output = Result<(), E>>,
    ) -> Result<(), E> {
        let limit = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! { ended = server => ended?, () = limit => tracing::warn!("work still running after the drain limit") }
        self.tasks.close();
        if tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await.is_err() {
            tracing::warn!("background tasks did not end in time");
        }
        // What was counted since the last turn.
        if let Some(push) = &self.push {
            push.once().await;
        }
        Ok(())
    }
}

/// SIGTERM (Kubernetes) or SIGINT (a person).
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler the default action of the signal ends the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
