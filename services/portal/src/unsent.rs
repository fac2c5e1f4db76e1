//! A form that came when the session had ended: it goes with the person through the sign-in page and is offered again.
//!
//! Owns: keeping it aside, its two hidden fields. Nothing is stored: the texts are in the browser's own page. Passwords, files and
//! the old form's token are left out; the request id stays, so what was done after all is not done twice. Source: ui, section 8.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, header},
};
use url::form_urlencoded;

use crate::{
    Form, Refused,
    form::{self, TOKEN_FIELD},
    web::login::local,
};

/// Longer forms are not kept; the longest of ours, an application, is a draft of its own.
const BYTES_MAX: usize = 64 * 1024;

/// Where the form went, and its texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsent {
    /// Path that takes the form; empty where there is none.
    pub to: String,
    /// Names and texts, in order.
    pub entries: Vec<(String, String)>,
}

impl Unsent {
    /// What was kept on the sign-in page.
    pub fn of(form: &Form) -> Unsent {
        let to = form.value("unsent_to");
        if to.is_empty() || local(to) != to {
            return Unsent::default();
        }
        Unsent { to: to.to_owned(), entries: read(form.value("unsent").as_bytes()) }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.to.is_empty() || self.entries.is_empty()
    }

    /// As one hidden field carries it.
    pub fn text(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.entries).finish()
    }

    /// What a person has typed, as far as it can be told from ids, choices and numbers: it holds Chinese.
    pub fn typed(&self) -> Vec<&str> {
        let chinese = |text: &str| text.chars().any(|letter| ('\u{4E00}'..='\u{9FFF}').contains(&letter));
        self.entries.iter().map(|(_, text)| text.as_str()).filter(|text| chinese(text)).collect()
    }
}

/// Reads a short form on its way to the handler, which gets it whole.
///
/// # Errors
/// The body breaks off or is longer than it says.
pub async fn aside(request: Request) -> Result<(Request, Unsent), Refused> {
    if !keeps(request.headers()) {
        return Ok((request, Unsent::default()));
    }
    let to = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BYTES_MAX).await.map_err(|_| form::unreadable())?;
    let unsent = Unsent { to, entries: read(&bytes) };
    Ok((Request::from_parts(parts, Body::from(bytes)), unsent))
}

/// Whether it is a whole page's form without files; what a script sends has an answer of its own.
fn keeps(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let length = text(header::CONTENT_LENGTH.as_str()).parse().unwrap_or(usize::MAX);
    text(header::CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded")
        && text("x-fragment").is_empty()
        && length <= BYTES_MAX
}

fn read(bytes: &[u8]) -> Vec<(String, String)> {
    let left_out = |name: &str| name == TOKEN_FIELD || name.contains("password");
    form_urlencoded::parse(bytes).into_owned().filter(|(name, _)| !left_out(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_the_sign_in_page_without_its_token_and_passwords() {
        let sent = "form_token=a&request_id=7&new_password=secret&opinion=%E5%90%8C%E6%84%8F+%22%3C%26&mark_M1=ok&mark_M1=bad";
        let unsent = Unsent { to: "/a/b".to_owned(), entries: read(sent.as_bytes()) };
        let fields = [("unsent_to", unsent.to.clone()), ("unsent", unsent.text())];
        assert_eq!(Unsent::of(&Form::filled(fields)), unsent);
        assert_eq!(unsent.typed(), ["同意 \"<&"]);
        let names: Vec<_> = unsent.entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["request_id", "opinion", "mark_M1", "mark_M1"]);
    }

    #[test]
    fn a_form_goes_to_our_own_paths_only() {
        for to in ["https://evil.example/", "//evil.example/", "/logout", ""] {
            let fields = [("unsent_to", to.to_owned()), ("unsent", "a=b".to_owned())];
            assert!(Unsent::of(&Form::filled(fields)).is_empty(), "{to}");
        }
    }
}
