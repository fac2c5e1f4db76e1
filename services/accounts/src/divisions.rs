//! The list of divisions as files: the compiled-in ones of Henan, or others of the same form. The rule where an operator
//! registers is in `domain/division.rs`.

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::domain::division::{Abolished, Catalogue, CountySeat, Division, Level, Sort};

/// 193 divisions of Henan. Source and vintage: `services/accounts/data/README.md`.
pub const HENAN: &str = include_str!("../data/henan-divisions.csv");
/// Ten divisions abolished since 2014 and their successors.
pub const HENAN_HISTORY: &str = include_str!("../data/henan-divisions-history.csv");
/// A history without rows.
pub const NO_HISTORY: &str = "old_code,old_name,new_code,new_name,change\n";

/// Seats of the counties of Henan.
pub const HENAN_SEATS: &str = include_str!("../data/henan-county-seats.csv");
/// Seats without rows: no place is judged by its distance.
pub const NO_SEATS: &str = "code,name,lon,lat,source\n";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    name: String,
    level: String,
    parent_code: String,
    kind: String,
    city_code: String,
    full_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryRow {
    old_code: String,
    old_name: String,
    new_code: String,
    #[serde(rename = "new_name")]
    _new_name: String,
    change: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeatRow {
    code: String,
    #[serde(rename = "name")]
    _name: String,
    lon: f64,
    lat: f64,
    #[serde(rename = "source")]
    _source: String,
}

/// Reads the seats of a list's divisions.
///
/// # Errors
/// The line that does not parse, or that is of no division in force.
pub fn read_seats(seats: &str, catalogue: &Catalogue) -> anyhow::Result<Vec<CountySeat>> {
    let mut found = Vec::new();
    for (index, row) in csv::Reader::from_reader(seats.as_bytes()).deserialize().enumerate() {
        let line = index + 2;
        let row: SeatRow = row.with_context(|| format!("seats, line {line}"))?;
        if catalogue.find(&row.code).is_none() {
            bail!("seats, line {line}: division {} is not listed", row.code);
        }
        if !(-180.0..=180.0).contains(&row.lon) || !(-90.0..=90.0).contains(&row.lat) {
            bail!("seats, line {line}: {}, {} is no longitude and latitude", row.lon, row.lat);
        }
        let micro = |degrees: f64| (degrees * 1e6).round() as i64;
        found.push(CountySeat { code: row.code, longitude_e6: micro(row.lon), latitude_e6: micro(row.lat) });
    }
    Ok(found)
}

/// Reads a list and its history.
///
/// # Errors
/// The line that does not parse, or what does not hang together.
pub fn read(list: &str, history: &str) -> anyhow::Result<Catalogue> {
    let mut divisions = Vec::new();
    for (index, row) in csv::Reader::from_reader(list.as_bytes()).deserialize().enumerate() {
        let line = index + 2;
        let row: Row = row.with_context(|| format!("divisions, line {line}"))?;
        if row.code.len() != 6 || !row.code.bytes().all(|byte| byte.is_ascii_digit()) {
            bail!("divisions, line {line}: code {} is not six digits", row.code);
        }
        let level = Level::ALL.into_iter().find(|level| level.name() == row.level);
        let sort = Sort::ALL.into_iter().find(|sort| sort.name() == row.kind);
        divisions.push(Division {
            level: level.with_context(|| format!("divisions, line {line}: unknown level {}", row.level))?,
            sort: sort.with_context(|| format!("divisions, line {line}: unknown kind {}", row.kind))?,
            code: row.code,
            name: row.name,
            parent_code: row.parent_code,
            city_code: row.city_code,
            full_name: row.full_name,
        });
    }
    let mut abolished = Vec::new();
    for (index, row) in csv::Reader::from_reader(history.as_bytes()).deserialize().enumerate() {
        let row: HistoryRow = row.with_context(|| format!("history, line {}", index + 2))?;
        abolished.push(Abolished {
            code: row.old_code,
            name: row.old_name,
            successor: row.new_code,
            change: row.change,
        });
    }
    Ok(Catalogue::new(divisions, abolished)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_list_hangs_together() {
        let henan = read(HENAN, HENAN_HISTORY).unwrap();
        assert_eq!((henan.all().count(), henan.all_abolished().count()), (193, 10));
        let cities: std::collections::BTreeSet<_> =
            henan.all().filter(|row| row.level != Level::Province).map(|row| row.city_code.clone()).collect();
        assert_eq!(cities.len(), 18);
        for city in cities {
            assert!(henan.other_of(&city).is_some(), "{city} has no 其他");
        }
    }

    #[test]
    fn every_county_of_the_compiled_in_list_has_its_seat() {
        let henan = read(HENAN, HENAN_HISTORY).unwrap();
        let seats = read_seats(HENAN_SEATS, &henan).unwrap();
        let counties = henan.all().filter(|row| row.level == Level::County && row.sort == Sort::Real);
        let without: Vec<_> = counties.filter(|row| seats.iter().all(|seat| seat.code != row.code)).collect();
        assert_eq!(without, Vec::<&Division>::new());
        assert_eq!((seats[0].longitude_e6, seats[0].latitude_e6), (113_600_900, 34_748_700));
        let strange = HENAN_SEATS.replace("410102,", "110101,");
        let refused = read_seats(&strange, &henan).unwrap_err().to_string();
        assert_eq!(refused, "seats, line 2: division 110101 is not listed");
    }

    #[test]
    fn a_wrong_line_is_named() {
        let broken = HENAN.replace("410102,中原区,county", "410102,中原区,town");
        assert_eq!(
            read(&broken, HENAN_HISTORY).unwrap_err().to_string(),
            "divisions, line 4: unknown level town"
        );
    }
}
