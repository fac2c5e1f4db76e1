//! A form that came when the session had ended: it goes with the person through the sign-in page and is offered again.
//!
//! Owns: keeping it aside, its hidden fields. Nothing is stored: the texts are in the browser's own page. Passwords, secrets, files
//! and the old form's token are left out; the request id stays, so what was done after all is not done twice. Source: ui, section 8.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest as _, Multipart, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
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
    /// Whether a file came with them, which must be chosen again.
    pub files: bool,
}

impl Unsent {
    /// What was kept on the sign-in page.
    pub fn of(form: &Form) -> Unsent {
        let to = form.value("unsent_to");
        if to.is_empty() || local(to) != to {
            return Unsent::default();
        }
        Unsent {
            to: to.to_owned(),
            entries: read(form.value("unsent").as_bytes()),
            files: form.has("unsent_files", "1"),
        }
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

/// Reads the texts of a form on its way to the handler, which gets it whole.
///
/// # Errors
/// The body breaks off or is longer than it says.
pub async fn aside(request: Request) -> Result<(Request, Unsent), Refused> {
    let (parts, body) = request.into_parts();
    let to = parts.uri.path().to_owned();
    let kind = said(&parts.headers, header::CONTENT_TYPE.as_str());
    let length = said(&parts.headers, header::CONTENT_LENGTH.as_str()).parse().unwrap_or(usize::MAX);
    // What a script sends has an answer of its own; a form of the sign-in page is no unsent one.
    let whole = said(&parts.headers, "x-fragment").is_empty() && local(&to) == to;
    if whole && kind.starts_with("multipart/form-data") {
        return before_files(parts, body, to).await;
    }
    if !whole || !kind.starts_with("application/x-www-form-urlencoded") || length > BYTES_MAX {
        return Ok((Request::from_parts(parts, body), Unsent::default()));
    }
    let bytes = to_bytes(body, BYTES_MAX).await.map_err(|_| form::unreadable())?;
    let unsent = Unsent { to, entries: read(&bytes), files: false };
    Ok((Request::from_parts(parts, Body::from(bytes)), unsent))
}

fn said<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The texts of a form with files: they stand before the first file. Nothing where they are longer than is kept: half a form is
/// none.
async fn before_files(parts: Parts, body: Body, to: String) -> Result<(Request, Unsent), Refused> {
    let mut rest = body.into_data_stream();
    let (mut start, mut ended) = (BytesMut::new(), false);
    while start.len() < BYTES_MAX && !holds_file(&start) {
        match rest.next().await {
            Some(piece) => start.extend_from_slice(&piece.map_err(|_| form::unreadable())?),
            None => {
                ended = true;
                break;
            }
        }
    }
    let start = start.freeze();
    let found = texts(&parts.headers, start.clone()).await;
    let body = if ended {
        Body::from(start)
    } else {
        Body::from_stream(stream::once(async move { Ok(start) }).chain(rest))
    };
    let unsent = found.map(|(entries, files)| Unsent { to, entries, files }).unwrap_or_default();
    Ok((Request::from_parts(parts, body), unsent))
}

/// Whether the head of a file has come: its name stands in it, and a blank line after it.
fn holds_file(start: &[u8]) -> bool {
    let find = |text: &[u8], wanted: &[u8]| text.windows(wanted.len()).position(|here| here == wanted);
    find(start, b"; filename=").is_some_and(|at| find(&start[at..], b"\r\n\r\n").is_some())
}

/// The texts up to the first file, and whether one was chosen; `None` where they break off.
async fn texts(headers: &HeaderMap, start: Bytes) -> Option<(Vec<(String, String)>, bool)> {
    let request =
        Request::builder().header(header::CONTENT_TYPE, said(headers, header::CONTENT_TYPE.as_str()));
    let request = request.body(Body::from(start)).ok()?;
    let mut multipart = Multipart::from_request(request, &()).await.ok()?;
    let mut entries = Vec::new();
    while let Some(part) = multipart.next_field().await.ok()? {
        if let Some(file_name) = part.file_name() {
            return Some((entries, !file_name.is_empty()));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let text = part.text().await.ok()?;
        if !left_out(&name) {
            entries.push((name, text));
        }
    }
    Some((entries, false))
}

fn left_out(name: &str) -> bool {
    name == TOKEN_FIELD || name.contains("password") || name.contains("secret")
}

fn read(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes).into_owned().filter(|(name, _)| !left_out(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_the_sign_in_page_without_its_token_passwords_and_secrets() {
        let sent = "form_token=a&request_id=7&new_password=secret&sig_secret=secret&opinion=%E5%90%8C%E6%84%8F+%22%3C%26&mark_M1=ok&mark_M1=bad";
        let unsent = Unsent { to: "/a/b".to_owned(), entries: read(sent.as_bytes()), files: true };
        let fields =
            [("unsent_to", unsent.to.clone()), ("unsent", unsent.text()), ("unsent_files", "1".into())];
        assert_eq!(Unsent::of(&Form::filled(fields)), unsent);
        assert_eq!(unsent.typed(), ["同意 \"<&"]);
        let names: Vec<_> = unsent.entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["request_id", "opinion", "mark_M1", "mark_M1"]);
    }

    fn part(head: &str, text: &str) -> String {
        format!("--limit\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n")
    }

    async fn kept(body: String) -> (Unsent, usize) {
        let pieces = body.into_bytes().chunks(1000).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)));
        let request = Request::post("/subsidy/dossiers/7/invoices/new")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=limit");
        let (request, unsent) = aside(request.body(body).unwrap()).await.unwrap();
        (unsent, to_bytes(request.into_body(), usize::MAX).await.unwrap().len())
    }

    #[tokio::test]
    async fn the_texts_before_a_file_are_kept_and_the_handler_gets_everything() {
        let texts = part("name=\"form_token\"", "a")
            + &part("name=\"seller\"", "郑州供电")
            + &part("name=\"password\"", "secret")
            + &part("name=\"number\"", "12");
        let file = part("name=\"file\"; filename=\"a.pdf\"", &"x".repeat(200_000));
        let body = format!("{texts}{file}--limit--\r\n");
        let length = body.len();
        let (unsent, came) = kept(body).await;
        assert_eq!(
            (unsent.to.as_str(), unsent.files, came),
            ("/subsidy/dossiers/7/invoices/new", true, length)
        );
        let wanted =
            [("seller", "郑州供电"), ("number", "12")].map(|(name, text)| (name.into(), text.into()));
        assert_eq!(unsent.entries, wanted);

        let empty = part("name=\"file\"; filename=\"\"", "");
        assert!(!kept(format!("{texts}{empty}--limit--\r\n")).await.0.files);
        assert!(kept(format!("{texts}--limit--\r\n")).await.0.entries == unsent.entries);
        let long = part("name=\"opinion\"", &"字".repeat(BYTES_MAX));
        assert!(kept(format!("{texts}{long}{file}--limit--\r\n")).await.0.is_empty(), "half a form is none");
    }

    #[test]
    fn a_form_goes_to_our_own_paths_only() {
        for to in ["https://evil.example/", "//evil.example/", "/logout", ""] {
            let fields = [("unsent_to", to.to_owned()), ("unsent", "a=b".to_owned())];
            assert!(Unsent::of(&Form::filled(fields)).is_empty(), "{to}");
        }
    }
}
