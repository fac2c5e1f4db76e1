//! Divisions and the rule where an operator registers. The list itself is data of the province (`data/`), loaded into
//! the database; the names of the country's provinces are here because the rule needs them.

use std::collections::BTreeMap;

use super::refusal::{Field, Refusal};

/// Tier of a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The province.
    Province,
    /// A prefecture-level city.
    Prefecture,
    /// A county-level unit.
    County,
}

/// What a division is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A division of GB/T 2260.
    Real,
    /// 其他: stands for every place of its city that is not listed.
    Other,
    /// A functional zone that exists in statistical codes only.
    Zone,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Province, Self::Prefecture, Self::County];

    /// Its code in data files and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::Prefecture => "prefecture",
            Self::County => "county",
        }
    }
}

impl Sort {
    /// Every sort.
    pub const ALL: [Self; 3] = [Self::Real, Self::Other, Self::Zone];

    /// Its code in data files and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Other => "other",
            Self::Zone => "zone",
        }
    }
}

/// One division in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Six digits.
    pub code: String,
    /// Name without its parents'.
    pub name: String,
    /// Tier.
    pub level: Level,
    /// Code of the division above; empty for the province.
    pub parent_code: String,
    /// What it is.
    pub sort: Sort,
    /// The city-tier unit that it belongs to; empty for the province; 济源 419001 is its own.
    pub city_code: String,
    /// Name with its parents'.
    pub full_name: String,
}

/// One abolished division and what followed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abolished {
    /// The abolished code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Code of the successor.
    pub successor: String,
    /// What happened, beginning with the year where the source gives one.
    pub change: String,
}

impl Abolished {
    /// The year of the change, where the source gives one.
    pub fn year(&self) -> Option<i32> {
        self.change.get(..4).and_then(|year| year.parse().ok())
    }
}

/// Every division in force, by code, and the abolished ones with their successors.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    divisions: BTreeMap<String, Division>,
    abolished: BTreeMap<String, Abolished>,
    province: String,
}

/// What is wrong with a list of divisions as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Two rows carry one code.
    #[error("division {0} stands twice")]
    Twice(String),
    /// Not exactly one province.
    #[error("{0} provinces, expected one")]
    Provinces(usize),
    /// A parent or city that is not listed.
    #[error("division {code} belongs to {missing}, which is not listed")]
    Missing {
        /// The division.
        code: String,
        /// What is missing.
        missing: String,
    },
    /// A successor that is not in force, or a code both abolished and in force.
    #[error("abolished division {0}: it is in force, or its successor is not")]
    Succession(String),
}

impl Catalogue {
    /// Builds the catalogue and checks that it hangs together.
    ///
    /// Errors: [`CatalogueError`], the first found.
    pub fn new(divisions: Vec<Division>, abolished: Vec<Abolished>) -> Result<Self, CatalogueError> {
        let provinces: Vec<String> =
            divisions.iter().filter(|row| row.level == Level::Province).map(|row| row.code.clone()).collect();
        let [province] = provinces.as_slice() else { return Err(CatalogueError::Provinces(provinces.len())) };
        let mut catalogue = Self { province: province.clone(), ..Self::default() };
        for division in divisions {
            let code = division.code.clone();
            if catalogue.divisions.insert(code.clone(), division).is_some() {
                return Err(CatalogueError::Twice(code));
            }
        }
        for division in catalogue.divisions.values().filter(|row| row.level != Level::Province) {
            for code in [&division.parent_code, &division.city_code] {
                if !catalogue.divisions.contains_key(code) {
                    return Err(CatalogueError::Missing {
                        code: division.code.clone(),
                        missing: code.clone(),
                    });
                }
            }
        }
        for row in abolished {
            if catalogue.divisions.contains_key(&row.code)
                || !catalogue.divisions.contains_key(&row.successor)
            {
                return Err(CatalogueError::Succession(row.code));
            }
            catalogue.abolished.insert(row.code.clone(), row);
        }
        Ok(catalogue)
    }

    /// A division in force.
    pub fn find(&self, code: &str) -> Option<&Division> {
        self.divisions.get(code)
    }

    /// The division that follows an abolished code.
    pub fn successor(&self, code: &str) -> Option<&Division> {
        self.abolished.get(code).and_then(|row| self.divisions.get(&row.successor))
    }

    /// Every division in force, by code.
    pub fn all(&self) -> impl Iterator<Item = &Division> {
        self.divisions.values()
    }

    /// Every abolished division, by code.
    pub fn all_abolished(&self) -> impl Iterator<Item = &Abolished> {
        self.abolished.values()
    }

    /// Code of the province.
    pub fn province(&self) -> &str {
        &self.province
    }

