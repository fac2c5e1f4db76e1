//! What a consumer keeps of a producer that was restored from a backup. Source: decision record 26.

use std::sync::Arc;

use chassis::{
    consumer::{Applier, Fetch, Order, Outcome, Subscription},
    testing::eventually,
};
use futures::FutureExt as _;
use prost::Message as _;
use proto::common::Envelope;
use uuid::Uuid;

use crate::{
    consumer::{event, random, send, tier},
    setup::{Bench, SOON, count},
};

/// The same event as a life of the producer tells it.
fn of(lineage: Uuid, envelope: &Envelope) -> Envelope {
    Envelope { lineage_id: lineage.to_string(), ..envelope.clone() }
}

/// A producer that has these.
fn having(events: &[Envelope]) -> Order {
    let held = events.to_vec();
    let fetch: Fetch = Arc::new(move |_, _, from| {
        let found = held.iter().filter(|event| event.aggregate_version >= from).cloned().collect();
        async move { Ok(found) }.boxed()
    });
    Order::EveryVersion(fetch)
}

/// Keeps an event aside as the running consumer does; what it was is `payload`.
async fn keep_aside(bench: &Bench, envelope: &Envelope, payload: Vec<u8>) {
    sqlx::query(
        "INSERT INTO dead_letters (consumer, stream, stream_seq, subject, event_id, aggregate_type, aggregate_id,
                                   aggregate_version, reason, error, payload, headers, died_at)
         VALUES ('reader', '', 1, '', $1, $2, $3, $4, 'refused', '', $5, '{}', now())",
    )
    .bind(&envelope.event_id)
    .bind(&envelope.aggregate_type)
    .bind(Uuid::parse_str(&envelope.aggregate_id).expect("id"))
    .bind(envelope.aggregate_version)
    .bind(payload)
    .execute(&bench.pool())
    .await
    .expect("kept");
}

const OPEN: &str = "SELECT count(*) FROM dead_letters WHERE settled_at IS NULL";

#[tokio::test]
async fn what_an_earlier_life_left_open_is_let_go_and_the_same_event_may_die_again() {
    let bench = Bench::start("restoredletters").await;
    bench.make_consumer("reader", "restoredletters.v1.>").await;
    let subscription = Subscription { stream: "RESTOREDLETTERS", ..tier() };
    bench.process.consume(subscription.clone());
    let (aggregate, first, second) = (Uuid::now_v7(), random(), Uuid::now_v7());
    let [one, three] = [1, 3].map(|version| event(aggregate, version, "changed"));
    let poison = event(aggregate, 2, "poison");
    for told in [&one, &poison, &three] {
        send(&bench, &of(first, told)).await;
    }
    eventually("two kept", SOON, || async { count(&bench.pool(), OPEN).await == 2 }).await;

    // The backup has the first two.
    for told in [&one, &poison] {
        send(&bench, &of(second, told)).await;
    }
    let again = "SELECT count(*) FROM dead_letters WHERE settled_at IS NULL AND reason = 'refused'";
    let let_go = "SELECT count(*) FROM dead_letters WHERE settlement = 'passed' AND settled_by = 'reader'";
    eventually("it died again", SOON, || async {
        count(&bench.pool(), let_go).await == 2 && count(&bench.pool(), again).await == 1
    })
    .await;
    assert_eq!(count(&bench.pool(), OPEN).await, 1);
    sqlx::query("CREATE TABLE antidote ()").execute(&bench.pool()).await.expect("table");
    let letter: i64 = sqlx::query_scalar("SELECT id FROM dead_letters WHERE settled_at IS NULL")
        .fetch_one(&bench.pool())
        .await
        .expect("letter");
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    applier.replay(letter, "two people").await.expect("replayed");
    let seen: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM effects").fetch_all(&bench.pool()).await.expect("rows");
    assert_eq!(seen, [1, 1, 2], "before the backup, and anew");
    assert_eq!(count(&bench.pool(), OPEN).await, 0);
    bench.database.remove().await;
}

