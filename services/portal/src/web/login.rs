//! 登录 and 退出登录: the session begins and ends here; accounts decides.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    routing::{get, post},
};
use chassis::error::Kind;
use proto::accounts::SignInRequest;

use super::Routes;
use crate::{
    Answer, Form, Guest, Page, Refused, Visitor,
    cookies::Cookie,
    frame::see_other,
    list::{Filter, encoded},
    unsent::Unsent,
};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/login", get(show).post(sign_in)).route("/logout", post(sign_out))
}

/// The sign-in page that leads back to `path`.
pub fn with_return(path: &str) -> String {
    match local(path) {
        "/workbench" | "/" => "/login".to_owned(),
        path => format!("/login?return={}", encoded(path)),
    }
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
    /// What was typed when the session had ended.
    pub unsent: Unsent,
}

/// Offers again what could not be sent.
#[derive(Template)]
#[template(path = "continue.html")]
pub struct ContinuePage {
    /// The frame.
    pub page: Page,
    /// Who has signed in now.
    pub login: String,
    /// The form as it came.
    pub unsent: Unsent,
    /// The page that showed it.
    pub way_back: String,
}

async fn show(guest: Guest, filter: Filter) -> Answer {
    page(&guest, Form::default(), local(filter.value("return")))
}

fn page(guest: &Guest, form: Form, way_back: &str) -> Answer {
    let status = form.status();
    let (way_back, unsent) = (way_back.to_owned(), Unsent::of(&form));
    guest.show(status, &LoginPage { page: guest.page("登录"), form, way_back, unsent })
}

/// The sign-in page for a form whose session has ended; it keeps the form.
///
/// # Errors
/// The template fails.
pub fn timed_out(guest: &Guest, way_back: &str, unsent: &Unsent) -> Answer {
    let (page, way_back) = (guest.page("登录"), local(way_back).to_owned());
    let login = LoginPage { page, form: Form::default(), way_back, unsent: unsent.clone() };
    guest.show(StatusCode::UNAUTHORIZED, &login)
}

async fn sign_in(guest: Guest, form: Form) -> Answer {
    let way_back = local(form.value("return")).to_owned();
    if let Err(refused) = guest.portal.limits.sign_in(guest.address) {
        return page(&guest, form.refused(refused)?, &way_back);
    }
    let request = SignInRequest {
        login: form.text("login"),
        password: form.value("password").to_owned(),
        client_address: guest.address.to_string(),
    };
    match guest.portal.sessions.client().sign_in(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let (cookie, value, path) = if answer.session_token.is_empty() {
                (Cookie::Ticket, answer.activation_ticket, "/password/first".to_owned())
            } else {
                (Cookie::Session, answer.session_token, way_back)
            };
            let unsent = Unsent::of(&form);
            let mut response = if cookie == Cookie::Session && !unsent.is_empty() {
                let (page, login) = (guest.page("继续提交"), form.text("login"));
                guest.show(StatusCode::OK, &ContinuePage { page, login, unsent, way_back: path })?
            } else {
                see_other(&path)
            };
            response.headers_mut().append(header::SET_COOKIE, guest.portal.jar.set(cookie, &value));
            Ok(response)
        }
        Err(status) => page(&guest, form.refused(on_the_form(status.into()))?, &way_back),
    }
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
    visitor.sign_out().await
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
