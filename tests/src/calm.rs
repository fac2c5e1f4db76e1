//! What must hold whenever a test ends: empty queues, audits at 0, worklists that equal the nodes, no dead letters.
//!
//! Source: workflow, invariant 9; reliability, section 9.
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sqlx::{Row as _, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;
use xtask::services::Service;

use crate::{
    System,
    wait::{PATIENCE, eventually},
};

/// What an application waits for.
type Waiting = BTreeMap<Uuid, Wait>;

/// One wait: the node, and what is told about its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    stage: String,
    party: String,
    version: i64,
    deadline_at: Option<OffsetDateTime>,
    light: String,
    reminded_count: i32,
    reminded_at: Option<OffsetDateTime>,
    assignee: Option<Uuid>,
}

impl System {
    /// Waits until the queues are empty, then checks everything that must hold.
    ///
    /// # Errors
    /// Something does not hold; the message says what.
    pub async fn calm(&self) -> Result<()> {
        self.fleet().check_all()?;
        self.drained().await?;
        // A deadline may be told of between reading one and the other.
        let same = "the worklists equal the nodes";
        let equal =
            eventually(PATIENCE, same, || async { Ok(self.worklists_equal_nodes().await.ok()) }).await;
        if equal.is_err() {
            self.worklists_equal_nodes().await?;
        }
        for service in self.fleet().services().filter(|service| service.has_database()) {
            let dead = self.dead_reasons(service).await?;
            ensure!(dead.is_empty(), "{service} has dead letters:\n{}", dead.join("\n"));
        }
        self.audits().await
    }

    /// Waits until every outbox is published and every event in a stream is applied, with the events that these led to.
    ///
    /// # Errors
    /// Not within 30 s.
    pub async fn drained(&self) -> Result<()> {
        let client = async_nats::connect(self.trial().nats.url()).await?;
        let context = async_nats::jetstream::new(client);
        // Whoever applies an event may write another one: all is done once nobody got anything while all outboxes were seen empty.
        eventually(PATIENCE, "no event leads to another", || async {
            let before = self.applied(&context).await?;
            self.published().await?;
            Ok((self.applied(&context).await? == before).then_some(()))
        })
        .await
    }

    /// Waits until every outbox is published.
    async fn published(&self) -> Result<()> {
        for service in self.fleet().services().filter(|service| service.has_database()) {
            eventually(PATIENCE, &format!("the outbox of {service} is published"), || async {
                let open = self
                    .count(service, "SELECT count(*) FROM outbox_delivery WHERE published_at IS NULL")
                    .await?;
                Ok((open == 0).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until every consumer is idle; answers how much each has been given.
    async fn applied(&self, context: &async_nats::jetstream::Context) -> Result<Vec<u64>> {
        let mut given = Vec::new();
        for consumer in &xtask::provision::Table::load()?.consumers {
            let idle = format!("{} has nothing left to do", consumer.durable);
            let told = eventually(PATIENCE, &idle, || async {
                let stream = context.get_stream_no_info(&consumer.stream).await?;
                let info = stream.consumer_info(&consumer.durable).await?;
                let idle = info.num_pending == 0 && info.num_ack_pending == 0;
                Ok(idle.then_some(info.delivered.consumer_sequence))
            });
            given.push(told.await?);
        }
        Ok(given)
    }

    /// Compares the applications that wait with the open tasks, both ways. Source: invariant 9.
    ///
    /// # Errors
    /// They differ; the message shows both.
    pub async fn worklists_equal_nodes(&self) -> Result<()> {
        let nodes = self.nodes().await?;
        let tasks = self.tasks().await?;
        ensure!(nodes == tasks, "the worklists differ from the nodes\nnodes: {nodes:#?}\ntasks: {tasks:#?}");
        Ok(())
    }

    /// Reads where every application stands that waits for somebody.
    ///
    /// # Errors
    /// The database is away.
    pub async fn nodes(&self) -> Result<Waiting> {
        let rows = sqlx::query(
            "SELECT id, stage, version, deadline_at, reminded_count, reminded_at, assignee_id,
                    CASE struck WHEN '' THEN '' WHEN 'near' THEN 'yellow' ELSE 'red' END AS light FROM applications",
        );
        let rows = rows.fetch_all(self.database(Service::Reviews)?).await?;
        let mut nodes = Waiting::new();
        for row in &rows {
            let stage: String = row.try_get("stage")?;
            let party = waits_for(&stage).with_context(|| format!("{stage} is no node of the workflow"))?;
            if !party.is_empty() {
                nodes.insert(row.try_get("id")?, Wait::read(row, stage, party.to_owned())?);
            }
        }
        Ok(nodes)
    }

    /// Reads every open task about an application.
    ///
    /// # Errors
    /// The database is away.
    pub async fn tasks(&self) -> Result<Waiting> {
        let rows = sqlx::query(
            "SELECT subject_id, stage, waits_for, version, deadline_at, light, reminded_count, reminded_at, assignee_id
             FROM worklist WHERE open AND subject_type = 'application'",
        );
        let rows = rows.fetch_all(self.database(Service::Notifications)?).await?;
        rows.iter()
            .map(|row| {
                let (stage, party) = (row.try_get("stage")?, row.try_get("waits_for")?);
                Ok((row.try_get("subject_id")?, Wait::read(row, stage, party)?))
            })
            .collect()
    }

    /// Runs the invariant check of every service.
    ///
    /// # Errors
    /// One reports a violation, or its answer is not one JSON object of numbers.
    pub async fn audits(&self) -> Result<()> {
        for service in self.fleet().services().filter(|service| service.has_database()) {
            let answer = self.fleet().deployment().run(service, &["audit", "--json"]).await?;
            let line = answer.output.lines().last().unwrap_or_default();
            let found: BTreeMap<String, Value> = serde_json::from_str(line)
                .with_context(|| format!("{service} audit: {}{}", answer.output, answer.errors))?;
            let wrong: Vec<_> = found.iter().filter(|(_, count)| count.as_i64() != Some(0)).collect();
            ensure!(
                wrong.is_empty() && answer.success,
                "{service} audit reports {wrong:?}\n{}",
                answer.errors
            );
        }
        Ok(())
    }

    async fn dead_reasons(&self, service: Service) -> Result<Vec<String>> {
        let sql = "SELECT consumer || ' ' || subject || ' ' || reason || ' ' || error FROM dead_letters WHERE settled_at IS NULL";
        self.texts(service, sql).await
    }
}

impl Wait {
    fn read(row: &PgRow, stage: String, party: String) -> Result<Wait> {
        Ok(Wait {
            stage,
            party,
            version: row.try_get("version")?,
            deadline_at: row.try_get("deadline_at")?,
            light: row.try_get("light")?,
            reminded_count: row.try_get("reminded_count")?,
            reminded_at: row.try_get("reminded_at")?,
            assignee: row.try_get("assignee_id")?,
        })
    }
}

/// Who a node waits for, written down a second time from the workflow's table of nodes; empty where it is final.
pub fn waits_for(stage: &str) -> Option<&'static str> {
    Some(match stage {
        "Draft" | "CountyReturned" | "MaterialsDue" | "CityReturned" | "SupplementDue" => "operator",
        "CountyReview" | "PaperCheck" => "county",
        "CityReview" => "city",
        "AwaitingJointReview" | "AwaitingProvince" => "administrator",
        "ExpertReview" => "experts",
        "ProvincialReview" => "departments",
        "Approved" | "Deleted" | "Terminated" => "",
        _ => return None,
    })
}
