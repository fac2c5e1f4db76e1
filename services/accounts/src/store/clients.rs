//! Table `machine_clients`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::OperatorId;

/// An outside system with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// Name for people.
    pub name: String,
    /// SHA-256 of its secret.
    pub secret_hash: Vec<u8>,
    /// Role codes.
    pub roles: Vec<String>,
    /// Whose data it delivers.
    pub operator_id: OperatorId,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
}

struct Row {
    client_id: String,
    name: String,
    secret_hash: Vec<u8>,
    roles: Vec<String>,
    operator_id: Uuid,
    issued_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
}

impl From<Row> for Client {
    fn from(row: Row) -> Self {
        Self {
            client_id: row.client_id,
            name: row.name,
            secret_hash: row.secret_hash,
            roles: row.roles,
            operator_id: OperatorId(row.operator_id),
            issued_at: row.issued_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// A new client, unless this request has issued one: then that one's id.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    client: &Client,
    request_id: Uuid,
    by: &str,
) -> Result<Option<String>, StoreError> {
    let done = sqlx::query!(
        "-- accounts.clients.insert
         INSERT INTO machine_clients (client_id, name, secret_hash, roles, operator_id, request_id, issued_at, issued_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (request_id) DO NOTHING",
        client.client_id,
        client.name,
        client.secret_hash,
        &client.roles,
        client.operator_id.0,
        request_id,
        client.issued_at,
        by
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(None);
    }
    let earlier = sqlx::query_scalar!(
        "-- accounts.clients.of_request
         SELECT client_id FROM machine_clients WHERE request_id = $1",
        request_id
    )
    .fetch_one(db)
    .await?;
    Ok(Some(earlier))
}

/// A client by its id.
///
/// # Errors
/// The database.
pub async fn find(db: &mut PgConnection, client_id: &str) -> Result<Option<Client>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "-- accounts.clients.find
         SELECT client_id, name, secret_hash, roles, operator_id, issued_at, revoked_at
         FROM machine_clients WHERE client_id = $1",
        client_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Client::from))
}

/// A page of clients by id, after a key, perhaps of one operator only.
///
/// # Errors
/// The database.
pub async fn list(
    db: &mut PgConnection,
    operator: Option<OperatorId>,
    after: Option<String>,
    limit: i64,
) -> Result<Vec<Client>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "-- accounts.clients.list
         SELECT client_id, name, secret_hash, roles, operator_id, issued_at, revoked_at FROM machine_clients
         WHERE ($1::uuid IS NULL OR operator_id = $1) AND ($2::text IS NULL OR client_id > $2)
         ORDER BY client_id LIMIT $3",
        operator.map(|operator| operator.0),
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Client::from).collect())
}

/// Revokes a client; does nothing where it is revoked.
///
/// # Errors
/// The database.
pub async fn revoke(
    db: &mut PgConnection,
    client_id: &str,
    at: OffsetDateTime,
    by: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.clients.revoke
         UPDATE machine_clients SET revoked_at = $2, revoked_by = $3 WHERE client_id = $1 AND revoked_at IS NULL",
        client_id,
        at,
        by
    )
    .execute(db)
    .await?;
    Ok(())
}
