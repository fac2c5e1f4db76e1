//! An operator's network over time: vehicles come to its connectors, charge and leave. Pure: the same for the same seed and instants.
//!
//! Owns: stations made up from a seed, and what happens at a connector. Not: who reports it and how (`door`), nor what goes wrong
//! (`faults`).
use prost_types::Timestamp;
use proto::stations::{
    ConnectorRecord, EquipmentRecord, OrderItem, StationRecord, StatusItem, TelemetryItem,
};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use time::OffsetDateTime;

use super::faults::Delivery;
use crate::driver::{clock, stations::status};

/// What a vehicle's battery holds, Wh.
const BATTERY_WH: i64 = 60_000;
/// Fen for 100 kWh: electricity, service.
const PRICES: (i64, i64) = (7_800, 4_200);
/// Where stations that are made up stand: 金水区, micro-degrees.
const COUNTY: (&str, i64, i64) = ("410105", 113_668_756, 34_798_101);

/// A charging session.
#[derive(Debug, Clone)]
struct Session {
    order_no: String,
    start: OffsetDateTime,
    /// Wh since then, a multiple of 10: an order has two digits of a kWh.
    energy_wh: i64,
    /// When it came, percent.
    soc_percent: i32,
}

/// One connector with the vehicle at it.
#[derive(Debug)]
struct Connector {
    id: String,
    power_watts: i32,
    session: Option<Session>,
}

/// A sample of a session, with the session's start, which T/CEC 102 wants beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When the session began.
    pub session_start: Timestamp,
    /// What was measured.
    pub item: TelemetryItem,
}

/// What an operator's system has to say of one instant.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Report {
    /// One for each connector.
    pub statuses: Vec<StatusItem>,
    /// One for each that charges.
    pub samples: Vec<Sample>,
    /// Sessions that ended.
    pub orders: Vec<OrderItem>,
}

impl Report {
    /// Items of all kinds.
    pub fn len(&self) -> usize {
        self.statuses.len() + self.samples.len() + self.orders.len()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same in messages, one for each kind that there is something of.
    pub fn deliveries(self) -> Vec<Delivery> {
        let all = [
            Delivery::Statuses(self.statuses),
            Delivery::Samples(self.samples),
            Delivery::Orders(self.orders),
        ];
        all.into_iter().filter(|delivery| !delivery.is_empty()).collect()
    }
}

/// Every connector of one operator.
#[derive(Debug)]
pub struct Network {
    connectors: Vec<Connector>,
    dice: SmallRng,
}

impl Network {
    /// Connectors by id, with their rated power in W.
    pub fn new(seed: u64, connectors: impl IntoIterator<Item = (String, i32)>) -> Self {
        let idle = |(id, power_watts)| Connector { id, power_watts, session: None };
        Self { connectors: connectors.into_iter().map(idle).collect(), dice: SmallRng::seed_from_u64(seed) }
    }

    /// The connectors of stations.
    pub fn of(seed: u64, records: &[StationRecord]) -> Self {
        Self::new(seed, records.iter().flat_map(powers))
    }

    /// How many connectors there are.
    pub fn connectors(&self) -> usize {
        self.connectors.len()
    }

    /// What every connector does at an instant, which is taken as its whole second, as the protocol writes it.
    pub fn turn(&mut self, now: OffsetDateTime) -> Report {
        let now = now.replace_nanosecond(0).unwrap_or(now);
        let mut report = Report::default();
        for connector in &mut self.connectors {
            connector.turn(now, &mut self.dice, &mut report);
        }
        report
    }
}

/// The connectors of a station with their rated power in W.
pub fn powers(record: &StationRecord) -> impl Iterator<Item = (String, i32)> + '_ {
    let all = record.equipment.iter().flat_map(|device| &device.connectors);
    all.map(|one| (one.connector_id.clone(), i32::try_from(one.power_watts).unwrap_or(i32::MAX)))
}

impl Connector {
    /// A vehicle comes, charges for a turn, or leaves; the report says so.
    fn turn(&mut self, now: OffsetDateTime, dice: &mut SmallRng, report: &mut Report) {
        let at = clock::stamp(now);
        match self.session.take() {
            None if dice.random_ratio(1, 20) => self.session = Some(self.comes(now, dice)),
            None => {}
            Some(session) if session.energy_wh > 0 && (session.full() || dice.random_ratio(1, 120)) => {
                report.orders.push(self.leaves(session, at));
            }
            Some(session) => self.session = Some(self.charges(session, now, report)),
        }
        let status = if self.session.is_some() { status::CHARGING } else { status::IDLE };
        report.statuses.push(StatusItem { connector_id: self.id.clone(), status, source_time: Some(at) });
    }

    fn comes(&self, now: OffsetDateTime, dice: &mut SmallRng) -> Session {
        Session {
            order_no: format!("{}-{}", self.id, now.unix_timestamp()),
            start: now,
            energy_wh: 0,
            soc_percent: dice.random_range(10..60),
        }
    }

    /// The session with what it has taken by now.
    fn charges(&self, mut session: Session, now: OffsetDateTime, report: &mut Report) -> Session {
        let watt_seconds = i64::from(self.power_watts) * (now - session.start).whole_seconds();
        session.energy_wh = watt_seconds / 36_000 * 10;
        let voltage_decivolts = if self.power_watts > 20_000 { 6_000 } else { 2_200 };
        let item = TelemetryItem {
            connector_id: self.id.clone(),
            sample_time: Some(clock::stamp(now)),
            order_no: session.order_no.clone(),
            energy_wh: session.energy_wh,
            power_watts: self.power_watts,
            voltage_decivolts,
            current_deciamperes: self.power_watts / voltage_decivolts * 100,
            soc_percent: Some(session.charged_percent()),
        };
        report.samples.push(Sample { session_start: clock::stamp(session.start), item });
        session
    }

