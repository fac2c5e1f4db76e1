//! 系统管理/区划与地图: the divisions as accounts holds them, and who acts for each; a desk without anybody is marked.

use askama::Template;
use axum::{http::StatusCode, routing::get};
use proto::accounts::{Jurisdiction, ListJurisdictionsRequest};
use tonic::Status;

use super::Routes;
use crate::{
    Answer, Page, Role, Visitor,
    list::{Filter, Tab},
    map,
};

/// Menu path, and the page.
pub const LIST: &str = "/system/divisions";
/// Where applications would wait for ever.
pub const DESERTED: &str = "无审核人员";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(LIST, get(show))
}

/// One division.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Code of its city.
    pub city_code: String,
    /// Name of its city.
    pub city: String,
    /// 省, 地市, 县区.
    pub level: &'static str,
    /// What it is.
    pub kind: &'static str,
    /// In force, or what followed it.
    pub standing: String,
    /// Whether it was abolished.
    pub former: bool,
    /// Who acts for it as a county.
    pub county_officials: i32,
    /// Who acts for it as a city.
    pub city_officials: i32,
    /// Whether applications lie on a desk of it where nobody sits.
    pub deserted: bool,
}

impl Row {
    fn of(found: &Jurisdiction, all: &[Jurisdiction]) -> Row {
        let name = |code: &str| {
            all.iter().find(|one| one.code == code).map(|one| one.name.clone()).unwrap_or_default()
        };
        let former = found.kind == "former";
        let city = if found.city_code == found.code { String::new() } else { name(&found.city_code) };
        let standing = match (former, found.successor_code.as_str()) {
            (false, _) => "现行".to_owned(),
            (true, "") => "已停用".to_owned(),
            (true, next) => {
                let change = if found.change.is_empty() { "" } else { "，" };
                format!("已撤销，现为 {}（{next}）{change}{}", name(next), found.change)
            }
        };
        Row {
            code: found.code.clone(),
            name: found.name.clone(),
            city_code: found.city_code.clone(),
            city,
            level: match found.level.as_str() {
                "province" => "省",
                "prefecture" => "地市",
                _ if found.code == found.city_code => "省直辖县级市",
                _ => "县区",
            },
            kind: match found.kind.as_str() {
                "other" => "其他（仅供企业注册）",
                "zone" => "功能区",
                "former" => "已撤销",
                _ => "行政区划",
            },
            standing,
            former,
            county_officials: found.county_officials,
            city_officials: found.city_officials,
            deserted: (found.needs_county_officials && found.county_officials == 0)
                || (found.needs_city_officials && found.city_officials == 0),
        }
    }
}

/// Every division.
#[derive(Debug, Clone, Default)]
pub struct Tree(Vec<Row>);

/// Asks accounts for everything; one answer holds some two hundred divisions.
///
/// # Errors
/// accounts is away.
pub async fn read(visitor: &Visitor) -> Result<Tree, Status> {
    let answer = visitor.users().list_jurisdictions(ListJurisdictionsRequest {}).await?.into_inner();
    Ok(Tree::of(&answer.jurisdictions))
}

/// A city with what belongs to it, counted.
#[derive(Debug, Clone, Default)]
pub struct City {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Counties in force, without 其他.
    pub counties: usize,
    /// Officials of its own, and of its counties.
    pub officials: i32,
    /// The same of its counties.
    pub county_officials: i32,
    /// Divisions of it, itself among them, with a desk where nobody sits.
    pub deserted: usize,
    /// Its divisions.
    pub path: String,
}

/// A city in the drawing.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    /// Its hexagons.
    pub shape: String,
    /// Class of its colour.
    pub class: &'static str,
    /// Class of its words: light ones on dark colours.
    pub light: &'static str,
    /// Where its name stands.
    pub x: i32,
    /// The same downwards.
    pub y: i32,
    /// Where its number stands.
    pub below: i32,
    /// Its short name.
    pub short: String,
    /// How many.
    pub count: usize,
    /// Its divisions.
    pub path: String,
}

/// Scale of the drawing: from how many thirds of a city's divisions, begun ones counted as whole, and the class. Source: ui,
/// section 11, at most six classes.
const SCALE: [(usize, &str, &str); 4] = [(3, "q5", " lt"), (2, "q3", ""), (1, "q1", ""), (0, "q0", "")];

impl Tree {
    /// As accounts lists them.
    pub fn of(found: &[Jurisdiction]) -> Tree {
        Tree(found.iter().map(|one| Row::of(one, found)).collect())
    }

    /// What the URL asks for.
    pub fn matching(&self, filter: &Filter) -> impl Iterator<Item = &Row> {
        let (tab, city) = (filter.value("tab").to_owned(), filter.value("prefecture").to_owned());
        let search = filter.value("q").trim().to_owned();
        self.0.iter().filter(move |row| {
            let kept = match tab.as_str() {
                "deserted" => row.deserted,
                "former" => row.former,
                _ => true,
            };
            kept && (city.is_empty() || row.city_code == city)
                && (search.is_empty() || row.name.contains(&search) || row.code.contains(&search))
        })
    }

    /// The cities, by code.
    pub fn cities(&self) -> Vec<City> {
        let cities = self.0.iter().filter(|row| row.code == row.city_code && !row.former);
        let city = |city: &Row| {
            let own = || self.0.iter().filter(|row| row.city_code == city.code && !row.former);
            let counties = || own().filter(|row| row.code != city.code && row.kind != "其他（仅供企业注册）");
            City {
                code: city.code.clone(),
                name: city.name.clone(),
                counties: counties().count(),
                officials: city.city_officials,
                county_officials: own().map(|row| row.county_officials).sum(),
                deserted: own().filter(|row| row.deserted).count(),
                path: format!("{LIST}?prefecture={}", city.code),
            }
        };
        cities.map(city).collect()
    }

