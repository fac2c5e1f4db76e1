//! Webhooks: who gets which event, how it is signed, what failures lead to, and that one receiver never hinders another.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
};

use chassis::testing::eventually;
use notifications::store::queue;
use proto::{
    common::Envelope,
    notifications::{
        CreateSubscriptionRequest, DisableSubscriptionRequest, EnableSubscriptionRequest, GetDeliveryRequest,
        GetSubscriptionRequest, ListDeliveriesRequest, ListMessagesRequest, ListSubscriptionsRequest,
        ResendDeliveryRequest, ResendSpanRequest, RotateSecretRequest, SendTestRequest, SubscriptionSecret,
        webhooks_client::WebhooksClient,
    },
};
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::{
    events::application,
    receiver::{Manner, Receiver},
    setup::{Office, Person, SOON, person},
};

/// A broker where nobody listens: events are brought to the consumers directly.
const NO_BROKER: &str = "nats://127.0.0.1:9";

fn li() -> Person {
    person(1, "administrator", "410000")
}

fn request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    crate::events::id(77, u128::from(NEXT.fetch_add(1, Ordering::Relaxed))).to_string()
}

struct Desk {
    office: Office,
    hooks: WebhooksClient<Channel>,
}

impl Desk {
    async fn open() -> Desk {
        let office = Office::open(NO_BROKER).await;
        let hooks = office.webhooks();
        Desk { office, hooks }
    }

    async fn subscribe(&self, url: &str, event_types: &[&str], prefecture: &str) -> SubscriptionSecret {
        self.try_subscribe(url, event_types, prefecture).await.expect("subscribed")
    }

    async fn try_subscribe(
        &self,
        url: &str,
        event_types: &[&str],
        prefecture: &str,
    ) -> Result<SubscriptionSecret, Status> {
        let request = CreateSubscriptionRequest {
            request_id: request_id(),
            name: "省财政厅".into(),
            url: url.into(),
            event_types: event_types.iter().map(|name| (*name).to_owned()).collect(),
            prefecture: prefecture.into(),
        };
        Ok(self.hooks.clone().create_subscription(self.office.by(&li(), request)).await?.into_inner())
    }

    async fn deliveries(&self, id: &str, state: &str) -> Vec<proto::notifications::Delivery> {
        let request = ListDeliveriesRequest {
            subscription_id: id.into(),
            state: state.into(),
            ..ListDeliveriesRequest::default()
        };
        let answer = self.hooks.clone().list_deliveries(self.office.by(&li(), request)).await;
        answer.expect("listed").into_inner().deliveries
    }

    async fn get(&self, id: &str) -> proto::notifications::Subscription {
        let request = GetSubscriptionRequest { subscription_id: id.into() };
        let answer = self.hooks.clone().get_subscription(self.office.by(&li(), request)).await;
        answer.expect("found").into_inner()
    }

    async fn take(&self, event: &Envelope) {
        self.office.desk.take(event).await.expect("applies");
    }

    async fn settled(&self, id: &str, state: &str, count: usize) {
        eventually(state, SOON, || async { self.deliveries(id, state).await.len() == count }).await;
    }

    async fn close(self) {
        self.office.close().await;
    }
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn an_event_reaches_every_active_subscription_that_wants_it_signed_with_its_secret() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    let all = desk.subscribe(&receiver.url("/all"), &["reviews.*"], "").await;
    let own = desk.subscribe(&receiver.url("/own"), &["reviews.drafted"], "410100").await;
    let elsewhere = desk.subscribe(&receiver.url("/elsewhere"), &["reviews.drafted"], "410200").await;
    let other = desk.subscribe(&receiver.url("/other"), &["reviews.approved"], "").await;
    let event = application(1).event(1, "drafted", "Draft", "operator");
    desk.take(&event).await;
    // The same message once more.
    desk.take(&event).await;
    desk.settled(&all.subscription_id, "delivered", 1).await;
    desk.settled(&own.subscription_id, "delivered", 1).await;
    for nothing in [&elsewhere, &other] {
        assert!(desk.deliveries(&nothing.subscription_id, "").await.is_empty());
    }
    let heard = receiver.heard();
    assert_eq!(heard.len(), 2);
    for one in &heard {
        let secret = if one.path == "/all" { &all.secret } else { &own.secret };
        assert_eq!(one.id, event.event_id);
        assert!(one.signed_with(secret), "{one:?}");
        let body: serde_json::Value = serde_json::from_str(&one.body).expect("JSON");
        assert_eq!(body["type"], "reviews.drafted");
        assert_eq!(body["data"]["aggregate_id"], event.aggregate_id);
        assert_eq!(body["data"]["subject"], event.subject);
    }
    assert!(!heard[0].signed_with(&other.secret));
    desk.close().await;
}

