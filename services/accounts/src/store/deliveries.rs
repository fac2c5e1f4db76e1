//! Table `deliveries`: intents to send, and what became of them. Sending is in `sender.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;

/// What a delivery is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A one-time password.
    OneTimePassword,
    /// A code.
    OneTimeCode,
}

impl Kind {
    /// Its name in the database and in the outbox file.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneTimePassword => "one_time_password",
            Self::OneTimeCode => "one_time_code",
        }
    }
}

/// A delivery that a worker has claimed.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, passed on so that a repetition can be told.
    pub id: Uuid,
    /// Phone number, or `login:<name>` where none is on file.
    pub recipient: String,
    /// Name of its [`Kind`].
    pub kind: String,
    /// What to send. A secret.
    pub text: String,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

/// Records the intent.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    recipient: &str,
    kind: Kind,
    text: &str,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.deliveries.insert
         INSERT INTO deliveries (delivery_id, recipient, kind, text, created_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        recipient,
        kind.name(),
        text,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Claims the oldest open delivery for a minute.
///
/// # Errors
/// The database.
pub async fn claim(db: &mut PgConnection) -> Result<Option<Delivery>, StoreError> {
    let row = sqlx::query!(
        r#"-- accounts.deliveries.claim
         UPDATE deliveries SET claimed_until = now() + interval '1 minute', attempts = attempts + 1
         WHERE delivery_id = (SELECT delivery_id FROM deliveries
                              WHERE performed_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
                              ORDER BY created_at, delivery_id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING delivery_id, recipient, kind, text AS "text!", created_at"#,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Delivery {
        id: row.delivery_id,
        recipient: row.recipient,
        kind: row.kind,
        text: row.text,
        created_at: row.created_at,
    }))
}

/// The delivery has left: its text is forgotten.
///
/// # Errors
/// The database.
pub async fn performed(db: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.deliveries.performed
         UPDATE deliveries SET performed_at = now(), text = NULL, last_error = NULL WHERE delivery_id = $1",
        id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The delivery did not leave; it is tried again when its claim ends.
///
/// # Errors
/// The database.
pub async fn failed(db: &mut PgConnection, id: Uuid, error: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.deliveries.failed
         UPDATE deliveries SET last_error = $2 WHERE delivery_id = $1 AND performed_at IS NULL",
        id,
        error
    )
    .execute(db)
    .await?;
    Ok(())
}
