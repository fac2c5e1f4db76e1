//! The gRPC service `Turns`.
use std::sync::Arc;

use chassis::{Units, rpc::caller};
use proto::stations::{
    FinishTurnRequest, FinishTurnResponse, JointTest, Lease, LeaseTurnRequest, ListJointTestsRequest,
    ListJointTestsResponse, ListTurnsRequest, ListTurnsResponse, RenewLeaseRequest, RenewLeaseResponse,
    StartJointTestRequest, turns_server::Turns,
};
use time::Duration;
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
    /// Between the end of a link's joint test and the next one.
    pub test_rest: Duration,
}

#[tonic::async_trait]
impl Turns for TurnsService {
    async fn start_joint_test(
        &self,
        request: Request<StartJointTestRequest>,
    ) -> Result<Response<JointTest>, Status> {
        let rest = self.test_rest;
        self.units
            .run(request, move |work, body: StartJointTestRequest| {
                Box::pin(async move {
                    let operator_id = subject(work.caller(), &body.operator_id)?;
                    Ok(convert::turns::test(app::turn::start_test(work, operator_id, rest).await?))
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
        let first = turn::known_from(work.now());
        let turns = store::turns::list(work.db(), operator_id).await?;
        let owed = store::link_days::uncompared(work.db(), operator_id, first).await?;
        let turns = turns.into_iter().map(|row| convert::turns::turn(row, &owed)).collect();
        Ok(Response::new(ListTurnsResponse { turns }))
    }

    async fn lease_turn(&self, request: Request<LeaseTurnRequest>) -> Result<Response<Lease>, Status> {
        let caller = caller(&request)?;
        let kinds = request.into_inner().kinds;
        loop {
            // Not through the replaying path: its stored answer would hold the secrets.
            let mut work = self.units.begin(caller.clone()).await?;
            let due = app::turn::lease(&mut work, &kinds).await?;
            let (operator_id, kind) = (due.leased.operator_id, due.leased.kind.clone());
            let row =
                store::links::find(work.db(), operator_id).await?.ok_or_else(chassis::Failure::not_found)?;
            let link = match resolved(&mut work, &self.vault, row).await? {
                Ok(link) => link,
                // One link must not hold up the others: it has had its turn.
                Err(unopened) => {
                    tracing::error!(operator = %operator_id, kind, "{unopened}");
                    app::turn::unopened(&mut work, due.lease_id).await?;
                    work.commit().await?;
                    continue;
                }
            };
            let received = match kind.as_str() {
                "joint_test" => store::turns::received(work.db(), operator_id).await?,
                _ => (None, None),
            };
            work.commit().await?;
            let lease = convert::turns::lease(due, link, received);
            return Ok(Response::new(lease));
        }
    }

    async fn renew_lease(
        &self,
        request: Request<RenewLeaseRequest>,
    ) -> Result<Response<RenewLeaseResponse>, Status> {
        let caller = caller(&request)?;
        let (lease_id, progress) = convert::turns::renewal(request.into_inner())?;
        let mut work = self.units.begin(caller).await?;
        app::turn::renew(&mut work, lease_id, &progress).await?;
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
