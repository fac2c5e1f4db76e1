//! One accounts service with its database, clients for it, and people to use it.

use std::{path::PathBuf, time::Duration};

use accounts::{
    app::officials::Draft,
    config::Config,
    console::{self, NewOfficial},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chassis::{
    Identity,
    error::Refusal,
    testing::{TestDatabase, eventually, free_port, nats_url, settings},
};
use prost::Message as _;
use proto::{
    accounts::{
        ApproveOperatorRequest, IssueCallerTokenRequest, Profile, RegisterRequest, RegisterResponse,
        ReturnOperatorRequest, SignInRequest, SignInResponse, account_review_client::AccountReviewClient,
        audit_log_client::AuditLogClient, exports_client::ExportsClient, machines_client::MachinesClient,
        members_client::MembersClient, registration_client::RegistrationClient,
        sessions_client::SessionsClient, users_client::UsersClient,
    },
    common::CallerClaims,
};
use secrecy::SecretString;
use serde_json::Value;
use sqlx::PgPool;
use tonic::{Request, Response, Status, transport::Channel};
use uuid::Uuid;

use crate::licences;

pub const PASSWORD: &str = "Cedar-Lantern-42";
pub const USCCS: [&str; 4] =
    ["91410105XXXX00019G", "91410122XXXX00027Y", "91410184XXXX00035K", "91410311XXXX000431"];

/// A running service.
pub struct Bench {
    pub database: TestDatabase,
    pub config: Config,
    pub pool: PgPool,
    channel: Channel,
}

impl Bench {
    pub async fn start() -> Bench {
        Bench::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Bench {
        let database = TestDatabase::create().await;
        let shared = settings(&database, &nats_url());
        let mut config = Config::load().expect("the defaults hold");
        config.profile = shared.profile;
        config.database = shared.database;
        config.broker = shared.broker;
        config.telemetry = shared.telemetry;
        config.telemetry.filter = "error".into();
        config.identity = shared.identity;
        config.server.grpc_addr = free_port();
        config.server.admin_addr = free_port();
        // Cheap hashes: what is tried here is not their cost.
        config.passwords.argon2_memory_kib = 64;
        config.passwords.argon2_passes = 1;
        config.sender.outbox_file = std::env::temp_dir().join(&database.name).join("outbox.jsonl");
        config.peers.insert("documents".into(), licences::documents());
        config.second_factor.secrets_key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned().into();
        change(&mut config);
        console::migrate(&config).await.expect("migrations apply");
        tokio::spawn(accounts::serve(config.clone()));
        let address = format!("http://{}", config.server.grpc_addr);
        let channel = Channel::from_shared(address).expect("an address").connect_lazy();
        let pool = database.pool().await;
        let bench = Bench { database, config, pool, channel };
        eventually("the service answers", Duration::from_secs(10), || async {
            bench
                .sign_in("nobody", "nothing")
                .await
                .is_err_and(|status| status.code() == tonic::Code::Unauthenticated)
        })
        .await;
        bench
    }

    pub fn registration(&self) -> RegistrationClient<Channel> {
        RegistrationClient::new(self.channel.clone())
    }

    pub fn review(&self) -> AccountReviewClient<Channel> {
        AccountReviewClient::new(self.channel.clone())
    }

    pub fn sessions(&self) -> SessionsClient<Channel> {
        SessionsClient::new(self.channel.clone())
    }

    pub fn users(&self) -> UsersClient<Channel> {
        UsersClient::new(self.channel.clone())
    }

    pub fn members(&self) -> MembersClient<Channel> {
        MembersClient::new(self.channel.clone())
    }

    pub fn audit_log(&self) -> AuditLogClient<Channel> {
        AuditLogClient::new(self.channel.clone())
    }

    pub fn exports(&self) -> ExportsClient<Channel> {
        ExportsClient::new(self.channel.clone())
    }

    pub fn machines(&self) -> MachinesClient<Channel> {
        MachinesClient::new(self.channel.clone())
    }

    /// The token by which a service of the platform calls accounts in its own name.
    pub fn service(&self, name: &'static str) -> String {
        Identity::new(name, &self.config.identity).expect("the keys hold").service_token("accounts")
    }

    pub async fn sign_in(&self, login: &str, password: &str) -> Result<SignInResponse, Status> {
        let request =
            SignInRequest { login: login.into(), password: password.into(), client_address: String::new() };
        self.sessions().sign_in(request).await.map(Response::into_inner)
    }

    pub async fn session(&self, login: &str, password: &str) -> String {
        let answer = self.sign_in(login, password).await.expect("signs in");
        assert!(!answer.session_token.is_empty(), "no session for {login}");
        answer.session_token
    }

    pub async fn token(&self, session: &str) -> Result<String, Status> {
        self.token_for("", session).await
    }

    /// A caller token for an export that was begun in a session.
    pub async fn token_for(&self, export: &str, session: &str) -> Result<String, Status> {
        let request = IssueCallerTokenRequest {
            session_token: session.into(),
            audience: vec!["accounts".into()],
            export_id: export.into(),
        };
        self.sessions().issue_caller_token(request).await.map(|answer| answer.into_inner().token)
    }

    /// A caller token of somebody who signs in for it.
    pub async fn person(&self, login: &str) -> String {
        let session = self.session(login, PASSWORD).await;
        self.token(&session).await.expect("a token")
    }

    /// A caller token of an official made at the console.
    pub async fn official(&self, login: &str, role: &str) -> String {
        self.make_official(login, role, true).await;
        self.person(login).await
    }

    pub async fn make_official(&self, login: &str, role: &str, ready: bool) {
        let draft = Draft {
            login: login.into(),
            display_name: login.into(),
            roles: vec![role.into()],
            phone: "19900000099".into(),
            ..Draft::default()
        };
        let new = NewOfficial { draft, password: SecretString::from(PASSWORD.to_owned()), ready };
        console::create_official(self.config.clone(), new).await.expect("an official");
    }

    pub async fn register(&self, login: &str, uscc: &str) -> Result<RegisterResponse, Status> {
        self.registration().register(registration(login, uscc)).await.map(Response::into_inner)
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.expect("count")
    }

    /// Texts sent to a recipient so far.
    pub fn sent(&self, to: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.outbox_file()).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
        lines
            .filter(|line| line["to"] == to)
            .map(|line| line["text"].as_str().expect("text").to_owned())
            .collect()
    }

    /// The newest secret (digits or capitals) of `length` sent to a recipient, once `count` texts have been sent.
    pub async fn secret(&self, to: &str, count: usize, length: usize) -> String {
        eventually("the delivery", Duration::from_secs(10), || async { self.sent(to).len() >= count }).await;
        let text = self.sent(to).pop().expect("a text");
        let word = text.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|word| {
            word.len() == length && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        });
        word.expect("a secret").to_owned()
    }

    pub fn outbox_file(&self) -> PathBuf {
        self.config.sender.outbox_file.clone()
    }

    /// Every invariant holds; then the database goes.
    pub async fn conclude(self) {
        let report = accounts::audit::check(&self.pool, &self.config).await.expect("audit");
        assert!(report.values().all(|violations| *violations == 0), "{report:?}");
        self.pool.close().await;
        // Left behind only where the test failed.
        let _ = std::fs::remove_dir_all(std::env::temp_dir().join(&self.database.name));
        self.database.remove().await;
    }
}

