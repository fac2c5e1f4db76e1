//! Creates the broker's streams and durable consumers and proves that the server kept every field.
//!
//! Owns: `deploy/nats/streams.toml` made real. Not: publishing and consuming; services never create streams.
use std::{fmt, fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use async_nats::jetstream::{
    self, Context as JetStream,
    consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull},
    stream::{Config as StreamConfig, DiscardPolicy, RetentionPolicy, StorageType},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The table of streams and consumers.
pub const TABLE: &str = include_str!("../../nats/streams.toml");

/// The whole table. Source: `deploy/nats/README.md`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What all streams and consumers have in common.
    pub limits: Limits,
    /// One for each producing service.
    #[serde(rename = "stream")]
    pub streams: Vec<Stream>,
    /// Every durable consumer.
    #[serde(rename = "consumer")]
    pub consumers: Vec<Consumer>,
}

/// Figures shared by all. Source: reliability, sections 4 and 5.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Days after which the broker forgets a message.
    pub max_age_days: u64,
    /// Seconds in which a repeated message id is recognised.
    pub duplicate_window_secs: u64,
    /// Bytes that one stream may hold before it refuses new messages.
    pub max_bytes: i64,
    /// Bytes that one message may have.
    pub max_message_bytes: i32,
    /// Copies of a stream in the broker's cluster.
    pub replicas: usize,
    /// Seconds until an unacknowledged message is delivered again.
    pub ack_wait_secs: u64,
    /// Messages delivered and not acknowledged at one time.
    pub max_ack_pending: i64,
}

/// A stream of one producing service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Upper-case name of the producing service.
    pub name: String,
    /// The one wildcard of its subjects.
    pub subject: String,
}

/// A durable pull consumer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// Its name, `<service>-<what>`.
    pub durable: String,
    /// The stream that it reads.
    pub stream: String,
    /// The one wildcard of what it gets.
    pub filter: String,
}

/// Whether streams can be emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Deleting and purging messages is denied, for ever: the server never takes it back.
    Denied,
    /// A test may purge.
    Open,
}

/// A field that the server kept differently from what was asked, or dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The stream or consumer.
    pub object: String,
    /// The field's name in the server's own JSON.
    pub field: String,
    /// What was asked for.
    pub wanted: String,
    /// What the server says it has.
    pub kept: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {} asked {}, kept {}", self.object, self.field, self.wanted, self.kept)
    }
}

impl Table {
    /// Reads the compiled-in table; `YUCHONG_STREAM_BYTES` and `YUCHONG_STREAM_REPLICAS` override two limits.
    ///
    /// Errors: the table or an override is not valid.
    pub fn load() -> Result<Self> {
        let mut table: Table = toml::from_str(TABLE).context("deploy/nats/streams.toml is not valid")?;
        if let Ok(bytes) = std::env::var("YUCHONG_STREAM_BYTES") {
            table.limits.max_bytes =
                bytes.parse().context("YUCHONG_STREAM_BYTES is not a number of bytes")?;
        }
        if let Ok(replicas) = std::env::var("YUCHONG_STREAM_REPLICAS") {
            table.limits.replicas = replicas.parse().context("YUCHONG_STREAM_REPLICAS is not a number")?;
        }
        Ok(table)
    }

    /// Gives the full configuration wanted for a stream.
    pub fn stream_config(&self, stream: &Stream, protection: Protection) -> StreamConfig {
        let denied = protection == Protection::Denied;
        StreamConfig {
            name: stream.name.clone(),
            subjects: vec![stream.subject.clone()],
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            discard: DiscardPolicy::New,
            max_age: Duration::from_secs(self.limits.max_age_days * 86_400),
            max_bytes: self.limits.max_bytes,
            max_message_size: self.limits.max_message_bytes,
            max_messages: -1,
            max_messages_per_subject: -1,
            max_consumers: -1,
            duplicate_window: Duration::from_secs(self.limits.duplicate_window_secs),
            num_replicas: self.limits.replicas,
            deny_delete: denied,
            deny_purge: denied,
            ..StreamConfig::default()
        }
    }

