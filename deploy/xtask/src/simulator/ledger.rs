//! What the platform must make of what it is sent, and what it must hold in the end: a second implementation of the rules.
//!
//! Owns: that expectation, for whole seconds and for statuses that contradict nothing. Not: the platform's own rules, from which
//! nothing is taken. Source: interconnect protocol, sections 7 and 8; decision record 38.
use std::collections::BTreeMap;

use prost_types::Timestamp;
use proto::stations::{OrderItem, TelemetryItem};

use super::{
    door::Way,
    faults::{Delivery, How, Sending},
};
use crate::driver::stations::status;

/// Most items of one message or batch. Source: interconnect protocol, section 9; the ingest's contract.
pub const ITEMS_MAX: usize = 1_000;

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Taken, and new.
    Accepted,
    /// Held already.
    Duplicate,
    /// Older than what is held; in the history only.
    Stale,
    /// Any of these: T/CEC 102 does not say which.
    Taken,
    /// Not taken.
    Rejected,
}

/// Why nothing of a message was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Not with the operator's key: Ret 4001; by gRPC no token.
    Signature,
    /// Ret 4003: the envelope, here its TimeStamp.
    Clock,
    /// Ret 4004; by gRPC an invalid argument: what is inside, here too much.
    Content,
}

/// The answer to one sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// One outcome for each item.
    Items(Vec<Outcome>),
    /// Nothing of it is taken.
    Refused(Refusal),
}

impl Verdict {
    /// Whether an answer is the one that is expected here, as far as it tells.
    pub fn agrees(&self, answer: &Verdict) -> bool {
        match (self, answer) {
            (Self::Items(expected), Self::Items(said)) => {
                let same = |(expected, said): (&Outcome, &Outcome)| {
                    expected == said || *said == Outcome::Taken && *expected != Outcome::Rejected
                };
                expected.len() == said.len() && expected.iter().zip(said).all(same)
            }
            (Self::Refused(expected), Self::Refused(said)) => expected == said,
            (Self::Items(_), Self::Refused(_)) | (Self::Refused(_), Self::Items(_)) => false,
        }
    }

    /// Whether nothing of it was turned down.
    pub fn taken(&self) -> bool {
        matches!(self, Self::Items(outcomes) if !outcomes.contains(&Outcome::Rejected))
    }
}

/// What is known of one connector.
#[derive(Debug, Clone)]
struct Seen {
    status: i32,
    changed_at: i64,
    seen_at: i64,
    /// Changes, and what came late; an instant at which a status was only seen again is not in it.
    history: BTreeMap<i64, i32>,
}

/// What one operator's system has sent, by the rules of the platform.
#[derive(Debug, Default)]
pub struct Ledger {
    connectors: BTreeMap<String, Seen>,
    samples: BTreeMap<(String, i64), TelemetryItem>,
    orders: BTreeMap<String, OrderItem>,
}

impl Ledger {
    /// Notes a sending; gives the answer that it must get.
    pub fn expect(&mut self, way: Way, sending: &Sending) -> Verdict {
        let delivery = &sending.delivery;
        match (sending.how, way) {
            (How::Forged, Way::Tcec | Way::Grpc) => Verdict::Refused(Refusal::Signature),
            (How::ClockAhead(_), Way::Tcec) => Verdict::Refused(Refusal::Clock),
            // There is no envelope: each item's own time is ahead.
            (How::ClockAhead(_), Way::Grpc) => Verdict::Items(vec![Outcome::Rejected; delivery.len()]),
            (How::Plain | How::Retried, Way::Tcec | Way::Grpc) if delivery.len() > ITEMS_MAX => {
                Verdict::Refused(Refusal::Content)
            }
            (How::Plain, Way::Tcec | Way::Grpc) => Verdict::Items(self.take(way, delivery)),
            (How::Retried, Way::Tcec | Way::Grpc) => {
                self.take(way, delivery);
                Verdict::Items(self.take(way, delivery))
            }
        }
    }

    /// Connector → second of the latest report and status, as the platform must hold them.
    pub fn latest(&self) -> BTreeMap<String, (i64, i32)> {
        self.connectors.iter().map(|(id, seen)| (id.clone(), (seen.seen_at, seen.status))).collect()
    }

    /// Order number → Wh and fen.
    pub fn orders(&self) -> BTreeMap<String, (i64, i64)> {
        let sums =
            |(number, order): (&String, &OrderItem)| (number.clone(), (order.energy_wh, order.total_fen));
        self.orders.iter().map(sums).collect()
    }

