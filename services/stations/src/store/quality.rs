//! Rows of `quality_items`: what was rejected or corrected, once per content, with a count.
use std::collections::HashMap;

use chassis::{Failure, Work};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Distinct items of one operator, day (Asia/Shanghai) and reason that are kept; of the rest the day's counts tell. A client that
/// sends nonsense does not fill the disk. Writers at the same time may pass it by a flush.
pub const OF_A_DAY_MAX: i64 = 1_000;

/// One item on its way into the table.
#[derive(Debug, Clone)]
pub struct Item {
    /// Whose data.
    pub operator_id: Uuid,
    /// `station`, `status`, `order`, `telemetry`, `statistics` or `order_check`.
    pub kind: &'static str,
    /// Connector code as sent, shortened and without control characters.
    pub connector_code: String,
    /// Order number, likewise.
    pub order_no: String,
    /// Stable reason id.
    pub reason: &'static str,
    /// Field.
    pub field: String,
    /// What was sent.
    pub content: serde_json::Value,
    /// In which batch.
    pub batch_id: String,
}

impl Item {
    fn fingerprint(&self) -> Vec<u8> {
        let text = format!("{}\n{}\n{}\n{}", self.kind, self.reason, self.field, self.content);
        super::digest(text.as_bytes()).to_vec()
    }
}

/// Text as it may stand in a table whatever a client sent: no control characters, at most 64 characters.
#[must_use]
pub fn tame(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).take(64).collect()
}

/// Keeps items, new ones up to [`OF_A_DAY_MAX`]; the same content again only counts. Of a comparison it is the same comparison, made
/// again, and counts once: the content names the day or the window.
///
/// # Errors
/// The database is away or busy.
pub async fn record(work: &mut Work, items: Vec<Item>) -> Result<(), Failure> {
    if items.is_empty() {
        return Ok(());
    }
    let now = work.now();
    let mut distinct: HashMap<(Uuid, Vec<u8>), (Item, i64)> = HashMap::new();
    for item in items {
        distinct
            .entry((item.operator_id, item.fingerprint()))
            .and_modify(|held| held.1 += 1)
            .or_insert((item, 1));
    }
    let mut rows: Vec<_> = distinct.into_iter().collect();
    rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let operators: Vec<Uuid> = rows.iter().map(|(key, _)| key.0).collect();
    let prints: Vec<Vec<u8>> = rows.iter().map(|(key, _)| key.1.clone()).collect();
    let kinds: Vec<String> = rows.iter().map(|(_, (item, _))| item.kind.to_owned()).collect();
    let connectors: Vec<String> = rows.iter().map(|(_, (item, _))| item.connector_code.clone()).collect();
    let orders: Vec<String> = rows.iter().map(|(_, (item, _))| item.order_no.clone()).collect();
    let reasons: Vec<String> = rows.iter().map(|(_, (item, _))| item.reason.to_owned()).collect();
    let fields: Vec<String> = rows.iter().map(|(_, (item, _))| item.field.clone()).collect();
    let contents: Vec<serde_json::Value> = rows.iter().map(|(_, (item, _))| item.content.clone()).collect();
    let batches: Vec<String> = rows.iter().map(|(_, (item, _))| item.batch_id.clone()).collect();
    let counts: Vec<i64> = rows.iter().map(|(_, (_, count))| *count).collect();
    sqlx::query!(
        "-- stations.quality_items.record
         WITH came AS (
             SELECT * FROM UNNEST($1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                    $8::jsonb[], $9::text[], $10::bigint[])
                  AS item (operator_id, fingerprint, kind, connector_code, order_no, reason, field, content, batch_id, times)),
         room AS (
             SELECT operator_id, reason, $12::bigint - (SELECT count(*) FROM (
                        SELECT FROM quality_items past
                        WHERE past.operator_id = asked.operator_id AND past.reason = asked.reason
                          AND past.first_at >= date_trunc('day', $11::timestamptz, 'Asia/Shanghai') LIMIT $12) AS today) AS free
             FROM (SELECT DISTINCT operator_id, reason FROM came) AS asked),
         ranked AS (
             SELECT past.id IS NOT NULL AS known, count(*) FILTER (WHERE past.id IS NULL)
                    OVER (PARTITION BY came.operator_id, came.reason ORDER BY came.fingerprint) AS place, came.*
             FROM came LEFT JOIN quality_items past USING (operator_id, fingerprint))
         INSERT INTO quality_items AS held (operator_id, fingerprint, kind, connector_code, order_no, reason, field,
                content, batch_id, times, first_at, last_at)
         SELECT operator_id, fingerprint, kind, connector_code, order_no, reason, field, content, batch_id, times, $11, $11
         FROM ranked JOIN room USING (operator_id, reason)
         WHERE known OR place <= free ORDER BY operator_id, fingerprint
         ON CONFLICT (operator_id, fingerprint) DO UPDATE SET times = CASE
                WHEN held.kind IN ('statistics', 'order_check') THEN held.times ELSE held.times + excluded.times END,
                last_at = excluded.last_at, batch_id = excluded.batch_id",
        &operators,
        &prints,
        &kinds,
        &connectors,
        &orders,
        &reasons,
        &fields,
        &contents,
        &batches,
        &counts,
        now,
        OF_A_DAY_MAX
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// One kept item as it is listed.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Key.
    pub id: i64,
    /// `station`, `status`, `order`, `telemetry`, `statistics` or `order_check`.
    pub kind: String,
    /// Connector code.
    pub connector_code: String,
    /// Order number.
    pub order_no: String,
    /// Reason id.
    pub reason: String,
    /// Field.
    pub field: String,
    /// What was sent, or compared.
    pub content: serde_json::Value,
    /// First time.
    pub first_at: OffsetDateTime,
    /// Last time.
    pub last_at: OffsetDateTime,
    /// How often.
    pub times: i64,
}

/// One operator's items, newest first, below `before`.
///
/// # Errors
/// The database is away or busy.
pub async fn list(
    db: &mut PgConnection,
    operator_id: Uuid,
    kind: &str,
    before: Option<i64>,
    size: i64,
) -> Result<Vec<Listed>, Failure> {
    // As a range of operator and id, which only their index has: by the order of ids alone, all operators' items would be read.
    Ok(sqlx::query_as!(
        Listed,
        "-- stations.quality_items.list
         SELECT id, kind, connector_code, order_no, reason, field, content, first_at, last_at, times FROM quality_items
         WHERE operator_id >= $1 AND (operator_id, id) < ($1, $3) AND ($2 = '' OR kind = $2)
         ORDER BY operator_id DESC, id DESC LIMIT $4",
        operator_id,
        kind,
        before.unwrap_or(i64::MAX),
        size
    )
    .fetch_all(db)
    .await?)
}
