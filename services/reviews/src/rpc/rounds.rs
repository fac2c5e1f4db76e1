//! Inlet of the gRPC service `Rounds`.

use chassis::{Failure, page, rpc};
use proto::reviews::{
    CreateRoundRequest, GetRoundRequest, ListRoundsRequest, ListRoundsResponse, Round, rounds_server::Rounds,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Inlet, convert, views};
use crate::{app, domain::ids::RoundId, store};

#[tonic::async_trait]
impl Rounds for Inlet {
    async fn create_round(&self, request: Request<CreateRoundRequest>) -> Result<Response<Round>, Status> {
        let shared = self.shared.clone();
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let by = convert::person(work.caller())?.id;
                    let policy =
                        convert::policy(RoundId(work.new_id()), body.policy, shared.policies.calendar())?;
                    let round = app::rounds::create(work, &shared, &body.name, &policy, by).await?;
                    Ok(views::round(&round))
                })
            })
            .await
    }

    async fn list_rounds(
        &self,
        request: Request<ListRoundsRequest>,
    ) -> Result<Response<ListRoundsResponse>, Status> {
        rpc::caller(&request)?;
        let request = request.into_inner();
        let size = page::size(request.page.as_ref())?;
        let after: Option<Uuid> = page::after(request.page.as_ref())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rounds =
            store::rounds::list(&mut db, &self.shared.policies, after, size).await.map_err(Failure::from)?;
        let last = rounds.last().filter(|_| i64::try_from(rounds.len()) == Ok(size)).map(|round| round.id.0);
        Ok(Response::new(ListRoundsResponse {
            rounds: rounds.iter().map(views::round).collect(),
            next_page_token: page::token(last.as_ref()),
        }))
    }

    async fn get_round(&self, request: Request<GetRoundRequest>) -> Result<Response<Round>, Status> {
        rpc::caller(&request)?;
        let id = convert::round_id(&request.get_ref().round_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let round = store::rounds::find(&mut db, &self.shared.policies, id).await.map_err(Failure::from)?;
        Ok(Response::new(views::round(&round.ok_or_else(Failure::not_found)?)))
    }
}
