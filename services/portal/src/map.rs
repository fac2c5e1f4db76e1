//! The province as a honeycomb: one shape for each prefecture, drawn from `data/henan-hexgrid.csv` (source: `data/README.md`).
//!
//! Owns: the drawing. Not: what is counted on it. Source: ui, section 11.

use std::{collections::BTreeMap, fmt::Write as _, sync::LazyLock};

/// What stands beside every drawing.
pub const CAPTION: &str = "示意图，不作为行政区域划界依据；点位数据 GeoNames (CC BY 4.0)";
const GRID: &str = include_str!("../data/henan-hexgrid.csv");
/// Kilometres of a degree of longitude at 34° north, and of one of latitude; one unit of the drawing is a kilometre.
const KM_EAST: f64 = 111.32 * 0.829_037_6;
const KM_NORTH: f64 = 110.9;
/// Around the drawing, for the hexagons at its edge.
const MARGIN: f64 = 10.0;
/// From the top corner of a hexagon of 7 km radius around it.
const HEXAGON: &str = "l6.06 3.5v7l-6.06 3.5-6.06-3.5v-7z";
const RADIUS: f64 = 7.0;

/// A prefecture's place in the drawing.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its code.
    pub code: &'static str,
    /// Its hexagons, as data of a path.
    pub path: String,
    /// Where its name stands: near its middle, away from its neighbours.
    pub x: i32,
    /// The same downwards.
    pub y: i32,
}

/// The drawing.
#[derive(Debug)]
pub struct Drawing {
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// Prefectures by code.
    pub shapes: Vec<Shape>,
}

static DRAWING: LazyLock<Drawing> = LazyLock::new(|| draw(GRID));

/// The province, drawn once.
pub fn province() -> &'static Drawing {
    &DRAWING
}

#[expect(clippy::cast_possible_truncation, reason = "a drawing of some hundred units")]
fn draw(grid: &'static str) -> Drawing {
    let mut cells: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for line in grid.lines().skip(1) {
        let mut parts = line.split(',').skip(2);
        let mut degrees = || parts.next().and_then(|text| text.parse::<f64>().ok());
        let (Some(east), Some(north)) = (degrees(), degrees()) else { continue };
        let Some(code) = parts.next() else { continue };
        cells.entry(code).or_default().push((east * KM_EAST, north * KM_NORTH));
    }
    let all = || cells.values().flatten();
    let west = all().map(|(east, _)| *east).fold(f64::INFINITY, f64::min) - MARGIN;
    let top = all().map(|(_, north)| *north).fold(f64::NEG_INFINITY, f64::max) + MARGIN;
    let east = all().map(|(east, _)| *east).fold(f64::NEG_INFINITY, f64::max) + MARGIN;
    let bottom = all().map(|(_, north)| *north).fold(f64::INFINITY, f64::min) - MARGIN;
    let shape = |(code, centres): (&&'static str, &Vec<(f64, f64)>)| {
        let mut path = String::new();
        for (east, north) in centres {
            let (x, y) = (east - west, top - north);
            // Writing into a text cannot fail.
            let _ = write!(path, "M{x:.1} {:.1}{HEXAGON}", y - RADIUS);
        }
        let others = cells.iter().filter(|(other, _)| *other != code).flat_map(|(_, centres)| centres);
        let (east, north) = named_at(centres, &others.copied().collect::<Vec<_>>());
        Shape { code, path, x: (east - west).round() as i32, y: (top - north).round() as i32 }
    };
    Drawing {
        width: (east - west).ceil() as i32,
        height: (top - bottom).ceil() as i32,
        shapes: cells.iter().map(shape).collect(),
    }
}

/// Beyond so many units from others' hexagons a name gains nothing by moving further, to the edge of the province.
const CLEAR: f64 = 22.0;

/// The hexagon of a prefecture where its name stands best: clear of others', and near its own middle.
fn named_at(own: &[(f64, f64)], others: &[(f64, f64)]) -> (f64, f64) {
    let far = |one: (f64, f64), other: (f64, f64)| (one.0 - other.0).hypot(one.1 - other.1);
    let many = f64::from(u32::try_from(own.len()).unwrap_or(u32::MAX));
    let sum = own.iter().fold((0.0, 0.0), |sum, at| (sum.0 + at.0, sum.1 + at.1));
    let middle = (sum.0 / many, sum.1 / many);
    let apart = |at: (f64, f64)| others.iter().map(|other| far(at, *other)).fold(CLEAR, f64::min);
    let score = |at: &(f64, f64)| apart(*at) - far(*at, middle) / 2.0;
    own.iter().copied().max_by(|one, other| score(one).total_cmp(&score(other))).unwrap_or(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefecture_lies_within_the_drawing_and_none_lies_on_another() {
        let drawing = province();
        assert_eq!(drawing.shapes.len(), 18);
        let hexagons: usize = drawing.shapes.iter().map(|shape| shape.path.matches('M').count()).sum();
        assert_eq!(hexagons, 1306);
        for shape in &drawing.shapes {
            assert!(
                (0..drawing.width).contains(&shape.x) && (0..drawing.height).contains(&shape.y),
                "{shape:?}"
            );
            let near = |other: &&Shape| (other.x - shape.x).pow(2) + (other.y - shape.y).pow(2) < 400;
            assert_eq!(drawing.shapes.iter().filter(near).count(), 1, "{}", shape.code);
        }
    }

    #[test]
    fn north_is_above_and_east_is_to_the_right() {
        let at =
            |code: &str| province().shapes.iter().find(|shape| shape.code == code).map(|it| (it.x, it.y));
        let (anyang, xinyang, sanmenxia, shangqiu) = (at("410500"), at("411500"), at("411200"), at("411400"));
        assert!(anyang.map(|it| it.1) < xinyang.map(|it| it.1));
        assert!(sanmenxia.map(|it| it.0) < shangqiu.map(|it| it.0));
    }
}
