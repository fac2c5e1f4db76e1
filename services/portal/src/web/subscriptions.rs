//! 系统管理/接口与订阅: which outside systems get which events, their secrets (shown once), and what is done about failures.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Path, routing::get};
use proto::notifications::{
    CreateSubscriptionRequest, DisableSubscriptionRequest, EnableSubscriptionRequest, EventType,
    ListDeliveriesRequest, ListEventTypesRequest, ListSubscriptionsRequest, ResendSpanRequest,
    RotateSecretRequest, SendTestRequest, Subscription,
};
use time::{Date, Duration, UtcOffset, macros::format_description, macros::offset};
use tonic::Status;

use super::{Routes, back_to, webhook_deliveries as deliveries};
use crate::{
    Answer, Form, Page, Role, Visitor,
    case::Fact,
    divisions::Known,
    format,
    list::{Filter, Pager, Tab},
    stage::Tag,
};

/// Menu path, and the list.
pub const LIST: &str = "/system/subscriptions";
/// Who arranges webhooks.
pub const OFFICE: [Role; 2] = [Role::Administrator, Role::SystemAdministrator];
/// Kinds of events that a line of the list names.
const EVENTS_SHOWN: usize = 3;
/// Filters of a subscription's deliveries, by state.
pub(super) const STATES: [(&str, &str); 4] =
    [("", "全部"), ("waiting", "待投递"), ("delivered", "已送达"), ("dead", "已放弃")];
/// Days are those of people.
const HERE: UtcOffset = offset!(+8);

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/system/subscriptions/new", get(blank).post(create))
        .route("/system/subscriptions/{id}", get(detail))
        .route("/system/subscriptions/{id}/disable", back_to("/system/subscriptions/{id}").post(disable))
        .route("/system/subscriptions/{id}/enable", back_to("/system/subscriptions/{id}").post(enable))
        .route("/system/subscriptions/{id}/test", back_to("/system/subscriptions/{id}").post(test))
        .route("/system/subscriptions/{id}/secret", back_to("/system/subscriptions/{id}").post(rotate))
        .route("/system/subscriptions/{id}/resend", back_to("/system/subscriptions/{id}").post(resend))
        .merge(deliveries::routes())
}

/// One subscription in the list.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// For people.
    pub name: String,
    /// Its page.
    pub path: String,
    /// Where events are posted.
    pub url: String,
    /// Names of the event types.
    pub events: String,
    /// The city, or all of them.
    pub place: String,
    /// Words and class.
    pub state: Tag,
    /// Deliveries that wait.
    pub waiting: String,
    /// When it was created.
    pub created_at: String,
}

/// The list.
#[derive(Template)]
#[template(path = "subscriptions.html")]
pub struct SubscriptionsPage {
    /// The frame.
    pub page: Page,
    /// Subscriptions of this page of the list.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
}

/// Event types by name.
async fn types(visitor: &Visitor) -> Result<Vec<EventType>, Status> {
    Ok(visitor.webhooks().list_event_types(ListEventTypesRequest {}).await?.into_inner().types)
}

/// Chinese words by name.
pub(super) async fn titles(visitor: &Visitor) -> Result<BTreeMap<String, String>, Status> {
    let mut titles: BTreeMap<_, _> =
        types(visitor).await?.into_iter().map(|one| (one.name, one.title)).collect();
    titles.insert("yuchong.test".to_owned(), "测试".to_owned());
    Ok(titles)
}

pub(super) fn place(known: &Known, prefecture: &str) -> String {
    if prefecture.is_empty() { "全省".to_owned() } else { known.name(prefecture) }
}

pub(super) fn state(subscription: &Subscription) -> Tag {
    let (text, class) = match (subscription.state.as_str(), subscription.failing_since.is_some()) {
        ("active", false) => ("启用中", "ok"),
        ("active", true) => ("推送失败", "warn"),
        _ => match subscription.disabled_reason.as_str() {
            "gone" => ("已停用：对方不再接收", "danger"),
            "failing" => ("已停用：连续失败", "danger"),
            _ => ("已停用", "draft"),
        },
    };
    Tag { text: text.to_owned(), class }
}

fn waiting(count: i32) -> String {
    if count > 1_000 { "1,000+".to_owned() } else { count.to_string() }
}

pub(super) fn events(names: &[String], titles: &BTreeMap<String, String>) -> String {
    let words: Vec<&str> =
        names.iter().map(|name| titles.get(name).map_or(name.as_str(), String::as_str)).collect();
    words.join("、")
}

