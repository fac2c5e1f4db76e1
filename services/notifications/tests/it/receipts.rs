//! Receipts: a receiver that signs with its secret says what became of an event, and nobody else does.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chassis::clock::unix_seconds;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proto::notifications::{
    CreateSubscriptionRequest, Delivery, GetDeliveryRequest, ListDeliveriesRequest, ReportReceiptRequest,
    ReportReceiptResponse, RotateSecretRequest, SubscriptionSecret,
};
use serde_json::json;
use sha2::Sha256;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::{
    events::{application, id},
    setup::{Office, person},
};

/// Where nobody listens: events are brought to the consumers directly, and deliveries wait.
const NOBODY: &str = "nats://127.0.0.1:9";

/// A message with the signature of a secret as it was shown.
fn signed(by: &SubscriptionSecret, body: &serde_json::Value) -> ReportReceiptRequest {
    signed_at(by, body, unix_seconds())
}

fn signed_at(by: &SubscriptionSecret, body: &serde_json::Value, at: i64) -> ReportReceiptRequest {
    let body = body.to_string();
    let key = STANDARD.decode(by.secret.trim_start_matches("whsec_")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.update(format!("receipt-1.{at}.{body}").as_bytes());
    ReportReceiptRequest {
        subscription_id: by.subscription_id.clone(),
        webhook_id: "receipt-1".into(),
        webhook_timestamp: at.to_string(),
        webhook_signature: format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())),
        body: body.into_bytes().into(),
    }
}

fn sms(event_id: &str, status: &str, at: &str) -> serde_json::Value {
    json!({ "event_id": event_id, "kind": "sms", "status": status, "code": "0", "at": at })
}

struct Desk {
    office: Office,
    event_id: String,
}

impl Desk {
    /// An event that every subscription of `subscribers` wanted.
    async fn open<const N: usize>() -> (Desk, [SubscriptionSecret; N]) {
        let office = Office::open(NOBODY).await;
        let mut subscribers = Vec::new();
        for n in 0..N {
            let request = CreateSubscriptionRequest {
                request_id: id(79, u128::try_from(n).expect("few")).to_string(),
                name: "短信网关".into(),
                url: "http://127.0.0.1:9/".into(),
                event_types: vec!["reviews.*".into()],
                prefecture: String::new(),
            };
            let li = person(1, "administrator", "410000");
            let answer = office.webhooks().create_subscription(office.by(&li, request)).await;
            subscribers.push(answer.expect("subscribed").into_inner());
        }
        let event = application(1).event(1, "drafted", "Draft", "operator");
        office.desk.take(&event).await.expect("applies");
        let desk = Desk { office, event_id: event.event_id };
        (desk, subscribers.try_into().expect("as many as asked for"))
    }

    async fn report(&self, request: ReportReceiptRequest) -> Result<ReportReceiptResponse, Status> {
        let mut request = Request::new(request);
        let bearer = format!("Bearer {}", self.office.portal_token()).parse().expect("a header value");
        request.metadata_mut().insert("authorization", bearer);
        Ok(self.office.receipts().report_receipt(request).await?.into_inner())
    }

    async fn log(&self, of: &SubscriptionSecret) -> Vec<Delivery> {
        let request = ListDeliveriesRequest {
            subscription_id: of.subscription_id.clone(),
            ..ListDeliveriesRequest::default()
        };
        let request = self.office.by(&person(1, "administrator", "410000"), request);
        self.office.webhooks().list_deliveries(request).await.expect("listed").into_inner().deliveries
    }

    async fn kept(&self) -> i64 {
        self.office.desk.count("SELECT count(*) FROM webhook_receipts").await
    }

