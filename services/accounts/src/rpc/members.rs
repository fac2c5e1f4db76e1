//! `Members`: people of one operator, managed by its owner.

use chassis::{Failure, rpc};
use proto::accounts::{
    AddMemberRequest, DeactivateMemberRequest, EndMemberSessionsRequest, HandOverRequest, ListMembersRequest,
    ListMembersResponse, Member as View, ReissueMemberPasswordRequest, RestoreMemberRequest,
    members_server::Members,
};
use tonic::{Request, Response, Status};

use super::{convert, users::one_time};
use crate::{
    app::{
        Accounts,
        members::{self, Deed, Draft},
    },
    domain::ids::OperatorId,
    store,
};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

/// One method for each deed that needs nothing but the member.
macro_rules! deed {
    ($inlet:expr, $request:expr, $deed:expr) => {{
        let lifetimes = $inlet.0.config.sessions.lifetimes();
        $inlet
            .0
            .units
            .run($request, move |work, body| {
                Box::pin(async move {
                    let id = convert::user_id(&body.user_id)?;
                    members::act(work, id, $deed, lifetimes).await.map(convert::member)
                })
            })
            .await
    }};
}

#[tonic::async_trait]
impl Members for Inlet {
    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Result<Response<ListMembersResponse>, Status> {
        let caller = rpc::caller(&request)?;
        let operator = caller.operator_id.map(OperatorId).ok_or_else(Failure::not_found)?;
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let lifetimes = self.0.config.sessions.lifetimes();
        let found = store::members::list(&mut db, operator, lifetimes).await.map_err(Failure::from)?;
        let manages = found.first().is_some_and(|first| first.standing.id.to_string() == caller.subject);
        let members = found.into_iter().map(convert::member).collect();
        Ok(Response::new(ListMembersResponse { members, manages }))
    }

    async fn add_member(&self, request: Request<AddMemberRequest>) -> Result<Response<View>, Status> {
        let initial = one_time(&self.0).await?;
        let lifetimes = self.0.config.sessions.lifetimes();
        self.0
            .units
            .run(request, move |work, body| {
                Box::pin(async move {
                    let draft =
                        Draft { login: body.login, display_name: body.display_name, phone: body.phone };
                    members::add(work, &draft, initial, lifetimes).await.map(convert::member)
                })
            })
            .await
    }

    async fn deactivate_member(
        &self,
        request: Request<DeactivateMemberRequest>,
    ) -> Result<Response<View>, Status> {
        deed!(self, request, Deed::Deactivate)
    }

    async fn restore_member(&self, request: Request<RestoreMemberRequest>) -> Result<Response<View>, Status> {
        deed!(self, request, Deed::Restore)
    }

    async fn reissue_member_password(
        &self,
        request: Request<ReissueMemberPasswordRequest>,
    ) -> Result<Response<View>, Status> {
        let initial = one_time(&self.0).await?;
        deed!(self, request, Deed::Reissue(initial))
    }

    async fn end_member_sessions(
        &self,
        request: Request<EndMemberSessionsRequest>,
    ) -> Result<Response<View>, Status> {
        deed!(self, request, Deed::EndSessions)
    }

    async fn hand_over(&self, request: Request<HandOverRequest>) -> Result<Response<View>, Status> {
        deed!(self, request, Deed::HandOver)
    }
}
