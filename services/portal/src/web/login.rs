//! 登录 and 退出登录: the session begins and ends here; accounts decides.

use std::time::Duration;

use askama::Template;
use axum::{
    http::{StatusCode, header},
    routing::get,
};
use chassis::error::Kind;
use proto::accounts::{SignInRequest, SignInResponse};
use tonic::Code;

use super::{Routes, back_to, second_factor};
use crate::{
    Answer, Form, Guest, Page, Refused, Visitor,
    cookies::Cookie,
    frame::see_other,
    list::{Filter, encoded},
    unsent::Unsent,
};

/// How long the page waits to hear whether a session has ended.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/login", get(show).post(sign_in))
        .route("/logout", back_to("/workbench").post(sign_out))
}

/// The sign-in page that leads back to `path`.
pub fn with_return(path: &str) -> String {
    match local(path) {
        "/workbench" | "/" => "/login".to_owned(),
        path => format!("/login?return={}", encoded(path)),
    }
}

/// The same for somebody whose session has ended.
pub fn ended(path: &str) -> String {
    let page = with_return(path);
    let sign = if page.contains('?') { '&' } else { '?' };
    format!("{page}{sign}ended=1")
}

/// A path of ours; anything else (another host, `//host`, a script) becomes the workbench.
pub fn local(path: &str) -> &str {
    let ours = path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && !path.chars().any(|letter| letter.is_control() || letter == '\\')
        && !path.starts_with("/login")
        && !path.starts_with("/logout");
    if ours { path } else { "/workbench" }
}

/// The page.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Where to go on.
    pub way_back: String,
    /// Why the person is asked to sign in again, and what became of what was typed; empty on a first visit.
    pub ended: &'static str,
    /// What was typed when the session had ended.
    pub unsent: Unsent,
}

/// Offers again what could not be sent.
#[derive(Template)]
#[template(path = "continue.html")]
pub struct ContinuePage {
    /// The frame.
    pub page: Page,
    /// Why it was not sent, and who has signed in now.
    pub why: String,
    /// The form as it came.
    pub unsent: Unsent,
    /// The page that showed it.
    pub way_back: String,
}

async fn show(guest: Guest, filter: Filter) -> Answer {
    let way_back = local(filter.value("return"));
    let ended = if filter.has("ended", "1") { over(way_back) } else { "" };
    let mut response = page(&guest, Form::default(), way_back, ended)?;
    if holds_ended_session(&guest).await {
        response.headers_mut().append(header::SET_COOKIE, guest.portal.jar.end(Cookie::Session));
    }
    Ok(response)
}

/// Whether the session that this very request names has ended, so that its cookie may go; not while accounts does not say.
async fn holds_ended_session(guest: &Guest) -> bool {
    let Some(session) = guest.cookie(Cookie::Session) else { return false };
    let known = tokio::time::timeout(SAID_WITHIN, guest.portal.sessions.find(&session)).await;
    known.is_ok_and(|known| known.is_err_and(|status| status.code() == Code::Unauthenticated))
}

/// What a person reads whose session has ended on the way to a page.
fn over(way_back: &str) -> &'static str {
    // The acceptance form is kept while it is filled in.
    if way_back.starts_with("/subsidy/applications/") && way_back.ends_with("/edit") {
        "登录已超时，请重新登录后继续；已填写的内容保存在草稿中"
    } else {
        "登录已超时，请重新登录后继续"
    }
}

/// The same where the form itself is kept on the sign-in page.
fn kept(unsent: &Unsent) -> &'static str {
    match (unsent.is_empty(), unsent.files) {
        (true, _) => "",
        (false, false) => "登录已超时，请重新登录后继续；已填写的内容仍然保留，登录后可继续提交",
        (false, true) => {
            "登录已超时，请重新登录后继续；已填写的内容仍然保留，登录后可继续提交，所选文件需重新选择"
        }
    }
}

fn page(guest: &Guest, form: Form, way_back: &str, ended: &'static str) -> Answer {
    let status = form.status();
    let (way_back, unsent) = (way_back.to_owned(), Unsent::of(&form));
    let ended = if unsent.is_empty() { ended } else { kept(&unsent) };
    guest.show(status, &LoginPage { page: guest.page("登录"), form, way_back, ended, unsent })
}

/// The sign-in page for somebody whose password is asked for once more; it says why, and keeps what is still to be sent.
///
/// # Errors
/// The template fails.
pub fn asked_anew(guest: &Guest, form: Form, way_back: &str) -> Answer {
    page(guest, form, way_back, "")
}

/// The sign-in page for a form whose session has ended; it keeps the form.
///
/// # Errors
/// The template fails.
pub fn timed_out(guest: &Guest, way_back: &str, unsent: &Unsent) -> Answer {
    let (page, way_back) = (guest.page("登录"), local(way_back).to_owned());
    let (form, ended, unsent) = (Form::default(), kept(unsent), unsent.clone());
    let login = LoginPage { page, form, way_back, ended, unsent };
    guest.show(StatusCode::UNAUTHORIZED, &login)
}

