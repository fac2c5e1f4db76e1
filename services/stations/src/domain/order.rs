//! Charge orders (充电订单): which are valid, and what an order does to what is held under its number.
//!
//! The natural key is (operator, order number). Source: interconnect sections 8, 11, 18; reliability section 6.
use time::{Duration, OffsetDateTime};

use super::{
    Finding, Refusal,
    period::{self, Period},
    status::AHEAD_MAX,
    text,
};

/// Longest order number taken. Source: interconnect section 11.9.
pub const ORDER_NO_MAX: usize = 64;
/// Longest charge. Source: interconnect section 18, group A.
pub const DURATION_MAX: Duration = Duration::hours(48);
/// 0.5 kWh that an order may exceed rated power × duration × 1.1. Source: interconnect section 18, group A.
const ENERGY_SLACK_WH: i128 = 500;
/// 0.02 yuan between the total and the sum of its parts. Source: interconnect section 18, group A.
const MONEY_SLACK_FEN: i64 = 2;
/// No order costs more than a million yuan; keeps sums far from the end of the number range.
const MONEY_MAX_FEN: i64 = 100_000_000;
/// StopReason 0 to 4 standard, 5 to 99 own use. Source: interconnect section 10.
const STOP_REASON_MAX: i32 = 99;

/// One finished charge as the operator reports it. Money in fen, energy in watt-hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The operator's order number (StartChargeSeq), 1 to 64 characters.
    pub order_no: String,
    /// The operator's connector code.
    pub connector_code: String,
    /// Start of the charge.
    pub start_at: OffsetDateTime,
    /// End of the charge.
    pub end_at: OffsetDateTime,
    /// Energy in Wh.
    pub energy_wh: i64,
    /// Electricity money in fen.
    pub electricity_fen: i64,
    /// Service money in fen.
    pub service_fen: i64,
    /// Total in fen.
    pub total_fen: i64,
    /// StopReason.
    pub stop_reason: i32,
    /// When the operator's system said so; a later one corrects.
    pub source_time: OffsetDateTime,
    /// Its periods, as far as they were said.
    pub periods: Vec<Period>,
}

/// What an order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A new order number.
    New,
    /// The same content is held already.
    Known,
    /// Other content with a later source time: replaces what is held, which is kept as superseded.
    Correction,
    /// A version that was superseded before, whatever its source time: said again, not corrected back.
    Superseded,
}

/// What is held under an order number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held<'a> {
    /// Hash of the content (without the source time).
    pub content_hash: &'a [u8],
    /// Its source time: of when this content was first said. A repetition does not make it newer.
    pub source_time: OffsetDateTime,
    /// Whether the content sent now is one that was superseded.
    pub superseded: bool,
}

/// Everything that is wrong with an order by itself; empty when it may be taken. `age_max` is a setting.
#[must_use]
pub fn examine(order: &Order, now: OffsetDateTime, age_max: Duration) -> Option<Finding> {
    let checks = [
        ("order_no", text::identifier(&order.order_no, ORDER_NO_MAX)),
        ("start_time", if order.start_at < order.end_at { Ok(()) } else { Err(Refusal::EndBeforeStart) }),
        ("end_time", timely_end(order, now, age_max)),
        ("energy_wh", at_least_zero(order.energy_wh, i64::MAX / 4)),
        ("electricity_fen", at_least_zero(order.electricity_fen, MONEY_MAX_FEN)),
        ("service_fen", at_least_zero(order.service_fen, MONEY_MAX_FEN)),
        ("total_fen", at_least_zero(order.total_fen, MONEY_MAX_FEN).and_then(|()| sum(order))),
        ("stop_reason", at_least_zero(i64::from(order.stop_reason), i64::from(STOP_REASON_MAX))),
        (
            "source_time",
            if order.source_time > now + AHEAD_MAX { Err(Refusal::TimeInFuture) } else { Ok(()) },
        ),
        ("details", period::countable(&order.periods)),
    ];
    checks.into_iter().find_map(|(field, result)| result.err().map(|refusal| Finding::new(field, refusal)))
}

