//! What a consumer may rely on: each event once, in order, and a bad message stops nobody else.

use std::sync::Arc;

use async_nats::jetstream::message::PublishMessage;
use chassis::{
    consumer::{Applier, Apply, Order, Outcome, Subscription},
    testing::eventually,
};
use futures::FutureExt as _;
use prost::Message as _;
use proto::common::Envelope;
use uuid::Uuid;

use crate::setup::{Bench, SOON, count};

/// Writes each event down; refuses kind "poison" while the table `antidote` does not exist.
pub fn note() -> Apply {
    Arc::new(|work, event| {
        async move {
            let envelope = event.envelope;
            if envelope.r#type == "poison" {
                let cured: bool = sqlx::query_scalar("SELECT to_regclass('antidote') IS NOT NULL")
                    .fetch_one(work.db())
                    .await?;
                if !cured {
                    return Err(chassis::Failure::refused("poison", "不可以"));
                }
            }
            sqlx::query("INSERT INTO effects VALUES ($1, $2, $3)")
                .bind(Uuid::parse_str(&envelope.aggregate_id).expect("id"))
                .bind(envelope.aggregate_version)
                .bind(envelope.r#type)
                .execute(work.db())
                .await?;
            Ok(())
        }
        .boxed()
    })
}

pub fn event(aggregate: Uuid, version: i64, kind: &str) -> Envelope {
    Envelope {
        event_id: Uuid::now_v7().to_string(),
        r#type: kind.to_owned(),
        schema_version: 1,
        aggregate_type: "thing".into(),
        aggregate_id: aggregate.to_string(),
        aggregate_version: version,
        ..Envelope::default()
    }
}

/// A lineage as a new database has it.
pub fn random() -> Uuid {
    uuid::Builder::from_random_bytes([7; 16]).into_uuid()
}

pub async fn send(bench: &Bench, envelope: &Envelope) {
    let mut message = PublishMessage::build()
        .payload(envelope.encode_to_vec().into())
        .header("Yuchong-Aggregate-Id", envelope.aggregate_id.as_str());
    if !envelope.traceparent.is_empty() {
        message = message.header("traceparent", envelope.traceparent.as_str());
    }
    bench
        .jetstream
        .send_publish(format!("{}.v1.changed", bench.name), message)
        .await
        .expect("sent")
        .await
        .expect("kept");
}

pub fn tier() -> Subscription {
    Subscription {
        stream: "",
        durable: "reader",
        order: Order::Tier,
        apply: note(),
        late: None,
        forget: chassis::consumer::nothing_to_forget(),
    }
}

#[tokio::test]
async fn an_event_delivered_twice_acts_once() {
    let bench = Bench::start("consumetwice").await;
    bench.make_consumer("reader", "consumetwice.v1.>").await;
    bench.process.consume(Subscription { stream: "CONSUMETWICE", ..tier() });
    let envelope = event(Uuid::now_v7(), 1, "changed");
    send(&bench, &envelope).await;
    send(&bench, &envelope).await;
    let last = event(Uuid::now_v7(), 1, "last");
    send(&bench, &last).await;
    eventually("last applied", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM effects WHERE kind = 'last'").await == 1
    })
    .await;
    eventually("first applied", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM effects WHERE kind = 'changed'").await == 1
    })
    .await;
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM inbox").await, 2);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_tier_ignores_what_it_has_passed() {
    let bench = Bench::start("consumepassed").await;
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), tier());
    let aggregate = Uuid::now_v7();
    for version in [3, 1, 2, 5] {
        applier.apply(&event(aggregate, version, "changed")).await.expect("applied");
    }
    assert_eq!(count(&bench.pool(), "SELECT sum(version)::bigint FROM effects").await, 8);
    bench.database.remove().await;
}