    /// How many samples are held.
    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    fn take(&mut self, way: Way, delivery: &Delivery) -> Vec<Outcome> {
        match delivery {
            Delivery::Statuses(items) => {
                let outcome = |one: &proto::stations::StatusItem| {
                    self.status(&one.connector_id, one.status, seconds(one.source_time))
                };
                items.iter().map(outcome).collect()
            }
            Delivery::Samples(items) => items
                .iter()
                .map(|one| {
                    let (item, at) = (&one.item, seconds(one.item.sample_time));
                    // A sample of T/CEC 102 says what the connector is as well.
                    if way == Way::Tcec {
                        self.status(&item.connector_id, status::CHARGING, at);
                    }
                    let held = self.samples.insert((item.connector_id.clone(), at), item.clone());
                    if held.as_ref() == Some(item) { Outcome::Duplicate } else { Outcome::Accepted }
                })
                .collect(),
            Delivery::Orders(items) => items
                .iter()
                .map(|one| match self.orders.insert(one.order_no.clone(), one.clone()) {
                    None => Outcome::Accepted,
                    Some(_) => Outcome::Duplicate,
                })
                .collect(),
        }
    }

    fn status(&mut self, connector: &str, status: i32, at: i64) -> Outcome {
        let Some(seen) = self.connectors.get_mut(connector) else {
            let first = Seen { status, changed_at: at, seen_at: at, history: [(at, status)].into() };
            self.connectors.insert(connector.to_owned(), first);
            return Outcome::Accepted;
        };
        if at > seen.seen_at {
            if status != seen.status {
                (seen.status, seen.changed_at) = (status, at);
                seen.history.insert(at, status);
            }
            seen.seen_at = at;
            return Outcome::Accepted;
        }
        let still = status == seen.status && at >= seen.changed_at;
        if still || seen.history.get(&at) == Some(&status) {
            return Outcome::Duplicate;
        }
        seen.history.insert(at, status);
        Outcome::Stale
    }
}

fn seconds(at: Option<Timestamp>) -> i64 {
    at.map_or(0, |at| at.seconds)
}

#[cfg(test)]
mod tests {
    use proto::stations::StatusItem;

    use super::*;

    fn report(second: i64, status: i32) -> Sending {
        let source_time = Some(Timestamp { seconds: second, nanos: 0 });
        Sending::plain(Delivery::Statuses(vec![StatusItem { connector_id: "1".into(), status, source_time }]))
    }

    #[test]
    fn what_comes_late_is_history_and_what_comes_again_is_known() {
        use Outcome::{Accepted, Duplicate, Stale};
        let mut ledger = Ledger::default();
        let sent = [(10, 1), (20, 1), (30, 3), (15, 1), (20, 1), (20, 1), (10, 1), (30, 3), (40, 3), (35, 3)];
        let expected = [
            Accepted, Accepted, Accepted, Stale, Stale, Duplicate, Duplicate, Duplicate, Accepted, Duplicate,
        ];
        for ((second, status), outcome) in sent.into_iter().zip(expected) {
            let verdict = ledger.expect(Way::Grpc, &report(second, status));
            assert_eq!(verdict, Verdict::Items(vec![outcome]), "{status} at {second}");
        }
        assert_eq!(ledger.latest(), [("1".to_owned(), (40, 3))].into());
    }

    #[test]
    fn each_way_answers_a_fault_as_it_can() {
        let mut ledger = Ledger::default();
        let forged = Sending { how: How::Forged, ..report(10, 1) };
        let early = Sending { how: How::ClockAhead(9_999), ..report(10, 1) };
        assert_eq!(ledger.expect(Way::Tcec, &forged), Verdict::Refused(Refusal::Signature));
        assert_eq!(ledger.expect(Way::Tcec, &early), Verdict::Refused(Refusal::Clock));
        assert_eq!(ledger.expect(Way::Grpc, &early), Verdict::Items(vec![Outcome::Rejected]));
        assert!(ledger.latest().is_empty(), "nothing of it was taken");
        let taken = Verdict::Items(vec![Outcome::Taken]);
        assert!(ledger.expect(Way::Tcec, &report(10, 1)).agrees(&taken));
        assert!(!Verdict::Items(vec![Outcome::Rejected]).agrees(&taken) && taken.taken());
    }
}
