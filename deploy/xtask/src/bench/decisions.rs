//! Decisions through the real service: 64 in flight, and alone.
//!
//! Owns: the own cases beside `raw.decision.*`. The decision is a paper check with missing papers (T07): judged
//! submission, four eyes, signature, chained history, event – and the application stays where it is.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use proto::reviews::ApplicationView;
use sqlx::{Connection as _, PgConnection};

use super::{
    field::Field,
    figures::{Cost, Round},
    raw::rate,
};
use crate::driver::clock::day;

/// The applications that are decided on, as they stand now.
#[derive(Debug)]
pub struct Decisions {
    field: Field,
    now: Mutex<Vec<ApplicationView>>,
    today: Arc<str>,
}

impl Decisions {
    /// Starts from the field's applications.
    pub fn new(field: &Field) -> Self {
        let now = Mutex::new(field.decided.to_vec());
        Self { field: field.clone(), now, today: day(0).into() }
    }

    /// So many callers at once for so long, each on applications of its own. Errors: a decision is refused.
    pub async fn run(&self, callers: usize, time: Duration, database: &str) -> Result<Round> {
        let mut look = PgConnection::connect(database).await?;
        sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&mut look).await?;
        let views = std::mem::take(&mut *self.now.lock().unwrap_or_else(PoisonError::into_inner));
        let each = views.len().div_ceil(callers).max(1);
        let before = cost(&mut look).await?;
        let start = Instant::now();
        let callers = views.chunks(each).map(|views| self.caller(views.to_vec(), start, time));
        let answers = try_join_all(callers).await?;
        let elapsed = start.elapsed();
        let (views, took): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
        let took = took.concat();
        self.now.lock().unwrap_or_else(PoisonError::into_inner).extend(views.concat());
        let cost = Cost::between(before, cost(&mut look).await?, took.len());
        Ok(Round { value: rate(took.len(), elapsed), took, cost: Some(cost) })
    }

    /// One caller with one application, alone: the value is the median in microseconds.
    pub async fn alone(&self, time: Duration) -> Result<Round> {
        let view = self.now.lock().unwrap_or_else(PoisonError::into_inner).pop().context("no application")?;
        let (views, mut took) = self.caller(vec![view], Instant::now(), time).await?;
        self.now.lock().unwrap_or_else(PoisonError::into_inner).extend(views);
        took.sort_unstable();
        let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
        Ok(Round { value: p50.as_secs_f64() * 1e6, took, cost: None })
    }

    async fn caller(
        &self,
        mut views: Vec<ApplicationView>,
        start: Instant,
        time: Duration,
    ) -> Result<(Vec<ApplicationView>, Vec<Duration>)> {
        let mut took = Vec::new();
        let mut next = 0;
        while start.elapsed() < time {
            let length = views.len();
            let view = &mut views[next % length];
            let begun = Instant::now();
            *view = self.field.county.papers_missing(view, &["M5"], &self.today, "王示例").await?;
            took.push(begun.elapsed());
            next += 1;
        }
        Ok((views, took))
    }
}

/// Statements and WAL bytes of the service's database so far, its relay's included.
pub(super) async fn cost(database: &mut PgConnection) -> Result<(i64, i64)> {
    let sum =
        "SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(wal_bytes), 0)::bigint FROM pg_stat_statements
               WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
    Ok(sqlx::query_as(sum).fetch_one(database).await?)
}
