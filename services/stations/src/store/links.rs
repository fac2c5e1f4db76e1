//! Links and their sealed secrets.
use std::collections::BTreeMap;

use chassis::{Failure, Work};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{
    Finding, Refusal,
    link::{Change, Deed, Direction},
};

/// A link as it is kept.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whose.
    pub operator_id: Uuid,
    /// OperatorID on the wire.
    pub organisation_code: String,
    /// `active` or `revoked`.
    pub state: String,
    /// The access switch.
    pub open: bool,
    /// Clock window, seconds.
    pub window_secs: i32,
    /// Organisation codes.
    pub hosted: Vec<String>,
    /// Where the operator's system is.
    pub base_url: String,
    /// Of its paths.
    pub protocol_version: String,
    /// Method to path.
    pub paths: Json<BTreeMap<String, String>>,
    /// Standard spelling to the one sent.
    pub spellings: Json<BTreeMap<String, String>>,
    /// Rises with each change.
    pub version: i64,
    /// Certificates that alone are believed; empty: the public ones.
    pub authority: String,
    /// Of the last change.
    pub updated_at: OffsetDateTime,
    /// Name of the deed; empty where it was not kept.
    pub changed_how: String,
    /// Whether it was the operator itself.
    pub changed_by_operator: bool,
    /// The office of whoever else it was.
    pub changed_by_office: String,
    /// The version of which the three tell: a process of the release before raises `version` alone.
    pub changed_version: i64,
}

impl Row {
    /// What was done last; none where it was not kept.
    #[must_use]
    pub fn last(&self) -> Option<Change> {
        if self.changed_version != self.version {
            return None;
        }
        Some(Change {
            deed: Deed::of(&self.changed_how)?,
            by_operator: self.changed_by_operator,
            office: self.changed_by_office.clone(),
            at: self.updated_at,
        })
    }
}

/// What a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One of [`crate::domain::link::STATES`]; empty: all.
    pub state: String,
    /// A piece of the organisation code or of the address, in lower case; empty: all.
    pub text: String,
}

/// A set of secrets as it is kept.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Whose link it belongs to.
    pub operator_id: Uuid,
    /// Its id.
    pub secret_id: Uuid,
    /// `inbound` or `outbound`.
    pub direction: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// When it ends.
    pub retires_at: Option<OffsetDateTime>,
}

/// One operator's link, locked.
///
/// # Errors
/// The database is away or busy.
pub async fn lock(work: &mut Work, operator_id: Uuid) -> Result<Option<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        r#"-- stations.links.lock
         SELECT operator_id, organisation_code, state, open, window_secs, hosted, base_url, protocol_version,
                paths AS "paths: Json<BTreeMap<String, String>>", spellings AS "spellings: Json<BTreeMap<String, String>>",
                version, authority, updated_at, changed_how, changed_by_operator, changed_by_office, changed_version
         FROM links WHERE operator_id = $1 FOR UPDATE"#,
        operator_id
    )
    .fetch_optional(work.db())
    .await?)
}

/// One operator's link.
///
/// # Errors
/// The database is away or busy.
pub async fn find(db: &mut PgConnection, operator_id: Uuid) -> Result<Option<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        r#"-- stations.links.find
         SELECT operator_id, organisation_code, state, open, window_secs, hosted, base_url, protocol_version,
                paths AS "paths: Json<BTreeMap<String, String>>", spellings AS "spellings: Json<BTreeMap<String, String>>",
                version, authority, updated_at, changed_how, changed_by_operator, changed_by_office, changed_version
         FROM links WHERE operator_id = $1"#,
        operator_id
    )
    .fetch_optional(db)
    .await?)
}

/// The link of an organisation code.
///
/// # Errors
/// The database is away or busy.
pub async fn find_by_code(db: &mut PgConnection, code: &str) -> Result<Option<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        r#"-- stations.links.find_by_code
         SELECT operator_id, organisation_code, state, open, window_secs, hosted, base_url, protocol_version,
                paths AS "paths: Json<BTreeMap<String, String>>", spellings AS "spellings: Json<BTreeMap<String, String>>",
                version, authority, updated_at, changed_how, changed_by_operator, changed_by_office, changed_version
         FROM links WHERE organisation_code = $1"#,
        code
    )
    .fetch_optional(db)
    .await?)
}

/// One page in the order of organisation codes, after `after`.
///
/// # Errors
/// The database is away or busy.
pub async fn list(
    db: &mut PgConnection,
    filter: &Filter,
    after: Option<&str>,
    size: i64,
) -> Result<Vec<Row>, Failure> {
    Ok(sqlx::query_as!(
        Row,
        r#"-- stations.links.list
         SELECT operator_id, organisation_code, state, open, window_secs, hosted, base_url, protocol_version,
                paths AS "paths: Json<BTreeMap<String, String>>", spellings AS "spellings: Json<BTreeMap<String, String>>",
                version, authority, updated_at, changed_how, changed_by_operator, changed_by_office, changed_version
         FROM links
         WHERE ($1 = '' OR CASE WHEN state = 'revoked' THEN 'revoked' WHEN open THEN 'open' ELSE 'closed' END = $1)
           AND ($2 = '' OR strpos(lower(organisation_code), $2) > 0 OR strpos(lower(base_url), $2) > 0)
           AND organisation_code > $3
         ORDER BY organisation_code LIMIT $4"#,
        filter.state,
        filter.text,
        after.unwrap_or_default(),
        size
    )
    .fetch_all(db)
    .await?)
}

