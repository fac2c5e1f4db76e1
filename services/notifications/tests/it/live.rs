//! The live stream: present counts first, an item for each change, and for a slow reader at least the last one.

use std::time::Duration;

use proto::notifications::{Change, ListMessagesRequest, MarkReadRequest, WatchRequest};
use tokio::time::timeout;
use tonic::{Code, Streaming};

use crate::{
    events::{application, id},
    setup::{Broker, Office, SOON, person},
};

async fn next(stream: &mut Streaming<Change>) -> Change {
    timeout(SOON, stream.message()).await.expect("in time").expect("no error").expect("not ended")
}

/// Reads until the counts are these; items in between may be any.
async fn until(stream: &mut Streaming<Change>, open_tasks: i32, unread_messages: i32) -> Vec<Change> {
    let mut seen = Vec::new();
    loop {
        let change = next(stream).await;
        seen.push(change.clone());
        if (change.open_tasks, change.unread_messages) == (open_tasks, unread_messages) {
            return seen;
        }
    }
}

#[tokio::test]
async fn a_reader_sees_what_is_there_and_then_each_change_soon() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    let officer = person(1, "county", "410122");
    let mut stream =
        office.live().watch(office.by(&officer, WatchRequest {})).await.expect("opens").into_inner();
    let first = next(&mut stream).await;
    assert_eq!((first.kind.as_str(), first.open_tasks, first.unread_messages), ("present", 0, 0));
    let one = application(1);
    broker.publish(&one.event(2, "acceptance_submitted", "CountyReview", "county")).await;
    for kind in ["tasks", "messages"] {
        let change = next(&mut stream).await;
        assert_eq!((change.kind.as_str(), change.open_tasks, change.unread_messages), (kind, 1, 1));
        assert_eq!(change.subject_id, one.id().to_string());
    }
    // Elsewhere: nothing for this reader. Then the task leaves its desk.
    broker
        .publish(&application(2).lying_in("410200", "410202").event(
            2,
            "acceptance_submitted",
            "CountyReview",
            "county",
        ))
        .await;
    broker.publish(&one.event(3, "county_returned", "CountyReturned", "operator")).await;
    let seen = until(&mut stream, 0, 1).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    close(broker, office).await;
}

/// The service first, so that it does not look for its broker.
async fn close(broker: Broker, office: Office) {
    office.close().await;
    drop(broker);
}

#[tokio::test]
async fn a_slow_reader_loses_items_in_between_but_not_the_last() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    let officer = person(1, "county", "410122");
    let mut stream =
        office.live().watch(office.by(&officer, WatchRequest {})).await.expect("opens").into_inner();
    next(&mut stream).await;
    for n in 1..=300 {
        broker.publish(&application(n).event(2, "acceptance_submitted", "CountyReview", "county")).await;
    }
    let drained = || broker.drained();
    chassis::testing::eventually("all are consumed", SOON, drained).await;
    let seen = until(&mut stream, 300, 300).await;
    assert!(seen.len() < 600, "{}", seen.len());
    close(broker, office).await;
}

#[tokio::test]
async fn reading_messages_in_one_window_shows_in_the_other() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    office.desk.take_all(&[application(1).event(2, "acceptance_submitted", "CountyReview", "county")]).await;
    let officer = person(1, "county", "410122");
    let mut stream =
        office.live().watch(office.by(&officer, WatchRequest {})).await.expect("opens").into_inner();
    assert_eq!(next(&mut stream).await.unread_messages, 1);
    let inbox = office.messages().list_messages(office.by(&officer, ListMessagesRequest::default())).await;
    let up_to_message_id = inbox.expect("answers").into_inner().messages[0].message_id.clone();
    let body = MarkReadRequest { request_id: id(8, 1).to_string(), up_to_message_id };
    office.messages().mark_read(office.by(&officer, body)).await.expect("marks");
    until(&mut stream, 1, 0).await;
    close(broker, office).await;
}

#[tokio::test]
async fn what_another_replica_applied_shows_at_the_next_regular_look() {
    let office = Office::open_with("nats://127.0.0.1:9", |config| config.live.look_secs = 1).await;
    let officer = person(1, "county", "410122");
    let mut stream =
        office.live().watch(office.by(&officer, WatchRequest {})).await.expect("opens").into_inner();
    next(&mut stream).await;
    // `desk` is another process as far as the serving one can tell.
    office.desk.take_all(&[application(1).event(2, "acceptance_submitted", "CountyReview", "county")]).await;
    until(&mut stream, 1, 1).await;
    office.close().await;
}

#[tokio::test]
async fn places_are_limited_and_given_back() {
    let office = Office::open_with("nats://127.0.0.1:9", |config| config.live.watchers_max = 1).await;
    let officer = person(1, "county", "410122");
    let mut first =
        office.live().watch(office.by(&officer, WatchRequest {})).await.expect("opens").into_inner();
    next(&mut first).await;
    let second = office.live().watch(office.by(&officer, WatchRequest {})).await.expect_err("refused");
    assert_eq!(second.code(), Code::ResourceExhausted);
    drop(first);
    let reopened = || async { office.live().watch(office.by(&officer, WatchRequest {})).await.is_ok() };
    chassis::testing::eventually("the place is free again", Duration::from_secs(10), reopened).await;
    office.close().await;
}

#[tokio::test]
async fn a_stream_ends_in_time() {
    let office = Office::open_with("nats://127.0.0.1:9", |config| config.live.stream_secs_max = 1).await;
    let officer = person(1, "county", "410122");
    let mut stream =
        office.live().watch(office.by(&officer, WatchRequest {})).await.expect("opens").into_inner();
    next(&mut stream).await;
    let end = timeout(SOON, stream.message()).await.expect("in time").expect("no error");
    assert!(end.is_none());
    office.close().await;
}
