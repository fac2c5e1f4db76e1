//! 动态口令: asked for after the password and again before a decision; enrolled and removed under 账号. accounts judges all of it,
//! and counts codes by person: many people of one office come from one address, each with several codes in an hour.

use askama::Template;
use axum::{http::StatusCode, routing::get};
use chassis::error::Kind;
use proto::accounts::{
    CompleteSignInRequest, EnrolSecondFactorRequest, OfferSecondFactorRequest, OfferSecondFactorResponse,
    RemoveSecondFactorRequest, StepUpRequest,
};

use super::{
    Routes, back_to,
    login::{self, counted, local, on_the_form},
    profile,
};
use crate::{
    Answer, Form, Guest, Page, Refused, Visitor,
    cookies::Cookie,
    entry,
    frame::see_other,
    list::{Filter, encoded},
    unsent::Unsent,
};

/// The page under 账号.
const PAGE: &str = "/account/second-factor";

/// Reason of a code that is not judged: too many before it were wrong.
const LOCKED: &str = "second_factor_locked";

/// Routes of this area. A form below /login is part of signing in and never put aside as one that could not be sent.
pub fn routes() -> Routes {
    Routes::new()
        .route("/login/code", get(show_code).post(complete))
        .route("/login/enrol", get(show_first).post(enrol_first))
        .route("/login/again", get(show_again).post(step_up))
        .route(PAGE, get(show).post(enrol))
        .route("/account/second-factor/remove", back_to("/account/second-factor").post(remove))
}

/// Asks for a code: after the password, or again before what needs a fresh proof.
#[derive(Template)]
#[template(path = "code.html")]
pub struct CodePage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Where to go on.
    pub way_back: String,
    /// What was typed and is still to be sent.
    pub unsent: Unsent,
    /// The person is signed in and shows the code again.
    pub again: bool,
}

/// A secret to enrol with.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// The secret, sealed by accounts: nothing is stored before the first code.
    pub enrolment: String,
    /// The secret in groups of four.
    pub secret: String,
    /// The same as a link that apps import.
    pub uri: String,
}

impl From<OfferSecondFactorResponse> for Offered {
    fn from(offered: OfferSecondFactorResponse) -> Offered {
        let groups: Vec<_> = offered.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        Offered { enrolment: offered.enrolment, secret: groups.join(" "), uri: offered.uri }
    }
}

/// Enrolling, where it is demanded before anything else.
#[derive(Template)]
#[template(path = "second_factor_first.html")]
pub struct FirstFactorPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Where to go on.
    pub way_back: String,
    /// What was typed and is still to be sent.
    pub unsent: Unsent,
    /// The secret.
    pub offered: Offered,
}

/// 动态口令 under 账号.
#[derive(Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactorPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// To enrol with; none where one is enrolled.
    pub offered: Option<Offered>,
    /// Why nobody can enrol; empty otherwise.
    pub closed: String,
}

fn code(guest: &Guest, form: Form, way_back: String, unsent: Unsent, again: bool) -> Answer {
    let status = form.status();
    let page = guest.page(if again { "再次验证身份" } else { "输入动态口令" });
    guest.show(status, &CodePage { page, form, way_back, unsent, again })
}

/// The way to a page of signing in that leads back to `path`.
fn on_the_way(page: &str, path: &str) -> String {
    format!("{page}?return={}", encoded(local(path)))
}

/// What a form of signing in carries along: the way back, and what is still to be sent.
fn carried(form: &Form) -> (String, Unsent) {
    (local(form.value("return")).to_owned(), Unsent::of(form))
}

fn typed(form: &Form) -> String {
    entry::plain(form.value("code"))
}

/// Asks for the code after a right password.
///
/// # Errors
/// The template fails.
pub fn asked(guest: &Guest, way_back: &str, unsent: Unsent) -> Answer {
    if unsent.is_empty() {
        return Ok(see_other(&on_the_way("/login/code", way_back)));
    }
    code(guest, Form::default(), way_back.to_owned(), unsent, false)
}