#[tokio::test]
async fn what_a_tier_has_passed_has_its_late_effect_once_and_moves_no_place() {
    let bench = Bench::start("consumelate").await;
    let late: Apply = Arc::new(|work, event| {
        async move {
            let late =
                chassis::consumer::Event { envelope: Envelope { r#type: "late".into(), ..event.envelope } };
            note()(work, late).await
        }
        .boxed()
    });
    let subscription = Subscription { late: Some(late), ..tier() };
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    let aggregate = Uuid::now_v7();
    let passed = event(aggregate, 1, "changed");
    for envelope in [&event(aggregate, 3, "changed"), &passed, &passed, &event(aggregate, 4, "changed")] {
        applier.apply(envelope).await.expect("applied");
    }
    let effects = "SELECT string_agg(version || kind, ' ' ORDER BY version) FROM effects";
    let effects: String = sqlx::query_scalar(effects).fetch_one(&bench.pool()).await.expect("rows");
    assert_eq!(effects, "1late 3changed 4changed");
    assert_eq!(count(&bench.pool(), "SELECT version FROM consumer_versions").await, 4);
    bench.database.remove().await;
}

#[tokio::test]
async fn an_aggregate_of_a_restored_producer_is_begun_anew_and_stragglers_are_passed() {
    let bench = Bench::start("consumerestored").await;
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), tier());
    let (aggregate, first, second) = (Uuid::now_v7(), random(), Uuid::now_v7());
    let of = |lineage: Uuid, envelope: Envelope| Envelope { lineage_id: lineage.to_string(), ..envelope };
    let kept = event(aggregate, 1, "kept");
    let lost = event(aggregate, 2, "lost");
    for told in [of(first, kept.clone()), of(first, lost.clone()), of(first, event(aggregate, 3, "lost"))] {
        assert_eq!(applier.apply(&told).await.expect("applied"), Outcome::Applied);
    }
    // The backup knew of the first one alone; what is told again and what is new have their effect, once.
    for told in [of(second, kept.clone()), of(second, event(aggregate, 2, "new"))] {
        assert_eq!(applier.apply(&told).await.expect("applied"), Outcome::Applied);
        assert_eq!(applier.apply(&told).await.expect("passed"), Outcome::Passed);
    }
    assert_eq!(
        applier.apply(&of(first, event(aggregate, 4, "lost"))).await.expect("passed"),
        Outcome::Passed
    );
    let seen: Vec<String> =
        sqlx::query_scalar("SELECT kind FROM effects").fetch_all(&bench.pool()).await.expect("rows");
    assert_eq!(seen, ["kept", "lost", "lost", "kept", "new"]);
    assert_eq!(count(&bench.pool(), "SELECT version FROM consumer_versions").await, 2);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_consumer_of_every_version_takes_up_a_restored_producer_at_its_newest_event() {
    let bench = Bench::start("consumetakeup").await;
    let (aggregate, second) = (Uuid::now_v7(), Uuid::now_v7());
    let told = |version| Envelope { lineage_id: second.to_string(), ..event(aggregate, version, "told") };
    let kept: Vec<Envelope> = (4..=6).map(told).collect();
    let held = kept.clone();
    let fetch: chassis::consumer::Fetch = Arc::new(move |_, _, from| {
        let found = held.iter().filter(|event| event.aggregate_version >= from).cloned().collect();
        async move { Ok(found) }.boxed()
    });
    let subscription = Subscription { order: Order::EveryVersion(fetch), ..tier() };
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    let first = random().to_string();
    for version in 1..=8 {
        let before = Envelope { lineage_id: first.clone(), ..event(aggregate, version, "before") };
        applier.apply(&before).await.expect("applied");
    }
    for event in &kept {
        applier.apply(event).await.expect("applied");
    }
    let seen: Vec<i64> = sqlx::query_scalar("SELECT version FROM effects WHERE kind = 'told'")
        .fetch_all(&bench.pool())
        .await
        .expect("rows");
    assert_eq!(seen, [6], "the newest one alone, because it carries the whole state");
    assert_eq!(count(&bench.pool(), "SELECT version FROM consumer_versions").await, 6);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_gap_is_filled_from_the_producer_before_going_on() {
    let bench = Bench::start("consumegap").await;
    let aggregate = Uuid::now_v7();
    let missing: Vec<Envelope> = (1..=3).map(|version| event(aggregate, version, "changed")).collect();
    let fetch: chassis::consumer::Fetch = Arc::new(move |_, _, from| {
        let found = missing.iter().filter(|event| event.aggregate_version >= from).cloned().collect();
        async move { Ok(found) }.boxed()
    });
    let applier = Applier::new(
        bench.process.units.clone(),
        bench.pool(),
        Subscription { order: Order::EveryVersion(fetch), ..tier() },
    );
    applier.apply(&event(aggregate, 3, "changed")).await.expect("applied");
    let seen: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM effects").fetch_all(&bench.pool()).await.expect("rows");
    assert_eq!(seen, [1, 2, 3]);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_gap_that_its_producer_cannot_fill_is_kept_aside_and_others_go_on() {
    let bench = Bench::start("consumehole").await;
    bench.make_consumer("reader", "consumehole.v1.>").await;
    let order = Order::EveryVersion(Arc::new(|_, _, _| async { Ok(Vec::new()) }.boxed()));
    bench.process.consume(Subscription { stream: "CONSUMEHOLE", order, ..tier() });
    let cut = Uuid::now_v7();
    send(&bench, &event(cut, 3, "changed")).await;
    send(&bench, &event(cut, 4, "changed")).await;
    send(&bench, &event(Uuid::now_v7(), 1, "changed")).await;
    let kept =
        "SELECT count(*) FROM dead_letters WHERE (aggregate_version, reason) IN ((3, 'gap'), (4, 'blocked'))";
    eventually("both kept aside", SOON, || async { count(&bench.pool(), kept).await == 2 }).await;
    eventually("applied", SOON, || async { count(&bench.pool(), "SELECT count(*) FROM effects").await == 1 })
        .await;
}

#[tokio::test]
async fn what_waited_for_a_gap_is_replayed_once_its_producer_has_what_was_missing() {
    let bench = Bench::start("consumefilled").await;
    bench.make_consumer("reader", "consumefilled.v1.>").await;
    let nothing = Order::EveryVersion(Arc::new(|_, _, _| async { Ok(Vec::new()) }.boxed()));
    let subscription = Subscription { stream: "CONSUMEFILLED", order: nothing, ..tier() };
    bench.process.consume(subscription.clone());
    let aggregate = Uuid::now_v7();
    send(&bench, &event(aggregate, 2, "changed")).await;
    let kept = "SELECT count(*) FROM dead_letters WHERE reason = 'gap'";
    eventually("kept aside", SOON, || async { count(&bench.pool(), kept).await == 1 }).await;
    let first = event(aggregate, 1, "changed");
    let found: chassis::consumer::Fetch = Arc::new(move |_, _, _| {
        let found = vec![first.clone()];
        async move { Ok(found) }.boxed()
    });
    let letter: i64 =
        sqlx::query_scalar("SELECT id FROM dead_letters").fetch_one(&bench.pool()).await.expect("letter");
    let subscription = Subscription { order: Order::EveryVersion(found), ..subscription };
    Applier::new(bench.process.units.clone(), bench.pool(), subscription)
        .replay(letter, "two people")
        .await
        .expect("replayed");
    let seen: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM effects").fetch_all(&bench.pool()).await.expect("rows");
    assert_eq!(seen, [1, 2]);
    bench.database.remove().await;
}

#[tokio::test]
async fn what_waits_is_applied_together_and_a_bad_message_among_it_stops_nobody() {
    let bench = Bench::start("consumemany").await;
    bench.make_consumer("reader", "consumemany.v1.>").await;
    for version in 1..=10 {
        for number in 1..=8_u128 {
            let kind = if (number, version) == (3, 4) { "poison" } else { "changed" };
            let heard = event(Uuid::from_u128(number), version, kind);
            send(&bench, &heard).await;
            if number == 1 {
                send(&bench, &heard).await;
            }
        }
    }
    bench.process.consume(Subscription { stream: "CONSUMEMANY", ..tier() });
    eventually("applied", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM effects").await == 73
    })
    .await;
    assert_eq!(
        count(&bench.pool(), "SELECT count(*) FROM dead_letters").await,
        7,
        "the bad one and six behind it"
    );
    let disorder = "SELECT count(*) FROM (SELECT version - lag(version) OVER (PARTITION BY aggregate ORDER BY ctid) AS step
                    FROM effects) AS steps WHERE step <> 1";
    assert_eq!(count(&bench.pool(), disorder).await, 0);
    let transactions = count(&bench.pool(), "SELECT count(DISTINCT xmin::text) FROM effects").await;
    assert!(transactions < 73, "{transactions} transactions for 73 events");
}

#[tokio::test]
async fn what_is_announced_together_keeps_its_own_cause_and_trace() {
    let bench = Bench::start("consumeecho").await;
    bench.make_consumer("reader", "consumeecho.v1.>").await;
    let mut wanted = Vec::new();
    for number in 1..=40_u128 {
        let traceparent = format!("00-{number:032x}-00f067aa0ba902b7-01");
        let heard = Envelope { traceparent, ..event(Uuid::from_u128(number), 1, "changed") };
        send(&bench, &heard).await;
        wanted.push((heard.event_id, format!("{number:032x}")));
    }
    let echo: Apply = Arc::new(|work, event| {
        async move {
            work.announce(chassis::Announcement {
                aggregate_type: "echo",
                aggregate_id: Uuid::parse_str(&event.envelope.aggregate_id).expect("id"),
                aggregate_version: 1,
                subject: "echo.v1.changed".into(),
                kind: "changed",
                payload: Vec::new(),
                round_id: None,
                policy_version: 0,
            });
            Ok(())
        }
        .boxed()
    });
    bench.process.consume(Subscription { stream: "CONSUMEECHO", apply: echo, ..tier() });
    eventually("announced", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM outbox").await == 40
    })
    .await;
    let kept: Vec<(String, String)> =
        sqlx::query_as("SELECT causation, split_part(trace, '-', 2) FROM outbox ORDER BY aggregate_id")
            .fetch_all(&bench.pool())
            .await
            .expect("rows");
    assert_eq!(kept, wanted);
    let transactions = count(&bench.pool(), "SELECT count(DISTINCT xmin::text) FROM outbox").await;
    assert!(transactions < 40, "{transactions} transactions for 40 events");
    bench.database.remove().await;
}

