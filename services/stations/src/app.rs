//! The one path of every change: lock, ask the domain, save, announce. One file for each verb.

pub mod claim;
pub mod deactivate;
pub mod link;
pub mod order;
pub mod register;
pub mod settle;
pub mod status;
pub mod telemetry;
pub mod turn;

use uuid::Uuid;

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
