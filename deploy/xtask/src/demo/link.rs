//! One company of the sample province is connected over T/CEC 102: approved, delivering over HTTP, tested, and asked by the platform.
//!
//! Owns: which company, its link's credentials beside the data, and its first hours. Not: what happens at its connectors, the
//! protocol and its faults (`simulator`), nor that it stays alive (`charging`).
use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use proto::stations::{JointTest, Secrets, StationRecord};
use serde::{Deserialize, Serialize};
use time::{Duration as Span, OffsetDateTime};

use super::{
    charging::{System, Turn},
    progress::Phase,
    roster::PASSWORD,
    scene::Scene,
};
use crate::{
    deployment::Deployment,
    driver::{Actor, Platform, clock, eventually},
    platform::write_private,
    services::Service,
    simulator::{Door, Fault, Network, OperatorServer, Script, Simulator},
    trial::Plan,
};

/// Beside the data: whose link it is, with the secrets.
const KEPT: &str = "demo-link.json";
/// The company's login.
const COMPANY: &str = "op01";
/// What goes wrong at one delivery in so many: each of it does no harm.
const FAULTS: [(Fault, u32); 3] = [(Fault::Duplicate, 6), (Fault::Retry, 12), (Fault::Reorder, 12)];
/// What it has to tell when it is connected: so many instants up to now, so far apart.
const TURNS: i32 = 10;
const STEP: Span = Span::minutes(10);
/// Makes the first hours the same each time.
const SEED: u64 = 102;
/// interconnect looks every two seconds for something to do, and pulls before that.
const TESTED_WITHIN: Duration = Duration::from_secs(60);

/// What came of it, as a part of the summary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// Companies connected over T/CEC 102.
    pub operators: usize,
    /// Their stations.
    pub stations: usize,
    /// Connectors of these.
    pub connectors: usize,
    /// Items that were pushed and taken, repetitions too.
    pub pushed: usize,
    /// Charge orders among them, each once.
    pub orders: usize,
    /// Deliveries that came twice or late.
    pub faults: usize,
    /// Steps of the joint test, which all passed.
    pub steps: usize,
}

/// The link as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    login: String,
    operator_id: String,
    organisation: String,
    operator_secret: String,
    data_secret: String,
    data_secret_iv: String,
    sig_secret: String,
}

/// The connected company with its system.
pub struct Link {
    person: Actor,
    /// Whose it is.
    pub operator_id: String,
    /// What its system says.
    pub system: System,
    stations: usize,
    server: Arc<OperatorServer>,
    /// Whether the platform knows where.
    called: bool,
}

/// A trial of the demo needs interconnect, which may call systems of this machine.
pub fn needed(plan: Plan) -> Plan {
    plan.with(Service::Interconnect).set(Service::Stations, "LINKS__PRIVATE_ADDRESSES", true)
}

/// Connects the company. Errors: a step is refused, something that was pushed is not taken, the joint test does not pass.
pub async fn connect(scene: &Scene) -> Result<Connected> {
    let phase = Phase::start("T/CEC 102 互联", usize::try_from(TURNS)? + 1);
    let operator = scene.samples.operators.iter().find(|one| one.login == COMPANY);
    let company = scene.cast.company(&operator.context("the company is not in the sample")?.uscc)?;
    let issued = scene.cast.administrator()?.approve_link(&company.operator_id).await?;
    let inbound = issued.inbound.context("a link without secrets")?;
    let kept = Kept {
        login: COMPANY.to_owned(),
        operator_id: company.operator_id.clone(),
        organisation: issued.link.context("secrets without a link")?.organisation_code,
        operator_secret: inbound.operator_secret,
        data_secret: inbound.data_secret,
        data_secret_iv: inbound.data_secret_iv,
        sig_secret: inbound.sig_secret,
    };
    let person = company.actor.clone();
    write_private(&path(person.platform().deployment()), &serde_json::to_string(&kept)?)?;
    let mut link = Link::open(person, kept, SEED).await?;
    let now = clock::instant();
    let mut told = Turn::default();
    for turn in 1..=TURNS {
        told += link.system.turn(now - STEP * (TURNS - turn)).await?;
        phase.tick();
    }
    told += link.system.rest().await?;
    ensure!(told.rejected == 0, "{told:?} over T/CEC 102");
    link.is_called().await?;
    let test = link.tested().await?;
    link.leave().await?;
    phase.tick();
    phase.end();
    Ok(Connected {
        operators: 1,
        stations: link.stations,
        connectors: link.system.connectors(),
        pushed: told.sent,
        orders: told.orders,
        faults: link.system.faults(),
        steps: test.steps.len(),
    })
}

