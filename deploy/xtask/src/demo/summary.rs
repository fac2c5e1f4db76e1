//! What the demo ends with, read back from the services' own databases.
//!
//! Owns: the figures and how they are shown. Not: counting while driving; only refusals on purpose are counted there.
use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, PgConnection};

use super::link::Connected;
use crate::{deployment::Deployment, provision::Table, services::Service};

/// The whole object of `up --demo --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Applications by stage.
    pub applications: BTreeMap<String, i64>,
    /// Work orders by city.
    pub work_orders: BTreeMap<String, i64>,
    /// Rows of history.
    pub transitions: i64,
    /// Events of all services.
    pub events: Events,
    /// Open tasks.
    pub worklist_rows: i64,
    /// Invoices that are not deleted.
    pub invoices: Invoices,
    /// Refusals on purpose, by the reason that the service gave.
    pub refusals: BTreeMap<String, u64>,
    /// What came of the company that is connected over T/CEC 102.
    #[serde(default)]
    pub tcec: Connected,
    /// From the first registration to the last signature and the connected company.
    pub seconds: f64,
}

/// Counts of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Acknowledged by the broker.
    pub published: i64,
    /// Applied by a consumer, once for each.
    pub consumed: i64,
    /// Given up and not settled.
    pub dead_letters: i64,
}

/// Counts of invoices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoices {
    /// Not deleted.
    pub count: i64,
    /// Whose uses in the ledger exceed the amount.
    pub overdrawn: i64,
}

impl Summary {
    /// Reads every figure that a database has; what only the run itself knows stays as driven. Errors: a database is away.
    pub async fn read(deployment: &Deployment, driven: Self) -> Result<Self> {
        let (refusals, tcec, seconds) = (driven.refusals, driven.tcec, driven.seconds);
        let mut summary = Self { refusals, tcec, seconds, ..Self::default() };
        let mut reviews = connect(deployment, Service::Reviews).await?;
        summary.applications =
            counts(&mut reviews, "SELECT stage, count(*) FROM applications GROUP BY stage").await?;
        summary.work_orders =
            counts(&mut reviews, "SELECT prefecture, count(*) FROM work_orders GROUP BY prefecture").await?;
        summary.transitions = count(&mut reviews, "SELECT count(*) FROM history").await?;
        for service in Service::WITH_DATABASE {
            let mut database = connect(deployment, service).await?;
            let published = "SELECT count(*) FROM outbox_delivery WHERE published_at IS NOT NULL";
            summary.events.published += count(&mut database, published).await?;
            summary.events.consumed += count(&mut database, "SELECT count(*) FROM inbox").await?;
            let dead = "SELECT count(*) FROM dead_letters WHERE settled_at IS NULL";
            summary.events.dead_letters += count(&mut database, dead).await?;
        }
        let mut notifications = connect(deployment, Service::Notifications).await?;
        summary.worklist_rows = count(&mut notifications, "SELECT count(*) FROM worklist WHERE open").await?;
        let mut documents = connect(deployment, Service::Documents).await?;
        summary.invoices.count =
            count(&mut documents, "SELECT count(*) FROM invoices WHERE deleted_at IS NULL").await?;
        let overdrawn = "SELECT count(*) FROM invoices WHERE amount_fen <
            (SELECT coalesce(sum(amount_fen), 0) FROM ledger WHERE ledger.invoice_id = invoices.id)";
        summary.invoices.overdrawn = count(&mut documents, overdrawn).await?;
        Ok(summary)
    }

    /// Events that are not published, and messages that a consumer has not finished with. Errors: something is away.
    pub async fn under_way(deployment: &Deployment) -> Result<u64> {
        let mut open = 0;
        for service in Service::WITH_DATABASE {
            let mut database = connect(deployment, service).await?;
            let waiting = "SELECT count(*) FROM outbox_delivery WHERE published_at IS NULL";
            open += u64::try_from(count(&mut database, waiting).await?).unwrap_or(0);
        }
        let client = async_nats::connect(&deployment.broker).await.context("the broker is away")?;
        let context = async_nats::jetstream::new(client);
        for consumer in Table::load()?.consumers {
            let stream = context.get_stream(&consumer.stream).await?;
            let info = stream.consumer_info(&consumer.durable).await?;
            open += info.num_pending + u64::try_from(info.num_ack_pending).unwrap_or(0);
        }
        Ok(open)
    }

    /// The figures for people.
    pub fn table(&self) -> String {
        let list = |counts: &BTreeMap<String, i64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(" · ")
        };
        let refused: u64 = self.refusals.values().sum();
        [
            format!("  applications  {}", list(&self.applications)),
            format!("  work orders   {}", list(&self.work_orders)),
            format!("  transitions   {}", self.transitions),
            format!(
                "  events        {} published · {} consumed · {} dead letters",
                self.events.published, self.events.consumed, self.events.dead_letters
            ),
            format!("  open tasks    {}", self.worklist_rows),
            format!("  invoices      {} · {} overdrawn", self.invoices.count, self.invoices.overdrawn),
            format!("  refusals      {refused} for {} reasons, all on purpose", self.refusals.len()),
            format!(
                "  over T/CEC    {} operator connected · {} stations · {} items pushed · {} orders · {} faults · {} steps tested",
                self.tcec.operators,
                self.tcec.stations,
                self.tcec.pushed,
                self.tcec.orders,
                self.tcec.faults,
                self.tcec.steps
            ),
            format!("  seconds       {}", self.seconds),
        ]
        .join("\n")
    }
}

async fn connect(deployment: &Deployment, service: Service) -> Result<PgConnection> {
    let url = deployment.databases.get(&service).with_context(|| format!("{service} has no database"))?;
    PgConnection::connect(url).await.with_context(|| format!("the database of {service} is away"))
}

async fn count(database: &mut PgConnection, sql: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(sql).fetch_one(database).await?)
}

async fn counts(database: &mut PgConnection, sql: &'static str) -> Result<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(database).await?;
    Ok(rows.into_iter().collect())
}
