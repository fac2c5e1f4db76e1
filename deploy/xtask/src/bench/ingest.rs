//! The ingest through the real service: orders, statuses and telemetry of several operators, beside raw limits.
//!
//! Owns: the own cases. All that is measured goes over gRPC with the operators' own credentials. Not: the stations (`registry`).
//! Source: performance, "Targets".
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use proto::stations::{OrderItem, Receipt, StatusItem, TelemetryItem};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{
    decisions::cost,
    edge::{self, Edge},
    field::PASSWORD,
    figures::{Anchor, Better, Cost, Figures, Round},
    growth, highest_resident, processor_time,
    raw_grpc::RawGrpc,
    raw_ingest::RawIngest,
    registry::{self, OF_STATION},
    steady, wal,
};
use crate::{
    driver::{
        Actor, Platform,
        actor::fresh_id,
        clock::{instant, stamp},
        officials::Official,
        refused::Answer,
        samples::Samples,
    },
    report::step,
    services::Service,
    trial::Trial,
};

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Interleaved rounds.
    pub rounds: usize,
    /// Of each case.
    pub time: Duration,
    /// In the registry, first and then; a province has about 500,000.
    pub connectors: [usize; 2],
    /// Orders that are held already, first and then.
    pub orders: [i64; 2],
    /// How long a province's load is offered.
    pub steady: Duration,
}

/// Operators that send at the same time. Which writer takes an operator's data is chance: with few, one may get all.
const OPERATORS: usize = 8;

/// Bytes of one row on the disk, indexes included, as many as there are at the end.
const BYTES: [(&str, &str); 3] = [
    (
        "stations.orders.bytes",
        "SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('charge_orders'))::float8
             / greatest(count(*), 1)::float8 FROM charge_orders",
    ),
    (
        "stations.status.bytes",
        "SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('status_history'))::float8
             / greatest(count(*), 1)::float8 FROM status_history",
    ),
    (
        "stations.telemetry.bytes",
        "SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('telemetry'))::float8
             / greatest(count(*), 1)::float8 FROM telemetry",
    ),
];
/// Items of one call of every case but the small one.
pub(super) const OF_CALL: usize = 1_000;

/// Measures; the trial runs already. Errors: a case is refused, or an item is not taken.
pub async fn measure(trial: &Trial, extent: Extent) -> Result<Figures> {
    let mut figures = Figures::default();
    let name = "trial_raw_ingest";
    trial.cluster.create_database(name, Service::Stations).await?;
    let connectors = i64::try_from(extent.connectors[1])?;
    let mut beside = trial.fleet.deployment().clone();
    beside.databases.insert(Service::Stations, trial.cluster.url(Service::Stations, name));
    beside.migrate(Service::Stations).await?;
    let raw = RawIngest::prepare(&trial.cluster.admin_url_of(name), connectors).await?;
    let answering = RawGrpc::serve().await?;
    let mut cases = step("operators", Cases::prepare(trial, extent)).await?;
    let edge = step("links", Edge::prepare(trial, &cases)).await?;
    growth::measure(&mut cases, &raw, extent, &mut figures).await?;
    for round in 0..extent.rounds {
        let name = format!("round {} of {}", round + 1, extent.rounds);
        let mut kept = step(&name, cases.round(&raw, &answering)).await?;
        kept.extend(step("pushes over HTTP", edge.round(&cases, extent.time)).await?);
        for (metric, round) in kept {
            figures.keep(metric, round);
        }
    }
    step("the load of a province", steady::measure(&cases, trial, extent.steady, &mut figures)).await?;
    for (metric, statement) in BYTES {
        let value = bytes(&cases.database, statement).await?;
        figures.keep(metric, Round { value, ..Round::default() });
    }
    let highest = highest_resident(trial, Service::Stations)?;
    figures.keep("stations.memory.loaded", Round { value: highest, ..Round::default() });
    close(&mut figures);
    edge::close(&mut figures);
    growth::close(&mut figures);
    steady::close(&mut figures);
    Ok(figures)
}

