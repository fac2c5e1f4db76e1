//! 修改密码, 忘记密码, and the first own password of an account that got a one-time one. accounts judges all of them.

use askama::Template;
use axum::routing::get;
use proto::accounts::{ActivateRequest, ChangePasswordRequest, RequestCodeRequest, RequestResetRequest};

use super::{
    Routes, back_to,
    login::on_the_form,
    profile::{self, SignIns},
};
use crate::{
    Answer, Form, Guest, Page, Visitor, cookies::Cookie, frame::see_other, list::Filter, refused::Away,
};

/// How the page knows that somebody comes from 忘记密码.
const BY_CODE: &str = "code";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/password/forgot", get(show_forgot).post(forgot))
        .route("/password/first", get(show_first).post(set_first))
        .route("/password/first/code", back_to("/password/first").post(send_code))
        .route("/account/password", get(show).post(change))
}

/// 忘记密码.
#[derive(Template)]
#[template(path = "password_forgot.html")]
pub struct ForgotPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
}

fn forgotten(guest: &Guest, form: Form) -> Answer {
    let status = form.status();
    guest.show(status, &ForgotPage { page: guest.page("忘记密码"), form })
}

async fn show_forgot(guest: Guest) -> Answer {
    forgotten(&guest, Form::default())
}

async fn forgot(guest: Guest, form: Form) -> Answer {
    if let Err(refused) = guest.portal.limits.sign_in(guest.address) {
        return forgotten(&guest, form.refused(refused)?);
    }
    let request = RequestResetRequest {
        login: form.text("login"),
        phone: form.text("contact_phone"),
        client_address: guest.address.to_string(),
    };
    match guest.portal.sessions.client().request_reset(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let done = format!(
                "如账号名称与手机号相符，验证码已发送至 {}，请及时填写并设置新密码",
                answer.masked_phone
            );
            let ticket = guest.portal.jar.set(Cookie::Ticket, &answer.activation_ticket);
            guest.done("/password/first?by=code", &done, &[ticket])
        }
        Err(status) => forgotten(&guest, form.refused(on_the_form(status.into()))?),
    }
}

/// The first own password, or another one where it was forgotten.
#[derive(Template)]
#[template(path = "password_first.html")]
pub struct FirstPasswordPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Where the code went, masked; empty before it was sent.
    pub sent_to: String,
    /// The password was forgotten, and a code has been asked for already.
    pub forgotten: bool,
}

fn first(guest: &Guest, form: Form, sent_to: String) -> Answer {
    let (status, forgotten) = (form.status(), form.has("by", BY_CODE));
    guest.show(status, &FirstPasswordPage { page: guest.page("设置新密码"), form, sent_to, forgotten })
}

async fn show_first(guest: Guest, filter: Filter) -> Answer {
    match guest.cookie(Cookie::Ticket) {
        Some(_) => first(&guest, Form::filled([("by", filter.value("by").to_owned())]), String::new()),
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
    /// 登录记录 of an operator's user; officials have theirs at 个人资料.
    pub access: Option<Result<SignIns, Away>>,
}

async fn changing(visitor: &Visitor, form: Form) -> Answer {
    let access = if profile::of_operator(visitor) { Some(profile::sign_ins(visitor).await?) } else { None };
    let status = form.status();
    visitor.show(status, &PasswordPage { page: visitor.page("", "修改密码").await, form, access })
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
        client_address: guest.address.to_string(),
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
