//! The gRPC service `Ingest`: batches from streams into the queues, receipts back in the order sent.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chassis::{Failure, rpc::caller};
use futures::{StreamExt as _, TryStreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use proto::stations::{
    CheckOrdersRequest, CheckOrdersResponse, OrderBatch, Receipt, Receipts, StationBatch, StatusBatch,
    TelemetryBatch, ingest_server::Ingest,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{convert, operator};
use crate::{
    app::{self, Batch},
    divisions::Divisions,
    domain::{Finding, Refusal, order, text},
    queue::Queue,
    store,
};

/// Orders of one comparison: a day of a large operator, in one message of the protocol.
const CHECKED_MAX: usize = 30_000;
/// Longest batch id, characters.
const BATCH_ID_MAX: usize = 64;

/// Bounds of a stream; all are settings.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Items of one batch.
    pub batch_items: usize,
    /// Stations of one batch.
    pub batch_stations: usize,
    /// Batches of one client-streaming call.
    pub send_batches: usize,
    /// Batches without a receipt.
    pub window: usize,
    /// Longest life of a stream.
    pub life: Duration,
}

/// The inlet of operators' systems.
pub struct IngestService {
    /// Stations on their way to the database.
    pub stations: Queue<app::station::Line>,
    /// The counties that they name.
    pub divisions: Divisions,
    /// Status reports, likewise.
    pub statuses: Queue<app::status::Line>,
    /// Charge orders, likewise.
    pub orders: Queue<app::order::Line>,
    /// Samples of charging sessions, likewise.
    pub telemetry: Queue<app::telemetry::Line>,
    /// For comparisons.
    pub pool: PgPool,
    /// See [`Bounds`].
    pub bounds: Bounds,
    /// Ready when the process should end.
    pub shutdown: Shutdown,
}

/// Makes a future that is ready when the process should end.
pub type Shutdown = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

type ReceiptStream = BoxStream<'static, Result<Receipt, Status>>;

#[tonic::async_trait]
impl Ingest for IngestService {
    type PushStationsStream = ReceiptStream;
    type PushStatusStream = ReceiptStream;
    type PushOrdersStream = ReceiptStream;
    type PushTelemetryStream = ReceiptStream;

    async fn push_stations(
        &self,
        request: Request<Streaming<StationBatch>>,
    ) -> Result<Response<ReceiptStream>, Status> {
        Ok(Response::new(self.register(request)?))
    }

    async fn push_status(
        &self,
        request: Request<Streaming<StatusBatch>>,
    ) -> Result<Response<ReceiptStream>, Status> {
        let operator_id = operator(&caller(&request)?)?;
        let batches = request.into_inner().map_ok(move |batch| status_batch(operator_id, batch));
        Ok(Response::new(self.push(self.statuses.clone(), batches)))
    }

    async fn push_orders(
        &self,
        request: Request<Streaming<OrderBatch>>,
    ) -> Result<Response<ReceiptStream>, Status> {
        let operator_id = operator(&caller(&request)?)?;
        let batches = request.into_inner().map_ok(move |batch| order_batch(operator_id, batch));
        Ok(Response::new(self.push(self.orders.clone(), batches)))
    }

    async fn push_telemetry(
        &self,
        request: Request<Streaming<TelemetryBatch>>,
    ) -> Result<Response<ReceiptStream>, Status> {
        let operator_id = operator(&caller(&request)?)?;
        let batches = request.into_inner().map_ok(move |batch| telemetry_batch(operator_id, batch));
        Ok(Response::new(self.push(self.telemetry.clone(), batches)))
    }

    async fn send_stations(
        &self,
        request: Request<Streaming<StationBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        self.collect(self.register(request)?).await
    }

    async fn send_status(
        &self,
        request: Request<Streaming<StatusBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        let operator_id = operator(&caller(&request)?)?;
        let batches = request.into_inner().map_ok(move |batch| status_batch(operator_id, batch));
        self.collect(self.push(self.statuses.clone(), batches)).await
    }

    async fn send_orders(
        &self,
        request: Request<Streaming<OrderBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        let operator_id = operator(&caller(&request)?)?;
        let batches = request.into_inner().map_ok(move |batch| order_batch(operator_id, batch));
        self.collect(self.push(self.orders.clone(), batches)).await
    }

    async fn send_telemetry(
        &self,
        request: Request<Streaming<TelemetryBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        let operator_id = operator(&caller(&request)?)?;
        let batches = request.into_inner().map_ok(move |batch| telemetry_batch(operator_id, batch));
        self.collect(self.push(self.telemetry.clone(), batches)).await
    }

    async fn check_orders(
        &self,
        request: Request<CheckOrdersRequest>,
    ) -> Result<Response<CheckOrdersResponse>, Status> {
        let operator_id = operator(&caller(&request)?)?;
        let orders = request.into_inner().orders;
        if orders.len() > CHECKED_MAX {
            return Err(Failure::from(Finding::new("orders", Refusal::TooMany { max: CHECKED_MAX })).into());
        }
        // A number that the database cannot be asked for is not held.
        let safe = |number: &&String| text::identifier(number, order::ORDER_NO_MAX).is_ok();
        let numbers: Vec<String> = orders.iter().map(|order| &order.order_no).filter(safe).cloned().collect();
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let held = store::orders::totals(&mut db, operator_id, &numbers).await?;
        Ok(Response::new(convert::checked(orders, &held)))
    }
}

impl IngestService {
    /// Receipts for batches of stations.
    fn register(&self, request: Request<Streaming<StationBatch>>) -> Result<ReceiptStream, Failure> {
        let caller = caller(&request)?;
        let operator_id = operator(&caller)?;
        let divisions = self.divisions.clone();
        let batches = request.into_inner().and_then(move |batch| {
            station_batch(divisions.clone(), operator_id, caller.subject.clone(), batch)
        });
        Ok(self.push_bounded(self.stations.clone(), self.bounds.batch_stations, batches))
    }

    /// Receipts for batches of anything else.
    fn push<L: Clone + Send + Sync + 'static>(
        &self,
        queue: Queue<L>,
        batches: impl futures::Stream<Item = Result<Batch<L>, Status>> + Send + 'static,
    ) -> ReceiptStream {
        self.push_bounded(queue, self.bounds.batch_items, batches)
    }

    /// Receipts for batches of so many items at most, in the order sent; the first failure ends the stream.
    fn push_bounded<L: Clone + Send + Sync + 'static>(
        &self,
        queue: Queue<L>,
        items_max: usize,
        batches: impl futures::Stream<Item = Result<Batch<L>, Status>> + Send + 'static,
    ) -> ReceiptStream {
        let renewal = Arc::new(AtomicBool::new(false));
        let receipts = batches
            .take_until(end_of_life(self.bounds.life, (self.shutdown)(), renewal.clone()))
            .map(move |batch| {
                // Put in line here, so that batches keep their order; waited for below.
                let submitted = batch.map_err(Failure::from).and_then(|batch| {
                    admissible(&batch, items_max)?;
                    Ok((batch.batch_id.clone(), queue.submit(batch)?))
                });
                async move {
                    let (batch_id, answer) = submitted?;
                    let verdicts = answer.await.unwrap_or_else(|_| Err(ending()))?;
                    Ok::<_, Failure>(convert::receipt(batch_id, verdicts))
                }
            })
            .buffered(self.bounds.window)
            .map_err(Status::from);
        let last =
            stream::once(async move { renewal.load(Ordering::Relaxed).then(|| Err(Status::from(ending()))) });
        receipts.chain(last.filter_map(std::future::ready)).boxed()
    }

    async fn collect(&self, receipts: ReceiptStream) -> Result<Response<Receipts>, Status> {
        let max = self.bounds.send_batches;
        let receipts: Vec<Receipt> = receipts.take(max + 1).try_collect().await?;
        if receipts.len() > max {
            return Err(Failure::from(Finding::new("batches", Refusal::TooMany { max })).into());
        }
        Ok(Response::new(Receipts { receipts }))
    }
}

