//! `notification_stationStatus`: each report becomes a status item of the ingest.
use proto::stations::{ItemResult, StatusBatch, StatusItem};
use serde_json::{Value, json};

use super::{Call, Done, Refused, batch_id, results, timestamp};
use crate::{
    domain::{bodies::status::Report, ret::Ret},
    labels,
    neighbours::Voice,
};

/// Takes the reports. Status is 0, or 1 when one of them was discarded; Results names those then.
///
/// # Errors
/// Busy, when stations cannot take them now, or when two envelopes of one second contradict each other.
pub async fn execute(call: &Call<'_>, voice: &Voice, reports: &[Report]) -> Result<Done, Refused> {
    let items = reports.iter().map(|report| StatusItem {
        connector_id: report.connector_id.clone(),
        status: report.status,
        source_time: Some(timestamp(report.at.unwrap_or(call.stamp))),
    });
    let results = push(call, voice, items.collect(), false).await?;
    let discarded: Vec<(&Report, &ItemResult)> =
        reports.iter().zip(&results).filter(|(_, result)| result.outcome == "rejected").collect();
    if discarded.iter().any(|(report, result)| result.reason == "contradiction" && again(report, reports)) {
        return Err(Refused::new(Ret::Busy, labels::BUSY));
    }
    let Some((report, result)) = discarded.first() else {
        return Ok(Done { body: json!({ "Status": 0 }), msg: String::new() });
    };
    let msg = format!("{} {}", report.connector_id, result.text);
    let named: Vec<Value> = discarded
        .iter()
        .map(|(report, result)| {
            json!({ "ConnectorID": report.connector_id, "Status": 1, "Reason": result.reason })
        })
        .collect();
    Ok(Done { body: json!({ "Status": 1, "Results": named }), msg })
}

/// Whether a report has no other time than that of its envelope, in whole seconds: sent again it is later, and counts.
fn again(report: &Report, reports: &[Report]) -> bool {
    let same = reports.iter().filter(|other| other.connector_id == report.connector_id);
    report.at.is_none() && same.count() == 1
}

/// Sends status items, `pulled` where the platform asked for them, and waits until they are durable; one result for each, in the
/// order sent.
pub(super) async fn push(
    call: &Call<'_>,
    voice: &Voice,
    items: Vec<StatusItem>,
    pulled: bool,
) -> Result<Vec<ItemResult>, Refused> {
    let sent = items.len();
    let batch = StatusBatch { batch_id: batch_id(call), items, pulled };
    let answer = voice.ingest().send_status(futures::stream::iter([batch])).await?.into_inner();
    results(answer, sent)
}
