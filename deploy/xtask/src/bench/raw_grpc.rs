//! The raw limit of what stores nothing: gRPC calls of the ingest whose items are read and answered one by one, by a server in this
//! program. Source: performance, "Targets", unchanged statuses.
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::{future::try_join_all, stream::Empty};
use proto::stations::{
    CheckOrdersRequest, CheckOrdersResponse, ItemResult, OrderBatch, Receipt, Receipts, StationBatch,
    StatusBatch, StatusItem, TelemetryBatch,
    ingest_client::IngestClient,
    ingest_server::{Ingest, IngestServer},
};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use super::figures::Round;
use crate::driver::clock::now;

/// Callers, and items of a call, as in the own case.
const IN_FLIGHT: usize = 8;
const ITEMS: usize = 1_000;

struct Answering;

type Receiving = Empty<Result<Receipt, Status>>;

const NOT_MEASURED: &str = "not measured";

#[tonic::async_trait]
impl Ingest for Answering {
    type PushStationsStream = Receiving;
    type PushStatusStream = Receiving;
    type PushOrdersStream = Receiving;
    type PushTelemetryStream = Receiving;

    async fn push_stations(
        &self,
        _: Request<Streaming<StationBatch>>,
    ) -> Result<Response<Receiving>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }

    async fn push_status(&self, _: Request<Streaming<StatusBatch>>) -> Result<Response<Receiving>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }

    async fn push_orders(&self, _: Request<Streaming<OrderBatch>>) -> Result<Response<Receiving>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }

    async fn push_telemetry(
        &self,
        _: Request<Streaming<TelemetryBatch>>,
    ) -> Result<Response<Receiving>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }

    async fn send_stations(&self, _: Request<Streaming<StationBatch>>) -> Result<Response<Receipts>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }

    async fn send_status(
        &self,
        request: Request<Streaming<StatusBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        let (mut batches, mut receipts) = (request.into_inner(), Vec::new());
        while let Some(batch) = batches.message().await? {
            let known = ItemResult { outcome: "duplicate".to_owned(), ..ItemResult::default() };
            let results = vec![known; batch.items.len()];
            receipts.push(Receipt { batch_id: batch.batch_id, results, ..Receipt::default() });
        }
        Ok(Response::new(Receipts { receipts }))
    }

    async fn send_orders(&self, _: Request<Streaming<OrderBatch>>) -> Result<Response<Receipts>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }

    async fn send_telemetry(
        &self,
        _: Request<Streaming<TelemetryBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }

    async fn check_orders(
        &self,
        _: Request<CheckOrdersRequest>,
    ) -> Result<Response<CheckOrdersResponse>, Status> {
        Err(Status::unimplemented(NOT_MEASURED))
    }
}

/// The server and a channel to it. The server ends with the program.
pub struct RawGrpc {
    channel: Channel,
    items: Vec<StatusItem>,
}

impl RawGrpc {
    /// Serves on a free port. Errors: there is none.
    pub async fn serve() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder().add_service(IngestServer::new(Answering));
        tokio::spawn(server.serve_with_incoming(incoming));
        let channel = Endpoint::from_shared(url)?.tcp_nodelay(true).connect_lazy();
        let source_time = Some(now());
        let item = |number| StatusItem { connector_id: format!("Q{number:012}"), status: 1, source_time };
        Ok(Self { channel, items: (0..ITEMS).map(item).collect() })
    }

    /// Items a second. Errors: a call is not answered.
    pub async fn answered(&self, time: Duration) -> Result<Round> {
        let start = Instant::now();
        let callers = (0..IN_FLIGHT).map(|_| async {
            let mut client = IngestClient::new(self.channel.clone());
            let mut took = Vec::new();
            while start.elapsed() < time {
                let begun = Instant::now();
                let batch =
                    StatusBatch { batch_id: "raw".to_owned(), items: self.items.clone(), pulled: false };
                client.send_status(tokio_stream::iter([batch])).await?;
                took.push(begun.elapsed());
            }
            anyhow::Ok(took)
        });
        let took: Vec<Duration> = try_join_all(callers).await?.into_iter().flatten().collect();
        let value = (took.len() * ITEMS) as f64 / start.elapsed().as_secs_f64();
        Ok(Round { value, took, cost: None })
    }
}
