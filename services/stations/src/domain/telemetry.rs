//! Samples of charging sessions: which are valid, and what a sample does to what is held for its time.
//!
//! The natural key is (connector, sample time): a connector charges one vehicle at a time. Source: interconnect
//! sections 8, 9 and 18.
use time::{Duration, OffsetDateTime};

use super::{Finding, Refusal, order::ORDER_NO_MAX, status::timely, text};

/// 2,000 kW. Source: interconnect section 18, group A.
const POWER_MAX_WATTS: i64 = 2_000_000;
/// 10 MWh: more than any battery on a road takes.
const ENERGY_MAX_WH: i64 = 10_000_000;
/// 2,000.0 V.
const VOLTAGE_MAX_DECIVOLTS: i64 = 20_000;
/// 2,000.0 A.
const CURRENT_MAX_DECIAMPERES: i64 = 20_000;

/// One sample of one connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The operator's connector code.
    pub connector_code: String,
    /// When it was measured, by the operator's clock.
    pub sampled_at: OffsetDateTime,
    /// The session's order number (StartChargeSeq); empty where none is known.
    pub order_no: String,
    /// Energy of the session so far, Wh.
    pub energy_wh: i64,
    /// Power, W.
    pub power_watts: i32,
    /// Voltage in 0.1 V.
    pub voltage_decivolts: i32,
    /// Current in 0.1 A.
    pub current_deciamperes: i32,
    /// State of charge, percent; none where the vehicle does not say.
    pub soc_percent: Option<i32>,
}

/// What is wrong with a sample by itself; none when it may be taken. `age_max` is a setting.
#[must_use]
pub fn examine(sample: &Sample, now: OffsetDateTime, age_max: Duration) -> Option<Finding> {
    let within = |value: i64, max: i64| {
        if (0..=max).contains(&value) { Ok(()) } else { Err(Refusal::OutOfRange { min: 0, max }) }
    };
    let order_no =
        if sample.order_no.is_empty() { Ok(()) } else { text::identifier(&sample.order_no, ORDER_NO_MAX) };
    let checks = [
        ("sample_time", timely(sample.sampled_at, now, age_max)),
        ("order_no", order_no),
        ("energy_wh", within(sample.energy_wh, ENERGY_MAX_WH)),
        ("power_watts", within(i64::from(sample.power_watts), POWER_MAX_WATTS)),
        ("voltage_decivolts", within(i64::from(sample.voltage_decivolts), VOLTAGE_MAX_DECIVOLTS)),
        ("current_deciamperes", within(i64::from(sample.current_deciamperes), CURRENT_MAX_DECIAMPERES)),
        ("soc_percent", within(i64::from(sample.soc_percent.unwrap_or_default()), 100)),
    ];
    checks.into_iter().find_map(|(field, result)| result.err().map(|refusal| Finding::new(field, refusal)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-26 17:00 UTC);

    fn sample() -> Sample {
        Sample {
            connector_code: "C1".into(),
            sampled_at: NOW,
            order_no: String::new(),
            energy_wh: 12_000,
            power_watts: 60_000,
            voltage_decivolts: 7_500,
            current_deciamperes: 800,
            soc_percent: Some(55),
        }
    }

    fn field(change: impl FnOnce(&mut Sample)) -> Option<(String, &'static str)> {
        let mut sample = sample();
        change(&mut sample);
        examine(&sample, NOW, Duration::hours(72)).map(|found| (found.field.clone(), found.refusal.reason()))
    }

    #[test]
    fn a_sample_within_its_ranges_is_taken() {
        assert_eq!(field(|_| {}), None);
        assert_eq!(field(|sample| sample.soc_percent = None), None);
    }

    #[test]
    fn what_cannot_be_measured_is_named_with_its_field() {
        let refused = |field: &str, reason| Some((field.to_owned(), reason));
        assert_eq!(field(|s| s.power_watts = 2_000_001), refused("power_watts", "out_of_range"));
        assert_eq!(field(|s| s.energy_wh = -1), refused("energy_wh", "out_of_range"));
        assert_eq!(field(|s| s.soc_percent = Some(101)), refused("soc_percent", "out_of_range"));
        assert_eq!(field(|s| s.voltage_decivolts = 20_001), refused("voltage_decivolts", "out_of_range"));
        assert_eq!(field(|s| s.current_deciamperes = -1), refused("current_deciamperes", "out_of_range"));
        assert_eq!(field(|s| s.order_no = "a b".into()), refused("order_no", "blank"));
        let late = |s: &mut Sample| s.sampled_at = NOW - Duration::hours(73);
        assert_eq!(field(late), refused("sample_time", "time_too_old"));
        let early = |s: &mut Sample| s.sampled_at = NOW + Duration::minutes(6);
        assert_eq!(field(early), refused("sample_time", "time_in_future"));
    }
}