    fn leaves(&self, session: Session, at: Timestamp) -> OrderItem {
        let price = |fen: i64| session.energy_wh * fen / 100_000;
        let (electricity_fen, service_fen) = (price(PRICES.0), price(PRICES.1));
        OrderItem {
            order_no: session.order_no,
            connector_id: self.id.clone(),
            start_time: Some(clock::stamp(session.start)),
            end_time: Some(at),
            energy_wh: session.energy_wh,
            electricity_fen,
            service_fen,
            total_fen: electricity_fen + service_fen,
            stop_reason: 0,
            source_time: Some(at),
            details: Vec::new(),
        }
    }
}

impl Session {
    /// The battery's state of charge.
    fn charged_percent(&self) -> i32 {
        let gained = i32::try_from(self.energy_wh * 100 / BATTERY_WH).unwrap_or(100);
        self.soc_percent.saturating_add(gained).min(100)
    }

    fn full(&self) -> bool {
        self.charged_percent() >= 95
    }
}

/// So many stations of one operator, made up: the same for the same seed.
pub fn stations(seed: u64, count: u32) -> Vec<StationRecord> {
    let mut dice = SmallRng::seed_from_u64(seed);
    (1..=count).map(|number| station(number, &mut dice)).collect()
}

fn station(number: u32, dice: &mut SmallRng) -> StationRecord {
    let (county, longitude_e6, latitude_e6) = COUNTY;
    let equipment: Vec<_> = (1..=dice.random_range(1..=3)).map(|place| device(number, place, dice)).collect();
    StationRecord {
        station_code: format!("F{number:08}"),
        name: format!("模拟充电站{number}"),
        address: format!("模拟路{number}号"),
        county: county.to_owned(),
        longitude_e6: longitude_e6 + i64::from(number) * 100,
        latitude_e6,
        start_date: "2024-03-01".to_owned(),
        finish_date: "2024-09-30".to_owned(),
        open_date: "2024-10-15".to_owned(),
        manager: "站长示例".to_owned(),
        manager_phone: "19900010001".to_owned(),
        service_phone: "400-000-0000".to_owned(),
        station_type: 1,
        station_status: 50,
        construction: 255,
        park_nums: 8,
        equipment,
        ..StationRecord::default()
    }
}

/// A pile for direct current with two connectors, or one for alternating current with one.
fn device(station: u32, place: u32, dice: &mut SmallRng) -> EquipmentRecord {
    let direct = dice.random_ratio(3, 4);
    let power_watts = if direct { 60_000 * dice.random_range(1..=3_i64) } else { 7_000 };
    let equipment_id = format!("{station:06}{place:02}");
    let gun = |suffix: u32| ConnectorRecord {
        connector_id: format!("{equipment_id}{suffix:02}"),
        connector_type: if direct { 4 } else { 3 },
        power_watts,
        voltage_upper_volts: if direct { 1000 } else { 220 },
        voltage_lower_volts: if direct { 200 } else { 220 },
        current_amps: if direct { 250 } else { 32 },
        national_standard: 2,
        ..ConnectorRecord::default()
    };
    let connectors = if direct { vec![gun(1), gun(2)] } else { vec![gun(1)] };
    EquipmentRecord {
        equipment_id,
        equipment_type: if direct { 1 } else { 2 },
        power_watts,
        connectors,
        ..EquipmentRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::{Duration, macros::datetime};

    use super::*;

    const BEGIN: OffsetDateTime = datetime!(2026-11-26 08:00:00.5 UTC);

    fn turns(seed: u64, count: i32, step: Duration) -> Vec<Report> {
        let mut network = Network::of(seed, &stations(seed, 3));
        (0..count).map(|turn| network.turn(BEGIN + step * turn)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_stations_and_the_same_day() {
        let step = Duration::minutes(5);
        assert_eq!((stations(7, 20), turns(7, 200, step)), (stations(7, 20), turns(7, 200, step)));
        assert_ne!(stations(7, 20), stations(8, 20));
        assert_ne!(turns(7, 200, step), turns(8, 200, step));
    }

    #[test]
    fn each_vehicle_that_leaves_is_one_order_over_the_energy_of_its_last_sample() {
        let (mut last, mut orders, mut charging) = (BTreeMap::new(), Vec::new(), 0);
        let mut network = Network::new(7, [("1001".to_owned(), 120_000)]);
        for turn in 0..5_000_i32 {
            let report = network.turn(BEGIN + Duration::seconds(5) * turn);
            assert_eq!(report.statuses.len(), 1);
            let charges = report.statuses[0].status == status::CHARGING;
            assert!(charges || report.samples.is_empty(), "what charges is not idle at the same instant");
            charging += usize::from(charges);
            last.extend(report.samples.into_iter().map(|one| (one.item.order_no, one.item.energy_wh)));
            orders.extend(report.orders);
        }
        assert!(orders.len() > 10 && charging > 1_000, "{} orders, {charging} turns", orders.len());
        for order in &orders {
            assert_eq!(Some(order.energy_wh), last.remove(&order.order_no), "{order:?}");
            assert_eq!(order.total_fen, order.electricity_fen + order.service_fen);
            assert_eq!(order.energy_wh % 10, 0);
        }
        assert!(last.len() <= 1, "the one that still charges: {last:?}");
    }
}
