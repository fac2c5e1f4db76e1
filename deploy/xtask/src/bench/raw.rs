//! Raw limits on the same database server and broker: what the hardware allows without services.
//!
//! Owns: a page for each case, on tables shaped like those of reviews. Not: any rule of the business.
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::{
    self, AckKind,
    consumer::{AckPolicy, pull},
    stream::{Config, StorageType},
};
use futures::{StreamExt as _, future::try_join_all};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::figures::{Cost, Round};

/// Tables as reviews and the chassis have them, with the indexes that a decision touches.
const TABLES: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    CREATE TABLE applications (
        id uuid PRIMARY KEY, county text NOT NULL, prefecture text NOT NULL, stage text NOT NULL, version bigint NOT NULL,
        entered_at timestamptz NOT NULL, submission_hash text NOT NULL, work_order_id uuid, last_transition text NOT NULL, last_at timestamptz NOT NULL, head_hash bytea NOT NULL);
    CREATE INDEX ON applications (stage, id);
    CREATE INDEX ON applications (county, stage, id) WHERE stage IN ('CountyReview', 'PaperCheck');
    CREATE INDEX ON applications (prefecture, id) WHERE stage = 'AwaitingJointReview';
    CREATE INDEX ON applications (work_order_id, id) WHERE work_order_id IS NOT NULL;
    CREATE TABLE history (
        application_id uuid NOT NULL, version bigint NOT NULL, transition text NOT NULL, from_stage text NOT NULL,
        to_stage text NOT NULL, actor_id uuid NOT NULL, opinion text NOT NULL, submission_hash text NOT NULL,
        occurred_at timestamptz NOT NULL, prev_hash bytea NOT NULL, hash bytea NOT NULL,
        PRIMARY KEY (application_id, version));
    CREATE TABLE outbox (
        seq bigint GENERATED ALWAYS AS IDENTITY, event_id uuid PRIMARY KEY, aggregate_id uuid NOT NULL,
        aggregate_version bigint NOT NULL, subject text NOT NULL, kind text NOT NULL, payload bytea NOT NULL,
        actor text NOT NULL, occurred_at timestamptz NOT NULL, published_at timestamptz,
        UNIQUE (aggregate_id, aggregate_version));
    CREATE INDEX ON outbox (seq) WHERE published_at IS NULL;
    CREATE TABLE members (work_order_id uuid NOT NULL, application_id uuid NOT NULL, submission_hash text NOT NULL,
        joined_at timestamptz NOT NULL, PRIMARY KEY (work_order_id, application_id));
    INSERT INTO applications SELECT gen_random_uuid(), '410105', '410100', 'PaperCheck', 1, now(), repeat('a', 64), NULL,
        'T04', now(), decode(repeat('ab', 32), 'hex') FROM generate_series(1, 4096)";

/// Guard, change, history and outbox in one statement. Source: performance, design rule 6.
const DECISION: &str = "
    WITH changed AS (
        UPDATE applications SET version = version + 1, last_transition = 'T07', last_at = now(), head_hash = $3
        WHERE id = $1 AND version = $2 RETURNING id, version, stage, submission_hash, county, prefecture),
    noted AS (
        INSERT INTO history SELECT id, version, 'T07', stage, stage, $1, '', submission_hash, now(), $3, $3 FROM changed)
    INSERT INTO outbox (event_id, aggregate_id, aggregate_version, subject, kind, payload, actor, occurred_at)
    SELECT gen_random_uuid(), id, version, 'reviews.v1.county.' || prefecture || '.' || county || '.x', 'x',
        decode(repeat('cd', 200), 'hex'), $1::text, now() FROM changed";