/// Source of each target: performance, "Targets".
fn close(figures: &mut Figures) {
    let beside = |metric, target| Some(Anchor { metric, target: Some(target) });
    figures.close("raw.orders.copy_keyed", "rows/s", Better::Higher, None);
    figures.close("raw.orders.unnest", "rows/s", Better::Higher, None);
    figures.close(
        "stations.orders.b100.c32",
        "rows/s",
        Better::Higher,
        beside("raw.orders.copy_keyed", 0.35),
    );
    figures.close("stations.orders.b1000.c8", "rows/s", Better::Higher, beside("raw.orders.copy_keyed", 0.5));
    figures.close("raw.orders.wal", "B", Better::Lower, None);
    figures.close("stations.orders.wal", "B", Better::Lower, beside("raw.orders.wal", 1.5));
    figures.close("raw.orders.all_known", "rows/s", Better::Higher, None);
    figures.close("stations.orders.repeated", "rows/s", Better::Higher, beside("raw.orders.all_known", 0.4));
    figures.close("raw.status.upsert_sorted", "rows/s", Better::Higher, None);
    figures.close(
        "stations.status.changed",
        "rows/s",
        Better::Higher,
        beside("raw.status.upsert_sorted", 0.6),
    );
    let shown = Some(Anchor { metric: "raw.status.upsert_sorted", target: None });
    figures.close("stations.status.seen", "rows/s", Better::Higher, shown);
    figures.close("raw.grpc.answered", "rows/s", Better::Higher, None);
    figures.close("stations.status.unchanged", "rows/s", Better::Higher, beside("raw.grpc.answered", 0.25));
    figures.close("raw.telemetry.copy_keyed", "rows/s", Better::Higher, None);
    figures.close("stations.telemetry", "rows/s", Better::Higher, beside("raw.telemetry.copy_keyed", 0.4));
    for metric in [
        "stations.orders.processor",
        "stations.status.changed.processor",
        "stations.status.seen.processor",
        "stations.status.unchanged.processor",
        "stations.telemetry.processor",
    ] {
        figures.close(metric, "µs", Better::Lower, None);
    }
    for (metric, _) in BYTES {
        figures.close(metric, "B", Better::Lower, None);
    }
    figures.close("stations.memory.loaded", "MiB", Better::Lower, None);
}

async fn bytes(database: &str, statement: &'static str) -> Result<f64> {
    let mut database = PgConnection::connect(database).await?;
    Ok(sqlx::query_scalar(statement).fetch_one(&mut database).await?)
}

pub(super) struct Sender {
    pub(super) operator: Uuid,
    pub(super) machine: Actor,
    /// Codes of its connectors.
    pub(super) codes: Vec<String>,
    /// Calls of [`Cases::changed`] so far; each goes on where the one before ended.
    changes: AtomicUsize,
}

impl Sender {
    /// The status that the n-th change of a connector says: another one than the change before.
    fn status(change: usize) -> i32 {
        [1, 2, 3][change % 3]
    }

    /// What a connector is after so many changes: what the last one said. After none it is what it is registered with: another status
    /// than the first change says, because the same one would only be seen again.
    fn after(changes: usize) -> i32 {
        Self::status(changes + 2)
    }

    /// What was said last about the connector at this place.
    pub(super) fn held(&self, place: usize) -> i32 {
        let (sent, all) = (self.changes.load(Ordering::Relaxed) * OF_CALL, self.codes.len());
        Self::after((sent + all - 1 - place) / all)
    }
}

pub(super) struct Cases {
    pub(super) administrator: Actor,
    pub(super) senders: Vec<Sender>,
    pub(super) database: String,
    /// Of stations.
    process: u32,
    time: Duration,
    /// Rises with every call, so that numbers and times are never sent twice by accident.
    turn: AtomicUsize,
}

