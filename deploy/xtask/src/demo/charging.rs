//! The sample province alive: vehicles come, charge and leave, and the operators' systems report it by gRPC.
//!
//! Owns: what happens at a connector, and who reports it. Not: what the ingest makes of it; stations decides.
use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::{Context as _, Result};
use prost_types::Timestamp;
use proto::{
    accounts::IssueClientResponse,
    stations::{OrderItem, Receipt, StatusItem, TelemetryItem},
};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::roster::{ADMINISTRATOR, PASSWORD};
use crate::{
    deployment::Deployment,
    driver::{Actor, Platform, clock, stations::status},
    platform::write_private,
};

/// Between two reports of everything.
const TURN: Duration = Duration::from_secs(5);
/// Who reports what, with the credentials, beside the data.
const KEPT: &str = "demo-charging.json";
/// What a vehicle's battery holds, Wh.
const BATTERY_WH: i64 = 60_000;
/// Fen for 100 kWh: electricity, service.
const PRICES: (i64, i64) = (7_800, 4_200);

/// One operator's system as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    client_id: String,
    client_secret: String,
    /// Rated power in W by connector.
    connectors: BTreeMap<String, i32>,
}

/// A charging session.
#[derive(Debug, Clone)]
struct Session {
    order_no: String,
    start: OffsetDateTime,
    /// Wh since then.
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

/// What an operator's system says in one turn.
#[derive(Debug, Default)]
struct Report {
    statuses: Vec<StatusItem>,
    samples: Vec<TelemetryItem>,
    orders: Vec<OrderItem>,
}

/// Every operator's system of the sample province.
pub struct Charging {
    systems: Vec<(Actor, Vec<Connector>)>,
    dice: SmallRng,
}

/// What one turn came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Items sent.
    pub sent: usize,
    /// Of those, what the ingest did not take.
    pub rejected: i32,
    /// Sessions that ended.
    pub orders: usize,
}

impl Charging {
    /// The systems of every station that counts as connected; their credentials are issued the first time only.
    ///
    /// Errors: the sample province is not loaded, a service is away.
    pub async fn of(deployment: &Deployment) -> Result<Charging> {
        let platform = Platform::of(deployment)?;
        let path = deployment.folder.join(KEPT);
        let kept: Vec<Kept> = if path.exists() {
            serde_json::from_str(&fs::read_to_string(&path)?)
                .with_context(|| format!("{}", path.display()))?
        } else {
            let kept = systems(&platform).await?;
            write_private(&path, &serde_json::to_string(&kept)?)?;
            kept
        };
        let system = |one: Kept| {
            let at = |(id, power_watts)| Connector { id, power_watts, session: None };
            let (client_id, client_secret) = (one.client_id, one.client_secret);
            let machine = Actor::machine(&platform, IssueClientResponse { client_id, client_secret });
            (machine, one.connectors.into_iter().map(at).collect())
        };
        let systems = kept.into_iter().map(system).collect();
        Ok(Charging { systems, dice: SmallRng::seed_from_u64(rand::random()) })
    }

    /// Connectors that report.
    pub fn connectors(&self) -> usize {
        self.systems.iter().map(|(_, connectors)| connectors.len()).sum()
    }

    /// What every connector does at an instant, reported. Errors: a service is away or refuses; the next turn goes on.
    pub async fn turn(&mut self, now: OffsetDateTime) -> Result<Turn> {
        let mut turn = Turn::default();
        for (machine, connectors) in &mut self.systems {
            let mut report = Report::default();
            for connector in connectors {
                connector.turn(now, &mut self.dice, &mut report);
            }
            let Report { statuses, samples, orders } = report;
            turn.sent += statuses.len() + samples.len() + orders.len();
            turn.orders += orders.len();
            let rejected = |receipts: &[Receipt]| receipts.iter().map(|one| one.rejected).sum::<i32>();
            turn.rejected += rejected(&machine.push_status(statuses).await?);
            if !samples.is_empty() {
                turn.rejected += rejected(&machine.push_telemetry(samples).await?);
            }
            if !orders.is_empty() {
                turn.rejected += rejected(&machine.push_orders(orders).await?);
            }
        }
        Ok(turn)
    }