#[tokio::test]
async fn the_newest_event_is_not_lost_behind_an_open_letter() {
    let bench = Bench::start("restorednewest").await;
    let (aggregate, first, second) = (Uuid::now_v7(), random(), Uuid::now_v7());
    let newest = of(second, &event(aggregate, 3, "newest"));
    let subscription = Subscription { order: having(std::slice::from_ref(&newest)), ..tier() };
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    applier.apply(&of(first, &event(aggregate, 1, "changed"))).await.expect("applied");
    let lost = of(first, &event(aggregate, 2, "poison"));
    keep_aside(&bench, &lost, lost.encode_to_vec()).await;
    // Nobody can tell in which life this one was sent.
    let garbage = event(aggregate, 2, "garbage");
    keep_aside(&bench, &garbage, vec![1, 2, 3]).await;

    for _ in 0..2 {
        assert_eq!(applier.apply(&newest).await.expect("kept behind"), Outcome::Blocked);
    }
    assert_eq!(count(&bench.pool(), OPEN).await, 1, "the garbage; the other is of an earlier life");
    let decided =
        "UPDATE dead_letters SET settled_at = now(), settlement = 'dismissed' WHERE settled_at IS NULL";
    sqlx::query(decided).execute(&bench.pool()).await.expect("dismissed");
    assert_eq!(applier.apply(&newest).await.expect("applied"), Outcome::Applied);
    assert_eq!(count(&bench.pool(), "SELECT version FROM consumer_versions").await, 3);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_letter_in_which_a_lineage_began_is_replayed() {
    let bench = Bench::start("restoredreplay").await;
    bench.make_consumer("reader", "restoredreplay.v1.>").await;
    let (aggregate, first, second) = (Uuid::now_v7(), random(), Uuid::now_v7());
    let newest = of(second, &event(aggregate, 2, "poison"));
    let order = having(std::slice::from_ref(&newest));
    let subscription = Subscription { stream: "RESTOREDREPLAY", order, ..tier() };
    bench.process.consume(subscription.clone());
    send(&bench, &of(first, &event(aggregate, 1, "changed"))).await;
    send(&bench, &newest).await;
    eventually("it is kept", SOON, || async { count(&bench.pool(), OPEN).await == 1 }).await;
    sqlx::query("CREATE TABLE antidote ()").execute(&bench.pool()).await.expect("table");
    let letter: i64 =
        sqlx::query_scalar("SELECT id FROM dead_letters").fetch_one(&bench.pool()).await.expect("letter");
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    applier.replay(letter, "two people").await.expect("replayed");
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM effects WHERE kind = 'poison'").await, 1);
    assert_eq!(count(&bench.pool(), OPEN).await, 0);
    bench.database.remove().await;
}

#[tokio::test]
async fn what_two_persons_passed_over_does_not_begin_its_aggregate_anew() {
    let bench = Bench::start("restoreddismissed").await;
    let (aggregate, second) = (Uuid::now_v7(), Uuid::now_v7());
    let poison = of(second, &event(aggregate, 1, "poison"));
    let subscription = Subscription { order: having(&[]), ..tier() };
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    keep_aside(&bench, &poison, poison.encode_to_vec()).await;
    let letter: i64 =
        sqlx::query_scalar("SELECT id FROM dead_letters").fetch_one(&bench.pool()).await.expect("letter");
    applier.dismiss(letter, "two people").await.expect("dismissed");
    let told_in: Option<Uuid> = sqlx::query_scalar("SELECT lineage_id FROM consumer_versions")
        .fetch_one(&bench.pool())
        .await
        .expect("a place");
    assert_eq!(told_in, Some(second));

    // What an earlier life left does not raise the place of this one.
    let lost = of(random(), &event(aggregate, 7, "poison"));
    keep_aside(&bench, &lost, lost.encode_to_vec()).await;
    let letter: i64 = sqlx::query_scalar("SELECT id FROM dead_letters WHERE settled_at IS NULL")
        .fetch_one(&bench.pool())
        .await
        .expect("letter");
    applier.dismiss(letter, "two people").await.expect("dismissed");
    let next = of(second, &event(aggregate, 2, "changed"));
    assert_eq!(applier.apply(&next).await.expect("applied"), Outcome::Applied);
    assert_eq!(count(&bench.pool(), "SELECT version FROM consumer_versions").await, 2);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_straggler_does_not_take_the_place_of_itself_told_anew() {
    let bench = Bench::start("restoredstraggler").await;
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), tier());
    let (aggregate, first, second) = (Uuid::now_v7(), random(), Uuid::now_v7());
    let [one, two, three] = [1, 2, 3].map(|version| event(aggregate, version, "changed"));
    applier.apply(&of(first, &one)).await.expect("applied");
    applier.apply(&of(second, &two)).await.expect("begun anew");
    // It was still on its way when the backup was restored, and stands in the backup.
    assert_eq!(applier.apply(&of(first, &three)).await.expect("passed"), Outcome::Passed);
    assert_eq!(applier.apply(&of(second, &three)).await.expect("applied"), Outcome::Applied);
    assert_eq!(applier.apply(&of(second, &three)).await.expect("passed"), Outcome::Passed);
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM effects WHERE version = 3").await, 1);
    assert_eq!(count(&bench.pool(), "SELECT version FROM consumer_versions").await, 3);
    bench.database.remove().await;
}

