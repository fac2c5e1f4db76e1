//! The real server over real HTTP, in front of played neighbours; and an operator's keys to it.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chassis::{
    Edge,
    config::{EdgeSettings, Identity, Profile, Telemetry, Tls},
    testing::{eventually, free_port},
};
use interconnect::{
    client::Target,
    config::Config,
    domain::{
        envelope::{self, Secrets},
        fields::stamp_text,
        link::{Keys, Link},
    },
    tokens::Tokens,
    web,
};
use proto::{
    accounts::machines_server::MachinesServer,
    stations::{
        checks_server::ChecksServer, ingest_server::IngestServer, links_server::LinksServer,
        registry_server::RegistryServer,
    },
};
use secrecy::SecretString;
use serde_json::Value;
use time::OffsetDateTime;
use tonic::transport::{Server, server::Router};
use uuid::Uuid;

use crate::neighbours::{OPERATOR, Played};

/// Stations and accounts, played.
pub fn neighbours(played: &Played) -> Router {
    Server::builder()
        .add_service(LinksServer::new(played.clone()))
        .add_service(MachinesServer::new(played.clone()))
        .add_service(IngestServer::new(played.clone()))
        .add_service(ChecksServer::new(played.clone()))
        .add_service(RegistryServer::new(played.clone()))
}

/// Settings and connections of a process with these neighbours, which serve until the task is ended.
pub async fn behind(
    neighbours: Router,
    change: impl FnOnce(&mut Config),
) -> (Config, Edge, tokio::task::JoinHandle<()>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let grpc = free_port();
    let task = tokio::spawn(async move { neighbours.serve(grpc).await.expect("neighbours serve") });
    let mut config: Config =
        chassis::config::load("interconnect_test", include_str!("../../settings.toml")).expect("settings");
    config.identity.signing_key = SecretString::from(STANDARD.encode([7; 32]));
    config.links.fresh_secs = 0;
    change(&mut config);
    config.check().expect("valid settings");
    let settings = EdgeSettings {
        profile: Profile::Test,
        admin_addr: ([127, 0, 0, 1], 0).into(),
        telemetry: Telemetry { filter: "warn".into(), otlp_endpoint: String::new() },
        identity: Identity {
            signing_key: config.identity.signing_key.clone(),
            verifying_keys: format!("accounts:{}", STANDARD.encode(public())),
            tls: Tls::default(),
        },
        peers: ["accounts", "stations"].map(|name| (name.to_owned(), format!("http://{grpc}"))).into(),
    };
    let edge = Edge::start("interconnect", &settings).expect("starts");
    eventually("the neighbours listen", Duration::from_secs(10), || async move {
        tokio::net::TcpStream::connect(grpc).await.is_ok()
    })
    .await;
    (config, edge, task)
}

