//! Takes batches of connector status: judges each report, writes all of them in one statement, settles the stations.
use std::collections::{BTreeSet, HashMap};

use chassis::{Failure, Work};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Batch, settle, tallies};
use crate::{
    domain::{
        Finding, Refusal, day,
        registry::CONNECTOR_CODE_MAX,
        status::{self, Effect, Latest, Report, Status},
        tally::Kind,
        text,
        verdict::Verdict,
    },
    store::{
        self,
        quality::{Item, tame},
        states::{Changes, Locked},
    },
};

/// One report as it came.
#[derive(Debug, Clone)]
pub struct Line {
    /// The operator's connector code.
    pub connector: String,
    /// The wire code as sent.
    pub status_code: i32,
    /// The source time as sent, where it is one.
    pub source_time: Option<OffsetDateTime>,
}

/// Limits that are settings.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Oldest source time before now.
    pub age_max: Duration,
    /// See the connection rule.
    pub window: Duration,
}

/// Takes all batches in one unit of work; the answer has one verdict per line, in the order sent.
///
/// # Errors
/// The database is away or busy; nothing is taken then.
pub async fn execute(
    work: &mut Work,
    batches: &[Batch<Line>],
    rules: Rules,
) -> Result<Vec<Vec<Verdict>>, Failure> {
    let now = work.now();
    let read: Vec<Vec<Result<Report, Finding>>> = batches
        .iter()
        .map(|batch| batch.lines.iter().map(|line| examine(line, now, rules.age_max)).collect())
        .collect();
    let mut flush = Flush::open(work, batches, &read).await?;
    let mut verdicts = Vec::with_capacity(batches.len());
    for (batch, reports) in batches.iter().zip(read) {
        let answers = batch.lines.iter().zip(reports).map(|(line, report)| match report {
            Ok(report) => flush.take(batch.operator_id, &line.connector, report),
            Err(found) => Verdict::Rejected(found),
        });
        verdicts.push(answers.collect::<Vec<_>>());
    }
    let Flush { changes, unsettled, .. } = flush;
    if !changes.days.is_empty() {
        store::states::save(work, changes).await?;
    }
    store::quality::record(work, rejected(batches, &verdicts)).await?;
    if !unsettled.is_empty() {
        let stations: Vec<Uuid> = unsettled.into_iter().collect();
        settle::execute(work, &stations, rules.window).await?;
    }
    let tallies = tallies(batches, &verdicts, Kind::Status, now, |line| line.source_time);
    store::quality_days::add(work, Kind::Status, &tallies).await?;
    Ok(verdicts)
}

/// What a line says by itself.
fn examine(line: &Line, now: OffsetDateTime, age_max: Duration) -> Result<Report, Finding> {
    text::identifier(&line.connector, CONNECTOR_CODE_MAX)
        .map_err(|refusal| Finding::new("connector_id", refusal))?;
    let status = Status::from_code(line.status_code).map_err(|refusal| Finding::new("status", refusal))?;
    let source_time = line.source_time.ok_or_else(|| Finding::new("source_time", Refusal::BadTime))?;
    status::timely(source_time, now, age_max).map_err(|refusal| Finding::new("source_time", refusal))?;
    Ok(Report { status, source_time })
}

/// What is held of the connectors of a flush, and what it will write.
struct Flush {
    connectors: HashMap<(Uuid, String), Locked>,
    instants: HashMap<(i64, OffsetDateTime), Status>,
    changes: Changes,
    unsettled: BTreeSet<Uuid>,
}

impl Flush {
    /// Locks the connectors, and reads the history at the instants of reports that are not newer.
    async fn open(
        work: &mut Work,
        batches: &[Batch<Line>],
        read: &[Vec<Result<Report, Finding>>],
    ) -> Result<Self, Failure> {
        let valid = || {
            batches.iter().zip(read).flat_map(|(batch, reports)| {
                let lines = batch.lines.iter().zip(reports);
                lines.filter_map(move |(line, report)| {
                    report.as_ref().ok().map(|report| (batch.operator_id, &line.connector, report))
                })
            })
        };
        let wanted: BTreeSet<(Uuid, &String)> = valid().map(|(operator, code, _)| (operator, code)).collect();
        let operators: Vec<Uuid> = wanted.iter().map(|(operator, _)| *operator).collect();
        let codes: Vec<String> = wanted.iter().map(|(_, code)| (*code).clone()).collect();
        let connectors = if codes.is_empty() {
            HashMap::new()
        } else {
            store::states::lock(work, &operators, &codes).await?
        };
        let mut keys = Vec::new();
        let mut times = Vec::new();
        for (operator, code, report) in valid() {
            let Some(held) = connectors.get(&(operator, code.clone())) else { continue };
            if held.latest.is_some_and(|latest| report.source_time < latest.seen_at) {
                keys.push(held.connector_key);
                times.push(report.source_time);
            }
        }
        let instants = if keys.is_empty() {
            HashMap::new()
        } else {
            store::states::at_instants(work, &keys, &times).await?
        };
        Ok(Self { connectors, instants, changes: Changes::default(), unsettled: BTreeSet::new() })
    }

    /// Judges one report and notes what it changes.
    fn take(&mut self, operator_id: Uuid, code: &str, report: Report) -> Verdict {
        let Some(held) = self.connectors.get_mut(&(operator_id, code.to_owned())) else {
            return Verdict::Rejected(Finding::new("connector_id", Refusal::UnknownConnector));
        };
        let instant = (held.connector_key, report.source_time);
        let effect = match status::judge(held.latest.as_ref(), self.instants.get(&instant).copied(), report) {
            Ok(effect) => effect,
            Err(refusal) => return Verdict::Rejected(Finding::new("status", refusal)),
        };
        match effect {
            Effect::Known => return Verdict::Duplicate,
            Effect::Late => {
                self.changes.history.push((held.connector_key, report.source_time, report.status, true));
                self.instants.insert(instant, report.status);
            }
            Effect::Change => {
                self.changes.history.push((held.connector_key, report.source_time, report.status, false));
                self.instants.insert(instant, report.status);
            }
            Effect::Heartbeat => {}
        }
        if effect != Effect::Late {
            let latest = Latest::after(held.latest.as_ref(), report);
            held.latest = Some(latest);
            self.changes.latest.insert(held.connector_key, latest);
        }
        self.changes.count(held.connector_key, day::of(report.source_time), report.source_time);
        if !held.connected {
            self.unsettled.insert(held.station_id);
        }
        if effect == Effect::Late { Verdict::Stale } else { Verdict::Accepted }
    }
}

fn rejected(batches: &[Batch<Line>], verdicts: &[Vec<Verdict>]) -> Vec<Item> {
    let mut items = Vec::new();
    for (batch, answers) in batches.iter().zip(verdicts) {
        for (line, verdict) in batch.lines.iter().zip(answers) {
            let Verdict::Rejected(found) = verdict else { continue };
            let source_time = line.source_time.and_then(|at| at.format(&Rfc3339).ok());
            items.push(Item {
                operator_id: batch.operator_id,
                kind: "status",
                connector_code: tame(&line.connector),
                order_no: String::new(),
                reason: found.refusal.reason(),
                field: found.field.clone(),
                content: serde_json::json!({
                    "connector_id": tame(&line.connector), "status": line.status_code, "source_time": source_time,
                }),
                batch_id: batch.batch_id.clone(),
            });
        }
    }
    items
}
