//! What leaves for people. A change records the intent; this worker performs it: one JSON line per delivery, appended
//! to a local file that only its owner can read. The delivery's id stands in the line, so a repetition after a crash can be told.

use std::{io, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use chassis::{Caller, Failure, Units};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use tokio::io::AsyncWriteExt as _;

use crate::store::deliveries::{self, Delivery};

/// How often the worker looks for something to send.
const POLL: Duration = Duration::from_millis(250);
/// Pause after the database or the file refused.
const BACK_OFF: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Line<'a> {
    id: String,
    to: &'a str,
    kind: &'a str,
    text: &'a str,
    at: String,
}

/// Sends what waits, for ever.
pub async fn run(units: Units, outbox_file: impl AsRef<Path>) {
    loop {
        match send_next(&units, outbox_file.as_ref()).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(POLL).await,
            Err(error) => {
                tracing::warn!(error = %chassis::error::chain(&error), "delivery failed");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// Sends everything that waits, then stops: for commands at the console.
///
/// # Errors
/// The database or the file.
pub async fn drain(units: &Units, outbox_file: &Path) -> Result<(), Failure> {
    while send_next(units, outbox_file).await? {}
    Ok(())
}

/// Sends the oldest delivery that waits; false where none does.
async fn send_next(units: &Units, file: &Path) -> Result<bool, Failure> {
    let mut work = units.begin(Caller::system("sender")).await?;
    let claimed = deliveries::claim(work.db()).await?;
    work.commit().await?;
    let Some(delivery) = claimed else { return Ok(false) };
    let sent = append(file, &delivery).await;
    let mut work = units.begin(Caller::system("sender")).await?;
    match &sent {
        Ok(()) => deliveries::performed(work.db(), delivery.id).await?,
        Err(error) => deliveries::failed(work.db(), delivery.id, &error.kind().to_string()).await?,
    }
    work.commit().await?;
    sent.map(|()| true).map_err(Failure::internal)
}

async fn append(path: &Path, delivery: &Delivery) -> io::Result<()> {
    let line = Line {
        id: delivery.id.to_string(),
        to: &delivery.recipient,
        kind: &delivery.kind,
        text: &delivery.text,
        at: delivery.created_at.format(&Rfc3339).map_err(io::Error::other)?,
    };
    let mut text = serde_json::to_string(&line)?;
    text.push('\n');
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    let mut file = tokio::fs::OpenOptions::from(options).open(path).await?;
    file.write_all(text.as_bytes()).await?;
    file.sync_data().await
}
