//! What the reports of connectors prove, read from `connector_reports`.
use chassis::Failure;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::evidence::ConnectorEvidence;

/// Evidence for each of `codes`, sorted by code; one that the station does not have comes without any report.
///
/// # Errors
/// The database is away or busy.
pub async fn of_connectors(
    db: &mut PgConnection,
    station_id: Uuid,
    codes: &[String],
) -> Result<Vec<ConnectorEvidence>, Failure> {
    let rows = sqlx::query!(
        r#"-- stations.evidence.of_connectors
         SELECT claimed.code AS "code!", min(days.first_seen_at) AS first_seen_at, max(days.last_seen_at) AS last_seen_at,
                count(DISTINCT days.day) AS "days_covered!"
         FROM (SELECT DISTINCT code FROM UNNEST($2::text[]) AS code) AS claimed
         LEFT JOIN connectors ON connectors.station_id = $1 AND connectors.code = claimed.code AND connectors.removed_at IS NULL
         LEFT JOIN LATERAL (
             -- By connector: without OFFSET all days of all connectors would be joined.
             SELECT day, first_seen_at, last_seen_at FROM connector_reports reports
             WHERE reports.connector_key = connectors.connector_key OFFSET 0) AS days ON true
         GROUP BY claimed.code ORDER BY claimed.code COLLATE "C""#,
        station_id,
        codes
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ConnectorEvidence {
            code: row.code,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            days_covered: i32::try_from(row.days_covered).unwrap_or(i32::MAX),
        })
        .collect())
}
