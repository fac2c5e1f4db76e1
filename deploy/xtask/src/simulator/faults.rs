//! What goes wrong between an operator's system and the platform, as data: which faults, and what is sent for each.
//!
//! Owns: turning deliveries into sendings. Not: what the platform must answer to them (`ledger`), nor sending them (`door`).
//! Source: interconnect protocol, sections 7 and 8.
use std::{collections::VecDeque, mem};

use prost_types::Timestamp;
use proto::stations::{OrderItem, StatusItem};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

use super::network::Sample;

/// What is delivered at one time.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// By gRPC in one batch, by T/CEC 102 in one message.
    Statuses(Vec<StatusItem>),
    /// By gRPC in one batch, by T/CEC 102 each in a message of its own.
    Samples(Vec<Sample>),
    /// Likewise.
    Orders(Vec<OrderItem>),
}

impl Delivery {
    /// Items.
    pub fn len(&self) -> usize {
        match self {
            Self::Statuses(items) => items.len(),
            Self::Samples(items) => items.len(),
            Self::Orders(items) => items.len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same by a clock that is so many seconds ahead.
    #[must_use]
    pub fn ahead(mut self, by_secs: i64) -> Self {
        let shift = |at: &mut Option<Timestamp>| {
            if let Some(at) = at {
                at.seconds += by_secs;
            }
        };
        match &mut self {
            Self::Statuses(items) => items.iter_mut().for_each(|one| shift(&mut one.source_time)),
            Self::Samples(items) => items.iter_mut().for_each(|one| shift(&mut one.item.sample_time)),
            Self::Orders(items) => {
                for one in items {
                    shift(&mut one.start_time);
                    shift(&mut one.end_time);
                    shift(&mut one.source_time);
                }
            }
        }
        self
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The same items come again, in a message of their own.
    Duplicate,
    /// The answer is lost: the very same message comes again, envelope and batch id too.
    Retry,
    /// It comes after the next delivery of its kind.
    Reorder,
    /// The system's clock is so many seconds ahead, more than any window; it is set right and the items come again.
    Clock(i64),
    /// Signed with another key, or by gRPC with another secret; that is set right and the items come again.
    Signature,
    /// So many statuses in one message, the same ones over and over; where it is too large, it is followed by one that is not.
    BigPage(usize),
}

impl Fault {
    /// Whether it can befall a delivery: the order matters where something comes of every instant, and pages are lists.
    fn fits(self, delivery: &Delivery) -> bool {
        match self {
            Self::Duplicate | Self::Retry | Self::Clock(_) | Self::Signature => true,
            Self::Reorder | Self::BigPage(_) => matches!(delivery, Delivery::Statuses(_)),
        }
    }
}

/// In which way a delivery is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As it should be.
    Plain,
    /// Twice as the very same message; the second answer counts.
    Retried,
    /// Not with the operator's own key or secret.
    Forged,
    /// By a clock that is so many seconds ahead.
    ClockAhead(i64),
}

/// One thing to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// What.
    pub delivery: Delivery,
    /// In which way.
    pub how: How,
}

impl Sending {
    /// As it should be.
    pub fn plain(delivery: Delivery) -> Self {
        Self { delivery, how: How::Plain }
    }
}

/// Where the next fault comes from.
#[derive(Debug)]
enum Source {
    /// In this order, each at the first delivery that it fits.
    Listed(VecDeque<Fault>),
    /// Each at one delivery in so many.
    Rates(SmallRng, Vec<(Fault, u32)>),
}

/// Lets deliveries go wrong. Pure: the same for the same deliveries.
#[derive(Debug)]
pub struct Script {
    source: Source,
    /// What comes after the next of its kind.
    held: Vec<Delivery>,
    /// Faults so far.
    faults: usize,
}

impl Script {
    /// These faults, one a delivery, in this order.
    pub fn listed(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { source: Source::Listed(faults.into_iter().collect()), held: Vec::new(), faults: 0 }
    }

    /// Each fault at one delivery in so many.
    pub fn rates(seed: u64, rates: &[(Fault, u32)]) -> Self {
        let source = Source::Rates(SmallRng::seed_from_u64(seed), rates.to_vec());
        Self { source, held: Vec::new(), faults: 0 }
    }

    /// How much has gone wrong.
    pub fn faults(&self) -> usize {
        self.faults
    }

    /// Whether every listed fault has befallen a delivery.
    pub fn is_over(&self) -> bool {
        match &self.source {
            Source::Listed(faults) => faults.is_empty(),
            Source::Rates(..) => false,
        }
    }