impl Cases {
    async fn prepare(trial: &Trial, extent: Extent) -> Result<Self> {
        let platform = Platform::of(trial.fleet.deployment())?;
        let post = Official::new("admin01", "admin01", "administrator", &[], "");
        let administrator = platform.first_official(&post, PASSWORD).await?;
        let samples = Samples::load()?;
        let database = trial.database_url(Service::Stations)?;
        let mut senders = Vec::new();
        for number in 0..OPERATORS {
            let company = samples.operators.get(number).context("too few operators")?;
            let nobody = platform.nobody();
            let licence = nobody.upload_licence(&fresh_id(), samples.licence()?).await?;
            let registered =
                nobody.register(&company.login, PASSWORD, company.profile(&licence.file_id)?).await?;
            administrator.approve(&registered.operator_id, registered.submission_version).await?;
            let machine = administrator.issue_machine("测量", &registered.operator_id).await?;
            let operator = registered.operator_id.parse()?;
            senders.push(Sender { operator, machine, codes: Vec::new(), changes: AtomicUsize::new(0) });
        }
        let process = trial.fleet.id(Service::Stations).context("stations does not run")?;
        Ok(Self { administrator, senders, database, process, time: extent.time, turn: AtomicUsize::new(1) })
    }

    /// Registers further stations until there are so many connectors.
    pub(super) async fn grow(&mut self, connectors: usize) -> Result<()> {
        for (number, sender) in self.senders.iter_mut().enumerate() {
            let stations = (sender.codes.len() / OF_STATION)..(connectors / OPERATORS / OF_STATION);
            sender.codes =
                registry::fill(&self.database, sender.operator, number, stations, Sender::after(0)).await?;
            sender.changes = AtomicUsize::new(0);
        }
        let mut database = PgConnection::connect(&self.database).await?;
        sqlx::raw_sql("VACUUM (ANALYZE)").execute(&mut database).await?;
        Ok(())
    }

    /// Raw case, own case, raw case, own case ….
    async fn round(&self, raw: &RawIngest, answering: &RawGrpc) -> Result<Vec<(&'static str, Round)>> {
        let copied = raw.orders(self.time).await?;
        let inserted = raw.inserted(self.time).await?;
        let small = self.run(32, |cases, sender| cases.orders(sender, 100)).await?;
        let before = processor_time(self.process)?;
        let large = self.run(8, |cases, sender| cases.orders(sender, OF_CALL)).await?;
        let large_spent = self.spent_since(before, &large)?;
        let known = raw.repeated(self.time).await?;
        let repeated = self.repeated().await?;
        let upserted = raw.statuses(self.time).await?;
        let before = processor_time(self.process)?;
        let changed = self.run(8, Self::changed).await?;
        let changed_spent = self.spent_since(before, &changed)?;
        let before = processor_time(self.process)?;
        let seen = self.run(8, Self::seen).await?;
        let seen_spent = self.spent_since(before, &seen)?;
        let answered = answering.answered(self.time).await?;
        let before = processor_time(self.process)?;
        let unchanged = self.unchanged().await?;
        let unchanged_spent = self.spent_since(before, &unchanged)?;
        let sampled = raw.telemetry(self.time).await?;
        let before = processor_time(self.process)?;
        let telemetry = self.run(8, Self::telemetry).await?;
        let telemetry_spent = self.spent_since(before, &telemetry)?;
        Ok(vec![
            ("stations.orders.processor", large_spent),
            ("stations.status.changed.processor", changed_spent),
            ("stations.status.seen.processor", seen_spent),
            ("stations.status.unchanged.processor", unchanged_spent),
            ("stations.telemetry.processor", telemetry_spent),
            ("raw.orders.wal", wal(&copied)),
            ("stations.orders.wal", wal(&large)),
            ("raw.orders.copy_keyed", copied),
            ("raw.orders.unnest", inserted),
            ("stations.orders.b100.c32", small),
            ("stations.orders.b1000.c8", large),
            ("raw.orders.all_known", known),
            ("stations.orders.repeated", repeated),
            ("raw.status.upsert_sorted", upserted),
            ("stations.status.changed", changed),
            ("stations.status.seen", seen),
            ("raw.grpc.answered", answered),
            ("stations.status.unchanged", unchanged),
            ("raw.telemetry.copy_keyed", sampled),
            ("stations.telemetry", telemetry),
        ])
    }

