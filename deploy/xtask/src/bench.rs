//! Measuring the real services beside raw limits, in interleaved rounds on private durable servers.
//!
//! Owns: the order of the cases and what is printed. Source: performance, "The benchmark" and "Targets".
pub mod bare;
pub mod decisions;
pub mod edge;
pub mod field;
pub mod figures;
pub mod growth;
pub mod ingest;
pub mod launches;
pub mod pages;
pub mod raw;
pub mod raw_edge;
pub mod raw_grpc;
pub mod raw_ingest;
pub mod registry;
pub mod steady;
pub mod visits;
pub mod worklist;

use std::{fs, path::PathBuf, thread, time::Duration};

use anyhow::{Context as _, Result};
use sqlx::{Connection as _, PgConnection};

use self::{
    decisions::Decisions,
    field::Field,
    figures::{Anchor, Better, Figures, Round, Run},
    raw::Raw,
    worklist::Desks,
};
use crate::{
    cargo::{self, Build},
    checkout::Checkout,
    report::step,
    services::Service,
    trial::{Plan, Trial},
};

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// What to measure.
    #[arg(value_enum)]
    subject: Subject,
    /// Print one JSON line for each metric on standard output; without it the table is all.
    #[arg(long)]
    json: bool,
    /// Short rounds on a debug build: ratios are printed, not meant to be judged.
    #[arg(long)]
    quick: bool,
    /// Ingest: until 100 million orders are held, which takes an hour and 30 GB.
    #[arg(long)]
    long: bool,
    /// Measure the programs of this folder instead of building.
    #[arg(long)]
    binaries: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// Decisions, worklists and launches of the subsidy review.
    Review,
    /// What operators' systems send: orders, statuses, telemetry.
    Ingest,
    /// Pages with few and many applications behind them.
    Portal,
}

/// How long and how much.
#[derive(Clone, Copy, Debug)]
struct Extent {
    rounds: usize,
    time: Duration,
    members: usize,
    per_second: u32,
}

const FULL: Extent = Extent { rounds: 5, time: Duration::from_secs(4), members: 5000, per_second: 200 };
const QUICK: Extent = Extent { rounds: 3, time: Duration::from_secs(1), members: 500, per_second: 200 };
/// Decisions in flight. Source: performance, "Targets".
const IN_FLIGHT: usize = 64;
/// Applications that are withdrawn and submitted in turn: at 200/s each has 160 ms.
const DESKS: usize = 32;
/// Connections of the raw decision. Source: performance, "Targets".
const CONNECTIONS: usize = 32;
const MIB: f64 = 1024.0 * 1024.0;

/// Builds, starts, measures, prints. Errors: something does not start, or a case is refused.
pub async fn run(arguments: Arguments) -> Result<()> {
    match arguments.subject {
        Subject::Review => review(&arguments).await,
        Subject::Ingest => ingest(&arguments).await,
        Subject::Portal => portal(&arguments).await,
    }
}

const PAGES_FULL: pages::Extent =
    pages::Extent { few: 10_000, many: 1_000_000, rounds: 5, visits: 100, time: Duration::from_secs(2) };
const PAGES_QUICK: pages::Extent =
    pages::Extent { few: 1_000, many: 20_000, rounds: 3, visits: 20, time: Duration::from_millis(500) };

async fn portal(arguments: &Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    let (extent, build) =
        if arguments.quick { (PAGES_QUICK, Build::Debug) } else { (PAGES_FULL, Build::Release) };
    let binaries = match &arguments.binaries {
        Some(folder) => folder.clone(),
        None => step("building", cargo::build(&checkout, build)).await?,
    };
    let plan = Plan { binaries: Some(binaries), ..Plan::durable() }.with(Service::Portal);
    let trial = step("private servers and services", Trial::start(plan)).await?;
    let measured = pages::measure(&trial, extent).await;
    let stopped = trial.stop().await;
    print(&measured?, arguments)?;
    stopped
}

fn print(figures: &Figures, arguments: &Arguments) -> Result<()> {
    eprintln!("{}", figures.table());
    if arguments.json {
        let run = Run { cores: thread::available_parallelism()?.get(), quick: arguments.quick };
        for line in figures.json(run) {
            println!("{line}");
        }
    }
    Ok(())
}

const INGEST_FULL: ingest::Extent = ingest::Extent {
    rounds: 3,
    time: Duration::from_secs(4),
    connectors: [50_000, 500_000],
    orders: [1_000_000, 10_000_000],
    steady: Duration::from_secs(30),
};
const INGEST_QUICK: ingest::Extent = ingest::Extent {
    rounds: 3,
    time: Duration::from_secs(1),
    connectors: [8_000, 80_000],
    orders: [20_000, 200_000],
    steady: Duration::from_secs(5),
};
/// Orders that are held at the end of a long run.
const ORDERS_LONG: i64 = 100_000_000;

