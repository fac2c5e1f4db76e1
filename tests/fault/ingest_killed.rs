//! stations, interconnect and PostgreSQL are killed while operators deliver, by T/CEC 102 over HTTP and by gRPC: what was
//! acknowledged is there, once, and the latest state of each connector is the one of the latest source time.
//!
//! Source: reliability R1, R2 and section 6.
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use prost_types::Timestamp;
use proto::stations::{OrderItem, StatusItem};
use sqlx::PgPool;
use system_tests::{
    System, eventually, premises, seed,
    wait::{Dice, rounds},
};
use tokio::{
    task::JoinHandle,
    time::{Duration, sleep},
};
use xtask::{
    driver::{clock, stations::connector_ids},
    services::Service,
    simulator::{Delivery, Door, Sending, Simulator},
    trial::Plan,
};

/// Of the rounds of a race, one in so many: each of the three is killed twice, or twenty times in a long run.
const SHARE: usize = 25;
/// Senders of each operator; each has connectors of its own.
const LANES: u32 = 2;
/// Orders of one batch over gRPC.
const BATCH: usize = 25;
/// How long ago the reported times begin; each step reports the next second.
const BEGIN_SECS: i64 = 30_000;
/// Steps of every lane between two kills.
const STEPS: usize = 4;
/// Until a delivery is taken, whatever is killed meanwhile.
const TAKEN_WITHIN: Duration = Duration::from_secs(300);

fn seconds(at: Option<Timestamp>) -> i64 {
    at.map_or(0, |at| at.seconds)
}

/// What was acknowledged: nothing else was sent when a lane has ended.
#[derive(Default)]
struct Sent {
    /// Energy (Wh) and money (fen) by order number, as last corrected.
    orders: BTreeMap<String, (i64, i64)>,
    /// Orders that were corrected once.
    corrected: usize,
    /// Connector → source time → status.
    statuses: BTreeMap<String, BTreeMap<i64, i32>>,
    /// Everything, repetitions too.
    items: usize,
}

/// One sender: delivers orders and statuses, some late, some twice, until told to stop.
struct Lane {
    door: Door,
    /// Begins each order number.
    prefix: String,
    guns: Vec<String>,
    begin: i64,
    dice: Dice,
    sent: Sent,
}

