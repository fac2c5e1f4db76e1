//! 修改密码, and the first own password of an account that got a one-time one. accounts judges both.

use askama::Template;
use axum::routing::{get, post};
use proto::accounts::{ActivateRequest, ChangePasswordRequest, RequestCodeRequest};

use super::{Routes, login::on_the_form};
use crate::{Answer, Form, Guest, Page, Visitor, cookies::Cookie, frame::see_other};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/password/first", get(show_first).post(set_first))
        .route("/password/first/code", post(send_code))
        .route("/account/password", get(show).post(change))
}

/// The first own password.
#[derive(Template)]
#[template(path = "password_first.html")]
pub struct FirstPasswordPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Where the code went, masked; empty before it was sent.
    pub sent_to: String,
}

fn first(guest: &Guest, form: Form, sent_to: String) -> Answer {
    let status = form.status();
    guest.show(status, &FirstPasswordPage { page: guest.page("设置新密码"), form, sent_to })
}

async fn show_first(guest: Guest) -> Answer {
    match guest.cookie(Cookie::Ticket) {
        Some(_) => first(&guest, Form::default(), String::new()),
        None => Ok(see_other("/login")),
    }
}

async fn send_code(guest: Guest, form: Form) -> Answer {
    let Some(activation_ticket) = guest.cookie(Cookie::Ticket) else { return Ok(see_other("/login")) };
    if let Err(refused) = guest.portal.limits.sign_in(guest.address) {
        return first(&guest, form.refused(refused)?, String::new());
    }
    let request = RequestCodeRequest { activation_ticket };
    match guest.portal.sessions.client().request_code(request).await {
        Ok(answer) => first(&guest, form, answer.into_inner().masked_phone),
        Err(status) => first(&guest, form.refused(on_the_form(status.into()))?, String::new()),
    }
}

async fn set_first(guest: Guest, mut form: Form) -> Answer {
    let Some(activation_ticket) = guest.cookie(Cookie::Ticket) else { return Ok(see_other("/login")) };
    let sent_to = form.text("sent_to");
    if let Err(refused) = guest.portal.limits.sign_in(guest.address) {
        return first(&guest, form.refused(refused)?, sent_to);
    }
    if form.value("new_password") != form.value("new_password_again") {
        form.mark("new_password_again", "两次输入的新密码不一致，请重新输入");
        return first(&guest, form, sent_to);
    }
    let request = ActivateRequest {
        activation_ticket,
        code: form.text("code"),
        new_password: form.value("new_password").to_owned(),
    };
    match guest.portal.sessions.client().activate(request).await {
        Ok(_) => {
            guest.done("/login", "新密码已设置，请用新密码登录", &[guest.portal.jar.end(Cookie::Ticket)])
        }
        Err(status) => {
            let mut form = form.refused(on_the_form(status.into()))?;
            form.about("password", "new_password");
            first(&guest, form, sent_to)
        }
    }
}

/// 修改密码.
#[derive(Template)]
#[template(path = "password.html")]
pub struct PasswordPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
}

async fn changing(visitor: &Visitor, form: Form) -> Answer {
    let status = form.status();
    visitor.show(status, &PasswordPage { page: visitor.page("", "修改密码").await, form })
}

async fn show(visitor: Visitor) -> Answer {
    changing(&visitor, Form::default()).await
}

async fn change(visitor: Visitor, guest: Guest, mut form: Form) -> Answer {
    if let Err(refused) = visitor.portal.limits.sign_in(guest.address) {
        return changing(&visitor, form.refused(refused)?).await;
    }
    if form.value("new_password") != form.value("new_password_again") {
        form.mark("new_password_again", "两次输入的新密码不一致，请重新输入");
        return changing(&visitor, form).await;
    }
    let request = ChangePasswordRequest {
        session_token: visitor.session().to_owned(),
        password: form.value("password").to_owned(),
        new_password: form.value("new_password").to_owned(),
    };
    match visitor.portal.sessions.client().change_password(request).await {
        // Every session has ended, this one too.
        Ok(_) => {
            visitor.portal.sessions.forget(visitor.session());
            guest.done("/login", "密码已修改，请用新密码登录", &[visitor.portal.jar.end(Cookie::Session)])
        }
        Err(status) => changing(&visitor, form.refused(on_the_form(status.into()))?).await,
    }
}
