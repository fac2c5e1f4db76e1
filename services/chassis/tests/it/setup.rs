//! One process with its database and a stream of its own, and events to send through it.

use std::{sync::OnceLock, time::Duration};

use async_nats::jetstream::{self, consumer::pull, stream};
use chassis::{
    Announcement, Process, telemetry,
    testing::{TestDatabase, nats_url, settings},
};
use sqlx::PgPool;
use uuid::Uuid;

/// A process called `name`, its stream `NAME` with subjects `name.v1.>`.
pub struct Bench {
    pub database: TestDatabase,
    pub process: Process,
    pub jetstream: jetstream::Context,
    pub name: &'static str,
}

/// Traces are the whole program's: the process that ends first would end them for all others.
static TRACES: OnceLock<telemetry::Guard> = OnceLock::new();

impl Bench {
    pub async fn start(name: &'static str) -> Bench {
        let database = TestDatabase::create().await;
        let broker = nats_url();
        TRACES.get_or_init(|| {
            telemetry::start("chassis", &settings(&database, &broker).telemetry, None)
                .expect("telemetry starts")
        });
        let mut none = sqlx::migrate!("../../migrations/chassis");
        none.dangerous_set_table_name("_own_migrations");
        let pool = database.pool().await;
        let empty = sqlx::migrate::Migrator {
            migrations: std::borrow::Cow::Borrowed(&[]),
            ..sqlx::migrate::Migrator::DEFAULT
        };
        chassis::migrate(&pool, empty).await.expect("migrations apply");
        sqlx::query("CREATE TABLE effects (aggregate uuid, version bigint, kind text)")
            .execute(&pool)
            .await
            .expect("table");
        pool.close().await;
        let process = Process::start(name, &settings(&database, &broker)).await.expect("the process starts");
        let jetstream = jetstream::new(async_nats::connect(broker).await.expect("NATS answers"));
        let bench = Bench { database, process, jetstream, name };
        bench.make_stream().await;
        bench
    }

    pub fn stream(&self) -> String {
        self.name.to_uppercase()
    }

    pub async fn make_stream(&self) {
        // A stream of an earlier run may still stand.
        let _ = self.jetstream.delete_stream(self.stream()).await;
        let config = stream::Config {
            name: self.stream(),
            subjects: vec![format!("{}.v1.>", self.name)],
            ..Default::default()
        };
        self.jetstream.create_stream(config).await.expect("stream");
    }

    pub async fn make_consumer(&self, durable: &str, filter: &str) {
        let stream = self.jetstream.get_stream(self.stream()).await.expect("stream");
        let config = pull::Config {
            durable_name: Some(durable.to_owned()),
            filter_subject: filter.to_owned(),
            ..Default::default()
        };
        stream.create_consumer(config).await.expect("consumer");
    }

    /// Announces versions `from..=to` of one aggregate, one unit of work each.
    pub async fn announce(&self, aggregate: Uuid, from: i64, to: i64) {
        for version in from..=to {
            let mut work = self.process.units.begin(chassis::Caller::system("test")).await.expect("unit");
            work.announce(Announcement {
                aggregate_type: "thing",
                aggregate_id: aggregate,
                aggregate_version: version,
                subject: format!("{}.v1.changed", self.name),
                kind: "changed",
                payload: vec![1],
                round_id: None,
                policy_version: 0,
            });
            work.commit().await.expect("commit");
        }
    }

    pub fn pool(&self) -> PgPool {
        self.process.pool.clone()
    }

    pub async fn unpublished(&self) -> i64 {
        count(&self.pool(), "SELECT count(*) FROM outbox_delivery WHERE published_at IS NULL").await
    }

    pub async fn messages(&self) -> u64 {
        match self.jetstream.get_stream(self.stream()).await {
            Ok(stream) => stream.cached_info().state.messages,
            Err(_) => 0,
        }
    }
}

pub async fn count(pool: &PgPool, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(pool).await.expect("count")
}

pub const SOON: Duration = Duration::from_secs(20);
