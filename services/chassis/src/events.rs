//! The `Events` service that every producing service mounts: catching up on one aggregate from its outbox.

use proto::common::{ListEventsRequest, ListEventsResponse, events_server::Events};
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{Failure, outbox};

/// Answers from the outbox, published or not.
pub(crate) struct FromOutbox(pub(crate) PgPool);

#[tonic::async_trait]
impl Events for FromOutbox {
    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        let body = request.into_inner();
        let id = Uuid::parse_str(&body.aggregate_id)
            .map_err(|_| Failure::invalid("id_malformed", "aggregate_id", "编号格式不正确"))?;
        let events = outbox::list(&self.0, &body.aggregate_type, id, body.from_version).await?;
        Ok(Response::new(ListEventsResponse { events }))
    }
}
