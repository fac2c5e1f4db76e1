//! Rows of `charge_orders` and `superseded_orders`.
mod detail;
mod version;

use chassis::{Failure, Work};
pub use detail::Detail;
use foldhash::{HashMap, HashSet};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
pub use version::{Version, versions};

use super::{
    Digest,
    copy::{COPIED_FROM, Rows, may_meet_a_key, met_no_key},
};
use crate::domain::{
    order::{Order, Totals},
    rollup::{Charge, Place},
};

/// Operator and order number.
pub type Key = (Uuid, String);

/// One version of an order as it is stored.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whose.
    pub operator_id: Uuid,
    /// Number.
    pub order_no: String,
    /// Which connector.
    pub connector_key: i64,
    /// Start.
    pub start_at: OffsetDateTime,
    /// End.
    pub end_at: OffsetDateTime,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub electricity_fen: i64,
    /// Fen.
    pub service_fen: i64,
    /// Fen.
    pub total_fen: i64,
    /// T/CEC StopReason.
    pub stop_reason: i16,
    /// Of the operator's system.
    pub source_time: OffsetDateTime,
    /// See [`super::digest`].
    pub content_hash: Digest,
    /// Database time.
    pub received_at: OffsetDateTime,
    /// Where it counts; see [`Place`].
    pub county: Option<i32>,
    /// Likewise.
    pub prefecture: Option<i32>,
    /// Its periods; none where they were not said.
    pub details: Option<Json<Vec<Detail>>>,
}

/// What is known of a connector when an order of it comes.
#[derive(Debug, Clone, Copy)]
pub struct Connector {
    /// Key of everything measured.
    pub key: i64,
    /// Its station.
    pub station_id: Uuid,
    /// Rated.
    pub power_watts: i64,
    /// Of its station.
    pub place: Option<Place>,
}

impl Row {
    /// A valid order on its way into the table.
    #[must_use]
    pub fn new(
        operator_id: Uuid,
        connector: Connector,
        order: &Order,
        content_hash: Digest,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            operator_id,
            order_no: order.order_no.clone(),
            connector_key: connector.key,
            start_at: order.start_at,
            end_at: order.end_at,
            energy_wh: order.energy_wh,
            electricity_fen: order.electricity_fen,
            service_fen: order.service_fen,
            total_fen: order.total_fen,
            // Valid ones are 0 to 99.
            stop_reason: i16::try_from(order.stop_reason).unwrap_or_default(),
            source_time: order.source_time,
            content_hash,
            received_at: now,
            county: connector.place.map(|place| place.county),
            prefecture: connector.place.map(|place| place.prefecture),
            details: detail::of(&order.periods),
        }
    }

    /// What it counts for in the sums.
    #[must_use]
    pub fn charge(&self) -> Charge {
        Charge {
            operator_id: self.operator_id,
            place: self.county.zip(self.prefecture).map(|(county, prefecture)| Place { county, prefecture }),
            start_at: self.start_at,
            end_at: self.end_at,
            amounts: [self.energy_wh, self.electricity_fen, self.service_fen, self.total_fen],
        }
    }
}

/// The connectors in force among `(operator, code)`.
///
/// # Errors
/// The database is away or busy.
pub async fn connectors(
    work: &mut Work,
    named: &[(Uuid, &str)],
) -> Result<Vec<(Uuid, String, Connector)>, Failure> {
    let (operators, codes): (Vec<Uuid>, Vec<String>) =
        named.iter().map(|(operator, code)| (*operator, (*code).to_owned())).unzip();
    let rows = sqlx::query!(
        "-- stations.orders.connectors
         SELECT connectors.operator_id, connectors.code, connectors.connector_key, connectors.station_id,
                connectors.power_watts, stations.county, stations.prefecture
         FROM UNNEST($1::uuid[], $2::text[]) AS item (operator_id, code)
         JOIN connectors ON connectors.code = item.code AND connectors.operator_id = item.operator_id
              AND connectors.removed_at IS NULL
         JOIN stations USING (station_id)",
        &operators,
        &codes
    )
    .fetch_all(work.db())
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let place = Place::of(&row.county, &row.prefecture);
        let (key, station_id) = (row.connector_key, row.station_id);
        let connector = Connector { key, station_id, power_watts: row.power_watts, place };
        found.push((row.operator_id, row.code, connector));
    }
    Ok(found)
}

/// The hash of the content that is held under each of these numbers (operators and numbers side by side).
///
/// # Errors
/// The database is away or busy.
pub async fn contents(
    work: &mut Work,
    (operators, numbers): &(Vec<Uuid>, Vec<String>),
) -> Result<HashMap<Key, Digest>, Failure> {
    let rows = sqlx::query!(
        r#"-- stations.charge_orders.contents
         SELECT held.operator_id, held.order_no, held.content_hash AS "content_hash: Digest"
         FROM UNNEST($1::uuid[], $2::text[]) AS item (operator_id, order_no)
         JOIN charge_orders held ON held.operator_id = item.operator_id AND held.order_no = item.order_no"#,
        operators,
        numbers
    )
    .fetch_all(work.db())
    .await?;
    Ok(rows.into_iter().map(|row| ((row.operator_id, row.order_no), row.content_hash)).collect())
}

