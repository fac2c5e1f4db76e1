//! A database of one's own, the consumers as functions, and for events that travel a broker and a serving process.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::jetstream::{self, consumer::pull, message::PublishMessage, stream};
use chassis::{
    Failure, Identity, Process,
    clock::unix_seconds,
    consumer::{Applier, Outcome},
    testing::{TestDatabase, eventually, free_port, settings},
};
use futures::FutureExt as _;
use notifications::{
    config::{Config, Live, Messages, Rebuild, Webhooks},
    digest::{self, Report},
    domain::tier::Tier,
    events::{ACCOUNTS_DURABLE, durable, subscriptions},
    live::Hub,
};
use prost::Message as _;
use proto::{
    common::{CallerClaims, Envelope, caller_claims::Kind},
    notifications::{
        live_client::LiveClient, messages_client::MessagesClient, notices_client::NoticesClient,
        receipts_client::ReceiptsClient, webhooks_client::WebhooksClient, worklist_client::WorklistClient,
    },
};
use sqlx::PgPool;
use tonic::{Request, transport::Channel};
use uuid::Uuid;

pub const SOON: Duration = Duration::from_secs(30);

/// Settings over a database; port 0 and a broker where nobody listens unless a test brings one.
pub fn config(database: &TestDatabase, broker: &str) -> Config {
    let base = settings(database, broker);
    Config {
        profile: base.profile,
        database: base.database,
        broker: base.broker,
        server: base.server,
        telemetry: base.telemetry,
        identity: base.identity,
        peers: base.peers,
        messages: Messages { unread_days: 90 },
        live: Live { watchers_max: 20, stream_secs_max: 60, look_secs: 30 },
        rebuild: Rebuild { broker_url: String::new() },
        webhooks: Webhooks {
            secrets_key: "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned().into(),
            private_addresses: true,
            plain_http: true,
            at_once: 16,
            at_once_per_endpoint: 2,
            look_millis: 50,
            retry_secs: "1,1,600".into(),
            disable_after_days: 5,
            overlap_hours: 24,
            keep_days: 90,
        },
    }
}

/// The service's database, and its consumers called directly.
pub struct Desk {
    pub database: TestDatabase,
    pub process: Process,
    appliers: BTreeMap<&'static str, Applier>,
}

impl Desk {
    pub async fn open() -> Desk {
        let database = TestDatabase::create().await;
        Desk::over(database, "nats://127.0.0.1:9").await
    }

    pub async fn over(database: TestDatabase, broker: &str) -> Desk {
        let pool = database.pool().await;
        chassis::migrate(&pool, sqlx::migrate!("../../migrations/notifications"))
            .await
            .expect("migrations apply");
        pool.close().await;
        let process =
            Process::start("notifications", &config(&database, broker).chassis()).await.expect("starts");
        let alone = std::sync::Arc::new(|_, _, _| {
            async { Err::<Vec<Envelope>, _>(Failure::unavailable("no_producer", "")) }.boxed()
        });
        let appliers = subscriptions(&Hub::silent(), alone)
            .into_iter()
            .map(|row| (row.durable, Applier::new(process.units.clone(), process.pool.clone(), row)))
            .collect();
        Desk { database, process, appliers }
    }

    /// Brings an event to the consumer whose filter it matches.
    pub async fn take(&self, event: &Envelope) -> Result<Outcome, Failure> {
        self.appliers[consumer(event)].apply(event).await
    }

    /// The same, when it must succeed.
    pub async fn take_all<'e>(&self, events: impl IntoIterator<Item = &'e Envelope>) {
        for event in events {
            self.take(event).await.expect("applies");
        }
    }

    pub async fn digest(&self) -> Report {
        digest::digest(&self.process.pool).await.expect("digest")
    }

    pub async fn audit(&self) -> i64 {
        notifications::audit::audit(&self.process.pool).await.expect("audit").values().sum()
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        count(&self.process.pool, statement).await
    }

    pub async fn close(self) {
        self.process.pool.close().await;
        self.database.remove().await;
    }
}

pub async fn count(pool: &PgPool, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(pool).await.expect("count")
}

fn consumer(event: &Envelope) -> &'static str {
    let mut tokens = event.subject.split('.');
    match (tokens.next(), tokens.nth(1)) {
        (Some("accounts"), _) => ACCOUNTS_DURABLE,
        (_, Some(tier)) => durable(Tier::parse(tier).expect("a tier")),
        _ => panic!("no consumer follows {}", event.subject),
    }
}

/// A NATS server of one's own: the streams have fixed names, so they cannot be shared.
pub struct Broker {
    server: Child,
    folder: PathBuf,
    pub url: String,
    pub jetstream: jetstream::Context,
}

