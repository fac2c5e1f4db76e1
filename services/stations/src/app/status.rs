//! Takes batches of connector status: judges each report, writes all of them in one statement, settles the stations. What is
//! remembered already costs nothing.
use chassis::{Failure, Work, error::Kind};
use foldhash::{HashMap, HashMapExt as _};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Batch, settle, tallies};
use crate::{
    domain::{
        Finding, Refusal, day,
        registry::CONNECTOR_CODE_MAX,
        status::{self, Effect, Latest, Report, Status},
        tally::{self, Came},
        text,
        verdict::Verdict,
    },
    memory::{Memory, State},
    store::{
        self,
        quality::{Item, tame},
        states::{Changes, Held},
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
    /// The platform asked for it.
    pub pulled: bool,
}

/// Limits that are settings.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Oldest source time before now.
    pub age_max: Duration,
    /// See the connection rule.
    pub window: Duration,
}

/// What became of the batches of one unit of work.
#[derive(Debug)]
pub struct Taken {
    /// One per line, in the order sent.
    pub verdicts: Vec<Vec<Verdict>>,
    /// What is held of their connectors (operator, code) when the unit is committed.
    pub held: Vec<(Uuid, String, State)>,
}

/// Takes all batches in one unit of work.
///
/// # Errors
/// `state_left` when another process has written a state that was remembered here (begin again: it is read then); the database is
/// away or busy. Nothing is taken then.
pub async fn execute(
    work: &mut Work,
    batches: &[Batch<Line>],
    rules: Rules,
    memory: &Memory,
) -> Result<Taken, Failure> {
    let now = work.now();
    let read: Vec<Vec<Result<Report, Verdict>>> =
        batches.iter().map(|batch| examine_all(batch, memory, now)).collect();
    let mut flush = Flush::open(work, batches, &read, rules.age_max, memory).await?;
    let mut verdicts = Vec::with_capacity(batches.len());
    for (batch, reports) in batches.iter().zip(read) {
        let answers = batch.lines.iter().zip(reports).map(|(line, report)| match report {
            Ok(report) => flush.take(batch, line, report),
            Err(verdict) => verdict,
        });
        verdicts.push(answers.collect::<Vec<_>>());
    }
    let Flush { connectors, changes, overtaken, .. } = flush;
    let saved = store::states::save(work, changes).await;
    let left = |key: &i64| match &saved {
        Ok(saved) => saved.left.contains(key),
        // Nobody says which.
        Err(failure) => failure.kind() == Kind::Conflict,
    };
    if saved.as_ref().map_or(true, |saved| !saved.left.is_empty()) {
        let names = connectors.iter().filter(|(_, held)| left(&held.connector_key)).map(|(name, _)| *name);
        memory.forget_states(names);
        return Err(saved.err().unwrap_or_else(store::states::left));
    }
    let unsettled = saved?.unsettled;
    let mut items = rejected(batches, &verdicts);
    items.extend(overtaken);
    store::quality::record(work, items).await?;
    if !unsettled.is_empty() {
        settle::execute(work, &unsettled, rules.window).await?;
    }
    let came = |line: &Line| if line.pulled { Came::Pulled } else { Came::Sent(line.source_time) };
    let tallies = tallies(batches, &verdicts, tally::Kind::Status, now, came);
    store::quality_days::add(work, tally::Kind::Status, &tallies).await?;
    let held = connectors.into_iter().filter_map(|((operator_id, code), held)| {
        let Held { connector_key, station_id, latest, counted_on } = held;
        let state = State { connector_key, station_id, latest: latest?, counted_on };
        Some((operator_id, code.to_owned(), state))
    });
    Ok(Taken { verdicts, held: held.collect() })
}

/// The reports of a batch that may be news, and the verdicts on the other lines.
fn examine_all(batch: &Batch<Line>, memory: &Memory, now: OffsetDateTime) -> Vec<Result<Report, Verdict>> {
    let known = memory.known(batch);
    let lines = batch.lines.iter().zip(known);
    let read = |(line, known): (&Line, bool)| match known {
        true => Err(Verdict::Duplicate),
        false => examine(line, now).map_err(Verdict::Rejected),
    };
    lines.map(read).collect()
}

