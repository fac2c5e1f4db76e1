//! A process of the production profile sends its spans over TLS: to a collector that shows a certificate of the services' authority,
//! and with its own certificate, because this collector asks for one.
//!
//! A file of its own with one test: the subscriber that makes spans is one for the whole process. That a server of another
//! authority is not spoken to: `production`, whose connections are made by the same function.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chassis::{
    Edge,
    config::{EdgeSettings, Identity, Profile, Telemetry, Tls},
    testing::eventually,
};
use ed25519_dalek::SigningKey;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Certificate, Identity as Shown, Server, ServerTlsConfig},
};

/// A seed that nobody else uses.
const SEED: [u8; 32] = *b"a seed of thirty-two other bytes";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name)
}

fn path(name: &str) -> String {
    file(name).display().to_string()
}

fn read(name: &str) -> Vec<u8> {
    fs::read(file(name)).expect("a file")
}

/// Service and name of each span that came, and whether its sender showed a certificate.
type Kept = Arc<Mutex<Vec<(String, String, bool)>>>;

struct Keeper(Kept);

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let shown = request.peer_certs().is_some_and(|certificates| !certificates.is_empty());
        let mut kept = self.0.lock().expect("not poisoned");
        for sent in request.into_inner().resource_spans {
            let attributes = sent.resource.map(|resource| resource.attributes).unwrap_or_default();
            let service = attributes
                .into_iter()
                .find(|attribute| attribute.key == "service.name")
                .and_then(|attribute| attribute.value?.value);
            let Some(Value::StringValue(service)) = service else { continue };
            let spans = sent.scope_spans.into_iter().flat_map(|scope| scope.spans);
            kept.extend(spans.map(|span| (service.clone(), span.name, shown)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A collector that takes nothing in plain text and asks for a certificate of the authority.
async fn collector() -> (SocketAddr, Kept) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let kept = Kept::default();
    let tls = ServerTlsConfig::new()
        .identity(Shown::from_pem(read("service.crt"), read("service.key")))
        .client_ca_root(Certificate::from_pem(read("authority.crt")));
    let server = Server::builder()
        .tls_config(tls)
        .expect("certificates")
        .add_service(TraceServiceServer::new(Keeper(kept.clone())));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (address, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_a_production_process_reach_a_collector_over_tls() {
    let (address, kept) = collector().await;
    let public = STANDARD.encode(SigningKey::from_bytes(&SEED).verifying_key().to_bytes());
    let settings = EdgeSettings {
        profile: Profile::Production,
        admin_addr: ([127, 0, 0, 1], 0).into(),
        telemetry: Telemetry {
            filter: "warn".into(),
            otlp_endpoint: format!("https://localhost:{}", address.port()),
        },
        identity: Identity {
            signing_key: SecretString::from(STANDARD.encode(SEED)),
            verifying_keys: format!("portal:{public}"),
            tls: Tls {
                authority: path("authority.crt"),
                certificate: path("service.crt"),
                key: path("service.key"),
            },
        },
        peers: [("accounts".to_owned(), "https://accounts:7101".to_owned())].into(),
    };
    let edge = Edge::start("portal", &settings).expect("production accepts them");
    tracing::info_span!("a page").in_scope(|| tracing::info!("shown"));
    // What waits is sent at the end of the process, which waits for it: not on a thread that others need.
    tokio::task::spawn_blocking(move || drop(edge)).await.expect("it ends");
    eventually("the span arrives", Duration::from_secs(20), || async {
        let kept = kept.lock().expect("not poisoned");
        kept.contains(&("portal".to_owned(), "a page".to_owned(), true))
    })
    .await;
}
