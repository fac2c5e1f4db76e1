//! `notification_start_charge_result` and `notification_stop_charge_result`: acknowledged, so that they are not sent again. This
//! platform starts and stops nothing; the counter of requests tells how many came.
use serde_json::json;

use super::Done;
use crate::domain::bodies::outcome::Outcome;

/// Acknowledges it.
#[must_use]
pub fn execute(outcome: &Outcome) -> Done {
    let body = json!({ "StartChargeSeq": outcome.order_no, "SuccStat": 0, "FailReason": 0 });
    Done { body, msg: String::new() }
}
