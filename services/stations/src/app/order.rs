//! Takes batches of charge orders: judges each by its natural key and content, writes all of them set by set.
use std::collections::{BTreeSet, HashMap, HashSet};

use chassis::{Failure, Work};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::Batch;
use crate::{
    domain::{
        Finding, Refusal,
        order::{self, Effect, Held, Order},
        registry::CONNECTOR_CODE_MAX,
        text,
        verdict::Verdict,
    },
    store::{
        self, digest,
        orders::{Key, Row},
        quality::{Item, tame},
    },
};

/// One order as it came: the order, or the field that could not be read, with what was sent.
#[derive(Debug, Clone)]
pub struct Line {
    /// The order, or what could not be read.
    pub order: Result<Order, Finding>,
    /// Order number as sent.
    pub order_no: String,
    /// Connector code as sent.
    pub connector: String,
}

/// Takes all batches in one unit of work; the answer has one verdict per line, in the order sent.
///
/// # Errors
/// `registered_meanwhile` when another process took one of the numbers at the same time (begin again); the database is
/// away or busy. Nothing is taken then.
pub async fn execute(
    work: &mut Work,
    batches: &[Batch<Line>],
    age_max: Duration,
) -> Result<Vec<Vec<Verdict>>, Failure> {
    let now = work.now();
    let mut flush = Flush::open(work, batches).await?;
    let mut verdicts = Vec::with_capacity(batches.len());
    for batch in batches {
        let answers = batch.lines.iter().map(|line| flush.answer(batch.operator_id, line, now, age_max));
        verdicts.push(answers.collect::<Vec<_>>());
    }
    let corrections = flush.corrections();
    flush.write(work).await?;
    let mut items = rejected(batches, &verdicts);
    items.extend(corrections);
    store::quality::record(work, items).await?;
    Ok(verdicts)
}

/// What is held under the numbers of a flush, and what it will write.
struct Flush {
    connectors: HashMap<(Uuid, String), (i64, i64)>,
    held: HashMap<Key, Row>,
    superseded: HashSet<(Uuid, String, Vec<u8>)>,
    /// Numbers that were not held before this flush.
    fresh: HashSet<Key>,
    /// Numbers whose held row is replaced.
    corrected: HashSet<Key>,
    replaced: Vec<Row>,
}

impl Flush {
    async fn open(work: &mut Work, batches: &[Batch<Line>]) -> Result<Self, Failure> {
        let valid = || {
            batches.iter().flat_map(|batch| {
                batch
                    .lines
                    .iter()
                    .filter_map(|line| line.order.as_ref().ok().map(|order| (batch.operator_id, order)))
            })
        };
        let safe = |code: &str, max| text::identifier(code, max).is_ok();
        let guns: BTreeSet<(Uuid, &String)> = valid()
            .map(|(operator, order)| (operator, &order.connector_code))
            .filter(|(_, code)| safe(code, CONNECTOR_CODE_MAX))
            .collect();
        let numbers: BTreeSet<(Uuid, &String)> = valid()
            .map(|(operator, order)| (operator, &order.order_no))
            .filter(|(_, number)| safe(number, order::ORDER_NO_MAX))
            .collect();
        let split = |pairs: BTreeSet<(Uuid, &String)>| -> (Vec<Uuid>, Vec<String>) {
            pairs.into_iter().map(|(operator, code)| (operator, code.clone())).unzip()
        };
        let (operators, codes) = split(guns);
        let connectors = store::orders::connectors(work, &operators, &codes).await?;
        let (operators, numbers) = split(numbers);
        let held = store::orders::lock(work, &operators, &numbers).await?;
        let superseded = if held.is_empty() {
            HashSet::new()
        } else {
            store::orders::superseded(work, &operators, &numbers).await?
        };
        Ok(Self {
            connectors,
            held,
            superseded,
            fresh: HashSet::new(),
            corrected: HashSet::new(),
            replaced: Vec::new(),
        })
    }

    fn answer(&mut self, operator_id: Uuid, line: &Line, now: OffsetDateTime, age_max: Duration) -> Verdict {
        match line.order.clone().and_then(|order| self.take(operator_id, &order, now, age_max)) {
            Ok(Effect::New | Effect::Correction) => Verdict::Accepted,
            Ok(Effect::Known) => Verdict::Duplicate,
            Ok(Effect::Superseded) => Verdict::Stale,
            Err(found) => Verdict::Rejected(found),
        }
    }

