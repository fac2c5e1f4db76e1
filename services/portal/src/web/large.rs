//! 大字版: letters larger by a quarter, remembered by the browser for a year; signed in or not.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse as _,
};

use super::{Routes, back_to, login};
use crate::{Answer, Form, Guest, cookies::Cookie, frame};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/large", back_to("/workbench").post(choose))
}

/// Back to the page that showed the button; the script stays on it.
async fn choose(guest: Guest, headers: HeaderMap, form: Form) -> Answer {
    let jar = guest.portal.jar;
    let cookie = if form.has("large", "1") { jar.set(Cookie::Large, "1") } else { jar.end(Cookie::Large) };
    let mut response = if headers.contains_key("x-fragment") {
        StatusCode::NO_CONTENT.into_response()
    } else {
        frame::see_other(login::local(&shown(&headers)))
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Path of the page that was shown; empty where the browser does not tell.
fn shown(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let rest = referer.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default().to_owned()
}
