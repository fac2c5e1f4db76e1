//! The one path of every change: lock, ask the domain, save, announce. One file for each verb.

pub mod check;
pub mod claim;
pub mod deactivate;
pub mod link;
pub mod order;
pub mod refused;
pub mod register;
pub mod settle;
pub mod station;
pub mod status;
pub mod telemetry;
pub mod turn;

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{
    tally::{Came, Kind, Tally},
    verdict::Verdict,
};

/// Items of one operator that arrived together and are answered together.
#[derive(Debug, Clone)]
pub struct Batch<L> {
    /// Whose system sent it: from the caller's token.
    pub operator_id: Uuid,
    /// Chosen by the client.
    pub batch_id: String,
    /// In the order sent.
    pub lines: Vec<L>,
}

/// What became of each operator's lines; `came` is how a line did.
fn tallies<L>(
    batches: &[Batch<L>],
    verdicts: &[Vec<Verdict>],
    kind: Kind,
    now: OffsetDateTime,
    came: impl Fn(&L) -> Came,
) -> BTreeMap<Uuid, Tally> {
    let mut tallies: BTreeMap<Uuid, Tally> = BTreeMap::new();
    for (batch, verdicts) in batches.iter().zip(verdicts) {
        let tally = tallies.entry(batch.operator_id).or_default();
        for (line, verdict) in batch.lines.iter().zip(verdicts) {
            tally.count(kind, verdict, came(line), now);
        }
    }
    tallies
}
