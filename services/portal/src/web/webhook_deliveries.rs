//! One delivery of a webhook: what was sent, each attempt with its answer, what the receiver says became of it, and 重发.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Path, routing::get};
use proto::notifications::{
    Attempt, Delivery, GetDeliveryRequest, GetSubscriptionRequest, Receipt, ResendDeliveryRequest,
    Subscription,
};
use tonic::Status;

use super::{
    Routes, back_to,
    subscriptions::{LIST, OFFICE, titles},
};
use crate::{Answer, Form, Page, Refused, Visitor, case::Fact, format, labels, stage::Tag};

/// Routes of this area.
pub(super) fn routes() -> Routes {
    Routes::new().route("/system/subscriptions/{id}/deliveries/{delivery}", get(detail)).route(
        "/system/subscriptions/{id}/deliveries/{delivery}/resend",
        back_to("/system/subscriptions/{id}/deliveries/{delivery}").post(resend),
    )
}

/// One delivery in the log.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its page.
    pub path: String,
    /// Name of the event type.
    pub event: String,
    /// Stable name of it.
    pub event_type: String,
    /// When the event occurred.
    pub occurred_at: String,
    /// Words and class.
    pub state: Tag,
    /// Attempts so far.
    pub attempts: i32,
    /// What the last attempt came to.
    pub last: String,
    /// When it is tried next, or was settled.
    pub at: String,
    /// What the receiver says became of it, by kind; — where it says nothing.
    pub receipts: String,
}

/// One attempt.
#[derive(Debug, Clone, Default)]
pub struct AttemptRow {
    /// 1, 2, 3 …
    pub number: i32,
    /// When it began.
    pub at: String,
    /// What it came to.
    pub result: String,
    /// Milliseconds.
    pub latency: String,
    /// Beginning of the answer.
    pub answer: String,
}

/// One receipt.
#[derive(Debug, Clone, Default)]
pub struct ReceiptRow {
    /// What it is about, as the receiver calls it.
    pub kind: String,
    /// Words and class.
    pub status: Tag,
    /// The receiver's own code.
    pub code: String,
    /// By the receiver's clock.
    pub at: String,
    /// By ours.
    pub received_at: String,
    /// Whether no later one of its kind came.
    pub live: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "webhook_delivery.html")]
pub struct DeliveryPage {
    /// The frame.
    pub page: Page,
    /// For 重发.
    pub form: Form,
    /// Name of the event type.
    pub event: String,
    /// The page of the subscription.
    pub back: String,
    /// Its own page.
    pub path: String,
    /// Words and class.
    pub state: Tag,
    /// What it is.
    pub facts: Vec<Fact>,
    /// What is sent.
    pub body: String,
    /// Newest first.
    pub attempts: Vec<AttemptRow>,
    /// Newest first by the receiver's clock.
    pub receipts: Vec<ReceiptRow>,
}

/// The subscription as it stands.
pub(super) async fn subscription(visitor: &Visitor, id: &str) -> Result<Subscription, Status> {
    let request = GetSubscriptionRequest { subscription_id: id.to_owned() };
    Ok(visitor.webhooks().get_subscription(request).await?.into_inner())
}

fn state(delivery: &Delivery) -> Tag {
    let (text, class) = match delivery.state.as_str() {
        "delivered" => ("已送达", "ok"),
        "dead" => ("已放弃", "danger"),
        _ if delivery.attempts == 0 => ("待投递", "info"),
        _ => ("待重试", "warn"),
    };
    Tag { text: text.to_owned(), class }
}

fn title(event_type: &str, titles: &BTreeMap<String, String>) -> String {
    titles.get(event_type).cloned().unwrap_or_else(|| event_type.to_owned())
}

fn result(status: i32, error: &str) -> String {
    match (status, labels::webhook_trouble(error)) {
        (0, words) => words.to_owned(),
        (status, "") => format!("{status}"),
        (status, words) => format!("{status} {words}"),
    }
}

/// A row of the log.
pub(super) fn row(delivery: &Delivery, titles: &BTreeMap<String, String>) -> Row {
    let at = delivery.due_at.as_ref().or(delivery.settled_at.as_ref());
    Row {
        path: format!("{LIST}/{}/deliveries/{}", delivery.subscription_id, delivery.delivery_id),
        event: title(&delivery.event_type, titles),
        event_type: delivery.event_type.clone(),
        occurred_at: format::short(delivery.occurred_at.as_ref()),
        state: state(delivery),
        attempts: delivery.attempts,
        last: format::or_dash(&last(delivery)),
        at: format::short(at),
        receipts: format::or_dash(&receipts(&delivery.receipts)),
    }
}

