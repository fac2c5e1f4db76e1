//! The divisions of the province as a whole: which are in force, what followed the abolished ones. The list itself is
//! data (`data/`), loaded into the database; where an operator registers is in `seat.rs`.

use std::collections::BTreeMap;

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

/// Whether applications lie on the desk of its county authority: stations stand in every county-level unit but 其他, which only
/// companies register in. `sort` is `None` for an abolished one, whose tasks its successor has.
pub fn has_county_desk(level: Level, sort: Option<Sort>) -> bool {
    level == Level::County && matches!(sort, Some(Sort::Real | Sort::Zone))
}

/// Whether applications lie on the desk of its city authority: every city-tier unit in force, 济源 too.
pub fn has_city_desk(code: &str, city_code: &str, sort: Option<Sort>) -> bool {
    sort.is_some() && code == city_code
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

/// Where the seat of a division lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountySeat {
    /// Code of the division.
    pub code: String,
    /// WGS-84, micro-degrees.
    pub longitude_e6: i64,
    /// The same.
    pub latitude_e6: i64,
}

/// A division that is no longer in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Six digits.
    pub code: String,
    /// Its last name, without its parents'.
    pub name: String,
    /// The city-tier unit that it belonged to.
    pub city_code: String,
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
