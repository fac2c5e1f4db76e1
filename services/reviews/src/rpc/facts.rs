//! Inlet of the gRPC service `Facts`: what other services may know about an application.

use chassis::{Failure, rpc};
use proto::reviews::{ApplicationFacts, GetApplicationFactsRequest, facts_server::Facts};
use tonic::{Request, Response, Status};

use super::{Inlet, convert};
use crate::{
    domain::{application::Application, stage::Party},
    store,
};

#[tonic::async_trait]
impl Facts for Inlet {
    async fn get_application_facts(
        &self,
        request: Request<GetApplicationFactsRequest>,
    ) -> Result<Response<ApplicationFacts>, Status> {
        rpc::caller(&request)?;
        let id = convert::application_id(&request.get_ref().application_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let application = store::applications::find(&mut db, id)
            .await
            .map_err(Failure::from)?
            .ok_or_else(Failure::not_found)?;
        let experts = match application.order_id {
            Some(order) => store::opinions::clear_experts(&mut db, order, id).await.map_err(Failure::from)?,
            None => Vec::new(),
        };
        let mut facts = facts(&application);
        facts.expert_ids = experts.iter().map(ToString::to_string).collect();
        Ok(Response::new(facts))
    }
}

fn facts(application: &Application) -> ApplicationFacts {
    let submitted = application.submitted.as_ref();
    ApplicationFacts {
        application_id: application.id.to_string(),
        operator_id: application.operator_id.to_string(),
        station_id: application.station_id.to_string(),
        round_id: application.round_id.to_string(),
        county: application.county.clone(),
        prefecture: application.prefecture.clone(),
        stage: application.stage.id().to_owned(),
        version: application.version,
        waits_for: application.stage.waits_for().map_or("", Party::id).to_owned(),
        submission_version: submitted.map_or(0, |submitted| submitted.version),
        submission_kind: submitted.map_or("", |submitted| submitted.kind.id()).to_owned(),
        dossier_hash: submitted.map(|submitted| submitted.dossier_hash.clone()).unwrap_or_default(),
        items: if application.returned.open_all { Vec::new() } else { application.returned.items.clone() },
        work_order_id: application.order_id.map(|order| order.to_string()).unwrap_or_default(),
        expert_ids: Vec::new(),
    }
}
