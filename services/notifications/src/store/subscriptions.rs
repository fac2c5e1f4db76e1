//! Rows of `webhook_subscriptions`, `webhook_secrets` and `webhook_acts`.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::COUNT_MAX;
use crate::domain::webhook::subscription::Draft;

/// Why a subscription may be disabled. The table has the same list.
pub const REASONS: [&str; 3] = ["person", "failing", "gone"];

/// A subscription as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Its id.
    pub subscription_id: Uuid,
    /// For people.
    pub name: String,
    /// Where events are posted.
    pub url: String,
    /// Names of the catalogue.
    pub event_types: Vec<String>,
    /// Division code; empty for every prefecture.
    pub prefecture: String,
    /// Empty while it is active.
    pub disabled_reason: String,
    /// When it was disabled.
    pub disabled_at: Option<OffsetDateTime>,
    /// Since when no attempt has succeeded.
    pub failing_since: Option<OffsetDateTime>,
    /// User.
    pub created_by: String,
    /// When.
    pub created_at: OffsetDateTime,
    /// When the present secret was issued.
    pub secret_issued_at: OffsetDateTime,
    /// Until when the one before signs too.
    pub previous_secret_until: Option<OffsetDateTime>,
    /// Deliveries that wait, up to 1,001.
    pub waiting: i64,
}

