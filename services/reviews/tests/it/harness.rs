//! Starts the service on free ports over a fresh database, and speaks to it as its callers do.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chassis::{
    Identity, Process,
    error::Refusal,
    testing::{TestDatabase, eventually, free_port, settings},
};
use proto::{
    common::{CallerClaims, caller_claims::Kind},
    reviews::{
        ApplicationView, CityPanel, CreateApplicationRequest, CreateRoundRequest, DeclareInterestRequest,
        Judged, LaunchJointReviewRequest, PassMemberRequest, PassRequest, RecordPaperCheckRequest,
        ReturnRequest, RoundPolicy, SubmitAcceptanceRequest, SubmitMaterialsRequest, SubmitSupplementRequest,
        WithdrawRequest, WorkOrderView, applications_client::ApplicationsClient,
        deadlines_client::DeadlinesClient, joint_review_client::JointReviewClient,
        rounds_client::RoundsClient,
    },
};
use reviews::config::Config;
use sqlx::PgPool;
use tonic::{
    Request, Response, Status, metadata::MetadataValue, service::interceptor::InterceptedService,
    transport::Channel,
};
use uuid::Uuid;

use crate::neighbours::Neighbours;

/// Signs each call for one caller.
pub type Signed =
    InterceptedService<Channel, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send + Sync>>;

/// A running service.
pub struct Platform {
    database: Option<TestDatabase>,
    pub pool: PgPool,
    pub neighbours: Neighbours,
    channel: Channel,
    issuer: Identity,
    config: Config,
    now: i64,
    task: tokio::task::JoinHandle<()>,
}

/// One who calls: roles joined by `+`, number of the person, and divisions or department separated by commas.
#[derive(Debug, Clone, Copy)]
pub struct Who(pub &'static str, pub u128, pub &'static str);

pub const OPERATOR: Who = Who("operator", 1, "");
pub const COUNTY: Who = Who("county", 11, "410122");
pub const CITY: Who = Who("city", 12, "410100");
pub const ADMINISTRATOR: Who = Who("administrator", 13, "410000");
pub const LEAD: Who = Who("expert", 31, "");
pub const SECOND: Who = Who("expert", 32, "");
pub const FGW: Who = Who("province", 41, "fgw");
pub const CZT: Who = Who("province", 42, "czt");

/// A company of its own.
pub fn operator(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// A person of its own.
pub fn person(number: u128) -> Uuid {
    // Written so that the id ends with the number in decimal digits.
    let text = format!("01900000-0000-7000-9000-{number:012}");
    Uuid::parse_str(&text).expect("a UUID")
}

#[expect(clippy::disallowed_methods, reason = "a request id of a client")]
pub fn fresh() -> String {
    Uuid::now_v7().to_string()
}

/// A refusal as a caller reads it.
#[derive(Debug)]
pub struct Refused {
    pub reason: String,
    pub fields: Vec<String>,
    pub metadata: HashMap<String, String>,
}

pub type Answer<T> = Result<T, Refused>;

pub fn answer<T>(result: Result<Response<T>, Status>) -> Answer<T> {
    result.map(Response::into_inner).map_err(|status| {
        let refusal = Refusal::read(&status).unwrap_or_else(|| panic!("no details in {status:?}"));
        assert!(!refusal.text.is_empty(), "no words for people in {refusal:?}");
        let fields = refusal.fields.into_iter().map(|(field, _)| field).collect();
        Refused { reason: refusal.reason, fields, metadata: refusal.metadata }
    })
}

pub fn reason<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    answer.expect_err("refused").reason
}

pub fn judged(view: &ApplicationView) -> Option<Judged> {
    let submission = view.submission.as_ref()?;
    Some(Judged { submission_version: submission.version, submission_hash: submission.hash.clone() })
}

