//! What comes from nobody that is known: it has few places, and costs stations little.
use std::time::Duration;

use chassis::testing::eventually;
use reqwest::Method as Verb;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    checks::{NOW, OPERATOR, STATUS, secrets},
    stage::Stage,
};

const JSON: &str = "application/json";
const PLAIN: &str = r#"{"ConnectorID":"1","Status":1}"#;

#[tokio::test]
async fn a_code_that_nobody_has_is_asked_for_once_and_one_address_names_only_so_many() {
    let stage = Stage::start_with(OPERATOR, secrets(), NOW, |config| {
        config.links.fresh_secs = 60;
        config.limits.strangers_per_minute = 2;
    })
    .await;
    assert_eq!(stage.call(STATUS, PLAIN).await.0, 0);
    let named = async |code: &str| {
        let body = stage.envelope(PLAIN).replace(OPERATOR, code);
        let (status, _) = stage.send(Verb::POST, STATUS, None, JSON, body).await;
        (status, stage.played.state().resolved)
    };
    assert_eq!(named("YYYY00001").await, (200, 2));
    assert_eq!(named("YYYY00001").await, (200, 2), "it is known to be nobody's");
    assert_eq!(named("YYYY00002").await, (429, 2), "the operator and one other were asked for");
    assert_eq!(stage.call(STATUS, PLAIN).await.0, 0, "whoever is known goes on");
    stage.stop();
}

/// Sends the head of a message from an address; its body is to follow.
async fn begun(stage: &Stage, from: &str, body: &str) -> TcpStream {
    let head = format!(
        "POST /evcs/v20160701/{STATUS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {JSON}\r\n\
         X-Forwarded-For: {from}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        stage.token(),
        body.len()
    );
    let mut stream = TcpStream::connect(stage.address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream
}

async fn answered(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // What was sent to somebody who did not want it may end the connection behind the answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn whoever_sends_slowly_holds_places_of_one_address_only() {
    let stage = Stage::start_with(OPERATOR, secrets(), NOW, |config| {
        config.server.forwarded_hops = 1;
        config.limits.arrivals_max = 2;
    })
    .await;
    let body = stage.envelope(PLAIN);
    let mut slow = begun(&stage, "10.0.0.1", &body).await;
    eventually("its place is taken", Duration::from_secs(5), || async {
        let mut again = begun(&stage, "10.0.0.1", &body).await;
        let _ = again.write_all(body.as_bytes()).await;
        let answer = answered(again).await;
        answer.starts_with("HTTP/1.1 503") && answer.to_lowercase().contains("retry-after")
    })
    .await;
    assert_eq!(stage.call(STATUS, PLAIN).await.0, 0, "another address has its own");
    slow.write_all(body.as_bytes()).await.expect("sent");
    assert!(answered(slow).await.starts_with("HTTP/1.1 200"));
    let free = async || {
        let mut last = begun(&stage, "10.0.0.1", &body).await;
        last.write_all(body.as_bytes()).await.expect("sent");
        answered(last).await
    };
    assert!(free().await.starts_with("HTTP/1.1 200"), "the place is free again");
    stage.stop();
}
