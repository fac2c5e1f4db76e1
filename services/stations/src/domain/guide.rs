//! What drivers are told of a station: hours, prices, payment, parking, in the words of its operator. Nothing is computed from it.
//!
//! Source: interconnect section 11.2; decision records 47 and 51.
use super::{Finding, Refusal, text};

/// Four times the standard's lengths, as everywhere. Source: interconnect sections 9 and 11.2.
const TEXT_MAX: usize = 400;
const ELECTRICITY_FEE_MAX: usize = 1_024;
const PAYMENT_MAX: usize = 80;
const PHONE_MAX: usize = 120;
/// Most pictures, and longest address of one: the standard names no limit.
const PICTURES_MAX: usize = 20;
const PICTURE_MAX: usize = 512;

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
    /// Remark.
    pub remark: String,
    /// Pictures: where they are.
    pub pictures: Vec<String>,
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
        ("remark", &guide.remark, TEXT_MAX),
    ];
    let wrong = |(field, words, max): (&str, &String, usize)| {
        text::optional(words, max).err().map(|refusal| Finding::new(format!("guide.{field}"), refusal))
    };
    texts.into_iter().filter_map(wrong).chain(pictures(&guide.pictures)).collect()
}

/// What is wrong with addresses of pictures.
fn pictures(pictures: &[String]) -> Vec<Finding> {
    if pictures.len() > PICTURES_MAX {
        return vec![Finding::new("guide.pictures", Refusal::TooMany { max: PICTURES_MAX })];
    }
    let wrong = |(at, address): (usize, &String)| {
        picture(address).err().map(|refusal| Finding::new(format!("guide.pictures[{at}]"), refusal))
    };
    pictures.iter().enumerate().filter_map(wrong).collect()
}

/// An address that people may be led to: of the web, with a host and without anybody's name or password.
fn picture(address: &str) -> Result<(), Refusal> {
    text::identifier(address, PICTURE_MAX)?;
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#', '\\']).next()).unwrap_or_default();
    if host.is_empty() || host.contains('@') { Err(Refusal::UnknownValue) } else { Ok(()) }
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

    #[test]
    fn pictures_are_addresses_of_the_web_and_few() {
        for right in ["https://cdn.example/a.jpg?x=1", "http://192.0.2.7:8080/图.png"] {
            assert_eq!(picture(right), Ok(()), "{right}");
        }
        for (wrong, reason) in [
            ("", "required"),
            ("javascript:alert(1)", "unknown_value"),
            ("//cdn.example/a.jpg", "unknown_value"),
            ("https:///a.jpg", "unknown_value"),
            ("https://admin@cdn.example/a.jpg", "unknown_value"),
            ("https://cdn.example/a b.jpg", "blank"),
        ] {
            assert_eq!(picture(wrong).map_err(|refusal| refusal.reason()), Err(reason), "{wrong}");
        }
        let found = |pictures: Vec<String>| {
            let guide = Guide { pictures, ..Guide::default() };
            examine(&guide).into_iter().map(|found| (found.field, found.refusal.reason())).collect::<Vec<_>>()
        };
        let address = |length: usize| format!("https://{}", "a".repeat(length - 8));
        assert_eq!(found(vec![address(512); 20]), []);
        assert_eq!(found(vec![address(9), address(513)]), [("guide.pictures[1]".to_owned(), "too_long")]);
        assert_eq!(found(vec![address(9); 21]), [("guide.pictures".to_owned(), "too_many")]);
    }
}
