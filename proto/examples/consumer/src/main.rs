//! An outside system that follows the platform's events.
//!
//! It does not sign in, speaks no TLS, and leaves the alarm for a long gap and a changed `lineage_id` to a real system.
//!
//! It keeps its books in two files of its state folder; a real system has a database there. `applied.jsonl` is both what it
//! has done and what it remembers, so the two cannot disagree: a line is on the disk before the broker is told.
//! `set_aside.jsonl` names the messages that a person has to look at. The rules are those of proto/README.md, Events.
//!
//! Settings: `YUCHONG_NATS_URL`, `YUCHONG_STREAM`, `YUCHONG_CONSUMER` (a durable pull consumer that exists),
//! `YUCHONG_STATE` (a folder).
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use async_nats::jetstream::{self, AckKind, consumer::PullConsumer};
use futures::StreamExt as _;
use prost::Message as _;
use proto::common::Envelope;
use serde_json::{Value, json};

const KNOWN_VERSION: u32 = 1;
/// Until a message that came too early is offered again.
const SOON: Duration = Duration::from_millis(250);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut books = Books::open(Path::new(&env::var("YUCHONG_STATE")?))?;
    let client = async_nats::connect(env::var("YUCHONG_NATS_URL")?).await?;
    let (stream, durable) = (env::var("YUCHONG_STREAM")?, env::var("YUCHONG_CONSUMER")?);
    let consumer: PullConsumer = jetstream::new(client).get_consumer_from_stream(durable, stream).await?;
    let mut messages = consumer.messages().await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        let sequence = message.info()?.stream_sequence;
        // An error ends the program before the broker is told: the message comes again.
        let answer = books.receive(&message.payload, sequence)?;
        message.ack_with(answer).await?;
    }
    Ok(())
}

type Aggregate = (String, String);

/// What was done, on the disk; and what of it is remembered.
struct Books {
    applied: PathBuf,
    aside: PathBuf,
    versions: BTreeMap<Aggregate, i64>,
    set_aside: BTreeSet<u64>,
}

impl Books {
    fn open(folder: &Path) -> io::Result<Self> {
        let (applied, aside) = (folder.join("applied.jsonl"), folder.join("set_aside.jsonl"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let versions = whole_lines(&applied)?.into_iter().map(|line| {
            let aggregate = (text(&line["aggregate_type"]), text(&line["aggregate_id"]));
            (aggregate, line["aggregate_version"].as_i64().unwrap_or_default())
        });
        let set_aside = whole_lines(&aside)?;
        let set_aside = set_aside.iter().filter_map(|line| line["stream_sequence"].as_u64()).collect();
        Ok(Self { versions: versions.collect(), applied, aside, set_aside })
    }

    /// Decides what a message is: new, known, too early, or for a person; and what the broker is told.
    fn receive(&mut self, message: &[u8], sequence: u64) -> io::Result<AckKind> {
        let event = Envelope::decode(message).unwrap_or_default();
        if event.event_id.is_empty() || event.aggregate_id.is_empty() || event.aggregate_version < 1 {
            self.put_aside(sequence, "undecodable")?;
            return Ok(AckKind::Ack);
        }
        let aggregate = (event.aggregate_type.clone(), event.aggregate_id.clone());
        let last = self.versions.get(&aggregate).copied().unwrap_or(0);
        if event.aggregate_version <= last {
            return Ok(AckKind::Ack);
        }
        if event.aggregate_version > last + 1 {
            // One before it is missing. It comes again from the producer; the other aggregates go on meanwhile.
            return Ok(AckKind::Nak(Some(SOON)));
        }
        if event.schema_version != KNOWN_VERSION {
            // Kept by the broker too: a newer program will read it. What follows it waits, since a version is missing.
            self.put_aside(sequence, "unknown_schema_version")?;
            return Ok(AckKind::Nak(Some(SOON * 4)));
        }
        let line = json!({
            "event_id": event.event_id, "type": event.r#type, "aggregate_type": event.aggregate_type,
            "aggregate_id": event.aggregate_id, "aggregate_version": event.aggregate_version,
        });
        append(&self.applied, &line)?;
        self.versions.insert(aggregate, event.aggregate_version);
        Ok(AckKind::Ack)
    }

    fn put_aside(&mut self, sequence: u64, reason: &str) -> io::Result<()> {
        if !self.set_aside.contains(&sequence) {
            append(&self.aside, &json!({"stream_sequence": sequence, "reason": reason}))?;
            self.set_aside.insert(sequence);
        }
        Ok(())
    }
}

/// All lines; half a line, left by a crash in the middle of writing, was never told to the broker and is cut off.
fn whole_lines(path: &Path) -> io::Result<Vec<Value>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        read => read?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    OpenOptions::new().write(true).open(path)?.set_len(whole as u64)?;
    text[..whole].lines().map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
}

fn append(path: &Path, line: &Value) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}