    /// The time, µs, that stations spent on one item of a case of calls of [`OF_CALL`].
    fn spent_since(&self, before: Duration, case: &Round) -> Result<Round> {
        let spent = processor_time(self.process)?.saturating_sub(before);
        let items = (case.took.len() * OF_CALL).max(1) as f64;
        Ok(Round { value: spent.as_secs_f64() * 1e6 / items, ..Round::default() })
    }

    pub(super) fn next(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// So many calls in flight, each caller for one operator; the value is items a second.
    pub(super) async fn run<'c, Sent>(
        &'c self,
        in_flight: usize,
        send: impl Fn(&'c Self, &'c Sender) -> Sent,
    ) -> Result<Round>
    where
        Sent: Future<Output = Result<usize>>,
    {
        let send = &send;
        let mut look = PgConnection::connect(&self.database).await?;
        sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&mut look).await?;
        let before = cost(&mut look).await?;
        let start = Instant::now();
        let callers = (0..in_flight).map(|caller| async move {
            let sender = &self.senders[caller % OPERATORS];
            let (mut items, mut took) = (0, Vec::new());
            while start.elapsed() < self.time {
                let begun = Instant::now();
                items += send(self, sender).await?;
                took.push(begun.elapsed());
            }
            anyhow::Ok((items, took))
        });
        let done = try_join_all(callers).await?;
        let elapsed = start.elapsed();
        let items: usize = done.iter().map(|(items, _)| items).sum();
        let took = done.into_iter().flat_map(|(_, took)| took).collect();
        let cost = Cost::between(before, cost(&mut look).await?, items);
        Ok(Round { value: items as f64 / elapsed.as_secs_f64(), took, cost: Some(cost) })
    }

    /// New orders; their numbers rise in time.
    pub(super) async fn orders(&self, sender: &Sender, count: usize) -> Result<usize> {
        let sent = sender.machine.push_orders(orders(sender, self.next(), count)).await;
        taken(sent, |receipt| receipt.accepted, count)
    }

    /// The same orders again and again.
    async fn repeated(&self) -> Result<Round> {
        let held: Vec<_> =
            self.senders.iter().map(|sender| (sender, orders(sender, self.next(), 1_000))).collect();
        for (sender, orders) in &held {
            sender.machine.push_orders(orders.clone()).await?;
        }
        self.run(8, |_, sender| {
            let known =
                held.iter().find(|(of, _)| std::ptr::eq(*of, sender)).map(|(_, orders)| orders.clone());
            async move {
                let sent = sender.machine.push_orders(known.unwrap_or_default()).await;
                taken(sent, |receipt| receipt.duplicate, 1_000)
            }
        })
        .await
    }

    /// Statuses that are other ones than before.
    pub(super) async fn changed(&self, sender: &Sender) -> Result<usize> {
        let first = sender.changes.fetch_add(1, Ordering::Relaxed) * OF_CALL;
        let all = sender.codes.len();
        self.report(sender, (first..first + OF_CALL).map(|at| (at % all, Sender::status(at / all)))).await
    }

    /// The snapshot of every few minutes: mostly the same statuses, at a later time.
    pub(super) async fn seen(&self, sender: &Sender) -> Result<usize> {
        let all = sender.codes.len();
        let first = self.next() * OF_CALL;
        let places = (first..first + OF_CALL).map(|at| at % all);
        self.report(sender, places.map(|place| (place, sender.held(place)))).await
    }

    pub(super) async fn report(
        &self,
        sender: &Sender,
        statuses: impl Iterator<Item = (usize, i32)>,
    ) -> Result<usize> {
        let now = stamp(instant());
        let item = |(place, status): (usize, i32)| StatusItem {
            connector_id: sender.codes[place].clone(),
            status,
            source_time: Some(now),
        };
        let sent = sender.machine.push_status(statuses.map(item).collect()).await;
        // Two calls under way may pass each other: the older one only enters the history.
        taken(sent, |receipt| receipt.accepted + receipt.stale, OF_CALL)
    }

    /// The same snapshot again and again.
    async fn unchanged(&self) -> Result<Round> {
        let now = stamp(instant());
        let snapshot = |sender: &Sender| -> Vec<StatusItem> {
            let item = |(place, code): (usize, &String)| StatusItem {
                connector_id: code.clone(),
                status: sender.held(place),
                source_time: Some(now),
            };
            sender.codes.iter().enumerate().take(OF_CALL).map(item).collect()
        };
        for sender in &self.senders {
            sender.machine.push_status(snapshot(sender)).await?;
        }
        self.run(8, |_, sender| async move {
            let sent = sender.machine.push_status(snapshot(sender)).await;
            taken(sent, |receipt| receipt.duplicate, 1_000)
        })
        .await
    }

    pub(super) async fn telemetry(&self, sender: &Sender) -> Result<usize> {
        let turn = self.next();
        let at = stamp(instant() - time::Duration::microseconds(i64::try_from(turn % 1_000_000)?));
        let items = window(sender, turn, 1_000)
            .map(|code| TelemetryItem {
                connector_id: code.clone(),
                sample_time: Some(at),
                order_no: format!("N{turn:08}"),
                energy_wh: 12_000,
                power_watts: 60_000,
                voltage_decivolts: 7_500,
                current_deciamperes: 800,
                soc_percent: Some(55),
            })
            .collect();
        taken(sender.machine.push_telemetry(items).await, |receipt| receipt.accepted, 1_000)
    }
}

