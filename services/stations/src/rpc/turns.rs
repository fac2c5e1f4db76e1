//! The gRPC service `Turns`.
use std::sync::Arc;

use chassis::{Units, rpc::caller};
use proto::stations::{
    FinishTurnRequest, FinishTurnResponse, JointTest, Lease, LeaseTurnRequest, ListJointTestsRequest,
    ListJointTestsResponse, ListTurnsRequest, ListTurnsResponse, RenewLeaseRequest, RenewLeaseResponse,
    StartJointTestRequest, turns_server::Turns,
};
use tonic::{Request, Response, Status};

use super::{
    convert,
    links::{resolved, subject},
};
use crate::{app, domain::turn, store, vault::Vault};

/// The inlet of turns.
pub struct TurnsService {
    /// For everything: also reads want one instant.
    pub units: Units,
    /// Opens secrets for interconnect.
    pub vault: Arc<Vault>,
}

#[tonic::async_trait]
impl Turns for TurnsService {
    async fn start_joint_test(
        &self,
        request: Request<StartJointTestRequest>,
    ) -> Result<Response<JointTest>, Status> {
        self.units
            .run(request, |work, body: StartJointTestRequest| {
                Box::pin(async move {
                    let operator_id = subject(work.caller(), &body.operator_id)?;
                    Ok(convert::turns::test(app::turn::start_test(work, operator_id).await?))
                })
            })
            .await
    }

    async fn list_joint_tests(
        &self,
        request: Request<ListJointTestsRequest>,
    ) -> Result<Response<ListJointTestsResponse>, Status> {
        let caller = caller(&request)?;
        let operator_id = subject(&caller, &request.get_ref().operator_id)?;
        let mut work = self.units.begin(caller).await?;
        let tests = store::turns::tests(work.db(), operator_id).await?;
        Ok(Response::new(ListJointTestsResponse {
            tests: tests.into_iter().map(convert::turns::test).collect(),
        }))
    }

    async fn list_turns(
        &self,
        request: Request<ListTurnsRequest>,
    ) -> Result<Response<ListTurnsResponse>, Status> {
        let caller = caller(&request)?;
        let operator_id = subject(&caller, &request.get_ref().operator_id)?;
        let mut work = self.units.begin(caller).await?;
        let turns = store::turns::list(work.db(), operator_id).await?;
        Ok(Response::new(ListTurnsResponse { turns: turns.into_iter().map(convert::turns::turn).collect() }))
    }

    async fn lease_turn(&self, request: Request<LeaseTurnRequest>) -> Result<Response<Lease>, Status> {
        let caller = caller(&request)?;
        // Not through the replaying path: its stored answer would hold the secrets.
        let mut work = self.units.begin(caller).await?;
        let (lease_id, leased) = app::turn::lease(&mut work).await?;
        let row = store::links::find(work.db(), leased.operator_id)
            .await?
            .ok_or_else(chassis::Failure::not_found)?;
        let link = resolved(&mut work, &self.vault, row).await?;
        let received = match leased.kind.as_str() {
            "joint_test" => store::turns::received(work.db(), leased.operator_id).await?,
            _ => (None, None),
        };
        let since = turn::since(leased.complete_at, leased.full_at, work.now());
        work.commit().await?;
        Ok(Response::new(convert::turns::lease(lease_id, leased.kind, link, since, received)))
    }

    async fn renew_lease(
        &self,
        request: Request<RenewLeaseRequest>,
    ) -> Result<Response<RenewLeaseResponse>, Status> {
        let caller = caller(&request)?;
        let lease_id = convert::id(&request.into_inner().lease_id)?;
        let mut work = self.units.begin(caller).await?;
        app::turn::renew(&mut work, lease_id).await?;
        work.commit().await?;
        Ok(Response::new(RenewLeaseResponse {}))
    }

    async fn finish_turn(
        &self,
        request: Request<FinishTurnRequest>,
    ) -> Result<Response<FinishTurnResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let lease_id = convert::id(&body.lease_id)?;
        let (outcome, steps) = convert::turns::outcome(body);
        let mut work = self.units.begin(caller).await?;
        app::turn::finish(&mut work, lease_id, outcome, &steps).await?;
        work.commit().await?;
        Ok(Response::new(FinishTurnResponse {}))
    }
}
