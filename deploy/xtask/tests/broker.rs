//! The broker's users of production: each may do its own work, and nothing of anybody else's.
use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use async_nats::{Client, ConnectOptions, jetstream};
use futures::StreamExt as _;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::timeout;
use xtask::{
    checkout::Checkout,
    ports,
    probe::{eventually, get},
    process::{Process, Recipe, Signal},
    provision::{Broker, Protection, Table, provision_at},
    servers::Tools,
    services::Service,
    trial::{Plan, Trial},
};

const USERS: [&str; 6] = ["accounts", "stations", "documents", "reviews", "notifications", "provision"];

/// A broker with the committed users and keys of this test; gone when dropped.
struct Guarded {
    _process: Process,
    folder: PathBuf,
    url: String,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Guarded {
    async fn start() -> Result<Self> {
        let checkout = Checkout::find()?;
        let (port, monitor) = (ports::free()?, ports::free()?);
        let folder = std::env::temp_dir().join(format!("yuchong-broker-{port}"));
        fs::create_dir_all(&folder)?;
        let mut environment = vec![("REBUILD_PASSWORD".to_owned(), "rebuild-of-a-test".to_owned())];
        for user in USERS {
            let pair = nkeys::KeyPair::new_user();
            fs::write(folder.join(user), pair.seed()?)?;
            environment.push((format!("{}_NKEY", user.to_uppercase()), pair.public_key()));
        }
        // The users are production's; address and store are the test's.
        fs::copy(checkout.root().join("deploy/nats/users.conf"), folder.join("users.conf"))?;
        let settings = format!(
            "listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor}\"\n\
             jetstream {{ store_dir: {:?}, max_file: 2GB, max_mem: 64MB }}\ninclude \"users.conf\"\n",
            folder.join("store").display().to_string()
        );
        fs::write(folder.join("nats.conf"), settings)?;
        let mut process = Process::start(&Recipe {
            name: "NATS".into(),
            program: Tools::find_or_install()?.nats_server,
            arguments: vec!["-c".into(), folder.join("nats.conf").into()],
            environment,
            bare: false,
            user: None,
            log: folder.join("log"),
            folder: folder.clone(),
            orphaned: Signal::Terminate,
        })?;
        let monitor = format!("127.0.0.1:{monitor}");
        eventually(Duration::from_secs(30), "NATS gets ready", || {
            let (dead, monitor) = (process.check(), monitor.clone());
            async move {
                dead?;
                Ok(matches!(get(&monitor, "/healthz?js-enabled-only=true").await, Ok((200, _))).then_some(()))
            }
        })
        .await?;
        Ok(Self { _process: process, folder, url: format!("nats://127.0.0.1:{port}") })
    }

    fn seed(&self, user: &str) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join(user))?)
    }

    /// Signs in as the services do: own key, own inbox.
    async fn user(&self, user: &str) -> Result<Client> {
        let options =
            ConnectOptions::new().nkey(self.seed(user)?).custom_inbox_prefix(format!("_INBOX.{user}"));
        options.connect(&self.url).await.with_context(|| user.to_owned())
    }

    async fn provision_as(&self, user: &str) -> Result<()> {
        let broker =
            Broker { url: self.url.clone(), nkey_file: Some(self.folder.join(user)), authority: None };
        provision_at(&broker, Protection::Denied).await
    }
}

/// A refusal is an answer that never comes.
async fn refused<T>(asked: impl Future<Output = Result<T>>) -> bool {
    !matches!(timeout(Duration::from_millis(700), asked).await, Ok(Ok(_)))
}

async fn publish(client: &Client, subject: &str) -> Result<()> {
    jetstream::new(client.clone()).publish(subject.to_owned(), "x".into()).await?.await?;
    Ok(())
}

/// Takes one message of a durable consumer and acknowledges it.
async fn take(client: &Client, stream: &str, durable: &str) -> Result<()> {
    let consumer: jetstream::consumer::PullConsumer = jetstream::new(client.clone())
        .get_consumer_from_stream(durable, stream)
        .await
        .map_err(anyhow::Error::msg)?;
    let mut messages = consumer.messages().await?;
    let message = messages.next().await.context("the stream of messages ended")??;
    message.double_ack().await.map_err(anyhow::Error::msg)
}

#[tokio::test]
async fn only_provision_makes_streams_and_nobody_comes_in_without_a_key() -> Result<()> {
    let broker = Guarded::start().await?;
    assert!(ConnectOptions::new().connect(&broker.url).await.is_err());
    assert!(refused(broker.provision_as("reviews")).await);
    broker.provision_as("provision").await?;
    broker.provision_as("provision").await?;
    let reviews = jetstream::new(broker.user("reviews").await?);
    assert!(reviews.get_stream("REVIEWS").await.is_ok());
    assert!(refused(async { Ok(reviews.delete_stream("REVIEWS").await?) }).await);
    let provision = broker.user("provision").await?;
    assert!(refused(publish(&provision, "reviews.v1.county.410100.410105.passed")).await);
    Ok(())
}

