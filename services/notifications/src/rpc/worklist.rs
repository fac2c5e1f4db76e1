//! gRPC `Worklist`: the caller's open tasks, listed, counted, and one among its neighbours.

use chassis::{Failure, page, rpc};
use proto::notifications::{
    CountTasksRequest, CountTasksResponse, FindNeighboursRequest, FindNeighboursResponse, ListTasksRequest,
    ListTasksResponse, worklist_server::Worklist,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use super::convert;
use crate::store::worklist;

/// Reads from the service's database.
pub struct WorklistInlet {
    /// The service's database.
    pub pool: PgPool,
}

#[tonic::async_trait]
impl Worklist for WorklistInlet {
    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        let viewer = convert::viewer(&rpc::caller(&request)?)?;
        let body = request.into_inner();
        let filter = convert::filter(&body, viewer.user_id)?;
        let limit = page::size(body.page.as_ref())?;
        let after = convert::place(&body)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = worklist::list(&mut db, &viewer, &filter, after, limit).await.map_err(Failure::from)?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
        let next_page_token =
            rows.last().filter(|_| full).map(|row| convert::next(after, row)).unwrap_or_default();
        Ok(Response::new(ListTasksResponse {
            tasks: rows.into_iter().map(convert::task).collect(),
            next_page_token,
        }))
    }

    async fn count_tasks(
        &self,
        request: Request<CountTasksRequest>,
    ) -> Result<Response<CountTasksResponse>, Status> {
        let viewer = convert::viewer(&rpc::caller(&request)?)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = worklist::count_by_stage(&mut db, &viewer).await.map_err(Failure::from)?;
        let lights = worklist::count_by_light(&mut db, &viewer).await.map_err(Failure::from)?;
        let counts = rows.into_iter().map(|row| convert::stage_count(row, &lights));
        Ok(Response::new(CountTasksResponse { counts: counts.collect() }))
    }

    async fn find_neighbours(
        &self,
        request: Request<FindNeighboursRequest>,
    ) -> Result<Response<FindNeighboursResponse>, Status> {
        let viewer = convert::viewer(&rpc::caller(&request)?)?;
        let body = request.into_inner();
        let stage = convert::stage(&body.stage)?;
        let id = convert::id(&body.application_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let found = worklist::neighbours(&mut db, &viewer, stage, id).await.map_err(Failure::from)?;
        Ok(Response::new(convert::neighbours(found)))
    }
}