impl Platform {
    pub async fn start() -> Self {
        let database = TestDatabase::create().await;
        let common = settings(&database, "nats://127.0.0.1:9");
        let mut config: Config =
            chassis::config::load("reviews", include_str!("../../settings.toml")).expect("settings");
        config.profile = common.profile;
        config.database = common.database.clone();
        config.broker = common.broker.clone();
        config.telemetry = common.telemetry.clone();
        config.identity = common.identity.clone();
        config.peers = common.peers.clone();
        let neighbours = Neighbours::default();
        let url = neighbours.serve().await;
        for peer in ["accounts", "stations", "documents"] {
            config.peers.insert(peer.into(), url.clone());
        }
        // Tests strike the clock by hand.
        config.clock.every_secs = 3_600;
        config.server.grpc_addr = free_port();
        config.server.admin_addr = free_port();
        let pool = database.pool().await;
        chassis::migrate(&pool, reviews::migrations()).await.expect("migrations apply");
        let now: i64 = sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint")
            .fetch_one(&pool)
            .await
            .expect("clock");
        let address = config.server.grpc_addr;
        let channel = Channel::from_shared(format!("http://{address}")).expect("url").connect_lazy();
        let issuer = Identity::new("accounts", &common.identity).expect("keys");
        let process = Process::start("reviews", &config.chassis()).await.expect("starts");
        let served = config.clone();
        let task = tokio::spawn(async move { reviews::serve(process, &served).await.expect("serves") });
        eventually("the port is open", Duration::from_secs(10), || async move {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
        Self { database: Some(database), pool, neighbours, channel, issuer, config, now, task }
    }

    /// Proves the invariants, ends the service and drops the database; a failed test leaves it behind.
    pub async fn stop(self) {
        let seal = self.config.seal().expect("keys");
        let report = reviews::audit::run(&self.pool, &seal).await.expect("audited");
        assert!(report.values().all(|violations| *violations == 0), "{report:?}");
        self.abandon().await;
    }

    /// Ends the service and drops the database.
    pub async fn abandon(mut self) {
        self.task.abort();
        self.pool.close().await;
        if let Some(database) = self.database.take() {
            database.remove().await;
        }
    }

    pub fn signed(&self, Who(role, number, place): Who) -> Signed {
        let roles: Vec<_> = role.split('+').map(str::to_owned).collect();
        let (mut scope, departments): (Vec<_>, Vec<_>) =
            place.split(',').map(str::to_owned).partition(|part| part.chars().all(|c| c.is_ascii_digit()));
        if roles.iter().any(|role| role == "province") {
            scope.push("410000".into());
        }
        let token = self.issuer.sign(CallerClaims {
            kind: Kind::Person.into(),
            subject: person(number).to_string(),
            operator_id: if role == "operator" { operator(number).to_string() } else { String::new() },
            roles,
            scope,
            department: departments.concat(),
            office: format!("office of {role}"),
            session_id: "session".into(),
            authentication: "password".into(),
            lead: number != 17,
            audience: vec!["reviews".into()],
            issued_at: self.now,
            expires_at: self.now + 60,
            ..CallerClaims::default()
        });
        let bearer = MetadataValue::try_from(format!("Bearer {token}")).expect("a header value");
        let sign = move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", bearer.clone());
            Ok(request)
        };
        InterceptedService::new(self.channel.clone(), Box::new(sign))
    }

    pub fn applications(&self, who: Who) -> ApplicationsClient<Signed> {
        ApplicationsClient::new(self.signed(who))
    }

    pub fn deadlines(&self, who: Who) -> DeadlinesClient<Signed> {
        DeadlinesClient::new(self.signed(who))
    }

    /// A timer of its own beside the service's.
    pub async fn strike(&self) -> usize {
        let process = Process::start("reviews", &self.config.chassis()).await.expect("starts");
        let shared = reviews::app::Shared {
            policies: reviews::store::rounds::Policies::new(Arc::new(self.config.calendar().expect("days"))),
            seal: Arc::new(self.config.seal().expect("keys")),
        };
        reviews::app::clock::strike(&process.units, &shared).await.expect("strikes")
    }

    pub fn joint(&self, who: Who) -> JointReviewClient<Signed> {
        JointReviewClient::new(self.signed(who))
    }

    pub async fn round(&self, change: impl FnOnce(&mut RoundPolicy)) -> String {
        let mut policy = RoundPolicy {
            opens_on: "2026-01-01".into(),
            required_slots: vec!["M1".into()],
            gate_a: "block".into(),
            gate_b: "block".into(),
            expert_rule: "lead".into(),
            departments: vec!["fgw".into(), "czt".into()],
            sample_permille: 200,
            finding_threshold: 1,
            ..RoundPolicy::default()
        };
        change(&mut policy);
        let request =
            CreateRoundRequest { request_id: fresh(), name: "第一批".into(), policy: Some(policy) };
        let mut rounds = RoundsClient::new(self.signed(ADMINISTRATOR));
        answer(rounds.create_round(request).await).expect("made").round_id
    }

    pub async fn create(&self, who: Who, round: &str, station: u128) -> Answer<ApplicationView> {
        let request = CreateApplicationRequest {
            request_id: fresh(),
            round_id: round.into(),
            station_id: Uuid::from_u128(station).to_string(),
        };
        answer(self.applications(who).create_application(request).await)
    }

    pub async fn submit(&self, who: Who, view: &ApplicationView) -> Answer<ApplicationView> {
        let (request_id, application_id, version) = (fresh(), view.application_id.clone(), view.version);
        let request = SubmitAcceptanceRequest { request_id, application_id, version, answers: vec![] };
        answer(self.applications(who).submit_acceptance(request).await)
    }

    pub async fn materials(&self, who: Who, view: &ApplicationView) -> Answer<ApplicationView> {
        let (request_id, application_id, version) = (fresh(), view.application_id.clone(), view.version);
        let request = SubmitMaterialsRequest { request_id, application_id, version, answers: vec![] };
        answer(self.applications(who).submit_materials(request).await)
    }

    pub async fn supplement(&self, who: Who, view: &ApplicationView) -> Answer<ApplicationView> {
        let (request_id, application_id, version) = (fresh(), view.application_id.clone(), view.version);
        let request = SubmitSupplementRequest { request_id, application_id, version, answers: vec![] };
        answer(self.applications(who).submit_supplement(request).await)
    }

    pub async fn withdraw(&self, who: Who, view: &ApplicationView) -> Answer<ApplicationView> {
        let (request_id, application_id, version) = (fresh(), view.application_id.clone(), view.version);
        answer(self.applications(who).withdraw(WithdrawRequest { request_id, application_id, version }).await)
    }

    pub async fn pass(&self, who: Who, view: &ApplicationView) -> Answer<ApplicationView> {
        let request = PassRequest {
            request_id: fresh(),
            application_id: view.application_id.clone(),
            version: view.version,
            judged: judged(view),
            opinion: String::new(),
        };
        answer(self.applications(who).pass(request).await)
    }

    pub async fn send_back(
        &self,
        who: Who,
        view: &ApplicationView,
        items: &[&str],
    ) -> Answer<ApplicationView> {
        let request = ReturnRequest {
            request_id: fresh(),
            application_id: view.application_id.clone(),
            version: view.version,
            judged: judged(view),
            opinion: "请修改".into(),
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            open_all: false,
        };
        answer(self.applications(who).r#return(request).await)
    }

    pub async fn paper(&self, who: Who, view: &ApplicationView, missing: &[&str]) -> Answer<ApplicationView> {
        let request = RecordPaperCheckRequest {
            request_id: fresh(),
            application_id: view.application_id.clone(),
            version: view.version,
            judged: judged(view),
            complete: missing.is_empty(),
            ticked: (1..=9).map(|n| format!("M{n}")).collect(),
            missing: missing.iter().map(|item| (*item).to_owned()).collect(),
            checked_on: "2026-03-01".into(),
            checker: "李明".into(),
        };
        answer(self.applications(who).record_paper_check(request).await)
    }

    pub async fn pass_member(&self, who: Who, view: &ApplicationView) -> Answer<ApplicationView> {
        let request = PassMemberRequest {
            request_id: fresh(),
            application_id: view.application_id.clone(),
            version: view.version,
            judged: judged(view),
            opinion: "同意".into(),
        };
        answer(self.joint(who).pass_member(request).await)
    }

    /// An application that has come to 待发起联合审核.
    pub async fn awaiting(&self, round: &str, station: u128) -> ApplicationView {
        let view = self.create(OPERATOR, round, station).await.expect("drafted");
        let view = self.submit(OPERATOR, &view).await.expect("submitted");
        let view = self.pass(COUNTY, &view).await.expect("passed by the county");
        let view = self.paper(COUNTY, &view, &[]).await.expect("papers complete");
        let view = self.materials(OPERATOR, &view).await.expect("materials submitted");
        self.pass(CITY, &view).await.expect("passed by the city")
    }

    pub async fn launch(&self, round: &str, batch: i32) -> Answer<Vec<WorkOrderView>> {
        let request = launch_request(round, batch, &[LEAD.1, SECOND.1]);
        let mut joint = self.joint(ADMINISTRATOR);
        answer(joint.launch_joint_review(request).await).map(|launched| launched.work_orders)
    }

    pub async fn declare(&self, who: Who, order: &WorkOrderView) {
        let request = DeclareInterestRequest {
            request_id: fresh(),
            work_order_id: order.work_order_id.clone(),
            ..DeclareInterestRequest::default()
        };
        answer(self.joint(who).declare_interest(request).await).expect("declared");
    }

    pub async fn get(&self, who: Who, id: &str) -> Answer<ApplicationView> {
        let request = proto::reviews::GetApplicationRequest { application_id: id.into() };
        answer(self.applications(who).get_application(request).await)
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.expect("counted")
    }
}

pub fn launch_request(round: &str, batch: i32, experts: &[u128]) -> LaunchJointReviewRequest {
    let expert_ids: Vec<_> = experts.iter().map(|number| person(*number).to_string()).collect();
    let lead_id = expert_ids.first().cloned().unwrap_or_default();
    let city = CityPanel { prefecture: "410100".into(), expert_ids, lead_id, ..CityPanel::default() };
    LaunchJointReviewRequest { request_id: fresh(), round_id: round.into(), batch, cities: vec![city] }
}
