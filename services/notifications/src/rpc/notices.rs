//! gRPC `Notices`: what administrators write, and what everybody reads.

use chassis::{Failure, Units, page, rpc};
use proto::notifications::{
    ChangeDraftRequest, CreateDraftRequest, GetNoticeRequest, GetNoticeResponse, GetPublishedRequest,
    ListNoticesRequest, ListNoticesResponse, ListPublishedRequest, ListPublishedResponse, Notice,
    PublishRequest, PublishedNotice, WithdrawRequest, notices_server::Notices,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app,
    domain::notice,
    store::{self, notices},
};

/// Reads from the database, writes in a unit of work.
pub struct NoticesInlet {
    /// The service's database.
    pub pool: PgPool,
    /// Its units of work.
    pub units: Units,
}

#[tonic::async_trait]
impl Notices for NoticesInlet {
    async fn create_draft(&self, request: Request<CreateDraftRequest>) -> Result<Response<Notice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let revises = match body.revises.as_str() {
                        "" => None,
                        id => Some(convert::id(id)?),
                    };
                    let content = convert::content(body.content)?;
                    Ok(convert::notice(&app::notices::draft(work, revises, content).await?))
                })
            })
            .await
    }

    async fn change_draft(&self, request: Request<ChangeDraftRequest>) -> Result<Response<Notice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let seen = convert::seen(&body.revision_id, body.version)?;
                    let content = convert::content(body.content)?;
                    Ok(convert::notice(&app::notices::change(work, seen, content).await?))
                })
            })
            .await
    }

    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<Notice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let seen = convert::seen(&body.revision_id, body.version)?;
                    Ok(convert::notice(&app::notices::publish(work, seen).await?))
                })
            })
            .await
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<Notice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let seen = convert::seen(&body.revision_id, body.version)?;
                    Ok(convert::notice(&app::notices::withdraw(work, seen, &body.reason).await?))
                })
            })
            .await
    }

    async fn list_notices(
        &self,
        request: Request<ListNoticesRequest>,
    ) -> Result<Response<ListNoticesResponse>, Status> {
        let body = request.into_inner();
        let state = convert::notice_state(&body.state)?;
        let limit = page::size(body.page.as_ref())?;
        let after = page::after(body.page.as_ref())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let found = notices::list(&mut db, state, after, limit).await.map_err(Failure::from)?;
        let full = i64::try_from(found.len()).is_ok_and(|rows| rows == limit);
        let last = found.last().filter(|_| full).map(|last| last.revision_id);
        Ok(Response::new(ListNoticesResponse {
            notices: found.iter().map(convert::notice).collect(),
            next_page_token: page::token(last.as_ref()),
        }))
    }

    async fn get_notice(
        &self,
        request: Request<GetNoticeRequest>,
    ) -> Result<Response<GetNoticeResponse>, Status> {
        let id = convert::id(&request.get_ref().revision_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let found = notices::find(&mut db, id).await.map_err(Failure::from)?;
        let found = found.ok_or_else(Failure::not_found)?;
        let deeds = notices::deeds(&mut db, id).await.map_err(Failure::from)?;
        let others = notices::revisions(&mut db, found.notice_id).await.map_err(Failure::from)?;
        let others = others.iter().filter(|one| one.revision_id != id);
        Ok(Response::new(GetNoticeResponse {
            notice: Some(convert::notice(&found)),
            acts: deeds.into_iter().map(convert::deed).collect(),
            others: others.map(convert::notice).collect(),
        }))
    }

    async fn list_published(
        &self,
        request: Request<ListPublishedRequest>,
    ) -> Result<Response<ListPublishedResponse>, Status> {
        let audiences = convert::audiences(&rpc::caller(&request)?);
        let body = request.into_inner();
        let limit = page::size(body.page.as_ref())?;
        let after = page::after(body.page.as_ref())?.map(convert::reader_place).transpose()?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let today = notice::day(store::now(&mut db).await.map_err(Failure::from)?);
        let found =
            notices::published(&mut db, &audiences, today, after, limit).await.map_err(Failure::from)?;
        let full = i64::try_from(found.len()).is_ok_and(|rows| rows == limit);
        let last = found.last().filter(|_| full).map(|last| convert::place_of(last, today));
        Ok(Response::new(ListPublishedResponse {
            notices: found.iter().map(|one| convert::published(one, today)).collect(),
            next_page_token: page::token(last.as_ref()),
        }))
    }

    async fn get_published(
        &self,
        request: Request<GetPublishedRequest>,
    ) -> Result<Response<PublishedNotice>, Status> {
        let audiences = convert::audiences(&rpc::caller(&request)?);
        let id = convert::id(&request.get_ref().notice_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let today = notice::day(store::now(&mut db).await.map_err(Failure::from)?);
        let found = notices::find_published(&mut db, &audiences, id).await.map_err(Failure::from)?;
        Ok(Response::new(convert::published(&found.ok_or_else(Failure::not_found)?, today)))
    }
}
