//! `notification_realtime_power_info`: what was measured at each connector becomes a telemetry item of the ingest.
use proto::stations::{ItemResult, TelemetryBatch, TelemetryItem};
use serde_json::{Value, json};

use super::{Call, Done, Refused, batch_id, results, timestamp};
use crate::{domain::bodies::power::Measured, neighbours::Voice};

/// Items of one batch.
const BATCH: usize = 500;

/// Takes what was measured. Status is 0, or 1 when some of it was discarded; Results names that then.
///
/// # Errors
/// Busy, when stations cannot take it now.
pub async fn execute(call: &Call<'_>, voice: &Voice, measured: &[Measured]) -> Result<Done, Refused> {
    if measured.is_empty() {
        return Ok(Done { body: json!({ "Status": 0 }), msg: String::new() });
    }
    let batches = measured.chunks(BATCH).enumerate().map(|(number, part)| TelemetryBatch {
        batch_id: format!("{}-{number}", batch_id(call)),
        items: part.iter().map(item).collect(),
    });
    let batches: Vec<TelemetryBatch> = batches.collect();
    let answer = voice.ingest().send_telemetry(futures::stream::iter(batches)).await?.into_inner();
    let results = results(answer, measured.len())?;
    let discarded: Vec<(&Measured, &ItemResult)> =
        measured.iter().zip(&results).filter(|(_, result)| result.outcome == "rejected").collect();
    let Some((one, result)) = discarded.first() else {
        return Ok(Done { body: json!({ "Status": 0 }), msg: String::new() });
    };
    let msg = format!("{} {}", one.connector_id, result.text);
    let named: Vec<Value> = discarded
        .iter()
        .map(|(one, result)| json!({ "ConnectorID": one.connector_id, "Status": 1, "Reason": result.reason }))
        .collect();
    Ok(Done { body: json!({ "Status": 1, "Results": named }), msg })
}

/// Power alone; of the session that is under way, if any, the message says nothing.
fn item(one: &Measured) -> TelemetryItem {
    TelemetryItem {
        connector_id: one.connector_id.clone(),
        sample_time: Some(timestamp(one.at)),
        power_watts: i32::try_from(one.power_watts).unwrap_or(i32::MAX),
        ..TelemetryItem::default()
    }
}