    async fn close(self) {
        self.office.close().await;
    }
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_receipt_is_kept_once_and_shown_beside_its_delivery_and_the_later_time_is_live() {
    let (desk, [gateway, other]) = Desk::open::<2>().await;
    let sent = sms(&desk.event_id, "unknown", "2020-11-22T10:06:03+08:00");
    assert_eq!(desk.report(signed(&gateway, &sent)).await.expect("kept").result, "recorded");
    assert_eq!(desk.report(signed(&gateway, &sent)).await.expect("known").result, "repeated");
    let done = sms(&desk.event_id, "delivered", "2020-11-22T02:06:09Z");
    assert_eq!(desk.report(signed(&gateway, &done)).await.expect("kept").result, "recorded");
    let late = sms(&desk.event_id, "failed", "2020-11-22T10:06:05.5+08:00");
    let stale = desk.report(signed(&gateway, &late)).await.expect("kept");
    let live = stale.live.expect("the later one");
    assert_eq!((stale.result.as_str(), live.status.as_str()), ("stale", "delivered"));
    assert_eq!(desk.kept().await, 3);

    let delivery = desk.log(&gateway).await.remove(0);
    let shown: Vec<_> = delivery.receipts.iter().map(|one| (&*one.kind, &*one.status, one.live)).collect();
    assert_eq!(shown, [("sms", "delivered", true)]);
    let request = GetDeliveryRequest { delivery_id: delivery.delivery_id };
    let request = desk.office.by(&person(1, "administrator", "410000"), request);
    let answer = desk.office.webhooks().get_delivery(request).await.expect("found").into_inner();
    let all: Vec<_> = answer.receipts.iter().map(|one| (&*one.status, one.live)).collect();
    assert_eq!(all, [("delivered", true), ("failed", false), ("unknown", false)]);
    assert!(desk.log(&other).await[0].receipts.is_empty(), "the same event of another receiver");
    desk.close().await;
}

#[tokio::test]
async fn only_the_secret_of_the_subscription_signs_its_receipts_and_only_now() {
    let (desk, [gateway, other]) = Desk::open::<2>().await;
    let sent = sms(&desk.event_id, "delivered", "2020-11-22T10:06:03+08:00");
    let of_another = SubscriptionSecret { subscription_id: gateway.subscription_id.clone(), ..other.clone() };
    let changed = ReportReceiptRequest {
        body: sent.to_string().replace("delivered", "failed").into_bytes().into(),
        ..signed(&gateway, &sent)
    };
    let nobody = SubscriptionSecret { subscription_id: id(79, 99).to_string(), ..gateway.clone() };
    let nothing = SubscriptionSecret { subscription_id: "x".into(), ..gateway.clone() };
    for (why, request) in [
        ("another's secret", signed(&of_another, &sent)),
        ("another body", changed),
        ("no such subscription", signed(&nobody, &sent)),
        ("no id", signed(&nothing, &sent)),
        ("old", signed_at(&gateway, &sent, unix_seconds() - 400)),
        ("early", signed_at(&gateway, &sent, unix_seconds() + 400)),
        ("no time", ReportReceiptRequest { webhook_timestamp: "now".into(), ..signed(&gateway, &sent) }),
    ] {
        let refused = desk.report(request).await.expect_err(why);
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unauthenticated, "receipt_refused"),
            "{why}"
        );
    }
    assert_eq!(desk.kept().await, 0);
    desk.close().await;
}

#[tokio::test]
async fn both_secrets_sign_while_one_is_rotated() {
    let (desk, [before]) = Desk::open::<1>().await;
    let request = RotateSecretRequest {
        request_id: id(79, 50).to_string(),
        subscription_id: before.subscription_id.clone(),
    };
    let request = desk.office.by(&person(1, "administrator", "410000"), request);
    let after = desk.office.webhooks().rotate_secret(request).await.expect("rotated").into_inner();
    for (secret, at) in [(before, "2020-11-22T10:06:03+08:00"), (after, "2020-11-22T10:06:04+08:00")] {
        let sent = sms(&desk.event_id, "unknown", at);
        assert_eq!(desk.report(signed(&secret, &sent)).await.expect("kept").result, "recorded");
    }
    desk.close().await;
}

#[tokio::test]
async fn an_event_that_was_not_sent_to_the_subscription_has_no_receipt() {
    let (desk, [gateway]) = Desk::open::<1>().await;
    let sent = sms(&id(9, 9).to_string(), "delivered", "2020-11-22T10:06:03+08:00");
    let refused = desk.report(signed(&gateway, &sent)).await.expect_err("not its own");
    assert_eq!(refused.code(), Code::NotFound);
    desk.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_receipt_is_named() {
    let (desk, [gateway]) = Desk::open::<1>().await;
    let at = "2020-11-22T10:06:03+08:00";
    let sent = sms(&desk.event_id, "delivered", at);
    let with = |field: &str, value: &str| {
        let mut changed = sent.clone();
        changed[field] = value.into();
        changed
    };
    desk.report(signed(&gateway, &sent)).await.expect("kept");
    for (body, why) in [
        (json!([]), "receipt_unreadable"),
        (json!({ "type": "reviews.drafted", "data": {} }), "receipt_unreadable"),
        (with("event_id", "7"), "receipt_malformed"),
        (with("at", "yesterday"), "receipt_malformed"),
        (with("kind", "短信"), "receipt_malformed"),
        (with("status", "ok"), "unknown_value"),
        (with("at", "2999-01-01T00:00:00Z"), "receipt_ahead"),
        (with("code", "1"), "receipt_contradicts"),
    ] {
        let refused = desk.report(signed(&gateway, &body)).await.expect_err(why);
        assert_eq!(reason(&refused), why, "{body}");
    }
    assert_eq!(desk.kept().await, 1);
    desk.close().await;
}

#[tokio::test]
async fn nobody_but_the_portal_passes_receipts_on_and_none_is_changed_or_removed() {
    let (desk, [gateway]) = Desk::open::<1>().await;
    let sent = signed(&gateway, &sms(&desk.event_id, "delivered", "2020-11-22T10:06:03+08:00"));
    let by_a_person = desk.office.by(&person(1, "administrator", "410000"), sent.clone());
    let refused = desk.office.receipts().report_receipt(by_a_person).await.expect_err("a person");
    assert_eq!(refused.code(), Code::PermissionDenied);
    desk.report(sent).await.expect("kept");
    for change in
        ["UPDATE webhook_receipts SET code = ''", "DELETE FROM webhook_receipts", "TRUNCATE webhook_receipts"]
    {
        let refused = sqlx::query(change).execute(&desk.office.desk.process.pool).await.expect_err(change);
        assert!(refused.to_string().contains("is not changed"), "{change}: {refused}");
    }
    desk.close().await;
}
