//! Takes a station out of force.
use chassis::{Failure, Work};
use prost::Message as _;
use uuid::Uuid;

use crate::{
    domain::{
        Finding, Refusal,
        connection::{Connection, Standing},
        fact::Fact,
        registry,
    },
    publish,
    store::{self, connections::Next},
};

/// Deactivates an operator's own station; its codes become free and its interconnection ends. Again: no change.
///
/// # Errors
/// Not found; `stale_version`; `station_claimed` while a live application holds a connector of it.
pub async fn execute(
    work: &mut Work,
    operator_id: Uuid,
    station_id: Uuid,
    expected_version: Option<i64>,
) -> Result<(), Failure> {
    let mut row = store::stations::lock(work, station_id)
        .await?
        .filter(|row| row.operator_id == operator_id)
        .ok_or_else(Failure::not_found)?;
    if !row.active {
        return Ok(());
    }
    registry::same_version(row.version, expected_version)
        .map_err(|refusal| Finding::new("expected_version", refusal))?;
    if !store::claims::live(work, station_id).await?.is_empty() {
        return Err(Finding::new("", Refusal::StationClaimed).into());
    }
    let before = row.standing()?;
    let after = Standing { connection: Connection::NotConnected, since: None };
    let equipment = store::connectors::of_station(work.db(), station_id).await?;
    let guide = store::guides::find(work.db(), station_id).await?;
    row.active = false;
    row.version += 1;
    row.event_version += 1;
    row.connection = after.connection.name().to_owned();
    row.connected_since = None;
    store::stations::save(work, &row).await?;
    store::connectors::remove_missing(work, station_id, &[], &[]).await?;
    let content = publish::record(&row.registered(), &row.station(equipment, guide)).encode_to_vec();
    let actor = work.caller().subject.clone();
    store::stations::keep_revision(work, &row, &content, &actor).await?;
    if before != after {
        let next = Next { station_id, event_version: row.event_version, standing: after };
        store::connections::save(work, &[next]).await?;
    }
    work.announce(publish::to_wire(Fact::RegistryChanged, &row.subject(), after, row.event_version));
    Ok(())
}
