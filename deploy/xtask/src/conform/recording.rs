//! The recorded stream: what the platform really announced of a few applications, in order.
//!
//! Owns: the file's form, reading it, taking a new one from a running platform. Not: disorder; the rules make it.
use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, pull},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::StreamExt as _;
use prost::Message as _;
use proto::common::Envelope;
use serde::{Deserialize, Serialize};

/// The recording that is compiled in: one JSON line a message, aggregate after aggregate.
const FILE: &str = include_str!("../../../../proto/events/recorded.jsonl");
/// So many events of each aggregate the rules need, in the order of the file.
const LENGTHS: [usize; 3] = [9, 8, 3];
/// A stream that says nothing for so long has been read.
const SILENCE: Duration = Duration::from_secs(2);

/// A line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    subject: String,
    /// The whole message, base64.
    envelope: String,
}

/// Events of three aggregates, each from version 1 on without a hole.
#[derive(Clone, Debug)]
pub struct Recording {
    aggregates: Vec<Vec<Envelope>>,
}

impl Recording {
    /// Reads the compiled-in recording. Errors: it is not what the rules need.
    pub fn load() -> Result<Self> {
        let mut events = Vec::new();
        for line in FILE.lines() {
            let line: Line = serde_json::from_str(line).context("the recording has a line that is none")?;
            let bytes = BASE64_STANDARD.decode(&line.envelope).context("an envelope is not base64")?;
            let envelope = Envelope::decode(bytes.as_slice()).context("an envelope cannot be decoded")?;
            ensure!(envelope.subject == line.subject, "{} was sent on {}", envelope.event_id, line.subject);
            events.push(envelope);
        }
        Self::of(events)
    }

    /// Takes the aggregates with the most events. Errors: there are too few.
    fn of(events: Vec<Envelope>) -> Result<Self> {
        let mut found: BTreeMap<String, Vec<Envelope>> = BTreeMap::new();
        for event in events {
            let versions = found.entry(event.aggregate_id.clone()).or_default();
            // What was delivered twice while recording is one event.
            if event.aggregate_version == i64::try_from(versions.len())? + 1 {
                versions.push(event);
            }
        }
        let mut aggregates: Vec<_> = found.into_values().collect();
        aggregates.sort_by_key(|versions| std::cmp::Reverse(versions.len()));
        aggregates.truncate(LENGTHS.len());
        for (wanted, at) in LENGTHS.into_iter().zip(0..) {
            let length = aggregates.get(at).map_or(0, Vec::len);
            ensure!(length >= wanted, "aggregate {at} has {length} events, the rules need {wanted}");
        }
        Ok(Self { aggregates })
    }

    /// Gives one event. Errors: it was not recorded.
    pub fn event(&self, aggregate: usize, version: usize) -> Result<&Envelope> {
        let versions = self.aggregates.get(aggregate).context("no such aggregate")?;
        versions
            .get(version.wrapping_sub(1))
            .with_context(|| format!("no version {version} of aggregate {aggregate}"))
    }

    /// Finds an aggregate by its id.
    pub fn position(&self, aggregate_id: &str) -> Option<usize> {
        self.aggregates
            .iter()
            .position(|versions| versions.first().is_some_and(|event| event.aggregate_id == aggregate_id))
    }

    /// Gives the text of a file with only the events that the rules need. Errors: an event cannot be written.
    fn text(&self) -> Result<String> {
        let mut text = String::new();
        for (versions, length) in self.aggregates.iter().zip(LENGTHS) {
            for event in &versions[..length] {
                let envelope = BASE64_STANDARD.encode(event.encode_to_vec());
                text += &serde_json::to_string(&Line { subject: event.subject.clone(), envelope })?;
                text.push('\n');
            }
        }
        Ok(text)
    }
}

/// Reads the applications' events of a running platform and gives the text of a new recording.
///
/// Errors: no broker at `url`, or too few events; `cargo xtask up --demo` makes enough.
pub async fn record(url: &str) -> Result<String> {
    let client = async_nats::connect(url).await.with_context(|| format!("no connection to {url}"))?;
    let stream = jetstream::new(client).get_stream("REVIEWS").await.context("no stream REVIEWS")?;
    let reader = stream
        .create_consumer(pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() })
        .await?;
    let mut messages = reader.messages().await?;
    let mut events = Vec::new();
    while let Ok(Some(message)) = tokio::time::timeout(SILENCE, messages.next()).await {
        let event = Envelope::decode(message?.payload.clone()).context("a message is no envelope")?;
        if event.aggregate_type == "application" {
            events.push(event);
        }
    }
    Recording::of(events)?.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_has_what_the_rules_need_and_no_more() {
        let recording = Recording::load().unwrap();
        assert_eq!(recording.text().unwrap(), FILE);
        let first = recording.event(0, 1).unwrap();
        assert_eq!(recording.position(&first.aggregate_id), Some(0));
        assert!(recording.event(0, 0).is_err() && recording.event(2, 4).is_err());
    }
}
