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
