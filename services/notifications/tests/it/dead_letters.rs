//! What can never be applied is kept, stops its own aggregate only, and goes on after a replay by two persons.

use chassis::dead_letters::Letters;
use chassis::testing::eventually;

use crate::letters::{both, settle};
use prost::Message as _;
use proto::reviews::ApplicationEvent;

use crate::{
    events::application,
    setup::{Broker, Office, SOON},
};

const OPEN: &str = "SELECT count(*) FROM dead_letters WHERE settled_at IS NULL";

async fn drained(broker: &Broker) {
    eventually("all are consumed", SOON, || broker.drained()).await;
}

#[tokio::test]
async fn an_event_that_contradicts_itself_stops_its_own_aggregate_only() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    let one = application(1);
    broker.publish(&one.event(1, "drafted", "Draft", "operator")).await;
    let mut wrong = one.event(2, "county_returned", "CountyReturned", "operator");
    let mut payload = ApplicationEvent::decode(wrong.payload.clone()).expect("ours");
    payload.to_stage = "Somewhere".into();
    wrong.payload = payload.encode_to_vec().into();
    broker.publish(&wrong).await;
    broker.publish(&one.event(3, "paper_check_passed", "MaterialsDue", "operator")).await;
    broker.publish(&application(2).event(1, "drafted", "Draft", "operator")).await;
    drained(&broker).await;
    assert_eq!(office.desk.count(OPEN).await, 2);
    assert_eq!(office.desk.count("SELECT count(*) FROM worklist").await, 2);
    assert_eq!(office.desk.count("SELECT max(version) FROM worklist").await, 1);
    office.close().await;
}

#[tokio::test]
async fn a_mended_letter_is_replayed_with_what_waited_behind_it() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    let one = application(1);
    // The table refuses a version that it will accept later: a fault that was mended meanwhile.
    let pool = &office.desk.process.pool;
    sqlx::query("ALTER TABLE worklist ADD CONSTRAINT fault CHECK (stage <> 'CountyReturned')")
        .execute(pool)
        .await
        .expect("fault");
    for (version, kind, stage) in [
        (1, "drafted", "Draft"),
        (2, "county_returned", "CountyReturned"),
        (3, "paper_check_passed", "MaterialsDue"),
    ] {
        broker.publish(&one.event(version, kind, stage, "operator")).await;
    }
    let two = || async { office.desk.count(OPEN).await == 2 };
    eventually("eight tries are over", std::time::Duration::from_secs(60), two).await;
    sqlx::query("ALTER TABLE worklist DROP CONSTRAINT fault").execute(pool).await.expect("mended");
    let letter = office.desk.count("SELECT min(id) FROM dead_letters").await;
    settle(&office.desk.process, Letters::Replay(both(letter))).await.expect("replays");
    assert_eq!(office.desk.count(OPEN).await, 0);
    assert_eq!(office.desk.count("SELECT version FROM worklist").await, 3);
    assert_eq!(
        office.desk.count("SELECT count(*) FROM dead_letters WHERE settled_by = 'zhang + li'").await,
        2
    );
    assert_eq!(office.desk.audit().await, 0);
    office.close().await;
}

#[tokio::test]
async fn a_dismissed_letter_is_settled_and_cannot_be_settled_twice() {
    let broker = Broker::start().await;
    let office = Office::open(&broker.url).await;
    broker.publish_bytes(&application(1).event(1, "drafted", "Draft", "operator"), vec![255]).await;
    let one = || async { office.desk.count(OPEN).await == 1 };
    eventually("the letter is kept", SOON, one).await;
    let letter = office.desk.count("SELECT id FROM dead_letters").await;
    settle(&office.desk.process, Letters::Dismiss(both(letter))).await.expect("settles");
    let again = settle(&office.desk.process, Letters::Dismiss(both(letter))).await;
    assert_eq!(again.expect_err("settled").reason(), "not_found");
    office.close().await;
}