/// Locks what is held under these numbers, in the order of the key.
///
/// # Errors
/// The database is away or busy.
pub async fn lock(
    work: &mut Work,
    (operators, numbers): &(Vec<Uuid>, Vec<String>),
) -> Result<HashMap<Key, Row>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- stations.charge_orders.lock
         SELECT held.operator_id, held.order_no, held.connector_key, held.start_at, held.end_at, held.energy_wh,
                held.electricity_fen, held.service_fen, held.total_fen, held.stop_reason, held.source_time,
                held.content_hash AS "content_hash: Digest", held.received_at, held.county, held.prefecture,
                held.details AS "details: Json<Vec<Detail>>"
         FROM UNNEST($1::uuid[], $2::text[]) AS item (operator_id, order_no)
         JOIN charge_orders held ON held.operator_id = item.operator_id AND held.order_no = item.order_no
         ORDER BY held.operator_id, held.order_no FOR NO KEY UPDATE OF held"#,
        operators,
        numbers
    )
    .fetch_all(work.db())
    .await?;
    Ok(rows.into_iter().map(|row| ((row.operator_id, row.order_no.clone()), row)).collect())
}

/// Energy (Wh) and money (fen) of one operator's orders by number.
///
/// # Errors
/// The database is away or busy.
pub async fn totals(
    db: &mut PgConnection,
    operator_id: Uuid,
    numbers: &[String],
) -> Result<HashMap<String, Totals>, Failure> {
    let rows = sqlx::query!(
        "-- stations.charge_orders.totals
         SELECT order_no, energy_wh, total_fen FROM charge_orders WHERE operator_id = $1 AND order_no = ANY($2)",
        operator_id,
        numbers
    )
    .fetch_all(db)
    .await?;
    let totals = |energy_wh, total_fen| Totals { energy_wh, total_fen };
    Ok(rows.into_iter().map(|row| (row.order_no, totals(row.energy_wh, row.total_fen))).collect())
}

/// Contents that were superseded under these numbers.
///
/// # Errors
/// The database is away or busy.
pub async fn superseded(
    work: &mut Work,
    (operators, numbers): &(Vec<Uuid>, Vec<String>),
) -> Result<HashSet<(Uuid, String, Digest)>, Failure> {
    let rows = sqlx::query!(
        r#"-- stations.superseded_orders.find
         SELECT past.operator_id, past.order_no, past.content_hash AS "content_hash: Digest"
         FROM UNNEST($1::uuid[], $2::text[]) AS item (operator_id, order_no)
         JOIN superseded_orders past ON past.operator_id = item.operator_id AND past.order_no = item.order_no"#,
        operators,
        numbers
    )
    .fetch_all(work.db())
    .await?;
    Ok(rows.into_iter().map(|row| (row.operator_id, row.order_no, row.content_hash)).collect())
}

/// Columns of many rows, for UNNEST.
#[derive(Default)]
struct Columns {
    operators: Vec<Uuid>,
    numbers: Vec<String>,
    connectors: Vec<i64>,
    starts: Vec<OffsetDateTime>,
    ends: Vec<OffsetDateTime>,
    energies: Vec<i64>,
    electricity: Vec<i64>,
    service: Vec<i64>,
    totals: Vec<i64>,
    reasons: Vec<i16>,
    sources: Vec<OffsetDateTime>,
    hashes: Vec<Vec<u8>>,
    received: Vec<OffsetDateTime>,
    counties: Vec<Option<i32>>,
    prefectures: Vec<Option<i32>>,
    details: Vec<Option<serde_json::Value>>,
}

impl Columns {
    /// Errors: none that valid rows have.
    fn of(mut rows: Vec<&Row>) -> Result<Self, Failure> {
        rows.sort_unstable_by(|a, b| (a.operator_id, &a.order_no).cmp(&(b.operator_id, &b.order_no)));
        let mut columns = Self::default();
        for row in rows {
            columns.operators.push(row.operator_id);
            columns.numbers.push(row.order_no.clone());
            columns.connectors.push(row.connector_key);
            columns.starts.push(row.start_at);
            columns.ends.push(row.end_at);
            columns.energies.push(row.energy_wh);
            columns.electricity.push(row.electricity_fen);
            columns.service.push(row.service_fen);
            columns.totals.push(row.total_fen);
            columns.reasons.push(row.stop_reason);
            columns.sources.push(row.source_time);
            columns.hashes.push(row.content_hash.to_vec());
            columns.received.push(row.received_at);
            columns.counties.push(row.county);
            columns.prefectures.push(row.prefecture);
            let details = row.details.as_ref().map(|Json(details)| serde_json::to_value(details));
            columns.details.push(details.transpose().map_err(Failure::internal)?);
        }
        Ok(columns)
    }
}

const COPY: &str =
    "COPY charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen,
    service_fen, total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture,
    details) FROM STDIN (FORMAT binary)";
/// Bytes of a row without details in the stream, about.
const ROW_BYTES: usize = 230;