/// The only open letter.
async fn letter(bench: &Bench) -> i64 {
    sqlx::query_scalar("SELECT id FROM dead_letters WHERE settled_at IS NULL")
        .fetch_one(&bench.pool())
        .await
        .expect("one letter")
}

#[tokio::test]
async fn a_letter_that_nobody_can_read_does_not_raise_the_place_of_a_restored_producer() {
    let bench = Bench::start("restoredunread").await;
    let (aggregate, second) = (Uuid::now_v7(), Uuid::now_v7());
    let subscription = Subscription { order: having(&[]), ..tier() };
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    applier.apply(&of(second, &event(aggregate, 1, "changed"))).await.expect("applied");
    // Of before the restore: its version counts what is lost.
    keep_aside(&bench, &event(aggregate, 7, "garbage"), vec![1, 2, 3]).await;
    applier.dismiss(letter(&bench).await, "two people").await.expect("dismissed");
    assert_eq!(count(&bench.pool(), "SELECT version FROM consumer_versions").await, 1);
    let next = of(second, &event(aggregate, 2, "changed"));
    assert_eq!(applier.apply(&next).await.expect("applied"), Outcome::Applied);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_letter_that_nobody_can_read_is_let_go_where_its_header_names_an_earlier_life() {
    let bench = Bench::start("restoredheader").await;
    let (aggregate, first, second) = (Uuid::now_v7(), random(), Uuid::now_v7());
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), tier());
    applier.apply(&of(first, &event(aggregate, 1, "changed"))).await.expect("applied");
    keep_aside(&bench, &event(aggregate, 2, "garbage"), vec![1, 2, 3]).await;
    sqlx::query("UPDATE dead_letters SET headers = jsonb_build_object('Yuchong-Lineage-Id', $1::text)")
        .bind(first.to_string())
        .execute(&bench.pool())
        .await
        .expect("a header");
    let anew = of(second, &event(aggregate, 1, "changed"));
    assert_eq!(applier.apply(&anew).await.expect("applied"), Outcome::Applied);
    assert_eq!(count(&bench.pool(), OPEN).await, 0);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_replay_that_a_further_restore_overtakes_does_not_take_its_aggregate_back() {
    let bench = Bench::start("restoredtwice").await;
    let (aggregate, first, second, third) = (Uuid::now_v7(), random(), Uuid::now_v7(), Uuid::now_v7());
    let running = Applier::new(bench.process.units.clone(), bench.pool(), tier());
    running.apply(&of(first, &event(aggregate, 1, "changed"))).await.expect("applied");
    let poison = of(second, &event(aggregate, 2, "poison"));
    keep_aside(&bench, &poison, poison.encode_to_vec()).await;
    // While the replay asks the producer, the running consumer hears of the third life.
    let newest = of(third, &event(aggregate, 1, "newest"));
    let fetch: Fetch = Arc::new(move |_, _, _| {
        let (running, newest) = (running.clone(), newest.clone());
        async move { running.apply(&newest).await.map(|_| Vec::new()) }.boxed()
    });
    let subscription = Subscription { order: Order::EveryVersion(fetch), ..tier() };
    let replaying = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    replaying.replay(letter(&bench).await, "two people").await.expect("passed");
    let newest = "SELECT count(*) FROM effects WHERE kind = 'newest'";
    assert_eq!(count(&bench.pool(), newest).await, 1, "the third life is not begun a second time");
    let told_in: Option<Uuid> = sqlx::query_scalar("SELECT lineage_id FROM consumer_versions")
        .fetch_one(&bench.pool())
        .await
        .expect("a place");
    assert_eq!(told_in, Some(third));
    bench.database.remove().await;
}
