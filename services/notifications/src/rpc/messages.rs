//! gRPC `Messages`: the caller's messages, and what the caller has read.

use chassis::{Failure, Units, page, rpc};
use proto::notifications::{
    ListMessagesRequest, ListMessagesResponse, MarkReadRequest, MarkReadResponse, messages_server::Messages,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app,
    live::Hub,
    store::{
        self,
        messages::{self, Window},
    },
};

/// Reads from the database, marks in a unit of work.
pub struct MessagesInlet {
    /// The service's database.
    pub pool: PgPool,
    /// Its units of work.
    pub units: Units,
    /// Tells the caller's other live streams.
    pub hub: Hub,
    /// See [`crate::config::Messages`].
    pub unread_days: u16,
}

#[tonic::async_trait]
impl Messages for MessagesInlet {
    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let viewer = convert::viewer(&rpc::caller(&request)?)?;
        let body = request.into_inner();
        let limit = page::size(body.page.as_ref())?;
        let after = page::after(body.page.as_ref())?.map(convert::after).transpose()?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let now = store::now(&mut db).await.map_err(Failure::from)?;
        let window = Window::before(now, self.unread_days);
        let rows = messages::list(&mut db, &viewer, body.unread_only, window, after, limit)
            .await
            .map_err(Failure::from)?;
        let unread = messages::unread(&mut db, &viewer, window).await.map_err(Failure::from)?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
        let last = rows.last().filter(|_| full).map(|row| convert::page_key(row.at, row.message_id));
        Ok(Response::new(ListMessagesResponse {
            messages: rows.into_iter().map(convert::message).collect(),
            next_page_token: page::token(last.as_ref()),
            unread: convert::count(unread.count),
        }))
    }

    async fn mark_read(
        &self,
        request: Request<MarkReadRequest>,
    ) -> Result<Response<MarkReadResponse>, Status> {
        let viewer = convert::viewer(&rpc::caller(&request)?)?;
        let (user_id, unread_days) = (viewer.user_id, self.unread_days);
        let answer = self
            .units
            .run(request, move |work, body: MarkReadRequest| {
                Box::pin(async move {
                    let up_to = convert::id(&body.up_to_message_id)?;
                    let marked = app::mark_read(work, &viewer, up_to, unread_days).await?;
                    Ok(MarkReadResponse { marked: i32::try_from(marked).unwrap_or(i32::MAX) })
                })
            })
            .await?;
        self.hub.read_by(user_id);
        Ok(answer)
    }
}
