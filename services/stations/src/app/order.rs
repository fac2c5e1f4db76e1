//! Takes batches of charge orders: judges each by its natural key and content, writes all of them set by set.
use std::collections::BTreeSet;

use chassis::{Failure, Work};
use foldhash::{HashMap, HashMapExt as _, HashSet};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Batch, tallies};
use crate::{
    directory::Directory,
    domain::{
        Finding, Refusal,
        order::{self, Effect, Order},
        rollup::Changes,
        tally::{Came, Kind},
        text,
        verdict::Verdict,
    },
    memory::Memory,
    store::{
        self, Digest, digest,
        orders::Row,
        quality::{Item, tame},
    },
};

/// One order as it came.
#[derive(Debug, Clone)]
pub enum Line {
    /// The order.
    Read(Order),
    /// The first field that could not be read, with what was sent.
    Unread {
        /// The field.
        found: Finding,
        /// Order number as sent.
        order_no: String,
        /// Connector code as sent.
        connector: String,
    },
}

impl Line {
    fn read(&self) -> Option<&Order> {
        match self {
            Self::Read(order) => Some(order),
            Self::Unread { .. } => None,
        }
    }

    fn order_no(&self) -> &str {
        match self {
            Self::Read(order) => &order.order_no,
            Self::Unread { order_no, .. } => order_no,
        }
    }

    fn connector(&self) -> &str {
        match self {
            Self::Read(order) => &order.connector_code,
            Self::Unread { connector, .. } => connector,
        }
    }
}

/// Operator and number of an order.
type Name<'b> = (Uuid, &'b str);

/// A readable order of a flush, and the hash of its content.
type Hashed<'b> = (Uuid, &'b Order, Digest);

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
    let hashed = hashed(batches);
    let mut flush = Flush::open(work, &hashed, now, age_max, memory).await?;
    // Almost always every order is new: then one statement is all. What was held lately, a number that is taken, or an order that may be
    // refused only because it is held, asks for what is held.
    let repeated =
        memory.held_lately(hashed.iter().map(|(operator, order, _)| (*operator, &*order.order_no)));
    let mut judged = if repeated { Vec::new() } else { flush.judge(&hashed) };
    let refused = judged.iter().any(Result::is_err);
    let added = !repeated && !refused && store::orders::add(work, flush.fresh()).await?;
    if !added {
        flush.look(work, &hashed).await?;
        judged = flush.judge(&hashed);
    }
    if judged.iter().any(Result::is_err) {
        // What is remembered may be older than the registry: nothing is refused by it.
        flush.connectors = Directory::open(work, named(&hashed), &Memory::default()).await?;
        flush.look(work, &hashed).await?;
        judged = flush.judge(&hashed);
    }
    let verdicts = verdicts(batches, judged);
    let corrections = flush.corrections();
    let sums = std::mem::take(&mut flush.sums);
    flush.write(work, added).await?;
    let ended = |line: &Line| Came::Sent(line.read().map(|order| order.end_at));
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

/// Operator and number of each order that is held after a commit.
pub fn held<'b>(
    batches: &'b [Batch<Line>],
    verdicts: &[Vec<Verdict>],
) -> impl Iterator<Item = (Uuid, &'b str)> {
    batches.iter().zip(verdicts).flat_map(|(batch, verdicts)| {
        let (operator_id, lines) = (batch.operator_id, batch.lines.iter().zip(verdicts));
        lines
            .filter(|(_, verdict)| matches!(verdict, Verdict::Accepted | Verdict::Duplicate))
            .map(move |(line, _)| (operator_id, line.order_no()))
    })
}

/// The readable orders, in the order sent.
fn hashed(batches: &[Batch<Line>]) -> Vec<Hashed<'_>> {
    let orders = batches.iter().flat_map(|batch| {
        let orders = batch.lines.iter().filter_map(Line::read);
        orders.map(|order| (batch.operator_id, order, digest(&order.canonical())))
    });
    orders.collect()
}

