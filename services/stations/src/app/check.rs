//! Compares what an operator's system says of a day with the orders that are held; what disagrees is kept as a quality item.
//!
//! Changes no order: who is right is for the operator to say, by a correction. Source: interconnect protocol, sections 13 and 18.
use std::collections::{BTreeMap, BTreeSet};

use chassis::{Failure, Work};
use serde_json::{Value, json};
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    domain::{
        check::{self, By, Disputed, Statement, Sums},
        order::ORDER_NO_MAX,
        tally::{Kind, Tally},
        text,
    },
    labels,
    store::{
        self,
        checks::Check,
        quality::{Item, tame},
    },
};

/// Orders that are kept as not listed, of one list.
const UNLISTED_MAX: usize = 30_000;

/// What came of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Stations or orders that agree.
    pub agreeing: usize,
    /// Those that do not.
    pub disagreeing: usize,
    /// The first of these in words.
    pub example: String,
}

impl Outcome {
    fn tally(&self) -> Tally {
        let count = |items: usize| i64::try_from(items).unwrap_or(i64::MAX);
        Tally { accepted: count(self.agreeing), rejected: count(self.disagreeing), ..Tally::default() }
    }
}

/// Compares the statistics of a day, station by station.
///
/// # Errors
/// The database is away or busy.
pub async fn statistics(
    work: &mut Work,
    operator_id: Uuid,
    day: Date,
    statements: &[Statement],
) -> Result<Outcome, Failure> {
    let codes: Vec<String> = statements.iter().map(|one| one.station_code.clone()).collect();
    let held = store::checks::sums(work, operator_id, check::begin(day), &codes).await?;
    let nothing = BTreeMap::new();
    let mut items = Vec::new();
    for statement in statements {
        let connectors = held.get(&statement.station_code).unwrap_or(&nothing);
        let mut sums = Sums::default();
        connectors.values().for_each(|one| sums.add(*one));
        if sums.agree(statement.energy_wh) {
            continue;
        }
        let furthest = statement.furthest(connectors);
        items.push(Item {
            operator_id,
            kind: Kind::Statistics.name(),
            connector_code: furthest.map(|(code, ..)| tame(code)).unwrap_or_default(),
            order_no: String::new(),
            reason: "statistics_differ",
            field: "energy_wh".to_owned(),
            content: compared(day, statement, sums, furthest),
            batch_id: format!("statistics-{day}"),
        });
    }
    let outcome = came(statements.len() - items.len(), items.len(), &items);
    store::quality::record(work, items).await?;
    count(work, operator_id, Kind::Statistics, &outcome).await?;
    Ok(outcome)
}

/// Both ways of counting are kept, since the standard leaves open which of them makes the day.
fn compared(day: Date, statement: &Statement, held: Sums, furthest: Option<(&str, i64, Sums)>) -> Value {
    let sums = |told: i64, held: Sums| {
        json!({
            "told_wh": told, "orders": held.ended, "ended_wh": held.ended_wh, "started_wh": held.started_wh,
        })
    };
    json!({
        "day": day.to_string(), "station_code": tame(&statement.station_code), "station": sums(statement.energy_wh, held),
        "connector": furthest.map(|(_, told, held)| sums(told, held)),
    })
}

/// A check of the orders of a window, as the operator's system answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// CheckOrderSeq.
    pub check_no: String,
    /// The window, its end excluded.
    pub window: (OffsetDateTime, OffsetDateTime),
    /// Orders that were listed.
    pub listed: usize,
    /// Those that are disputed.
    pub disputes: Vec<Disputed>,
}