/// Writes new orders; false where one of the numbers is held already, and then none is written.
///
/// # Errors
/// The database is away or busy.
pub async fn add(work: &mut Work, rows: Vec<&Row>) -> Result<bool, Failure> {
    if rows.len() < COPIED_FROM {
        let columns = Columns::of(rows)?;
        may_meet_a_key(work).await?;
        let written = insert(work, &columns).await;
        return met_no_key(work, written).await;
    }
    copy(work, rows).await
}

async fn insert(work: &mut Work, columns: &Columns) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- stations.charge_orders.insert
         INSERT INTO charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen,
                service_fen, total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture, details)
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bigint[], $10::smallint[], $11::timestamptz[], $12::bytea[],
                $13::timestamptz[], $14::integer[], $15::integer[], $16::jsonb[])",
        &columns.operators,
        &columns.numbers,
        &columns.connectors,
        &columns.starts,
        &columns.ends,
        &columns.energies,
        &columns.electricity,
        &columns.service,
        &columns.totals,
        &columns.reasons,
        &columns.sources,
        &columns.hashes,
        &columns.received,
        &columns.counties as &[Option<i32>],
        &columns.prefectures as &[Option<i32>],
        &columns.details as &[Option<serde_json::Value>]
    )
    .execute(work.db())
    .await?;
    Ok(())
}

async fn copy(work: &mut Work, mut rows: Vec<&Row>) -> Result<bool, Failure> {
    rows.sort_unstable_by(|a, b| (a.operator_id, &a.order_no).cmp(&(b.operator_id, &b.order_no)));
    let mut stream = Rows::new(rows.len() * ROW_BYTES);
    for row in rows {
        let details = row.details.as_ref().map(|Json(details)| serde_json::to_vec(details));
        let details = details.transpose().map_err(Failure::internal)?;
        stream
            .row(16)
            .uuid(row.operator_id)
            .bytes(row.order_no.as_bytes())
            .int8(row.connector_key)
            .instant(row.start_at)
            .instant(row.end_at)
            .int8(row.energy_wh)
            .int8(row.electricity_fen)
            .int8(row.service_fen)
            .int8(row.total_fen)
            .int2(Some(row.stop_reason))
            .instant(row.source_time)
            .bytes(&row.content_hash)
            .instant(row.received_at)
            .int4(row.county)
            .int4(row.prefecture)
            .jsonb(details.as_deref());
    }
    stream.send(work, COPY).await
}

/// Another process wrote one of these numbers since [`lock`]: begin again.
pub fn taken() -> Failure {
    Failure::conflict("registered_meanwhile", "相同编码正在被登记，请稍后重试")
}

/// Replaces locked orders by their corrections.
///
/// # Errors
/// The database is away or busy.
pub async fn correct(work: &mut Work, rows: Vec<&Row>) -> Result<(), Failure> {
    let columns = Columns::of(rows)?;
    sqlx::query!(
        "-- stations.charge_orders.correct
         UPDATE charge_orders AS held SET connector_key = item.connector_key, start_at = item.start_at,
                end_at = item.end_at, energy_wh = item.energy_wh, electricity_fen = item.electricity_fen,
                service_fen = item.service_fen, total_fen = item.total_fen, stop_reason = item.stop_reason,
                source_time = item.source_time, content_hash = item.content_hash, received_at = item.received_at,
                county = item.county, prefecture = item.prefecture, details = item.details
         FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bigint[], $10::smallint[], $11::timestamptz[], $12::bytea[],
                $13::timestamptz[], $14::integer[], $15::integer[], $16::jsonb[])
              AS item (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen,
                       total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture, details)
         WHERE held.operator_id = item.operator_id AND held.order_no = item.order_no
           AND held.source_time < item.source_time",
        &columns.operators,
        &columns.numbers,
        &columns.connectors,
        &columns.starts,
        &columns.ends,
        &columns.energies,
        &columns.electricity,
        &columns.service,
        &columns.totals,
        &columns.reasons,
        &columns.sources,
        &columns.hashes,
        &columns.received,
        &columns.counties as &[Option<i32>],
        &columns.prefectures as &[Option<i32>],
        &columns.details as &[Option<serde_json::Value>]
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Keeps replaced versions for good.
///
/// # Errors
/// The database is away or busy.
pub async fn keep_superseded(work: &mut Work, rows: Vec<&Row>) -> Result<(), Failure> {
    let now = work.now();
    let columns = Columns::of(rows)?;
    sqlx::query!(
        "-- stations.superseded_orders.insert
         INSERT INTO superseded_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh,
                electricity_fen, service_fen, total_fen, stop_reason, source_time, content_hash, received_at,
                details, superseded_at)
         SELECT *, $15 FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[],
                $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::smallint[], $11::timestamptz[],
                $12::bytea[], $13::timestamptz[], $14::jsonb[])",
        &columns.operators,
        &columns.numbers,
        &columns.connectors,
        &columns.starts,
        &columns.ends,
        &columns.energies,
        &columns.electricity,
        &columns.service,
        &columns.totals,
        &columns.reasons,
        &columns.sources,
        &columns.hashes,
        &columns.received,
        &columns.details as &[Option<serde_json::Value>],
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}