#[tokio::test]
async fn what_a_restored_producer_tells_anew_comes_once_and_what_is_new_names_its_lineage() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    // A database's first life is a random id, the one that a restore began a UUIDv7.
    let (first, second) = (uuid::Builder::from_random_bytes([7; 16]).into_uuid(), crate::events::id(78, 1));
    let told = |lineage: String, event: &Envelope| Envelope { lineage_id: lineage, ..event.clone() };
    let drafted = application(1).event(1, "drafted", "Draft", "operator");
    let submitted = application(1).event(2, "acceptance_submitted", "CountyReview", "county");
    desk.take(&told(first.to_string(), &drafted)).await;
    desk.take(&told(second.to_string(), &drafted)).await;
    desk.take(&told(second.to_string(), &submitted)).await;
    desk.settled(&id, "delivered", 2).await;
    let mut lineages = BTreeMap::new();
    for one in receiver.heard() {
        let body: serde_json::Value = serde_json::from_str(&one.body).expect("JSON");
        lineages.insert(one.id, body["data"]["lineage_id"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(lineages[&drafted.event_id], first.to_string());
    assert_eq!(lineages[&submitted.event_id], second.to_string());
    desk.close().await;
}

#[tokio::test]
async fn what_is_told_anew_long_after_its_time_is_not_posted_again() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    let ago = |n: u128, days: i64| {
        let mut event = application(n).event(1, "drafted", "Draft", "operator");
        event.occurred_at.as_mut().expect("a time").seconds -= days * 86_400;
        event
    };
    let (old, younger) = (ago(1, 31), ago(2, 29));
    desk.take(&old).await;
    desk.take(&younger).await;
    desk.settled(&id, "delivered", 1).await;
    let heard: Vec<String> = receiver.heard().into_iter().map(|one| one.id).collect();
    assert_eq!(heard, [younger.event_id]);
    assert_eq!(desk.deliveries(&id, "").await.len(), 1);
    desk.close().await;
}

#[tokio::test]
async fn a_failing_receiver_gets_the_same_event_again_until_it_takes_it() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    receiver.behave("/", &[Manner::Answer(500), Manner::Redirect]);
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    desk.settled(&id, "delivered", 1).await;
    let heard = receiver.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!(heard.iter().map(|one| (&one.id, &one.body)).collect::<BTreeSet<_>>().len(), 1);
    assert!(receiver.strayed().is_empty(), "a redirect is not followed");
    let delivery = desk.deliveries(&id, "").await.remove(0);
    let request = GetDeliveryRequest { delivery_id: delivery.delivery_id };
    let answer = desk.hooks.clone().get_delivery(desk.office.by(&li(), request)).await.expect("found");
    let attempts: Vec<_> = answer
        .into_inner()
        .attempts
        .into_iter()
        .map(|attempt| (attempt.number, attempt.status, attempt.error))
        .collect();
    let expected = [(3, 204, ""), (2, 302, "redirected"), (1, 500, "answered")];
    assert_eq!(attempts, expected.map(|(number, status, error)| (number, status, error.to_owned())));
    assert!(desk.get(&id).await.failing_since.is_none());
    desk.close().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_disabled_and_the_administrators_are_told() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    receiver.behave("/", &[Manner::Answer(410)]);
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    desk.settled(&id, "dead", 1).await;
    let subscription = desk.get(&id).await;
    assert_eq!((subscription.state.as_str(), subscription.disabled_reason.as_str()), ("disabled", "gone"));
    // Nothing more is made for it.
    desk.take(&application(1).event(2, "acceptance_submitted", "CountyReview", "county")).await;
    assert_eq!(desk.deliveries(&id, "").await.len(), 1);
    let request = desk.office.by(&li(), ListMessagesRequest::default());
    let told = desk.office.messages().list_messages(request).await.expect("listed").into_inner().messages;
    assert_eq!((told[0].kind.as_str(), told[0].subject_id.as_str()), ("webhook_disabled", id.as_str()));
    desk.close().await;
}

