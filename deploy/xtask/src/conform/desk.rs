//! Where an examination takes place: a private broker with one stream, the candidate, and what it owes so far.
//!
//! Owns: publishing, comparing what is due with what was done, waiting. Not: which disorder is made; the rules do that.
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use async_nats::{
    HeaderMap,
    jetstream::{
        self, Context as JetStream,
        consumer::{AckPolicy, Info, pull},
        stream::{Config, StorageType},
    },
};
use prost::Message as _;
use proto::common::Envelope;
use tokio::time::sleep;

use super::{
    candidate::{Candidate, broken},
    recording::Recording,
};
use crate::{
    checkout::Checkout,
    ports::Port,
    probe::eventually,
    servers::{Folder, Nats, Tools},
};

/// The stream and its durable consumer, as the candidate is told.
const STREAM: &str = "RECORDED";
const DURABLE: &str = "candidate";
/// Unacknowledged messages come again after this; short, so that an examination takes seconds, and long enough for a slow disk.
const ACK_WAIT: Duration = Duration::from_secs(5);
/// A sound consumer needs a fraction of it, also on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// Everything of one examination.
#[derive(Debug)]
pub struct Desk {
    /// The consumer under examination.
    pub candidate: Candidate,
    recording: Recording,
    /// How many versions of each aggregate must have been applied, and no more.
    due: [usize; 3],
    jetstream: JetStream,
    // Dropped in this order: the broker before its folder.
    broker: Nats,
    _folder: Folder,
}

impl Desk {
    /// Starts a broker, makes the stream, starts the candidate. Errors: one of these fails.
    pub async fn open(program: PathBuf, arguments: Vec<String>, recording: Recording) -> Result<Self> {
        let tools = Tools::find_or_install()?;
        let folder = Folder::trial(&Checkout::find()?)?;
        let broker = Nats::start(&tools, &folder.path.join("nats"), Port::Free).await?;
        let url = broker.url();
        let jetstream = jetstream::new(async_nats::connect(&url).await?);
        let stream = Config {
            name: STREAM.to_owned(),
            subjects: vec!["reviews.v1.>".to_owned()],
            storage: StorageType::File,
            // The shortest there is: what is sent again after it reaches the consumer, as in production after 10 minutes.
            duplicate_window: Duration::from_millis(100),
            ..Config::default()
        };
        jetstream.create_stream(stream).await?;
        let settings =
            [("YUCHONG_NATS_URL", url.as_str()), ("YUCHONG_STREAM", STREAM), ("YUCHONG_CONSUMER", DURABLE)];
        let candidate = Candidate::new(&folder.path, program, arguments, &settings)?;
        let mut desk = Self { candidate, recording, due: [0; 3], jetstream, broker, _folder: folder };
        desk.make_consumer().await?;
        desk.candidate.start()?;
        Ok(desk)
    }

    /// Ends the candidate and the broker. Errors: the broker had to be killed.
    pub async fn close(mut self) -> Result<()> {
        self.candidate.kill();
        self.broker.stop().await
    }

    /// Makes the durable consumer, which begins at the stream's start. Errors: the broker refuses.
    async fn make_consumer(&self) -> Result<()> {
        let wanted = pull::Config {
            durable_name: Some(DURABLE.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: 256,
            ..pull::Config::default()
        };
        self.jetstream.create_consumer_on_stream(wanted, STREAM).await?;
        Ok(())
    }

    /// Has the broker deliver the whole stream once more: the durable consumer is made anew.
    ///
    /// The candidate must not run. Errors: the broker refuses.
    pub async fn rewind(&self) -> Result<()> {
        self.jetstream.get_stream(STREAM).await?.delete_consumer(DURABLE).await?;
        self.make_consumer().await
    }

    /// Publishes a recorded event as it was; gives its place in the stream. Errors: it was not recorded.
    pub async fn publish(&self, aggregate: usize, version: usize) -> Result<u64> {
        self.publish_as(aggregate, version, |_| {}).await
    }

    /// Publishes a recorded event after a change. Errors: as [`Desk::publish`].
    pub async fn publish_as(
        &self,
        aggregate: usize,
        version: usize,
        change: impl FnOnce(&mut Envelope),
    ) -> Result<u64> {
        let mut event = self.recording.event(aggregate, version)?.clone();
        change(&mut event);
        self.send(&event, event.encode_to_vec()).await
    }

    /// Publishes other bytes in the place of a recorded event. Errors: as [`Desk::publish`].
    pub async fn publish_bytes(
        &self,
        aggregate: usize,
        version: usize,
        bytes: impl FnOnce(Vec<u8>) -> Vec<u8>,
    ) -> Result<u64> {
        let event = self.recording.event(aggregate, version)?;
        self.send(event, bytes(event.encode_to_vec())).await
    }

    /// Publishes until the broker no longer takes it for a repetition.
    async fn send(&self, event: &Envelope, bytes: Vec<u8>) -> Result<u64> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", event.event_id.as_str());
        eventually(PATIENCE, "the broker's duplicate window ends", || async {
            let sent = self.jetstream.publish_with_headers(
                event.subject.clone(),
                headers.clone(),
                bytes.clone().into(),
            );
            let taken = sent.await?.await?;
            Ok((!taken.duplicate).then_some(taken.sequence))
        })
        .await
    }

