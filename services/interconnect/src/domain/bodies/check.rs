//! `check_charge_orders`: a day's orders as the operator counts them. Source: interconnect protocol, section 13.
use time::OffsetDateTime;

use crate::domain::fields::{Fields, Findings};

/// Orders of one message; the body's size allows no more.
const ORDERS_MAX: usize = 30_000;

/// What is to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// CheckOrderSeq.
    pub seq: String,
    /// Begin of the window.
    pub start_at: OffsetDateTime,
    /// End of the window, included.
    pub end_at: OffsetDateTime,
    /// OrderCount.
    pub count: i64,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub total_fen: i64,
    /// The orders.
    pub orders: Vec<Line>,
}

/// One order of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Order number.
    pub order_no: String,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub total_fen: i64,
}

pub(super) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Option<Check> {
    let seq = fields.id(&["CheckOrderSeq"], super::ORDER_NO_MAX, findings);
    let start_at = fields.needed_time(&["StartTime"], findings);
    let end_at = fields.needed_time(&["EndTime"], findings);
    let count = fields.needed_integer(&["OrderCount"], findings).unwrap_or_default();
    let energy_wh = fields.needed_decimal(&["TotalOrderPower"], 3, 4, findings).unwrap_or_default();
    let total_fen = fields.needed_decimal(&["TotalOrderMoney"], 2, 4, findings).unwrap_or_default();
    let mut orders = Vec::new();
    for line in fields.list(&["ChargeOrders"], ORDERS_MAX, findings) {
        orders.push(Line {
            order_no: super::order_no(&line, findings),
            energy_wh: line.needed_decimal(&["TotalPower", "TotalElect"], 3, 4, findings).unwrap_or_default(),
            total_fen: line.needed_decimal(&["TotalMoney"], 2, 4, findings).unwrap_or_default(),
        });
    }
    Some(Check { seq, start_at: start_at?, end_at: end_at?, count, energy_wh, total_fen, orders })
}
