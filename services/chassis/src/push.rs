//! Metrics by OTLP: what the admin port shows is also sent to the collector that takes the traces.
//!
//! Owns: when and to whom. Not: what is counted; both ways out read one recorder, so they cannot disagree.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusHandle;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
    common::v1::InstrumentationScope,
    metrics::v1::{ResourceMetrics, ScopeMetrics},
    resource::v1::Resource,
};
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;

use crate::{
    clock,
    exposition::{self, Span},
    process,
};

/// Between two turns; alerts look at minutes.
const EVERY: Duration = Duration::from_secs(10);
/// A collector that is slower is taken for away. Once more at the end of the process, within its termination grace.
const PATIENCE: Duration = Duration::from_secs(2);
const NANOS: u64 = 1_000_000_000;

/// Sends all metrics of this process again and again; the numbers are sums since its start, so a turn that fails loses nothing.
pub(crate) struct Push {
    client: MetricsServiceClient<Channel>,
    metrics: PrometheusHandle,
    resource: Resource,
    since: u64,
    failing: AtomicBool,
}

impl Push {
    /// Sends over this connection.
    pub(crate) fn new(service: &str, collector: Channel, metrics: PrometheusHandle) -> Arc<Push> {
        let resource = Resource {
            attributes: vec![
                exposition::attribute("service.name", service.to_owned()),
                // Replicas count for themselves.
                exposition::attribute("service.instance.id", process::new_instance_id().to_string()),
            ],
            ..Resource::default()
        };
        let client = MetricsServiceClient::new(collector);
        Arc::new(Push { client, metrics, resource, since: now(), failing: AtomicBool::new(false) })
    }

    /// Sends for as long as the process lives.
    pub(crate) async fn run(self: Arc<Push>) {
        loop {
            self.once().await;
            sleep(EVERY).await;
        }
    }

    /// Sends once. A collector that is away is said once, not every turn.
    pub(crate) async fn once(&self) {
        let why = match timeout(PATIENCE, self.client.clone().export(self.request())).await {
            Ok(Ok(_)) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("metrics are taken by the collector again");
                }
                return;
            }
            Ok(Err(status)) => status.message().to_owned(),
            Err(_) => "no answer in time".to_owned(),
        };
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "metrics could not be sent to the collector, later turns try again");
        }
    }

    fn request(&self) -> ExportMetricsServiceRequest {
        let span = Span { since: self.since, until: now() };
        let scope = InstrumentationScope { name: "chassis".to_owned(), ..InstrumentationScope::default() };
        let metrics = ScopeMetrics {
            scope: Some(scope),
            metrics: exposition::read(&self.metrics.render(), span),
            ..ScopeMetrics::default()
        };
        let resource = ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![metrics],
            ..ResourceMetrics::default()
        };
        ExportMetricsServiceRequest { resource_metrics: vec![resource] }
    }
}

fn now() -> u64 {
    u64::try_from(clock::unix_seconds()).unwrap_or_default() * NANOS
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use opentelemetry_proto::tonic::{
        collector::metrics::v1::{
            ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        metrics::v1::{metric::Data, number_data_point::Value},
    };
    use tokio::{net::TcpListener, sync::mpsc};
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Request, Response, Status, transport::Server};

    use super::*;
    use crate::{health, rpc};

    struct Collector(mpsc::UnboundedSender<ExportMetricsServiceRequest>);

    #[tonic::async_trait]
    impl MetricsService for Collector {
        async fn export(
            &self,
            request: Request<ExportMetricsServiceRequest>,
        ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
            self.0.send(request.into_inner()).expect("the test listens");
            Ok(Response::new(ExportMetricsServiceResponse::default()))
        }
    }

    async fn collector() -> (String, mpsc::UnboundedReceiver<ExportMetricsServiceRequest>) {
        let listener =
            TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (send, received) = mpsc::unbounded_channel();
        let service = MetricsServiceServer::new(Collector(send));
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        (url, received)
    }

    fn push(url: &str, metrics: PrometheusHandle) -> Arc<Push> {
        Push::new("reviews", rpc::endpoint(url, None).expect("an address").connect_lazy(), metrics)
    }

    #[tokio::test]
    async fn a_collector_receives_what_was_counted_with_its_labels() {
        let (url, mut received) = collector().await;
        let recorder = health::builder().build_recorder();
        let push = push(&url, recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("refusals_total", "reason" => "four_eyes").increment(3);
            metrics::histogram!("rpc_server_duration_seconds", "method" => "m").record(0.03);
        });
        push.once().await;
        let resource = received.recv().await.expect("a request").resource_metrics.remove(0);
        let named = resource.resource.expect("a resource").attributes;
        assert!(named.contains(&exposition::attribute("service.name", "reviews".to_owned())));
        let metrics = &resource.scope_metrics[0].metrics;
        let data = |name: &str| {
            metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.data.clone())
        };
        let Some(Data::Sum(sum)) = data("refusals_total") else { panic!("no counter: {metrics:?}") };
        assert_eq!(sum.data_points[0].value, Some(Value::AsInt(3)));
        assert_eq!(sum.data_points[0].attributes, [exposition::attribute("reason", "four_eyes".to_owned())]);
        let Some(Data::Histogram(took)) = data("rpc_server_duration_seconds") else {
            panic!("no histogram: {metrics:?}")
        };
        let point = &took.data_points[0];
        assert_eq!((point.count, point.bucket_counts.iter().sum()), (1, 1));
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    }

    #[tokio::test]
    async fn a_collector_that_is_away_holds_nothing_up_and_comes_back() {
        let (url, mut received) = collector().await;
        let away = "http://127.0.0.1:9";
        let handle = || health::builder().build_recorder().handle();
        let sending = push(away, handle());
        sending.once().await;
        assert!(sending.failing.load(Ordering::Relaxed));
        let sending = push(&url, handle());
        sending.failing.store(true, Ordering::Relaxed);
        sending.once().await;
        assert!(received.recv().await.is_some() && !sending.failing.load(Ordering::Relaxed));
    }
}