    /// So many versions of an aggregate must have been applied from now on.
    pub fn expect(&mut self, aggregate: usize, versions: usize) {
        self.due[aggregate] = versions;
    }

    /// Waits until all that is due has been applied, nothing else, and the broker has nothing open but `held` messages.
    ///
    /// Errors: something was applied twice, out of order or too early; it does not come, or is not acknowledged.
    pub async fn settled(&mut self, held: usize) -> Result<()> {
        let start = Instant::now();
        loop {
            // The broker first: what was applied before an acknowledgement is seen then.
            let info = self.info().await?;
            let missing = look(&mut self.candidate, &self.recording, &self.due)?;
            let open = usize::try_from(info.num_pending)? + info.num_ack_pending;
            match missing {
                None if open <= held => return Ok(()),
                Some(missing) if start.elapsed() > PATIENCE => {
                    return broken(format!("{missing} within {} s", PATIENCE.as_secs()));
                }
                None if start.elapsed() > PATIENCE => {
                    return broken(format!("{open} messages were not acknowledged"));
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Waits until a message is named in `set_aside.jsonl`. Errors: it is not.
    pub async fn wait_until_set_aside(&mut self, sequence: u64) -> Result<()> {
        let start = Instant::now();
        loop {
            self.candidate.keep_running()?;
            if self.candidate.set_aside()?.iter().any(|line| line.stream_sequence == sequence) {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return broken(format!(
                    "message {sequence} was not set aside within {} s",
                    PATIENCE.as_secs()
                ));
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits until the candidate, whose disk is full, has had a message and could not write it.
    ///
    /// Errors: it acknowledged all the same.
    pub async fn write_refused(&mut self) -> Result<()> {
        let before: usize = self.due.iter().sum();
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let ended = self.candidate.ended();
            let info = self.info().await?;
            if info.num_pending == 0 && info.num_ack_pending == 0 {
                let written = self.candidate.applied()?.len() > before;
                ensure!(!written, "the disk could not be filled: does it run outside of its process group?");
                return broken("it acknowledged what it had not written".to_owned());
            }
            if ended || info.num_redelivered > 0 {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        broken("it never took the message".to_owned())
    }

    async fn info(&self) -> Result<Info> {
        let found = self.jetstream.get_consumer_from_stream::<pull::Config, _, _>(DURABLE, STREAM);
        Ok(found.await.context("the consumer is gone")?.cached_info().clone())
    }
}

/// Compares what was applied with what is due: nothing is missing (`None`), or what is.
fn look(candidate: &mut Candidate, recording: &Recording, due: &[usize; 3]) -> Result<Option<String>> {
    candidate.keep_running()?;
    let mut done = [0; 3];
    for line in candidate.applied()? {
        let Some(at) = recording.position(&line.aggregate_id) else {
            return broken(format!("applied for an unknown aggregate {}", line.aggregate_id));
        };
        let (name, version) = (NAMES[at], line.aggregate_version);
        if version != i64::try_from(done[at])? + 1 {
            return broken(format!("version {version} of {name} was applied after version {}", done[at]));
        }
        done[at] += 1;
        if done[at] > due[at] {
            return broken(format!("version {version} of {name} was applied and must not be yet"));
        }
        if line.event_id != recording.event(at, done[at])?.event_id {
            return broken(format!("version {version} of {name} has the event_id {}", line.event_id));
        }
    }
    let late = (0..3).find(|&at| done[at] < due[at]);
    Ok(late.map(|at| format!("version {} of {} was not applied", done[at] + 1, NAMES[at])))
}

/// What the aggregates are called in messages to people.
const NAMES: [&str; 3] = ["the first application", "the second application", "the third application"];