/// Ready when a stream should take no more batches: its life is over, or the process ends.
async fn end_of_life(life: Duration, shutdown: BoxFuture<'static, ()>, renewal: Arc<AtomicBool>) {
    tokio::select! {
        () = tokio::time::sleep(life) => {}
        () = shutdown => {}
    }
    renewal.store(true, Ordering::Relaxed);
}

fn ending() -> Failure {
    Failure::unavailable("stream_renewal", "数据通道到期，请重新建立后继续，未回执的批次请重发")
}

fn admissible<L>(batch: &Batch<L>, items_max: usize) -> Result<(), Failure> {
    text::required(&batch.batch_id, BATCH_ID_MAX).map_err(|refusal| Finding::new("batch_id", refusal))?;
    if batch.lines.is_empty() {
        return Err(Finding::new("items", Refusal::Required).into());
    }
    if batch.lines.len() > items_max {
        return Err(Finding::new("items", Refusal::TooMany { max: items_max }).into());
    }
    Ok(())
}

/// The counties are asked for here, before any unit of work begins.
async fn station_batch(
    divisions: Divisions,
    operator_id: Uuid,
    actor: String,
    batch: StationBatch,
) -> Result<Batch<app::station::Line>, Status> {
    let mut lines = Vec::with_capacity(batch.items.len());
    for item in batch.items {
        let mut line = convert::station_line(item, operator_id, &actor);
        if let Ok(wanted) = line.wanted.as_mut() {
            wanted.county = divisions.county(&wanted.station.county).await?;
        }
        lines.push(line);
    }
    Ok(Batch { operator_id, batch_id: batch.batch_id, lines })
}

fn status_batch(operator_id: Uuid, batch: StatusBatch) -> Batch<app::status::Line> {
    let lines = batch.items.into_iter().map(|item| convert::status_line(item, batch.pulled)).collect();
    Batch { operator_id, batch_id: batch.batch_id, lines }
}

fn order_batch(operator_id: Uuid, batch: OrderBatch) -> Batch<app::order::Line> {
    let lines = batch.items.into_iter().map(convert::orders::line).collect();
    Batch { operator_id, batch_id: batch.batch_id, lines }
}

fn telemetry_batch(operator_id: Uuid, batch: TelemetryBatch) -> Batch<app::telemetry::Line> {
    let lines = batch.items.into_iter().map(convert::telemetry_line).collect();
    Batch { operator_id, batch_id: batch.batch_id, lines }
}
