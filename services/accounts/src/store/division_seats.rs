//! Table `division_seats`: where the seats of divisions lie.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::StoreError;
use crate::domain::division::CountySeat;

/// Every seat, by the code of its division: longitude and latitude, WGS-84, micro-degrees.
///
/// # Errors
/// The database.
pub async fn list(db: &mut PgConnection) -> Result<HashMap<String, (i64, i64)>, StoreError> {
    let rows = sqlx::query!(
        "-- accounts.division_seats.list
         SELECT code, longitude_e6, latitude_e6 FROM division_seats",
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, (row.longitude_e6, row.latitude_e6))).collect())
}

/// Makes the table equal to a list; answers how many rows changed.
///
/// # Errors
/// The database; a seat of a division that was never loaded.
pub async fn load(db: &mut PgConnection, seats: &[CountySeat]) -> Result<u64, StoreError> {
    let codes: Vec<String> = seats.iter().map(|seat| seat.code.clone()).collect();
    let longitudes: Vec<i64> = seats.iter().map(|seat| seat.longitude_e6).collect();
    let latitudes: Vec<i64> = seats.iter().map(|seat| seat.latitude_e6).collect();
    let gone = sqlx::query!(
        "-- accounts.division_seats.remove
         DELETE FROM division_seats WHERE NOT code = ANY ($1)",
        &codes
    )
    .execute(&mut *db)
    .await?;
    let written = sqlx::query!(
        "-- accounts.division_seats.write
         INSERT INTO division_seats AS stored (code, longitude_e6, latitude_e6)
         SELECT code, longitude_e6, latitude_e6 FROM unnest($1::text[], $2::bigint[], $3::bigint[])
                AS given (code, longitude_e6, latitude_e6)
         ON CONFLICT (code) DO UPDATE SET longitude_e6 = excluded.longitude_e6, latitude_e6 = excluded.latitude_e6
         WHERE (stored.longitude_e6, stored.latitude_e6) <> (excluded.longitude_e6, excluded.latitude_e6)",
        &codes,
        &longitudes,
        &latitudes
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected() + written.rows_affected())
}
