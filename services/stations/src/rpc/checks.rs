//! The gRPC service `Checks`.
use chassis::{Failure, Units, rpc::caller};
use proto::stations::{
    CheckOutcome, ListEndedOrdersRequest, ListEndedOrdersResponse, ReportDisputesRequest,
    ReportListedRequest, ReportRefusedRequest, ReportRefusedResponse, ReportStatisticsRequest,
    checks_server::Checks,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{app, domain::check, store};

/// Orders of one list: a message of half a megabyte, which any operator's server takes.
const LISTED: usize = 5_000;
/// Orders that end in one second, at most.
const LISTED_MAX: usize = 30_000;

/// The inlet of comparisons.
pub struct ChecksService {
    /// For reads.
    pub pool: PgPool,
    /// For what is kept.
    pub units: Units,
}

#[tonic::async_trait]
impl Checks for ChecksService {
    async fn list_ended_orders(
        &self,
        request: Request<ListEndedOrdersRequest>,
    ) -> Result<Response<ListEndedOrdersResponse>, Status> {
        let body = request.into_inner();
        let operator_id = convert::id(&body.operator_id)?;
        let window = convert::checks::window(body)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let mut most = LISTED;
        loop {
            let mut orders = store::checks::ended(&mut db, operator_id, window, most + 1).await?;
            let ends: Vec<_> = orders.iter().map(|order| order.end_at).collect();
            match check::cut(&ends, most, window.1) {
                Some((kept, until)) => {
                    orders.truncate(kept);
                    return Ok(Response::new(convert::checks::listed(orders, until)));
                }
                None if most < LISTED_MAX => most = LISTED_MAX,
                None => return Err(convert::checks::too_many(LISTED_MAX).into()),
            }
        }
    }

    async fn report_statistics(
        &self,
        request: Request<ReportStatisticsRequest>,
    ) -> Result<Response<CheckOutcome>, Status> {
        self.units
            .run(request, |work, body: ReportStatisticsRequest| {
                Box::pin(async move {
                    let operator_id = convert::id(&body.operator_id)?;
                    let (day, statements) = convert::checks::statistics(body)?;
                    let outcome = app::check::statistics(work, operator_id, day, &statements).await?;
                    Ok(convert::checks::outcome(outcome))
                })
            })
            .await
    }

    async fn report_disputes(
        &self,
        request: Request<ReportDisputesRequest>,
    ) -> Result<Response<CheckOutcome>, Status> {
        self.units
            .run(request, |work, body: ReportDisputesRequest| {
                Box::pin(async move {
                    let operator_id = convert::id(&body.operator_id)?;
                    let answered = convert::checks::disputes(body)?;
                    let outcome = app::check::disputes(work, operator_id, &answered).await?;
                    Ok(convert::checks::outcome(outcome))
                })
            })
            .await
    }

    async fn report_listed(
        &self,
        request: Request<ReportListedRequest>,
    ) -> Result<Response<CheckOutcome>, Status> {
        self.units
            .run(request, |work, body: ReportListedRequest| {
                Box::pin(async move {
                    let operator_id = convert::id(&body.operator_id)?;
                    let listed = convert::checks::listing(body)?;
                    let outcome = app::check::listed(work, operator_id, &listed).await?;
                    Ok(convert::checks::outcome(outcome))
                })
            })
            .await
    }

    async fn report_refused(
        &self,
        request: Request<ReportRefusedRequest>,
    ) -> Result<Response<ReportRefusedResponse>, Status> {
        let caller = caller(&request)?;
        let (operator_id, refused) = convert::checks::refused(request.into_inner())?;
        let mut work = self.units.begin(caller).await?;
        app::refused::execute(&mut work, operator_id, &refused).await?;
        work.commit().await?;
        Ok(Response::new(ReportRefusedResponse {}))
    }
}
