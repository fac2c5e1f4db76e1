//! Eyes: what stands in the services' databases, as plain rows.
//!
//! Owns: reading. Not: judging (`calm`, `evidence`) or changing anything.
use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;
use xtask::services::Service;

use crate::System;

/// A row of an application's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Whose.
    pub application: Uuid,
    /// The version that it made.
    pub version: i64,
    /// Transition id.
    pub transition: String,
    /// Where it started; empty for the creation.
    pub from: String,
    /// Where it ended.
    pub to: String,
}

/// A row of an outbox.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Event id.
    pub event_id: Uuid,
    /// Which aggregate.
    pub aggregate: Uuid,
    /// Its version.
    pub version: i64,
    /// The NATS subject.
    pub subject: String,
    /// Past tense, snake case.
    pub kind: String,
    /// W3C trace context.
    pub trace: String,
    /// When.
    pub occurred_at: OffsetDateTime,
}

impl System {
    /// Counts by a query that gives one number.
    ///
    /// # Errors
    /// The query is refused.
    pub async fn count(&self, service: Service, sql: &str) -> Result<i64> {
        // The text comes from the tests.
        let counted = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(self.database(service)?).await;
        counted.with_context(|| format!("{service}: {sql}"))
    }

    /// Reads texts by a query with one column.
    ///
    /// # Errors
    /// The query is refused.
    pub async fn texts(&self, service: Service, sql: &str) -> Result<Vec<String>> {
        let read = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(self.database(service)?).await;
        read.with_context(|| format!("{service}: {sql}"))
    }

    /// Reads the history of one application, oldest first.
    ///
    /// # Errors
    /// The database is away.
    pub async fn history(&self, application: Uuid) -> Result<Vec<HistoryRow>> {
        let rows = sqlx::query(
            "SELECT application_id, version, transition, from_stage, to_stage
             FROM history WHERE application_id = $1 ORDER BY version",
        )
        .bind(application)
        .fetch_all(self.database(Service::Reviews)?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(HistoryRow {
                    application: row.try_get("application_id")?,
                    version: row.try_get("version")?,
                    transition: row.try_get("transition")?,
                    from: row.try_get("from_stage")?,
                    to: row.try_get("to_stage")?,
                })
            })
            .collect()
    }

    /// Lists an application's transitions, oldest first, e.g. `["T01", "T02"]`.
    ///
    /// # Errors
    /// The database is away.
    pub async fn steps(&self, application: Uuid) -> Result<Vec<String>> {
        Ok(self.history(application).await?.into_iter().map(|row| row.transition).collect())
    }

    /// Lists what was done to an application from a version on, oldest first, each with its command and who gave it, e.g.
    /// `["T02 SubmitAcceptance operator"]`.
    ///
    /// # Errors
    /// The database is away.
    pub async fn deeds(&self, application: Uuid, from: usize) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT concat_ws(' ', transition, command, actor_role) FROM history
             WHERE application_id = '{application}' ORDER BY version OFFSET {from}"
        );
        self.texts(Service::Reviews, &sql).await
    }

    /// Reads a service's outbox in the order of making.
    ///
    /// # Errors
    /// The database is away.
    pub async fn outbox(&self, service: Service) -> Result<Vec<OutboxRow>> {
        let rows = sqlx::query(
            "SELECT event_id, aggregate_id, aggregate_version, subject, kind, trace, occurred_at FROM outbox ORDER BY seq",
        )
        .fetch_all(self.database(service)?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxRow {
                    event_id: row.try_get("event_id")?,
                    aggregate: row.try_get("aggregate_id")?,
                    version: row.try_get("aggregate_version")?,
                    subject: row.try_get("subject")?,
                    kind: row.try_get("kind")?,
                    trace: row.try_get("trace")?,
                    occurred_at: row.try_get("occurred_at")?,
                })
            })
            .collect()
    }

    /// Lists the reasons of refusals that a service has on record, oldest first.
    ///
    /// # Errors
    /// The database is away.
    pub async fn refusals(&self, service: Service) -> Result<Vec<String>> {
        self.texts(service, "SELECT reason FROM refusals ORDER BY id").await
    }

    /// Counts the open dead letters of a service.
    ///
    /// # Errors
    /// The database is away.
    pub async fn dead_letters(&self, service: Service) -> Result<i64> {
        self.count(service, "SELECT count(*) FROM dead_letters WHERE settled_at IS NULL").await
    }
}
