//! Raw limits of the ingest on the same database server: a page of code for each, on tables that the migrations of stations have made.
//!
//! Source: performance, "The benchmark", "Raw limits" and "Targets"; decision record 53.
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use anyhow::Result;
use futures::future::try_join_all;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::figures::{Cost, Round};
use crate::driver::clock::instant;

/// What the migrations do not make: states without a registry, and the day of [`MOMENT`].
const PREPARED: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    ALTER TABLE connector_state DROP CONSTRAINT connector_state_connector_key_fkey;
    SELECT ensure_day_partitions('telemetry', '2026-01-01', '2026-01-01')";
/// Connections of every raw case. Source: performance, "Targets": 2 × 10,000, 2 × 5,000.
const CONNECTIONS: usize = 2;
/// Rows of one COPY.
const COPIED: usize = 10_000;
/// Rows of one upsert, or of one insert of known rows.
const UPSERTED: i64 = 5_000;

const COPIED_ORDERS: &str = "
    COPY charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen, total_fen,
        stop_reason, source_time, content_hash, received_at, county, prefecture) FROM STDIN (FORMAT binary)";
const INSERTED_ORDERS: &str = "
    INSERT INTO charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen,
        total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture)
    SELECT operator_id, order_no, 1, now() - interval '1 hour', now(), 60000, 4700, 100, 4800, 0, now(),
        decode('000102030405060708090a0b0c0d0e0f', 'hex'), now(), 410105, 410100
    FROM UNNEST($1::uuid[], $2::text[]) AS sent (operator_id, order_no) ON CONFLICT DO NOTHING";

/// 2026-01-01 in microseconds since the start of 2000, as a binary COPY has it.
const MOMENT: i64 = 9_497 * 86_400_000_000;
const HOUR: i64 = 3_600_000_000;
const HASH: [u8; 16] = *b"sixteen bytes of";

/// The rows of a binary COPY, which the service uses too: the server parses no text. Form: PostgreSQL, COPY, "Binary Format".
struct Rows(Vec<u8>);

impl Rows {
    fn new(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(bytes);
        // No flags, no extension.
        buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        Self(buffer)
    }

    fn row(&mut self, fields: &[&[u8]]) {
        self.0.extend_from_slice(&(fields.len() as i16).to_be_bytes());
        for field in fields {
            self.0.extend_from_slice(&(field.len() as i32).to_be_bytes());
            self.0.extend_from_slice(field);
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&(-1_i16).to_be_bytes());
        self.0
    }
}

/// The raw cases, in a database of their own.
pub struct RawIngest {
    pool: PgPool,
    connectors: i64,
    /// Rises with every set of rows: numbers and times rise, and none is sent twice.
    turn: AtomicI64,
}

