//! Raw limits of the ingest on the same database server: a page of code for each, on tables shaped like those of
//! stations.
//!
//! Source: performance, "Raw limits" and "Targets".
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::figures::{Cost, Round};

const TABLES: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    CREATE TABLE orders (
        operator_id uuid NOT NULL, order_no text COLLATE \"C\" NOT NULL, connector_key bigint NOT NULL,
        start_at timestamptz NOT NULL, end_at timestamptz NOT NULL, energy_wh bigint NOT NULL, electricity_fen bigint NOT NULL,
        service_fen bigint NOT NULL, total_fen bigint NOT NULL, stop_reason smallint NOT NULL, source_time timestamptz NOT NULL,
        content_hash bytea NOT NULL, received_at timestamptz NOT NULL, PRIMARY KEY (operator_id, order_no));
    CREATE TABLE states (connector_key bigint PRIMARY KEY, status smallint, changed_at timestamptz, seen_at timestamptz)
        WITH (fillfactor = 70);
    CREATE TABLE telemetry (
        connector_key bigint NOT NULL, sampled_at timestamptz NOT NULL, order_no text COLLATE \"C\" NOT NULL,
        energy_wh bigint NOT NULL, power_watts integer NOT NULL, voltage_decivolts integer NOT NULL,
        current_deciamperes integer NOT NULL, soc_percent smallint, received_at timestamptz NOT NULL,
        PRIMARY KEY (connector_key, sampled_at))";
/// Connections of every raw case. Source: performance, "Targets": 2 × 10,000, 2 × 5,000.
const CONNECTIONS: usize = 2;
/// Rows of one COPY.
const COPIED: usize = 10_000;
/// Rows of one upsert, or of one insert of known rows.
const UPSERTED: i64 = 5_000;

/// The raw cases, in a database of their own.
pub struct RawIngest {
    pool: PgPool,
    connectors: i64,
}

