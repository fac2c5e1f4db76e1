//! Operators' systems at the port for callers from outside: what one of them may take of it.
use std::time::Duration;

use chassis::{
    error::Refusal,
    testing::{eventually, free_port},
};
use proto::stations::{Receipt, StatusBatch, ingest_client::IngestClient};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

use crate::harness::{Platform, Signed, Who, operator};

/// Calls of one operator at a time. Source: decision record 41.
const OWN: usize = 16;

/// A stream that is open for as long as both ends are kept.
type Open = (mpsc::Sender<StatusBatch>, Streaming<Receipt>);

async fn open(mut client: IngestClient<Signed>) -> Result<Open, Status> {
    let (sender, batches) = mpsc::channel(1);
    let receipts = client.push_status(ReceiverStream::new(batches)).await?.into_inner();
    Ok((sender, receipts))
}

#[tokio::test]
async fn an_operator_has_so_many_calls_at_a_time_and_leaves_places_to_the_others() {
    let outside = free_port();
    let platform = Platform::start_with(|config| config.server.outside_addr = outside.to_string()).await;
    eventually("the port is open", Duration::from_secs(10), || async {
        tokio::net::TcpStream::connect(outside).await.is_ok()
    })
    .await;
    let channel = Channel::from_shared(format!("http://{outside}")).expect("an address").connect_lazy();
    let ingest =
        |number| IngestClient::new(platform.signed_through(channel.clone(), Who::Ingest(operator(number))));
    let mut streams = Vec::new();
    for _ in 0..OWN {
        streams.push(open(ingest(1)).await.expect("a place"));
    }
    let batch =
        || StatusBatch { batch_id: "batch".into(), items: vec![platform.item("S1-1", 1, 5)], pulled: false };
    let sent = async |number| ingest(number).send_status(tokio_stream::iter([batch()])).await;
    for refused in [open(ingest(1)).await.map(drop), sent(1).await.map(drop)] {
        let status = refused.expect_err("no place is left");
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(Refusal::read(&status).expect("details").reason, "too_many_calls");
    }
    sent(2).await.expect("another operator has places of its own");
    platform
        .ingest(operator(1))
        .push_status(tokio_stream::empty::<StatusBatch>())
        .await
        .expect("inside nothing changes");

    // A stream that ends gives its place back.
    streams.pop();
    eventually("a place is free", Duration::from_secs(10), || async { sent(1).await.is_ok() }).await;
    drop(streams);
    platform.stop().await;
}
