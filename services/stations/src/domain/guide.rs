//! What drivers are told of a station: hours, prices, payment, parking, in the words of its operator. Nothing is computed from it.
//!
//! Source: interconnect section 11.2; decision record 47.
use super::{Finding, text};

/// Four times the standard's lengths, as everywhere. Source: interconnect sections 9 and 11.2.
const TEXT_MAX: usize = 400;
const ELECTRICITY_FEE_MAX: usize = 1_024;
const PAYMENT_MAX: usize = 80;
const PHONE_MAX: usize = 120;

/// The words; empty where nothing was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guide {
    /// BusineHours.
    pub business_hours: String,
    /// ElectricityFee.
    pub electricity_fee: String,
    /// ServiceFee.
    pub service_fee: String,
    /// ParkFee.
    pub park_fee: String,
    /// Payment.
    pub payment: String,
    /// ParkInfo.
    pub park_info: String,
    /// SiteGuide.
    pub directions: String,
    /// MatchCars.
    pub vehicles: String,
    /// StationTel.
    pub station_phone: String,
    /// SupportOrder.
    pub bookable: bool,
}

/// Everything that is wrong with the words.
#[must_use]
pub fn examine(guide: &Guide) -> Vec<Finding> {
    let texts = [
        ("business_hours", &guide.business_hours, TEXT_MAX),
        ("electricity_fee", &guide.electricity_fee, ELECTRICITY_FEE_MAX),
        ("service_fee", &guide.service_fee, TEXT_MAX),
        ("park_fee", &guide.park_fee, TEXT_MAX),
        ("payment", &guide.payment, PAYMENT_MAX),
        ("park_info", &guide.park_info, TEXT_MAX),
        ("directions", &guide.directions, TEXT_MAX),
        ("vehicles", &guide.vehicles, TEXT_MAX),
        ("station_phone", &guide.station_phone, PHONE_MAX),
    ];
    let wrong = |(field, words, max): (&str, &String, usize)| {
        text::optional(words, max).err().map(|refusal| Finding::new(format!("guide.{field}"), refusal))
    };
    texts.into_iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_an_end_and_can_be_shown() {
        assert_eq!(examine(&Guide::default()), []);
        let guide = Guide {
            business_hours: "时".repeat(400),
            electricity_fee: "元".repeat(1_025),
            payment: "现金\n刷卡".into(),
            ..Guide::default()
        };
        let found: Vec<_> =
            examine(&guide).into_iter().map(|found| (found.field, found.refusal.reason())).collect();
        let expected = [("guide.electricity_fee", "too_long"), ("guide.payment", "control_character")];
        assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason)));
    }
}
