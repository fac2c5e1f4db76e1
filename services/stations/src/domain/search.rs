//! Where one can charge: what a connector is shown as, and the box around a circle.
//!
//! A connector that has fallen silent is never shown as what it said last.
use time::{Duration, OffsetDateTime};

use super::{
    Finding, Refusal,
    bounds::CHINA,
    status::{Latest, Status},
};

/// Widest circle, metres.
pub const RADIUS_MAX: i32 = 50_000;
/// StationStatus of stations that do not serve: under construction, closed, in maintenance. Source: interconnect section 10.
pub const CLOSED: [i32; 3] = [1, 5, 6];
/// Metres of a degree of latitude, a little fewer than there are, so that the box holds the whole circle.
const DEGREE_METRES: f64 = 111_000.0;

/// What a connector is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Free to charge at.
    Available,
    /// Taken, and not charging.
    Occupied,
    /// Charging.
    Charging,
    /// Reserved.
    Reserved,
    /// Broken.
    Fault,
    /// Said to be offline by the operator.
    Offline,
    /// Its station does not serve.
    Closed,
    /// Never heard of, or not for longer than a report keeps a connector online.
    Silent,
}

impl Shown {
    /// The name in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Occupied => "occupied",
            Self::Charging => "charging",
            Self::Reserved => "reserved",
            Self::Fault => "fault",
            Self::Offline => "offline",
            Self::Closed => "closed",
            Self::Silent => "silent",
        }
    }
}

/// What a connector is shown as at `now`; `online` is how long a report keeps it online.
#[must_use]
pub fn shown(latest: Option<&Latest>, station_status: i32, now: OffsetDateTime, online: Duration) -> Shown {
    if CLOSED.contains(&station_status) {
        return Shown::Closed;
    }
    let Some(latest) = latest.filter(|latest| latest.alive_at() > now - online) else { return Shown::Silent };
    match latest.status {
        Status::Offline => Shown::Offline,
        Status::Idle => Shown::Available,
        Status::Occupied => Shown::Occupied,
        Status::Charging => Shown::Charging,
        Status::Reserved => Shown::Reserved,
        Status::Fault => Shown::Fault,
    }
}

/// A circle that is looked within; micro-degrees GCJ-02 and metres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circle {
    /// Middle.
    pub longitude_e6: i64,
    /// Middle.
    pub latitude_e6: i64,
    /// 1 to [`RADIUS_MAX`].
    pub radius_metres: i32,
}

impl Circle {
    /// Whether it is one. Error: [`Refusal::OutOfRange`] with its field.
    pub fn checked(self) -> Result<Self, Finding> {
        let within = |field: &str, value: i64, min: i64, max: i64| {
            let holds = (min..=max).contains(&value);
            if holds { Ok(()) } else { Err(Finding::new(field, Refusal::OutOfRange { min, max })) }
        };
        let (longitude, latitude) = (self.longitude_e6, self.latitude_e6);
        within("near.longitude_e6", longitude, CHINA.longitude_e6_min, CHINA.longitude_e6_max)?;
        within("near.latitude_e6", latitude, CHINA.latitude_e6_min, CHINA.latitude_e6_max)?;
        within("near.radius_metres", i64::from(self.radius_metres), 1, i64::from(RADIUS_MAX))?;
        Ok(self)
    }

    /// South-west and north-east corner of a box around it, micro-degrees: longitude, latitude, longitude, latitude.
    #[must_use]
    pub fn corners(&self) -> [f64; 4] {
        let (longitude, latitude) = (self.longitude_e6 as f64, self.latitude_e6 as f64);
        let high = f64::from(self.radius_metres) / DEGREE_METRES * 1e6;
        // The farther from the equator, the more degrees a metre is; the corner farthest from it counts.
        let wide = high / ((latitude.abs() + high) / 1e6).to_radians().cos();
        [longitude - wide, latitude - high, longitude + wide, latitude + high]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-12-01 08:00 UTC);
    const ONLINE: Duration = Duration::minutes(30);

    fn latest(status: Status, ago: Duration) -> Latest {
        Latest { status, changed_at: NOW - ago, seen_at: NOW - ago, heard_at: None }
    }

    #[test]
    fn a_silent_connector_and_a_closed_station_are_never_available() {
        let fresh = latest(Status::Idle, ONLINE - Duration::SECOND);
        assert_eq!(shown(Some(&fresh), 50, NOW, ONLINE), Shown::Available);
        assert_eq!(shown(Some(&latest(Status::Idle, ONLINE)), 50, NOW, ONLINE), Shown::Silent);
        assert_eq!(shown(Some(&latest(Status::Fault, ONLINE)), 50, NOW, ONLINE), Shown::Silent);
        assert_eq!(shown(None, 50, NOW, ONLINE), Shown::Silent);
        let heard = Latest { heard_at: Some(NOW), ..latest(Status::Idle, ONLINE) };
        assert_eq!(shown(Some(&heard), 50, NOW, ONLINE), Shown::Available);
        for status in CLOSED {
            assert_eq!(shown(Some(&fresh), status, NOW, ONLINE), Shown::Closed);
        }
    }

    #[test]
    fn each_status_has_its_name() {
        let names = [
            (Status::Offline, "offline"),
            (Status::Idle, "available"),
            (Status::Occupied, "occupied"),
            (Status::Charging, "charging"),
            (Status::Reserved, "reserved"),
            (Status::Fault, "fault"),
        ];
        for (status, name) in names {
            assert_eq!(shown(Some(&latest(status, Duration::ZERO)), 50, NOW, ONLINE).name(), name);
        }
    }

    #[test]
    fn the_box_holds_the_circle_and_little_more() {
        let circle = Circle { longitude_e6: 113_668_756, latitude_e6: 34_798_101, radius_metres: 10_000 };
        let [west, south, east, north] = circle.corners();
        // 10 km are 0.0899° of latitude, and here 0.1095° of longitude.
        assert!((north - south) / 2e6 > 0.0899 && (north - south) / 2e6 < 0.0905, "{south} {north}");
        assert!((east - west) / 2e6 > 0.1095 && (east - west) / 2e6 < 0.1105, "{west} {east}");
        let field = |circle: Circle| circle.checked().expect_err("refused").field;
        assert_eq!(field(Circle { radius_metres: 0, ..circle }), "near.radius_metres");
        assert_eq!(field(Circle { radius_metres: RADIUS_MAX + 1, ..circle }), "near.radius_metres");
        assert_eq!(field(Circle { longitude_e6: 34_798_101, ..circle }), "near.longitude_e6");
        assert_eq!(circle.checked(), Ok(circle));
    }
}
