//! `Directory`: what other services may know of operators, users and divisions.

use chassis::Failure;
use proto::accounts::{
    GetOperatorRequest, GetUserRequest, ListDivisionsRequest, ListDivisionsResponse, Operator, User,
    directory_server::Directory,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app::Accounts,
    domain::{operator, uscc},
    store,
};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl Directory for Inlet {
    async fn get_operator(&self, request: Request<GetOperatorRequest>) -> Result<Response<Operator>, Status> {
        Ok(Response::new(find_operator(&self.0, request.into_inner()).await?))
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        Ok(Response::new(find_user(&self.0, request.into_inner()).await?))
    }

    async fn list_divisions(
        &self,
        _request: Request<ListDivisionsRequest>,
    ) -> Result<Response<ListDivisionsResponse>, Status> {
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let catalogue = store::divisions::catalogue(&mut db).await.map_err(Failure::from)?;
        let seats = store::division_seats::list(&mut db).await.map_err(Failure::from)?;
        let ended = store::divisions::ended(&mut db).await.map_err(Failure::from)?;
        Ok(Response::new(ListDivisionsResponse {
            divisions: catalogue.all().map(|one| convert::division(one, &seats)).collect(),
            ended: ended.into_iter().map(convert::ended_division).collect(),
        }))
    }
}

async fn find_operator(accounts: &Accounts, body: GetOperatorRequest) -> Result<Operator, Failure> {
    let mut db = accounts.pool.acquire().await?;
    let found = if body.operator_id.is_empty() {
        store::operators::find_by_uscc(&mut db, &uscc::fold(&body.uscc)).await?
    } else {
        store::operators::find(&mut db, convert::operator_id(&body.operator_id)?).await?
    };
    Ok(convert::directory_operator(&found.ok_or_else(Failure::not_found)?))
}

async fn find_user(accounts: &Accounts, body: GetUserRequest) -> Result<User, Failure> {
    let mut db = accounts.pool.acquire().await?;
    let id = convert::user_id(&body.user_id)?;
    let user = store::users::find(&mut db, id).await?.ok_or_else(Failure::not_found)?;
    let roles = match user.operator_id {
        None => user.roles.clone(),
        Some(id) => {
            let found = store::operators::find(&mut db, id).await?;
            found.and_then(|found| operator::role_of_users(found.standing.state)).into_iter().collect()
        }
    };
    Ok(convert::directory_user(user, &roles))
}
