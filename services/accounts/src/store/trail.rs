//! Table `audit_log`, read: the latest first, by keyset. Writing is in `audit.rs`.

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::StoreError;

/// What a list is narrowed to; empty texts and none narrow nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Principals that acted, e.g. `person:<id>`; none: anybody.
    pub actors: Option<Vec<String>>,
    /// Acts; none: every act.
    pub acts: Option<Vec<String>>,
    /// What it was done to; none: anything.
    pub subjects: Option<Vec<String>>,
    /// At or after.
    pub from: Option<OffsetDateTime>,
    /// Before.
    pub to: Option<OffsetDateTime>,
    /// Only what was refused.
    pub refused_only: bool,
}

/// Where a page ends: microseconds since 1970, shard, position.
pub type Key = (i64, i16, i64);

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its chain.
    pub shard: i16,
    /// Its place in it.
    pub position: i64,
    /// When.
    pub happened_at: OffsetDateTime,
    /// Principal that acted.
    pub actor: String,
    /// Its roles at that time.
    pub actor_roles: Vec<String>,
    /// How it had proved itself.
    pub authentication: String,
    /// What was done.
    pub act: String,
    /// What it was done to.
    pub subject: String,
    /// Reason of a refusal; empty where it was done.
    pub refusal: String,
    /// More, in codes.
    pub detail: String,
    /// Hash of the row.
    pub hash: Vec<u8>,
}

impl Row {
    /// Where it stands in the list.
    pub fn key(&self) -> Key {
        let micros = self.happened_at.unix_timestamp_nanos() / 1_000;
        (i64::try_from(micros).unwrap_or(i64::MAX), self.shard, self.position)
    }
}

/// A page of the log, the latest first, after a key.
///
/// # Errors
/// The database.
pub async fn list(
    db: &mut PgConnection,
    filter: &Filter,
    after: Option<(OffsetDateTime, i16, i64)>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let (at, shard, position) = match after {
        Some((at, shard, position)) => (Some(at), Some(shard), Some(position)),
        None => (None, None, None),
    };
    let found = sqlx::query_as!(
        Row,
        "-- accounts.trail.list
         SELECT shard, position, happened_at, actor, actor_roles, authentication, act, subject, refusal, detail, hash
         FROM audit_log
         WHERE ($1::text[] IS NULL OR actor = ANY ($1)) AND ($2::text[] IS NULL OR act = ANY ($2))
           AND ($3::text[] IS NULL OR subject = ANY ($3))
           AND ($4::timestamptz IS NULL OR happened_at >= $4) AND ($5::timestamptz IS NULL OR happened_at < $5)
           AND (NOT $6 OR refusal <> '')
           AND ($7::timestamptz IS NULL OR (happened_at, shard, position) < ($7, $8, $9))
         ORDER BY happened_at DESC, shard DESC, position DESC LIMIT $10",
        filter.actors.as_deref() as _,
        filter.acts.as_deref() as _,
        filter.subjects.as_deref() as _,
        filter.from,
        filter.to,
        filter.refused_only,
        at,
        shard,
        position,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// The last row of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub shard: i16,
    /// Rows so far.
    pub position: i64,
    /// Hash of the last one.
    pub hash: Vec<u8>,
}

/// The heads of all chains, by shard.
///
/// # Errors
/// The database.
pub async fn heads(db: &mut PgConnection) -> Result<Vec<Head>, StoreError> {
    let heads = sqlx::query_as!(
        Head,
        "-- accounts.trail.heads
         SELECT shard, position, hash FROM audit_heads ORDER BY shard"
    )
    .fetch_all(db)
    .await?;
    Ok(heads)
}

/// One hash over all heads: whoever has written it down sees whether any row before it was changed since.
pub fn digest(heads: &[Head]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for head in heads {
        hash.update(head.shard.to_be_bytes());
        hash.update(head.position.to_be_bytes());
        hash.update(&head.hash);
    }
    hash.finalize().to_vec()
}
