//! Rows of `station_guides`; a station of which nothing was ever said has none.
use chassis::{Failure, Work};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::guide::Guide;

/// What drivers are told of a station.
///
/// # Errors
/// The database is away or busy.
pub async fn find(db: &mut PgConnection, station_id: Uuid) -> Result<Guide, Failure> {
    let row = sqlx::query_as!(
        Guide,
        "-- stations.station_guides.find
         SELECT business_hours, electricity_fee, service_fee, park_fee, payment, park_info, directions, vehicles,
                station_phone, bookable, remark, pictures
         FROM station_guides WHERE station_id = $1",
        station_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.unwrap_or_default())
}

/// Keeps what drivers are told of a locked station.
///
/// # Errors
/// The database is away or busy.
pub async fn save(work: &mut Work, station_id: Uuid, guide: &Guide) -> Result<(), Failure> {
    sqlx::query!(
        "-- stations.station_guides.save
         INSERT INTO station_guides (station_id, business_hours, electricity_fee, service_fee, park_fee, payment, park_info,
                directions, vehicles, station_phone, bookable, remark, pictures)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (station_id) DO UPDATE SET business_hours = excluded.business_hours,
                electricity_fee = excluded.electricity_fee, service_fee = excluded.service_fee,
                park_fee = excluded.park_fee, payment = excluded.payment, park_info = excluded.park_info,
                directions = excluded.directions, vehicles = excluded.vehicles,
                station_phone = excluded.station_phone, bookable = excluded.bookable,
                remark = excluded.remark, pictures = excluded.pictures",
        station_id,
        guide.business_hours,
        guide.electricity_fee,
        guide.service_fee,
        guide.park_fee,
        guide.payment,
        guide.park_info,
        guide.directions,
        guide.vehicles,
        guide.station_phone,
        guide.bookable,
        guide.remark,
        &guide.pictures
    )
    .execute(work.db())
    .await?;
    Ok(())
}