async fn ingest(arguments: &Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    let (mut extent, build) =
        if arguments.quick { (INGEST_QUICK, Build::Debug) } else { (INGEST_FULL, Build::Release) };
    if arguments.long {
        extent.orders[1] = ORDERS_LONG;
    }
    let binaries = match &arguments.binaries {
        Some(folder) => folder.clone(),
        None => step("building", cargo::build(&checkout, build)).await?,
    };
    let plan = Plan { binaries: Some(binaries), ..Plan::durable() }.with(Service::Interconnect);
    let trial = step("private servers and services", Trial::start(plan)).await?;
    let measured = ingest::measure(&trial, extent).await;
    let stopped = trial.stop().await;
    print(&measured?, arguments)?;
    stopped
}

async fn review(arguments: &Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    let (extent, build) = if arguments.quick { (QUICK, Build::Debug) } else { (FULL, Build::Release) };
    let binaries = match &arguments.binaries {
        Some(folder) => folder.clone(),
        None => step("building", cargo::build(&checkout, build)).await?,
    };
    let plan = Plan { binaries: Some(binaries), ..Plan::durable() };
    let trial = step("private servers and services", Trial::start(plan)).await?;
    let measured = measure(&trial, extent).await;
    let stopped = trial.stop().await;
    print(&measured?, arguments)?;
    stopped
}

async fn measure(trial: &Trial, extent: Extent) -> Result<Figures> {
    let mut figures = Figures::default();
    let raw = raw(trial).await?;
    memory(trial, &mut figures, &IDLE)?;
    let field = step("applications", Field::prepare(&trial.fleet, IN_FLIGHT, DESKS)).await?;
    let cases =
        Cases { trial, raw, decisions: Decisions::new(&field), desks: Desks::new(&field), field, extent };
    for round in 0..extent.rounds {
        let name = format!("round {} of {}", round + 1, extent.rounds);
        let kept = step(&name, cases.round(round)).await?;
        for (metric, round) in kept {
            figures.keep(metric, round);
        }
    }
    highest(trial, &mut figures)?;
    close(&mut figures);
    Ok(figures)
}

async fn raw(trial: &Trial) -> Result<Raw> {
    let name = "trial_raw_limits";
    trial.cluster.create_database(name, Service::Reviews).await?;
    Raw::prepare(&trial.cluster.admin_url_of(name), &trial.nats.url()).await
}

/// What the rounds work on; applications move on from round to round.
struct Cases<'t> {
    trial: &'t Trial,
    raw: Raw,
    decisions: Decisions,
    desks: Desks,
    field: Field,
    extent: Extent,
}

impl Cases<'_> {
    /// Raw case, own case, raw case, own case ….
    async fn round(&self, number: usize) -> Result<Vec<(&'static str, Round)>> {
        let Extent { time, members, per_second, .. } = self.extent;
        let reviews = self.trial.database_url(Service::Reviews)?;
        let notifications = self.trial.database_url(Service::Notifications)?;
        let beside = self.raw.decisions(CONNECTIONS, time).await?;
        let process = self.trial.fleet.id(Service::Reviews).context("reviews does not run")?;
        let (before, bytes) = (processor_time(process)?, database_bytes(&reviews).await?);
        let own = self.decisions.run(IN_FLIGHT, time, &reviews).await?;
        let spent = processor_time(process)?.saturating_sub(before);
        let bytes = database_bytes(&reviews).await? - bytes;
        let decided = own.took.len().max(1) as f64;
        let each = |value: f64| Round { value: value / decided, ..Round::default() };
        let mut kept = vec![
            ("raw.decision.wal", wal(&beside)),
            ("reviews.decision.wal", wal(&own)),
            ("reviews.decision.processor", each(spent.as_secs_f64() * 1e6)),
            ("reviews.decision.bytes", each(bytes as f64)),
            ("raw.decision.one_statement.c32", beside),
            ("reviews.decision.c64", own),
            ("raw.decision.one_statement.c1", alone(self.raw.decisions(1, time).await?)),
            ("reviews.decision.c1", self.decisions.alone(time).await?),
        ];
        launches::settled(self.trial.fleet.deployment()).await?;
        kept.push(("raw.commit_to_consumer.r200", self.raw.commit_to_consumer(per_second, time).await?));
        let latencies = self.desks.run(per_second, time, &notifications).await?;
        kept.push(("reviews.commit_to_worklist.r200", latencies.from_answer));
        kept.push(("reviews.submit_to_worklist.r200", latencies.from_call));
        kept.push((
            "reviews.submit_to_worklist.rate",
            Round { value: latencies.per_second, ..Round::default() },
        ));
        kept.push(("raw.launch.set_based", self.raw.launch(i32::try_from(members)?).await?));
        let launched =
            launches::run(&self.field, self.trial.fleet.deployment(), &reviews, number, members).await?;
        kept.push(("reviews.launch", launched));
        Ok(kept)
    }
}