impl RawIngest {
    /// Makes the tables and as many states as there are connectors. Errors: the server refuses.
    pub async fn prepare(url: &str, connectors: i64) -> Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        sqlx::query("INSERT INTO states SELECT key, 1, now(), now() FROM generate_series(1, $1) AS key")
            .bind(connectors)
            .execute(&pool)
            .await?;
        Ok(Self { pool, connectors })
    }

    /// COPY of new orders into the keyed table; text form, because it says what is sent.
    pub async fn orders(&self, time: Duration) -> Result<Round> {
        self.each(time, |connection, turn| {
            let operator = Uuid::from_u128(connection as u128 + 1);
            let mut rows = String::with_capacity(COPIED * 200);
            let run = rand::random::<u32>();
            for row in 0..COPIED {
                let number = format!("{:08}{run:08x}{row:08}", turn);
                rows.push_str(&format!(
                    "{operator}\t{number}\t{}\t2026-01-01 10:00:00+00\t2026-01-01 11:00:00+00\t60000\t4700\t100\t4800\t0\t\
                     2026-01-01 11:00:00+00\t\\\\x000102030405060708090a0b0c0d0e0f\t2026-01-01 11:00:01+00\n",
                    row + 1
                ));
            }
            ("COPY orders FROM STDIN", rows)
        })
        .await
    }

    /// COPY of samples into the keyed table.
    pub async fn telemetry(&self, time: Duration) -> Result<Round> {
        self.each(time, |connection, turn| {
            let mut rows = String::with_capacity(COPIED * 120);
            let run = rand::random::<u32>();
            for row in 0..COPIED {
                let key = (connection * COPIED + row) as i64 % self.connectors + 1;
                rows.push_str(&format!(
                    "{key}\t2026-01-01 10:00:00.{:06}+00\tN{run:08x}\t12000\t60000\t7500\t800\t55\t2026-01-01 10:00:01+00\n",
                    (turn * 7919 + run as usize) % 1_000_000
                ));
            }
            ("COPY telemetry FROM STDIN", rows)
        })
        .await
    }

    async fn each(
        &self,
        time: Duration,
        rows: impl Fn(usize, usize) -> (&'static str, String),
    ) -> Result<Round> {
        let rows = &rows;
        let before = self.cost().await?;
        // What is sent is prepared outside of the time that counts.
        let counted = (0..CONNECTIONS).map(|connection| async move {
            let mut db = self.pool.acquire().await?;
            let (mut spent, mut count, mut turn) = (Duration::ZERO, 0_u64, 0);
            while spent < time {
                let (statement, text) = rows(connection, turn);
                let begun = Instant::now();
                let mut copy = db.copy_in_raw(statement).await?;
                copy.send(text.as_bytes()).await?;
                count += copy.finish().await?;
                spent += begun.elapsed();
                turn += 1;
            }
            anyhow::Ok((count, count as f64 / spent.as_secs_f64()))
        });
        let rates = try_join_all(counted).await?;
        self.round(before, &rates).await
    }

    /// Sorted UNNEST upsert of changed states.
    pub async fn statuses(&self, time: Duration) -> Result<Round> {
        let statement = "
            INSERT INTO states SELECT key, $2, now(), now() FROM UNNEST($1::bigint[]) AS key
            ON CONFLICT (connector_key) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at,
                seen_at = excluded.seen_at WHERE states.seen_at < excluded.seen_at";
        let before = self.cost().await?;
        let counted = (0..CONNECTIONS).map(|connection| async move {
            let mut db = self.pool.acquire().await?;
            let start = Instant::now();
            let (mut count, mut turn) = (0_u64, connection as i64);
            while start.elapsed() < time {
                let first = turn * UPSERTED % self.connectors;
                let last = (first + UPSERTED).min(self.connectors);
                let keys: Vec<i64> = (first + 1..=last).collect();
                let status = i16::from(turn % 4 < 2) * 2 + 1;
                let done = sqlx::query(statement).bind(&keys).bind(status).execute(&mut *db).await?;
                count += done.rows_affected();
                turn += CONNECTIONS as i64;
            }
            anyhow::Ok((count, count as f64 / start.elapsed().as_secs_f64()))
        });
        let rates = try_join_all(counted).await?;
        self.round(before, &rates).await
    }

    /// UNNEST … ON CONFLICT DO NOTHING of orders that are all held.
    pub async fn repeated(&self, time: Duration) -> Result<Round> {
        let numbers: Vec<(Uuid, String)> = sqlx::query_as(
            "SELECT operator_id, order_no FROM orders ORDER BY operator_id, order_no LIMIT $1",
        )
        .bind(UPSERTED)
        .fetch_all(&self.pool)
        .await?;
        let (operators, numbers): (Vec<Uuid>, Vec<String>) = numbers.into_iter().unzip();
        let statement = "
            INSERT INTO orders SELECT operator_id, order_no, 1, now(), now(), 60000, 4700, 100, 4800, 0, now(),
                decode('000102030405060708090a0b0c0d0e0f', 'hex'), now()
            FROM UNNEST($1::uuid[], $2::text[]) AS known (operator_id, order_no) ON CONFLICT DO NOTHING";
        let before = self.cost().await?;
        let (operators, numbers) = (&operators, &numbers);
        let counted = (0..CONNECTIONS).map(|_| async move {
            let mut db = self.pool.acquire().await?;
            let start = Instant::now();
            let mut count = 0_u64;
            while start.elapsed() < time {
                sqlx::query(statement).bind(operators).bind(numbers).execute(&mut *db).await?;
                count += numbers.len() as u64;
            }
            anyhow::Ok((count, count as f64 / start.elapsed().as_secs_f64()))
        });
        let rates = try_join_all(counted).await?;
        self.round(before, &rates).await
    }

    /// Rows and rate of each connection.
    async fn round(&self, before: (i64, i64), rates: &[(u64, f64)]) -> Result<Round> {
        let value: f64 = rates.iter().map(|(_, rate)| rate).sum();
        let rows: u64 = rates.iter().map(|(rows, _)| rows).sum();
        let cost = Cost::between(before, self.cost().await?, usize::try_from(rows)?);
        Ok(Round { value, took: Vec::new(), cost: Some(cost) })
    }

    /// Statements and WAL bytes of this database so far.
    async fn cost(&self) -> Result<(i64, i64)> {
        let sum = "SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(wal_bytes), 0)::bigint FROM pg_stat_statements
                   WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        Ok(sqlx::query_as(sum).fetch_one(&self.pool).await?)
    }
}
