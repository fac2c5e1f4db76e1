//! `notification_charge_order_info`: a finished charge becomes an order of the ingest.
use proto::stations::{ChargePeriod, OrderBatch, OrderItem};
use serde_json::json;

use super::{Call, Done, Refused, batch_id, results, timestamp, verdict};
use crate::{
    domain::{
        bodies::order::{Detail, Order},
        ret::Ret,
    },
    labels,
    neighbours::Voice,
};

/// ConfirmResult.
const ACCEPTED: i32 = 0;
const DISPUTED: i32 = 1;

/// Takes an order. ConfirmResult is 0, or 1 when other content is held under its number: it contradicts, or this content was
/// corrected since. Source: interconnect protocol, section 8.
///
/// # Errors
/// 4004 with the field when the order breaks a rule; busy, when stations cannot take it now.
pub async fn execute(call: &Call<'_>, voice: &Voice, order: &Order) -> Result<Done, Refused> {
    let item = OrderItem {
        order_no: order.order_no.clone(),
        connector_id: order.connector_id.clone(),
        start_time: Some(timestamp(order.start_at)),
        end_time: Some(timestamp(order.end_at)),
        energy_wh: order.energy_wh,
        electricity_fen: order.electricity_fen,
        service_fen: order.service_fen,
        total_fen: order.total_fen,
        stop_reason: order.stop_reason,
        source_time: Some(timestamp(order.pushed_at.unwrap_or(call.stamp))),
        details: order.details.iter().map(period).collect(),
    };
    let batch = OrderBatch { batch_id: batch_id(call), items: vec![item] };
    let answer = voice.ingest().send_orders(futures::stream::iter([batch])).await?.into_inner();
    let results = results(answer, 1)?;
    let number = if order.supervised { "OrderNo" } else { "StartChargeSeq" };
    let body = |confirmed: i32| json!({ number: order.order_no, "ConnectorID": order.connector_id, "ConfirmResult": confirmed });
    match verdict(&results) {
        Ok(()) if results.iter().any(|result| result.outcome == "stale") => {
            Ok(Done { body: body(DISPUTED), msg: labels::SUPERSEDED.to_owned() })
        }
        Ok(()) => Ok(Done { body: body(ACCEPTED), msg: String::new() }),
        Err(rejected) if rejected.reason == "order_conflict" => {
            Ok(Done { body: body(DISPUTED), msg: rejected.text.clone() })
        }
        Err(rejected) => {
            Err(Refused::new(Ret::Business, format!("{} {}", member(&rejected.field), rejected.text)))
        }
    }
}

fn period(detail: &Detail) -> ChargePeriod {
    ChargePeriod {
        start_time: Some(timestamp(detail.start_at)),
        end_time: Some(timestamp(detail.end_at)),
        energy_wh: detail.energy_wh,
        electricity_price_e6: detail.electricity_price_e6,
        service_price_e6: detail.service_price_e6,
        electricity_fen: detail.electricity_fen,
        service_fen: detail.service_fen,
    }
}

/// The standard's name of a field of the contract.
fn member(field: &str) -> &str {
    match field {
        "order_no" => "StartChargeSeq",
        "connector_id" => "ConnectorID",
        "start_time" => "StartTime",
        "end_time" => "EndTime",
        "energy_wh" => "TotalPower",
        "electricity_fen" => "TotalElecMoney",
        "service_fen" => "TotalSeviceMoney",
        "total_fen" => "TotalMoney",
        "details" => "ChargeDetails",
        "stop_reason" => "StopReason",
        "source_time" => "PushTime",
        other => other,
    }
}
