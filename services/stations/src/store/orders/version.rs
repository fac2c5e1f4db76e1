//! What was held under an order number, one after the other.
use chassis::Failure;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Detail;

/// One content of an order.
#[derive(Debug, Clone)]
pub struct Version {
    /// Number.
    pub order_no: String,
    /// The operator's connector code.
    pub connector_code: String,
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
    /// Its periods.
    pub details: Option<Json<Vec<Detail>>>,
    /// Database time.
    pub received_at: OffsetDateTime,
    /// When another content took its place.
    pub superseded_at: Option<OffsetDateTime>,
}

/// The content that is held under a number of an operator, then those that it has replaced, the latest first.
///
/// # Errors
/// The database is away or busy.
pub async fn versions(
    db: &mut PgConnection,
    operator_id: Uuid,
    order_no: &str,
) -> Result<Vec<Version>, Failure> {
    Ok(sqlx::query_as!(
        Version,
        r#"-- stations.charge_orders.versions
         WITH said AS (
             SELECT order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen, total_fen, stop_reason,
                    source_time, details, received_at, NULL::timestamptz AS superseded_at
             FROM charge_orders WHERE operator_id = $1 AND order_no = $2
             UNION ALL
             SELECT order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen, total_fen, stop_reason,
                    source_time, details, received_at, superseded_at
             FROM superseded_orders WHERE operator_id = $1 AND order_no = $2)
         SELECT said.order_no AS "order_no!", connectors.code AS "connector_code!", said.start_at AS "start_at!",
                said.end_at AS "end_at!", said.energy_wh AS "energy_wh!", said.electricity_fen AS "electricity_fen!",
                said.service_fen AS "service_fen!", said.total_fen AS "total_fen!", said.stop_reason AS "stop_reason!",
                said.source_time AS "source_time!", said.details AS "details?: Json<Vec<Detail>>",
                said.received_at AS "received_at!", said.superseded_at AS "superseded_at?"
         FROM said JOIN connectors USING (connector_key)
         ORDER BY said.superseded_at DESC NULLS FIRST, said.source_time DESC"#,
        operator_id,
        order_no
    )
    .fetch_all(db)
    .await?)
}
