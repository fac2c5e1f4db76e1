//! Starts the service on free ports over a fresh database and folder, and speaks to it as its callers do.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chassis::{
    Failure, Identity, Process,
    consumer::Applier,
    error::Refusal,
    testing::{TestDatabase, eventually, free_port, settings},
};
use documents::{blob::Blobs, config::Config, events::on_application};
use proto::{
    accounts::{
        Division, GetOperatorRequest, GetUserRequest, ListDivisionsRequest, ListDivisionsResponse, Operator,
        User,
        directory_server::{Directory, DirectoryServer},
    },
    common::{CallerClaims, caller_claims::Kind},
    documents::{
        EnterInvoiceRequest, UploadDeclaration, dossiers_client::DossiersClient, files_client::FilesClient,
        invoices_client::InvoicesClient, sealing_client::SealingClient,
    },
    reviews::{
        ApplicationFacts, GetApplicationFactsRequest,
        facts_server::{Facts, FactsServer},
    },
};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tonic::{
    Request, Response, Status, metadata::MetadataValue, service::interceptor::InterceptedService,
    transport::Channel,
};
use uuid::Uuid;

pub type Signed =
    InterceptedService<Channel, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send + Sync>>;

/// The code of every operator in these tests.
pub const USCC: &str = "91410105MA0000019G";

/// Who calls.
#[derive(Clone, Copy)]
pub enum Who {
    Operator(Uuid),
    Official(&'static str, &'static str),
    Reviews,
    Accounts,
    Nobody,
}

/// What reviews is made to say, and whether it is away.
#[derive(Clone, Default)]
pub struct Known(pub Arc<Mutex<HashMap<String, ApplicationFacts>>>, pub Arc<AtomicBool>);

#[tonic::async_trait]
impl Facts for Known {
    async fn get_application_facts(
        &self,
        request: Request<GetApplicationFactsRequest>,
    ) -> Result<Response<ApplicationFacts>, Status> {
        if self.1.load(Ordering::Relaxed) {
            return Err(Status::unavailable("away"));
        }
        let known = self.0.lock().expect("not poisoned").get(&request.get_ref().application_id).cloned();
        known.map(Response::new).ok_or_else(|| Status::from(Failure::not_found()))
    }
}

struct Companies;

#[tonic::async_trait]
impl Directory for Companies {
    async fn get_operator(&self, request: Request<GetOperatorRequest>) -> Result<Response<Operator>, Status> {
        Ok(Response::new(Operator {
            operator_id: request.into_inner().operator_id,
            uscc: USCC.into(),
            state: "Active".into(),
            registered_division: "410105".into(),
            ..Operator::default()
        }))
    }

    async fn get_user(&self, _: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_divisions(
        &self,
        _: Request<ListDivisionsRequest>,
    ) -> Result<Response<ListDivisionsResponse>, Status> {
        let division = Division { code: "410105".into(), city_code: "410100".into(), ..Division::default() };
        Ok(Response::new(ListDivisionsResponse { divisions: vec![division], ..Default::default() }))
    }
}

/// A running service.
pub struct Platform {
    database: Option<TestDatabase>,
    pub pool: PgPool,
    pub facts: Known,
    pub blobs: Blobs,
    pub config: Config,
    pub applier: Applier,
    channel: Channel,
    issuer: Identity,
    reviews: Identity,
    now: i64,
    folder: PathBuf,
    task: tokio::task::JoinHandle<()>,
    pub versions: Mutex<HashMap<Uuid, i64>>,
}

async fn neighbours(facts: Known) -> String {
    let address = free_port();
    let server = tonic::transport::Server::builder()
        .add_service(FactsServer::new(facts))
        .add_service(DirectoryServer::new(Companies));
    tokio::spawn(server.serve(address));
    format!("http://{address}")
}

impl Platform {
    pub async fn start() -> Self {
        let database = TestDatabase::create().await;
        let folder = std::env::temp_dir().join(&database.name);
        let common = settings(&database, "nats://127.0.0.1:9");
        let facts = Known::default();
        let mut config: Config =
            chassis::config::load("documents", documents::config::DEFAULTS).expect("settings");
        config.profile = common.profile;
        config.database = common.database.clone();
        config.broker = common.broker.clone();
        config.telemetry = common.telemetry.clone();
        config.identity = common.identity.clone();
        config.peers = common.peers.clone();
        let other = neighbours(facts.clone()).await;
        config.peers.insert("accounts".into(), other.clone());
        config.peers.insert("reviews".into(), other);
        config.server.grpc_addr = free_port();
        config.server.admin_addr = free_port();
        config.storage.folder = folder.join("objects").to_str().expect("a plain name").to_owned();
        config.inspection.program = env!("CARGO_BIN_EXE_documents").into();
        config.validate().expect("valid settings");
        let pool = database.pool().await;
        chassis::migrate(&pool, documents::migrations()).await.expect("migrations apply");
        let now = sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint")
            .fetch_one(&pool)
            .await
            .expect("clock");
        let channel =
            Channel::from_shared(format!("http://{}", config.server.grpc_addr)).expect("url").connect_lazy();
        let issuer = Identity::new("accounts", &common.identity).expect("keys");
        let reviews = Identity::new("reviews", &common.identity).expect("keys");
        let process = Process::start("documents", &config.chassis()).await.expect("starts");
        let nothing_missing: chassis::consumer::Fetch =
            Arc::new(|_, _, _| Box::pin(async { Ok(Vec::new()) }));
        let applier =
            Applier::new(process.units.clone(), pool.clone(), on_application::subscription(nothing_missing));
        let blobs = Blobs::open(&config.storage).expect("folder");
        let address = config.server.grpc_addr;
        let own = config.clone();
        let task = tokio::spawn(async move { documents::serve(process, &own).await.expect("serves") });
        eventually("the port is open", Duration::from_secs(10), || async move {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
        let versions = Mutex::default();
        Self {
            database: Some(database),
            pool,
            facts,
            blobs,
            config,
            applier,
            channel,
            issuer,
            reviews,
            now,
            folder,
            task,
            versions,
        }
    }

    /// Every invariant holds; then the service, its database and its folder go.
    pub async fn stop(mut self) {
        for (invariant, violations) in
            documents::audit::report(&self.pool, &self.blobs).await.expect("audited")
        {
            assert_eq!(violations, 0, "{invariant}");
        }
        self.task.abort();
        self.pool.close().await;
        if let Some(database) = self.database.take() {
            database.remove().await;
        }
        std::fs::remove_dir_all(&self.folder).expect("the folder was there");
    }

    /// Makes every object older than an orphan may be.
    pub fn age_objects(&self) {
        let mut folders = vec![self.folder.join("objects")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let file = std::fs::File::options().write(true).open(&path).expect("opened");
                    file.set_modified(std::time::UNIX_EPOCH).expect("aged");
                }
            }
        }
    }