/// The energy is within what the connector can deliver: ≤ rated power × duration × 1.1 + 0.5 kWh.
///
/// Source: interconnect section 18, group A. Error: [`Refusal::EnergyImplausible`].
pub fn plausible(order: &Order, power_watts: i64) -> Result<(), Refusal> {
    let seconds = i128::from((order.end_at - order.start_at).whole_seconds());
    let most_wh = i128::from(power_watts) * seconds * 11 / (3600 * 10) + ENERGY_SLACK_WH;
    if i128::from(order.energy_wh) > most_wh { Err(Refusal::EnergyImplausible) } else { Ok(()) }
}

/// Decides on a valid order whose content hashes to `content_hash`.
///
/// A content counts as of when it was first said: systems stamp each retry anew, for hours, so a later time of the same
/// content says nothing. Source: decision record 38.
///
/// Error: [`Refusal::OrderConflict`] for other content that is not newer than what is held.
pub fn judge(
    held: Option<Held<'_>>,
    content_hash: &[u8],
    source_time: OffsetDateTime,
) -> Result<Effect, Refusal> {
    let Some(held) = held else { return Ok(Effect::New) };
    if held.content_hash == content_hash {
        return Ok(Effect::Known);
    }
    if held.superseded {
        return Ok(Effect::Superseded);
    }
    if source_time > held.source_time { Ok(Effect::Correction) } else { Err(Refusal::OrderConflict) }
}

/// What a comparison looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub total_fen: i64,
}

/// How an order differs from the one that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispute {
    /// There is no order of this number.
    NotHeld,
    /// Another amount of money.
    Amount,
    /// Another amount of energy.
    Energy,
}

impl Dispute {
    /// The name in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotHeld => "not_held",
            Self::Amount => "amount",
            Self::Energy => "energy",
        }
    }
}

/// Compares an order as the operator counts it with the one that is held; none where they agree.
///
/// Source: interconnect section 13, check_charge_orders. Its energies have two digits of a kWh.
#[must_use]
pub fn compare(held: Option<Totals>, said: Totals) -> Option<Dispute> {
    const ROUNDING_WH: u64 = 10;
    match held {
        None => Some(Dispute::NotHeld),
        Some(held) if held.total_fen != said.total_fen => Some(Dispute::Amount),
        Some(held) if held.energy_wh.abs_diff(said.energy_wh) >= ROUNDING_WH => Some(Dispute::Energy),
        Some(_) => None,
    }
}

impl Order {
    /// The content as bytes, the same for the same content: what is hashed. The source time is not part of it, since
    /// a repeated push carries a new one; nor are periods that add up to the order: they say it once more. Source: decision
    /// record 47.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        for text in [&self.order_no, &self.connector_code] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        for instant in [self.start_at, self.end_at] {
            bytes.extend_from_slice(&instant.unix_timestamp_nanos().to_be_bytes());
        }
        for number in [self.energy_wh, self.electricity_fen, self.service_fen, self.total_fen] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.stop_reason.to_be_bytes());
        for sum in period::contradiction(self).into_iter().flatten() {
            bytes.extend_from_slice(&sum.to_be_bytes());
        }
        bytes
    }
}

fn timely_end(order: &Order, now: OffsetDateTime, age_max: Duration) -> Result<(), Refusal> {
    if order.end_at > now + AHEAD_MAX {
        return Err(Refusal::TimeInFuture);
    }
    if order.end_at < now - age_max {
        return Err(Refusal::TimeTooOld);
    }
    if order.end_at - order.start_at > DURATION_MAX {
        return Err(Refusal::TooLongCharge);
    }
    Ok(())
}

fn at_least_zero(value: i64, max: i64) -> Result<(), Refusal> {
    if (0..=max).contains(&value) { Ok(()) } else { Err(Refusal::OutOfRange { min: 0, max }) }
}