/// One order over every member: order, members, applications, history, outbox. Source: performance, design rule 9.
const LAUNCH: &str = "
    WITH changed AS (
        UPDATE applications SET stage = 'ExpertReview', version = version + 1, work_order_id = $1, last_at = now(),
            entered_at = now(), head_hash = sha256(head_hash)
        WHERE stage = 'AwaitingJointReview' AND prefecture = $2
        RETURNING id, version, submission_hash, county, head_hash),
    joined AS (INSERT INTO members SELECT $1, id, submission_hash, now() FROM changed),
    noted AS (
        INSERT INTO history SELECT id, version, 'T14', 'AwaitingJointReview', 'ExpertReview', $1, '', submission_hash,
            now(), head_hash, head_hash FROM changed)
    INSERT INTO outbox (event_id, aggregate_id, aggregate_version, subject, kind, payload, actor, occurred_at)
    SELECT gen_random_uuid(), id, version, 'reviews.v1.experts.' || $2 || '.' || county || '.x', 'x',
        decode(repeat('cd', 200), 'hex'), '', now() FROM changed";

/// A database and a stream of the raw cases' own.
pub struct Raw {
    pool: PgPool,
    context: jetstream::Context,
}

impl Raw {
    /// Makes tables and stream. Errors: the server or the broker refuses.
    pub async fn prepare(url: &str, broker: &str) -> Result<Self> {
        let options: PgConnectOptions = url.parse().context("the raw database has no address")?;
        let pool = PgPoolOptions::new().max_connections(32).min_connections(32).connect_with(options).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        let context = jetstream::new(async_nats::connect(broker).await?);
        let name = "RAW".to_owned();
        let subjects = vec!["raw.>".to_owned()];
        context
            .create_stream(Config { name, subjects, storage: StorageType::File, ..Config::default() })
            .await?;
        Ok(Self { pool, context })
    }

    /// Decisions on so many connections for so long; each has rows of its own.
    pub async fn decisions(&self, connections: usize, time: Duration) -> Result<Round> {
        let ids: Vec<(Uuid, i64)> =
            sqlx::query_as("SELECT id, version FROM applications WHERE stage = 'PaperCheck' ORDER BY id")
                .fetch_all(&self.pool)
                .await?;
        let before = self.cost().await?;
        let start = Instant::now();
        let each = ids.len() / connections;
        let tasks =
            ids.chunks(each.max(1)).take(connections).map(|rows| self.decide(rows.to_vec(), start, time));
        let took: Vec<Duration> = try_join_all(tasks).await?.into_iter().flatten().collect();
        let elapsed = start.elapsed();
        let cost = Cost::between(before, self.cost().await?, took.len());
        Ok(Round { value: rate(took.len(), elapsed), took, cost: Some(cost) })
    }

    async fn decide(
        &self,
        mut rows: Vec<(Uuid, i64)>,
        start: Instant,
        time: Duration,
    ) -> Result<Vec<Duration>> {
        let mut connection = self.pool.acquire().await?;
        let mut took = Vec::new();
        let mut next = 0;
        while start.elapsed() < time {
            let length = rows.len();
            let (id, version) = &mut rows[next % length];
            let begun = Instant::now();
            let query = sqlx::query(DECISION).bind(*id).bind(*version).bind([7_u8; 32].to_vec());
            let done = query.execute(&mut *connection).await?;
            took.push(begun.elapsed());
            ensure!(done.rows_affected() == 1, "a raw decision met another version");
            *version += 1;
            next += 1;
        }
        Ok(took)
    }

    /// Statements and WAL bytes of this database so far.
    async fn cost(&self) -> Result<(i64, i64)> {
        let sum = "SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(wal_bytes), 0)::bigint FROM pg_stat_statements
                   WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        Ok(sqlx::query_as(sum).fetch_one(&self.pool).await?)
    }