    pub fn signed(&self, who: Who) -> Signed {
        let person = |subject: Uuid, role: &str, scope: &str, operator: Option<Uuid>| CallerClaims {
            kind: Kind::Person.into(),
            subject: subject.to_string(),
            roles: vec![role.to_owned()],
            scope: vec![scope.to_owned()],
            operator_id: operator.map(|id| id.to_string()).unwrap_or_default(),
            audience: vec!["documents".into()],
            issued_at: self.now,
            expires_at: self.now + 60,
            ..CallerClaims::default()
        };
        let token = match who {
            Who::Operator(id) => Some(self.issuer.sign(person(id, "operator", "", Some(id)))),
            Who::Official(role, scope) => Some(self.issuer.sign(person(number(99), role, scope, None))),
            Who::Reviews => Some(self.reviews.service_token("documents")),
            Who::Accounts => Some(self.issuer.service_token("documents")),
            Who::Nobody => None,
        };
        let bearer =
            token.map(|token| MetadataValue::try_from(format!("Bearer {token}")).expect("a header value"));
        let sign = move |mut request: Request<()>| {
            if let Some(bearer) = &bearer {
                request.metadata_mut().insert("authorization", bearer.clone());
            }
            Ok(request)
        };
        InterceptedService::new(self.channel.clone(), Box::new(sign))
    }

    pub fn files(&self, who: Who) -> FilesClient<Signed> {
        FilesClient::new(self.signed(who))
    }

    pub fn dossiers(&self, who: Who) -> DossiersClient<Signed> {
        DossiersClient::new(self.signed(who))
    }

    pub fn invoices(&self, operator: Uuid) -> InvoicesClient<Signed> {
        InvoicesClient::new(self.signed(Who::Operator(operator)))
    }

    pub fn sealing(&self) -> SealingClient<Signed> {
        SealingClient::new(self.signed(Who::Reviews))
    }
}

/// A correct entry; its number is taken once.
pub fn entry() -> EnterInvoiceRequest {
    EnterInvoiceRequest {
        request_id: fresh(),
        r#type: "digital_special".into(),
        number: "25410000000000000001".into(),
        amount_fen: 10_000,
        issued_on: "2025-09-18".into(),
        seller: "中原桩造示例设备有限公司".into(),
        buyer_uscc: USCC.into(),
        ..EnterInvoiceRequest::default()
    }
}

pub fn declare(name: &str, bytes: &[u8]) -> UploadDeclaration {
    UploadDeclaration {
        request_id: fresh(),
        purpose: "invoice".into(),
        file_name: name.into(),
        size_bytes: i64::try_from(bytes.len()).expect("small"),
        sha256: hex::encode(Sha256::digest(bytes)),
        ..UploadDeclaration::default()
    }
}

/// Reason, fields and words of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
    pub fields: Vec<String>,
    pub text: String,
}

pub fn answer<T>(result: Result<Response<T>, Status>) -> Result<T, Refused> {
    result.map(Response::into_inner).map_err(|status| {
        let refusal = Refusal::read(&status).unwrap_or_else(|| panic!("no details in {status:?}"));
        assert!(!refusal.text.is_empty(), "no words for people in {refusal:?}");
        Refused {
            reason: refusal.reason,
            fields: refusal.fields.into_iter().map(|(field, _)| field).collect(),
            text: refusal.text,
        }
    })
}

pub fn reason<T: std::fmt::Debug>(result: Result<T, Refused>) -> String {
    result.expect_err("refused").reason
}

pub fn number(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

#[expect(clippy::disallowed_methods, reason = "an id of a client")]
pub fn id() -> Uuid {
    Uuid::now_v7()
}

pub fn fresh() -> String {
    id().to_string()
}

/// The smallest clean PDF, with a remark that makes its content its own.
pub fn pdf(remark: &str) -> Vec<u8> {
    let body = format!(
        "%PDF-1.4\n% {remark}\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    );
    let xref = body.len();
    format!("{body}xref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Size 3>>\nstartxref\n{xref}\n%%EOF\n")
        .into_bytes()
}
