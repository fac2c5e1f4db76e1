//! `Users`: officials, one-time passwords, unlocking, ending sessions.

use chassis::{Failure, page, rpc};
use proto::accounts::{
    CreateOfficialRequest, DeactivateUserRequest, EndSessionsRequest, GetUserViewRequest,
    ListColleaguesRequest, ListColleaguesResponse, ListJurisdictionsRequest, ListJurisdictionsResponse,
    ListUsersRequest, ListUsersResponse, ReissuePasswordRequest, ResetSecondFactorRequest, UnlockUserRequest,
    UserView, users_server::Users,
};
use secrecy::SecretString;
use sqlx::PgConnection;
use time::Duration;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert;
use crate::{
    app::{
        Accounts,
        officials::{self, Draft, Initial, InitialKind},
        second_factor,
    },
    secrets,
    store::{self, users::User},
};

/// Colleagues of one office that a list names at most. Source: proto, ListColleagues.
const COLLEAGUES_MAX: i64 = 200;

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl Users for Inlet {
    async fn create_official(
        &self,
        request: Request<CreateOfficialRequest>,
    ) -> Result<Response<UserView>, Status> {
        let initial = one_time(&self.0).await?;
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let draft = Draft {
                        login: body.login,
                        display_name: body.display_name,
                        roles: body.roles,
                        scope: body.scope,
                        office: body.office,
                        department: body.department,
                        employer: body.employer,
                        lead: body.lead,
                        phone: body.phone,
                    };
                    let user = officials::create(work, &draft, initial).await?;
                    view(work.db(), user).await
                })
            })
            .await
    }

    async fn deactivate(
        &self,
        request: Request<DeactivateUserRequest>,
    ) -> Result<Response<UserView>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let user = officials::deactivate(work, convert::user_id(&body.user_id)?).await?;
                    view(work.db(), user).await
                })
            })
            .await
    }

    async fn reissue_password(
        &self,
        request: Request<ReissuePasswordRequest>,
    ) -> Result<Response<UserView>, Status> {
        let initial = one_time(&self.0).await?;
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let user = officials::reissue(work, convert::user_id(&body.user_id)?, initial).await?;
                    view(work.db(), user).await
                })
            })
            .await
    }

    async fn unlock(&self, request: Request<UnlockUserRequest>) -> Result<Response<UserView>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let user = officials::unlock(work, convert::user_id(&body.user_id)?).await?;
                    view(work.db(), user).await
                })
            })
            .await
    }

    async fn end_sessions(&self, request: Request<EndSessionsRequest>) -> Result<Response<UserView>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let user = officials::end_sessions(work, convert::user_id(&body.user_id)?).await?;
                    view(work.db(), user).await
                })
            })
            .await
    }

    async fn reset_second_factor(
        &self,
        request: Request<ResetSecondFactorRequest>,
    ) -> Result<Response<UserView>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let user = second_factor::reset(work, convert::user_id(&body.user_id)?).await?;
                    view(work.db(), user).await
                })
            })
            .await
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        Ok(Response::new(list(&self.0, request.into_inner()).await?))
    }

    async fn get_user(&self, request: Request<GetUserViewRequest>) -> Result<Response<UserView>, Status> {
        let id = convert::user_id(&request.into_inner().user_id)?;
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let user = store::users::find(&mut db, id).await.map_err(Failure::from)?;
        Ok(Response::new(view(&mut db, user.ok_or_else(Failure::not_found)?).await?))
    }

    async fn list_colleagues(
        &self,
        request: Request<ListColleaguesRequest>,
    ) -> Result<Response<ListColleaguesResponse>, Status> {
        let caller = rpc::caller(&request)?;
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let found = store::users::colleagues(
            &mut db,
            &caller.roles,
            &caller.scope,
            &caller.department,
            COLLEAGUES_MAX,
        )
        .await
        .map_err(Failure::from)?;
        Ok(Response::new(ListColleaguesResponse {
            colleagues: found.into_iter().map(convert::colleague).collect(),
        }))
    }

    async fn list_jurisdictions(
        &self,
        _request: Request<ListJurisdictionsRequest>,
    ) -> Result<Response<ListJurisdictionsResponse>, Status> {
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let found = store::jurisdictions::list(&mut db).await.map_err(Failure::from)?;
        Ok(Response::new(ListJurisdictionsResponse {
            jurisdictions: found.into_iter().map(convert::jurisdiction).collect(),
        }))
    }
}

async fn list(accounts: &Accounts, body: ListUsersRequest) -> Result<ListUsersResponse, Failure> {
    let role = convert::role_filter(&body.role)?;
    let size = page::size(body.page.as_ref())?;
    let after = page::after::<Uuid>(body.page.as_ref())?;
    let mut db = accounts.pool.acquire().await?;
    let found = store::users::list_officials(&mut db, role, after, size).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == size);
    let next_page_token = page::token(found.last().filter(|_| full).map(|last| &last.id.0));
    let mut users = Vec::with_capacity(found.len());
    for user in found {
        users.push(view(&mut db, user).await?);
    }
    Ok(ListUsersResponse { users, next_page_token })
}

async fn view(db: &mut PgConnection, user: User) -> Result<UserView, Failure> {
    let credential = store::credentials::find(db, user.id).await?;
    let second_factor = store::second_factors::enrolled(db, user.id).await?;
    Ok(convert::user_view(user, credential.map(|credential| credential.state), second_factor))
}

/// A fresh one-time password, hashed before any transaction.
pub(super) async fn one_time(accounts: &Accounts) -> Result<Initial, Failure> {
    let password = secrets::one_time_password();
    let hash = accounts.hasher.hash(SecretString::from(password.clone())).await?;
    let valid = Duration::hours(accounts.config.passwords.one_time_hours);
    Ok(Initial { hash, kind: InitialKind::OneTime { valid, send: Some(password) } })
}