/// One verdict per line: that of the line where it could not be read, else that of its order.
fn verdicts(batches: &[Batch<Line>], judged: Vec<Result<Effect, Finding>>) -> Vec<Vec<Verdict>> {
    let mut judged = judged.into_iter();
    let mut verdict = |line: &Line| match line {
        Line::Unread { found, .. } => Verdict::Rejected(found.clone()),
        Line::Read(_) => match judged.next() {
            Some(Ok(Effect::New | Effect::Correction)) => Verdict::Accepted,
            Some(Ok(Effect::Superseded)) => Verdict::Stale,
            Some(Err(found)) => Verdict::Rejected(found),
            Some(Ok(Effect::Known)) | None => Verdict::Duplicate,
        },
    };
    batches.iter().map(|batch| batch.lines.iter().map(&mut verdict).collect()).collect()
}

/// What is held under the numbers of a flush, and what it will write.
struct Flush<'b> {
    now: OffsetDateTime,
    age_max: Duration,
    connectors: Directory<'b>,
    /// Contents by number that everything said here repeats.
    known: HashMap<Name<'b>, Digest>,
    /// Orders as they stand: what was held before, then new ones in the order sent.
    orders: Vec<Held>,
    /// Where among them each number is.
    places: HashMap<Name<'b>, usize>,
    superseded: HashSet<(Uuid, String, Digest)>,
    replaced: Vec<Row>,
    /// What the sums by day become.
    sums: Changes,
}

/// An order as it stands.
struct Held {
    row: Row,
    standing: Standing,
}

/// What the table has under its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Just this.
    Kept,
    /// Nothing before this flush.
    Fresh,
    /// What this corrects.
    Corrected,
}

