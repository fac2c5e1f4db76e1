//! `AccountReview`: the administrator's lists and decisions.

use chassis::{Failure, page};
use proto::accounts::{
    ApproveOperatorRequest, CountOperatorsResponse, GetOperatorDetailRequest, ListOperatorsRequest,
    ListOperatorsResponse, OperatorDetail, ReinstateOperatorRequest, ReturnOperatorRequest, StateCount,
    SuspendOperatorRequest, account_review_server::AccountReview,
};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert;
use crate::{
    app::{Accounts, review},
    store,
};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

/// Where a page ends: microseconds of the registration, and the operator.
type Key = (i64, Uuid);

#[tonic::async_trait]
impl AccountReview for Inlet {
    async fn list_operators(
        &self,
        request: Request<ListOperatorsRequest>,
    ) -> Result<Response<ListOperatorsResponse>, Status> {
        Ok(Response::new(list(&self.0, request.into_inner()).await?))
    }

    async fn count_operators(
        &self,
        request: Request<ListOperatorsRequest>,
    ) -> Result<Response<CountOperatorsResponse>, Status> {
        let filter = convert::operator_filter(&request.into_inner()).map_err(Failure::from)?;
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let rows = store::operators::counts(&mut db, &filter).await.map_err(Failure::from)?;
        let review_pending = rows.iter().map(|(_, _, waiting)| waiting).sum();
        let counts = rows.into_iter().map(|(state, count, _)| StateCount { state, count }).collect();
        Ok(Response::new(CountOperatorsResponse { counts, review_pending }))
    }

    async fn get_operator(
        &self,
        request: Request<GetOperatorDetailRequest>,
    ) -> Result<Response<OperatorDetail>, Status> {
        let id = convert::operator_id(&request.into_inner().operator_id)?;
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let operator = store::operators::find(&mut db, id)
            .await
            .map_err(Failure::from)?
            .ok_or_else(Failure::not_found)?;
        Ok(Response::new(convert::detail(&mut db, &operator).await?))
    }

    async fn approve(
        &self,
        request: Request<ApproveOperatorRequest>,
    ) -> Result<Response<OperatorDetail>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let word = review::Word {
                        operator: convert::operator_id(&body.operator_id)?,
                        submission_version: body.submission_version,
                        opinion: body.opinion,
                        agreed: body.agreed,
                    };
                    let operator = review::approve(work, word).await?;
                    convert::detail(work.db(), &operator).await
                })
            })
            .await
    }

    async fn r#return(
        &self,
        request: Request<ReturnOperatorRequest>,
    ) -> Result<Response<OperatorDetail>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let word = review::Word {
                        operator: convert::operator_id(&body.operator_id)?,
                        submission_version: body.submission_version,
                        opinion: body.opinion,
                        agreed: Vec::new(),
                    };
                    let operator = review::send_back(work, word).await?;
                    convert::detail(work.db(), &operator).await
                })
            })
            .await
    }

    async fn suspend(
        &self,
        request: Request<SuspendOperatorRequest>,
    ) -> Result<Response<OperatorDetail>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::operator_id(&body.operator_id)?;
                    let operator = review::suspend(work, id, &body.reason).await?;
                    convert::detail(work.db(), &operator).await
                })
            })
            .await
    }

    async fn reinstate(
        &self,
        request: Request<ReinstateOperatorRequest>,
    ) -> Result<Response<OperatorDetail>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::operator_id(&body.operator_id)?;
                    let operator = review::reinstate(work, id, &body.reason).await?;
                    convert::detail(work.db(), &operator).await
                })
            })
            .await
    }
}

async fn list(accounts: &Accounts, body: ListOperatorsRequest) -> Result<ListOperatorsResponse, Failure> {
    let filter = convert::operator_filter(&body)?;
    let size = page::size(body.page.as_ref())?;
    let after = page::after::<Key>(body.page.as_ref())?.and_then(|(micros, id)| {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok().map(|at| (at, id))
    });
    let mut db = accounts.pool.acquire().await?;
    let found = store::operators::list(&mut db, &filter, after, size).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == size);
    let key = found.last().filter(|_| full).and_then(|last| {
        i64::try_from(last.registered_at.unix_timestamp_nanos() / 1_000)
            .ok()
            .map(|micros| (micros, last.id.0))
    });
    Ok(ListOperatorsResponse {
        operators: found.iter().map(convert::summary).collect(),
        next_page_token: page::token::<Key>(key.as_ref()),
    })
}