/// Offers a form again that this browser sent with a token of an earlier session; nothing is sent before the person says so.
///
/// # Errors
/// The template fails.
pub fn renewed(guest: &Guest, name: &str, way_back: &str, unsent: &Unsent) -> Answer {
    let why = format!("此页面打开后，您在其他窗口重新登录过；填写的内容仍然保留。当前登录：{name}。");
    offered_again(guest, StatusCode::CONFLICT, (why, unsent.clone()), local(way_back).to_owned())
}

fn offered_again(
    guest: &Guest,
    status: StatusCode,
    (why, unsent): (String, Unsent),
    way_back: String,
) -> Answer {
    guest.show(status, &ContinuePage { page: guest.page("继续提交"), why, unsent, way_back })
}

async fn sign_in(guest: Guest, form: Form) -> Answer {
    let way_back = local(form.value("return")).to_owned();
    if let Err(refused) = guest.portal.limits.sign_in(guest.address) {
        return page(&guest, form.refused(refused)?, &way_back, "");
    }
    let request = SignInRequest {
        login: form.text("login"),
        password: form.value("password").to_owned(),
        client_address: guest.address.to_string(),
    };
    match guest.portal.sessions.client().sign_in(request).await {
        Ok(answer) => {
            let login = form.text("login");
            let why = format!("登录已超时，填写的内容仍然保留。您已以账号 {login} 重新登录。");
            opened(&guest, answer.into_inner(), (why, Unsent::of(&form)), way_back).await
        }
        Err(status) => page(&guest, form.refused(counted(on_the_form(status.into())))?, &way_back, ""),
    }
}

/// What somebody gets who has proved something: the session and the way back, or what is still asked for. Where a form is
/// still to be sent it is offered again, with the words why.
///
/// # Errors
/// The template fails; accounts is away.
pub async fn opened(
    guest: &Guest,
    answer: SignInResponse,
    (why, unsent): (String, Unsent),
    way_back: String,
) -> Answer {
    let jar = guest.portal.jar;
    if answer.session_token.is_empty() {
        let ticket = answer.activation_ticket;
        let cookie = jar.set(Cookie::Ticket, &ticket);
        let mut response = match answer.activation_reason.as_str() {
            "second_factor" => second_factor::asked(guest, &way_back, unsent)?,
            "enrolment" => second_factor::enrolled_first(guest, &ticket, &way_back, unsent).await?,
            _ => see_other("/password/first"),
        };
        response.headers_mut().append(header::SET_COOKIE, cookie);
        return Ok(response);
    }
    let mut response = if unsent.is_empty() {
        see_other(&way_back)
    } else {
        offered_again(guest, StatusCode::OK, (why, unsent), way_back)?
    };
    response.headers_mut().append(header::SET_COOKIE, jar.set(Cookie::Session, &answer.session_token));
    if guest.cookie(Cookie::Ticket).is_some() {
        response.headers_mut().append(header::SET_COOKIE, jar.end(Cookie::Ticket));
    }
    Ok(response)
}

/// Says how many tries are left.
pub fn counted(refused: Refused) -> Refused {
    let text = match refused.facts.get("attempts_left").map(String::as_str) {
        None | Some("") => return refused,
        Some("0") => format!("{}，登录已锁定，请稍后再试", refused.text),
        Some(left) => format!("{}，还可尝试 {left} 次", refused.text),
    };
    let fields = refused.fields.into_iter().map(|(field, _)| (field, text.clone())).collect();
    Refused { fields, text, ..refused }
}

/// A wrong password is an answer about the form, not the end of a session.
pub fn on_the_form(refused: Refused) -> Refused {
    match refused.kind {
        Kind::Unauthenticated => Refused { kind: Kind::Invalid, ..refused },
        Kind::Invalid
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Reused
        | Kind::Refused
        | Kind::Conflict
        | Kind::Busy
        | Kind::Unavailable
        | Kind::Internal => refused,
    }
}

async fn sign_out(visitor: Visitor, _form: Form) -> Answer {
    Ok(visitor.sign_out().await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_sign_in_says_how_many_tries_are_left() {
        let said = |left: u32| {
            let failure = chassis::Failure::unauthenticated("sign_in_failed", "账号名称或密码不正确");
            counted(Refused::from(tonic::Status::from(failure.with("attempts_left", left)))).text
        };
        assert_eq!(said(3), "账号名称或密码不正确，还可尝试 3 次");
        assert_eq!(said(0), "账号名称或密码不正确，登录已锁定，请稍后再试");
        assert_eq!(counted(Refused::signed_out()).text, Refused::signed_out().text);
    }

    #[test]
    fn the_way_back_never_leaves_the_portal() {
        assert_eq!(local("/subsidy/applications?stage=Draft"), "/subsidy/applications?stage=Draft");
        for hostile in [
            "",
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "/a\\..",
            "javascript:alert(1)",
            "/x\r\nSet-Cookie: a=b",
            "/login?return=/login",
        ] {
            assert_eq!(local(hostile), "/workbench", "{hostile}");
        }
        assert_eq!(with_return("/messages?a=1&b=2"), "/login?return=%2Fmessages%3Fa%3D1%26b%3D2");
        assert_eq!(
            (ended("/").as_str(), ended("/a").as_str()),
            ("/login?ended=1", "/login?return=%2Fa&ended=1")
        );
    }
}