    /// From the return of a commit to a consumer in this process, at a fixed rate: the relay is woken in process,
    /// publishes and waits for the broker's acknowledgement.
    pub async fn commit_to_consumer(&self, per_second: u32, time: Duration) -> Result<Round> {
        let ids: Vec<(Uuid, i64)> = sqlx::query_as(
            "SELECT id, version FROM applications WHERE stage = 'PaperCheck' ORDER BY id LIMIT 1024",
        )
        .fetch_all(&self.pool)
        .await?;
        let epoch = Instant::now();
        let count = usize::try_from(per_second).unwrap_or(1) * usize::try_from(time.as_secs()).unwrap_or(1);
        let consumer = self.consumer().await?;
        let received = tokio::spawn(receive(consumer, epoch, count));
        let mut ticks = interval(Duration::from_secs(1) / per_second);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut versions = ids;
        let sent = AtomicUsize::new(0);
        let mut commits = Vec::new();
        for tick in 0..count {
            ticks.tick().await;
            let length = versions.len();
            let (id, version) = versions[tick % length];
            versions[tick % length].1 += 1;
            let (pool, context) = (self.pool.clone(), self.context.clone());
            sent.fetch_add(1, Ordering::Relaxed);
            commits.push(tokio::spawn(async move {
                sqlx::query(DECISION).bind(id).bind(version).bind([7_u8; 32].to_vec()).execute(&pool).await?;
                let committed = u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
                let payload = committed.to_be_bytes().to_vec();
                context.publish("raw.decided", payload.into()).await?.await?;
                anyhow::Ok(())
            }));
        }
        for commit in commits {
            commit.await??;
        }
        let mut took = tokio::time::timeout(Duration::from_secs(10), received).await???;
        took.sort_unstable();
        let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
        Ok(Round { value: p50.as_secs_f64() * 1e6, took, cost: None })
    }

    async fn consumer(&self) -> Result<jetstream::consumer::Consumer<pull::Config>> {
        let stream = self.context.get_stream("RAW").await?;
        stream.purge().await?;
        let config = pull::Config { ack_policy: AckPolicy::Explicit, ..pull::Config::default() };
        Ok(stream.create_consumer(config).await?)
    }

    /// Prepares so many members of a city and launches them in one statement.
    pub async fn launch(&self, members: i32) -> Result<Round> {
        let fill = "INSERT INTO applications SELECT gen_random_uuid(), county, '410200', 'AwaitingJointReview', 1, now(),
                        submission_hash, NULL, 'T11', now(), head_hash
                    FROM applications, generate_series(1, $1 / 64 + 1) WHERE stage = 'PaperCheck' ORDER BY id LIMIT $1";
        sqlx::query(fill).bind(members).execute(&self.pool).await?;
        let order = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        let start = Instant::now();
        let done = sqlx::query(LAUNCH).bind(order).bind("410200").execute(&self.pool).await?;
        let elapsed = start.elapsed();
        ensure!(
            done.rows_affected() == u64::try_from(members)?,
            "{} of {members} launched",
            done.rows_affected()
        );
        Ok(Round { value: f64::from(members) / elapsed.as_secs_f64(), took: vec![elapsed], cost: None })
    }
}

impl Cost {
    /// The cost of one unit between two looks.
    pub fn between(before: (i64, i64), after: (i64, i64), units: usize) -> Self {
        let share = |before: i64, after: i64| (after - before) as f64 / units.max(1) as f64;
        Self { statements: share(before.0, after.0), wal_bytes: share(before.1, after.1) }
    }
}

/// Receives `count` messages; each carries when its commit returned, in nanoseconds since `epoch`.
async fn receive(
    consumer: jetstream::consumer::Consumer<pull::Config>,
    epoch: Instant,
    count: usize,
) -> Result<Vec<Duration>> {
    let mut messages = consumer.messages().await?;
    let mut took = Vec::with_capacity(count);
    while took.len() < count {
        let message = messages.next().await.context("the raw consumer ended")??;
        let now = epoch.elapsed();
        let committed =
            message.payload.as_ref().try_into().map(u64::from_be_bytes).context("a foreign message")?;
        took.push(now.saturating_sub(Duration::from_nanos(committed)));
        message.ack_with(AckKind::Ack).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    Ok(took)
}

/// Units a second.
pub fn rate(units: usize, elapsed: Duration) -> f64 {
    units as f64 / elapsed.as_secs_f64()
}