impl Broker {
    pub async fn start() -> Broker {
        let port = free_port().port();
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("nats-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).expect("folder");
        let server = ["nats-server", "/usr/sbin/nats-server"]
            .into_iter()
            .find_map(|program| {
                Command::new(program)
                    .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
                    .arg(&folder)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()
            })
            .expect("nats-server is installed");
        let url = format!("nats://127.0.0.1:{port}");
        let reach = || async { async_nats::connect(&url).await.is_ok() };
        eventually("the broker answers", SOON, reach).await;
        let jetstream = jetstream::new(async_nats::connect(&url).await.expect("answers"));
        let broker = Broker { server, folder, url, jetstream };
        broker.provision().await;
        broker
    }

    /// Streams and durable consumers, as the deployment job makes them.
    async fn provision(&self) {
        for (name, subjects) in [("REVIEWS", "reviews.v1.>"), ("ACCOUNTS", "accounts.v1.>")] {
            let config = stream::Config {
                name: name.into(),
                subjects: vec![subjects.into()],
                ..stream::Config::default()
            };
            self.jetstream.create_stream(config).await.expect("stream");
        }
        let tiers = Tier::ALL.map(|tier| ("REVIEWS", durable(tier), format!("reviews.v1.{}.>", tier.code())));
        let accounts = ("ACCOUNTS", ACCOUNTS_DURABLE, "accounts.v1.>".to_owned());
        for (stream, durable, filter) in tiers.into_iter().chain([accounts]) {
            let stream = self.jetstream.get_stream(stream).await.expect("stream");
            let config = pull::Config {
                durable_name: Some(durable.into()),
                filter_subject: filter,
                max_ack_pending: 256,
                ..pull::Config::default()
            };
            stream.create_consumer(config).await.expect("consumer");
        }
    }

    pub async fn publish(&self, event: &Envelope) {
        self.publish_bytes(event, event.encode_to_vec()).await;
    }

    /// Publishes with the headers of the event but any body.
    pub async fn publish_bytes(&self, event: &Envelope, body: Vec<u8>) {
        let message = PublishMessage::build()
            .payload(body.into())
            .header("Yuchong-Aggregate-Type", event.aggregate_type.as_str())
            .header("Yuchong-Aggregate-Id", event.aggregate_id.as_str())
            .header("Yuchong-Aggregate-Version", event.aggregate_version.to_string().as_str());
        self.jetstream.send_publish(event.subject.clone(), message).await.expect("sent").await.expect("kept");
    }

    /// Whether every durable consumer has settled everything.
    pub async fn drained(&self) -> bool {
        for stream in ["REVIEWS", "ACCOUNTS"] {
            let stream = self.jetstream.get_stream(stream).await.expect("stream");
            for durable in Tier::ALL.map(durable).into_iter().chain([ACCOUNTS_DURABLE]) {
                let Ok(info) = stream.consumer_info(durable).await else { continue };
                if info.num_pending > 0 || info.num_ack_pending > 0 {
                    return false;
                }
            }
        }
        true
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // A server that is gone already, or a folder that stays, fails no test.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The serving process, with clients that sign as any person.
pub struct Office {
    pub desk: Desk,
    channel: Channel,
    accounts: Identity,
    portal: Identity,
    server: tokio::task::JoinHandle<anyhow::Result<()>>,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Person {
    pub user: Uuid,
    pub roles: Vec<&'static str>,
    pub scope: Vec<&'static str>,
    pub operator: Option<Uuid>,
    pub department: &'static str,
}

/// A person with one role in one division.
pub fn person(n: u128, role: &'static str, scope: &'static str) -> Person {
    Person { user: super::events::id(7, n), roles: vec![role], scope: vec![scope], ..Person::default() }
}

impl Office {
    pub async fn open(broker: &str) -> Office {
        Office::open_with(broker, |_| {}).await
    }

    pub async fn open_with(broker: &str, change: impl FnOnce(&mut Config)) -> Office {
        let desk = Desk::over(TestDatabase::create().await, broker).await;
        let mut config = config(&desk.database, broker);
        config.server.grpc_addr = free_port();
        change(&mut config);
        let url = format!("http://{}", config.server.grpc_addr);
        let accounts = Identity::new("accounts", &config.identity).expect("keys");
        let portal = Identity::new("portal", &config.identity).expect("keys");
        let server = tokio::spawn(async move { notifications::serve(&config).await });
        let endpoint = Channel::from_shared(url).expect("address");
        let reach = || async { endpoint.connect().await.is_ok() };
        eventually("the service answers", SOON, reach).await;
        Office { desk, channel: endpoint.connect_lazy(), accounts, portal, server }
    }

    pub fn worklist(&self) -> WorklistClient<Channel> {
        WorklistClient::new(self.channel.clone())
    }

    pub fn messages(&self) -> MessagesClient<Channel> {
        MessagesClient::new(self.channel.clone())
    }

    pub fn notices(&self) -> NoticesClient<Channel> {
        NoticesClient::new(self.channel.clone())
    }

    pub fn webhooks(&self) -> WebhooksClient<Channel> {
        WebhooksClient::new(self.channel.clone())
    }

    pub fn receipts(&self) -> ReceiptsClient<Channel> {
        ReceiptsClient::new(self.channel.clone())
    }

    /// By which the portal speaks in its own name.
    pub fn portal_token(&self) -> String {
        self.portal.service_token("notifications")
    }

    pub fn live(&self) -> LiveClient<Channel> {
        LiveClient::new(self.channel.clone())
    }

    /// The request with a fresh token of the person.
    pub fn by<T>(&self, person: &Person, body: T) -> Request<T> {
        let now = unix_seconds();
        let token = self.accounts.sign(CallerClaims {
            kind: Kind::Person.into(),
            subject: person.user.to_string(),
            roles: person.roles.iter().map(|role| (*role).to_owned()).collect(),
            scope: person.scope.iter().map(|code| (*code).to_owned()).collect(),
            operator_id: person.operator.map(|id| id.to_string()).unwrap_or_default(),
            department: person.department.into(),
            audience: vec!["notifications".into()],
            issued_at: now,
            expires_at: now + 60,
            ..CallerClaims::default()
        });
        let mut request = Request::new(body);
        let bearer = format!("Bearer {token}").parse().expect("a header value");
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    pub async fn close(self) {
        self.server.abort();
        // Aborted on purpose.
        let _ = self.server.await;
        self.desk.close().await;
    }
}
