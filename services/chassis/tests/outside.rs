//! Callers from outside on a real server: what they may take of it.

use std::{net::SocketAddr, time::Duration};

use chassis::{
    Process,
    rpc::{Access, Who},
    testing::{TestDatabase, eventually, free_port, nats_url, settings},
};
use futures::{future::join_all, stream};
use http::Uri;
use proto::stations::{StatusBatch, ingest_client::IngestClient};
use tonic::{
    Code, Status,
    body::Body,
    service::RoutesBuilder,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

const CHECK: &str = "/grpc.health.v1.Health/Check";
/// Nothing but health is served, to anyone.
const HEALTH: &[Access] = &[Access { method: CHECK, who: &[Who::Anyone] }];
/// Requests of strangers that are on their way at a time. Source: decision record 41.
const ARRIVING: usize = 256;

fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy()
}

/// Begins a call that anyone may make, and never says what is asked.
async fn begin(channel: Channel) -> Status {
    let to_health = |mut request: http::Request<Body>| {
        *request.uri_mut() = Uri::from_static(CHECK);
        request
    };
    let mut client = IngestClient::new(channel.map_request(to_health));
    client.send_status(stream::pending::<StatusBatch>()).await.expect_err("no answer without a question")
}

#[tokio::test]
async fn strangers_from_outside_have_few_places_and_little_time_and_take_nothing_from_inside() {
    let database = TestDatabase::create().await;
    let mut served = settings(&database, &nats_url());
    let (inside, outside) = (free_port(), free_port());
    served.server.grpc_addr = inside;
    served.server.outside_addr = outside.to_string();
    let process = Process::start("served", &served).await.expect("starts");
    tokio::spawn(process.serve_outside(RoutesBuilder::default(), HEALTH, &[CHECK]));
    let ask = async |address| HealthClient::new(channel(address)).check(HealthCheckRequest::default()).await;
    eventually("both ports answer", Duration::from_secs(10), || async {
        ask(inside).await.is_ok() && ask(outside).await.is_ok()
    })
    .await;
    // A connection holds some hundred calls at most.
    let strangers: Vec<_> = (0..4).map(|_| channel(outside)).collect();
    let begun = join_all((0..=ARRIVING).map(|number| begin(strangers[number % strangers.len()].clone())));
    let (begun, served) = tokio::join!(begun, ask(inside));
    served.expect("inside everybody is served");
    let (refused, ended): (Vec<_>, Vec<_>) =
        begun.into_iter().partition(|status| status.code() == Code::ResourceExhausted);
    assert_eq!(refused.len(), 1, "one more than there are places: {refused:?}");
    assert!(refused[0].get_error_details().retry_info().is_some(), "when to come again");
    for status in ended {
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "too_slow"));
    }
    ask(outside).await.expect("their places are free again");
    database.remove().await;
}
