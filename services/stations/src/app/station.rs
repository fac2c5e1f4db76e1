//! Takes batches of stations: each by the one path of a registration, in the order sent; what they change is settled once for all.
use std::collections::{BTreeMap, BTreeSet};

use chassis::{Failure, Work};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Batch,
    register::{self, Registration, Taken, Untaken},
    settle,
};
use crate::{
    domain::{
        Finding, Refusal,
        bounds::Bounds,
        registry::STATION_CODE_MAX,
        status,
        tally::{Kind, Tally},
        text,
        verdict::Verdict,
    },
    labels,
    store::{
        self,
        quality::{Item, tame},
    },
};

/// Findings of one station that a quality item tells in words.
const TOLD_MAX: usize = 20;

/// One station as it came: what is wanted, or all that could not be read, with the station code as sent.
#[derive(Debug, Clone)]
pub struct Line {
    /// What is wanted registered, or what could not be read: at least one thing.
    pub wanted: Result<Registration, Vec<Finding>>,
    /// Station code as sent.
    pub code: String,
}

/// Limits that are settings.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The province's box.
    pub province: Bounds,
    /// See the connection rule.
    pub window: Duration,
}

/// Takes all batches in one unit of work; the answer has one verdict per line, in the order sent. What is taken is a version of the
/// registry, so the counts of the day know only what is rejected.
///
/// # Errors
/// `registered_meanwhile` when another process took one of the codes at the same time (begin again); the database is away or
/// busy. Nothing is taken then.
pub async fn execute(
    work: &mut Work,
    batches: &[Batch<Line>],
    rules: Rules,
) -> Result<Vec<Vec<Verdict>>, Failure> {
    lock(work, batches).await?;
    let mut changed = BTreeSet::new();
    let mut items = Vec::new();
    let mut verdicts = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut answers = Vec::with_capacity(batch.lines.len());
        for line in &batch.lines {
            let answer = match take(work, line, &rules.province).await {
                Ok(Taken::Changed(station_id)) => {
                    changed.insert(station_id);
                    Verdict::Accepted
                }
                Ok(Taken::Known(_)) => Verdict::Duplicate,
                Err(Untaken::Refused(findings)) => {
                    let verdict = verdict(&findings);
                    if let Verdict::Rejected(found) = &verdict {
                        items.push(item(batch, line, found, &findings));
                    }
                    verdict
                }
                Err(Untaken::Failed(failure)) => return Err(failure),
            };
            answers.push(answer);
        }
        verdicts.push(answers);
    }
    let changed: Vec<Uuid> = changed.into_iter().collect();
    settle::execute(work, &changed, rules.window).await?;
    let rejected = rejected(&items);
    store::quality::record(work, items).await?;
    store::quality_days::add(work, Kind::Station, &rejected).await?;
    Ok(verdicts)
}

/// Locks all that the batches name, before any of it is looked at.
async fn lock(work: &mut Work, batches: &[Batch<Line>]) -> Result<(), Failure> {
    let named =
        batches.iter().flat_map(|batch| batch.lines.iter().map(|line| (batch.operator_id, &line.code)));
    let named: BTreeSet<(Uuid, &String)> =
        named.filter(|(_, code)| text::identifier(code, STATION_CODE_MAX).is_ok()).collect();
    let (operators, codes): (Vec<Uuid>, Vec<String>) =
        named.into_iter().map(|(operator_id, code)| (operator_id, code.clone())).unzip();
    if codes.is_empty() { Ok(()) } else { store::stations::lock_codes(work, &operators, &codes).await }
}

async fn take(work: &mut Work, line: &Line, province: &Bounds) -> Result<Taken, Untaken> {
    let wanted = line.wanted.as_ref().map_err(|findings| Untaken::Refused(findings.clone()))?;
    begun(wanted, work.now())?;
    register::take(work, wanted, province).await
}

/// A time far ahead would keep out all that the system says before it has come.
fn begun(wanted: &Registration, now: OffsetDateTime) -> Result<(), Finding> {
    let Some(source_time) = wanted.source_time else { return Ok(()) };
    status::begun(source_time, now).map_err(|refusal| Finding::new("source_time", refusal))
}

/// What is only older is no fault of the station.
fn verdict(findings: &[Finding]) -> Verdict {
    match findings {
        [] => Verdict::Rejected(Finding::new("station", Refusal::Required)),
        [Finding { refusal: Refusal::StaleSource, .. }] => Verdict::Stale,
        [first, ..] => Verdict::Rejected(first.clone()),
    }
}

fn item(batch: &Batch<Line>, line: &Line, first: &Finding, findings: &[Finding]) -> Item {
    let words = findings.iter().take(TOLD_MAX).map(|found| labels::text(&found.refusal, &found.field));
    Item {
        operator_id: batch.operator_id,
        kind: Kind::Station.name(),
        connector_code: String::new(),
        order_no: String::new(),
        reason: first.refusal.reason(),
        field: first.field.clone(),
        content: json!({ "station_code": tame(&line.code), "text": words.collect::<Vec<_>>().join("；") }),
        batch_id: batch.batch_id.clone(),
    }
}

/// How many of each operator's stations were rejected.
fn rejected(items: &[Item]) -> BTreeMap<Uuid, Tally> {
    let mut tallies: BTreeMap<Uuid, Tally> = BTreeMap::new();
    for item in items {
        tallies.entry(item.operator_id).or_default().rejected += 1;
    }
    tallies
}
