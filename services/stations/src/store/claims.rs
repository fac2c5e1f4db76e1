//! Rows of `claims`: which application holds which connector in which round.
use chassis::{Failure, Work};
use sqlx::PgPool;
use uuid::Uuid;

/// A live claim on a connector.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The operator's connector code.
    pub code: String,
    /// Key of the connector.
    pub connector_key: i64,
    /// Which application holds it.
    pub application_id: Uuid,
    /// In which round.
    pub round_id: Uuid,
}

/// The live claims on connectors of a station (whose row is locked).
///
/// # Errors
/// The database is away or busy.
pub async fn live(work: &mut Work, station_id: Uuid) -> Result<Vec<Claim>, Failure> {
    Ok(sqlx::query_as!(
        Claim,
        "-- stations.claims.live
         SELECT connectors.code, claims.connector_key, claims.application_id, claims.round_id
         FROM claims JOIN connectors USING (connector_key)
         WHERE claims.station_id = $1 AND claims.released_at IS NULL ORDER BY connectors.code",
        station_id
    )
    .fetch_all(work.db())
    .await?)
}

/// Keys of a station's connectors in force, by code.
///
/// # Errors
/// The database is away or busy.
pub async fn keys(
    work: &mut Work,
    station_id: Uuid,
    codes: &[String],
) -> Result<Vec<(String, i64)>, Failure> {
    let rows = sqlx::query!(
        "-- stations.connectors.keys
         SELECT code, connector_key FROM connectors
         WHERE station_id = $1 AND code = ANY ($2) AND removed_at IS NULL ORDER BY connector_key",
        station_id,
        codes
    )
    .fetch_all(work.db())
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.connector_key)).collect())
}

/// Lets go of an application's claims except on `keep`.
///
/// # Errors
/// The database is away or busy.
pub async fn release_others(
    work: &mut Work,
    application_id: Uuid,
    round_id: Uuid,
    keep: &[i64],
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.claims.release_others
         UPDATE claims SET released_at = $4
         WHERE application_id = $1 AND released_at IS NULL AND (round_id <> $2 OR connector_key <> ALL ($3))",
        application_id,
        round_id,
        keep,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Claims connectors; those that the application holds already stay as they are.
///
/// # Errors
/// `registered_meanwhile` when a concurrent claim has won, which the station's lock makes impossible in practice.
pub async fn insert(
    work: &mut Work,
    application_id: Uuid,
    round_id: Uuid,
    station_id: Uuid,
    keys: &[i64],
) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.claims.insert
         INSERT INTO claims (application_id, round_id, connector_key, station_id, claimed_at)
         SELECT $1, $2, key, $3, $5 FROM UNNEST($4::bigint[]) AS key
         WHERE NOT EXISTS (SELECT 1 FROM claims held WHERE held.application_id = $1 AND held.round_id = $2
                           AND held.connector_key = key AND held.released_at IS NULL)",
        application_id,
        round_id,
        station_id,
        keys,
        now
    )
    .execute(work.db())
    .await
    .map_err(super::lost_race)?;
    Ok(())
}

/// Ends all claims of an application; returns how many were live.
///
/// # Errors
/// The database is away or busy.
pub async fn release(work: &mut Work, application_id: Uuid) -> Result<u64, Failure> {
    let now = work.now();
    let done = sqlx::query!(
        "-- stations.claims.release
         UPDATE claims SET released_at = $2 WHERE application_id = $1 AND released_at IS NULL",
        application_id,
        now
    )
    .execute(work.db())
    .await?;
    Ok(done.rows_affected())
}

/// An event of the application was seen: its claims stand.
///
/// # Errors
/// The database is away or busy.
pub async fn confirm(work: &mut Work, application_id: Uuid) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "-- stations.claims.confirm
         UPDATE claims SET confirmed_at = $2
         WHERE application_id = $1 AND released_at IS NULL AND confirmed_at IS NULL",
        application_id,
        now
    )
    .execute(work.db())
    .await?;
    Ok(())
}

/// Applications with claims older than `age_secs` that no event has confirmed.
///
/// # Errors
/// The database is away or busy.
pub async fn unconfirmed(pool: &PgPool, age_secs: f64, limit: i64) -> Result<Vec<Uuid>, Failure> {
    Ok(sqlx::query_scalar!(
        "-- stations.claims.unconfirmed
         SELECT DISTINCT application_id FROM claims
         WHERE released_at IS NULL AND confirmed_at IS NULL AND claimed_at < now() - make_interval(secs => $1)
         ORDER BY application_id LIMIT $2",
        age_secs,
        limit
    )
    .fetch_all(pool)
    .await?)
}
