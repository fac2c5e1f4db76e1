//! `check_charge_orders`: the operator's list of a day beside the orders that are held. Source: interconnect protocol, section 13.
//!
//! Orders that are held and not listed are no part of the answer; stations keeps them as quality items.
use std::collections::HashMap;

use chassis::{Failure, error::Kind};
use prost::Message as _;
use proto::stations::{CheckOrdersRequest, CheckedOrder, DisputedOrder, ReportListedRequest};
use serde_json::{Value, json};
use time::Duration;
use tonic::Status;

use super::{Call, Done, Refused, stations::derived, timestamp};
use crate::{
    domain::{
        bodies::check::{Check, Line},
        fields::moment_text,
    },
    neighbours::Voice,
};

/// Longest window whose unlisted orders are looked for, its end excluded: the protocol checks a day.
const WINDOW_MAX: Duration = Duration::DAY;

/// Compares, and answers with the orders that differ: what is held of them, or what was said where nothing is.
///
/// # Errors
/// Busy, when stations cannot be asked now.
pub async fn execute(call: &Call<'_>, voice: &Voice, check: &Check) -> Result<Done, Refused> {
    let orders = check.orders.iter().map(|line| CheckedOrder {
        order_no: line.order_no.clone(),
        energy_wh: line.energy_wh,
        total_fen: line.total_fen,
    });
    let asked = CheckOrdersRequest { orders: orders.collect() };
    let disputed = voice.ingest().check_orders(asked).await?.into_inner().disputed;
    report(call, voice, check, &disputed).await?;
    let said: HashMap<&str, &Line> = check.orders.iter().map(|line| (line.order_no.as_str(), line)).collect();
    let sum = |of: fn(&Line) -> i64| -> i64 {
        disputed
            .iter()
            .filter_map(|one| said.get(one.order_no.as_str()))
            .map(|line| of(line))
            .fold(0, i64::saturating_add)
    };
    let body = json!({
        "CheckOrderSeq": check.seq, "StartTime": moment_text(check.start_at), "EndTime": moment_text(check.end_at),
        "TotalDisputeOrder": disputed.len(), "TotalDisputePower": kilowatt_hours(sum(|line| line.energy_wh)),
        "TotalDisputeMoney": yuan(sum(|line| line.total_fen)),
        "DisputeOrders": disputed.iter().map(|one| dispute(one, &said)).collect::<Vec<_>>(),
    });
    Ok(Done { body, msg: String::new() })
}

/// Says which orders were listed, and which of them the answer disputes. A window that is none, or longer than a day, or a list that
/// is not whole, tells nothing of what is missing.
async fn report(
    call: &Call<'_>,
    voice: &Voice,
    check: &Check,
    disputed: &[DisputedOrder],
) -> Result<(), Refused> {
    let whole = i64::try_from(check.orders.len()) == Ok(check.count);
    if !whole || !(Duration::ZERO..=WINDOW_MAX).contains(&(check.end_at - check.start_at)) {
        return Ok(());
    }
    // Both ends of the protocol's window are included; some operators end a day at the midnight of the next.
    let end_at = (check.end_at + Duration::SECOND).min(check.start_at + WINDOW_MAX);
    let mut body = ReportListedRequest {
        request_id: String::new(),
        operator_id: call.link.operator_id.to_string(),
        check_no: check.seq.clone(),
        start_time: Some(timestamp(check.start_at)),
        end_time: Some(timestamp(end_at)),
        order_nos: check.orders.iter().map(|line| line.order_no.clone()).collect(),
        disputed_order_nos: disputed.iter().map(|one| one.order_no.clone()).collect(),
    };
    // The same envelope may be answered otherwise when it comes again: an order may have come meanwhile.
    let (request, content) = (call.request, body.encode_to_vec());
    let [organisation, sig, stamp, seq] =
        [&call.link.organisation, &request.sig, &request.timestamp, &request.seq].map(String::as_bytes);
    body.request_id = derived(&[organisation, sig, stamp, seq, &content]).to_string();
    voice.checks().report_listed(body).await.map(|_| ()).or_else(unless_later)
}

/// An operator whose list could not be kept for the moment sends it again. One that stations cannot take at all, as before its own
/// update, keeps nothing from the answer.
fn unless_later(status: Status) -> Result<(), Refused> {
    let failure = Failure::from(status.clone());
    match failure.kind() {
        Kind::Busy | Kind::Unavailable | Kind::Conflict => Err(status.into()),
        Kind::Invalid
        | Kind::Refused
        | Kind::Reused
        | Kind::Forbidden
        | Kind::Unauthenticated
        | Kind::NotFound
        | Kind::Internal => {
            tracing::warn!(error = %failure, "what an operator listed was not kept");
            Ok(())
        }
    }
}

fn dispute(one: &DisputedOrder, said: &HashMap<&str, &Line>) -> Value {
    // DisputeReason: 1 no such transaction, 2 amount, 3 energy.
    let (reason, energy_wh, total_fen) = match (one.dispute.as_str(), said.get(one.order_no.as_str())) {
        ("amount", _) => (2, one.energy_wh, one.total_fen),
        ("energy", _) => (3, one.energy_wh, one.total_fen),
        (_, Some(line)) => (1, line.energy_wh, line.total_fen),
        (_, None) => (1, one.energy_wh, one.total_fen),
    };
    json!({
        "StartChargeSeq": one.order_no, "TotalPower": kilowatt_hours(energy_wh), "TotalMoney": yuan(total_fen),
        "DisputeReason": reason,
    })
}

/// Two fraction digits, as the message has them.
pub(super) fn kilowatt_hours(wh: i64) -> Value {
    hundredths(wh.saturating_add(5).div_euclid(10))
}

/// Two fraction digits, from fen.
pub(super) fn yuan(fen: i64) -> Value {
    hundredths(fen)
}

/// A JSON number with at most two fraction digits. Below 2^53 hundredths the shortest text of the float is exactly that.
fn hundredths(number: i64) -> Value {
    json!(number as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_energy_is_written_without_overflow() {
        assert_eq!(kilowatt_hours(i64::MAX), yuan(i64::MAX / 10));
    }

    #[test]
    fn amounts_are_written_with_their_own_digits() {
        for (fen, text) in
            [(29, "0.29"), (3_015, "30.15"), (100, "1.0"), (123_456_789_012, "1234567890.12"), (0, "0.0")]
        {
            assert_eq!(yuan(fen).to_string(), text);
        }
        assert_eq!(kilowatt_hours(30_254).to_string(), "30.25");
    }
}
