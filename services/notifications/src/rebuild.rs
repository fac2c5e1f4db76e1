//! `rebuild --from-stream`: makes worklist, messages, work orders, inbox and consumer places anew from the streams.
//!
//! Safe beside a running service: rows are made in temporary tables first, while the consumers go on; then the
//! consumers are held back by a lock on `inbox`, the last events are read, and the real rows are replaced, all in one
//! transaction. Readers see the old rows until the commit; an interrupted rebuild changes nothing; a second one waits.
//! What people have read stays, because a message keeps its id.

mod reader;
mod replay;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_nats::jetstream;
use chassis::{Caller, Process, Work};
use serde::Serialize;

use crate::{
    events::{ACCOUNTS, REVIEWS},
    store,
};
use reader::Reader;
use replay::Replay;

/// How long the broker may take to connect.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// What the command prints as one JSON object.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Messages read.
    pub events: u64,
    /// Effects applied.
    pub applied: u64,
    /// Repetitions and versions already passed.
    pub passed: u64,
    /// Left to dead letters, or behind one.
    pub skipped: u64,
    /// From the first message to the commit.
    pub seconds: f64,
}

/// Rebuilds from the beginning of both streams.
///
/// # Errors
/// The broker or the database is away; a stream no longer starts at its first message and `accept_cut` is not set;
/// versions of an account are missing and `accept_cut` is not set. Nothing has changed then.
pub async fn run(process: &Process, broker_url: &str, accept_cut: bool) -> anyhow::Result<Summary> {
    let started = Instant::now();
    let options = async_nats::ConnectOptions::new()
        .name("notifications-rebuild")
        .custom_inbox_prefix("_INBOX.rebuild")
        .connection_timeout(CONNECT_WAIT);
    let servers = chassis::secure::servers(broker_url).context("setting rebuild.broker_url")?;
    let client = options.connect(servers).await.context("cannot reach the broker")?;
    let jetstream = jetstream::new(client);
    let mut readers = Vec::new();
    for stream in [REVIEWS, ACCOUNTS] {
        readers.push(Reader::open(&jetstream, stream, accept_cut).await?);
    }
    let mut work = process.units.begin(Caller::system("notifications-rebuild")).await?;
    store::rebuild::shadow(work.db()).await?;
    let mut replay = Replay::new(accept_cut);
    // While the consumers go on.
    replay.note_letters(&process.pool).await?;
    read_all(&mut work, &mut replay, &mut readers).await?;
    // With the consumers held back: what they applied meanwhile stands in the streams already.
    store::rebuild::hold_consumers(work.db()).await?;
    replay.note_letters(&process.pool).await?;
    read_all(&mut work, &mut replay, &mut readers).await?;
    store::rebuild::swap(work.db()).await?;
    work.commit().await?;
    let mut summary = replay.summary;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

async fn read_all(work: &mut Work, replay: &mut Replay, readers: &mut [Reader]) -> anyhow::Result<()> {
    for reader in readers {
        reader.aim().await?;
        while let Some(batch) = reader.next().await? {
            replay.take(work, reader.stream, &batch).await?;
        }
    }
    Ok(())
}
