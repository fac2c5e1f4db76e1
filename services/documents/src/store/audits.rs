//! SQL of the invariant check: counts of what must not be. Source: reliability section 9.

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use sqlx::PgPool;
use uuid::Uuid;

/// I1: Σ of ledger rows = `used_fen` ≤ amount, and the live allocations are exactly the rows that nothing reverses.
///
/// # Errors
/// The database is away.
pub async fn ledger(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- documents.audits.ledger
         SELECT (SELECT count(*) FROM invoices i
                 LEFT JOIN (SELECT invoice_id, sum(amount_fen)::bigint AS fen FROM ledger GROUP BY invoice_id) l ON l.invoice_id = i.id
                 WHERE i.used_fen <> coalesce(l.fen, 0) OR i.used_fen > i.amount_fen OR i.used_fen < 0)
              + (SELECT count(*) FROM (SELECT l.id, l.invoice_id, l.application_id, l.amount_fen FROM ledger l
                     WHERE l.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM ledger r WHERE r.reverses = l.id)) live
                 FULL JOIN allocations a ON a.ledger_id = live.id AND a.invoice_id = live.invoice_id
                     AND a.application_id = live.application_id AND a.used_fen = live.amount_fen
                 WHERE live.id IS NULL OR a.ledger_id IS NULL)
              + (SELECT count(*) FROM ledger r JOIN ledger l ON l.id = r.reverses
                 WHERE r.amount_fen <> -l.amount_fen OR r.invoice_id <> l.invoice_id OR r.application_id <> l.application_id)
              AS "count!""#,
    )
    .fetch_one(pool)
    .await
}

/// A locked dossier uses what its sealed revision says, and nothing else; what a sealed revision says that may stand
/// again is there, used or held; nothing is held for a dossier whose supplement is not worked on and does not wait for its
/// confirmation.
///
/// # Errors
/// The database is away.
pub async fn allocations(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- documents.audits.allocations
         SELECT (SELECT count(*) FROM
                     (SELECT a.* FROM allocations a JOIN dossiers d USING (application_id) WHERE d.state = 'sealed' AND NOT a.held) live
                 FULL JOIN (SELECT s.* FROM sealed_invoices s JOIN dossiers d USING (application_id, revision) WHERE d.state = 'sealed') says
                     ON says.application_id = live.application_id AND says.invoice_id = live.invoice_id AND says.used_fen = live.used_fen
                 WHERE says.invoice_id IS NULL OR live.invoice_id IS NULL)
              + (SELECT count(*) FROM dossiers d JOIN revisions r USING (application_id, revision)
                 JOIN sealed_invoices s ON s.application_id = d.application_id AND s.revision = r.base
                 WHERE d.state = 'open' AND r.base_may_stand
                   AND r.base = (SELECT max(x.revision) FROM revisions x WHERE x.application_id = d.application_id AND x.state = 'sealed')
                   AND s.used_fen > (SELECT coalesce(sum(a.used_fen), 0) FROM allocations a
                                     WHERE a.application_id = d.application_id AND a.invoice_id = s.invoice_id))
              + (SELECT count(*) FROM allocations a JOIN dossiers d USING (application_id)
                 LEFT JOIN revisions r USING (application_id, revision)
                 WHERE a.held AND (d.state IN ('closed', 'released') OR r.confirmed_at IS NOT NULL
                                   OR (d.state = 'open' AND NOT r.base_may_stand)))
              AS "count!""#,
    )
    .fetch_one(pool)
    .await
}

/// I2: one live invoice per identity, and its uses belong to the same company.
///
/// # Errors
/// The database is away.
pub async fn identities(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- documents.audits.identities
         SELECT (SELECT count(*) FROM (SELECT 1 FROM invoices WHERE deleted_at IS NULL GROUP BY identity HAVING count(*) > 1) twice)
              + (SELECT count(*) FROM allocations a JOIN invoices i ON i.id = a.invoice_id
                 JOIN dossiers d ON d.application_id = a.application_id WHERE d.operator_id <> i.operator_id)
              AS "count!""#,
    )
    .fetch_one(pool)
    .await
}

/// I7: the version of each dossier and invoice is that of its last event. Events are kept 30 days after they are published.
///
/// # Errors
/// The database is away.
pub async fn versions(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- documents.audits.versions
         SELECT count(*) AS "count!" FROM (
             SELECT 'dossier' AS type, application_id AS id, version, changed_at FROM dossiers
             UNION ALL SELECT 'invoice', id, version, changed_at FROM invoices) kept
         FULL JOIN (SELECT aggregate_type, aggregate_id, max(aggregate_version) AS version FROM outbox
                    GROUP BY aggregate_type, aggregate_id) told
             ON told.aggregate_type = kept.type AND told.aggregate_id = kept.id
         WHERE (told.version IS NOT NULL AND told.version IS DISTINCT FROM kept.version)
            OR (told.version IS NULL AND kept.version > 0 AND kept.changed_at > now() - interval '30 days')"#,
    )
    .fetch_one(pool)
    .await
}

/// Revisions: the present one of an open dossier is open and of a sealed one sealed; no other is open.
///
/// # Errors
/// The database is away.
pub async fn revisions(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- documents.audits.revisions
         SELECT (SELECT count(*) FROM dossiers d LEFT JOIN revisions r USING (application_id, revision)
                 WHERE (d.state = 'open' AND r.state IS DISTINCT FROM 'open') OR (d.state = 'sealed' AND r.state IS DISTINCT FROM 'sealed'))
              + (SELECT count(*) FROM revisions r JOIN dossiers d USING (application_id)
                 WHERE r.state = 'open' AND (d.state IN ('closed', 'sealed') OR d.revision <> r.revision))
              AS "count!""#,
    )
    .fetch_one(pool)
    .await
}

/// Hash and size of everything that must be in the object store.
pub fn contents(pool: &PgPool) -> BoxStream<'_, Result<(String, i64), sqlx::Error>> {
    sqlx::query!(
        "-- documents.audits.contents
         SELECT DISTINCT sha256, size_bytes FROM files WHERE state = 'clean'",
    )
    .fetch(pool)
    .map_ok(|row| (row.sha256, row.size_bytes))
    .boxed()
}

/// Whether a clean file has this content.
///
/// # Errors
/// The database is away.
pub async fn content_known(pool: &PgPool, sha256: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- documents.audits.content_known
         SELECT EXISTS (SELECT 1 FROM files WHERE sha256 = $1 AND state = 'clean') AS "known!""#,
        sha256,
    )
    .fetch_one(pool)
    .await
}

/// Whether this file waits for its inspection.
///
/// # Errors
/// The database is away.
pub async fn waiting_known(pool: &PgPool, id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- documents.audits.waiting_known
         SELECT EXISTS (SELECT 1 FROM files WHERE id = $1 AND state = 'pending') AS "known!""#,
        id,
    )
    .fetch_one(pool)
    .await
}
