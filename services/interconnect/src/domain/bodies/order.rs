//! `notification_charge_order_info`: a finished charge. Source: interconnect protocol, sections 11.6, 13 and 14.
use time::OffsetDateTime;

use super::status::CONNECTOR_ID_MAX;
use crate::domain::{
    fields::{Fields, Findings},
    link::Link,
};

/// Most elements of ChargeDetails. Source: interconnect protocol, section 11.6 (32), four times as tolerance.
const DETAILS_MAX: usize = 128;

/// A finished charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Order number.
    pub order_no: String,
    /// Sent as OrderNo: so it is answered as OrderNo.
    pub supervised: bool,
    /// The operator's connector code.
    pub connector_id: String,
    /// Start.
    pub start_at: OffsetDateTime,
    /// End.
    pub end_at: OffsetDateTime,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub electricity_fen: i64,
    /// Fen.
    pub service_fen: i64,
    /// Fen.
    pub total_fen: i64,
    /// 0 to 99.
    pub stop_reason: i32,
    /// PushTime, where it was sent; otherwise the envelope's TimeStamp counts.
    pub pushed_at: Option<OffsetDateTime>,
    /// ChargeDetails.
    pub details: Vec<Detail>,
}

/// A period of a charge at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Start.
    pub start_at: OffsetDateTime,
    /// End.
    pub end_at: OffsetDateTime,
    /// Wh.
    pub energy_wh: i64,
    /// Millionths of a yuan for one kWh.
    pub electricity_price_e6: Option<i64>,
    /// Likewise.
    pub service_price_e6: Option<i64>,
    /// Fen.
    pub electricity_fen: Option<i64>,
    /// Fen.
    pub service_fen: Option<i64>,
}

pub(super) fn read(fields: &Fields<'_>, link: &Link, findings: &mut Findings) -> Option<Order> {
    super::of_link(fields, link, findings);
    let supervised = fields.text(&["StartChargeSeq"], 64, &mut Findings::default()).is_empty();
    let order_no = super::order_no(fields, findings);
    let connector_id = fields.id(&["ConnectorID"], CONNECTOR_ID_MAX, findings);
    let start_at = fields.needed_time(&["StartTime"], findings);
    let end_at = fields.needed_time(&["EndTime"], findings);
    let mut fen = |names: &[&str]| fields.needed_decimal(names, 2, 4, findings).unwrap_or_default();
    let electricity_fen = fen(&["TotalElecMoney", "TotalElectMoney"]);
    let service_fen = fen(&["TotalSeviceMoney", "TotalServiceMoney"]);
    let total_fen = fen(&["TotalMoney"]);
    let energy_wh =
        fields.needed_decimal(&["TotalPower", "TotalElect", "Elect"], 3, 4, findings).unwrap_or(0);
    let stop_reason = fields.needed_integer(&["StopReason"], findings).unwrap_or_default();
    let pushed_at = fields.time(&["PushTime"], findings);
    let details = details(fields, findings);
    Some(Order {
        order_no,
        supervised,
        connector_id,
        start_at: start_at?,
        end_at: end_at?,
        energy_wh,
        electricity_fen,
        service_fen,
        total_fen,
        // What does not fit is out of range for the registry too.
        stop_reason: i32::try_from(stop_reason).unwrap_or(i32::MAX),
        pushed_at,
        details,
    })
}

/// The periods of a charge; of a running one they are only checked, since its order tells them again.
pub(super) fn details(fields: &Fields<'_>, findings: &mut Findings) -> Vec<Detail> {
    fields.integer(&["SumPeriod"], findings);
    let list = fields.list(&["ChargeDetails"], DETAILS_MAX, findings);
    list.iter().filter_map(|one| detail(one, findings)).collect()
}

/// One period; what is wrong with it stands in the findings.
fn detail(fields: &Fields<'_>, findings: &mut Findings) -> Option<Detail> {
    let start_at = fields.needed_time(&["DetailStartTime"], findings);
    let end_at = fields.needed_time(&["DetailEndTime"], findings);
    let energy_wh = fields.needed_decimal(&["DetailPower"], 3, 4, findings);
    let mut price = |names: &[&str]| fields.decimal(names, 6, 6, findings);
    let electricity_price_e6 = price(&["ElecPrice", "ElectPrice"]);
    let service_price_e6 = price(&["SevicePrice", "ServicePrice", "ServiceFee"]);
    let mut fen = |names: &[&str]| fields.decimal(names, 2, 4, findings);
    let electricity_fen = fen(&["DetailElecMoney", "DetailElectMoney"]);
    let service_fen = fen(&["DetailSeviceMoney", "DetailServiceMoney"]);
    Some(Detail {
        start_at: start_at?,
        end_at: end_at?,
        energy_wh: energy_wh?,
        electricity_price_e6,
        service_price_e6,
        electricity_fen,
        service_fen,
    })
}