/// The first of them, and how many there are, for a line of the list.
fn some_events(names: &[String], titles: &BTreeMap<String, String>) -> String {
    match names.get(..EVENTS_SHOWN) {
        Some(first) if names.len() > EVENTS_SHOWN => {
            format!("{}等 {} 类", events(first, titles), names.len())
        }
        _ => events(names, titles),
    }
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&OFFICE)?;
    let request = ListSubscriptionsRequest { page: filter.page() };
    let answer = visitor.webhooks().list_subscriptions(request).await?.into_inner();
    let (titles, known) = (titles(&visitor).await?, visitor.portal.divisions.names().await);
    let row = |subscription: &Subscription| Row {
        name: subscription.name.clone(),
        path: format!("{LIST}/{}", subscription.subscription_id),
        url: subscription.url.clone(),
        events: some_events(&subscription.event_types, &titles),
        place: place(&known, &subscription.prefecture),
        state: state(subscription),
        waiting: waiting(subscription.waiting),
        created_at: format::moment(subscription.created_at.as_ref()),
    };
    let page = SubscriptionsPage {
        page: visitor.page(LIST, "接口与订阅").await,
        rows: answer.subscriptions.iter().map(row).collect(),
        pager: filter.pager(&answer.next_page_token, answer.subscriptions.len()).exported(&filter),
    };
    visitor.show(axum::http::StatusCode::OK, &page)
}

/// The form of a new subscription, and after it, or after a rotation, the secret, once.
#[derive(Template)]
#[template(path = "subscription_new.html")]
pub struct NewSubscriptionPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// What was issued.
    pub issued: Option<Issued>,
    /// Groups of event types: heading, then name and words.
    pub groups: Vec<(String, Vec<(String, String)>)>,
    /// Cities: code and name.
    pub cities: Vec<(String, String)>,
}

/// A secret that has just been issued.
#[derive(Debug, Clone, Default)]
pub struct Issued {
    /// What has happened.
    pub title: &'static str,
    /// What becomes of the secret before; empty where there is none.
    pub before: &'static str,
    /// `whsec_…`; kept nowhere in the clear.
    pub secret: String,
    /// The page of the subscription.
    pub path: String,
}

fn groups(types: Vec<EventType>) -> Vec<(String, Vec<(String, String)>)> {
    let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for one in types {
        match groups.last_mut().filter(|(group, _)| *group == one.group) {
            Some((_, names)) => names.push((one.name, one.title)),
            None => groups.push((one.group, vec![(one.name, one.title)])),
        }
    }
    groups
}

async fn new(visitor: &Visitor, form: Form, issued: Option<Issued>) -> Answer {
    visitor.only(&OFFICE)?;
    let status = form.status();
    let known = visitor.portal.divisions.names().await;
    let title = issued.as_ref().map_or("新建订阅", |issued| issued.title);
    let page = NewSubscriptionPage {
        page: visitor.page(LIST, title).await,
        form,
        issued,
        groups: groups(types(visitor).await?),
        cities: known.cities().into_iter().map(|city| (city.code, city.name)).collect(),
    };
    visitor.show(status, &page)
}

async fn blank(visitor: Visitor) -> Answer {
    new(&visitor, Form::default(), None).await
}

async fn create(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = CreateSubscriptionRequest {
        request_id: form.request_id(),
        name: form.text("name"),
        url: form.text("url"),
        event_types: form.values("event_types"),
        prefecture: form.text("prefecture"),
    };
    match visitor.webhooks().create_subscription(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let issued = Issued {
                title: "订阅已建立",
                before: "",
                secret: answer.secret,
                path: format!("{LIST}/{}", answer.subscription_id),
            };
            new(&visitor, Form::default(), Some(issued)).await
        }
        Err(status) => new(&visitor, form.refused(status)?, None).await,
    }
}

/// One subscription with its deliveries.
#[derive(Template)]
#[template(path = "subscription.html")]
pub struct SubscriptionPage {
    /// The frame.
    pub page: Page,
    /// For every act on it, and why the last one was refused.
    pub form: Form,
    /// For people.
    pub name: String,
    /// Its page.
    pub path: String,
    /// Words and class.
    pub state: Tag,
    /// Whether it is active.
    pub active: bool,
    /// What it says.
    pub facts: Vec<Fact>,
    /// Filters by state.
    pub tabs: Vec<Tab>,
    /// Its deliveries, newest event first.
    pub rows: Vec<deliveries::Row>,
    /// The URL's filter.
    pub filter: Filter,
    /// Ways on and back.
    pub pager: Pager,
}

fn facts(subscription: &Subscription, titles: &BTreeMap<String, String>, known: &Known) -> Vec<Fact> {
    let mut facts = vec![
        Fact { name: "接收地址", value: subscription.url.clone() },
        Fact { name: "事件", value: events(&subscription.event_types, titles) },
        Fact { name: "地市", value: place(known, &subscription.prefecture) },
        Fact { name: "待投递", value: waiting(subscription.waiting) },
        Fact { name: "密钥签发", value: format::moment(subscription.secret_issued_at.as_ref()) },
        Fact { name: "建立时间", value: format::moment(subscription.created_at.as_ref()) },
    ];
    for (name, at) in [
        ("旧密钥仍可验签至", &subscription.previous_secret_until),
        ("推送失败始于", &subscription.failing_since),
        ("停用时间", &subscription.disabled_at),
    ] {
        if at.is_some() {
            facts.push(Fact { name, value: format::moment(at.as_ref()) });
        }
    }
    facts
}

