//! The chained history and what hangs on a step: paper checks. Writing the chain is part of `steps::advance`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    act::PaperCheck,
    canonical::Hash,
    history::Entry,
    ids::ApplicationId,
    stage::{Actor, Stage},
};

/// An entry with its place in the chain.
#[derive(Debug, Clone)]
pub struct Link {
    /// What happened.
    pub entry: Entry,
    /// Hash of the entry before.
    pub prev_hash: Hash,
    /// Its own hash.
    pub hash: Hash,
}

pub(crate) struct HistoryRow {
    pub(crate) application_id: Uuid,
    pub(crate) version: i64,
    pub(crate) transition: String,
    pub(crate) command: String,
    pub(crate) from_stage: String,
    pub(crate) to_stage: String,
    pub(crate) actor_id: Uuid,
    pub(crate) actor_role: String,
    pub(crate) office: String,
    pub(crate) department: String,
    pub(crate) opinion: String,
    pub(crate) items: Vec<String>,
    pub(crate) submission_version: i32,
    pub(crate) submission_hash: String,
    pub(crate) occurred_at: OffsetDateTime,
    pub(crate) prev_hash: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

impl HistoryRow {
    pub(crate) fn read(self) -> Result<Link, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "history", id: self.application_id };
        let from = match self.from_stage.as_str() {
            "" => None,
            stage => Some(Stage::parse(stage).ok_or_else(corrupt)?),
        };
        Ok(Link {
            prev_hash: self.prev_hash.as_slice().try_into().map_err(|_| corrupt())?,
            hash: self.hash.as_slice().try_into().map_err(|_| corrupt())?,
            entry: Entry {
                application_id: ApplicationId(self.application_id),
                version: self.version,
                transition: self.transition,
                command: self.command,
                from,
                to: Stage::parse(&self.to_stage).ok_or_else(corrupt)?,
                actor_id: self.actor_id,
                role: Actor::parse(&self.actor_role).ok_or_else(corrupt)?,
                office: self.office,
                department: self.department,
                opinion: self.opinion,
                items: self.items,
                submission_version: self.submission_version,
                submission_hash: self.submission_hash,
                at: self.occurred_at,
            },
        })
    }
}

/// The whole history of one application, oldest first.
///
/// # Errors
/// The database is away.
pub async fn list(db: &mut PgConnection, id: ApplicationId) -> Result<Vec<Link>, StoreError> {
    let rows = sqlx::query_as!(
        HistoryRow,
        "-- reviews.history.list
         SELECT * FROM history WHERE application_id = $1 ORDER BY version",
        id.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(HistoryRow::read).collect()
}

/// The paper checks of one application with the version of their step.
///
/// # Errors
/// The database is away.
pub async fn papers(db: &mut PgConnection, id: ApplicationId) -> Result<Vec<(i64, PaperCheck)>, StoreError> {
    let rows = sqlx::query!(
        "-- reviews.history.papers
         SELECT version, complete, ticked, missing, checked_on, checker FROM paper_checks WHERE application_id = $1",
        id.0
    )
    .fetch_all(db)
    .await?;
    let mut papers = Vec::with_capacity(rows.len());
    for row in rows {
        let paper = PaperCheck {
            complete: row.complete,
            ticked: row.ticked,
            missing: row.missing,
            checked_on: Some(row.checked_on),
            checker: row.checker,
        };
        papers.push((row.version, paper));
    }
    Ok(papers)
}
