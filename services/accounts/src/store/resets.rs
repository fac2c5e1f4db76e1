//! Table `reset_requests`: codes asked for because a password was forgotten.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;
use crate::domain::reset::{Asked, Count};

/// How long requests are kept; the settings let none count longer.
const KEEP: Duration = Duration::days(1);

/// What a request counts against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// See [`crate::secrets::login_hash`].
    pub login_hash: Vec<u8>,
    /// SHA-256 of the phone as typed.
    pub phone_hash: Vec<u8>,
    /// The phone as typed, masked: what the asker is shown, whether or not it is on file.
    pub masked_phone: String,
    /// Client address.
    pub address: String,
}

/// Earlier requests of the same login, phone and address after `since`.
///
/// # Errors
/// The database.
pub async fn asked(db: &mut PgConnection, keys: &Keys, since: OffsetDateTime) -> Result<Asked, StoreError> {
    let row = sqlx::query!(
        r#"-- accounts.resets.asked
         SELECT login.number AS "login!", login.oldest AS login_oldest, phone.number AS "phone!",
                phone.oldest AS phone_oldest, address.number AS "address!", address.oldest AS address_oldest,
                EXISTS (SELECT 1 FROM sign_in_attempts
                        WHERE login_hash = $1 AND address = $3 AND outcome = 'succeeded') AS "known_address!"
         FROM (SELECT count(*) AS number, min(requested_at) AS oldest FROM reset_requests
               WHERE login_hash = $1 AND requested_at > $4) AS login,
              (SELECT count(*) AS number, min(requested_at) AS oldest FROM reset_requests
               WHERE phone_hash = $2 AND requested_at > $4) AS phone,
              (SELECT count(*) AS number, min(requested_at) AS oldest FROM reset_requests
               WHERE address = $3 AND requested_at > $4) AS address"#,
        keys.login_hash,
        keys.phone_hash,
        keys.address,
        since
    )
    .fetch_one(db)
    .await?;
    Ok(Asked {
        login: Count { number: row.login, oldest: row.login_oldest },
        phone: Count { number: row.phone, oldest: row.phone_oldest },
        address: Count { number: row.address, oldest: row.address_oldest },
        known_address: row.known_address,
    })
}

/// Writes a request.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    ticket: Uuid,
    keys: &Keys,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.resets.insert
         INSERT INTO reset_requests (request_id, ticket_id, login_hash, phone_hash, masked_phone, address, requested_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        ticket,
        keys.login_hash,
        keys.phone_hash,
        keys.masked_phone,
        keys.address,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was typed when a ticket was asked for.
///
/// # Errors
/// The database.
pub async fn of_ticket(db: &mut PgConnection, ticket: Uuid) -> Result<Option<Keys>, StoreError> {
    let found = sqlx::query_as!(
        Keys,
        "-- accounts.resets.of_ticket
         SELECT login_hash, phone_hash, masked_phone, address FROM reset_requests
         WHERE ticket_id = $1 ORDER BY requested_at, request_id LIMIT 1",
        ticket
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Forgets what is too old to count.
///
/// # Errors
/// The database.
pub async fn prune(db: &mut PgConnection, now: OffsetDateTime) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "-- accounts.resets.prune
         DELETE FROM reset_requests WHERE request_id IN
             (SELECT request_id FROM reset_requests WHERE requested_at < $1 LIMIT 10000)",
        now - KEEP
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