/// The link of this data folder with its company's system before the platform, if there is one.
///
/// # Errors
/// A service is away.
pub async fn find(platform: &Platform) -> Result<Option<Link>> {
    let path = path(platform.deployment());
    if !path.exists() {
        return Ok(None);
    }
    let kept: Kept =
        serde_json::from_str(&fs::read_to_string(&path)?).with_context(|| format!("{}", path.display()))?;
    let person = platform.sign_in(&kept.login, PASSWORD).await?;
    let link = Link::open(person, kept, rand::random()).await?;
    // It begins anew with each run, and the platform keeps what it was told.
    link.server.state().habits.forgets = true;
    Ok(Some(link))
}

fn path(deployment: &Deployment) -> PathBuf {
    deployment.folder.join(KEPT)
}

impl Link {
    /// Starts the company's system with the stations as the registry has them, so that a pull finds nothing new.
    async fn open(person: Actor, kept: Kept, seed: u64) -> Result<Self> {
        let records = stations(&person).await?;
        let (stations, network) = (records.len(), Network::of(seed, &records));
        let secrets = Secrets {
            operator_secret: kept.operator_secret,
            data_secret: kept.data_secret,
            data_secret_iv: kept.data_secret_iv,
            sig_secret: kept.sig_secret,
        };
        let simulator = Simulator::at(person.platform().deployment(), &kept.organisation, secrets)?;
        let server = Arc::new(OperatorServer::start(&kept.organisation, records).await?);
        let door = Door::Tcec(Arc::new(simulator));
        let system = System::new(door, network, Script::rates(seed, &FAULTS), Some(server.clone()));
        Ok(Self { person, operator_id: kept.operator_id, system, stations, server, called: false })
    }

    /// What every connector does at an instant, reported; the platform asks from the first one on, when there is an answer.
    ///
    /// # Errors
    /// The platform is busy or away; the next turn goes on.
    pub async fn turn(&mut self, now: OffsetDateTime) -> Result<Turn> {
        let turn = self.system.turn(now).await?;
        self.is_called().await?;
        Ok(turn)
    }

    /// Says where the system is called, once; the platform begins at once.
    async fn is_called(&mut self) -> Result<()> {
        if !self.called {
            self.person.set_peer(&self.server.base_url, self.server.secrets.clone()).await?;
            self.called = true;
        }
        Ok(())
    }

    /// Has the platform call nobody, before the server ends.
    async fn leave(&self) -> Result<()> {
        self.person.set_peer("", self.server.secrets.clone()).await?;
        Ok(())
    }

    /// The company tests its link. Errors: a step does not pass.
    async fn tested(&self) -> Result<JointTest> {
        self.person.start_joint_test().await?;
        let test = eventually(TESTED_WITHIN, "the joint test ends", || async {
            let latest = self.person.joint_tests("").await?.into_iter().next();
            Ok(latest.filter(|test| test.finished_at.is_some()))
        })
        .await?;
        let failed = test.steps.iter().filter(|step| step.outcome != "passed");
        let failed: Vec<_> = failed.map(|step| format!("{}: {}", step.step, step.found)).collect();
        ensure!(test.passed, "the joint test of {COMPANY} does not pass: {}", failed.join("; "));
        Ok(test)
    }
}

/// The company's stations, whole.
async fn stations(person: &Actor) -> Result<Vec<StationRecord>> {
    let mut records = Vec::new();
    for listed in person.stations().await? {
        let id = listed.record.context("a station without record")?.station_id;
        records.push(person.station(&id).await?.record.context("a station without record")?);
    }
    records.sort_by(|one, other| one.station_code.cmp(&other.station_code));
    Ok(records)
}