    /// 其他 of a city-tier unit.
    pub fn other_of(&self, city_code: &str) -> Option<&Division> {
        self.divisions.values().find(|row| row.sort == Sort::Other && row.city_code == city_code)
    }

    /// The county of a city-tier unit by its name, with or without 市/区/县, also by a former name.
    pub fn county_named(&self, city_code: &str, name: &str) -> Option<&Division> {
        let name = name.trim();
        let listed = |row: &&Division| {
            row.level == Level::County && row.sort != Sort::Other && row.city_code == city_code
        };
        let named = |full: &str| {
            full == name || (name.chars().count() > 1 && full.strip_suffix(['市', '区', '县']) == Some(name))
        };
        self.divisions.values().filter(listed).find(|row| named(&row.name)).or_else(|| {
            let former = self.abolished.values().find(|row| named(&row.name))?;
            self.divisions.get(&former.successor).filter(listed)
        })
    }
}

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

/// The full name of another province by its name, short name or code.
///
/// Errors: [`Refusal::Missing`], [`Refusal::UnknownValue`] also for the platform's own province.
fn home_province(input: &str, own: &str) -> Result<&'static str, Refusal> {
    let input = input.trim();
    if input.is_empty() {
        return Err(Refusal::Missing(Field::HomeProvince));
    }
    PROVINCES
        .iter()
        .find(|(code, short, full)| [*code, *short, *full].contains(&input))
        .filter(|(code, ..)| *code != own)
        .map(|(.., full)| *full)
        .ok_or(Refusal::UnknownValue(Field::HomeProvince))
}

/// Code, short name and name of the provinces. Source: GB/T 2260.
const PROVINCES: [(&str, &str, &str); 34] = [
    ("110000", "北京", "北京市"),
    ("120000", "天津", "天津市"),
    ("130000", "河北", "河北省"),
    ("140000", "山西", "山西省"),
    ("150000", "内蒙古", "内蒙古自治区"),
    ("210000", "辽宁", "辽宁省"),
    ("220000", "吉林", "吉林省"),
    ("230000", "黑龙江", "黑龙江省"),
    ("310000", "上海", "上海市"),
    ("320000", "江苏", "江苏省"),
    ("330000", "浙江", "浙江省"),
    ("340000", "安徽", "安徽省"),
    ("350000", "福建", "福建省"),
    ("360000", "江西", "江西省"),
    ("370000", "山东", "山东省"),
    ("410000", "河南", "河南省"),
    ("420000", "湖北", "湖北省"),
    ("430000", "湖南", "湖南省"),
    ("440000", "广东", "广东省"),
    ("450000", "广西", "广西壮族自治区"),
    ("460000", "海南", "海南省"),
    ("500000", "重庆", "重庆市"),
    ("510000", "四川", "四川省"),
    ("520000", "贵州", "贵州省"),
    ("530000", "云南", "云南省"),
    ("540000", "西藏", "西藏自治区"),
    ("610000", "陕西", "陕西省"),
    ("620000", "甘肃", "甘肃省"),
    ("630000", "青海", "青海省"),
    ("640000", "宁夏", "宁夏回族自治区"),
    ("650000", "新疆", "新疆维吾尔自治区"),
    ("710000", "台湾", "台湾省"),
    ("810000", "香港", "香港特别行政区"),
    ("820000", "澳门", "澳门特别行政区"),
];

#[cfg(test)]
impl Catalogue {
    /// A province of three city-tier units for tests.
    pub(crate) fn sample() -> Self {
        let row = |code: &str, name: &str, level, parent: &str, sort, city: &str| Division {
            code: code.to_owned(),
            name: name.to_owned(),
            level,
            parent_code: parent.to_owned(),
            sort,
            city_code: city.to_owned(),
            full_name: name.to_owned(),
        };
        let divisions = vec![
            row("410000", "河南省", Level::Province, "", Sort::Real, ""),
            row("410100", "郑州市", Level::Prefecture, "410000", Sort::Real, "410100"),
            row("410105", "金水区", Level::County, "410100", Sort::Real, "410100"),
            row("410199", "其他", Level::County, "410100", Sort::Other, "410100"),
            row("410300", "洛阳市", Level::Prefecture, "410000", Sort::Real, "410300"),
            row("410307", "偃师区", Level::County, "410300", Sort::Real, "410300"),
            row("410399", "其他", Level::County, "410300", Sort::Other, "410300"),
            row("419001", "济源市", Level::County, "410000", Sort::Real, "419001"),
            row("419099", "其他", Level::County, "419001", Sort::Other, "419001"),
        ];
        let former = Abolished {
            code: "410381".to_owned(),
            name: "偃师市".to_owned(),
            successor: "410307".to_owned(),
            change: "2021 撤市设区".to_owned(),
        };
        Self::new(divisions, vec![former]).unwrap()
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
