//! A collector of traces and metrics for one test: an OTLP server that keeps every span and every counter it is sent.
//!
//! Owns: receiving. Not: judging; tests read what is kept.
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::{metric::Data, number_data_point},
    resource::v1::Resource,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// A span as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The service that sent it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Hex.
    pub trace: String,
    /// Hex.
    pub id: String,
    /// Hex; empty at the root.
    pub parent: String,
    /// Names and values, those that are texts.
    pub labels: Vec<(String, String)>,
}

/// A counter as it stood when it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The service that sent it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Names and values, sorted.
    pub labels: Vec<(String, String)>,
    /// Since the start of the process.
    pub value: i64,
}

/// A running collector; stops when dropped.
#[derive(Debug)]
pub struct Collector {
    /// For the setting `telemetry.otlp_endpoint`.
    pub url: String,
    spans: Arc<Mutex<Vec<Span>>>,
    counters: Arc<Mutex<Vec<Counted>>>,
    server: JoinHandle<()>,
}

impl Collector {
    /// Starts on a free port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let spans = Arc::new(Mutex::new(Vec::new()));
        let counters = Arc::new(Mutex::new(Vec::new()));
        let traces = TraceServiceServer::new(Keeper(spans.clone()));
        let metrics = MetricsServiceServer::new(Counter(counters.clone()));
        let server = tokio::spawn(async move {
            let services = Server::builder().add_service(traces).add_service(metrics);
            if let Err(error) = services.serve_with_incoming(TcpListenerStream::new(listener)).await {
                eprintln!("the collector ended: {error}");
            }
        });
        Ok(Self { url, spans, counters, server })
    }

    /// Gives every span of one trace so far.
    pub fn trace(&self, trace: &str) -> Vec<Span> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().filter(|span| span.trace == trace).cloned().collect()
    }

    /// Gives a service's counters of one name, every time they were sent so far.
    pub fn counted(&self, service: &str, name: &str) -> Vec<Counted> {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.iter().filter(|one| one.service == service && one.name == name).cloned().collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Keeper(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_spans {
            let service = service_name(resource.resource.as_ref());
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                kept.push(Span {
                    service: service.clone(),
                    name: span.name,
                    trace: hex::encode(span.trace_id),
                    id: hex::encode(span.span_id),
                    parent: hex::encode(span.parent_span_id),
                    labels: span.attributes.iter().map(|label| (label.key.clone(), said(label))).collect(),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

struct Counter(Arc<Mutex<Vec<Counted>>>);

#[tonic::async_trait]
impl MetricsService for Counter {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_metrics {
            let service = service_name(resource.resource.as_ref());
            for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                let Some(Data::Sum(sum)) = metric.data else { continue };
                for point in sum.data_points {
                    let Some(number_data_point::Value::AsInt(value)) = point.value else { continue };
                    let mut labels: Vec<_> =
                        point.attributes.iter().map(|label| (label.key.clone(), said(label))).collect();
                    labels.sort();
                    kept.push(Counted { service: service.clone(), name: metric.name.clone(), labels, value });
                }
            }
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn service_name(resource: Option<&Resource>) -> String {
    let attributes = resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default();
    attributes.iter().find(|attribute| attribute.key == "service.name").map(said).unwrap_or_default()
}

fn said(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(_) | None => String::new(),
    }
}
