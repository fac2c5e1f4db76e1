//! `notification_equip_charge_status`: what the sample says about the connector becomes a status item of the ingest, what was
//! measured a telemetry item.
use proto::stations::{StatusItem, TelemetryBatch, TelemetryItem};
use serde_json::json;

use super::{Call, Done, Refused, batch_id, results, status, timestamp, verdict};
use crate::{domain::bodies::charging::Sample, neighbours::Voice};

/// Takes a sample. SuccStat is 0, or 1 when a part of it was discarded.
///
/// # Errors
/// Busy, when stations cannot take it now.
pub async fn execute(call: &Call<'_>, voice: &Voice, sample: &Sample) -> Result<Done, Refused> {
    let state = StatusItem {
        connector_id: sample.connector_id.clone(),
        status: sample.connector_status,
        source_time: Some(timestamp(sample.sampled_at)),
    };
    let batch = TelemetryBatch { batch_id: batch_id(call), items: vec![measured(sample)] };
    let kept = async {
        let mut ingest = voice.ingest();
        results(ingest.send_telemetry(futures::stream::iter([batch])).await?.into_inner(), 1)
    };
    let (stated, kept) = futures::try_join!(status::push(call, voice, vec![state], false), kept)?;
    let number = if sample.supervised { "OrderNo" } else { "StartChargeSeq" };
    let (state, msg) = match verdict(&stated).and_then(|()| verdict(&kept)) {
        Ok(()) => (0, String::new()),
        Err(rejected) => (1, format!("{} {}", sample.connector_id, rejected.text)),
    };
    Ok(Done { body: json!({ number: sample.order_no, "SuccStat": state }), msg })
}

/// Rounded to what the ingest keeps; what does not fit is out of its range and refused there.
fn measured(sample: &Sample) -> TelemetryItem {
    let narrow = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let rounded = |number: i64, by: i64| narrow(number.saturating_add(by / 2).div_euclid(by));
    TelemetryItem {
        connector_id: sample.connector_id.clone(),
        sample_time: Some(timestamp(sample.sampled_at)),
        order_no: sample.order_no.clone(),
        energy_wh: sample.energy_wh,
        power_watts: narrow(sample.power_watts),
        voltage_decivolts: rounded(sample.voltage_mv, 100),
        current_deciamperes: rounded(sample.current_ma, 100),
        soc_percent: sample.soc_e2.map(|soc| rounded(soc, 100)),
    }
}