/// Keeps what an operator's system disputes, in the place of what it disputed of the window before.
///
/// # Errors
/// The database is away or busy.
pub async fn disputes(work: &mut Work, operator_id: Uuid, answered: &Answered) -> Result<Outcome, Failure> {
    // A number that the database cannot be asked for is not held.
    let safe = |number: &&String| text::identifier(number, ORDER_NO_MAX).is_ok();
    let numbers = answered.disputes.iter().map(|one| &one.order_no).filter(safe);
    let numbers: Vec<String> = numbers.cloned().collect();
    let held = store::orders::totals(work.db(), operator_id, &numbers).await?;
    let item = |one: &Disputed| {
        let ours = held.get(&one.order_no);
        Item {
            operator_id,
            kind: Kind::OrderCheck.name(),
            connector_code: String::new(),
            order_no: tame(&one.order_no),
            reason: one.meaning(ours.is_some()),
            field: String::new(),
            content: json!({
                "order_no": tame(&one.order_no), "start_time": moment(answered.window.0), "end_time": moment(answered.window.1), "dispute": one.reason,
                "told": { "energy_wh": one.energy_wh, "total_fen": one.total_fen },
                "held": ours.map(|ours| json!({ "energy_wh": ours.energy_wh, "total_fen": ours.total_fen })),
            }),
            batch_id: answered.check_no.clone(),
        }
    };
    let items: Vec<Item> = answered.disputes.iter().map(item).collect();
    let outcome = came(answered.listed.saturating_sub(items.len()), items.len(), &items);
    let check = Check { operator_id, by: By::Platform, no: &answered.check_no, window: answered.window };
    keep(work, &check, items, outcome).await
}

/// A list of orders of a window that the operator's system made by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// CheckOrderSeq.
    pub check_no: String,
    /// The window, its end excluded.
    pub window: (OffsetDateTime, OffsetDateTime),
    /// Order numbers.
    pub numbers: BTreeSet<String>,
    /// Those that the platform's answer disputes.
    pub disputed: BTreeSet<String>,
}

/// Keeps which orders are held and were not listed: they are no part of the protocol's answer. What is disputed is in the answer,
/// and only counted here.
///
/// # Errors
/// The database is away or busy.
pub async fn listed(work: &mut Work, operator_id: Uuid, list: &Listed) -> Result<Outcome, Failure> {
    let numbers: Vec<String> = list.numbers.iter().cloned().collect();
    let missing = store::checks::unlisted(work, operator_id, list.window, &numbers, UNLISTED_MAX).await?;
    let items = missing.into_iter().map(|one| Item {
        operator_id,
        kind: Kind::OrderCheck.name(),
        connector_code: String::new(),
        reason: "order_not_listed",
        field: String::new(),
        content: json!({
            "order_no": one.order_no, "start_time": moment(list.window.0), "end_time": moment(list.window.1),
            "held": { "energy_wh": one.energy_wh, "total_fen": one.total_fen },
        }),
        order_no: one.order_no,
        batch_id: list.check_no.clone(),
    });
    let items: Vec<Item> = items.collect();
    let agreeing = list.numbers.difference(&list.disputed).count();
    let outcome = came(agreeing, list.disputed.len() + items.len(), &items);
    let check = Check { operator_id, by: By::Operator, no: &list.check_no, window: list.window };
    keep(work, &check, items, outcome).await
}

fn moment(at: OffsetDateTime) -> Option<String> {
    at.format(&Rfc3339).ok()
}

fn came(agreeing: usize, disagreeing: usize, items: &[Item]) -> Outcome {
    let example = items.first().map(|one| labels::told(&one.order_no, one.reason, &one.content));
    Outcome { agreeing, disagreeing, example: example.unwrap_or_default() }
}

/// Keeps an order check in the place of those of the same window: however often it is reported, it counts once, as it was reported
/// last.
async fn keep(
    work: &mut Work,
    check: &Check<'_>,
    items: Vec<Item>,
    outcome: Outcome,
) -> Result<Outcome, Failure> {
    // Of two reports of one link the second waits, so that it finds the first.
    store::links::lock(work, check.operator_id).await?;
    store::quality::record(work, items).await?;
    store::checks::take_back(work, check).await?;
    store::checks::insert(work, check, outcome.tally()).await?;
    count(work, check.operator_id, Kind::OrderCheck, &outcome).await?;
    Ok(outcome)
}

async fn count(work: &mut Work, operator_id: Uuid, kind: Kind, outcome: &Outcome) -> Result<(), Failure> {
    store::quality_days::add(work, kind, &BTreeMap::from([(operator_id, outcome.tally())])).await
}