/// So many connectors of an operator, others with each turn.
fn window(sender: &Sender, turn: usize, count: usize) -> impl Iterator<Item = &String> {
    sender.codes.iter().cycle().skip(turn * count % sender.codes.len()).take(count)
}

fn orders(sender: &Sender, number: usize, count: usize) -> Vec<OrderItem> {
    let end = instant() - time::Duration::seconds(60);
    let (end_time, start_time) = (Some(stamp(end)), Some(stamp(end - time::Duration::hours(1))));
    (0..count)
        .map(|place| OrderItem {
            order_no: format!("{number:016}{place:08}"),
            connector_id: sender.codes[(number + place) % sender.codes.len()].clone(),
            start_time,
            end_time,
            energy_wh: 60_000,
            electricity_fen: 4_700,
            service_fen: 100,
            total_fen: 4_800,
            stop_reason: 0,
            source_time: end_time,
            details: Vec::new(),
        })
        .collect()
}

/// Every item of the call counted as it should.
fn taken(sent: Answer<Vec<Receipt>>, of: impl Fn(&Receipt) -> i32, count: usize) -> Result<usize> {
    let receipts = sent?;
    let taken: i32 = receipts.iter().map(&of).sum();
    ensure!(usize::try_from(taken)? == count, "{taken} of {count} items: {:?}", receipts.first().map(first));
    Ok(count)
}

fn first(receipt: &Receipt) -> Option<&proto::stations::ItemResult> {
    receipt.results.iter().find(|result| result.outcome != "accepted")
}

#[cfg(test)]
mod tests {
    use super::Sender;

    #[test]
    fn each_change_of_a_connector_says_another_status_than_is_held_also_the_first_one() {
        for changes in 0..5 {
            assert_ne!(Sender::status(changes), Sender::after(changes), "after {changes}");
            assert_eq!(Sender::after(changes + 1), Sender::status(changes));
        }
    }
}