#[tokio::test]
async fn an_endpoint_that_failed_for_days_is_disabled_and_starts_clean_when_it_is_enabled() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    receiver.behave("/", &[Manner::Answer(500)]);
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    sqlx::query("UPDATE webhook_subscriptions SET failing_since = now() - interval '6 days'")
        .execute(&desk.office.desk.process.pool)
        .await
        .expect("as if it had failed for long");
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    let disabled = || async { desk.get(&id).await.disabled_reason == "failing" };
    eventually("it is disabled", SOON, disabled).await;
    assert_eq!(desk.deliveries(&id, "waiting").await.len(), 1);
    let request = EnableSubscriptionRequest { request_id: request_id(), subscription_id: id.clone() };
    let answer = desk.hooks.clone().enable_subscription(desk.office.by(&li(), request)).await;
    assert_eq!(answer.expect("enabled").into_inner().state, "active");
    desk.settled(&id, "delivered", 1).await;
    desk.close().await;
}

#[tokio::test]
async fn an_event_that_comes_after_a_later_one_of_its_application_is_delivered_all_the_same() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    desk.take(&application(1).event(3, "county_returned", "CountyReturned", "operator")).await;
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    desk.settled(&id, "delivered", 2).await;
    desk.close().await;
}

#[tokio::test]
async fn what_was_done_to_a_subscription_is_neither_changed_nor_removed() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await;
    for change in ["UPDATE webhook_acts SET actor = ''", "DELETE FROM webhook_acts", "TRUNCATE webhook_acts"]
    {
        let refused = sqlx::query(change).execute(&desk.office.desk.process.pool).await.expect_err(change);
        assert!(refused.to_string().contains("is not changed"), "{change}: {refused}");
    }
    desk.close().await;
}

#[tokio::test]
async fn a_slow_receiver_delays_nobody_else_and_holds_its_own_places_only() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    receiver.behave("/slow", &[Manner::Never; 8]);
    let slow = desk.subscribe(&receiver.url("/slow"), &["reviews.*"], "").await.subscription_id;
    let quick = desk.subscribe(&receiver.url("/quick"), &["reviews.*"], "").await.subscription_id;
    for n in 1..=6 {
        desk.take(&application(n).event(1, "drafted", "Draft", "operator")).await;
    }
    desk.settled(&quick, "delivered", 6).await;
    assert_eq!(receiver.heard().iter().filter(|one| one.path == "/slow").count(), 2, "at_once_per_endpoint");
    assert_eq!(desk.deliveries(&slow, "waiting").await.len(), 6);
    desk.close().await;
}

#[tokio::test]
async fn what_is_tried_again_is_counted_beside_what_waits_for_its_first_attempt() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    receiver.behave("/failing", &[Manner::Answer(500); 3]);
    receiver.behave("/slow", &[Manner::Never; 8]);
    desk.subscribe(&receiver.url("/failing"), &["reviews.*"], "").await;
    desk.subscribe(&receiver.url("/slow"), &["reviews.*"], "").await;
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    let counted = || async {
        let standing = queue::standing(&desk.office.desk.process.pool).await.expect("counted");
        (standing.waiting, standing.retrying) == (2, 1)
    };
    eventually("one of two is tried again", SOON, counted).await;
    desk.close().await;
}

