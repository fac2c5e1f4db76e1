//! `Machines`: client credentials and machine tokens.

use chassis::{Failure, page, rpc};
use proto::accounts::{
    CallerToken, ClientView, IssueClientRequest, IssueClientResponse, IssueLinkTokenRequest,
    IssueMachineTokenRequest, ListClientsRequest, ListClientsResponse, RevokeClientRequest,
    machines_server::Machines,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app::{
        Accounts,
        machines::{self, Draft},
    },
    store,
};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl Machines for Inlet {
    async fn issue_client(
        &self,
        request: Request<IssueClientRequest>,
    ) -> Result<Response<IssueClientResponse>, Status> {
        let caller = rpc::caller(&request)?;
        let body = request.into_inner();
        let request_id = convert::request_id(&body.request_id)?;
        let operator = convert::operator_id(&body.operator_id)?;
        let draft = Draft { name: body.name, roles: body.roles, operator };
        // Not through the replaying path: its stored answer would hold the secret.
        let mut work = self.0.units.begin(caller).await?;
        let (client, client_secret) = machines::issue(&mut work, request_id, &draft).await?;
        work.commit().await?;
        Ok(Response::new(IssueClientResponse { client_id: client.client_id, client_secret }))
    }

    async fn revoke_client(
        &self,
        request: Request<RevokeClientRequest>,
    ) -> Result<Response<ClientView>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(
                    async move { Ok(convert::client_view(machines::revoke(work, &body.client_id).await?)) },
                )
            })
            .await
    }

    async fn list_clients(
        &self,
        request: Request<ListClientsRequest>,
    ) -> Result<Response<ListClientsResponse>, Status> {
        Ok(Response::new(list(&self.0, request.into_inner()).await?))
    }

    async fn issue_machine_token(
        &self,
        request: Request<IssueMachineTokenRequest>,
    ) -> Result<Response<CallerToken>, Status> {
        let body = request.into_inner();
        let (token, expires_at) =
            machines::token(&self.0, &body.client_id, &body.client_secret, &body.audience).await?;
        Ok(Response::new(CallerToken { token, expires_at: Some(convert::moment(expires_at)) }))
    }

    async fn issue_link_token(
        &self,
        request: Request<IssueLinkTokenRequest>,
    ) -> Result<Response<CallerToken>, Status> {
        let body = request.into_inner();
        let operator = convert::operator_id(&body.operator_id)?;
        let (token, expires_at) = machines::link_token(&self.0, operator, &body.audience).await?;
        Ok(Response::new(CallerToken { token, expires_at: Some(convert::moment(expires_at)) }))
    }
}

async fn list(accounts: &Accounts, body: ListClientsRequest) -> Result<ListClientsResponse, Failure> {
    let operator =
        if body.operator_id.is_empty() { None } else { Some(convert::operator_id(&body.operator_id)?) };
    let size = page::size(body.page.as_ref())?;
    let after = page::after::<String>(body.page.as_ref())?;
    let mut db = accounts.pool.acquire().await?;
    let found = store::clients::list(&mut db, operator, after, size).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == size);
    let next_page_token = page::token(found.last().filter(|_| full).map(|last| &last.client_id));
    Ok(ListClientsResponse {
        clients: found.into_iter().map(convert::client_view).collect(),
        next_page_token,
    })
}