/// Receipts in one line, e.g. sms 已办成（DELIVRD）.
fn receipts(receipts: &[Receipt]) -> String {
    let words: Vec<String> = receipts
        .iter()
        .map(|one| {
            let (text, _) = labels::receipt(&one.status);
            let code = if one.code.is_empty() { String::new() } else { format!("（{}）", one.code) };
            format!("{} {text}{code}", one.kind)
        })
        .collect();
    words.join("、")
}

fn receipt(receipt: &Receipt) -> ReceiptRow {
    let (text, class) = labels::receipt(&receipt.status);
    ReceiptRow {
        kind: receipt.kind.clone(),
        status: Tag { text: text.to_owned(), class },
        code: format::or_dash(&receipt.code),
        at: format::moment(receipt.at.as_ref()),
        received_at: format::moment(receipt.received_at.as_ref()),
        live: receipt.live,
    }
}

fn last(delivery: &Delivery) -> String {
    if delivery.attempts == 0 { String::new() } else { result(delivery.last_status, &delivery.last_error) }
}

fn attempt(attempt: &Attempt) -> AttemptRow {
    AttemptRow {
        number: attempt.number,
        at: format::moment(attempt.at.as_ref()),
        result: result(attempt.status, &attempt.error),
        latency: format!("{} 毫秒", attempt.latency_millis),
        answer: format::or_dash(&attempt.answer),
    }
}

async fn show(visitor: &Visitor, id: &str, delivery_id: &str, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = GetDeliveryRequest { delivery_id: delivery_id.to_owned() };
    let answer = visitor.webhooks().get_delivery(request).await?.into_inner();
    let delivery = answer.delivery.unwrap_or_default();
    if delivery.subscription_id != id {
        return Err(Refused::not_found());
    }
    let titles = titles(visitor).await?;
    let event = title(&delivery.event_type, &titles);
    let mut facts = vec![
        Fact { name: "事件类型", value: delivery.event_type.clone() },
        Fact { name: "编号（webhook-id）", value: delivery.event_id.clone() },
        Fact { name: "发生时间", value: format::moment(delivery.occurred_at.as_ref()) },
    ];
    for (name, at) in [("下次投递", &delivery.due_at), ("办结时间", &delivery.settled_at)] {
        if at.is_some() {
            facts.push(Fact { name, value: format::moment(at.as_ref()) });
        }
    }
    let status = form.status();
    let page = DeliveryPage {
        page: visitor.page(LIST, &event).await,
        form,
        event,
        back: format!("{LIST}/{id}"),
        path: format!("{LIST}/{id}/deliveries/{delivery_id}"),
        state: state(&delivery),
        facts,
        body: answer.body,
        attempts: answer.attempts.iter().map(attempt).collect(),
        receipts: answer.receipts.iter().map(receipt).collect(),
    };
    visitor.show(status, &page)
}

async fn detail(visitor: Visitor, Path((id, delivery)): Path<(String, String)>) -> Answer {
    show(&visitor, &id, &delivery, Form::default()).await
}

async fn resend(visitor: Visitor, Path((id, delivery)): Path<(String, String)>, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = ResendDeliveryRequest { request_id: form.request_id(), delivery_id: delivery.clone() };
    match visitor.webhooks().resend_delivery(request).await {
        Ok(_) => {
            let path = format!("{LIST}/{id}/deliveries/{delivery}");
            visitor.done(&path, "已安排重发，编号不变；刷新本页查看结果")
        }
        Err(status) => show(&visitor, &id, &delivery, form.refused(status)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_says_what_the_receiver_says_and_a_dash_where_it_says_nothing() {
        let receipt = |kind: &str, status: &str, code: &str| Receipt {
            kind: kind.to_owned(),
            status: status.to_owned(),
            code: code.to_owned(),
            ..Receipt::default()
        };
        let delivery = |receipts| Delivery { receipts, ..Delivery::default() };
        let said = vec![receipt("case", "delivered", ""), receipt("sms", "failed", "EXPIRED")];
        assert_eq!(row(&delivery(said), &BTreeMap::new()).receipts, "case 已办成、sms 未办成（EXPIRED）");
        assert_eq!(row(&delivery(Vec::new()), &BTreeMap::new()).receipts, "—");
    }
}