    /// Gives the full configuration wanted for a consumer.
    pub fn consumer_config(&self, consumer: &Consumer) -> pull::Config {
        pull::Config {
            durable_name: Some(consumer.durable.clone()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(self.limits.ack_wait_secs),
            max_deliver: -1,
            max_ack_pending: self.limits.max_ack_pending,
            filter_subject: consumer.filter.clone(),
            replay_policy: ReplayPolicy::Instant,
            ..pull::Config::default()
        }
    }
}

/// How to reach a broker.
#[derive(Clone, Debug, Default)]
pub struct Broker {
    /// `nats://host:port` or `tls://host:port`.
    pub url: String,
    /// File with the NKey seed to sign in with.
    pub nkey_file: Option<PathBuf>,
    /// File with the certificates (PEM) that the broker's own is signed by.
    pub authority: Option<PathBuf>,
}

impl Broker {
    async fn connect(&self) -> Result<async_nats::Client> {
        let mut options =
            async_nats::ConnectOptions::new().name("provision").custom_inbox_prefix("_INBOX.provision");
        if let Some(file) = &self.nkey_file {
            let seed = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
            options = options.nkey(seed.trim().to_owned());
        }
        if let Some(file) = &self.authority {
            options = options.add_root_certificates(file.clone()).require_tls(true);
        }
        options.connect(&self.url).await.with_context(|| format!("no connection to {}", self.url))
    }
}

/// Provisions a broker that asks for nothing. Errors: as [`provision_at`].
pub async fn provision(url: &str, protection: Protection) -> Result<()> {
    provision_at(&Broker { url: url.to_owned(), ..Broker::default() }, protection).await
}

/// Creates or updates everything in the table and compares. Safe to repeat.
///
/// Errors: the broker is away or refuses; a field was dropped or kept otherwise, each named.
pub async fn provision_at(broker: &Broker, protection: Protection) -> Result<()> {
    let table = Table::load()?;
    let client = broker.connect().await?;
    let context = jetstream::new(client);
    let mut differences = Vec::new();
    for stream in &table.streams {
        differences.extend(make_stream(&context, table.stream_config(stream, protection)).await?);
    }
    for consumer in &table.consumers {
        differences.extend(make_consumer(&context, &consumer.stream, table.consumer_config(consumer)).await?);
    }
    loud(&differences)
}

/// Makes one stream and tells which fields the server did not keep. Errors: the server refuses.
pub async fn make_stream(context: &JetStream, wanted: StreamConfig) -> Result<Vec<Difference>> {
    let name = wanted.name.clone();
    context
        .create_or_update_stream(wanted.clone())
        .await
        .with_context(|| format!("stream {name} cannot be created or updated"))?;
    let stream = context.get_stream(&name).await.with_context(|| format!("stream {name} is not there"))?;
    compare(&format!("stream {name}"), &wanted, &stream.cached_info().config)
}

/// Makes one consumer and tells which fields the server did not keep. Errors: the server refuses.
pub async fn make_consumer(
    context: &JetStream,
    stream: &str,
    wanted: pull::Config,
) -> Result<Vec<Difference>> {
    let name = wanted.durable_name.clone().unwrap_or_default();
    let what = format!("consumer {stream}/{name}");
    let made = context.create_consumer_on_stream(wanted.clone(), stream).await;
    let mut made = made.with_context(|| format!("{what} cannot be created or updated"))?;
    let kept = made.info().await.with_context(|| format!("{what} is not there"))?;
    compare(&what, &wanted, &kept.config)
}

/// Compares field by field what was asked with what was kept; fields that were not asked for are the server's.
fn compare(object: &str, wanted: &impl Serialize, kept: &impl Serialize) -> Result<Vec<Difference>> {
    let wanted = serde_json::to_value(wanted)?;
    let kept = serde_json::to_value(kept)?;
    let Value::Object(fields) = wanted else { bail!("{object}: the configuration is not an object") };
    let mut differences = Vec::new();
    for (field, wanted) in fields {
        let kept = kept.get(&field).unwrap_or(&Value::Null);
        if !wanted.is_null() && wanted != *kept {
            let (wanted, kept) = (wanted.to_string(), kept.to_string());
            differences.push(Difference { object: object.to_owned(), field, wanted, kept });
        }
    }
    Ok(differences)
}

fn loud(differences: &[Difference]) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = differences.iter().map(|difference| format!("  {difference}")).collect();
    bail!("the broker did not keep what it was asked for; is it too old?\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_a_stream_for_every_consumer_and_one_filter_inside_it() {
        let table = Table::load().unwrap();
        assert_eq!(table.streams.len(), 4);
        for consumer in &table.consumers {
            let stream = table.streams.iter().find(|stream| stream.name == consumer.stream).unwrap();
            let root = stream.subject.trim_end_matches('>');
            assert!(consumer.filter.starts_with(root), "{}", consumer.durable);
        }
    }

    #[test]
    fn a_dropped_and_a_changed_field_are_named() {
        let table = Table::load().unwrap();
        let wanted = table.stream_config(&table.streams[0], Protection::Denied);
        let kept = StreamConfig { deny_purge: false, max_bytes: 7, ..wanted.clone() };
        let found = compare("stream ACCOUNTS", &wanted, &kept).unwrap();
        let fields: Vec<_> = found.iter().map(|difference| difference.field.as_str()).collect();
        assert_eq!(fields, ["deny_purge", "max_bytes"]);
        let said = loud(&found).unwrap_err().to_string();
        assert!(said.contains("stream ACCOUNTS: deny_purge asked true, kept null"), "{said}");
        assert!(compare("stream ACCOUNTS", &wanted, &wanted).unwrap().is_empty());
    }
}