    /// Judges one order and notes what it changes.
    fn take(
        &mut self,
        operator_id: Uuid,
        order: &Order,
        now: OffsetDateTime,
        age_max: Duration,
    ) -> Result<Effect, Finding> {
        let content_hash = digest(&order.canonical());
        let key = (operator_id, order.order_no.clone());
        // A repetition is known even when its connector has left the registry since.
        if self.held.get(&key).is_some_and(|held| held.content_hash == content_hash) {
            return Ok(Effect::Known);
        }
        if let Some(found) = order::examine(order, now, age_max) {
            return Err(found);
        }
        let (connector_key, power_watts) = *self
            .connectors
            .get(&(operator_id, order.connector_code.clone()))
            .ok_or_else(|| Finding::new("connector_id", Refusal::UnknownConnector))?;
        order::plausible(order, power_watts).map_err(|refusal| Finding::new("energy_wh", refusal))?;
        let held = self.held.get(&key).map(|row| Held {
            content_hash: &row.content_hash,
            source_time: row.source_time,
            superseded: self.superseded.contains(&(
                operator_id,
                order.order_no.clone(),
                content_hash.clone(),
            )),
        });
        let effect = order::judge(held, &content_hash, order.source_time)
            .map_err(|refusal| Finding::new("order_no", refusal))?;
        let row = Row::new(operator_id, connector_key, order, content_hash, now);
        match effect {
            Effect::New => {
                self.fresh.insert(key.clone());
                self.held.insert(key, row);
            }
            Effect::Correction => {
                if !self.fresh.contains(&key) {
                    self.corrected.insert(key.clone());
                }
                if let Some(before) = self.held.insert(key, row) {
                    self.superseded.insert((
                        operator_id,
                        before.order_no.clone(),
                        before.content_hash.clone(),
                    ));
                    self.replaced.push(before);
                }
            }
            Effect::Known | Effect::Superseded => {}
        }
        Ok(effect)
    }

    /// A correction is taken, and is on record as a quality item all the same. Source: interconnect section 18.
    fn corrections(&self) -> Vec<Item> {
        let item = |row: &Row| Item {
            operator_id: row.operator_id,
            kind: "order",
            connector_code: String::new(),
            order_no: row.order_no.clone(),
            reason: "order_corrected",
            field: String::new(),
            content: serde_json::json!({
                "order_no": row.order_no, "energy_wh": row.energy_wh, "total_fen": row.total_fen,
                "source_time": row.source_time.format(&Rfc3339).ok(),
            }),
            batch_id: String::new(),
        };
        self.replaced.iter().map(item).collect()
    }

    async fn write(mut self, work: &mut Work) -> Result<(), Failure> {
        let pick = |keys: &HashSet<Key>, held: &mut HashMap<Key, Row>| -> Vec<Row> {
            keys.iter().filter_map(|key| held.remove(key)).collect()
        };
        let fresh = pick(&self.fresh, &mut self.held);
        let corrected = pick(&self.corrected, &mut self.held);
        if !fresh.is_empty() {
            store::orders::insert(work, fresh).await?;
        }
        if !corrected.is_empty() {
            store::orders::correct(work, corrected).await?;
        }
        if !self.replaced.is_empty() {
            store::orders::keep_superseded(work, self.replaced).await?;
        }
        Ok(())
    }
}

fn rejected(batches: &[Batch<Line>], verdicts: &[Vec<Verdict>]) -> Vec<Item> {
    let mut items = Vec::new();
    for (batch, answers) in batches.iter().zip(verdicts) {
        for (line, verdict) in batch.lines.iter().zip(answers) {
            let Verdict::Rejected(found) = verdict else { continue };
            items.push(Item {
                operator_id: batch.operator_id,
                kind: "order",
                connector_code: tame(&line.connector),
                order_no: tame(&line.order_no),
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
    let Ok(order) = &line.order else {
        return serde_json::json!({ "order_no": tame(&line.order_no), "connector_id": tame(&line.connector) });
    };
    let text = |at: OffsetDateTime| at.format(&Rfc3339).ok();
    serde_json::json!({
        "order_no": tame(&order.order_no), "connector_id": tame(&order.connector_code),
        "start_time": text(order.start_at), "end_time": text(order.end_at), "energy_wh": order.energy_wh,
        "electricity_fen": order.electricity_fen, "service_fen": order.service_fen, "total_fen": order.total_fen,
        "stop_reason": order.stop_reason, "source_time": text(order.source_time),
    })
}