impl<'b> Flush<'b> {
    /// Knows the connectors, and nothing yet of what is held.
    async fn open(
        work: &mut Work,
        hashed: &[Hashed<'b>],
        now: OffsetDateTime,
        age_max: Duration,
        memory: &Memory,
    ) -> Result<Self, Failure> {
        let connectors = Directory::open(work, named(hashed), memory).await?;
        Ok(Self {
            now,
            age_max,
            connectors,
            known: HashMap::new(),
            orders: Vec::with_capacity(hashed.len()),
            places: HashMap::with_capacity(hashed.len()),
            superseded: HashSet::default(),
            replaced: Vec::new(),
            sums: Changes::default(),
        })
    }

    /// Begins again, with what is held under the numbers. What says something else than these orders is locked.
    async fn look(&mut self, work: &mut Work, hashed: &[Hashed<'b>]) -> Result<(), Failure> {
        let contents = store::orders::contents(work, &columns(readable(hashed))).await?;
        let content = |name: Name<'b>| contents.get(&(name.0, name.1.to_owned()));
        self.known.clear();
        let mut other = BTreeSet::new();
        for (operator_id, order, hash) in hashed {
            let name = (*operator_id, order.order_no.as_str());
            let Some(held) = content(name) else { continue };
            if held == hash {
                self.known.insert(name, *held);
            } else {
                other.insert(name);
            }
        }
        self.known.retain(|name, _| !other.contains(name));
        self.orders.clear();
        self.places.clear();
        self.superseded.clear();
        if !other.is_empty() {
            let columns = columns(other.iter().copied());
            let mut locked = store::orders::lock(work, &columns).await?;
            self.superseded = store::orders::superseded(work, &columns).await?;
            for name in other {
                let Some(row) = locked.remove(&(name.0, name.1.to_owned())) else { continue };
                self.places.insert(name, self.orders.len());
                self.orders.push(Held { row, standing: Standing::Kept });
            }
        }
        self.replaced.clear();
        self.sums.clear();
        Ok(())
    }

    fn judge(&mut self, hashed: &[Hashed<'b>]) -> Vec<Result<Effect, Finding>> {
        hashed.iter().map(|(operator_id, order, hash)| self.take(*operator_id, order, *hash)).collect()
    }

    /// The new orders as they will stand.
    fn fresh(&self) -> Vec<&Row> {
        self.standing(Standing::Fresh).collect()
    }

    fn standing(&self, standing: Standing) -> impl Iterator<Item = &Row> {
        self.orders.iter().filter(move |held| held.standing == standing).map(|held| &held.row)
    }

    /// Judges one order and notes what it changes.
    fn take(&mut self, operator_id: Uuid, order: &'b Order, hash: Digest) -> Result<Effect, Finding> {
        let name = (operator_id, order.order_no.as_str());
        // A repetition is known even when its connector has left the registry since.
        let place = self.places.get(&name).copied();
        let held = place.map(|place| &self.orders[place].row);
        if held.map(|row| &row.content_hash).or_else(|| self.known.get(&name)) == Some(&hash) {
            return Ok(Effect::Known);
        }
        if let Some(found) = order::examine(order, self.now, self.age_max) {
            return Err(found);
        }
        let connector = self
            .connectors
            .get(operator_id, &order.connector_code)
            .ok_or_else(|| Finding::new("connector_id", Refusal::UnknownConnector))?;
        order::plausible(order, connector.power_watts)
            .map_err(|refusal| Finding::new("energy_wh", refusal))?;
        let stands = held.map(|row| order::Held {
            content_hash: &row.content_hash,
            source_time: row.source_time,
            superseded: self.superseded.contains(&(operator_id, order.order_no.clone(), hash)),
        });
        let effect = order::judge(stands, &hash, order.source_time)
            .map_err(|refusal| Finding::new("order_no", refusal))?;
        if matches!(effect, Effect::New | Effect::Correction) {
            let row = Row::new(operator_id, connector, order, hash, self.now);
            self.sums.add(&row.charge());
            match place {
                None => {
                    self.places.insert(name, self.orders.len());
                    self.orders.push(Held { row, standing: Standing::Fresh });
                }
                Some(place) => self.replace(place, row),
            }
        }
        Ok(effect)
    }

    /// Puts a correction in the place of what was held.
    fn replace(&mut self, place: usize, row: Row) {
        let held = &mut self.orders[place];
        if held.standing == Standing::Kept {
            held.standing = Standing::Corrected;
        }
        let before = std::mem::replace(&mut held.row, row);
        self.sums.take(&before.charge());
        self.superseded.insert((before.operator_id, before.order_no.clone(), before.content_hash));
        self.replaced.push(before);
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

    /// Writes what is not `added` yet.
    async fn write(self, work: &mut Work, added: bool) -> Result<(), Failure> {
        let fresh = self.fresh();
        if !added && !fresh.is_empty() && !store::orders::add(work, fresh).await? {
            return Err(store::orders::taken());
        }
        let corrected: Vec<&Row> = self.standing(Standing::Corrected).collect();
        if !corrected.is_empty() {
            store::orders::correct(work, corrected).await?;
        }
        if !self.replaced.is_empty() {
            store::orders::keep_superseded(work, self.replaced.iter().collect()).await?;
        }
        Ok(())
    }
}

/// The connectors of a flush, as often as they are named.
fn named<'b>(hashed: &[Hashed<'b>]) -> Vec<(Uuid, &'b str)> {
    hashed.iter().map(|(operator_id, order, _)| (*operator_id, order.connector_code.as_str())).collect()
}

/// The numbers of a flush, each once, as far as a table can hold them.
fn readable<'b>(hashed: &[Hashed<'b>]) -> BTreeSet<Name<'b>> {
    let names = hashed.iter().map(|(operator_id, order, _)| (*operator_id, order.order_no.as_str()));
    names.filter(|(_, number)| text::identifier(number, order::ORDER_NO_MAX).is_ok()).collect()
}

fn columns<'b>(names: impl IntoIterator<Item = Name<'b>>) -> (Vec<Uuid>, Vec<String>) {
    names.into_iter().map(|(operator_id, number)| (operator_id, number.to_owned())).unzip()
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
                connector_code: tame(line.connector()),
                order_no: tame(line.order_no()),
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
    let Some(order) = line.read() else {
        return serde_json::json!({ "order_no": tame(line.order_no()), "connector_id": tame(line.connector()) });
    };
    let text = |at: OffsetDateTime| at.format(&Rfc3339).ok();
    serde_json::json!({
        "order_no": tame(&order.order_no), "connector_id": tame(&order.connector_code),
        "start_time": text(order.start_at), "end_time": text(order.end_at), "energy_wh": order.energy_wh,
        "electricity_fen": order.electricity_fen, "service_fen": order.service_fen, "total_fen": order.total_fen,
        "stop_reason": order.stop_reason, "source_time": text(order.source_time),
    })
}
