//! The admin port: `/live`, `/ready` and `/metrics` over plain HTTP, for the orchestrator only.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub(crate) struct Admin {
    /// Its own database, where the process has one.
    pub(crate) pool: Option<PgPool>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) shutdown: CancellationToken,
}

/// Histograms with buckets for times; without them they would be summaries.
pub(crate) fn builder() -> PrometheusBuilder {
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let builder = PrometheusBuilder::new();
    builder.set_buckets(&buckets).unwrap_or_else(|_| PrometheusBuilder::new())
}

/// Installs the process-wide metrics recorder; a second call in one process gives a handle that renders nothing (tests).
pub(crate) fn recorder() -> PrometheusHandle {
    let recorder = builder().build_recorder();
    let handle = recorder.handle();
    // Fails only when a recorder stands already.
    let _ = metrics::set_global_recorder(recorder);
    handle
}

impl Admin {
    pub(crate) fn router(self) -> Router {
        let metrics = self.metrics.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                metrics.run_upkeep();
            }
        });
        Router::new()
            .route("/live", get(|| async { "ok" }))
            .route("/ready", get(ready))
            .route("/metrics", get(|State(admin): State<Admin>| async move { admin.metrics.render() }))
            .with_state(self)
    }
}

/// Ready means: the own database answers (where there is one) and no shutdown has begun. Outbox lag is detail, not a reason to be unready.
async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    if admin.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "why": "shutting down" })));
    }
    let Some(pool) = &admin.pool else { return (StatusCode::OK, Json(json!({ "ready": true }))) };
    gauge_pool(pool);
    let queues: Result<(f64, f64), _> = sqlx::query_as(
        "-- chassis.health.queues
         SELECT (SELECT coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8
                 FROM outbox_delivery JOIN outbox USING (event_id) WHERE published_at IS NULL),
                (SELECT count(*)::float8 FROM dead_letters WHERE settled_at IS NULL)",
    )
    .fetch_one(pool)
    .await;
    match queues {
        Ok((lag, letters)) => {
            metrics::gauge!("outbox_lag_seconds").set(lag);
            metrics::gauge!("dead_letters_open").set(letters);
            (StatusCode::OK, Json(json!({ "ready": true, "outbox_lag_seconds": lag })))
        }
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "why": "database" })))
        }
    }
}

/// How many connections are in use, and how many more calls could have one.
fn gauge_pool(pool: &PgPool) {
    let busy = pool.size().saturating_sub(u32::try_from(pool.num_idle()).unwrap_or(u32::MAX));
    let free = pool.options().get_max_connections().saturating_sub(busy);
    metrics::gauge!("db_pool_connections", "state" => "busy").set(f64::from(busy));
    metrics::gauge!("db_pool_connections", "state" => "free").set(f64::from(free));
}
