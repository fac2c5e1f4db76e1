//! This service's share of the invariants; each number is a count of violations and must be 0.
use chassis::audit::Report;
use sqlx::PgPool;

/// All invariants that this service proves.
///
/// # Errors
/// The database is away.
pub async fn report(pool: &PgPool) -> Result<Report, sqlx::Error> {
    let mut report = chassis::audit::common(pool).await?;
    report.insert("I7".into(), versions(pool).await?);
    report.insert("codes_claimed_once".into(), codes(pool).await?);
    report.insert("connector_claims".into(), claims(pool).await?);
    report.insert("latest_status".into(), latest(pool).await?);
    report.insert("latest_order".into(), orders(pool).await?);
    report.insert("charge_days".into(), charge_days(pool).await?);
    report.insert("connection_fact".into(), connections(pool).await?);
    Ok(report)
}

/// I7: a station's event version is its last event, and each version of the record is kept.
async fn versions(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- stations.audit.I7
         SELECT count(*) AS "count!" FROM stations
         LEFT JOIN (SELECT aggregate_id, max(aggregate_version) AS version FROM outbox
                    WHERE aggregate_type = 'station' GROUP BY aggregate_id) AS events ON events.aggregate_id = station_id
         WHERE events.version <> event_version
            OR (events.version IS NULL AND updated_at > now() - interval '29 days')
            OR (SELECT count(*) FROM station_revisions kept WHERE kept.station_id = stations.station_id) <> stations.version"#
    )
    .fetch_one(pool)
    .await
}

/// Each equipment and connector code in force belongs to one station of its operator, the same along the way.
async fn codes(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- stations.audit.codes
         SELECT (SELECT count(*) FROM (SELECT 1 FROM equipment WHERE removed_at IS NULL
                 GROUP BY operator_id, code HAVING count(*) > 1) AS a)
              + (SELECT count(*) FROM (SELECT 1 FROM connectors WHERE removed_at IS NULL
                 GROUP BY operator_id, code HAVING count(*) > 1) AS b)
              + (SELECT count(*) FROM equipment JOIN stations USING (station_id)
                 WHERE equipment.operator_id IS DISTINCT FROM stations.operator_id)
              + (SELECT count(*) FROM connectors JOIN stations USING (station_id)
                 WHERE connectors.operator_id <> stations.operator_id
                    OR (connectors.removed_at IS NULL AND NOT stations.active))
              + (SELECT count(*) FROM connectors LEFT JOIN connector_state USING (connector_key)
                 WHERE connector_state.connector_key IS NULL) AS "count!""#
    )
    .fetch_one(pool)
    .await
}

/// A connector has one live claim per round, and a claimed one is in force.
async fn claims(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- stations.audit.claims
         SELECT (SELECT count(*) FROM (SELECT 1 FROM claims WHERE released_at IS NULL
                 GROUP BY round_id, connector_key HAVING count(*) > 1) AS twice)
              + (SELECT count(*) FROM claims JOIN connectors USING (connector_key)
                 WHERE claims.released_at IS NULL AND connectors.removed_at IS NOT NULL) AS "count!""#
    )
    .fetch_one(pool)
    .await
}

/// The latest state is the newest change that the history still holds.
async fn latest(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- stations.audit.latest_status
         SELECT count(*) AS "count!" FROM connector_state state
         JOIN (SELECT DISTINCT ON (connector_key) connector_key, source_time, status FROM status_history
               WHERE NOT late ORDER BY connector_key, source_time DESC) AS newest USING (connector_key)
         WHERE state.status IS DISTINCT FROM newest.status OR state.changed_at <> newest.source_time"#
    )
    .fetch_one(pool)
    .await
}

/// The live row of an order is newer than everything that it replaced.
async fn orders(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- stations.audit.latest_order
         SELECT count(*) AS "count!" FROM superseded_orders past
         LEFT JOIN charge_orders live USING (operator_id, order_no)
         WHERE live.source_time IS NULL OR live.source_time <= past.source_time"#
    )
    .fetch_one(pool)
    .await
}

/// The sums by day, place and operator are those of the orders.
async fn charge_days(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- stations.audit.charge_days
         SELECT count(*) AS "count!" FROM (
             SELECT 1 FROM (
                 SELECT (end_at AT TIME ZONE 'Asia/Shanghai')::date AS day, operator_id, county, prefecture, 1 AS orders,
                        energy_wh, electricity_fen, service_fen, total_fen,
                        extract(epoch FROM date_trunc('second', end_at - start_at))::bigint AS charged_secs
                 FROM charge_orders WHERE county IS NOT NULL
                 UNION ALL
                 SELECT day, operator_id, county, prefecture, -orders, -energy_wh, -electricity_fen, -service_fen,
                        -total_fen, -charged_secs
                 FROM charge_days) AS both_sides
             GROUP BY day, operator_id, county, prefecture
             HAVING (sum(orders), sum(energy_wh), sum(electricity_fen), sum(service_fen), sum(total_fen), sum(charged_secs))
                    <> (0, 0, 0, 0, 0, 0)) AS differing"#
    )
    .fetch_one(pool)
    .await
}

/// The standing fact is the newest of the dated ones.
async fn connections(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- stations.audit.connection_fact
         SELECT count(*) AS "count!" FROM stations
         LEFT JOIN (SELECT DISTINCT ON (station_id) station_id, connection, connected_since FROM station_connections
                    ORDER BY station_id, event_version DESC) AS newest USING (station_id)
         WHERE stations.connection <> COALESCE(newest.connection, 'not_connected')
            OR stations.connected_since IS DISTINCT FROM newest.connected_since"#
    )
    .fetch_one(pool)
    .await
}
