//! Starts the service on free ports over a fresh database, and speaks to it as its callers do.
use std::{collections::BTreeMap, time::Duration};

use chassis::{
    Identity, Process,
    error::Refusal,
    testing::{TestDatabase, eventually, free_port, settings},
};
use prost_types::Timestamp;
use proto::{
    accounts::{
        Division, GetOperatorRequest, GetUserRequest, ListDivisionsRequest, ListDivisionsResponse, Operator,
        User,
        directory_server::{Directory, DirectoryServer},
    },
    common::{CallerClaims, caller_claims::Kind},
    stations::{
        ConnectorRecord, EquipmentRecord, Receipt, Station, StationRecord, StatusBatch, StatusItem,
        UpsertStationRequest, checks_client::ChecksClient, evidence_client::EvidenceClient,
        ingest_client::IngestClient, links_client::LinksClient, registry_client::RegistryClient,
        search_client::SearchClient, statistics_client::StatisticsClient, turns_client::TurnsClient,
    },
};
use sqlx::PgPool;
use stations::config::Config;
use tonic::{
    Request, Response, Status, metadata::MetadataValue, service::interceptor::InterceptedService,
    transport::Channel,
};
use uuid::Uuid;

/// Signs each call for one caller.
pub type Signed =
    InterceptedService<Channel, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send + Sync>>;

/// A running service.
pub struct Platform {
    database: Option<TestDatabase>,
    pub pool: PgPool,
    channel: Channel,
    issuer: Identity,
    reviews: Identity,
    interconnect: Identity,
    now: i64,
    task: tokio::task::JoinHandle<()>,
}

