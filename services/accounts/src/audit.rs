//! The invariants that this service answers for; each must count 0.

use chassis::audit::Report;
use futures::TryStreamExt as _;
use sqlx::PgPool;

use crate::{
    config::Config,
    store::{
        StoreError,
        audit::{Entry, row_hash},
    },
};

/// Every row: the shared ones, I7 (versions and events of operators), I10 (the audit chain), I12 (no secret in events,
/// stored answers or the audit), I13 (live sessions belong to active accounts in the right credential state).
///
/// # Errors
/// The database.
pub async fn check(pool: &PgPool, config: &Config) -> Result<Report, StoreError> {
    let mut report = chassis::audit::common(pool).await?;
    report.insert("I7".into(), events(pool).await?);
    report.insert("I10".into(), broken_links(pool, None).await?);
    report.insert("I12".into(), secrets(pool).await?);
    report.insert("I13".into(), sessions(pool, config).await?);
    Ok(report)
}

/// Operators whose version is not that of their last event, and events beyond their operator; rows published more than 30
/// days ago may be gone, so only younger changes are asked.
async fn events(pool: &PgPool) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"-- accounts.audit.I7
         SELECT count(*) AS "count!" FROM operators
         FULL JOIN (SELECT aggregate_id, max(aggregate_version) AS version FROM outbox
                    WHERE aggregate_type = 'operator' GROUP BY aggregate_id) AS events
             ON events.aggregate_id = operators.operator_id
         WHERE operators.version IS DISTINCT FROM events.version
           AND (operators.operator_id IS NULL OR events.version IS NOT NULL
                OR operators.changed_at > now() - interval '29 days')"#,
    )
    .fetch_one(pool)
    .await?;
    Ok(count)
}

/// Rows of the audit log, of one chain or of all, whose hash does not follow from the row before, and heads that name another
/// last row.
///
/// # Errors
/// The database.
pub async fn broken_links(pool: &PgPool, shard: Option<i16>) -> Result<i64, StoreError> {
    let mut rows = sqlx::query!(
        "-- accounts.audit.I10
         SELECT shard, position, happened_at, actor, actor_roles, session_id, authentication, act, subject, refusal, detail,
                previous_hash, hash
         FROM audit_log WHERE $1::smallint IS NULL OR shard = $1 ORDER BY shard, position",
        shard
    )
    .fetch(pool);
    let mut broken = 0;
    let mut last: Option<(i16, i64, Vec<u8>)> = None;
    while let Some(row) = rows.try_next().await? {
        let (position, previous) = match &last {
            Some((shard, position, hash)) if *shard == row.shard => (position + 1, hash.clone()),
            Some(_) | None => (1, vec![0; 32]),
        };
        let entry = Entry {
            at: row.happened_at,
            actor: &row.actor,
            actor_roles: &row.actor_roles,
            session_id: &row.session_id,
            authentication: &row.authentication,
            act: &row.act,
            subject: &row.subject,
            refusal: &row.refusal,
            detail: &row.detail,
        };
        let follows = row.position == position
            && row.previous_hash == previous
            && row.hash == row_hash(row.shard, row.position, &previous, &entry);
        broken += i64::from(!follows);
        last = Some((row.shard, row.position, row.hash));
    }
    drop(rows);
    let heads = sqlx::query_scalar!(
        r#"-- accounts.audit.I10_heads
         SELECT count(*) AS "count!" FROM audit_heads
         LEFT JOIN audit_log USING (shard, position)
         WHERE ($1::smallint IS NULL OR shard = $1)
           AND ((audit_heads.position > 0 AND audit_log.hash IS DISTINCT FROM audit_heads.hash)
                OR EXISTS (SELECT 1 FROM audit_log AS later
                           WHERE later.shard = audit_heads.shard AND later.position > audit_heads.position))"#,
        shard
    )
    .fetch_one(pool)
    .await?;
    Ok(broken + heads)
}

/// Password hashes, tokens or codes where only ids and codes may stand, second factors that are not sealed (nonce, secret and
/// tag have 48 bytes; 56 where the release before was shown an offer of this one, with its time), and deliveries that kept their text.
async fn secrets(pool: &PgPool) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"-- accounts.audit.I12
         SELECT (SELECT count(*) FROM outbox WHERE position('$argon2'::bytea IN payload) > 0)
              + (SELECT count(*) FROM requests WHERE position('$argon2'::bytea IN response) > 0)
              + (SELECT count(*) FROM requests WHERE method LIKE '/yuchong.accounts.v1.Sessions/%'
                     OR method LIKE '/yuchong.accounts.v1.Machines/Issue%')
              + (SELECT count(*) FROM audit_log WHERE position('$argon2' IN detail) > 0)
              + (SELECT count(*) FROM credentials WHERE hash NOT LIKE '$argon2%')
              + (SELECT count(*) FROM second_factors WHERE length(secret) NOT IN (48, 56))
              + (SELECT count(*) FROM deliveries WHERE performed_at IS NOT NULL AND text IS NOT NULL) AS "count!""#,
    )
    .fetch_one(pool)
    .await?;
    Ok(count)
}

/// Live sessions of accounts that may have none, and second live sessions of officials.
async fn sessions(pool: &PgPool, config: &Config) -> Result<i64, StoreError> {
    let hours = i32::try_from(config.sessions.max_hours).unwrap_or(i32::MAX);
    let count = sqlx::query_scalar!(
        r#"-- accounts.audit.I13
         SELECT count(*) AS "count!" FROM sessions
         JOIN users USING (user_id)
         LEFT JOIN credentials USING (user_id)
         LEFT JOIN operators USING (operator_id)
         WHERE sessions.ended_at IS NULL AND sessions.started_at > now() - make_interval(hours => $1)
           AND (NOT users.active OR credentials.state IS DISTINCT FROM 'normal' OR operators.state = 'Suspended'
                OR sessions.official <> (users.operator_id IS NULL))"#,
        hours
    )
    .fetch_one(pool)
    .await?;
    Ok(count)
}