#[tokio::test]
async fn every_service_publishes_and_reads_its_own_and_nothing_else() -> Result<()> {
    let broker = Guarded::start().await?;
    broker.provision_as("provision").await?;
    let table = Table::load()?;
    let own = |user: &str| format!("{user}.v1.county.410100.410105.something");
    let streams = ["accounts", "stations", "documents", "reviews"];
    for user in streams {
        let client = broker.user(user).await?;
        publish(&client, &own(user)).await?;
        assert!(jetstream::new(client.clone()).get_stream(user.to_uppercase()).await.is_ok(), "{user}");
        let foreign = streams.iter().find(|other| **other != user).context("another")?;
        assert!(refused(publish(&client, &own(foreign))).await, "{user} publishes for {foreign}");
    }
    for user in ["notifications", "documents", "stations"] {
        let client = broker.user(user).await?;
        for consumer in &table.consumers {
            let mine = consumer.durable.starts_with(&format!("{user}-"));
            let has_message = consumer.filter == "reviews.v1.>" || consumer.durable == "notifications-county";
            if mine && has_message {
                take(&client, &consumer.stream, &consumer.durable).await.context(consumer.durable.clone())?;
            }
            if !mine {
                let taken = refused(take(&client, &consumer.stream, &consumer.durable)).await;
                assert!(taken, "{user} reads {}", consumer.durable);
            }
        }
        // Another's inbox is closed: its answers cannot be overheard.
        let mut overheard = client.subscribe("_INBOX.reviews.>").await?;
        let reviews = broker.user("reviews").await?;
        publish(&reviews, &own("reviews")).await?;
        assert!(timeout(Duration::from_millis(300), overheard.next()).await.is_err(), "{user} overhears");
    }
    Ok(())
}

#[tokio::test]
async fn the_password_of_a_rebuild_reads_whole_streams_and_writes_nothing() -> Result<()> {
    let broker = Guarded::start().await?;
    broker.provision_as("provision").await?;
    publish(&broker.user("accounts").await?, "accounts.v1.registered").await?;
    let options = ConnectOptions::with_user_and_password("rebuild".into(), "rebuild-of-a-test".into());
    let client = options.custom_inbox_prefix("_INBOX.rebuild").connect(&broker.url).await?;
    let stream = jetstream::new(client.clone()).get_stream("ACCOUNTS").await?;
    let consumer = stream.create_consumer(jetstream::consumer::pull::Config::default()).await?;
    let mut messages = consumer.messages().await?;
    let message = timeout(Duration::from_secs(5), messages.next()).await?.context("a message")??;
    message.double_ack().await.map_err(anyhow::Error::msg)?;
    assert!(refused(take(&client, "ACCOUNTS", "notifications-accounts")).await);
    assert!(refused(publish(&client, "accounts.v1.registered")).await);
    Ok(())
}

#[tokio::test]
async fn real_services_announce_and_follow_under_their_own_keys() -> Result<()> {
    let broker = Guarded::start().await?;
    broker.provision_as("provision").await?;
    let services = [Service::Accounts, Service::Notifications];
    let mut plan = Plan { services: services.to_vec(), ..Plan::quick() };
    for service in services {
        plan = plan.set(service, "BROKER__URL", &broker.url);
        plan = plan.set(service, "BROKER__NKEY_FILE", broker.folder.join(service.name()).display());
    }
    let trial = Trial::start(plan).await?;
    let mut connection = PgConnection::connect(&trial.database_url(Service::Accounts)?).await?;
    connection
        .execute(
            "WITH announced AS (
                 INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_version, subject, kind,
                                     schema_version, payload, actor, causation, trace, occurred_at)
                 VALUES (gen_random_uuid(), 'operator', gen_random_uuid(), 1, 'accounts.v1.registered', 'registered',
                         1, ''::bytea, 'a test', '', '', now()) RETURNING event_id, seq)
             INSERT INTO outbox_delivery (event_id, seq, bucket) SELECT event_id, seq, 0 FROM announced",
        )
        .await?;
    let watched = jetstream::new(broker.user("provision").await?);
    let settled = eventually(Duration::from_secs(30), "the event is published and settled", || async {
        let consumer: Result<jetstream::consumer::PullConsumer, _> =
            watched.get_consumer_from_stream("notifications-accounts", "ACCOUNTS").await;
        let Ok(consumer) = consumer else { return Ok(None) };
        let info = consumer.cached_info();
        // Applied or kept aside: both are settled at the broker.
        Ok((info.ack_floor.stream_sequence == 1 && info.num_pending == 0).then_some(()))
    });
    settled.await?;
    trial.stop().await
}