#[tokio::test]
async fn a_pause_that_the_receiver_asks_for_is_kept_for_all_its_deliveries() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    receiver.behave("/", &[Manner::Pause(600)]);
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    let failed = || async { desk.get(&id).await.failing_since.is_some() };
    eventually("the first attempt is settled", SOON, failed).await;
    desk.take(&application(2).event(1, "drafted", "Draft", "operator")).await;
    let held = "SELECT count(*) FROM webhook_subscriptions WHERE held_until > now() + interval '500 s'";
    assert_eq!(desk.office.desk.count(held).await, 1);
    let later =
        "SELECT count(*) FROM webhook_deliveries WHERE attempts = 1 AND due_at > now() + interval '500 s'";
    assert_eq!(desk.office.desk.count(later).await, 1);
    desk.close().await;
}

#[tokio::test]
async fn what_was_given_up_is_resent_alone_or_with_its_span_under_the_same_id() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    receiver.behave("/", &[Manner::Answer(500)]);
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    let event = application(1).event(1, "drafted", "Draft", "operator");
    desk.take(&event).await;
    desk.settled(&id, "delivered", 1).await;
    let delivery_id = desk.deliveries(&id, "").await.remove(0).delivery_id;
    let request = ResendDeliveryRequest { request_id: request_id(), delivery_id };
    let resent = desk.hooks.clone().resend_delivery(desk.office.by(&li(), request)).await.expect("resent");
    assert_eq!(resent.into_inner().state, "waiting");
    let thrice = || async { receiver.heard().len() == 3 };
    eventually("it comes again", SOON, thrice).await;
    desk.settled(&id, "delivered", 1).await;
    let occurred = event.occurred_at.expect("ours");
    let span = |seconds: i64, state: &str| ResendSpanRequest {
        request_id: request_id(),
        subscription_id: id.clone(),
        from: Some(prost_types::Timestamp { seconds: occurred.seconds - 60, nanos: 0 }),
        to: Some(prost_types::Timestamp { seconds: occurred.seconds + seconds, nanos: 0 }),
        state: state.into(),
    };
    let resend = async |request| desk.hooks.clone().resend_span(desk.office.by(&li(), request)).await;
    assert_eq!(resend(span(60, "dead")).await.expect("none").into_inner().resent, 0);
    assert_eq!(resend(span(60, "")).await.expect("one").into_inner().resent, 1);
    eventually("and again", SOON, || async { receiver.heard().len() == 4 }).await;
    assert!(receiver.heard().iter().all(|one| one.id == event.event_id));
    for wrong in [span(-120, ""), span(40 * 86_400, "")] {
        assert_eq!(reason(&resend(wrong).await.expect_err("refused")), "span_malformed");
    }
    desk.close().await;
}

#[tokio::test]
async fn a_secret_is_shown_once_and_both_sign_while_it_is_rotated() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    let request = CreateSubscriptionRequest {
        request_id: request_id(),
        name: "省财政厅".into(),
        url: receiver.url("/"),
        event_types: vec!["accounts.approved".into()],
        prefecture: String::new(),
    };
    let create = async |request| desk.hooks.clone().create_subscription(desk.office.by(&li(), request)).await;
    let first = create(request.clone()).await.expect("created").into_inner();
    assert_eq!(reason(&create(request).await.expect_err("not again")), "secret_issued");
    let rotate =
        RotateSecretRequest { request_id: request_id(), subscription_id: first.subscription_id.clone() };
    let second = desk.hooks.clone().rotate_secret(desk.office.by(&li(), rotate)).await.expect("rotated");
    let second = second.into_inner();
    assert!(second.secret.starts_with("whsec_") && second.secret != first.secret);
    let test = SendTestRequest { request_id: request_id(), subscription_id: first.subscription_id.clone() };
    let sent = desk.hooks.clone().send_test(desk.office.by(&li(), test)).await.expect("sent").into_inner();
    assert_eq!(sent.event_type, "yuchong.test");
    desk.settled(&first.subscription_id, "delivered", 1).await;
    let heard = receiver.heard().remove(0);
    assert!(heard.signed_with(&first.secret) && heard.signed_with(&second.secret));
    assert_eq!(heard.id, sent.event_id);
    let stored = "SELECT count(*) FROM requests WHERE convert_from(response, 'LATIN1') LIKE '%whsec%'";
    assert_eq!(desk.office.desk.count(stored).await, 0, "no stored answer holds a secret");
    desk.close().await;
}

