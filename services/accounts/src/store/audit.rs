//! Table `audit_log`: append only, chained per shard. Writes one row inside the unit of what it records, so that the
//! act fails where its record fails. Checking the chain is in `audit.rs`.

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::StoreError;

/// What is recorded. Codes and ids only.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// When; database time.
    pub at: OffsetDateTime,
    /// Principal that acted.
    pub actor: &'a str,
    /// Its roles at that time.
    pub actor_roles: &'a [String],
    /// Its session.
    pub session_id: &'a str,
    /// How it had proved itself.
    pub authentication: &'a str,
    /// What was done, imperative, snake case.
    pub act: &'a str,
    /// What it was done to.
    pub subject: &'a str,
    /// Reason of a refusal; empty where it was done.
    pub refusal: &'a str,
    /// More, in codes.
    pub detail: &'a str,
}

/// Appends a row to the chain of its subject's shard.
///
/// # Errors
/// The database.
pub async fn append(db: &mut PgConnection, entry: Entry<'_>) -> Result<(), StoreError> {
    let shard = i16::from(Sha256::digest(entry.subject.as_bytes())[0] % 64);
    let head = sqlx::query!(
        "-- accounts.audit.lock_head
         SELECT position, hash FROM audit_heads WHERE shard = $1 FOR UPDATE",
        shard
    )
    .fetch_one(&mut *db)
    .await?;
    let position = head.position + 1;
    let hash = row_hash(shard, position, &head.hash, &entry);
    sqlx::query!(
        "-- accounts.audit.append
         INSERT INTO audit_log (shard, position, happened_at, actor, actor_roles, session_id, authentication, act, subject,
                                refusal, detail, previous_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        shard,
        position,
        entry.at,
        entry.actor,
        entry.actor_roles,
        entry.session_id,
        entry.authentication,
        entry.act,
        entry.subject,
        entry.refusal,
        entry.detail,
        head.hash,
        hash
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- accounts.audit.move_head
         UPDATE audit_heads SET position = $2, hash = $3 WHERE shard = $1",
        shard,
        position,
        hash
    )
    .execute(db)
    .await?;
    Ok(())
}

/// SHA-256 over the previous hash and the row in canonical form: each field with its length before it.
pub fn row_hash(shard: i16, position: i64, previous: &[u8], entry: &Entry<'_>) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(shard.to_be_bytes());
    hash.update(position.to_be_bytes());
    // PostgreSQL keeps microseconds.
    hash.update((entry.at.unix_timestamp_nanos() / 1_000).to_be_bytes());
    let roles = entry.actor_roles.join(",");
    for field in [
        entry.actor,
        &roles,
        entry.session_id,
        entry.authentication,
        entry.act,
        entry.subject,
        entry.refusal,
        entry.detail,
    ] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    hash.finalize().to_vec()
}
