//! Webhooks arranged by an administrator: subscriptions, tests, what became of deliveries.
//!
//! Owns: the verbs of `Webhooks` that tests and demo need. Not: receiving.
use proto::notifications::{
    CreateSubscriptionRequest, Delivery, ListDeliveriesRequest, SendTestRequest, SubscriptionSecret,
};

use super::{actor::Actor, refused::Answer};

impl Actor {
    /// Subscribes an endpoint to event types of every prefecture. Errors: as `Webhooks.CreateSubscription`.
    pub async fn subscribe(&self, name: &str, url: &str, event_types: &[&str]) -> Answer<SubscriptionSecret> {
        let body = CreateSubscriptionRequest {
            request_id: self.request_id(),
            name: name.to_owned(),
            url: url.to_owned(),
            event_types: event_types.iter().map(|one| (*one).to_owned()).collect(),
            prefecture: String::new(),
        };
        self.ask(body, |to, request| async move { to.webhooks().create_subscription(request).await }).await
    }

    /// Sends a test to a subscription. Errors: `not_found`, `subscription_disabled`.
    pub async fn send_test(&self, subscription_id: &str) -> Answer<Delivery> {
        let body =
            SendTestRequest { request_id: self.request_id(), subscription_id: subscription_id.to_owned() };
        self.ask(body, |to, request| async move { to.webhooks().send_test(request).await }).await
    }

    /// Lists the first deliveries in a state; all of them where it is empty. Errors: `not_found`.
    pub async fn deliveries(&self, subscription_id: &str, state: &str) -> Answer<Vec<Delivery>> {
        let body = ListDeliveriesRequest {
            subscription_id: subscription_id.to_owned(),
            state: state.to_owned(),
            ..ListDeliveriesRequest::default()
        };
        let answer =
            self.ask(body, |to, request| async move { to.webhooks().list_deliveries(request).await }).await?;
        Ok(answer.deliveries)
    }
}