impl RawIngest {
    /// Makes as many states as there are connectors, in a migrated database without any. Errors: the server refuses.
    pub async fn prepare(url: &str, connectors: i64) -> Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await?;
        sqlx::raw_sql(PREPARED).execute(&pool).await?;
        let states = "INSERT INTO connector_state (connector_key, status, changed_at, seen_at)
                      SELECT key, 1, now(), now() FROM generate_series(1, $1) AS key";
        sqlx::query(states).bind(connectors).execute(&pool).await?;
        sqlx::raw_sql("VACUUM (ANALYZE) connector_state").execute(&pool).await?;
        Ok(Self { pool, connectors, turn: AtomicI64::new(1) })
    }

    fn next(&self) -> i64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// COPY of new orders into the keyed table.
    pub async fn orders(&self, time: Duration) -> Result<Round> {
        self.each(time, |connection, turn| {
            let operator = *Uuid::from_u128(connection as u128 + 1).as_bytes();
            let mut rows = Rows::new(COPIED * 200);
            for row in 0..COPIED {
                let key = ((turn * COPIED as i64 + row as i64) % self.connectors + 1).to_be_bytes();
                rows.row(&[
                    &operator,
                    format!("{turn:016}{row:08}").as_bytes(),
                    &key,
                    &MOMENT.to_be_bytes(),
                    &(MOMENT + HOUR).to_be_bytes(),
                    &60_000_i64.to_be_bytes(),
                    &4_700_i64.to_be_bytes(),
                    &100_i64.to_be_bytes(),
                    &4_800_i64.to_be_bytes(),
                    &0_i16.to_be_bytes(),
                    &(MOMENT + HOUR).to_be_bytes(),
                    &HASH,
                    &(MOMENT + HOUR).to_be_bytes(),
                    &(410_101 + row as i32 % 9).to_be_bytes(),
                    &410_100_i32.to_be_bytes(),
                ]);
            }
            (COPIED_ORDERS, rows.end())
        })
        .await
    }

    /// COPY of samples into the keyed table: all connectors in turn, as they report.
    pub async fn telemetry(&self, time: Duration) -> Result<Round> {
        self.each(time, |_, turn| {
            let mut rows = Rows::new(COPIED * 120);
            for row in 0..COPIED {
                let key = ((turn * COPIED as i64 + row as i64) % self.connectors + 1).to_be_bytes();
                rows.row(&[
                    &key,
                    &(MOMENT + turn).to_be_bytes(),
                    format!("N{turn:08}").as_bytes(),
                    &12_000_i64.to_be_bytes(),
                    &60_000_i32.to_be_bytes(),
                    &7_500_i32.to_be_bytes(),
                    &800_i32.to_be_bytes(),
                    &55_i16.to_be_bytes(),
                    &(MOMENT + HOUR).to_be_bytes(),
                ]);
            }
            ("COPY telemetry FROM STDIN (FORMAT binary)", rows.end())
        })
        .await
    }

    async fn each(
        &self,
        time: Duration,
        rows: impl Fn(usize, i64) -> (&'static str, Vec<u8>),
    ) -> Result<Round> {
        let rows = &rows;
        let before = self.cost().await?;
        // What is sent is prepared outside of the time that counts.
        let counted = (0..CONNECTIONS).map(|connection| async move {
            let mut db = self.pool.acquire().await?;
            let (mut spent, mut count) = (Duration::ZERO, 0_u64);
            while spent < time {
                let (statement, bytes) = rows(connection, self.next());
                let begun = Instant::now();
                let mut copy = db.copy_in_raw(statement).await?;
                copy.send(bytes).await?;
                count += copy.finish().await?;
                spent += begun.elapsed();
            }
            anyhow::Ok((count, count as f64 / spent.as_secs_f64()))
        });
        let rates = try_join_all(counted).await?;
        self.round(before, &rates).await
    }

    /// Array insert of new orders into the keyed table: UNNEST, without COPY.
    pub async fn inserted(&self, time: Duration) -> Result<Round> {
        let before = self.cost().await?;
        let counted = (0..CONNECTIONS).map(|connection| async move {
            let mut db = self.pool.acquire().await?;
            let operator = Uuid::from_u128(connection as u128 + 1);
            let (mut spent, mut count) = (Duration::ZERO, 0_u64);
            while spent < time {
                let turn = self.next();
                let numbers: Vec<String> = (0..UPSERTED).map(|row| format!("{turn:016}{row:08}")).collect();
                let operators = vec![operator; numbers.len()];
                let begun = Instant::now();
                let insert = sqlx::query(INSERTED_ORDERS).bind(&operators).bind(&numbers);
                count += insert.execute(&mut *db).await?.rows_affected();
                spent += begun.elapsed();
            }
            anyhow::Ok((count, count as f64 / spent.as_secs_f64()))
        });
        let rates = try_join_all(counted).await?;
        self.round(before, &rates).await
    }

    /// Sorted UNNEST upsert of changed states; no history beside them.
    pub async fn statuses(&self, time: Duration) -> Result<Round> {
        let statement = "
            INSERT INTO connector_state (connector_key, status, changed_at, seen_at)
            SELECT * FROM UNNEST($1::bigint[], $2::smallint[], $3::timestamptz[], $4::timestamptz[])
            ON CONFLICT (connector_key) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at,
                seen_at = excluded.seen_at WHERE connector_state.seen_at < excluded.seen_at";
        let before = self.cost().await?;
        let counted = (0..CONNECTIONS).map(|connection| async move {
            let mut db = self.pool.acquire().await?;
            let (mut spent, mut count, mut turn) = (Duration::ZERO, 0_u64, connection as i64);
            while spent < time {
                let first = turn * UPSERTED % self.connectors;
                let last = (first + UPSERTED).min(self.connectors);
                let keys: Vec<i64> = (first + 1..=last).collect();
                let statuses = vec![i16::from(turn % 4 < 2) * 2 + 1; keys.len()];
                let times = vec![instant(); keys.len()];
                let begun = Instant::now();
                let upsert = sqlx::query(statement).bind(&keys).bind(&statuses).bind(&times).bind(&times);
                count += upsert.execute(&mut *db).await?.rows_affected();
                spent += begun.elapsed();
                turn += CONNECTIONS as i64;
            }
            anyhow::Ok((count, count as f64 / spent.as_secs_f64()))
        });
        let rates = try_join_all(counted).await?;
        self.round(before, &rates).await
    }

    /// UNNEST … ON CONFLICT DO NOTHING of orders that are all held.
    pub async fn repeated(&self, time: Duration) -> Result<Round> {
        let numbers: Vec<(Uuid, String)> = sqlx::query_as(
            "SELECT operator_id, order_no FROM charge_orders ORDER BY operator_id, order_no LIMIT $1",
        )
        .bind(UPSERTED)
        .fetch_all(&self.pool)
        .await?;
        let (operators, numbers): (Vec<Uuid>, Vec<String>) = numbers.into_iter().unzip();
        let before = self.cost().await?;
        let (operators, numbers) = (&operators, &numbers);
        let counted = (0..CONNECTIONS).map(|_| async move {
            let mut db = self.pool.acquire().await?;
            let start = Instant::now();
            let mut count = 0_u64;
            while start.elapsed() < time {
                sqlx::query(INSERTED_ORDERS).bind(operators).bind(numbers).execute(&mut *db).await?;
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
