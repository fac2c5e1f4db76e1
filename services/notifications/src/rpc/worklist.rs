//! gRPC `Worklist`: the caller's open tasks, listed and counted.

use chassis::{Failure, page, rpc};
use proto::notifications::{
    CountTasksRequest, CountTasksResponse, ListTasksRequest, ListTasksResponse, worklist_server::Worklist,
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
        let filter = convert::filter(&body)?;
        let limit = page::size(body.page.as_ref())?;
        let after = page::after(body.page.as_ref())?.map(convert::after).transpose()?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = worklist::list(&mut db, &viewer, &filter, after, limit).await.map_err(Failure::from)?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
        let last = rows.last().filter(|_| full).map(|row| convert::page_key(row.since, row.subject_id));
        Ok(Response::new(ListTasksResponse {
            tasks: rows.into_iter().map(convert::task).collect(),
            next_page_token: page::token(last.as_ref()),
        }))
    }

    async fn count_tasks(
        &self,
        request: Request<CountTasksRequest>,
    ) -> Result<Response<CountTasksResponse>, Status> {
        let viewer = convert::viewer(&rpc::caller(&request)?)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = worklist::count_by_stage(&mut db, &viewer).await.map_err(Failure::from)?;
        Ok(Response::new(CountTasksResponse { counts: rows.into_iter().map(convert::stage_count).collect() }))
    }
}