    /// Turns until the platform stops. What fails is said once, until it goes on.
    pub async fn run(mut self) {
        let mut said = false;
        loop {
            match self.turn(clock::instant()).await {
                Ok(_) => said = false,
                Err(error) if !said => {
                    eprintln!("  the stations of the sample province cannot report: {error:#}");
                    said = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(TURN).await;
        }
    }
}

/// Issues one system an operator. Errors: a service refuses.
async fn systems(platform: &Platform) -> Result<Vec<Kept>> {
    let administrator = platform.sign_in(ADMINISTRATOR, PASSWORD).await?;
    let mut of: BTreeMap<String, BTreeMap<String, i32>> = BTreeMap::new();
    for listed in administrator.stations().await? {
        let id = listed.record.context("a station without record")?.station_id;
        let station = administrator.station(&id).await?;
        let record = station.record.context("a station without record")?;
        // Those whose gates are to be found closed stay silent.
        if station.connection == "connected" {
            let all = record.equipment.into_iter().flat_map(|device| device.connectors);
            let powers =
                all.map(|one| (one.connector_id, i32::try_from(one.power_watts).unwrap_or(i32::MAX)));
            of.entry(record.operator_id).or_default().extend(powers);
        }
    }
    let mut kept = Vec::new();
    for (operator_id, connectors) in of {
        let issued = administrator.issue_client("模拟充电数据", &operator_id).await?;
        let (client_id, client_secret) = (issued.client_id, issued.client_secret);
        kept.push(Kept { client_id, client_secret, connectors });
    }
    Ok(kept)
}

impl Connector {
    /// A vehicle comes, charges for a turn, or leaves; the report says so.
    fn turn(&mut self, now: OffsetDateTime, dice: &mut SmallRng, report: &mut Report) {
        let at = clock::stamp(now);
        match self.session.take() {
            None if dice.random_ratio(1, 20) => self.session = Some(self.comes(now, dice)),
            None => {}
            Some(session) => {
                let (session, soc_percent) = self.charges(session, now, report);
                if session.energy_wh > 0 && (soc_percent >= 95 || dice.random_ratio(1, 120)) {
                    report.orders.push(self.leaves(session, at));
                } else {
                    self.session = Some(session);
                }
            }
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

    /// The session with what it has taken by now, and the battery's state of charge in percent.
    fn charges(&self, mut session: Session, now: OffsetDateTime, report: &mut Report) -> (Session, i32) {
        let watt_seconds = i64::from(self.power_watts) * (now - session.start).whole_seconds();
        session.energy_wh = watt_seconds / 3_600;
        let gained = i32::try_from(session.energy_wh * 100 / BATTERY_WH).unwrap_or(100);
        let soc_percent = (session.soc_percent + gained).min(100);
        let voltage_decivolts = if self.power_watts > 20_000 { 6_000 } else { 2_200 };
        report.samples.push(TelemetryItem {
            connector_id: self.id.clone(),
            sample_time: Some(clock::stamp(now)),
            order_no: session.order_no.clone(),
            energy_wh: session.energy_wh,
            power_watts: self.power_watts,
            voltage_decivolts,
            current_deciamperes: self.power_watts / voltage_decivolts * 100,
            soc_percent: Some(soc_percent),
        });
        (session, soc_percent)
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vehicle_that_leaves_is_one_order_over_the_energy_of_its_last_sample() {
        let mut connector = Connector { id: "1001".into(), power_watts: 120_000, session: None };
        let (mut dice, mut now) = (SmallRng::seed_from_u64(7), clock::instant());
        let (mut last, mut orders) = (BTreeMap::new(), Vec::new());
        let mut charging = 0;
        for _ in 0..5_000 {
            let mut report = Report::default();
            connector.turn(now, &mut dice, &mut report);
            assert_eq!(report.statuses.len(), 1);
            charging += usize::from(report.statuses[0].status == status::CHARGING);
            last.extend(report.samples.into_iter().map(|one| (one.order_no, one.energy_wh)));
            orders.extend(report.orders);
            now += TURN;
        }
        assert!(orders.len() > 20 && charging > 1_000, "{} orders, {charging} turns", orders.len());
        for order in &orders {
            assert_eq!(Some(order.energy_wh), last.remove(&order.order_no), "{order:?}");
            assert_eq!(order.total_fen, order.electricity_fen + order.service_fen);
        }
        assert!(last.len() <= 1, "the one that still charges: {last:?}");
    }
}