/// What a licence shows of a profile.
pub const ON_LICENCE: [&str; 6] =
    ["company_name", "uscc", "registered_division", "licence_county", "home_province", "operator_type"];

/// A good profile with a licence of a registration of its own.
pub fn profile(uscc: &str) -> Profile {
    Profile {
        company_name: "郑州星桥充电示例有限公司".into(),
        uscc: uscc.into(),
        operator_type: "private".into(),
        contact_name: "甲示例".into(),
        contact_phone: "19900000001".into(),
        contact_email: "op01@example.invalid".into(),
        in_province: true,
        registered_division: "410105".into(),
        home_province: String::new(),
        licence_county: String::new(),
        licence_file_id: licences::licence(&request_id()),
    }
}

pub fn registration(login: &str, uscc: &str) -> RegisterRequest {
    RegisterRequest {
        request_id: request_id(),
        login: login.into(),
        password: PASSWORD.into(),
        profile: Some(profile(uscc)),
        truth_declared: true,
    }
}

/// Everything as the licence shows it.
pub fn approve(operator_id: &str, submission_version: i32) -> ApproveOperatorRequest {
    ApproveOperatorRequest {
        request_id: request_id(),
        operator_id: operator_id.into(),
        submission_version,
        opinion: String::new(),
        agreed: ON_LICENCE.map(str::to_owned).into(),
    }
}

pub fn send_back(operator_id: &str, submission_version: i32, opinion: &str) -> ReturnOperatorRequest {
    ReturnOperatorRequest {
        request_id: request_id(),
        operator_id: operator_id.into(),
        submission_version,
        opinion: opinion.into(),
    }
}

pub fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// A request in somebody's name.
pub fn by<T>(token: &str, body: T) -> Request<T> {
    let mut request = Request::new(body);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    request
}

pub fn claims(token: &str) -> CallerClaims {
    let (claims, _) = token.split_once('.').expect("two parts");
    CallerClaims::decode(URL_SAFE_NO_PAD.decode(claims).expect("base64").as_slice()).expect("claims")
}

pub fn reason(status: &Status) -> String {
    Refusal::read(status).map_or_else(|| status.to_string(), |refusal| refusal.reason)
}

pub fn fields(status: &Status) -> Vec<String> {
    Refusal::read(status)
        .map(|refusal| refusal.fields.into_iter().map(|(field, _)| field).collect())
        .unwrap_or_default()
}

pub fn fact(status: &Status, key: &str) -> String {
    Refusal::read(status).and_then(|refusal| refusal.metadata.get(key).cloned()).unwrap_or_default()
}
