//! The pages of a PDF as pictures, one below the other, in the frame of the viewer or a page by itself. Nothing of the
//! file reaches the browser but pixels, and no script runs there. Source: ui, sections 1 and 7; decision record 21.

use askama::Template;
use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use proto::documents::Preview;

use super::{
    Routes,
    files::{PICTURE, original_path, path, picture, preview_path},
};
use crate::{Answer, Page, Refused, Visitor, frame, list::Filter};

/// The frame runs nothing. It keeps our origin, because a sandboxed page without one sends no session cookie when it asks
/// for its pictures; and it may hand over the original, which a sandbox would block.
const FRAME: &str = "sandbox allow-same-origin allow-downloads; default-src 'none'; img-src 'self'; style-src 'self'; \
    frame-ancestors 'self'";
/// What stands in the place of a page that is not shown; a picture of ours.
const BLANK: &str = include_str!("../../static/leaf.svg");
/// Pages that one frame holds: browsers load the pictures of a page without scripts all at once, however far below they
/// are.
const LEAVES: i32 = 20;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/files/{id}/pages/{number}", get(leaf))
}

/// One page.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Which, from 1.
    pub number: i32,
    /// Where its picture is.
    pub path: String,
}

/// Other pages of the same document.
#[derive(Debug, Clone)]
pub struct Others {
    /// What they are called.
    pub label: String,
    /// Where they are.
    pub path: String,
}

/// Some pages of a document.
#[derive(Template)]
#[template(path = "leaves.html")]
pub struct LeavesPage {
    /// The frame; only its head is shown.
    pub page: Page,
    /// Its name.
    pub name: String,
    /// How many pages it has.
    pub count: i32,
    /// Those shown here.
    pub leaves: Vec<Leaf>,
    /// Width and height of the first of them, pixels; the others take the same place until they are there.
    pub size: (i32, i32),
    /// Whether text of the document is not shown as it was meant.
    pub fonts_missing: bool,
    /// Where the original is.
    pub original: String,
    /// The pages before and behind.
    pub others: Vec<Others>,
    /// Whether it stands in the frame of the viewer, which says the name itself.
    pub framed: bool,
}

/// The page that the frame begins with: what the address asks for, or the first.
pub fn first(filter: &Filter) -> i32 {
    filter.value("from").parse().ok().filter(|from| *from > 0).unwrap_or(1)
}

/// Answers the frame that begins with page `first`. Errors: as of showing a page.
pub fn frame(visitor: &Visitor, file_id: &str, reason: &str, first: i32, head: &Preview) -> Answer {
    let name = head.file.as_ref().map(|file| file.file_name.clone()).unwrap_or_default();
    let last = head.pages.min(first.saturating_add(LEAVES - 1));
    let page = LeavesPage {
        page: Page { title: name.clone(), site: visitor.portal.config.site.clone(), ..Page::default() },
        name,
        count: head.pages,
        leaves: (first..=last)
            .map(|number| Leaf { number, path: path(file_id, &format!("pages/{number}"), reason) })
            .collect(),
        size: (head.width, head.height),
        fonts_missing: head.fonts_missing,
        original: original_path(file_id, reason),
        others: others(&preview_path(file_id, reason), first, head.pages),
        framed: visitor.framed,
    };
    let mut response = frame::show(StatusCode::OK, &page)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAME));
    Ok(response)
}

/// The ways to the pages before and behind those that begin with `first`.
fn others(preview: &str, first: i32, count: i32) -> Vec<Others> {
    let part = if preview.contains('?') { '&' } else { '?' };
    [first.saturating_sub(LEAVES).max(1), first.saturating_add(LEAVES)]
        .into_iter()
        .filter(|from| *from != first && *from <= count)
        .map(|from| Others {
            label: format!("第 {from}–{} 页", count.min(from.saturating_add(LEAVES - 1))),
            path: format!("{preview}{part}from={from}"),
        })
        .collect()
}

async fn leaf(visitor: Visitor, Path((file_id, number)): Path<(String, String)>, filter: Filter) -> Response {
    // Only the frame opens a document.
    let number = number.parse().ok().filter(|number| *number > 0).unwrap_or(i32::MAX);
    match picture(&visitor, &file_id, "page", filter.value("reason"), number).await {
        Ok(picture) => picture.answer(),
        Err(refused) => blank(&refused),
    }
}

/// A picture can only say in a picture that it is not there; programs see the status.
fn blank(refused: &Refused) -> Response {
    let mut response = (refused.status(), BLANK).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PICTURE));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_document_has_ways_to_its_other_pages_and_a_short_one_has_none() {
        let ways = |first, count| {
            let ways = others("/files/7/preview", first, count);
            ways.into_iter().map(|way| (way.label, way.path)).collect::<Vec<_>>()
        };
        let way = |label: &str, path: &str| (label.to_owned(), path.to_owned());
        assert_eq!(ways(1, 20), []);
        assert_eq!(ways(1, 21), [way("第 21–21 页", "/files/7/preview?from=21")]);
        assert_eq!(
            ways(21, 60),
            [way("第 1–20 页", "/files/7/preview?from=1"), way("第 41–60 页", "/files/7/preview?from=41")]
        );
        assert_eq!(ways(5, 6), [way("第 1–6 页", "/files/7/preview?from=1")]);
        let with_reason = others("/files/7/preview?reason=ab", 1, 30);
        assert_eq!(with_reason[0].path, "/files/7/preview?reason=ab&from=21");
    }
}
