//! Messages that were refused at this door, on their way to stations, where their operators can see them.
//!
//! Owns: counting equal ones and handing them over every second, so that a system that is wrong about everything costs no more than
//! one call. Not: what became of what stations was asked to take; it keeps that itself. Of an operator that is not known nothing is
//! kept: anybody can send that.
use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chassis::Failure;
use proto::stations::{RefusedMessages, ReportRefusedRequest};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    app::Refused,
    domain::{
        json::{Members, Value},
        method::Method,
        ret::Ret,
    },
    neighbours::Neighbours,
};

/// How long they wait to be handed over together.
const EVERY: Duration = Duration::from_secs(1);
/// Messages of an operator that differ, within that time; of more the members that are wrong are not told.
const DIFFERENT_MAX: usize = 100;
/// Equal ones among them.
const TIMES_MAX: i32 = 1_000_000;
/// Members that are named of one message; as many as its answer names.
const FIELDS_MAX: usize = 20;

/// Method, Ret, members that are wrong, station.
type Alike = (&'static str, i32, Vec<String>, String);

/// What has been refused since it was last handed over, by operator.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<Uuid, BTreeMap<Alike, RefusedMessages>>>);

impl Refusals {
    /// Notes a message; not one that is to be sent again as it is.
    pub fn note(&self, operator_id: Uuid, method: Option<Method>, refused: &Refused) {
        match refused.ret {
            Ret::Signature | Ret::Token | Ret::Envelope | Ret::Business => {}
            Ret::Accepted | Ret::Busy | Ret::Internal => return,
        }
        let (name, ret) = (method.map_or("", Method::name), refused.ret.code());
        let station = if method == Some(Method::Stations) { refused.named(STATION) } else { String::new() };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(operator_id).or_default();
        let mut alike = (name, ret, fields(&refused.fields), station);
        if held.len() >= DIFFERENT_MAX && !held.contains_key(&alike) {
            alike = (name, ret, Vec::new(), String::new());
        }
        let (wrong, station) = (alike.2.clone(), alike.3.clone());
        let one = held.entry(alike).or_insert_with(|| RefusedMessages {
            kind: method.map_or("link", Method::kind).to_owned(),
            method: name.to_owned(),
            ret,
            fields: wrong,
            text: refused.msg.clone(),
            connector_id: refused.named(CONNECTOR),
            order_no: refused.named(ORDER),
            station_code: station,
            times: 0,
        });
        one.times = (one.times + 1).min(TIMES_MAX);
    }

    /// Hands them over for as long as the process lives.
    pub async fn run(&self, neighbours: &Neighbours) {
        loop {
            sleep(EVERY).await;
            self.hand_over(neighbours).await;
        }
    }

    async fn hand_over(&self, neighbours: &Neighbours) {
        let all = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (operator_id, held) in all {
            let refused: Vec<RefusedMessages> = held.into_values().collect();
            let times: u64 = refused.iter().map(|one| u64::try_from(one.times).unwrap_or_default()).sum();
            let body = ReportRefusedRequest { operator_id: operator_id.to_string(), refused };
            if let Err(status) = neighbours.checks().report_refused(body).await {
                // Not again: while stations is away nothing is taken either, and this may not grow.
                metrics::counter!("tcec_refusals_unreported_total").increment(times);
                tracing::warn!(error = %Failure::from(status), times, "refused messages were not reported");
            }
        }
    }
}

/// Paths without the numbers of list elements, each once.
fn fields(paths: &[String]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for path in paths {
        let mut inside = false;
        let kept = path.chars().filter(|one| {
            inside = (inside || *one == '[') && *one != ']';
            !inside || *one == '['
        });
        let path: String = kept.collect();
        if fields.len() < FIELDS_MAX && !fields.contains(&path) {
            fields.push(path);
        }
    }
    fields
}

/// Names of what a message is about.
pub const CONNECTOR: &str = "ConnectorID";
/// Likewise.
pub const ORDER: &str = "StartChargeSeq";
/// Likewise.
pub const STATION: &str = "StationID";

/// What a message is about, as far as it names anything: the first of each.
#[must_use]
pub fn about(members: &Members) -> Vec<(&'static str, String)> {
    let spellings = [
        (CONNECTOR, CONNECTOR),
        (ORDER, ORDER),
        (ORDER, "OrderNo"),
        (ORDER, "CheckOrderSeq"),
        (STATION, STATION),
    ];
    let named = spellings.into_iter().filter_map(|(name, spelling)| Some((name, find(members, spelling)?)));
    named.collect()
}

fn find(members: &Members, name: &str) -> Option<String> {
    members.iter().find_map(|(key, value)| match value {
        Value::Text(text) | Value::Number(text) if key == name => Some(text.clone()),
        Value::Object(inner) => find(inner, name),
        Value::List(items) => items.iter().find_map(|item| match item {
            Value::Object(inner) => find(inner, name),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_messages_are_one_and_too_many_different_ones_lose_their_members() {
        let (refusals, operator) = (Refusals::default(), Uuid::nil());
        let wrong = |path: &str| Refused::new(Ret::Business, "words").naming(vec![path.to_owned()]);
        for at in 0..3 {
            refusals.note(
                operator,
                Some(Method::Status),
                &wrong(&format!("ConnectorStatusInfo[{at}].Status")),
            );
        }
        refusals.note(operator, Some(Method::Status), &Refused::new(Ret::Busy, "later"));
        let times = |refusals: &Refusals| -> Vec<(Vec<String>, i32)> {
            let all = refusals.0.lock().expect("no test panics inside");
            all[&operator].values().map(|one| (one.fields.clone(), one.times)).collect()
        };
        assert_eq!(times(&refusals), [(vec!["ConnectorStatusInfo[].Status".to_owned()], 3)]);
        for number in 0..1_000 {
            refusals.note(operator, Some(Method::Status), &wrong(&format!("Member{number}")));
        }
        let held = times(&refusals);
        assert_eq!(held.len(), DIFFERENT_MAX + 1);
        assert_eq!(held.iter().map(|(_, times)| times).sum::<i32>(), 1_003);
        assert_eq!(held[0], (vec![], 1_003 - 3 - 99));
    }
}
