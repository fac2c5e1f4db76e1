//! 消息中心: the person's messages, newest first.

use askama::Template;
use axum::routing::{get, post};
use proto::notifications::{ListMessagesRequest, MarkReadRequest, Message};

use super::Routes;
use crate::{
    Answer, Form, Page, Role, Visitor, format,
    list::{Filter, Pager},
};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/messages", get(list)).route("/messages/read", post(read))
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

fn row(message: &Message, visitor: &Visitor) -> MessageRow {
    let path = match message.subject_type.as_str() {
        "application" => visitor.application_path(&message.subject_id),
        "operator" if visitor.is(Role::Administrator) => {
            format!("/system/accounts/{}/review", message.subject_id)
        }
        _ => String::new(),
    };
    MessageRow {
        text: message.text.clone(),
        at: format::moment(message.at.as_ref()),
        path,
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