#[tokio::test]
async fn a_message_that_does_not_decode_is_kept_and_others_go_on() {
    let bench = Bench::start("consumegarbage").await;
    bench.make_consumer("reader", "consumegarbage.v1.>").await;
    bench.process.consume(Subscription { stream: "CONSUMEGARBAGE", ..tier() });
    bench
        .jetstream
        .publish("consumegarbage.v1.changed", "\u{1}garbage".into())
        .await
        .expect("sent")
        .await
        .expect("kept");
    send(&bench, &event(Uuid::now_v7(), 1, "changed")).await;
    eventually("the good one applied", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM effects").await == 1
    })
    .await;
    eventually("the bad one kept", SOON, || async {
        count(
            &bench.pool(),
            "SELECT count(*) FROM dead_letters WHERE reason = 'undecodable' AND settled_at IS NULL",
        )
        .await
            == 1
    })
    .await;
    bench.database.remove().await;
}

#[tokio::test]
async fn a_dead_letter_blocks_its_aggregate_until_it_is_replayed() {
    let bench = Bench::start("consumeblocked").await;
    bench.make_consumer("reader", "consumeblocked.v1.>").await;
    let subscription = Subscription { stream: "CONSUMEBLOCKED", ..tier() };
    bench.process.consume(subscription.clone());
    let (sick, healthy) = (Uuid::now_v7(), Uuid::now_v7());
    send(&bench, &event(sick, 1, "poison")).await;
    send(&bench, &event(sick, 2, "changed")).await;
    send(&bench, &event(healthy, 1, "changed")).await;
    eventually("two kept", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM dead_letters").await == 2
    })
    .await;
    eventually("the healthy one applied", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM effects").await == 1
    })
    .await;
    sqlx::query("CREATE TABLE antidote ()").execute(&bench.pool()).await.expect("table");
    let letter: i64 = sqlx::query_scalar("SELECT id FROM dead_letters WHERE reason = 'refused'")
        .fetch_one(&bench.pool())
        .await
        .expect("letter");
    Applier::new(bench.process.units.clone(), bench.pool(), subscription)
        .replay(letter, "two people")
        .await
        .expect("replayed");
    let seen: Vec<i64> = sqlx::query_scalar("SELECT version FROM effects WHERE aggregate = $1")
        .bind(sick)
        .fetch_all(&bench.pool())
        .await
        .expect("rows");
    assert_eq!(seen, [1, 2]);
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM dead_letters WHERE settled_at IS NULL").await, 0);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_dismissed_letter_lets_the_later_versions_follow() {
    let bench = Bench::start("consumedismissed").await;
    let aggregate = Uuid::now_v7();
    let poison = event(aggregate, 1, "poison");
    let known = poison.clone();
    let fetch: chassis::consumer::Fetch = Arc::new(move |_, _, from| {
        let found = if from <= 1 { vec![known.clone()] } else { Vec::new() };
        async move { Ok(found) }.boxed()
    });
    bench.make_consumer("reader", "consumedismissed.v1.>").await;
    let subscription =
        Subscription { stream: "CONSUMEDISMISSED", order: Order::EveryVersion(fetch), ..tier() };
    bench.process.consume(subscription.clone());
    send(&bench, &poison).await;
    eventually("the first kept", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM dead_letters").await == 1
    })
    .await;
    let letter: i64 =
        sqlx::query_scalar("SELECT id FROM dead_letters").fetch_one(&bench.pool()).await.expect("letter");
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    applier.dismiss(letter, "two people").await.expect("dismissed");
    send(&bench, &event(aggregate, 2, "changed")).await;
    eventually("the second applied", SOON, || async {
        count(&bench.pool(), "SELECT count(*) FROM effects WHERE version = 2").await == 1
    })
    .await;
    bench.database.remove().await;
}