    /// What is sent for a delivery, in this order.
    pub fn sendings(&mut self, delivery: Delivery) -> Vec<Sending> {
        let mut all = match self.fault(&delivery) {
            None => vec![Sending::plain(delivery.clone())],
            Some(Fault::Duplicate) => vec![Sending::plain(delivery.clone()); 2],
            Some(Fault::Retry) => vec![Sending { delivery: delivery.clone(), how: How::Retried }],
            Some(Fault::Reorder) => {
                self.held.push(delivery);
                return Vec::new();
            }
            Some(Fault::Clock(ahead)) => righted(&delivery, How::ClockAhead(ahead)),
            Some(Fault::Signature) => righted(&delivery, How::Forged),
            Some(Fault::BigPage(items)) => {
                vec![Sending::plain(page(&delivery, items)), Sending::plain(delivery.clone())]
            }
        };
        let kind = mem::discriminant(&delivery);
        let held = mem::take(&mut self.held).into_iter();
        let (late, held): (Vec<_>, Vec<_>) = held.partition(|one| mem::discriminant(one) == kind);
        self.held = held;
        all.extend(late.into_iter().map(Sending::plain));
        all
    }

    /// What has been held back until now.
    pub fn rest(&mut self) -> Vec<Sending> {
        mem::take(&mut self.held).into_iter().map(Sending::plain).collect()
    }

    fn fault(&mut self, delivery: &Delivery) -> Option<Fault> {
        let fault = match &mut self.source {
            Source::Listed(faults) if faults.front().is_some_and(|fault| fault.fits(delivery)) => {
                faults.pop_front()
            }
            Source::Listed(_) => None,
            Source::Rates(dice, rates) => rates
                .iter()
                .find(|(fault, one_in)| dice.random_ratio(1, *one_in) && fault.fits(delivery))
                .map(|(fault, _)| *fault),
        };
        self.faults += usize::from(fault.is_some());
        fault
    }
}

/// First wrong, then as it should be.
fn righted(delivery: &Delivery, how: How) -> Vec<Sending> {
    vec![Sending { delivery: delivery.clone(), how }, Sending::plain(delivery.clone())]
}

/// The statuses over and over, until they are so many.
fn page(delivery: &Delivery, items: usize) -> Delivery {
    match delivery {
        Delivery::Statuses(all) => Delivery::Statuses(all.iter().cycle().take(items).cloned().collect()),
        Delivery::Samples(_) | Delivery::Orders(_) => delivery.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(second: i64) -> Delivery {
        let source_time = Some(Timestamp { seconds: second, nanos: 0 });
        Delivery::Statuses(vec![StatusItem { connector_id: "1".into(), status: 1, source_time }])
    }

    fn hows(sendings: &[Sending]) -> Vec<How> {
        sendings.iter().map(|sending| sending.how).collect()
    }

    #[test]
    fn what_is_reordered_comes_after_the_next_of_its_kind() {
        let mut script = Script::listed([Fault::Reorder]);
        assert_eq!(script.sendings(statuses(1)), []);
        assert_eq!(script.sendings(Delivery::Orders(vec![])), [Sending::plain(Delivery::Orders(vec![]))]);
        assert_eq!(script.sendings(statuses(2)), [statuses(2), statuses(1)].map(Sending::plain));
        assert!(script.rest().is_empty() && script.is_over());
    }

    #[test]
    fn a_fault_waits_for_a_delivery_that_it_fits_and_what_was_wrong_is_set_right() {
        let mut script = Script::listed([Fault::BigPage(3), Fault::Signature, Fault::Clock(60)]);
        assert_eq!(hows(&script.sendings(Delivery::Orders(vec![]))), [How::Plain]);
        let page = script.sendings(statuses(1));
        assert_eq!(page.iter().map(|sending| sending.delivery.len()).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(hows(&script.sendings(statuses(2))), [How::Forged, How::Plain]);
        assert_eq!(hows(&script.sendings(statuses(3))), [How::ClockAhead(60), How::Plain]);
        assert_eq!((script.faults(), statuses(3).ahead(60)), (3, statuses(63)));
    }

    #[test]
    fn faults_at_a_rate_are_the_same_for_the_same_seed() {
        let run = |seed| {
            let mut script = Script::rates(seed, &[(Fault::Duplicate, 5), (Fault::Reorder, 5)]);
            (0..100).map(|second| script.sendings(statuses(second))).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let sent: usize = run(7).iter().map(Vec::len).sum();
        assert!(sent > 100, "{sent}");
    }
}
