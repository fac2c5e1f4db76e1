//! 消息中心: the person's messages, newest first.

use askama::Template;
use axum::routing::get;
use proto::notifications::{ListMessagesRequest, MarkReadRequest, Message};

use super::{Routes, back_to, orders, subscriptions};
use crate::{
    Answer, Form, Page, Role, Visitor, format,
    list::{Filter, Pager},
};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/messages", get(list)).route("/messages/read", back_to("/messages").post(read))
}

/// One message.
pub struct MessageRow {
    /// What it says.
    pub text: String,
    /// When it came.
    pub at: String,
    /// Where it leads; empty where nowhere.
    pub path: String,
    /// Whether it is new.
    pub unread: bool,
}

/// The list.
#[derive(Template)]
#[template(path = "messages.html")]
pub struct MessagesPage {
    /// The frame.
    pub page: Page,
    /// For 全部标为已读.
    pub form: Form,
    /// Messages of this page of the list.
    pub messages: Vec<MessageRow>,
    /// The newest one; everything up to it can be marked.
    pub newest: String,
    /// Ways on and back.
    pub pager: Pager,
}

/// The page of what a message is about; empty where the reader has none.
pub(super) fn path(message: &Message, roles: &[Role], application: impl Fn(&str) -> String) -> String {
    let any = |wanted: &[Role]| roles.iter().any(|role| wanted.contains(role));
    let id = &message.subject_id;
    match message.subject_type.as_str() {
        "application" => application(id),
        "work_order" if any(&orders::JOINT) => format!("{}/orders/{id}", orders::LIST),
        "operator" if any(&[Role::Administrator]) => format!("/system/accounts/{id}/review"),
        "operator" if any(&[Role::Operator, Role::OperatorApplicant]) => "/account/company".to_owned(),
        "webhook" if any(&[Role::Administrator]) => format!("{}/{id}", subscriptions::LIST),
        _ => String::new(),
    }
}

fn row(message: &Message, visitor: &Visitor) -> MessageRow {
    MessageRow {
        text: message.text.clone(),
        at: format::moment(message.at.as_ref()),
        path: path(message, &visitor.roles, |id| visitor.application_path(id)),
        unread: !message.read,
    }
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    let request = ListMessagesRequest { page: filter.page(), unread_only: filter.has("unread", "1") };
    let answer = visitor.messages().list_messages(request).await?.into_inner();
    let page = MessagesPage {
        page: visitor.page("", "消息中心").await,
        form: Form::default(),
        newest: answer.messages.first().map(|message| message.message_id.clone()).unwrap_or_default(),
        messages: answer.messages.iter().map(|message| row(message, &visitor)).collect(),
        pager: filter.pager(&answer.next_page_token, answer.messages.len()).exported(&filter),
    };
    visitor.show(page.form.status(), &page)
}

async fn read(visitor: Visitor, form: Form) -> Answer {
    let request =
        MarkReadRequest { request_id: form.request_id(), up_to_message_id: form.text("up_to_message_id") };
    visitor.messages().mark_read(request).await?;
    visitor.done("/messages", "消息已标为已读")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leads_to_its_subject_where_the_reader_has_a_page_of_it() {
        let led = |kind: &str, role| {
            let message = Message { subject_type: kind.into(), subject_id: "7".into(), ..Message::default() };
            path(&message, &[role], |id| format!("/application/{id}"))
        };
        assert_eq!(led("work_order", Role::Expert), "/supervision/subsidies/orders/7");
        assert_eq!(led("work_order", Role::City), "", "a city has no page of an order");
        assert_eq!(led("operator", Role::Administrator), "/system/accounts/7/review");
        assert_eq!(led("operator", Role::Operator), "/account/company");
        assert_eq!(led("application", Role::County), "/application/7");
    }
}
