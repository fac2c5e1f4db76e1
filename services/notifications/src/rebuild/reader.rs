//! Reads one stream from its first message to the last one that stood there when it was asked.

use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::jetstream::{
    self, Message,
    consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
    stream::Stream,
};
use futures::TryStreamExt as _;

/// Messages of one batch.
const BATCH: usize = 500;
/// The consumer goes by itself this long after the command ended.
const LINGER: Duration = Duration::from_secs(300);
/// Batches in a row that may come back empty before the stream counts as unreadable.
const EMPTY_MAX: u32 = 30;

/// An ephemeral consumer over one stream.
pub(super) struct Reader {
    /// Name of the stream.
    pub(super) stream: &'static str,
    handle: Stream,
    consumer: PullConsumer,
    reached: u64,
    target: u64,
}

impl Reader {
    /// Opens the stream at its first message.
    pub(super) async fn open(
        jetstream: &jetstream::Context,
        stream: &'static str,
        accept_cut: bool,
    ) -> anyhow::Result<Reader> {
        let handle =
            jetstream.get_stream(stream).await.with_context(|| format!("cannot open stream {stream}"))?;
        let first = handle.cached_info().state.first_sequence;
        if first > 1 && !accept_cut {
            bail!(
                "stream {stream} starts at message {first}: older events are gone, and what they alone tell would be \
                 lost; publish them again (outbox republish) or accept it with --accept-cut-stream"
            );
        }
        let consumer = handle
            .create_consumer(pull::Config {
                description: Some("rebuild of notifications".into()),
                deliver_policy: DeliverPolicy::All,
                ack_policy: AckPolicy::All,
                max_ack_pending: -1,
                inactive_threshold: LINGER,
                ..pull::Config::default()
            })
            .await
            .with_context(|| format!("cannot read stream {stream}"))?;
        Ok(Reader { stream, handle, consumer, reached: 0, target: 0 })
    }

    /// Sets the end: the last message that the stream holds now.
    pub(super) async fn aim(&mut self) -> anyhow::Result<()> {
        let info =
            self.handle.get_info().await.with_context(|| format!("cannot ask stream {}", self.stream))?;
        self.target = if info.state.messages == 0 { 0 } else { info.state.last_sequence };
        Ok(())
    }

    /// The next messages; `None` when the end is reached.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Message>>> {
        let mut empty = 0;
        while self.reached < self.target {
            let batch = self.fetch().await?;
            if let Some(last) = batch.last() {
                self.reached = last.info().map_err(|error| anyhow::anyhow!(error))?.stream_sequence;
                // Acknowledges all before it; only for this consumer, which ends with the command.
                last.ack().await.map_err(|error| anyhow::anyhow!(error))?;
                return Ok(Some(batch));
            }
            empty += 1;
            if empty > EMPTY_MAX {
                bail!("stream {} stopped at message {} of {}", self.stream, self.reached, self.target);
            }
        }
        Ok(None)
    }

    async fn fetch(&self) -> anyhow::Result<Vec<Message>> {
        let messages = self
            .consumer
            .batch()
            .max_messages(BATCH)
            .expires(Duration::from_secs(1))
            .messages()
            .await
            .with_context(|| format!("cannot read stream {}", self.stream))?;
        messages.try_collect().await.map_err(|error| anyhow::anyhow!(error))
    }
}