/// Asks a person for the code again, who is signed in and has not shown it lately; keeps the form that was sent.
///
/// # Errors
/// The template fails.
pub fn asked_again(guest: &Guest, way_back: &str, unsent: &Unsent) -> Answer {
    let (page, way_back) = (guest.page("再次验证身份"), local(way_back).to_owned());
    let (form, unsent) = (Form::default(), unsent.clone());
    guest.show(StatusCode::FORBIDDEN, &CodePage { page, form, way_back, unsent, again: true })
}

async fn show_code(guest: Guest, filter: Filter) -> Answer {
    if guest.cookie(Cookie::Ticket).is_none() {
        return Ok(see_other("/login"));
    }
    let way_back = local(filter.value("return")).to_owned();
    code(&guest, Form::default(), way_back, Unsent::default(), false)
}

async fn complete(guest: Guest, form: Form) -> Answer {
    let (way_back, unsent) = carried(&form);
    let Some(activation_ticket) = guest.cookie(Cookie::Ticket) else {
        return login::timed_out(&guest, &way_back, &unsent);
    };
    let request = CompleteSignInRequest {
        activation_ticket,
        code: typed(&form),
        client_address: guest.address.to_string(),
    };
    match guest.portal.sessions.client().complete_sign_in(request).await {
        Ok(answer) => login::opened(&guest, answer.into_inner(), (signed_in_again(), unsent), way_back).await,
        Err(status) => {
            let refused = on_the_form(status.into());
            if refused.reason == LOCKED {
                return login::asked_anew(&guest, form.refused(refused)?, &way_back);
            }
            code(&guest, form.refused(counted(refused))?, way_back, unsent, false)
        }
    }
}

/// Why a form is offered again that was kept through signing in.
fn signed_in_again() -> String {
    "登录已超时，填写的内容仍然保留。您已重新登录。".to_owned()
}

async fn show_again(visitor: Visitor, guest: Guest, filter: Filter) -> Answer {
    let way_back = local(filter.value("return")).to_owned();
    if profile::of_operator(&visitor) {
        return Ok(see_other(&way_back));
    }
    code(&guest, Form::default(), way_back, Unsent::default(), true)
}

async fn step_up(guest: Guest, form: Form) -> Answer {
    let (way_back, unsent) = carried(&form);
    let Some(session_token) = guest.cookie(Cookie::Session) else {
        return login::timed_out(&guest, &way_back, &unsent);
    };
    let request = StepUpRequest {
        session_token: session_token.clone(),
        code: typed(&form),
        client_address: guest.address.to_string(),
    };
    match guest.portal.sessions.client().step_up(request).await {
        Ok(answer) => {
            guest.portal.sessions.forget(&session_token);
            let why = "动态口令已验证，填写的内容仍然保留。".to_owned();
            login::opened(&guest, answer.into_inner(), (why, unsent), way_back).await
        }
        Err(status) => {
            let refused = Refused::from(status);
            if refused.kind == Kind::Unauthenticated {
                return login::timed_out(&guest, &way_back, &unsent);
            }
            code(&guest, form.refused(counted(refused))?, way_back, unsent, true)
        }
    }
}

/// Has somebody enrol before anything else.
///
/// # Errors
/// The template fails; accounts is away.
pub async fn enrolled_first(guest: &Guest, ticket: &str, way_back: &str, unsent: Unsent) -> Answer {
    if unsent.is_empty() {
        return Ok(see_other(&on_the_way("/login/enrol", way_back)));
    }
    first(guest, ticket, Form::default(), way_back.to_owned(), unsent).await
}

async fn first(guest: &Guest, ticket: &str, form: Form, way_back: String, unsent: Unsent) -> Answer {
    let request = OfferSecondFactorRequest {
        session_token: String::new(),
        activation_ticket: ticket.to_owned(),
        enrolment: form.value("enrolment").to_owned(),
    };
    match guest.portal.sessions.client().offer_second_factor(request).await {
        Ok(answer) => {
            let (status, offered) = (form.status(), Offered::from(answer.into_inner()));
            let page = guest.page("启用动态口令");
            guest.show(status, &FirstFactorPage { page, form, way_back, unsent, offered })
        }
        Err(status) => {
            let refused = Refused::from(status);
            if refused.kind == Kind::Unauthenticated {
                return login::timed_out(guest, &way_back, &unsent);
            }
            Err(refused)
        }
    }
}