/// What a line says by itself. Whether it is too old depends on what is held: what a connector still is may be said again.
fn examine(line: &Line, now: OffsetDateTime) -> Result<Report, Finding> {
    text::identifier(&line.connector, CONNECTOR_CODE_MAX)
        .map_err(|refusal| Finding::new("connector_id", refusal))?;
    let status = Status::from_code(line.status_code).map_err(|refusal| Finding::new("status", refusal))?;
    let source_time = line.source_time.ok_or_else(|| Finding::new("source_time", Refusal::BadTime))?;
    status::begun(source_time, now).map_err(|refusal| Finding::new("source_time", refusal))?;
    Ok(Report { status, source_time })
}

/// The reports about one connector in a flush, as far as they tell whether what is remembered will do.
struct Said {
    first: OffsetDateTime,
    last: OffsetDateTime,
    /// Each was later than the one before.
    rising: bool,
}

/// What is held of the connectors of a flush, and what it will write.
struct Flush<'b> {
    now: OffsetDateTime,
    age_max: Duration,
    connectors: HashMap<(Uuid, &'b str), Held>,
    instants: HashMap<(i64, OffsetDateTime), Status>,
    changes: Changes,
    /// Reports that were taken over another one of the same second.
    overtaken: Vec<Item>,
}

/// Reports that may be news, with whose and about which connector.
fn valid<'b>(
    batches: &'b [Batch<Line>],
    read: &[Vec<Result<Report, Verdict>>],
) -> impl Iterator<Item = ((Uuid, &'b str), Report)> {
    batches.iter().zip(read).flat_map(|(batch, reports)| {
        let (operator_id, lines) = (batch.operator_id, batch.lines.iter().zip(reports));
        lines.filter_map(move |(line, report)| {
            Some(((operator_id, line.connector.as_str()), *report.as_ref().ok()?))
        })
    })
}

impl<'b> Flush<'b> {
    /// Knows the connectors: as they are remembered where each report is newer than that, for then the statement that writes it
    /// finds out whether it is still so; the others are locked, with the history at the instants of reports that are older.
    async fn open(
        work: &mut Work,
        batches: &'b [Batch<Line>],
        read: &[Vec<Result<Report, Verdict>>],
        age_max: Duration,
        memory: &Memory,
    ) -> Result<Self, Failure> {
        let mut said: HashMap<(Uuid, &str), Said> = HashMap::new();
        for (name, Report { source_time, .. }) in valid(batches, read) {
            said.entry(name)
                .and_modify(|said| {
                    said.rising &= source_time > said.last;
                    said.last = source_time;
                })
                .or_insert(Said { first: source_time, last: source_time, rising: true });
        }
        let named: Vec<_> = said.keys().copied().collect();
        let mut connectors = HashMap::with_capacity(named.len());
        let mut changes = Changes::default();
        let mut unknown = Vec::new();
        for ((name, said), state) in said.into_iter().zip(memory.states(&named)) {
            match state.filter(|state| said.rising && said.first > state.latest.seen_at) {
                Some(State { connector_key, station_id, latest, counted_on }) => {
                    changes.rests_on.insert(connector_key, latest.seen_at);
                    let latest = Some(latest);
                    connectors.insert(name, Held { connector_key, station_id, latest, counted_on });
                }
                None => unknown.push(name),
            }
        }
        let mut flush = Self {
            now: work.now(),
            age_max,
            connectors,
            instants: HashMap::new(),
            changes,
            overtaken: Vec::new(),
        };
        if !unknown.is_empty() {
            flush.lock(work, unknown).await?;
            flush.look(work, valid(batches, read)).await?;
        }
        Ok(flush)
    }

    async fn lock(&mut self, work: &mut Work, unknown: Vec<(Uuid, &'b str)>) -> Result<(), Failure> {
        let (operators, codes): (Vec<Uuid>, Vec<String>) =
            unknown.iter().map(|(operator, code)| (*operator, (*code).to_owned())).unzip();
        let locked = store::states::lock(work, &operators, &codes).await?;
        let mut locked: HashMap<_, _> =
            locked.into_iter().map(|(operator, code, held)| ((operator, code), held)).collect();
        let found = unknown.into_iter().zip(operators.into_iter().zip(codes));
        self.connectors.extend(found.filter_map(|(name, key)| Some((name, locked.remove(&key)?))));
        Ok(())
    }

    /// Reads what the history holds for reports that are not newer than the state of their connector.
    async fn look(
        &mut self,
        work: &mut Work,
        valid: impl Iterator<Item = ((Uuid, &'b str), Report)>,
    ) -> Result<(), Failure> {
        let mut keys = Vec::new();
        let mut times = Vec::new();
        for (name, report) in valid {
            let Some(held) = self.connectors.get(&name) else { continue };
            if held.latest.is_some_and(|latest| report.source_time < latest.seen_at) {
                for instant in report.instants() {
                    keys.push(held.connector_key);
                    times.push(instant);
                }
            }
        }
        if !keys.is_empty() {
            self.instants = store::states::at_instants(work, &keys, &times).await?;
        }
        Ok(())
    }

    /// Judges one report and notes what it changes.
    fn take(&mut self, batch: &Batch<Line>, line: &'b Line, mut report: Report) -> Verdict {
        let Some(held) = self.connectors.get_mut(&(batch.operator_id, line.connector.as_str())) else {
            return Verdict::Rejected(Finding::new("connector_id", Refusal::UnknownConnector));
        };
        let key = held.connector_key;
        let newer = held.latest.is_none_or(|latest| report.source_time > latest.seen_at);
        let held_then = if newer { Vec::new() } else { held_then(&self.instants, key, report) };
        let effect = match status::judge(held.latest.as_ref(), &held_then, report) {
            Ok(effect) => effect,
            Err(refusal) => return Verdict::Rejected(Finding::new("status", refusal)),
        };
        if effect != Effect::Known
            && let Err(refusal) = status::recent(report.source_time, self.now, self.age_max)
        {
            return Verdict::Rejected(Finding::new("source_time", refusal));
        }
        match effect {
            Effect::Known => {
                // What we asked for may be what a system keeps of a connector that it has lost; what it sends, it stands for.
                if !line.pulled
                    && let Some(latest) = held.latest.as_mut()
                    && latest.hears(report, self.now)
                {
                    latest.heard_at = Some(self.now);
                    self.changes.heard.push(key);
                    self.changes.stations.insert(held.station_id);
                }
                return Verdict::Duplicate;
            }
            // An answer of ours may have been under way while the change was sent.
            Effect::Overtake if line.pulled => {
                return Verdict::Rejected(Finding::new("status", Refusal::Contradiction));
            }
            Effect::Overtake => {
                if let Some(latest) = held.latest {
                    // What is overtaken stays known, also where it had only been seen again then; no change of its own.
                    self.changes.history.push((key, latest.seen_at, latest.status, true));
                    self.instants.insert((key, latest.seen_at), latest.status);
                    report.source_time = latest.seen_at + Duration::MICROSECOND;
                }
                self.overtaken.push(item(batch, line, "same_second", "source_time"));
            }
            Effect::Late | Effect::Change | Effect::Heartbeat => {}
        }
        let late = effect == Effect::Late;
        if effect != Effect::Heartbeat {
            self.changes.history.push((key, report.source_time, report.status, late));
            self.instants.insert((key, report.source_time), report.status);
        }
        if !late {
            let latest = Latest::after(held.latest.as_ref(), report);
            held.latest = Some(latest);
            self.changes.latest.insert(key, latest);
            let counted_on = held.counted_on.replace(day::of(latest.seen_at));
            if counted_on.is_some() && counted_on != held.counted_on {
                self.changes.turned.insert(key);
            }
        }
        self.changes.count(key, report.source_time);
        self.changes.stations.insert(held.station_id);
        if late { Verdict::Stale } else { Verdict::Accepted }
    }
}

/// What is held of a connector for the time of a report.
fn held_then(instants: &HashMap<(i64, OffsetDateTime), Status>, key: i64, report: Report) -> Vec<Status> {
    report.instants().filter_map(|at| instants.get(&(key, at)).copied()).collect()
}

fn rejected(batches: &[Batch<Line>], verdicts: &[Vec<Verdict>]) -> Vec<Item> {
    let mut items = Vec::new();
    for (batch, answers) in batches.iter().zip(verdicts) {
        for (line, verdict) in batch.lines.iter().zip(answers) {
            let Verdict::Rejected(found) = verdict else { continue };
            items.push(item(batch, line, found.refusal.reason(), &found.field));
        }
    }
    items
}

fn item(batch: &Batch<Line>, line: &Line, reason: &'static str, field: &str) -> Item {
    let source_time = line.source_time.and_then(|at| at.format(&Rfc3339).ok());
    Item {
        operator_id: batch.operator_id,
        kind: "status",
        connector_code: tame(&line.connector),
        order_no: String::new(),
        reason,
        field: field.to_owned(),
        content: serde_json::json!({
            "connector_id": tame(&line.connector), "status": line.status_code, "source_time": source_time,
        }),
        batch_id: batch.batch_id.clone(),
    }
}