/// What a process has used of the processors so far. Unlike a time, it hardly depends on who else is busy.
fn processor_time(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // Behind the name in brackets: the 12th and 13th field are user and system time in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let hundredths = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok());
    let (user, system) = hundredths(11).zip(hundredths(12)).context("no processor time")?;
    Ok(Duration::from_millis((user + system) * 10))
}

/// What a database takes on the disk, its WAL aside.
async fn database_bytes(url: &str) -> Result<i64> {
    let mut database = PgConnection::connect(url).await?;
    Ok(sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(&mut database).await?)
}

/// The WAL bytes of one decision as a figure of their own.
fn wal(round: &Round) -> Round {
    Round { value: round.cost.map_or(0.0, |cost| cost.wal_bytes), ..Round::default() }
}

/// The raw statement alone is compared by its median time, not by its rate.
fn alone(round: Round) -> Round {
    let mut took = round.took.clone();
    took.sort_unstable();
    let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
    Round { value: p50.as_secs_f64() * 1e6, ..round }
}

/// Source of each target: performance, "Targets"; memory: the review's acceptance.
fn close(figures: &mut Figures) {
    let beside = |metric, target| Some(Anchor { metric, target: Some(target) });
    figures.close("raw.decision.one_statement.c32", "1/s", Better::Higher, None);
    let anchor = beside("raw.decision.one_statement.c32", 0.5);
    figures.close("reviews.decision.c64", "1/s", Better::Higher, anchor);
    figures.close("raw.decision.one_statement.c1", "µs", Better::Lower, None);
    figures.close("reviews.decision.c1", "µs", Better::Lower, beside("raw.decision.one_statement.c1", 2.0));
    figures.close("reviews.decision.processor", "µs", Better::Lower, None);
    figures.close("reviews.decision.bytes", "B", Better::Lower, None);
    figures.close("raw.decision.wal", "B", Better::Lower, None);
    figures.close("reviews.decision.wal", "B", Better::Lower, beside("raw.decision.wal", 2.0));
    figures.close("raw.commit_to_consumer.r200", "µs", Better::Lower, None);
    let anchor = beside("raw.commit_to_consumer.r200", 3.0);
    figures.close("reviews.commit_to_worklist.r200", "µs", Better::Lower, anchor);
    figures.close("reviews.submit_to_worklist.r200", "µs", Better::Lower, None);
    figures.close("reviews.submit_to_worklist.rate", "1/s", Better::Higher, None);
    figures.close("raw.launch.set_based", "members/s", Better::Higher, None);
    figures.close("reviews.launch", "members/s", Better::Higher, beside("raw.launch.set_based", 0.4));
    for metric in IDLE.into_iter().chain(LOADED) {
        figures.close(metric, "MiB", Better::Lower, None);
    }
}

const IDLE: [&str; 5] = [
    "accounts.memory.idle",
    "stations.memory.idle",
    "documents.memory.idle",
    "reviews.memory.idle",
    "notifications.memory.idle",
];
const LOADED: [&str; 5] = [
    "accounts.memory.loaded",
    "stations.memory.loaded",
    "documents.memory.loaded",
    "reviews.memory.loaded",
    "notifications.memory.loaded",
];

/// Resident memory of each service now, in the order of the services.
fn memory(trial: &Trial, figures: &mut Figures, metrics: &[&'static str; 5]) -> Result<()> {
    for (service, metric) in Service::WITH_DATABASE.into_iter().zip(metrics) {
        let value = trial.fleet.resident_bytes(service)? as f64 / MIB;
        figures.keep(metric, Round { value, ..Round::default() });
    }
    Ok(())
}

/// The highest resident memory of each service since its start. Errors: a service is gone.
fn highest(trial: &Trial, figures: &mut Figures) -> Result<()> {
    for (service, metric) in Service::WITH_DATABASE.into_iter().zip(LOADED) {
        let value = highest_resident(trial, service)?;
        figures.keep(metric, Round { value, ..Round::default() });
    }
    Ok(())
}

/// MiB. Errors: the service is gone.
fn highest_resident(trial: &Trial, service: Service) -> Result<f64> {
    let id = trial.fleet.id(service).with_context(|| format!("{service} does not run"))?;
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kilobytes / 1024.0)
}
