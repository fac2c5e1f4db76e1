//! `notification_equip_charge_status`: a sample of a running charge. Source: interconnect protocol, sections 13 and 14.
use time::OffsetDateTime;

use super::{
    order::details,
    status::{CONNECTOR_ID_MAX, connector_status},
};
use crate::domain::{
    fields::{Fields, Findings, Rule},
    link::Link,
};

/// One sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Order number.
    pub order_no: String,
    /// Name of the member that carried it, for the answer.
    pub supervised: bool,
    /// The operator's connector code.
    pub connector_id: String,
    /// 0, 1, 2, 3, 4, 255.
    pub connector_status: i32,
    /// StartChargeSeqStat 1 to 5, or OrderStatus 1 to 7.
    pub state: i32,
    /// Percent × 100; none where it was not sent.
    pub soc_e2: Option<i64>,
    /// Volts times amperes over all phases.
    pub power_watts: i64,
    /// Wh since the start.
    pub energy_wh: i64,
    /// Milliamperes; for DC the output current.
    pub current_ma: i64,
    /// Millivolts.
    pub voltage_mv: i64,
    /// Start of the charge.
    pub started_at: OffsetDateTime,
    /// EndTime: the moment of the sample, not the end of the charge.
    pub sampled_at: OffsetDateTime,
}

pub(super) fn read(fields: &Fields<'_>, link: &Link, findings: &mut Findings) -> Option<Sample> {
    super::of_link(fields, link, findings);
    let supervised = fields.text(&["StartChargeSeq"], 64, &mut Findings::default()).is_empty();
    let order_no = super::order_no(fields, findings);
    let states = ["StartChargeSeqStat", "startChargeSeqStat", "OrderStatus"];
    let state = fields.needed_integer(&states, findings).unwrap_or(1);
    if !(1..=7).contains(&state) {
        findings.fault(fields.path(states[0]), Rule::Enumeration);
    }
    let mut milli = |name: &str| fields.decimal(&[name], 3, 3, findings).unwrap_or_default();
    let others = [(milli("CurrentB"), milli("VoltageB")), (milli("CurrentC"), milli("VoltageC"))];
    let current_ma = fields.needed_decimal(&["CurrentA"], 3, 3, findings).unwrap_or_default();
    let voltage_mv = fields.needed_decimal(&["VoltageA"], 3, 3, findings).unwrap_or_default();
    let phases = [(current_ma, voltage_mv)].into_iter().chain(others);
    let power_watts = phases.map(|(current, voltage)| watts(current, voltage)).sum();
    for money in [&["ElecMoney", "ElectMoney"][..], &["SeviceMoney", "ServiceMoney"], &["TotalMoney"]] {
        fields.decimal(money, 2, 4, findings);
    }
    let sample = Sample {
        order_no,
        supervised,
        connector_id: fields.id(&["ConnectorID"], CONNECTOR_ID_MAX, findings),
        connector_status: connector_status(fields, &["ConnectorStatus"], findings),
        state: i32::try_from(state).unwrap_or_default(),
        soc_e2: fields.decimal(&["Soc", "SOC"], 2, 4, findings),
        energy_wh: fields.needed_decimal(&["TotalPower", "TotalElect", "Elect"], 3, 4, findings).unwrap_or(0),
        power_watts,
        current_ma,
        voltage_mv,
        started_at: fields.needed_time(&["StartTime"], findings)?,
        sampled_at: fields.needed_time(&["EndTime"], findings)?,
    };
    details(fields, findings);
    Some(sample)
}

/// Watts of milliamperes and millivolts; what no number holds is out of range for the ingest too.
fn watts(current_ma: i64, voltage_mv: i64) -> i64 {
    let watts = i128::from(current_ma) * i128::from(voltage_mv) / 1_000_000;
    i64::try_from(watts).unwrap_or(i64::MAX / 4).clamp(-i64::MAX / 4, i64::MAX / 4)
}
