//! Takes batches of charge orders: judges each by its natural key and content, writes all of them set by set.
use std::collections::{BTreeSet, HashMap, HashSet};

use chassis::{Failure, Work};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Batch, tallies};
use crate::{
    directory::Directory,
    domain::{
        Finding, Refusal,
        order::{self, Effect, Held, Order},
        rollup::Changes,
        tally::{Came, Kind},
        text,
        verdict::Verdict,
    },
    memory::Memory,
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
    memory: &Memory,
) -> Result<Vec<Vec<Verdict>>, Failure> {
    let now = work.now();
    let mut flush = Flush::open(work, batches, memory).await?;
    let mut verdicts = flush.answers(batches, now, age_max);
    // Almost always every order is new: then one COPY is all. A key that is taken, or an order that may be refused only
    // because it is held, asks for what is held.
    let refused = verdicts.iter().flatten().any(|verdict| matches!(verdict, Verdict::Rejected(_)));
    let written = !refused && store::orders::copy(work, flush.fresh()).await?;
    if written {
        flush.settle_fresh();
    } else {
        flush.look(work, batches).await?;
        verdicts = flush.answers(batches, now, age_max);
    }
    let corrections = flush.corrections();
    let sums = std::mem::take(&mut flush.sums);
    flush.write(work).await?;
    let ended = |line: &Line| Came::Sent(line.order.as_ref().ok().map(|order| order.end_at));
    let mut tallies = tallies(batches, &verdicts, Kind::Order, now, ended);
    for item in &corrections {
        tallies.entry(item.operator_id).or_default().corrected += 1;
    }
    let mut items = not_taken(batches, &verdicts);
    items.extend(corrections);
    store::quality::record(work, items).await?;
    store::quality_days::add(work, Kind::Order, &tallies).await?;
    store::charge_days::add(work, sums).await?;
    Ok(verdicts)
}

/// What is held under the numbers of a flush, and what it will write.
struct Flush<'b> {
    connectors: Directory<'b>,
    held: HashMap<Key, Row>,
    superseded: HashSet<(Uuid, String, Vec<u8>)>,
    /// Numbers that were not held before this flush.
    fresh: HashSet<Key>,
    /// Numbers whose held row is replaced.
    corrected: HashSet<Key>,
    replaced: Vec<Row>,
    /// What the sums by day become.
    sums: Changes,
}

impl<'b> Flush<'b> {
    /// Knows the connectors, and nothing yet of what is held.
    async fn open(work: &mut Work, batches: &'b [Batch<Line>], memory: &Memory) -> Result<Self, Failure> {
        let named = batches.iter().flat_map(|batch| {
            let orders = batch.lines.iter().filter_map(|line| line.order.as_ref().ok());
            orders.map(|order| (batch.operator_id, order.connector_code.as_str()))
        });
        let connectors = Directory::open(work, named, memory).await?;
        Ok(Self {
            connectors,
            held: HashMap::new(),
            superseded: HashSet::new(),
            fresh: HashSet::new(),
            corrected: HashSet::new(),
            replaced: Vec::new(),
            sums: Changes::default(),
        })
    }

    /// Begins again, with what is held under the numbers; it stays locked.
    async fn look(&mut self, work: &mut Work, batches: &[Batch<Line>]) -> Result<(), Failure> {
        let (operators, numbers) = numbers(batches);
        self.held = store::orders::lock(work, &operators, &numbers).await?;
        self.superseded = if self.held.is_empty() {
            HashSet::new()
        } else {
            store::orders::superseded(work, &operators, &numbers).await?
        };
        self.fresh.clear();
        self.corrected.clear();
        self.replaced.clear();
        self.sums.clear();
        Ok(())
    }

    fn answers(
        &mut self,
        batches: &[Batch<Line>],
        now: OffsetDateTime,
        age_max: Duration,
    ) -> Vec<Vec<Verdict>> {
        batches
            .iter()
            .map(|batch| {
                batch.lines.iter().map(|line| self.answer(batch.operator_id, line, now, age_max)).collect()
            })
            .collect()
    }

    /// The new orders as they will stand.
    fn fresh(&self) -> Vec<&Row> {
        self.fresh.iter().filter_map(|key| self.held.get(key)).collect()
    }

    /// The new ones are written.
    fn settle_fresh(&mut self) {
        self.fresh.clear();
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
        let connector = self
            .connectors
            .get(operator_id, &order.connector_code)
            .ok_or_else(|| Finding::new("connector_id", Refusal::UnknownConnector))?;
        order::plausible(order, connector.power_watts)
            .map_err(|refusal| Finding::new("energy_wh", refusal))?;
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
        let row = Row::new(operator_id, connector, order, content_hash, now);
        match effect {
            Effect::New => {
                self.sums.add(&row.charge());
                self.fresh.insert(key.clone());
                self.held.insert(key, row);
            }
            Effect::Correction => {
                if !self.fresh.contains(&key) {
                    self.corrected.insert(key.clone());
                }
                self.sums.add(&row.charge());
                if let Some(before) = self.held.insert(key, row) {
                    self.sums.take(&before.charge());
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
        if !self.fresh.is_empty() && !store::orders::copy(work, self.fresh()).await? {
            return Err(store::orders::taken());
        }
        let corrected: Vec<Row> = self.corrected.iter().filter_map(|key| self.held.remove(key)).collect();
        if !corrected.is_empty() {
            store::orders::correct(work, corrected).await?;
        }
        if !self.replaced.is_empty() {
            store::orders::keep_superseded(work, self.replaced).await?;
        }
        Ok(())
    }
}

/// Operator and number of each readable order, each pair once, as far as a table can hold it.
fn numbers(batches: &[Batch<Line>]) -> (Vec<Uuid>, Vec<String>) {
    let pairs: BTreeSet<(Uuid, &String)> = batches
        .iter()
        .flat_map(|batch| batch.lines.iter().map(|line| (batch.operator_id, line)))
        .filter_map(|(operator_id, line)| {
            line.order.as_ref().ok().map(|order| (operator_id, &order.order_no))
        })
        .filter(|(_, number)| text::identifier(number, order::ORDER_NO_MAX).is_ok())
        .collect();
    pairs.into_iter().map(|(operator_id, number)| (operator_id, number.clone())).unzip()
}

/// What was rejected, and what was superseded before and came again. Source: interconnect section 8.
fn not_taken(batches: &[Batch<Line>], verdicts: &[Vec<Verdict>]) -> Vec<Item> {
    let mut items = Vec::new();
    for (batch, answers) in batches.iter().zip(verdicts) {
        for (line, verdict) in batch.lines.iter().zip(answers) {
            let (reason, field) = match verdict {
                Verdict::Rejected(found) => (found.refusal.reason(), found.field.as_str()),
                Verdict::Stale => ("order_superseded", "order_no"),
                Verdict::Accepted | Verdict::Duplicate => continue,
            };
            items.push(Item {
                operator_id: batch.operator_id,
                kind: "order",
                connector_code: tame(&line.connector),
                order_no: tame(&line.order_no),
                reason,
                field: field.to_owned(),
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
