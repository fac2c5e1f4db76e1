//! What is known of one operator's link while a message is judged. It is kept by `stations`.
use std::collections::BTreeMap;

use time::Duration;
use uuid::Uuid;

use super::envelope::Secrets;

/// An operator's link.
#[derive(Debug, Clone)]
pub struct Link {
    /// The operator in the platform.
    pub operator_id: Uuid,
    /// Its nine-character organisation code: OperatorID on the wire.
    pub organisation: String,
    /// Whether it may speak: approved, not suspended, not revoked.
    pub open: bool,
    /// Sets of secrets by which it calls us, the newest first; two during a rotation.
    pub inbound: Vec<Keys>,
    /// How far its clock may differ from ours. Source: interconnect protocol, section 8.
    pub window: Duration,
    /// Standard name of a method → the last part of its path, where the link's differs.
    pub paths: BTreeMap<String, String>,
    /// Standard spelling of a member → the one to send, where they differ.
    pub spellings: BTreeMap<String, String>,
}

/// One set of secrets and its identity.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Changes with each rotation; a token belongs to one set and ends with it.
    pub id: Uuid,
    /// The secrets.
    pub secrets: Secrets,
}