#[tokio::test]
async fn what_comes_while_a_letter_is_replayed_does_not_stay_behind_it() {
    let bench = Bench::start("consumeovertaken").await;
    bench.make_consumer("reader", "consumeovertaken.v1.>").await;
    let subscription = Subscription { stream: "CONSUMEOVERTAKEN", ..tier() };
    bench.process.consume(subscription.clone());
    let aggregate = Uuid::now_v7();
    send(&bench, &event(aggregate, 1, "poison")).await;
    let kept = || async { count(&bench.pool(), "SELECT count(*) FROM dead_letters").await == 1 };
    eventually("it is kept", SOON, kept).await;
    sqlx::query("CREATE TABLE antidote ()").execute(&bench.pool()).await.expect("table");
    let letter: i64 =
        sqlx::query_scalar("SELECT id FROM dead_letters").fetch_one(&bench.pool()).await.expect("letter");
    // Nobody writes a letter: the later event has been found blocked, and is not kept yet when the replay begins.
    let mut held = bench.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE dead_letters IN SHARE MODE").execute(&mut *held).await.expect("locked");
    send(&bench, &event(aggregate, 2, "changed")).await;
    let waits = "SELECT count(*) FROM pg_locks WHERE relation = 'dead_letters'::regclass AND NOT granted";
    eventually("it waits", SOON, || async { count(&bench.pool(), waits).await == 1 }).await;
    let applier = Applier::new(bench.process.units.clone(), bench.pool(), subscription);
    let replay = tokio::spawn(async move { applier.replay(letter, "two people").await });
    let effects = "SELECT count(*) FROM effects";
    eventually("the letter is applied", SOON, || async { count(&bench.pool(), effects).await == 1 }).await;
    held.commit().await.expect("unlocked");
    replay.await.expect("not aborted").expect("replayed");
    eventually("the later one is applied", SOON, || async { count(&bench.pool(), effects).await == 2 }).await;
    let open = "SELECT count(*) FROM dead_letters WHERE settled_at IS NULL";
    assert_eq!(count(&bench.pool(), open).await, 0);
    bench.database.remove().await;
}
