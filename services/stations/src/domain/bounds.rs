//! Where a station may lie, in micro-degrees GCJ-02. No shape of a county: that is not known here.

/// A box of coordinates in micro-degrees GCJ-02; both ends belong to it. The province's box is a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// West.
    pub longitude_e6_min: i64,
    /// East.
    pub longitude_e6_max: i64,
    /// South.
    pub latitude_e6_min: i64,
    /// North.
    pub latitude_e6_max: i64,
}

/// Mainland China, wide: no province's box may reach beyond it.
pub const CHINA: Bounds = Bounds {
    longitude_e6_min: 73_000_000,
    longitude_e6_max: 136_000_000,
    latitude_e6_min: 3_000_000,
    latitude_e6_max: 54_000_000,
};

impl Bounds {
    /// Whether a point lies in the box.
    #[must_use]
    pub fn contain(&self, longitude_e6: i64, latitude_e6: i64) -> bool {
        (self.longitude_e6_min..=self.longitude_e6_max).contains(&longitude_e6)
            && (self.latitude_e6_min..=self.latitude_e6_max).contains(&latitude_e6)
    }
}

/// No county of the sample province reaches so far from its seat, and a degree mistyped is 90 km. Source: ui, section 6.
const COUNTY_METRES: f64 = 80_000.0;
/// Mean radius of the earth.
const EARTH_METRES: f64 = 6_371_000.0;

/// A county in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct County {
    /// Code of its prefecture.
    pub prefecture: String,
    /// Where its seat lies, WGS-84 in micro-degrees: longitude, latitude; none where nobody knows.
    pub seat: Option<(i64, i64)>,
}

impl County {
    /// Whether a place in micro-degrees can be in it; every one can where nobody knows the seat. GCJ-02 and WGS-84 lie less than
    /// a kilometre apart.
    #[must_use]
    pub fn reaches(&self, longitude_e6: i64, latitude_e6: i64) -> bool {
        self.seat.is_none_or(|seat| metres(seat, (longitude_e6, latitude_e6)) <= COUNTY_METRES)
    }
}

/// Along the great circle between two places in micro-degrees.
fn metres(one: (i64, i64), other: (i64, i64)) -> f64 {
    let radians =
        |(wide, high): (i64, i64)| ((wide as f64 / 1e6).to_radians(), (high as f64 / 1e6).to_radians());
    let ((wide_one, high_one), (wide_other, high_other)) = (radians(one), radians(other));
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let chord = half(high_one - high_other) + high_one.cos() * high_other.cos() * half(wide_one - wide_other);
    2.0 * EARTH_METRES * chord.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_county_reaches_eighty_kilometres_from_its_seat() {
        let county = County { prefecture: "410100".into(), seat: Some((113_660_000, 34_800_000)) };
        // 79.5 and 80.6 km further south.
        assert!(county.reaches(113_660_000, 34_085_000) && !county.reaches(113_660_000, 34_075_000));
        assert!(!county.reaches(112_660_000, 34_800_000), "a degree mistyped");
        assert!(County { seat: None, ..county }.reaches(0, 0), "nobody knows");
    }
}
