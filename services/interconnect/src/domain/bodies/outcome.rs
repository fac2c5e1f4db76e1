//! `notification_start_charge_result` and `notification_stop_charge_result`: what came of a start or a stop that somebody asked the
//! operator's system for. Source: interconnect protocol, section 13.
use super::status::CONNECTOR_ID_MAX;
use crate::domain::{
    fields::{Fields, Findings, Rule},
    method::Method,
};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Order number.
    pub order_no: String,
    /// The operator's connector code.
    pub connector_id: String,
}

pub(super) fn read(method: Method, fields: &Fields<'_>, findings: &mut Findings) -> Option<Outcome> {
    let state = fields.needed_integer(&["StartChargeSeqStat", "startChargeSeqStat"], findings).unwrap_or(1);
    if !(1..=5).contains(&state) {
        findings.fault(fields.path("StartChargeSeqStat"), Rule::Enumeration);
    }
    if method == Method::Started {
        fields.needed_time(&["StartTime"], findings);
    } else {
        fields.needed_integer(&["SuccStat"], findings);
        fields.integer(&["FailReason"], findings);
    }
    Some(Outcome {
        order_no: super::order_no(fields, findings),
        connector_id: fields.id(&["ConnectorID"], CONNECTOR_ID_MAX, findings),
    })
}
