//! What an order says of its periods (充电明细): prices by time of use, energy, money. Kept as said; judged by their sums alone.
//!
//! Source: interconnect sections 11.6 and 18, group B; decision record 47.
use time::OffsetDateTime;

use super::{Refusal, order::Order};

/// Most periods of an order. Source: interconnect section 11.6 (32), four times as tolerance.
pub const PERIODS_MAX: usize = 128;
/// 0.05 kWh between an order and the sum of its periods. Source: interconnect section 18, group B.
const ENERGY_SLACK_WH: u128 = 50;
/// 0.02 yuan for each period, likewise.
const MONEY_SLACK_FEN: u128 = 2;

/// A period of a charge at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
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

/// Whether so many periods are kept. What they say is for people to judge: it refuses no order.
///
/// Error: [`Refusal::TooMany`].
pub fn countable(periods: &[Period]) -> Result<(), Refusal> {
    if periods.len() > PERIODS_MAX { Err(Refusal::TooMany { max: PERIODS_MAX }) } else { Ok(()) }
}

/// The sums of the periods (Wh, fen of electricity, fen of service), where one of them contradicts the order's own totals; money
/// that is not said of every period contradicts nothing, and its sum is -1.
#[must_use]
pub fn contradiction(order: &Order) -> Option<[i128; 3]> {
    let periods = &order.periods;
    if periods.is_empty() {
        return None;
    }
    let sum = |of: fn(&Period) -> Option<i64>| -> Option<i128> {
        periods.iter().map(|period| of(period).map(i128::from)).sum()
    };
    let money = MONEY_SLACK_FEN * periods.len() as u128;
    let sums = [
        (sum(|period| Some(period.energy_wh)), order.energy_wh, ENERGY_SLACK_WH),
        (sum(|period| period.electricity_fen), order.electricity_fen, money),
        (sum(|period| period.service_fen), order.service_fen, money),
    ];
    let apart = |(sum, total, slack): &(Option<i128>, i64, u128)| {
        sum.is_some_and(|sum| sum.abs_diff(i128::from(*total)) > *slack)
    };
    sums.iter().any(apart).then(|| sums.map(|(sum, ..)| sum.unwrap_or(-1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    const START: OffsetDateTime = datetime!(2026-11-26 06:00 UTC);

    fn order(periods: &[(i64, Option<i64>)]) -> Order {
        let period = |(energy_wh, fen): &(i64, Option<i64>)| Period {
            start_at: START,
            end_at: START + Duration::HOUR,
            energy_wh: *energy_wh,
            electricity_price_e6: Some(500_000),
            service_price_e6: None,
            electricity_fen: *fen,
            service_fen: None,
        };
        Order {
            order_no: "1".into(),
            connector_code: "S1-1".into(),
            start_at: START,
            end_at: START + Duration::HOUR,
            energy_wh: 60_000,
            electricity_fen: 3_000,
            service_fen: 1_800,
            total_fen: 4_800,
            stop_reason: 0,
            source_time: START + Duration::HOUR,
            periods: periods.iter().map(period).collect(),
        }
    }

    #[test]
    fn periods_that_add_up_but_for_rounding_say_nothing_else() {
        assert_eq!(contradiction(&order(&[])), None);
        assert_eq!(contradiction(&order(&[(30_000, Some(1_502)), (30_050, Some(1_502))])), None);
        assert_eq!(contradiction(&order(&[(60_000, None)])), None, "no money said");
        assert_eq!(contradiction(&order(&[(60_000, Some(1)), (0, None)])), None, "not of every period");
    }

    #[test]
    fn sums_beside_the_totals_are_another_content() {
        let energy = order(&[(30_000, Some(1_500)), (30_051, Some(1_500))]);
        assert_eq!(contradiction(&energy), Some([60_051, 3_000, -1]));
        let money = order(&[(60_000, Some(3_003))]);
        assert_eq!(contradiction(&money), Some([60_000, 3_003, -1]));
        let plain = order(&[]).canonical();
        assert_eq!(order(&[(20_000, None), (40_000, None)]).canonical(), plain);
        assert_ne!(energy.canonical(), plain);
        assert_ne!(energy.canonical(), money.canonical());
    }

    #[test]
    fn numbers_without_end_are_summed_all_the_same() {
        assert!(contradiction(&order(&[(i64::MAX, Some(i64::MAX)), (i64::MAX, Some(i64::MIN))])).is_some());
    }

    #[test]
    fn more_periods_than_a_charge_has_are_refused() {
        let many = order(&vec![(0, None); PERIODS_MAX + 1]);
        assert_eq!(countable(&many.periods), Err(Refusal::TooMany { max: PERIODS_MAX }));
        assert_eq!(countable(&many.periods[1..]), Ok(()));
    }
}
