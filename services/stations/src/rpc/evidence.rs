//! The gRPC service `Evidence`: what reviews asks before it decides.
use chassis::{Failure, Units, rpc::caller};
use prost::Message as _;
use proto::stations::{
    ClaimConnectorsRequest, ClaimConnectorsResponse, GateEvidence, GetGateEvidenceRequest,
    GetStationRecordRequest, StationRecord, evidence_server::Evidence,
};
use sha2::{Digest as _, Sha256};
use time::Duration;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app,
    domain::{
        Finding, Refusal, connection, evidence,
        registry::{CONNECTOR_CODE_MAX, CONNECTORS_MAX, EQUIPMENT_MAX},
        text,
    },
    publish, store,
};

/// The inlet of reviews.
pub struct EvidenceService {
    /// Each answer is one transaction, so that all of it holds at one instant.
    pub units: Units,
    /// See the connection rule.
    pub window: Duration,
}

#[tonic::async_trait]
impl Evidence for EvidenceService {
    async fn get_station_record(
        &self,
        request: Request<GetStationRecordRequest>,
    ) -> Result<Response<StationRecord>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let operator_id = convert::id(&body.operator_id)?;
        let station_id = convert::id(&body.station_id)?;
        let mut work = self.units.begin(caller).await?;
        let row = store::stations::find(work.db(), station_id)
            .await?
            .filter(|row| row.operator_id == operator_id && row.active)
            .ok_or_else(Failure::not_found)?;
        let equipment = store::connectors::of_station(work.db(), station_id).await?;
        let guide = store::guides::find(work.db(), station_id).await?;
        Ok(Response::new(publish::record(&row.registered(), &row.station(equipment, guide))))
    }

    async fn get_gate_evidence(
        &self,
        request: Request<GetGateEvidenceRequest>,
    ) -> Result<Response<GateEvidence>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let operator_id = convert::id(&body.operator_id)?;
        let station_id = convert::id(&body.station_id)?;
        admissible(&body.connector_ids)?;
        let mut work = self.units.begin(caller).await?;
        let row = store::stations::find(work.db(), station_id)
            .await?
            .filter(|row| row.operator_id == operator_id)
            .ok_or_else(Failure::not_found)?;
        let situation = store::connections::situation(work.db(), station_id).await?;
        let standing = connection::derive(row.standing()?, situation, work.now(), self.window);
        let connectors = store::evidence::of_connectors(work.db(), station_id, &body.connector_ids).await?;
        let mut answer = GateEvidence {
            station_id: station_id.to_string(),
            as_of: Some(convert::timestamp(work.now())),
            linked: evidence::linked(row.active, standing),
            connected_since: standing.since.map(|day| day.to_string()).unwrap_or_default(),
            all_reported: evidence::all_reported(&connectors),
            connectors: connectors.into_iter().map(convert::connector_evidence).collect(),
            hash: String::new(),
            connection: standing.connection.name().to_owned(),
            last_report_at: situation.last_report_at.map(convert::timestamp),
        };
        answer.hash = hex::encode(Sha256::digest(answer.encode_to_vec()));
        Ok(Response::new(answer))
    }

    async fn claim_connectors(
        &self,
        request: Request<ClaimConnectorsRequest>,
    ) -> Result<Response<ClaimConnectorsResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        admissible(&body.connector_ids)?;
        let mut codes = body.connector_ids;
        codes.sort_unstable();
        codes.dedup();
        let wanted = app::claim::Wanted {
            application_id: convert::id(&body.application_id)?,
            round_id: convert::id(&body.round_id)?,
            operator_id: convert::id(&body.operator_id)?,
            station_id: convert::id(&body.station_id)?,
            codes,
        };
        let mut work = self.units.begin(caller).await?;
        let claimed = app::claim::execute(&mut work, &wanted).await?;
        work.commit().await?;
        Ok(Response::new(ClaimConnectorsResponse { claimed: i32::try_from(claimed).unwrap_or(i32::MAX) }))
    }
}

/// Connector codes that the database can be asked for.
fn admissible(codes: &[String]) -> Result<(), Failure> {
    let max = EQUIPMENT_MAX * CONNECTORS_MAX;
    if codes.len() > max {
        return Err(Finding::new("connector_ids", Refusal::TooMany { max }).into());
    }
    for (index, code) in codes.iter().enumerate() {
        text::identifier(code, CONNECTOR_CODE_MAX)
            .map_err(|refusal| Finding::new(format!("connector_ids[{index}]"), refusal))?;
    }
    Ok(())
}
