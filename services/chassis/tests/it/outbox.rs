//! What is announced is published, in order, and again when the broker lost it.

use chassis::testing::eventually;
use futures::StreamExt as _;
use prost::Message as _;
use proto::common::Envelope;
use uuid::Uuid;

use crate::setup::{Bench, SOON};

#[tokio::test]
async fn events_of_an_aggregate_are_published_in_order() {
    let bench = Bench::start("relayorder").await;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    bench.announce(one, 1, 40).await;
    bench.process.relay();
    bench.announce(two, 1, 40).await;
    eventually("all published", SOON, || async { bench.unpublished().await == 0 }).await;
    bench.make_consumer("reader", "relayorder.v1.>").await;
    let consumer: async_nats::jetstream::consumer::PullConsumer =
        bench.jetstream.get_consumer_from_stream("reader", bench.stream()).await.expect("consumer");
    let mut batch = consumer.fetch().max_messages(200).messages().await.expect("batch");
    let mut seen: Vec<(String, i64)> = Vec::new();
    while let Some(message) = batch.next().await {
        let message = message.expect("message");
        let envelope = Envelope::decode(message.payload.as_ref()).expect("envelope");
        let lineage = message.headers.as_ref().and_then(|headers| headers.get("Yuchong-Lineage-Id"));
        assert_eq!(lineage.map(|told| told.to_string()), Some(envelope.lineage_id));
        seen.push((envelope.aggregate_id, envelope.aggregate_version));
    }
    for id in [one, two] {
        let versions: Vec<i64> =
            seen.iter().filter(|(aggregate, _)| *aggregate == id.to_string()).map(|(_, v)| *v).collect();
        assert_eq!(versions, (1..=40).collect::<Vec<_>>());
    }
    bench.database.remove().await;
}

#[tokio::test]
async fn what_a_wiped_broker_lost_is_published_again() {
    let bench = Bench::start("relaywipe").await;
    bench.process.relay();
    bench.announce(Uuid::now_v7(), 1, 25).await;
    eventually("all published", SOON, || async {
        bench.unpublished().await == 0 && bench.messages().await == 25
    })
    .await;
    bench.make_stream().await;
    assert_eq!(bench.messages().await, 0);
    eventually("all published again", SOON, || async {
        bench.messages().await == 25 && bench.unpublished().await == 0
    })
    .await;
    bench.database.remove().await;
}

#[tokio::test]
async fn what_stood_in_a_lost_tail_is_published_again() {
    let bench = Bench::start("relaytail").await;
    bench.process.relay();
    bench.announce(Uuid::now_v7(), 1, 10).await;
    eventually("all published", SOON, || async {
        bench.unpublished().await == 0 && bench.messages().await == 10
    })
    .await;
    // Five events that the broker acknowledged as 11 to 15 and lost when the power went; it gives the numbers out again.
    sqlx::query(
        "WITH made AS (
             INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_version, subject, kind, schema_version,
                                 payload, actor, causation, occurred_at)
             SELECT gen_random_uuid(), 'thing', gen_random_uuid(), 1, 'relaytail.v1.changed', 'changed', 1, '', 'a', 'c',
                    now() FROM generate_series(1, 5) RETURNING event_id, seq)
         INSERT INTO outbox_delivery (event_id, seq, bucket, published_at, stream_seq)
         SELECT event_id, seq, 0, now(), 10 + row_number() OVER (ORDER BY seq) FROM made",
    )
    .execute(&bench.pool())
    .await
    .expect("rows");
    sqlx::query("UPDATE outbox_stream SET highest_seq = 15").execute(&bench.pool()).await.expect("mark");
    bench.announce(Uuid::now_v7(), 1, 3).await;
    eventually("all there", SOON, || async {
        bench.unpublished().await == 0 && bench.messages().await == 18
    })
    .await;
    bench.database.remove().await;
}
