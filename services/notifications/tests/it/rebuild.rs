//! A rebuild from the streams gives the same rows, beside a running service, and interrupted changes nothing.

use chassis::{dead_letters::Letters, testing::eventually};
use notifications::rebuild;
use proto::{
    common::Envelope,
    notifications::{ListMessagesRequest, MarkReadRequest},
};

use crate::{
    events::{account_event, application, id, order_event, timed},
    letters::{both, settle},
    setup::{Broker, Office, SOON, person},
};

/// Twelve lives in two orders, two accounts, and repetitions as a republished outbox makes them.
async fn publish_history(broker: &Broker) {
    let orders = [id(4, 1), id(4, 2)];
    let mut all: Vec<Envelope> = Vec::new();
    for n in 1..=12 {
        let order = orders[usize::try_from(n % 2).expect("fits")];
        let life = application(n).member_of(order).whole_life();
        let life = life.iter().map(|event| timed(event, 5, if n % 3 == 0 { "red" } else { "" }, 1));
        all.extend(life.take(usize::try_from(n + 4).expect("fits")));
    }
    for (n, order) in (1..).zip(orders) {
        all.push(order_event(order, 1, "joint_review_launched", &[id(7, 70 + n)], &[]));
        all.push(order_event(order, 2, "order_frozen", &[], &[id(1, n)]));
    }
    for n in 1..=2 {
        all.push(account_event(n, 1, "registered", "Pending", true));
        all.push(account_event(n, 2, "approved", "Active", false));
    }
    all.push(account_event(2, 3, "profile_changed", "Active", true));
    for event in all.iter().chain(&all[..20]) {
        broker.publish(event).await;
    }
}

async fn drained(broker: &Broker) {
    eventually("all are consumed", SOON, || broker.drained()).await;
}

#[tokio::test]
async fn a_rebuild_gives_the_same_rows_and_keeps_what_was_read() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    publish_history(&broker).await;
    drained(&broker).await;
    let before = office.desk.digest().await;
    assert_eq!(before.worklist.rows, 14);
    assert_eq!(office.desk.audit().await, 0);
    let officer = person(1, "county", "410122");
    let inbox = office.messages().list_messages(office.by(&officer, ListMessagesRequest::default())).await;
    let up_to_message_id = inbox.expect("answers").into_inner().messages[0].message_id.clone();
    let body = MarkReadRequest { request_id: id(8, 1).to_string(), up_to_message_id };
    office.messages().mark_read(office.by(&officer, body)).await.expect("marks");
    for damage in
        ["DELETE FROM worklist WHERE open", "DELETE FROM messages", "UPDATE worklist SET version = 99"]
    {
        sqlx::query(damage).execute(&office.desk.process.pool).await.expect("damaged");
    }
    let summary = rebuild::run(&office.desk.process, &broker.url, false).await.expect("rebuilds");
    assert!(summary.applied > 100 && summary.passed >= 20 && summary.skipped == 0, "{summary:?}");
    assert_eq!(office.desk.digest().await, before);
    assert_eq!(office.desk.audit().await, 0);
    let inbox = office.messages().list_messages(office.by(&officer, ListMessagesRequest::default())).await;
    assert_eq!(inbox.expect("answers").into_inner().unread, 0);
    office.close().await;
}

#[tokio::test]
async fn events_that_arrive_during_a_rebuild_are_neither_lost_nor_doubled() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    publish_history(&broker).await;
    let stream = async {
        for n in 100..=180 {
            for event in &application(n).whole_life()[..7] {
                broker.publish(event).await;
            }
        }
    };
    let (rebuilt, ()) = tokio::join!(rebuild::run(&office.desk.process, &broker.url, false), stream);
    rebuilt.expect("rebuilds");
    drained(&broker).await;
    assert_eq!(office.desk.audit().await, 0);
    let city = "SELECT count(*) FROM worklist WHERE open AND desk = 'city:410100' AND version = 7
                AND application_no >= 'HN2026-000100'";
    assert_eq!(office.desk.count(city).await, 81);
    let after = office.desk.digest().await;
    rebuild::run(&office.desk.process, &broker.url, false).await.expect("rebuilds");
    assert_eq!(office.desk.digest().await, after);
    office.close().await;
}

#[tokio::test]
async fn a_rebuild_leaves_dead_letters_and_what_waits_behind_them() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    let life = application(1).whole_life();
    broker.publish(&life[0]).await;
    broker.publish_bytes(&life[2], b"not an envelope".to_vec()).await;
    drained(&broker).await;
    broker.publish(&life[5]).await;
    broker.publish(&application(2).whole_life()[0]).await;
    drained(&broker).await;
    assert_eq!(office.desk.count("SELECT count(*) FROM dead_letters WHERE settled_at IS NULL").await, 2);
    let before = office.desk.digest().await;
    rebuild::run(&office.desk.process, &broker.url, false).await.expect("rebuilds");
    assert_eq!(office.desk.digest().await, before);
    assert_eq!(
        office.desk.count("SELECT version FROM worklist WHERE application_no = 'HN2026-000001'").await,
        1
    );
    office.close().await;
}

#[tokio::test]
async fn without_a_broker_or_with_a_cut_stream_nothing_changes() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    publish_history(&broker).await;
    drained(&broker).await;
    let before = office.desk.digest().await;
    rebuild::run(&office.desk.process, "nats://127.0.0.1:9", false).await.expect_err("nobody listens there");
    let stream = broker.jetstream.get_stream("REVIEWS").await.expect("stream");
    stream.purge().keep(30).await.expect("cut");
    let error = rebuild::run(&office.desk.process, &broker.url, false).await.expect_err("cut");
    assert!(error.to_string().contains("--accept-cut-stream"), "{error}");
    assert_eq!(office.desk.digest().await, before);
    rebuild::run(&office.desk.process, &broker.url, true).await.expect("accepted");
    office.close().await;
}

#[tokio::test]
async fn what_was_rebuilt_goes_on_in_the_lineage_that_was_read() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    let told = |event: &Envelope| Envelope {
        lineage_id: "0192f7a0-0000-7000-8000-000000000000".into(),
        ..event.clone()
    };
    let life: Vec<Envelope> = application(1).whole_life().iter().map(told).collect();
    broker.publish(&life[0]).await;
    broker.publish(&life[1]).await;
    drained(&broker).await;
    rebuild::run(&office.desk.process, &broker.url, false).await.expect("rebuilds");
    broker.publish(&life[2]).await;
    drained(&broker).await;
    assert_eq!(office.desk.count("SELECT count(*) FROM inbox").await, 3, "the aggregate was begun anew");
    office.close().await;
}

#[tokio::test]
async fn what_two_persons_dismissed_stays_dismissed() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    let one = application(1);
    broker.publish(&one.event(1, "drafted", "Draft", "operator")).await;
    broker.publish(&one.event(2, "county_returned", "Nowhere", "operator")).await;
    drained(&broker).await;
    let letter = office.desk.count("SELECT id FROM dead_letters").await;
    settle(&office.desk.process, Letters::Dismiss(both(letter))).await.expect("settles");
    broker.publish(&one.event(3, "paper_check_passed", "MaterialsDue", "operator")).await;
    drained(&broker).await;
    let before = office.desk.digest().await;
    assert_eq!(office.desk.count("SELECT version FROM worklist").await, 3);
    rebuild::run(&office.desk.process, &broker.url, false).await.expect("rebuilds");
    assert_eq!(office.desk.digest().await, before);
    assert_eq!(office.desk.audit().await, 0);
    office.close().await;
}
