//! Receipts of outside systems: a program calls the portal, and is answered as a program.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::guards::{Answer, ask, portal};

const ADDRESS: &str = "/webhooks/01942f3c-7d1e-7c2a-9d5b-3f1c1e0a7b11/receipts";

async fn sent(body: Body) -> Answer {
    let request = Request::post(ADDRESS)
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", "7")
        .header("webhook-timestamp", "1795312800")
        .header("webhook-signature", "v1,AAAA")
        .body(body)
        .expect("a request");
    ask(&portal(|_| {}), request).await
}

fn read(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.text).expect("JSON")
}

#[tokio::test]
async fn a_receipt_needs_no_form_and_is_answered_in_json_also_while_notifications_is_away() {
    let answer = sent(Body::from(r#"{"event_id":"7"}"#)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert_eq!(read(&answer)["reason"], "service_unavailable");
}

#[tokio::test]
async fn a_receipt_that_is_too_long_is_refused_in_json() {
    let answer = sent(Body::from("x".repeat(20_000))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text);
    assert_eq!(read(&answer)["reason"], "receipt_unreadable");
}
