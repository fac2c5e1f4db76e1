//! Table `credentials`: one password hash per user.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::StoreError;
use crate::domain::{ids::UserId, session::CredentialState};

/// A user's password credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Argon2 PHC string.
    pub hash: String,
    /// State.
    pub state: CredentialState,
    /// When the password was set.
    pub changed_at: OffsetDateTime,
    /// One-time passwords: valid until.
    pub expires_at: Option<OffsetDateTime>,
    /// One-time passwords: when it bought its ticket.
    pub used_at: Option<OffsetDateTime>,
}

struct Row {
    hash: String,
    state: String,
    changed_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    used_at: Option<OffsetDateTime>,
}

impl Row {
    fn credential(self, user: UserId) -> Result<Credential, StoreError> {
        let state = CredentialState::parse(&self.state)
            .ok_or(StoreError::Corrupt { table: "credentials", id: user.to_string() })?;
        Ok(Credential {
            hash: self.hash,
            state,
            changed_at: self.changed_at,
            expires_at: self.expires_at,
            used_at: self.used_at,
        })
    }
}

/// A user's credential.
///
/// # Errors
/// The database.
pub async fn find(db: &mut PgConnection, user: UserId) -> Result<Option<Credential>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.credentials.find
         SELECT hash, state, changed_at, expires_at, used_at FROM credentials WHERE user_id = $1",
        user.0
    )
    .fetch_optional(db)
    .await?
    .map(|row| row.credential(user))
    .transpose()
}

/// A user's credential, locked until the unit ends.
///
/// # Errors
/// The database.
pub async fn lock(db: &mut PgConnection, user: UserId) -> Result<Option<Credential>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.credentials.lock
         SELECT hash, state, changed_at, expires_at, used_at FROM credentials WHERE user_id = $1 FOR UPDATE",
        user.0
    )
    .fetch_optional(db)
    .await?
    .map(|row| row.credential(user))
    .transpose()
}

/// Sets a user's credential, whatever stood before.
///
/// # Errors
/// The database.
pub async fn put(db: &mut PgConnection, user: UserId, credential: &Credential) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.credentials.put
         INSERT INTO credentials (user_id, hash, state, changed_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, state = excluded.state,
             changed_at = excluded.changed_at, expires_at = excluded.expires_at, used_at = excluded.used_at",
        user.0,
        credential.hash,
        credential.state.name(),
        credential.changed_at,
        credential.expires_at,
        credential.used_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The same password under a hash of today's costs.
///
/// # Errors
/// The database.
pub async fn rehash(db: &mut PgConnection, user: UserId, hash: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.credentials.rehash
         UPDATE credentials SET hash = $2 WHERE user_id = $1",
        user.0,
        hash
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a one-time password as used.
///
/// # Errors
/// The database.
pub async fn spend(db: &mut PgConnection, user: UserId, at: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.credentials.spend
         UPDATE credentials SET used_at = $2 WHERE user_id = $1 AND state = 'one_time' AND used_at IS NULL",
        user.0,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}