async fn show(visitor: &Visitor, id: &str, filter: Filter, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let (titles, known) = (titles(visitor).await?, visitor.portal.divisions.names().await);
    let subscription = deliveries::subscription(visitor, id).await?;
    let request = ListDeliveriesRequest {
        page: filter.page(),
        subscription_id: id.to_owned(),
        state: filter.value("state").to_owned(),
    };
    let answer = visitor.webhooks().list_deliveries(request).await?.into_inner();
    let status = form.status();
    let page = SubscriptionPage {
        page: visitor.page(LIST, &subscription.name).await,
        form,
        path: format!("{LIST}/{id}"),
        state: state(&subscription),
        active: subscription.state == "active",
        facts: facts(&subscription, &titles, &known),
        tabs: STATES.into_iter().map(|(state, words)| filter.tab("state", state, words, None)).collect(),
        rows: answer.deliveries.iter().map(|one| deliveries::row(one, &titles)).collect(),
        pager: filter.pager(&answer.next_page_token, answer.deliveries.len()).exported(&filter),
        filter,
        name: subscription.name,
    };
    visitor.show(status, &page)
}

async fn detail(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    show(&visitor, &id, filter, Form::default()).await
}

/// The page of a subscription with what was refused.
pub(super) async fn again(visitor: &Visitor, id: &str, form: Form, status: Status) -> Answer {
    let filter = Filter::of(&format!("{LIST}/{id}"), &[]);
    show(visitor, id, filter, form.refused(status)?).await
}

async fn disable(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = DisableSubscriptionRequest { request_id: form.request_id(), subscription_id: id.clone() };
    match visitor.webhooks().disable_subscription(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}"), "订阅已停用；停用期间的事件不再补发"),
        Err(status) => again(&visitor, &id, form, status).await,
    }
}

async fn enable(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = EnableSubscriptionRequest { request_id: form.request_id(), subscription_id: id.clone() };
    match visitor.webhooks().enable_subscription(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}"), "订阅已恢复，先发送停用前尚未送达的事件"),
        Err(status) => again(&visitor, &id, form, status).await,
    }
}

async fn test(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = SendTestRequest { request_id: form.request_id(), subscription_id: id.clone() };
    match visitor.webhooks().send_test(request).await {
        Ok(answer) => {
            let path = format!("{LIST}/{id}/deliveries/{}", answer.into_inner().delivery_id);
            visitor.done(&path, "测试已发出，刷新本页查看结果")
        }
        Err(status) => again(&visitor, &id, form, status).await,
    }
}

async fn rotate(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = RotateSecretRequest { request_id: form.request_id(), subscription_id: id.clone() };
    match visitor.webhooks().rotate_secret(request).await {
        Ok(answer) => {
            let issued = Issued {
                title: "密钥已轮换",
                before: "过渡期内每次推送同时带新旧两个签名，请对方在此期间换用新密钥；截止时间见订阅页面。",
                secret: answer.into_inner().secret,
                path: format!("{LIST}/{id}"),
            };
            new(&visitor, Form::default(), Some(issued)).await
        }
        Err(status) => again(&visitor, &id, form, status).await,
    }
}

/// Midnight of a day here, `days` later; nothing where it is no day.
fn midnight(text: &str, days: i64) -> Option<prost_types::Timestamp> {
    let day = Date::parse(text.trim(), format_description!("[year]-[month]-[day]")).ok()?;
    let at = day.midnight().assume_offset(HERE).checked_add(Duration::days(days))?;
    Some(prost_types::Timestamp { seconds: at.unix_timestamp(), nanos: 0 })
}

async fn resend(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = ResendSpanRequest {
        request_id: form.request_id(),
        subscription_id: id.clone(),
        from: midnight(form.value("from"), 0),
        to: midnight(form.value("to"), 1),
        state: form.text("state"),
    };
    match visitor.webhooks().resend_span(request).await {
        Ok(answer) => {
            let done = format!("已安排重发 {} 条，编号不变，对方可据此去重", answer.into_inner().resent);
            visitor.done(&format!("{LIST}/{id}"), &done)
        }
        Err(status) => again(&visitor, &id, form, status).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_here() {
        let seconds = |text, days| midnight(text, days).map(|at| at.seconds);
        assert_eq!(seconds("2026-11-22", 0), Some(1_795_276_800));
        assert_eq!(seconds("2026-11-22", 1), Some(1_795_363_200));
        assert_eq!(seconds("昨天", 0), None);
        assert_eq!(seconds("9999-12-31", 1), None);
    }
}
