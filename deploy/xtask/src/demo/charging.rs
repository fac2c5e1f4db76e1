//! The sample province alive: vehicles come, charge and leave, and the operators' systems report it, one of them by T/CEC 102, the
//! others by gRPC.
//!
//! Owns: who reports, and that it goes on. Not: what happens at a connector (`simulator`), nor what the ingest makes of it; stations
//! decides.
use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    ops::AddAssign,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use proto::accounts::IssueClientResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    link::{self, Link},
    roster::{ADMINISTRATOR, PASSWORD},
};
use crate::{
    deployment::Deployment,
    driver::{Actor, Platform, clock},
    platform::write_private,
    simulator::{Door, Network, OperatorServer, Outcome, Script, Sending, Verdict, network::powers},
};

/// Between two reports of everything.
const TURN: Duration = Duration::from_secs(5);
/// Who reports what over gRPC, with the credentials, beside the data.
const KEPT: &str = "demo-charging.json";

/// One operator's system as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    client_id: String,
    client_secret: String,
    /// Rated power in W by connector.
    connectors: BTreeMap<String, i32>,
}

/// One operator's system: what happens, what goes wrong when it is said, and whom it is said to.
pub struct System {
    door: Door,
    network: Network,
    script: Script,
    server: Option<Arc<OperatorServer>>,
    /// What has no answer yet, oldest first; nothing new happens before it has one.
    unsent: VecDeque<Sending>,
}

/// Every operator's system of the sample province.
pub struct Charging {
    systems: Vec<System>,
    link: Option<Link>,
}

/// What one turn came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Items sent, repetitions too.
    pub sent: usize,
    /// Of those, what was not taken.
    pub rejected: usize,
    /// Sessions that ended.
    pub orders: usize,
}

impl AddAssign for Turn {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.rejected += other.rejected;
        self.orders += other.orders;
    }
}

impl System {
    /// Puts the parts together; `server` is what the platform asks, where it asks.
    pub fn new(door: Door, network: Network, script: Script, server: Option<Arc<OperatorServer>>) -> Self {
        Self { door, network, script, server, unsent: VecDeque::new() }
    }

    /// Connectors that report.
    pub fn connectors(&self) -> usize {
        self.network.connectors()
    }

    /// Deliveries that went wrong so far.
    pub fn faults(&self) -> usize {
        self.script.faults()
    }

    /// What every connector does at an instant, reported, after what was not taken before. Errors: the platform is busy or away;
    /// the next turn goes on with the same.
    pub async fn turn(&mut self, now: OffsetDateTime) -> Result<Turn> {
        let mut turn = self.send().await?;
        let report = self.network.turn(now);
        if let Some(server) = &self.server {
            server.knows(&report);
        }
        turn.orders = report.orders.len();
        for delivery in report.deliveries() {
            self.unsent.extend(self.script.sendings(delivery));
        }
        turn += self.send().await?;
        Ok(turn)
    }

    /// What a fault still holds back, reported. Errors: as a turn.
    pub async fn rest(&mut self) -> Result<Turn> {
        self.unsent.extend(self.script.rest());
        self.send().await
    }

    async fn send(&mut self) -> Result<Turn> {
        let mut turn = Turn::default();
        while let Some(sending) = self.unsent.front() {
            let answer = self.door.send(sending).await?.context("the platform is busy or away")?;
            turn.sent += sending.delivery.len();
            turn.rejected += match answer {
                Verdict::Items(items) => items.iter().filter(|one| **one == Outcome::Rejected).count(),
                Verdict::Refused(_) => sending.delivery.len(),
            };
            self.unsent.pop_front();
        }
        Ok(turn)
    }
}

impl Charging {
    /// The systems of every station that counts as connected; their credentials are issued the first time only.
    ///
    /// Errors: the sample province is not loaded, a service is away.
    pub async fn of(deployment: &Deployment) -> Result<Charging> {
        let platform = Platform::of(deployment)?;
        let link = link::find(&platform).await?;
        let path = deployment.folder.join(KEPT);
        let kept: Vec<Kept> = if path.exists() {
            serde_json::from_str(&fs::read_to_string(&path)?)
                .with_context(|| format!("{}", path.display()))?
        } else {
            let linked = link.as_ref().map(|link| link.operator_id.as_str());
            let kept = systems(&platform, linked).await?;
            write_private(&path, &serde_json::to_string(&kept)?)?;
            kept
        };
        let system = |one: Kept| {
            let (client_id, client_secret) = (one.client_id, one.client_secret);
            let machine = Actor::machine(&platform, IssueClientResponse { client_id, client_secret });
            let network = Network::new(rand::random(), one.connectors);
            System::new(Door::Grpc(machine), network, Script::listed([]), None)
        };
        Ok(Charging { systems: kept.into_iter().map(system).collect(), link })
    }

    /// Connectors that report.
    pub fn connectors(&self) -> usize {
        self.systems.iter().map(System::connectors).sum::<usize>() + self.over_tcec()
    }

    /// Those of them that report by T/CEC 102.
    pub fn over_tcec(&self) -> usize {
        self.link.as_ref().map_or(0, |link| link.system.connectors())
    }

    /// What every connector does at an instant, reported. Errors: a service is away or refuses; the next turn goes on.
    pub async fn turn(&mut self, now: OffsetDateTime) -> Result<Turn> {
        let mut turn = Turn::default();
        for system in &mut self.systems {
            turn += system.turn(now).await?;
        }
        if let Some(link) = &mut self.link {
            turn += link.turn(now).await?;
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

/// Issues one system an operator, but for the one that is linked. Errors: a service refuses.
async fn systems(platform: &Platform, linked: Option<&str>) -> Result<Vec<Kept>> {
    let administrator = platform.sign_in(ADMINISTRATOR, PASSWORD).await?;
    let mut of: BTreeMap<String, BTreeMap<String, i32>> = BTreeMap::new();
    for listed in administrator.stations().await? {
        let id = listed.record.context("a station without record")?.station_id;
        let station = administrator.station(&id).await?;
        let record = station.record.context("a station without record")?;
        // Those whose gates are to be found closed stay silent.
        if station.connection == "connected" && linked != Some(record.operator_id.as_str()) {
            of.entry(record.operator_id.clone()).or_default().extend(powers(&record));
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