    fn tabs(&self, filter: &Filter) -> Vec<Tab> {
        let count = |of: fn(&&Row) -> bool| i32::try_from(self.0.iter().filter(of).count()).ok();
        vec![
            filter.tab("tab", "", "地市", None),
            filter.tab("tab", "all", "全部区划", count(|_| true)),
            filter.tab("tab", "deserted", DESERTED, count(|row| row.deserted)),
            filter.tab("tab", "former", "已撤销", count(|row| row.former)),
        ]
    }
}

/// Words of a tab, for the note sheet of the workbook.
pub fn tab(filter: &Filter) -> String {
    match filter.value("tab") {
        "deserted" => DESERTED.to_owned(),
        "former" => "已撤销".to_owned(),
        _ => "全部区划".to_owned(),
    }
}

/// The cities in the drawing, coloured by how many desks of each nobody sits at.
pub fn marks(cities: &[City]) -> Vec<Mark> {
    let mark = |shape: &map::Shape| {
        let city = cities.iter().find(|city| city.code == shape.code)?;
        // The city itself is one of its divisions.
        let thirds = (city.deserted * 3).div_ceil(city.counties + 1);
        let (_, class, light) = *SCALE.iter().find(|(from, ..)| thirds >= *from)?;
        Some(Mark {
            shape: shape.path.clone(),
            class,
            light,
            x: shape.x,
            y: shape.y,
            below: shape.y + 13,
            short: city.name.trim_end_matches('市').to_owned(),
            count: city.deserted,
            path: city.path.clone(),
        })
    };
    map::province().shapes.iter().filter_map(mark).collect()
}

/// The page.
#[derive(Template)]
#[template(path = "divisions.html")]
pub struct DivisionsPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// The URL's filter.
    pub filter: Filter,
    /// The cities; none where divisions are listed.
    pub cities: Vec<City>,
    /// Divisions that the URL asks for; none where cities are listed.
    pub rows: Vec<Row>,
    /// The drawing.
    pub marks: Vec<Mark>,
    /// Divisions with a desk where nobody sits.
    pub deserted: usize,
}

impl DivisionsPage {
    /// Width and height of the drawing.
    pub fn size(&self) -> String {
        format!("0 0 {} {}", map::province().width, map::province().height)
    }

    /// What stands beside the drawing.
    pub fn caption(&self) -> &'static str {
        map::CAPTION
    }
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let tree = read(&visitor).await?;
    let cities = tree.cities();
    let overview = !filter.narrows();
    let page = DivisionsPage {
        page: visitor.page(LIST, "区划与地图").await,
        tabs: tree.tabs(&filter),
        marks: marks(&cities),
        rows: if overview { Vec::new() } else { tree.matching(&filter).cloned().collect() },
        deserted: tree.0.iter().filter(|row| row.deserted).count(),
        cities: if overview { cities } else { Vec::new() },
        filter,
    };
    visitor.show(StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn division(code: &str, level: &str, kind: &str, city: &str) -> Jurisdiction {
        Jurisdiction {
            code: code.into(),
            name: format!("名{code}"),
            level: level.into(),
            kind: kind.into(),
            city_code: city.into(),
            needs_county_officials: level == "county" && kind == "real",
            needs_city_officials: code == city && kind == "real",
            ..Jurisdiction::default()
        }
    }

    fn tree() -> Tree {
        let mut found = vec![
            division("410000", "province", "real", ""),
            division("410100", "prefecture", "real", "410100"),
            division("410105", "county", "real", "410100"),
            division("410199", "county", "other", "410100"),
            division("410881", "county", "former", "419001"),
            division("419001", "county", "real", "419001"),
        ];
        found[1].city_officials = 1;
        found[4].successor_code = "419001".into();
        found[4].change = "1997 撤市".into();
        found[5].county_officials = 2;
        Tree::of(&found)
    }

    fn codes(tree: &Tree, entries: &[(&str, &str)]) -> Vec<String> {
        tree.matching(&Filter::of(LIST, entries)).map(|row| row.code.clone()).collect()
    }

    #[test]
    fn a_desk_where_nobody_sits_is_found_and_what_has_no_desk_is_not() {
        let tree = tree();
        assert_eq!(codes(&tree, &[("tab", "deserted")]), ["410105", "419001"]);
        let cities: Vec<_> =
            tree.cities().into_iter().map(|city| (city.code, city.counties, city.deserted)).collect();
        assert_eq!(cities, [("410100".to_owned(), 1, 1), ("419001".to_owned(), 0, 1)]);
        assert_eq!(marks(&tree.cities()).len(), 2);
    }

    #[test]
    fn divisions_are_found_by_name_code_and_city_and_abolished_ones_name_their_successor() {
        let tree = tree();
        assert_eq!(codes(&tree, &[("q", "0105")]), ["410105"]);
        assert_eq!(codes(&tree, &[("q", " 名4101 ")]), ["410100", "410105", "410199"]);
        assert_eq!(codes(&tree, &[("prefecture", "419001")]), ["410881", "419001"]);
        let former = tree.matching(&Filter::of(LIST, &[("tab", "former")])).next();
        let standing = former.map(|row| row.standing.as_str());
        assert_eq!(standing, Some("已撤销，现为 名419001（419001），1997 撤市"));
    }
}