/// Adds a subscription.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    subscription_id: Uuid,
    draft: &Draft,
    by: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.subscriptions.insert
        INSERT INTO webhook_subscriptions (subscription_id, name, url, event_types, prefecture, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        subscription_id,
        draft.name,
        draft.url,
        &draft.event_types,
        draft.prefecture,
        by,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks a subscription for a change by a person; whether there is one.
///
/// # Errors
/// The database is away.
pub async fn lock(db: &mut PgConnection, subscription_id: Uuid) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "-- notifications.subscriptions.lock
        SELECT subscription_id FROM webhook_subscriptions WHERE subscription_id = $1 FOR NO KEY UPDATE",
        subscription_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// How many are active; nobody else activates one until the transaction ends.
///
/// # Errors
/// The database is away.
pub async fn count_active(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query!(
        "-- notifications.subscriptions.activations_in_turn
        SELECT pg_advisory_xact_lock(hashtextextended('notifications.subscriptions.activate', 0))"
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"-- notifications.subscriptions.count_active
        SELECT count(*) AS "count!" FROM webhook_subscriptions WHERE disabled_reason = ''"#
    )
    .fetch_one(db)
    .await
}

/// How many subscriptions are disabled, by reason; reasons of none are left out.
///
/// # Errors
/// The database is away.
pub async fn disabled(pool: &PgPool) -> Result<Vec<(String, f64)>, sqlx::Error> {
    sqlx::query_as(
        "-- notifications.subscriptions.disabled
        SELECT disabled_reason, count(*)::float8 FROM webhook_subscriptions WHERE disabled_reason <> '' GROUP BY disabled_reason",
    )
    .fetch_all(pool)
    .await
}

/// Disables an active subscription for a reason; whether it was active.
///
/// # Errors
/// The database is away.
pub async fn disable(
    db: &mut PgConnection,
    subscription_id: Uuid,
    reason: &str,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "-- notifications.subscriptions.disable
        UPDATE webhook_subscriptions SET disabled_reason = $2, disabled_at = $3
        WHERE subscription_id = $1 AND disabled_reason = ''",
        subscription_id,
        reason,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a disabled subscription active, with a clean record; whether it was disabled.
///
/// # Errors
/// The database is away.
pub async fn enable(db: &mut PgConnection, subscription_id: Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "-- notifications.subscriptions.enable
        UPDATE webhook_subscriptions
        SET disabled_reason = '', disabled_at = NULL, failing_since = NULL, held_until = NULL
        WHERE subscription_id = $1 AND disabled_reason <> ''",
        subscription_id,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that an attempt succeeded.
///
/// # Errors
/// The database is away.
pub async fn note_success(db: &mut PgConnection, subscription_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.subscriptions.note_success
        UPDATE webhook_subscriptions SET failing_since = NULL
        WHERE subscription_id = $1 AND failing_since IS NOT NULL",
        subscription_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that an attempt failed, and a pause that the receiver asked for; answers since when it fails, and its name.
///
/// # Errors
/// The database is away.
pub async fn note_failure(
    db: &mut PgConnection,
    subscription_id: Uuid,
    now: OffsetDateTime,
    held_until: Option<OffsetDateTime>,
) -> Result<(OffsetDateTime, String), sqlx::Error> {
    sqlx::query!(
        "-- notifications.subscriptions.note_failure
        UPDATE webhook_subscriptions
        SET failing_since = COALESCE(failing_since, $2), held_until = greatest(held_until, $3)
        WHERE subscription_id = $1 AND (failing_since IS NULL OR $3::timestamptz IS NOT NULL)",
        subscription_id,
        now,
        held_until,
    )
    .execute(&mut *db)
    .await?;
    let row = sqlx::query!(
        "-- notifications.subscriptions.failing_since
        SELECT failing_since, name FROM webhook_subscriptions WHERE subscription_id = $1",
        subscription_id,
    )
    .fetch_one(db)
    .await?;
    Ok((row.failing_since.unwrap_or(now), row.name))
}

/// Subscriptions after a key, newest first; or the one of this id.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    only: Option<Uuid>,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<SubscriptionRow>, sqlx::Error> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        SubscriptionRow,
        r#"-- notifications.subscriptions.list
        SELECT subscription.subscription_id, name, url, event_types, prefecture, disabled_reason, disabled_at,
               failing_since, created_by, created_at, present.issued_at AS "secret_issued_at!",
               (SELECT max(until) FROM webhook_secrets previous
                WHERE previous.subscription_id = subscription.subscription_id AND previous.until > now())
                   AS previous_secret_until,
               (SELECT count(*) FROM (SELECT FROM webhook_deliveries delivery
                                      WHERE delivery.subscription_id = subscription.subscription_id
                                        AND delivery.state = 'waiting' LIMIT $5) AS counted) AS "waiting!"
        FROM webhook_subscriptions subscription
        JOIN webhook_secrets present
          ON present.subscription_id = subscription.subscription_id AND present.until IS NULL
        WHERE ($1::uuid IS NULL OR subscription.subscription_id = $1)
          AND ($2::timestamptz IS NULL OR (created_at, subscription.subscription_id) < ($2, $3))
        ORDER BY created_at DESC, subscription.subscription_id DESC LIMIT $4"#,
        only,
        at,
        id,
        limit,
        COUNT_MAX + 1,
    )
    .fetch_all(db)
    .await
}

/// Adds the present secret; the one before signs until `overlap`. False where the request has issued one already.
///
/// # Errors
/// The database is away.
pub async fn insert_secret(
    db: &mut PgConnection,
    secret: &SecretRow,
    request_id: Uuid,
    by: &str,
    now: OffsetDateTime,
    overlap: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    sqlx::query!(
        "-- notifications.subscriptions.retire_secret
        UPDATE webhook_secrets SET until = $2 WHERE subscription_id = $1 AND until IS NULL",
        secret.subscription_id,
        overlap,
    )
    .execute(&mut *db)
    .await?;
    let done = sqlx::query!(
        "-- notifications.subscriptions.insert_secret
        INSERT INTO webhook_secrets (secret_id, subscription_id, sealed, request_id, issued_at, issued_by)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (request_id) DO NOTHING",
        secret.secret_id,
        secret.subscription_id,
        secret.sealed,
        request_id,
        now,
        by,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The subscription for which a request has issued a secret.
///
/// # Errors
/// The database is away.
pub async fn issued_by_request(db: &mut PgConnection, request_id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- notifications.subscriptions.issued_by_request
        SELECT subscription_id FROM webhook_secrets WHERE request_id = $1",
        request_id,
    )
    .fetch_optional(db)
    .await
}

/// A sealed secret.
#[derive(Debug, Clone)]
pub struct SecretRow {
    /// With the subscription it names the place that it is sealed for.
    pub secret_id: Uuid,
    /// Whose.
    pub subscription_id: Uuid,
    /// Nonce and bytes.
    pub sealed: Vec<u8>,
}

/// The secrets that sign now, the present one first.
///
/// # Errors
/// The database is away.
pub async fn secrets(db: &mut PgConnection, subscription_id: Uuid) -> Result<Vec<SecretRow>, sqlx::Error> {
    sqlx::query_as!(
        SecretRow,
        "-- notifications.subscriptions.secrets
        SELECT secret_id, subscription_id, sealed FROM webhook_secrets
        WHERE subscription_id = $1 AND (until IS NULL OR until > now())
        ORDER BY until DESC NULLS FIRST",
        subscription_id,
    )
    .fetch_all(db)
    .await
}

/// The secrets by which its receiver is believed: those that sign now, and none once a person has disabled the subscription.
///
/// # Errors
/// The database is away.
pub async fn believed(db: &mut PgConnection, subscription_id: Uuid) -> Result<Vec<SecretRow>, sqlx::Error> {
    sqlx::query_as!(
        SecretRow,
        "-- notifications.subscriptions.believed
        SELECT secret_id, subscription_id, sealed FROM webhook_secrets
        JOIN webhook_subscriptions USING (subscription_id)
        WHERE subscription_id = $1 AND (until IS NULL OR until > now()) AND disabled_reason <> 'person'",
        subscription_id,
    )
    .fetch_all(db)
    .await
}

/// What a person, or the service itself, did to a subscription.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// Its id.
    pub act_id: Uuid,
    /// To which.
    pub subscription_id: Uuid,
    /// Imperative, snake case.
    pub act: &'a str,
    /// More, in codes.
    pub detail: &'a str,
    /// Who.
    pub actor: &'a str,
    /// When.
    pub at: OffsetDateTime,
}

/// Records an act, in the transaction of what it records.
///
/// # Errors
/// The database is away.
pub async fn record(db: &mut PgConnection, act: Act<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.subscriptions.record
        INSERT INTO webhook_acts (act_id, subscription_id, act, detail, actor, at) VALUES ($1, $2, $3, $4, $5, $6)",
        act.act_id,
        act.subscription_id,
        act.act,
        act.detail,
        act.actor,
        act.at,
    )
    .execute(db)
    .await?;
    Ok(())
}