/// Keeps a new link, or the next version of a locked one.
///
/// # Errors
/// `link_exists` when another request has made the link meanwhile; `registered_meanwhile` when another operator's link has the code; the database is away or busy.
pub async fn save(work: &mut Work, row: &Row) -> Result<(), Failure> {
    let done = sqlx::query!(
        "-- stations.links.save
         INSERT INTO links (operator_id, organisation_code, state, open, window_secs, hosted, base_url, protocol_version,
                paths, spellings, version, authority, created_at, updated_at,
                changed_how, changed_by_operator, changed_by_office, changed_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16, $17)
         ON CONFLICT (operator_id) DO UPDATE SET state = excluded.state, open = excluded.open,
                window_secs = excluded.window_secs, hosted = excluded.hosted, base_url = excluded.base_url,
                protocol_version = excluded.protocol_version, paths = excluded.paths, spellings = excluded.spellings,
                version = excluded.version, authority = excluded.authority, updated_at = excluded.updated_at,
                changed_how = excluded.changed_how, changed_by_operator = excluded.changed_by_operator,
                changed_by_office = excluded.changed_by_office, changed_version = excluded.changed_version
         WHERE links.version = excluded.version - 1",
        row.operator_id,
        row.organisation_code,
        row.state,
        row.open,
        row.window_secs,
        &row.hosted,
        row.base_url,
        row.protocol_version,
        serde_json::to_value(&row.paths).map_err(Failure::internal)?,
        serde_json::to_value(&row.spellings).map_err(Failure::internal)?,
        row.version,
        row.authority,
        row.updated_at,
        row.changed_how,
        row.changed_by_operator,
        row.changed_by_office,
        row.changed_version
    )
    .execute(work.db())
    .await
    .map_err(super::lost_race)?;
    if done.rows_affected() == 0 {
        return Err(Finding::new("operator_id", Refusal::LinkExists).into());
    }
    Ok(())
}

/// Sets of secrets of these operators' links that are valid at `now`, the newest first.
///
/// # Errors
/// The database is away or busy.
pub async fn secrets(
    db: &mut PgConnection,
    operator_ids: &[Uuid],
    now: OffsetDateTime,
) -> Result<Vec<Sealed>, Failure> {
    Ok(sqlx::query_as!(
        Sealed,
        "-- stations.links.secrets
         SELECT operator_id, secret_id, direction, sealed, issued_at, retires_at FROM link_secrets
         WHERE operator_id = ANY ($1) AND (retires_at IS NULL OR retires_at > $2)
         ORDER BY issued_at DESC, secret_id DESC",
        operator_ids,
        now
    )
    .fetch_all(db)
    .await?)
}

/// Ends the secrets of a direction: the newest at `newest_until`, those that are ending already at once.
///
/// # Errors
/// The database is away or busy.
pub async fn retire(
    work: &mut Work,
    operator_id: Uuid,
    direction: Direction,
    newest_until: OffsetDateTime,
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.links.retire
         UPDATE link_secrets SET retires_at = CASE WHEN retires_at IS NULL THEN $3 ELSE least(retires_at, $4) END
         WHERE operator_id = $1 AND direction = $2 AND (retires_at IS NULL OR retires_at > $4)",
        operator_id,
        direction.name(),
        newest_until,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Keeps a set of secrets; `false` when the request has issued one before.
///
/// # Errors
/// The database is away or busy.
pub async fn insert_secret(
    work: &mut Work,
    operator_id: Uuid,
    direction: Direction,
    secret_id: Uuid,
    request_id: Uuid,
    sealed: &[u8],
) -> Result<bool, Failure> {
    let (now, by) = (work.now(), work.caller().subject.clone());
    let done = sqlx::query!(
        "-- stations.links.insert_secret
         INSERT INTO link_secrets (secret_id, operator_id, direction, request_id, sealed, issued_by, issued_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (request_id) DO NOTHING",
        secret_id,
        operator_id,
        direction.name(),
        request_id,
        sealed,
        by,
        now
    )
    .execute(work.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a request has issued secrets.
///
/// # Errors
/// The database is away or busy.
pub async fn issued(work: &mut Work, request_id: Uuid) -> Result<bool, Failure> {
    Ok(sqlx::query_scalar!(
        r#"-- stations.links.issued
         SELECT EXISTS (SELECT 1 FROM link_secrets WHERE request_id = $1) AS "issued!""#,
        request_id
    )
    .fetch_one(work.db())
    .await?)
}