#[tokio::test]
async fn a_disabled_subscription_gets_nothing_and_what_waited_goes_out_first_when_it_is_enabled() {
    let desk = Desk::open().await;
    let receiver = Receiver::start().await;
    let id = desk.subscribe(&receiver.url("/"), &["reviews.*"], "").await.subscription_id;
    let request = DisableSubscriptionRequest { request_id: request_id(), subscription_id: id.clone() };
    desk.hooks.clone().disable_subscription(desk.office.by(&li(), request)).await.expect("disabled");
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    let test = SendTestRequest { request_id: request_id(), subscription_id: id.clone() };
    let refused = desk.hooks.clone().send_test(desk.office.by(&li(), test)).await.expect_err("refused");
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "subscription_disabled")
    );
    assert!(desk.deliveries(&id, "").await.is_empty() && receiver.heard().is_empty());
    let acts =
        "SELECT count(*) FROM webhook_acts WHERE act IN ('create_subscription', 'disable_subscription')";
    assert_eq!(desk.office.desk.count(acts).await, 2);
    desk.close().await;
}

#[tokio::test]
async fn an_address_inside_the_network_is_refused_when_it_is_entered_and_when_it_is_called() {
    let receiver = Receiver::start().await;
    let office = Office::open_with(NO_BROKER, |config| config.webhooks.private_addresses = false).await;
    let hooks = office.webhooks();
    let desk = Desk { office, hooks };
    for (url, why) in [
        (receiver.url("/"), "address_refused"),
        ("http://[64:ff9b::a00:1]/".into(), "address_refused"),
        ("gopher://host/".into(), "url_malformed"),
    ] {
        let refused = desk.try_subscribe(&url, &["reviews.*"], "").await.expect_err("refused");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, why), "{url}");
    }
    // A name is judged by what it resolves to when it is called.
    let url = receiver.url("/").replace("127.0.0.1", "localhost");
    let id = desk.subscribe(&url, &["reviews.*"], "").await.subscription_id;
    desk.take(&application(1).event(1, "drafted", "Draft", "operator")).await;
    let failed = || async { desk.get(&id).await.failing_since.is_some() };
    eventually("the attempt is settled", SOON, failed).await;
    assert_eq!(desk.deliveries(&id, "waiting").await[0].last_error, "unreachable");
    assert!(receiver.heard().is_empty());
    desk.close().await;
}

#[tokio::test]
async fn only_administrators_arrange_webhooks_and_lists_are_paged() {
    let desk = Desk::open().await;
    for _ in 0..3 {
        desk.subscribe("http://127.0.0.1:9/", &["reviews.*"], "").await;
    }
    for role in ["operator", "county", "security_administrator", "audit_administrator"] {
        let request = desk.office.by(&person(2, role, "410000"), ListSubscriptionsRequest::default());
        let refused = desk.hooks.clone().list_subscriptions(request).await.expect_err("refused");
        assert_eq!(refused.code(), Code::PermissionDenied, "{role}");
    }
    let mut seen = BTreeSet::new();
    let mut page_token = String::new();
    loop {
        let page = Some(proto::common::Page { page_size: 1, page_token });
        let by = person(3, "system_administrator", "410000");
        let request = desk.office.by(&by, ListSubscriptionsRequest { page });
        let answer = desk.hooks.clone().list_subscriptions(request).await.expect("listed").into_inner();
        seen.extend(answer.subscriptions.into_iter().map(|one| one.subscription_id));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 3);
    desk.close().await;
}
