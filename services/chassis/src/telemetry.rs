//! Logs as JSON lines and traces by OpenTelemetry; one trace goes through gRPC metadata, outbox row and NATS header.
//!
//! Not: metrics; those are `health` (Prometheus) and `push` (OTLP).

use std::collections::HashMap;

use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator as _},
    trace::TracerProvider as _,
};
use opentelemetry_otlp::WithTonicConfig as _;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tonic::transport::Channel;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config;

/// W3C trace context header, in gRPC metadata and on NATS messages.
pub const TRACEPARENT: &str = "traceparent";

/// Keeps the exporter alive; dropping it sends what is still waiting.
pub struct Guard(SdkTracerProvider);

impl Drop for Guard {
    fn drop(&mut self) {
        // A collector that is away must not fail the shutdown; the exporter has logged it.
        let _ = self.0.shutdown();
    }
}

/// Starts logs, and traces where there is a collector; a second call in the same process changes nothing (tests).
///
/// # Errors
/// A log filter that does not parse.
pub fn start(
    service: &'static str,
    settings: &config::Telemetry,
    collector: Option<Channel>,
) -> anyhow::Result<Guard> {
    let mut provider =
        SdkTracerProvider::builder().with_resource(Resource::builder().with_service_name(service).build());
    if let Some(collector) = collector {
        let exporter =
            opentelemetry_otlp::SpanExporter::builder().with_tonic().with_channel(collector).build()?;
        provider = provider.with_batch_exporter(exporter);
    }
    let provider = provider.build();
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|error| anyhow::anyhow!("setting telemetry.filter: {error}"))?;
    // Filters stand per layer: a global one would also remove spans from the traces.
    let logs = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).with_filter(filter);
    let traces =
        tracing_opentelemetry::layer().with_tracer(provider.tracer(service)).with_filter(LevelFilter::INFO);
    // Fails only when a subscriber stands already.
    let _ = tracing_subscriber::registry().with(logs).with(traces).try_init();
    Ok(Guard(provider))
}

/// The trace context of the current span as a W3C header value; empty outside any trace.
pub fn traceparent() -> String {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT).unwrap_or_default()
}

/// The id of the current trace, 32 hexadecimal digits, by which its spans are found; empty outside any trace.
pub fn trace_id() -> String {
    traceparent().split('-').nth(1).unwrap_or_default().to_owned()
}

/// Makes `span` a child of the trace named by a W3C header value; ignores one that does not parse.
pub fn continue_trace(span: &Span, traceparent: &str) {
    if traceparent.is_empty() {
        return;
    }
    // Without the OpenTelemetry layer (unit tests) there is no trace to continue.
    let _ = span.set_parent(context(traceparent));
}

fn context(traceparent: &str) -> Context {
    struct One<'a>(&'a str);
    impl Extractor for One<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            (key == TRACEPARENT).then_some(self.0)
        }
        fn keys(&self) -> Vec<&str> {
            vec![TRACEPARENT]
        }
    }
    TraceContextPropagator::new().extract(&One(traceparent))
}