impl Lane {
    async fn run(mut self, steps: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Result<Sent> {
        for step in 0..BEGIN_SECS - 600 {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            self.orders(step).await?;
            self.statuses(step).await?;
            steps.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self.sent)
    }

    async fn orders(&mut self, step: i64) -> Result<()> {
        let count = if matches!(self.door, Door::Grpc(_)) { BATCH } else { 1 };
        let end = self.begin + step;
        let stamp = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let mut items: Vec<OrderItem> = (0..count)
            .map(|place| OrderItem {
                order_no: format!("{}{step:012}{place:04}", self.prefix),
                connector_id: self.guns[place % self.guns.len()].clone(),
                start_time: stamp(end - 600),
                end_time: stamp(end),
                energy_wh: 1_000 + 10 * i64::try_from(self.dice.below(1_000)).unwrap_or(0),
                electricity_fen: 100 + step % 97,
                service_fen: 50,
                total_fen: 150 + step % 97,
                stop_reason: 0,
                source_time: stamp(end),
                details: Vec::new(),
            })
            .collect();
        self.orders_taken(&items).await?;
        // Again, as a sender does that lost the answer; and by gRPC, where a source time can be said, a correction.
        if self.dice.below(3) == 0 {
            self.orders_taken(&items).await?;
        }
        if count > 1 && self.dice.below(3) == 0 {
            for item in &mut items {
                item.energy_wh += 7;
                item.source_time = stamp(end + 1);
            }
            self.orders_taken(&items).await?;
            self.sent.corrected += items.len();
        }
        Ok(())
    }

    async fn orders_taken(&mut self, items: &[OrderItem]) -> Result<()> {
        self.until_taken(Delivery::Orders(items.to_vec())).await?;
        self.sent.items += items.len();
        for item in items {
            self.sent.orders.insert(item.order_no.clone(), (item.energy_wh, item.total_fen));
        }
        Ok(())
    }

    /// Delivers until it is acknowledged, as a good peer does. Errors: an item was rejected, or it takes too long.
    async fn until_taken(&self, delivery: Delivery) -> Result<()> {
        let (start, sending) = (Instant::now(), Sending::plain(delivery));
        loop {
            if let Some(verdict) = self.door.send(&sending).await? {
                ensure!(verdict.taken(), "{sending:?} was answered {verdict:?}");
                return Ok(());
            }
            ensure!(start.elapsed() < TAKEN_WITHIN, "{} is not heard", self.prefix);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The next second of one connector, and now and then a second that is long gone.
    async fn statuses(&mut self, step: i64) -> Result<()> {
        let late = i64::try_from(self.dice.below(900)).unwrap_or(0);
        let times = if self.dice.below(4) == 0 { vec![step, step - late] } else { vec![step] };
        let gun = self.guns[usize::try_from(step).unwrap_or(0) % self.guns.len()].clone();
        let items: Vec<StatusItem> = times
            .into_iter()
            .map(|at| StatusItem {
                connector_id: gun.clone(),
                // What a connector was at a second does not change: a late report contradicts nothing.
                status: if (at / 3) % 2 == 0 { 1 } else { 3 },
                source_time: Some(Timestamp { seconds: self.begin + at, nanos: 0 }),
            })
            .collect();
        self.sent.items += items.len();
        let held = self.sent.statuses.entry(gun).or_default();
        held.extend(items.iter().map(|item| (seconds(item.source_time), item.status)));
        self.until_taken(Delivery::Statuses(items)).await
    }
}

/// Senders at work in the background.
struct Load {
    steps: Vec<Arc<AtomicUsize>>,
    stop: Arc<AtomicBool>,
    lanes: Vec<JoinHandle<Result<Sent>>>,
}

impl Load {
    fn start(lanes: Vec<Lane>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut steps, mut running) = (Vec::new(), Vec::new());
        for lane in lanes {
            let count = Arc::new(AtomicUsize::new(0));
            steps.push(count.clone());
            running.push(tokio::spawn(lane.run(count, stop.clone())));
        }
        Self { steps, stop, lanes: running }
    }

    /// Waits until every lane has done so many more steps. Errors: one does not within five minutes, or has failed.
    async fn goes_on(&self) -> Result<()> {
        let before: Vec<usize> = self.steps.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        eventually(TAKEN_WITHIN, "every sender goes on", || async {
            ensure!(self.lanes.iter().all(|lane| !lane.is_finished()), "a sender has given up");
            let more = |(count, before): (&Arc<AtomicUsize>, &usize)| {
                count.load(Ordering::Relaxed) >= before + STEPS
            };
            Ok(self.steps.iter().zip(&before).all(more).then_some(()))
        })
        .await
    }

    /// Lets everybody finish the step at hand; gives what was acknowledged. Errors: something was rejected.
    async fn end(self) -> Result<Vec<Sent>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for lane in self.lanes {
            all.push(lane.await.context("nobody panics")??);
        }
        Ok(all)
    }
}

/// Two operators with stations of their own: one speaks T/CEC 102, the other gRPC.
async fn lanes(system: &System, dice: &mut Dice) -> Result<Vec<Lane>> {
    let mut lanes = Vec::new();
    let begin = clock::now().seconds - BEGIN_SECS;
    for operator in 1..=2 {
        let company = system.company(operator, "410105").await?;
        let issued = system.administrator().await?.approve_link(&company.operator_id).await?;
        let organisation = issued.link.context("a link")?.organisation_code;
        let door = match operator {
            1 => Door::Tcec(Arc::new(Simulator::at(
                system,
                &organisation,
                issued.inbound.context("secrets")?,
            )?)),
            _ => Door::Grpc(company.machine.once()),
        };
        for lane in 0..LANES {
            let record = premises::record(10 * operator + lane, "410105");
            company.actor.register_station(record.clone()).await?;
            lanes.push(Lane {
                door: door.clone(),
                prefix: format!("{organisation}{lane:02}"),
                guns: connector_ids(&record),
                begin,
                dice: Dice::new(dice.below(u64::MAX)),
                sent: Sent::default(),
            });
        }
    }
    Ok(lanes)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_were_acknowledged_survives_kills_of_services_and_database_once() -> Result<()> {
    let seed = seed(107);
    let mut dice = Dice::new(seed);
    let mut system = System::planned(Plan::durable().with(Service::Interconnect)).await?;
    let load = Load::start(lanes(&system, &mut dice).await?);
    let (rounds, mut kills) = (rounds() / SHARE, Vec::new());
    for round in 0..rounds {
        for victim in [Some(Service::Stations), None, Some(Service::Interconnect)] {
            load.goes_on().await?;
            sleep(Duration::from_micros(dice.below(200_000))).await;
            let name = victim.map_or("PostgreSQL", Service::name);
            // In every other round stations dies together with its database.
            let both = victim.is_none() && round % 2 == 1;
            let died = Instant::now();
            if victim.is_none() {
                system.trial_mut().postgres.as_mut().context("a durable trial has its own")?.kill();
            }
            let services = victim.into_iter().chain(both.then_some(Service::Stations));
            let services: Vec<Service> = services.collect();
            for service in &services {
                system.fleet().kill(*service)?;
            }
            if victim.is_none() {
                let postgres = system.trial_mut().postgres.as_mut().context("it was there before")?;
                postgres.start_again().await?;
            }
            for service in services {
                system.fleet().start_again(service).await?;
            }
            load.goes_on().await?;
            kills.push(format!("{name}{} {:.1?}", if both { " and stations" } else { "" }, died.elapsed()));
        }
    }
    let sent = load.end().await?;
    let database = system.database(Service::Stations)?;
    let orders = every_order_is_there_once(database, &sent).await?;
    let connectors = the_latest_source_time_counts(database, &sent).await?;
    let items: usize = sent.iter().map(|sent| sent.items).sum();
    println!(
        "seed {seed}, {rounds} rounds, {} kills, {items} acknowledged items, {orders} orders, {connectors} connectors; \
         until every sender had gone on: {}",
        kills.len(),
        kills.join(", ")
    );
    system.finish_after_faults().await
}

/// Errors: an acknowledged order is missing, twice, or of other content, or was counted twice.
async fn every_order_is_there_once(database: &PgPool, sent: &[Sent]) -> Result<usize> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT order_no, energy_wh, total_fen FROM charge_orders")
            .fetch_all(database)
            .await?;
    let held: BTreeMap<String, (i64, i64)> =
        rows.iter().map(|(order_no, energy_wh, fen)| (order_no.clone(), (*energy_wh, *fen))).collect();
    ensure!(held.len() == rows.len(), "an order is held twice");
    let expected: BTreeMap<String, (i64, i64)> = sent.iter().flat_map(|sent| sent.orders.clone()).collect();
    if let Some(differs) = expected.iter().find(|(order_no, said)| held.get(*order_no) != Some(said)) {
        bail!("acknowledged was {differs:?}, held is {:?}", held.get(differs.0));
    }
    ensure!(held.len() == expected.len(), "{} orders are held, {} were sent", held.len(), expected.len());
    let corrected: usize = sent.iter().map(|sent| sent.corrected).sum();
    let superseded: i64 =
        sqlx::query_scalar("SELECT count(*) FROM superseded_orders").fetch_one(database).await?;
    ensure!(
        usize::try_from(superseded)? == corrected,
        "{superseded} versions are kept of {corrected} corrected"
    );
    let (accepted, again): (i64, i64) = sqlx::query_as(
        "SELECT sum(accepted)::bigint, sum(corrected)::bigint FROM quality_days WHERE kind = 'order'",
    )
    .fetch_one(database)
    .await?;
    let all = i64::try_from(expected.len() + corrected)?;
    ensure!(
        (accepted, again) == (all, superseded),
        "{accepted} were counted as taken of {all}, {again} as corrected"
    );
    Ok(held.len())
}

/// Errors: a connector's latest state is not what was reported of the latest second.
async fn the_latest_source_time_counts(database: &PgPool, sent: &[Sent]) -> Result<usize> {
    let rows: Vec<(String, i64, i16)> = sqlx::query_as(
        "SELECT code, extract(epoch FROM seen_at)::bigint, status FROM connector_state JOIN connectors USING (connector_key)
         WHERE status IS NOT NULL ORDER BY code",
    )
    .fetch_all(database)
    .await?;
    let held: BTreeMap<String, (i64, i32)> =
        rows.into_iter().map(|(code, at, status)| (code, (at, i32::from(status)))).collect();
    let mut expected = BTreeMap::new();
    for (code, reports) in sent.iter().flat_map(|sent| &sent.statuses) {
        let (at, status) = reports.last_key_value().context("a report")?;
        expected.insert(code.clone(), (*at, *status));
    }
    ensure!(held == expected, "held is {held:?}, sent was {expected:?}");
    Ok(held.len())
}
