//! Whatever notifications shows can be made again: rebuilt from the streams, or published again by the producers.
//!
//! Source: reliability 3.8; a rebuild gives the same rows.
use anyhow::{Context as _, Result};
use system_tests::{System, cases::Stage};
use xtask::{driver::clock::instant, services::Service};

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_from_the_streams_and_a_republished_outbox_give_the_same_rows() -> Result<()> {
    let system = System::start().await?;
    let first = system.application().at(Stage::CountyReview).await?;
    system.application().of(&first.company).at(Stage::ProvincialReview).await?;
    system.county("410105").await?.send_back(&first.view, "请核对", &["manager"]).await?;
    system.drained().await?;
    let before = rows(&system).await?;
    assert!(before.iter().any(|row| row.contains("CountyReturned")) && before.len() > 10, "{before:#?}");

    system.platform().command(Service::Notifications, &["rebuild", "--from-stream"]).await?;
    assert_eq!(rows(&system).await?, before);

    let to = instant().format(&time::format_description::well_known::Rfc3339)?;
    let arguments = ["outbox", "republish", "--from", "2020-01-01T00:00:00Z", "--to", &to];
    let again = system.platform().command(Service::Reviews, &arguments).await?;
    let events = system.count(Service::Reviews, "SELECT count(*) FROM outbox").await?;
    assert_eq!(again.output.trim().parse::<i64>().context("the number of events")?, events);
    system.drained().await?;
    assert_eq!(rows(&system).await?, before);

    // A damaged worklist is healed by a rebuild.
    let damage = "UPDATE worklist SET stage = 'Draft', version = 1 WHERE subject_type = 'application'";
    sqlx::query(damage).execute(system.database(Service::Notifications)?).await?;
    assert!(system.worklists_equal_nodes().await.is_err());
    system.platform().command(Service::Notifications, &["rebuild", "--from-stream"]).await?;
    assert_eq!(rows(&system).await?, before);
    system.finish().await
}

/// Every task and message, as text.
async fn rows(system: &System) -> Result<Vec<String>> {
    let tasks = "SELECT w::text FROM worklist w ORDER BY subject_type, subject_id";
    let messages = "SELECT m::text FROM messages m ORDER BY message_id";
    let mut rows = system.texts(Service::Notifications, tasks).await?;
    rows.extend(system.texts(Service::Notifications, messages).await?);
    Ok(rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_is_told_when_a_task_comes_and_messages_are_read_once() -> Result<()> {
    let system = System::start().await?;
    let county = system.county("410105").await?;
    let mut changes = county.watch().await?;
    let present = changes.message().await?.context("the stream begins with what is there")?;
    assert_eq!((present.kind.as_str(), present.open_tasks), ("present", 0));
    let case = system.application().at(Stage::CountyReview).await?;
    let change = loop {
        let change = changes.message().await?.context("the stream goes on")?;
        if change.open_tasks == 1 {
            break change;
        }
    };
    assert_eq!(change.subject_id, case.id());

    let inbox = county.inbox().await?;
    let newest = inbox.messages.first().context("the county was told")?;
    assert_eq!((newest.kind.as_str(), newest.application_id.as_str()), ("acceptance_submitted", case.id()));
    assert!(newest.text.contains(&case.view.application_no), "{}", newest.text);
    assert_eq!(county.mark_read(&newest.message_id).await?, inbox.unread);
    assert_eq!(county.inbox().await?.unread, 0);
    assert_eq!(county.mark_read(&newest.message_id).await?, 0);
    system.finish().await
}