fn sum(order: &Order) -> Result<(), Refusal> {
    let parts = order.electricity_fen.saturating_add(order.service_fen);
    if parts.abs_diff(order.total_fen) > MONEY_SLACK_FEN.unsigned_abs() {
        Err(Refusal::AmountMismatch)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-26 08:00 UTC);
    const AGE: Duration = Duration::days(30);

    fn order() -> Order {
        Order {
            order_no: "XXXX00019202611260001".into(),
            connector_code: "410105000100101".into(),
            start_at: NOW - Duration::hours(2),
            end_at: NOW - Duration::hours(1),
            energy_wh: 60_000,
            electricity_fen: 3_000,
            service_fen: 1_800,
            total_fen: 4_800,
            stop_reason: 0,
            source_time: NOW,
            periods: Vec::new(),
        }
    }

    #[test]
    fn each_broken_rule_is_named() {
        type Case = (fn(&mut Order), &'static str, &'static str);
        let cases: &[Case] = &[
            (|o| o.order_no.clear(), "order_no", "required"),
            (|o| o.start_at = o.end_at, "start_time", "end_before_start"),
            (|o| o.end_at = NOW + Duration::minutes(6), "end_time", "time_in_future"),
            (
                |o| {
                    o.end_at = NOW - Duration::days(31);
                    o.start_at = NOW - Duration::days(32)
                },
                "end_time",
                "time_too_old",
            ),
            (|o| o.start_at = o.end_at - Duration::hours(49), "end_time", "charge_too_long"),
            (|o| o.energy_wh = -1, "energy_wh", "out_of_range"),
            (|o| o.service_fen = -1, "service_fen", "out_of_range"),
            (|o| o.total_fen = 4_803, "total_fen", "amount_mismatch"),
            (|o| o.stop_reason = 100, "stop_reason", "out_of_range"),
            (|o| o.source_time = NOW + Duration::minutes(6), "source_time", "time_in_future"),
        ];
        assert_eq!(examine(&order(), NOW, AGE), None);
        for (change, field, reason) in cases {
            let mut order = order();
            change(&mut order);
            let found = examine(&order, NOW, AGE).map(|found| (found.field, found.refusal.reason()));
            assert_eq!(found, Some(((*field).to_owned(), *reason)));
        }
    }

    #[test]
    fn a_comparison_forgives_rounding_of_energy_and_no_fen() {
        let totals = |energy_wh, total_fen| Totals { energy_wh, total_fen };
        let held = Some(totals(30_254, 3_015));
        assert_eq!(compare(held, totals(30_250, 3_015)), None);
        assert_eq!(compare(held, totals(30_264, 3_015)), Some(Dispute::Energy));
        assert_eq!(compare(held, totals(30_264, 3_016)), Some(Dispute::Amount));
        assert_eq!(compare(None, totals(0, 0)), Some(Dispute::NotHeld));
    }

    #[test]
    fn energy_has_a_ceiling() {
        let mut order = order(); // one hour at 120 kW: 132 kWh + 0.5 kWh
        order.energy_wh = 132_500;
        assert_eq!(plausible(&order, 120_000), Ok(()));
        order.energy_wh += 1;
        assert_eq!(plausible(&order, 120_000), Err(Refusal::EnergyImplausible));
    }

    #[test]
    fn the_content_does_not_depend_on_the_source_time() {
        let mut other = order();
        other.source_time += Duration::hours(1);
        assert_eq!(order().canonical(), other.canonical());
        other.total_fen += 1;
        assert_ne!(order().canonical(), other.canonical());
    }

    #[test]
    fn same_is_known_later_corrects_and_the_rest_conflicts() {
        let held = |superseded| Some(Held { content_hash: b"a", source_time: NOW, superseded });
        let later = NOW + Duration::SECOND;
        assert_eq!(judge(None, b"a", NOW), Ok(Effect::New));
        assert_eq!(judge(held(false), b"a", later), Ok(Effect::Known));
        assert_eq!(judge(held(false), b"b", later), Ok(Effect::Correction));
        assert_eq!(judge(held(false), b"b", NOW), Err(Refusal::OrderConflict));
        assert_eq!(judge(held(true), b"b", NOW - Duration::SECOND), Ok(Effect::Superseded));
    }

    #[test]
    fn what_was_superseded_does_not_come_back_with_a_later_time() {
        let held = Held { content_hash: b"b", source_time: NOW, superseded: true };
        assert_eq!(judge(Some(held), b"a", NOW + Duration::HOUR), Ok(Effect::Superseded));
    }
}
