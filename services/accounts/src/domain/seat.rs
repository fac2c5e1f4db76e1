//! Where an operator registers: the licence's county, its city's 其他, or the one division for companies from outside.

use super::{
    division::{Catalogue, Division, Level, Sort},
    provinces::home_province,
    refusal::{Field, Refusal},
};

/// Where a company sits, as it says when it registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Whether the licence was issued in this province.
    pub in_province: bool,
    /// Code of the division chosen.
    pub registered_division: String,
    /// The county's name on the licence, where the company gives it; then 其他 is checked against the list.
    pub licence_county: String,
    /// The company's own province, where it is another; name, short name or code.
    pub home_province: String,
}

/// A seat that has passed the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledSeat {
    /// Code of the division registered.
    pub registered_division: String,
    /// Its city-tier unit.
    pub city: String,
    /// Full name of the home province; empty for companies of this province.
    pub home_province: String,
    /// The county's name on the licence, where given.
    pub licence_county: String,
}

/// In the province: the licence's county, and where it is not listed the prefecture's 其他. Outside: one fixed
/// division only (郑州-其他), and the home province is kept.
///
/// Errors: the refusals about `registered_division`, `home_province`. Source: workflow, Accounts; G3.
pub fn settle(seat: &Seat, catalogue: &Catalogue, outside_division: &str) -> Result<SettledSeat, Refusal> {
    let code = seat.registered_division.trim();
    if code.is_empty() {
        return Err(Refusal::Missing(Field::RegisteredDivision));
    }
    let home_province = if seat.in_province {
        String::new()
    } else {
        if code != outside_division {
            return Err(Refusal::DivisionOutside);
        }
        home_province(&seat.home_province, catalogue.province())?.to_owned()
    };
    let Some(division) = catalogue.find(code) else {
        return Err(match catalogue.successor(code) {
            Some(successor) => Refusal::DivisionAbolished { successor: successor.code.clone() },
            None => Refusal::UnknownValue(Field::RegisteredDivision),
        });
    };
    if division.level != Level::County {
        return Err(Refusal::DivisionNotCounty);
    }
    let licence_county = seat.licence_county.trim();
    if seat.in_province && !licence_county.is_empty() {
        fits_licence(division, licence_county, catalogue)?;
    }
    Ok(SettledSeat {
        registered_division: division.code.clone(),
        city: division.city_code.clone(),
        home_province,
        licence_county: licence_county.to_owned(),
    })
}

fn fits_licence(division: &Division, county: &str, catalogue: &Catalogue) -> Result<(), Refusal> {
    match catalogue.county_named(&division.city_code, county) {
        Some(listed) if listed.code == division.code => Ok(()),
        Some(listed) => Err(Refusal::DivisionListed { listed: listed.code.clone() }),
        None if division.sort == Sort::Other => Ok(()),
        None => {
            let other = catalogue.other_of(&division.city_code).map(|row| row.code.clone());
            Err(Refusal::DivisionOtherExpected { other: other.unwrap_or_default() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_province(division: &str, licence_county: &str) -> Result<SettledSeat, Refusal> {
        let seat = Seat {
            in_province: true,
            registered_division: division.to_owned(),
            licence_county: licence_county.to_owned(),
            home_province: String::new(),
        };
        settle(&seat, &Catalogue::sample(), "410199")
    }

    fn outside(division: &str, home_province: &str) -> Result<SettledSeat, Refusal> {
        let seat = Seat {
            in_province: false,
            registered_division: division.to_owned(),
            licence_county: String::new(),
            home_province: home_province.to_owned(),
        };
        settle(&seat, &Catalogue::sample(), "410199")
    }

    #[test]
    fn a_listed_county_is_taken() {
        assert_eq!(in_province("410105", "金水区").unwrap().city, "410100");
        assert_eq!(in_province("419001", "").unwrap().city, "419001");
        assert_eq!(in_province("410307", "偃师市").unwrap().registered_division, "410307");
    }

    #[test]
    fn a_place_that_is_not_listed_goes_to_its_citys_other() {
        assert_eq!(in_province("410399", "高新技术产业开发区").unwrap().registered_division, "410399");
        assert_eq!(
            in_province("410307", "高新技术产业开发区"),
            Err(Refusal::DivisionOtherExpected { other: "410399".to_owned() })
        );
        assert_eq!(
            in_province("410199", "金水"),
            Err(Refusal::DivisionListed { listed: "410105".to_owned() })
        );
    }

    #[test]
    fn a_prefecture_or_the_province_is_no_county() {
        assert_eq!(in_province("410100", ""), Err(Refusal::DivisionNotCounty));
        assert_eq!(in_province("410000", ""), Err(Refusal::DivisionNotCounty));
        assert_eq!(in_province("", ""), Err(Refusal::Missing(Field::RegisteredDivision)));
        assert_eq!(in_province("420102", ""), Err(Refusal::UnknownValue(Field::RegisteredDivision)));
        let successor = "410307".to_owned();
        assert_eq!(in_province("410381", ""), Err(Refusal::DivisionAbolished { successor }));
    }

    #[test]
    fn a_company_from_outside_takes_the_fixed_division_only_and_its_province_is_kept() {
        assert_eq!(outside("410199", "湖北").unwrap().home_province, "湖北省");
        assert_eq!(outside("410199", "420000").unwrap().home_province, "湖北省");
        for code in ["410105", "410399", "410100", "419099"] {
            assert_eq!(outside(code, "湖北省"), Err(Refusal::DivisionOutside));
        }
        assert_eq!(outside("410199", ""), Err(Refusal::Missing(Field::HomeProvince)));
        assert_eq!(outside("410199", "河南省"), Err(Refusal::UnknownValue(Field::HomeProvince)));
    }
}
