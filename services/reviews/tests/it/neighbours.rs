//! What the other services answer in these tests. Experts and operators are told apart by their numbers.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use proto::{
    accounts::{
        Division, GetOperatorRequest, GetUserRequest, ListDivisionsRequest, ListDivisionsResponse, Operator,
        User,
        directory_server::{Directory, DirectoryServer},
    },
    documents::{
        ReleaseSealRequest, ReleaseSealResponse, Seal, SealDossierRequest,
        sealing_server::{Sealing, SealingServer},
    },
    stations::{
        ClaimConnectorsRequest, ClaimConnectorsResponse, ConnectorRecord, EquipmentRecord, GateEvidence,
        GetGateEvidenceRequest, GetStationRecordRequest, StationRecord,
        evidence_server::{Evidence, EvidenceServer},
    },
};
use tonic::{Request, Response, Status};

/// Knobs and records of the neighbours.
#[derive(Clone, Default)]
pub struct Neighbours {
    /// Gate A and B fail.
    pub unconnected: Arc<AtomicBool>,
    /// The account is suspended.
    pub suspended: Arc<AtomicBool>,
    /// Another application has claimed the connectors.
    pub claimed: Arc<AtomicBool>,
    /// The holders for whom seals were made.
    pub sealed: Arc<Mutex<Vec<String>>>,
    /// Runs while the dossier is sealed.
    pub while_sealing: Arc<Mutex<Option<sqlx::PgPool>>>,
    /// Seals that were released: application, submission version and holder.
    pub released: Arc<Mutex<Vec<(String, i32, String)>>>,
    /// Stations of 济源 instead of 中牟.
    pub jiyuan: Arc<AtomicBool>,
}

impl Neighbours {
    pub async fn serve(&self) -> String {
        let address = chassis::testing::free_port();
        let server = tonic::transport::Server::builder()
            .add_service(DirectoryServer::new(self.clone()))
            .add_service(EvidenceServer::new(self.clone()))
            .add_service(SealingServer::new(self.clone()));
        tokio::spawn(server.serve(address));
        format!("http://{address}")
    }
}

#[tonic::async_trait]
impl Directory for Neighbours {
    async fn get_operator(&self, request: Request<GetOperatorRequest>) -> Result<Response<Operator>, Status> {
        let operator_id = request.into_inner().operator_id;
        let state = if self.suspended.load(Ordering::Relaxed) { "Suspended" } else { "Active" };
        Ok(Response::new(Operator {
            company_name: format!("company {operator_id}"),
            operator_id,
            state: state.into(),
            ..Operator::default()
        }))
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        let user_id = request.into_inner().user_id;
        if user_id.ends_with("99") {
            return Err(Status::not_found("nobody"));
        }
        let employer = if user_id.ends_with("98") {
            format!("company {}", crate::harness::operator(1))
        } else {
            "university".into()
        };
        let display_name = format!("expert {user_id}");
        // Number 16 is an officer of the county; everybody else an expert.
        let (role, scope) = if user_id.ends_with("0016") {
            ("county", vec!["410122".to_owned()])
        } else {
            ("expert", vec![])
        };
        let roles = vec![role.to_owned()];
        Ok(Response::new(User {
            user_id,
            display_name,
            roles,
            scope,
            employer,
            active: true,
            ..User::default()
        }))
    }

    async fn list_divisions(
        &self,
        _: Request<ListDivisionsRequest>,
    ) -> Result<Response<ListDivisionsResponse>, Status> {
        let county = Division {
            code: "410122".into(),
            seat_longitude_e6: 113_992_800,
            seat_latitude_e6: 34_722_100,
            ..Division::default()
        };
        Ok(Response::new(ListDivisionsResponse { divisions: vec![county], ..Default::default() }))
    }
}

#[tonic::async_trait]
impl Evidence for Neighbours {
    async fn get_station_record(
        &self,
        request: Request<GetStationRecordRequest>,
    ) -> Result<Response<StationRecord>, Status> {
        let request = request.into_inner();
        let (county, prefecture) =
            if self.jiyuan.load(Ordering::Relaxed) { ("419001", "419001") } else { ("410122", "410100") };
        let connectors = ["C1", "C2"]
            .map(|id| ConnectorRecord {
                connector_id: id.into(),
                connector_type: 4,
                ..ConnectorRecord::default()
            })
            .to_vec();
        Ok(Response::new(StationRecord {
            station_id: request.station_id,
            operator_id: request.operator_id,
            station_code: "S1".into(),
            name: "示例充电站".into(),
            address: "示例路1号".into(),
            total_power_watts: 120_000,
            county: county.into(),
            prefecture: prefecture.into(),
            longitude_e6: 113_668_756,
            latitude_e6: 34_798_101,
            start_date: "2025-10-08".into(),
            finish_date: "2026-02-16".into(),
            manager: "站长".into(),
            manager_phone: "19900010001".into(),
            equipment: vec![EquipmentRecord {
                equipment_id: "E".into(),
                connectors,
                ..EquipmentRecord::default()
            }],
            version: 1,
            ..StationRecord::default()
        }))
    }

    async fn get_gate_evidence(
        &self,
        request: Request<GetGateEvidenceRequest>,
    ) -> Result<Response<GateEvidence>, Status> {
        let good = !self.unconnected.load(Ordering::Relaxed);
        let station_id = request.into_inner().station_id;
        let hash = "ee".repeat(32);
        let evidence =
            GateEvidence { station_id, linked: good, all_reported: good, hash, ..GateEvidence::default() };
        Ok(Response::new(evidence))
    }

    async fn claim_connectors(
        &self,
        request: Request<ClaimConnectorsRequest>,
    ) -> Result<Response<ClaimConnectorsResponse>, Status> {
        if self.claimed.load(Ordering::Relaxed) {
            return Err(chassis::Failure::refused("connector_claimed", "充电接口已被其他申请占用").into());
        }
        let claimed = i32::try_from(request.into_inner().connector_ids.len()).expect("few");
        Ok(Response::new(ClaimConnectorsResponse { claimed }))
    }
}

#[tonic::async_trait]
impl Sealing for Neighbours {
    async fn seal_dossier(&self, request: Request<SealDossierRequest>) -> Result<Response<Seal>, Status> {
        let request = request.into_inner();
        self.sealed.lock().expect("no panic before").push(request.holder.clone());
        let editing = self.while_sealing.lock().expect("no panic before").clone();
        if let Some(pool) = editing {
            sqlx::query("UPDATE forms SET edit_version = edit_version + 1")
                .execute(&pool)
                .await
                .map_err(|error| Status::internal(error.to_string()))?;
        }
        Ok(Response::new(Seal {
            dossier_hash: format!("{:064x}", request.submission_version),
            application_id: request.application_id,
            submission_version: request.submission_version,
            revision: request.submission_version,
            ..Seal::default()
        }))
    }

    async fn release_seal(
        &self,
        request: Request<ReleaseSealRequest>,
    ) -> Result<Response<ReleaseSealResponse>, Status> {
        let request = request.into_inner();
        self.released.lock().expect("no panic before").push((
            request.application_id,
            request.submission_version,
            request.holder,
        ));
        Ok(Response::new(ReleaseSealResponse {}))
    }
}
