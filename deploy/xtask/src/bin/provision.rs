//! `provision`: makes the broker's streams and durable consumers, as a job of a deployment.
//!
//! Owns: its arguments. Not: the table, which is `deploy/nats/streams.toml`, compiled in.
use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use xtask::provision::{Broker, Protection, provision_at};

/// Makes the streams and durable consumers of Yuchong 豫充; safe to repeat. YUCHONG_STREAM_BYTES and
/// YUCHONG_STREAM_REPLICAS override two limits of the table.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The broker, `nats://host:port` or `tls://host:port`.
    #[arg(long, env = "YUCHONG_BROKER_URL")]
    broker: String,
    /// File with the NKey seed of the one user that may change streams; none where the broker asks for none.
    #[arg(long, env = "YUCHONG_BROKER_NKEY_FILE")]
    nkey_file: Option<PathBuf>,
    /// File with the certificates (PEM) that the broker's own is signed by; none: those of the system.
    #[arg(long, env = "YUCHONG_BROKER_AUTHORITY")]
    authority: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { broker, nkey_file, authority } = Arguments::parse();
    match provision_at(&Broker { url: broker, nkey_file, authority }, Protection::Denied).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("provision: {error:#}");
            ExitCode::FAILURE
        }
    }
}
