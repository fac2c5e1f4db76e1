//! Rows of `telemetry`.
use std::collections::HashSet;

use chassis::{Failure, Work};
use time::OffsetDateTime;

use super::copy::{COPIED_FROM, Rows};
use crate::domain::telemetry::Sample;

/// Connector key and sample time.
pub type Key = (i64, OffsetDateTime);

const COPY: &str =
    "COPY telemetry (connector_key, sampled_at, order_no, energy_wh, power_watts, voltage_decivolts,
    current_deciamperes, soc_percent, received_at) FROM STDIN (FORMAT binary)";
/// Bytes of a row in the stream, about.
const ROW_BYTES: usize = 110;

/// Writes samples with distinct keys, sorted by them; gives the keys that were new, or held other values before.
///
/// # Errors
/// The database is away or busy.
pub async fn save(work: &mut Work, samples: &[(Key, &Sample)]) -> Result<HashSet<Key>, Failure> {
    if samples.len() < COPIED_FROM {
        return merge(work, samples).await;
    }
    let now = work.now();
    let mut rows = Rows::new(samples.len() * ROW_BYTES);
    for ((connector, sampled_at), sample) in samples {
        rows.row(9)
            .int8(*connector)
            .instant(*sampled_at)
            .bytes(sample.order_no.as_bytes())
            .int8(sample.energy_wh)
            .int4(Some(sample.power_watts))
            .int4(Some(sample.voltage_decivolts))
            .int4(Some(sample.current_deciamperes))
            .int2(percent(sample))
            .instant(now);
    }
    if rows.send(work, COPY).await? {
        return Ok(samples.iter().map(|(key, _)| *key).collect());
    }
    merge(work, samples).await
}

/// Also where some are held already: the same again changes nothing, other values win.
async fn merge(work: &mut Work, samples: &[(Key, &Sample)]) -> Result<HashSet<Key>, Failure> {
    let now = work.now();
    let connectors: Vec<i64> = samples.iter().map(|(key, _)| key.0).collect();
    let times: Vec<OffsetDateTime> = samples.iter().map(|(key, _)| key.1).collect();
    let orders: Vec<String> = samples.iter().map(|(_, sample)| sample.order_no.clone()).collect();
    let energies: Vec<i64> = samples.iter().map(|(_, sample)| sample.energy_wh).collect();
    let powers: Vec<i32> = samples.iter().map(|(_, sample)| sample.power_watts).collect();
    let voltages: Vec<i32> = samples.iter().map(|(_, sample)| sample.voltage_decivolts).collect();
    let currents: Vec<i32> = samples.iter().map(|(_, sample)| sample.current_deciamperes).collect();
    let charges: Vec<Option<i16>> = samples.iter().map(|(_, sample)| percent(sample)).collect();
    let rows = sqlx::query!(
        "-- stations.telemetry.merge
         INSERT INTO telemetry AS held (connector_key, sampled_at, order_no, energy_wh, power_watts, voltage_decivolts,
                current_deciamperes, soc_percent, received_at)
         SELECT *, $9 FROM UNNEST($1::bigint[], $2::timestamptz[], $3::text[], $4::bigint[], $5::integer[],
                $6::integer[], $7::integer[], $8::smallint[])
         ON CONFLICT (connector_key, sampled_at) DO UPDATE SET order_no = excluded.order_no,
                energy_wh = excluded.energy_wh, power_watts = excluded.power_watts,
                voltage_decivolts = excluded.voltage_decivolts, current_deciamperes = excluded.current_deciamperes,
                soc_percent = excluded.soc_percent, received_at = excluded.received_at
         WHERE (held.order_no, held.energy_wh, held.power_watts, held.voltage_decivolts, held.current_deciamperes,
                held.soc_percent) IS DISTINCT FROM (excluded.order_no, excluded.energy_wh, excluded.power_watts,
                excluded.voltage_decivolts, excluded.current_deciamperes, excluded.soc_percent)
         RETURNING connector_key, sampled_at",
        &connectors,
        &times,
        &orders,
        &energies,
        &powers,
        &voltages,
        &currents,
        &charges as &[Option<i16>],
        now
    )
    .fetch_all(work.db())
    .await?;
    Ok(rows.into_iter().map(|row| (row.connector_key, row.sampled_at)).collect())
}

fn percent(sample: &Sample) -> Option<i16> {
    // Valid ones are 0 to 100.
    sample.soc_percent.and_then(|percent| i16::try_from(percent).ok())
}