/// The real server in front of played neighbours, and an operator's keys to it.
pub struct Stage {
    pub played: Played,
    pub organisation: String,
    pub secrets: Secrets,
    pub set: Uuid,
    pub now: OffsetDateTime,
    pub address: SocketAddr,
    tokens: Tokens,
    http: reqwest::Client,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Stage {
    /// One operator with one set of secrets; `now` is the server's clock.
    pub async fn start(organisation: &str, secrets: Secrets, now: OffsetDateTime) -> Self {
        Self::start_with(organisation, secrets, now, |_| ()).await
    }

    pub async fn start_with(
        organisation: &str,
        secrets: Secrets,
        now: OffsetDateTime,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let set = Uuid::from_u128(1);
        let played = Played::default();
        {
            let mut state = played.state();
            state.organisation = organisation.into();
            state.sets = vec![(set, Some(secrets.clone()))];
            state.window_secs = 300;
        }
        let (config, edge, neighbours) = behind(neighbours(&played), change).await;
        let mut tasks = vec![neighbours];
        let server = Arc::new(interconnect::server(&config, &edge, Arc::new(move || now)));
        tasks.push(tokio::spawn(server.clone().report()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let router = web::router(server);
        tasks.push(tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serves");
            drop(edge);
        }));
        Self {
            played,
            organisation: organisation.into(),
            secrets,
            set,
            now,
            tokens: interconnect::tokens(&config),
            address,
            http: reqwest::Client::new(),
            tasks,
        }
    }

    pub fn stop(self) {
        for task in self.tasks {
            task.abort();
        }
    }

    /// A valid token.
    pub fn token(&self) -> String {
        let keys = Keys { id: self.set, secrets: self.secrets.clone() };
        let link = Link {
            operator_id: OPERATOR,
            organisation: self.organisation.clone(),
            open: true,
            inbound: vec![keys.clone()],
            window: time::Duration::minutes(5),
            paths: BTreeMap::new(),
            spellings: BTreeMap::new(),
        };
        let asked = envelope::Request {
            operator_id: self.organisation.clone(),
            data: String::new(),
            timestamp: stamp_text(self.now),
            seq: "0001".into(),
            sig: "0".repeat(32),
        };
        self.tokens.issue(&link, &keys, &asked, self.now)
    }

    /// The server's door, as a joint test of the platform's own calls it.
    pub fn door(&self) -> Target {
        Target {
            operator_id: OPERATOR,
            base_url: format!("http://{}/evcs", self.address),
            version: "20160701".into(),
            organisation: self.organisation.clone(),
            secrets: self.secrets.clone(),
            paths: BTreeMap::new(),
            spellings: BTreeMap::new(),
            authority: String::new(),
            own: Some(self.tokens.clone()),
        }
    }

    /// An envelope of this operator at the server's time.
    pub fn envelope(&self, plain: &str) -> String {
        self.envelope_at(plain, &stamp_text(self.now), "0001")
    }

    pub fn envelope_at(&self, plain: &str, timestamp: &str, seq: &str) -> String {
        let data = envelope::encrypt(&self.secrets, plain).expect("16-byte keys");
        let sig = envelope::sign_request(&self.secrets.sig, &self.organisation, &data, timestamp, seq);
        serde_json::json!({
            "OperatorID": self.organisation, "Data": data, "TimeStamp": timestamp, "Seq": seq, "Sig": sig,
        })
        .to_string()
    }

    /// A raw request; the answer's status and body.
    pub async fn send(
        &self,
        verb: reqwest::Method,
        method: &str,
        token: Option<&str>,
        media: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, String) {
        let url = format!("http://{}/evcs/v20160701/{method}", self.address);
        let mut request = self.http.request(verb, url).header("content-type", media).body(body);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.send().await.expect("answered");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// The envelope of the answer to a body.
    pub async fn post(&self, method: &str, token: Option<&str>, body: &str) -> Value {
        let media = "application/json; charset=utf-8";
        let (status, text) = self.send(reqwest::Method::POST, method, token, media, body.to_owned()).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("an envelope")
    }

    /// Ret, Msg and the plaintext of the answer to a message; the answer's signature holds.
    pub async fn call(&self, method: &str, plain: &str) -> (i64, String, Value) {
        let body = self.envelope(plain);
        self.read(&self.post(method, Some(&self.token()), &body).await)
    }

    pub fn read(&self, answer: &Value) -> (i64, String, Value) {
        let ret = answer["Ret"].as_i64().expect("a number");
        let [msg, data, sig] = ["Msg", "Data", "Sig"].map(|name| answer[name].as_str().expect("a text"));
        let code = i32::try_from(ret).expect("a small number");
        assert!(
            envelope::answer_signed_with(&self.secrets.sig, code, msg, data, sig),
            "not signed: {answer}"
        );
        let plain = match data {
            "" => Value::Null,
            data => {
                let plain = envelope::decrypt(&self.secrets, data).expect("decrypts");
                serde_json::from_str(&plain).expect("JSON")
            }
        };
        (ret, msg.to_owned(), plain)
    }
}

/// The public half of the seed of sevens.
fn public() -> [u8; 32] {
    // Nobody signs towards this process here; any valid key will do.
    [
        0xea, 0x4a, 0x6c, 0x63, 0xe2, 0x9c, 0x52, 0x0a, 0xbe, 0xf5, 0x50, 0x7b, 0x13, 0x2e, 0xc5, 0xf9, 0x95,
        0x47, 0x76, 0xae, 0xbe, 0xbe, 0x7b, 0x92, 0x42, 0x1e, 0xea, 0x69, 0x14, 0x46, 0xd2, 0x2c,
    ]
}