/// One who calls.
#[derive(Clone, Copy)]
pub enum Who {
    Operator(Uuid),
    Ingest(Uuid),
    County(&'static str),
    Administrator,
    Reviews,
    Interconnect,
}

/// An operator of its own for a test.
pub fn operator(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

struct Divisions;

#[tonic::async_trait]
impl Directory for Divisions {
    /// Operators 1 and 2 are active, 3 is suspended, there are no others.
    async fn get_operator(&self, asked: Request<GetOperatorRequest>) -> Result<Response<Operator>, Status> {
        let known = [
            (operator(1), "91410105XXXX00019G", "Active"),
            (operator(2), "91410300XX41XY300W", "Active"),
            (operator(3), "91410105XX254RJEXG", "Suspended"),
        ];
        let found = known.into_iter().find(|(id, ..)| id.to_string() == asked.get_ref().operator_id);
        let (id, uscc, state) = found.ok_or_else(|| Status::from(chassis::Failure::not_found()))?;
        let operator = Operator {
            operator_id: id.to_string(),
            uscc: uscc.into(),
            state: state.into(),
            ..Operator::default()
        };
        Ok(Response::new(operator))
    }
    async fn get_user(&self, _: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
    async fn list_divisions(
        &self,
        _: Request<ListDivisionsRequest>,
    ) -> Result<Response<ListDivisionsResponse>, Status> {
        let county = |code: &str, city: &str, kind: &str| Division {
            code: code.into(),
            city_code: city.into(),
            level: "county".into(),
            kind: kind.into(),
            ..Division::default()
        };
        let divisions = vec![
            Division {
                seat_longitude_e6: 113_660_000,
                seat_latitude_e6: 34_800_000,
                ..county("410105", "410100", "real")
            },
            county("410122", "410100", "real"),
            county("410199", "410100", "other"),
            county("419001", "419001", "real"),
        ];
        Ok(Response::new(ListDivisionsResponse { divisions, ..Default::default() }))
    }
}

async fn directory() -> String {
    let address = free_port();
    tokio::spawn(
        tonic::transport::Server::builder().add_service(DirectoryServer::new(Divisions)).serve(address),
    );
    format!("http://{address}")
}

impl Platform {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::create().await;
        let common = settings(&database, "nats://127.0.0.1:9");
        let mut config: Config =
            chassis::config::load("stations", include_str!("../../settings.toml")).expect("settings");
        config.profile = common.profile;
        config.database = common.database.clone();
        config.broker = common.broker.clone();
        config.telemetry = common.telemetry.clone();
        config.identity = common.identity.clone();
        config.peers = common.peers.clone();
        config.peers.insert("accounts".into(), directory().await);
        config.server.grpc_addr = free_port();
        config.server.admin_addr = free_port();
        config.links.secrets_key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned().into();
        change(&mut config);
        config.validate().expect("valid settings");
        let pool = database.pool().await;
        chassis::migrate(&pool, stations::migrations()).await.expect("migrations apply");
        let now: i64 = sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint")
            .fetch_one(&pool)
            .await
            .expect("clock");
        let channel =
            Channel::from_shared(format!("http://{}", config.server.grpc_addr)).expect("url").connect_lazy();
        let issuer = Identity::new("accounts", &common.identity).expect("keys");
        let reviews = Identity::new("reviews", &common.identity).expect("keys");
        let interconnect = Identity::new("interconnect", &common.identity).expect("keys");
        let process = Process::start("stations", &config.chassis()).await.expect("starts");
        let address = config.server.grpc_addr;
        let task = tokio::spawn(async move { stations::serve(process, &config).await.expect("serves") });
        eventually("the port is open", Duration::from_secs(10), || async move {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
        Self { database: Some(database), pool, channel, issuer, reviews, interconnect, now, task }
    }

    /// Ends the service and drops the database; a failed test leaves it behind.
    pub async fn stop(mut self) {
        self.task.abort();
        self.pool.close().await;
        if let Some(database) = self.database.take() {
            database.remove().await;
        }
    }

    /// A second process over the same database, for what has no inlet over gRPC.
    pub async fn process(&self) -> Process {
        self.process_with(|_| ()).await
    }

    /// The same, with other neighbours.
    pub async fn process_with(&self, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Process {
        let database = self.database.as_ref().expect("running");
        let mut common = settings(database, "nats://127.0.0.1:9");
        change(&mut common.peers);
        Process::start("stations", &common).await.expect("starts")
    }

    pub fn signed(&self, who: Who) -> Signed {
        self.signed_through(self.channel.clone(), who)
    }

    /// The same by another way in.
    pub fn signed_through(&self, channel: Channel, who: Who) -> Signed {
        let claims =
            |kind: Kind, subject: String, role: &str, scope: &str, operator: Option<Uuid>| CallerClaims {
                kind: kind.into(),
                subject,
                roles: vec![role.to_owned()],
                scope: vec![scope.to_owned()],
                operator_id: operator.map(|id| id.to_string()).unwrap_or_default(),
                audience: vec!["stations".into()],
                issued_at: self.now,
                expires_at: self.now + 60,
                ..CallerClaims::default()
            };
        let token = match who {
            Who::Operator(id) => {
                self.issuer.sign(claims(Kind::Person, format!("person of {id}"), "operator", "", Some(id)))
            }
            Who::Ingest(id) => {
                self.issuer.sign(claims(Kind::Machine, format!("machine of {id}"), "ingest", "", Some(id)))
            }
            Who::County(code) => {
                self.issuer.sign(claims(Kind::Person, format!("officer of {code}"), "county", code, None))
            }
            Who::Administrator => self.issuer.sign(claims(
                Kind::Person,
                "administrator".into(),
                "administrator",
                "410000",
                None,
            )),
            Who::Reviews => self.reviews.service_token("stations"),
            Who::Interconnect => self.interconnect.service_token("stations"),
        };
        let bearer = MetadataValue::try_from(format!("Bearer {token}")).expect("a header value");
        let sign = move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", bearer.clone());
            Ok(request)
        };
        InterceptedService::new(channel, Box::new(sign))
    }

    pub fn registry(&self, who: Who) -> RegistryClient<Signed> {
        RegistryClient::new(self.signed(who))
    }

    pub fn ingest(&self, operator: Uuid) -> IngestClient<Signed> {
        IngestClient::new(self.signed(Who::Ingest(operator)))
    }

    pub fn checks(&self, who: Who) -> ChecksClient<Signed> {
        ChecksClient::new(self.signed(who))
    }

    pub fn links(&self, who: Who) -> LinksClient<Signed> {
        LinksClient::new(self.signed(who))
    }

    pub fn turns(&self, who: Who) -> TurnsClient<Signed> {
        TurnsClient::new(self.signed(who))
    }

    pub fn search(&self, who: Who) -> SearchClient<Signed> {
        SearchClient::new(self.signed(who))
    }

    pub fn statistics(&self, who: Who) -> StatisticsClient<Signed> {
        StatisticsClient::new(self.signed(who))
    }

    pub fn evidence(&self) -> EvidenceClient<Signed> {
        EvidenceClient::new(self.signed(Who::Reviews))
    }

    /// Seconds before (or, negative, after) the start of the test by database time.
    pub fn ago(&self, secs: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds: self.now - secs, nanos: 0 })
    }

    pub async fn upsert(&self, operator: Uuid, record: StationRecord) -> Result<Station, Refused> {
        self.upsert_as(operator, record, None).await
    }

    pub async fn upsert_as(
        &self,
        operator: Uuid,
        record: StationRecord,
        expected: Option<i64>,
    ) -> Result<Station, Refused> {
        let request = UpsertStationRequest {
            request_id: fresh(),
            station: Some(record),
            expected_version: expected,
            source_time: None,
        };
        answer(self.registry(Who::Operator(operator)).upsert_station(request).await)
    }

    /// Pushes one batch and returns its receipt.
    pub async fn push(&self, operator: Uuid, items: Vec<StatusItem>) -> Receipt {
        let batch = StatusBatch { batch_id: "batch".into(), items, pulled: false };
        let answer = self.ingest(operator).send_status(tokio_stream::iter([batch])).await.expect("taken");
        answer.into_inner().receipts.remove(0)
    }

    pub fn item(&self, connector: &str, status: i32, secs_ago: i64) -> StatusItem {
        StatusItem { connector_id: connector.into(), status, source_time: self.ago(secs_ago) }
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.expect("counted")
    }

    /// Every invariant of this service holds (the broker is away, so only publication may lag).
    pub async fn assert_sound(&self) {
        for (invariant, violations) in stations::audit::report(&self.pool).await.expect("audited") {
            assert_eq!(violations, 0, "{invariant}");
        }
    }
}

/// Reason and fields of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
    pub fields: Vec<String>,
}

pub fn answer<T>(result: Result<Response<T>, Status>) -> Result<T, Refused> {
    result.map(Response::into_inner).map_err(|status| {
        let refusal = Refusal::read(&status).unwrap_or_else(|| panic!("no details in {status:?}"));
        assert!(!refusal.text.is_empty(), "no words for people in {refusal:?}");
        Refused {
            reason: refusal.reason,
            fields: refusal.fields.into_iter().map(|(field, _)| field).collect(),
        }
    })
}

pub fn refused<T: std::fmt::Debug>(result: Result<T, Refused>) -> (String, String) {
    let refused = result.expect_err("refused");
    (refused.reason, refused.fields.first().cloned().unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "a request id of a client")]
pub fn fresh() -> String {
    Uuid::now_v7().to_string()
}

/// A station of one device with connectors `<code>-1` and `<code>-2`.
pub fn record(code: &str) -> StationRecord {
    let connector = |number: u32| ConnectorRecord {
        connector_id: format!("{code}-{number}"),
        connector_type: 4,
        power_watts: 120_000,
        ..ConnectorRecord::default()
    };
    StationRecord {
        station_code: code.into(),
        name: format!("{code}示例充电站"),
        address: "示例路1号".into(),
        county: "410105".into(),
        longitude_e6: 113_668_756,
        latitude_e6: 34_798_101,
        start_date: "2025-10-08".into(),
        finish_date: "2026-02-16".into(),
        manager: "站长".into(),
        manager_phone: "19900010001".into(),
        equipment: vec![EquipmentRecord {
            equipment_id: format!("{code}-E"),
            equipment_type: 1,
            power_watts: 240_000,
            connectors: vec![connector(1), connector(2)],
            ..EquipmentRecord::default()
        }],
        ..StationRecord::default()
    }
}

pub fn id(station: &Station) -> String {
    station.record.as_ref().expect("a record").station_id.clone()
}

pub fn version(station: &Station) -> i64 {
    station.record.as_ref().expect("a record").version
}
