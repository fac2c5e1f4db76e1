//! Takes batches of telemetry: judges each sample, writes all that are new in one statement.
use std::collections::{BTreeMap, BTreeSet};

use chassis::{Failure, Work};
use time::{Duration, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Batch, tallies};
use crate::{
    directory::Directory,
    domain::{
        Finding, Refusal,
        tally::{Came, Kind},
        telemetry::{Sample, examine},
        verdict::Verdict,
    },
    memory::Memory,
    store::{
        self,
        quality::{Item, tame},
        telemetry::Key,
    },
};

/// One sample as it came: the sample, or the field that could not be read, with the connector code as sent.
#[derive(Debug, Clone)]
pub struct Line {
    /// The sample, or what could not be read.
    pub sample: Result<Sample, Finding>,
    /// Connector code as sent.
    pub connector: String,
}

/// Takes all batches in one unit of work; the answer has one verdict per line, in the order sent.
///
/// # Errors
/// The database is away or busy; nothing is taken then.
pub async fn execute(
    work: &mut Work,
    batches: &[Batch<Line>],
    age_max: Duration,
    memory: &Memory,
) -> Result<Vec<Vec<Verdict>>, Failure> {
    let now = work.now();
    let named = batches
        .iter()
        .flat_map(|batch| batch.lines.iter().map(|line| (batch.operator_id, line.connector.as_str())));
    let connectors = Directory::open(work, named.collect(), memory).await?;
    let judge = |operator_id: Uuid, line: &Line| -> Result<Key, Finding> {
        let sample = line.sample.as_ref().map_err(Clone::clone)?;
        if let Some(found) = examine(sample, now, age_max) {
            return Err(found);
        }
        let known = connectors.get(operator_id, &sample.connector_code);
        let connector = known.ok_or_else(|| Finding::new("connector_id", Refusal::UnknownConnector))?;
        Ok((connector.key, sample.sampled_at))
    };
    let keys: Vec<Vec<Result<Key, Finding>>> = batches
        .iter()
        .map(|batch| batch.lines.iter().map(|line| judge(batch.operator_id, line)).collect())
        .collect();
    // The last of a key wins, as it would one after the other.
    let mut samples: BTreeMap<Key, &Sample> = BTreeMap::new();
    let mut repeated: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (at, (batch, keys)) in batches.iter().zip(&keys).enumerate() {
        for (place, (line, key)) in batch.lines.iter().zip(keys).enumerate() {
            let (Ok(sample), Ok(key)) = (&line.sample, key) else { continue };
            if samples.insert(*key, sample) == Some(sample) {
                repeated.insert((at, place));
            }
        }
    }
    let samples: Vec<(Key, &Sample)> = samples.into_iter().collect();
    let taken =
        if samples.is_empty() { Default::default() } else { store::telemetry::save(work, &samples).await? };
    let verdict = |place: (usize, usize), key: Result<Key, Finding>| match key {
        Ok(key) if taken.contains(&key) && !repeated.contains(&place) => Verdict::Accepted,
        Ok(_) => Verdict::Duplicate,
        Err(found) => Verdict::Rejected(found),
    };
    let verdicts: Vec<Vec<Verdict>> = keys
        .into_iter()
        .enumerate()
        .map(|(at, keys)| {
            keys.into_iter().enumerate().map(|(place, key)| verdict((at, place), key)).collect()
        })
        .collect();
    store::quality::record(work, rejected(batches, &verdicts)).await?;
    let sampled = |line: &Line| Came::Sent(line.sample.as_ref().ok().map(|sample| sample.sampled_at));
    let tallies = tallies(batches, &verdicts, Kind::Telemetry, now, sampled);
    store::quality_days::add(work, Kind::Telemetry, &tallies).await?;
    Ok(verdicts)
}

fn rejected(batches: &[Batch<Line>], verdicts: &[Vec<Verdict>]) -> Vec<Item> {
    let mut items = Vec::new();
    for (batch, answers) in batches.iter().zip(verdicts) {
        for (line, verdict) in batch.lines.iter().zip(answers) {
            let Verdict::Rejected(found) = verdict else { continue };
            items.push(Item {
                operator_id: batch.operator_id,
                kind: "telemetry",
                connector_code: tame(&line.connector),
                order_no: line.sample.as_ref().map(|sample| tame(&sample.order_no)).unwrap_or_default(),
                reason: found.refusal.reason(),
                field: found.field.clone(),
                content: content(line),
                batch_id: batch.batch_id.clone(),
            });
        }
    }
    items
}

fn content(line: &Line) -> serde_json::Value {
    let Ok(sample) = &line.sample else {
        return serde_json::json!({ "connector_id": tame(&line.connector) });
    };
    serde_json::json!({
        "connector_id": tame(&sample.connector_code), "sample_time": sample.sampled_at.format(&Rfc3339).ok(),
        "order_no": tame(&sample.order_no), "energy_wh": sample.energy_wh, "power_watts": sample.power_watts,
        "voltage_decivolts": sample.voltage_decivolts, "current_deciamperes": sample.current_deciamperes,
        "soc_percent": sample.soc_percent,
    })
}