async fn show_first(guest: Guest, filter: Filter) -> Answer {
    let Some(ticket) = guest.cookie(Cookie::Ticket) else { return Ok(see_other("/login")) };
    let way_back = local(filter.value("return")).to_owned();
    first(&guest, &ticket, Form::default(), way_back, Unsent::default()).await
}

async fn enrol_first(guest: Guest, form: Form) -> Answer {
    let (way_back, unsent) = carried(&form);
    let Some(ticket) = guest.cookie(Cookie::Ticket) else {
        return login::timed_out(&guest, &way_back, &unsent);
    };
    let request = EnrolSecondFactorRequest {
        activation_ticket: ticket.clone(),
        enrolment: form.value("enrolment").to_owned(),
        code: typed(&form),
        client_address: guest.address.to_string(),
        ..EnrolSecondFactorRequest::default()
    };
    match guest.portal.sessions.client().enrol_second_factor(request).await {
        Ok(answer) => login::opened(&guest, answer.into_inner(), (signed_in_again(), unsent), way_back).await,
        Err(status) => {
            let form = form.refused(on_the_form(status.into()))?;
            first(&guest, &ticket, form, way_back, unsent).await
        }
    }
}

async fn own(visitor: &Visitor, form: Form) -> Answer {
    if profile::of_operator(visitor) {
        return Err(Refused::not_found());
    }
    let request = OfferSecondFactorRequest {
        session_token: visitor.session().to_owned(),
        activation_ticket: String::new(),
        enrolment: form.value("enrolment").to_owned(),
    };
    let answer = visitor.portal.sessions.client().offer_second_factor(request).await;
    let (offered, closed) = match answer.map_err(Refused::from) {
        Ok(answer) => (Some(Offered::from(answer.into_inner())), String::new()),
        Err(refused) if refused.reason == "second_factor_enrolled" => (None, String::new()),
        Err(refused) if refused.reason == "second_factor_closed" => (None, refused.text),
        Err(refused) => return Err(refused),
    };
    let status = form.status();
    let page = visitor.page("", "动态口令").await;
    visitor.show(status, &SecondFactorPage { page, form, offered, closed })
}

async fn show(visitor: Visitor) -> Answer {
    own(&visitor, Form::default()).await
}

async fn enrol(visitor: Visitor, guest: Guest, form: Form) -> Answer {
    if let Err(refused) = visitor.portal.limits.sign_in(guest.address) {
        return own(&visitor, form.refused(refused)?).await;
    }
    let request = EnrolSecondFactorRequest {
        session_token: visitor.session().to_owned(),
        activation_ticket: String::new(),
        enrolment: form.value("enrolment").to_owned(),
        code: typed(&form),
        password: form.value("password").to_owned(),
        client_address: guest.address.to_string(),
    };
    match visitor.portal.sessions.client().enrol_second_factor(request).await {
        Ok(answer) => {
            // The session goes on under another reference.
            visitor.portal.sessions.forget(visitor.session());
            let session = visitor.portal.jar.set(Cookie::Session, &answer.into_inner().session_token);
            guest.done(PAGE, "动态口令已启用，今后登录、办理审批和导出时需要输入", &[session])
        }
        Err(status) => own(&visitor, form.refused(on_the_form(status.into()))?).await,
    }
}

async fn remove(visitor: Visitor, guest: Guest, form: Form) -> Answer {
    let request = RemoveSecondFactorRequest {
        session_token: visitor.session().to_owned(),
        code: typed(&form),
        client_address: guest.address.to_string(),
    };
    match visitor.portal.sessions.client().remove_second_factor(request).await {
        // Every session has ended, this one too.
        Ok(_) => {
            visitor.portal.sessions.forget(visitor.session());
            guest.done("/login", "动态口令已停用，请重新登录", &[visitor.portal.jar.end(Cookie::Session)])
        }
        Err(status) => own(&visitor, form.refused(counted(on_the_form(status.into())))?).await,
    }
}
