//! What each message does: it becomes a call of the gRPC contract of stations, in the operator's name.
//!
//! Answers 0 only when stations has answered, which it does when the data is durable. Every effect has a natural key, so
//! a repeated message gets an equal answer. One file for each kind of message.

pub mod charging;
pub mod check;
pub mod compare;
pub mod joint;
pub mod order;
pub mod outcome;
pub mod power;
pub mod pull;
pub mod stations;
pub mod status;
pub mod token;
mod walked;

use chassis::{
    Failure,
    error::{Kind, Refusal},
};
use proto::stations::{ItemResult, Receipts};
use serde_json::Value;
use time::OffsetDateTime;
use tonic::Status;

use crate::{
    domain::{envelope::Request, link::Link, ret::Ret},
    labels,
};

/// The message being answered.
pub struct Call<'c> {
    /// Who sends it.
    pub link: &'c Link,
    /// Its envelope.
    pub request: &'c Request,
    /// TimeStamp of the envelope: the source time of what says no other.
    pub stamp: OffsetDateTime,
}

/// An answer: the plaintext of Data, and words for people.
#[derive(Debug, PartialEq)]
pub struct Done {
    /// Becomes Data.
    pub body: Value,
    /// Becomes Msg; empty when there is nothing to say.
    pub msg: String,
}

/// No answer of the method, but a result code.
#[derive(Debug, PartialEq)]
pub struct Refused {
    /// Ret.
    pub ret: Ret,
    /// Msg.
    pub msg: String,
    /// Paths of the members that are wrong, as far as they are known.
    pub fields: Vec<String>,
    /// What the message is about, see [`crate::refusals::about`].
    pub about: Vec<(&'static str, String)>,
}

impl Refused {
    /// A result code with its words.
    pub fn new(ret: Ret, msg: impl Into<String>) -> Self {
        Self { ret, msg: msg.into(), fields: Vec::new(), about: Vec::new() }
    }

    /// With the members that are wrong.
    #[must_use]
    pub fn naming(self, fields: Vec<String>) -> Self {
        Self { fields, ..self }
    }

    /// With what the message is about.
    #[must_use]
    pub fn about(self, about: Vec<(&'static str, String)>) -> Self {
        Self { about, ..self }
    }

    /// What it is about by this name; empty where it does not say.
    #[must_use]
    pub fn named(&self, name: &str) -> String {
        self.about.iter().find(|(known, _)| *known == name).map_or(String::new(), |(_, id)| id.clone())
    }
}

/// What stations' refusal of a whole call means to the operator.
impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let told = Refusal::read(&status);
        // Accounts does not count the operator as active. Every other lack of permission is a fault of this platform.
        if told.as_ref().is_some_and(|told| told.reason == "client_refused") {
            return Self::new(Ret::Envelope, labels::CLOSED);
        }
        let failure = Failure::from(status);
        let wrong = told.iter().flat_map(|told| &told.fields).map(|(field, _)| field.clone());
        let wrong: Vec<String> = wrong.collect();
        let words = told.map_or(String::new(), |told| {
            let named = |(field, text): &(String, String)| format!("{field} {text}");
            let fields: Vec<String> = told.fields.iter().take(20).map(named).collect();
            if fields.is_empty() { told.text } else { fields.join("；") }
        });
        match failure.kind() {
            Kind::Busy | Kind::Unavailable | Kind::Conflict => Self::new(Ret::Busy, labels::BUSY),
            Kind::Invalid | Kind::Refused | Kind::Reused => Self::new(Ret::Business, words).naming(wrong),
            Kind::Forbidden | Kind::Unauthenticated | Kind::NotFound | Kind::Internal => {
                tracing::error!("stations failed: {}", chassis::error::chain(&failure));
                Self::new(Ret::Internal, labels::INTERNAL)
            }
        }
    }
}

/// The results of the items that were sent, in their order. A missing one is no answer: the message comes again.
fn results(receipts: Receipts, sent: usize) -> Result<Vec<ItemResult>, Refused> {
    let results: Vec<ItemResult> = receipts.receipts.into_iter().flat_map(|one| one.results).collect();
    if results.len() == sent {
        return Ok(results);
    }
    tracing::error!(sent, answered = results.len(), "stations answered another number of items");
    Err(Refused::new(Ret::Internal, labels::INTERNAL))
}

/// The verdict on a single item of the ingest: taken, or the reason with words.
fn verdict(results: &[ItemResult]) -> Result<(), &ItemResult> {
    match results.first() {
        Some(result) if result.outcome == "rejected" => Err(result),
        Some(_) | None => Ok(()),
    }
}

/// Names a batch for stations: 64 characters at most, the same for the same envelope.
fn batch_id(call: &Call<'_>) -> String {
    format!("tcec-{}-{}-{}", call.request.timestamp, call.request.seq, &call.request.sig)
}

fn timestamp(at: OffsetDateTime) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.unix_timestamp(), nanos: 0 }
}
