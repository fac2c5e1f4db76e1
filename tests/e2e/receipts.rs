//! A receiver of webhooks says over HTTPS what became of an event, and the administrator reads it beside the delivery.
//!
//! Which receipts are believed and which is live: the tests of notifications.
use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use system_tests::{PASSWORD, System, pages::Browser};
use time::OffsetDateTime;
use xtask::{driver::clock::instant, services::Service, trial::Plan};

/// Headers of a message that a secret has signed.
fn headers(secret: &str, at: OffsetDateTime, body: &str) -> Result<String> {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_"))?;
    let timestamp = at.unix_timestamp();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = hmac::sign(&key, format!("receipt-1.{timestamp}.{body}").as_bytes());
    let signature = STANDARD.encode(signature.as_ref());
    Ok(format!(
        "Content-Type: application/json\r\nwebhook-id: receipt-1\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: v1,{signature}\r\n"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receivers_receipt_stands_beside_the_delivery() -> Result<()> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    let administrator = system.official("desk01", "administrator", &["410000"]).await?;
    let issued =
        administrator.subscribe("短信网关", "https://hooks.example.invalid/", &["reviews.approved"]).await?;
    let sent = administrator.send_test(&issued.subscription_id).await?;
    let body = serde_json::json!({
        "event_id": sent.event_id, "kind": "sms", "status": "failed", "code": "EXPIRED", "at": "2020-11-22T10:06:03+08:00",
    })
    .to_string();
    let gateway = Browser::at(&system)?;
    let path = format!("/webhooks/{}/receipts", issued.subscription_id);
    let forged = gateway.call(&path, &headers("whsec_AAAA", instant(), &body)?, body.as_bytes()).await?;
    assert!(forged.status == 401 && forged.text.contains("receipt_refused"), "{}", forged.text);
    for result in ["recorded", "repeated"] {
        let signed = headers(&issued.secret, instant(), &body)?;
        let answer = gateway.call(&path, &signed, body.as_bytes()).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer: serde_json::Value = serde_json::from_str(&answer.text).context("JSON")?;
        assert_eq!(
            (answer["result"].as_str(), answer["live"]["status"].as_str()),
            (Some(result), Some("failed"))
        );
    }

    let browser = Browser::at(&system)?;
    browser.sign_in("desk01", PASSWORD).await?;
    let log = format!("/system/subscriptions/{}", issued.subscription_id);
    let shown = browser.get(&log).await?;
    assert!(shown.text.contains("sms 未办成（EXPIRED）"), "{}", shown.words());
    let shown = browser.get(&format!("{log}/deliveries/{}", sent.delivery_id)).await?;
    assert!(shown.text.contains("对方回执") && shown.text.contains("EXPIRED"), "{}", shown.words());
    system.finish().await
}
