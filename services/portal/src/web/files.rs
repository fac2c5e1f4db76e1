//! Files as documents lets this person see them: what a browser may show, and the original. Each answer stands in a
//! sandbox of its own, whatever the file holds. What is refused says so in the frame of the viewer; an identity paper asks
//! there why it is opened. The pages of a PDF are in [`super::leaves`]. Source: ui, section 1; reliability, section 13.

use std::time::Duration;

use askama::Template;
use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use chassis::error::Kind;
use futures::{Stream, StreamExt as _};
use proto::documents::{
    DownloadRequest, Preview, PreviewRequest, PreviewResponse, download_response, preview_response,
};
use tonic::{Request, Status, Streaming};

use super::{Routes, leaves};
use crate::{
    Answer, Page, Portal, Refused, Visitor, frame,
    list::{Filter, encoded},
};

/// A picture runs nothing and is shown on our pages only.
pub const PICTURE: &str = "sandbox; default-src 'none'; frame-ancestors 'self'";
/// A notice is a page of ours that our pages may frame.
const NOTICE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    form-action 'self'; frame-ancestors 'self'; base-uri 'none'; require-trusted-types-for 'script'; \
    trusted-types portal";
/// What a frame of ours may do, whatever stands in it: ask for its pictures with our cookie, send the form that says why a file
/// is opened, hand over the original, and lead to signing in when it is pressed. It runs no script.
pub const SANDBOX: &str =
    "allow-same-origin allow-forms allow-downloads allow-top-navigation-by-user-activation";
/// How long a picture may take: pages are drawn one after the other, each in 5 s at most.
const DRAWN_WITHIN: Duration = Duration::from_secs(20);
/// Why such files are usually opened: one press instead of typing.
pub const USUAL: [&str; 3] =
    ["核对证照与填报信息是否一致", "核对法人身份与申报企业是否一致", "核对证照是否清晰、有效"];
/// What documents says where a reason is missing or none.
const REASON_ASKED: [&str; 2] = ["reason_required", "control_characters"];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/files/{id}/preview", get(preview)).route("/files/{id}/original", get(original))
}

/// Where a browser gets what it may show of a file. `reason`: why somebody opens an identity paper or a licence; kept in the
/// record of downloads; empty for other files.
pub fn preview_path(file_id: &str, reason: &str) -> String {
    path(file_id, "preview", reason)
}

/// Where the original is fetched; `reason` as for [`preview_path`].
pub fn original_path(file_id: &str, reason: &str) -> String {
    path(file_id, "original", reason)
}

/// Where `what` of a file is; `reason` as for [`preview_path`].
pub fn path(file_id: &str, what: &str, reason: &str) -> String {
    if reason.is_empty() {
        format!("/files/{}/{what}", encoded(file_id))
    } else {
        format!("/files/{}/{what}?reason={}", encoded(file_id), encoded(reason))
    }
}

/// What stands in a file's place: why it is not shown, and the ways on.
#[derive(Template)]
#[template(path = "file_notice.html")]
pub struct FileNoticePage {
    /// The frame; only its head is shown.
    pub page: Page,
    /// What is wrong or missing.
    pub text: String,
    /// Whether a reason is asked for.
    pub asks: bool,
    /// The reason as it was typed.
    pub reason: String,
    /// Where a browser gets what it may show.
    pub preview: String,
    /// Where the original is; empty where that cannot be fetched either.
    pub original: String,
    /// Where somebody whose session has ended signs in, at the top and not in the frame; empty for others.
    pub sign_in: String,
    /// Whether it stands in the frame of the viewer; by itself it has a head and a foot.
    pub framed: bool,
}

impl FileNoticePage {
    /// Whether a reason was given that is none.
    pub fn wrong(&self) -> bool {
        self.asks && !self.reason.is_empty()
    }
}

/// What a frame shows when the session has ended: the sign-in page stands in no frame. Errors: as of showing a page.
pub fn signed_out(portal: &Portal, sign_in: String) -> Answer {
    let page = FileNoticePage {
        page: Page {
            title: "登录已超时".to_owned(), site: portal.config.site.clone(), ..Page::default()
        },
        text: "登录已超时，请重新登录后继续；当前页面未提交的内容请先另行保存。".to_owned(),
        asks: false,
        reason: String::new(),
        preview: String::new(),
        original: String::new(),
        sign_in,
        framed: true,
    };
    noticed(StatusCode::UNAUTHORIZED, &page)
}

fn noticed(status: StatusCode, page: &FileNoticePage) -> Answer {
    let mut response = frame::show(status, page)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTICE));
    Ok(response)
}

/// Answers what was refused. A session that has ended leads to signing in, as everywhere.
fn notice(visitor: &Visitor, file_id: &str, reason: &str, refused: Refused) -> Answer {
    if refused.kind == Kind::Unauthenticated {
        return Err(refused);
    }
    let asks = REASON_ASKED.contains(&refused.reason.as_str());
    let fetchable = matches!(refused.kind, Kind::Invalid | Kind::Refused) && !asks;
    let page = FileNoticePage {
        page: Page {
            title: if asks { "查看事由" } else { "无法在线预览" }.to_owned(),
            site: visitor.portal.config.site.clone(),
            ..Page::default()
        },
        // The first visit is a question and no failure.
        text: match (asks, refused.status().is_server_error()) {
            (true, _) => {
                "该材料含个人信息，仅供审核使用。请说明查看事由，事由与查看时间将记入查看记录。".to_owned()
            }
            (false, true) => format!("{}（编号 {}）", refused.text, refused.trace_id),
            (false, false) => refused.text.clone(),
        },
        asks,
        reason: reason.to_owned(),
        preview: preview_path(file_id, ""),
        original: if fetchable || asks { original_path(file_id, "") } else { String::new() },
        sign_in: String::new(),
        framed: visitor.framed,
    };
    let status = if asks && reason.is_empty() { StatusCode::OK } else { refused.status() };
    noticed(status, &page)
}

async fn preview(visitor: Visitor, Path(file_id): Path<String>, filter: Filter) -> Answer {
    match shown(&visitor, &file_id, &filter).await {
        Err(refused) => notice(&visitor, &file_id, filter.value("reason"), refused),
        shown => shown,
    }
}

async fn shown(visitor: &Visitor, file_id: &str, filter: &Filter) -> Answer {
    let (size, reason) = (filter.value("size"), filter.value("reason"));
    let first = leaves::first(filter);
    let picture = picture(visitor, file_id, size, reason, if first == 1 { 0 } else { first }).await?;
    if picture.head.shown_as == "document" && size != "thumbnail" {
        return leaves::frame(visitor, file_id, reason, first, &picture.head);
    }
    Ok(picture.answer())
}

/// What documents shows of a file.
pub struct Picture {
    /// What it is.
    pub head: Preview,
    pieces: Streaming<PreviewResponse>,
}

impl Picture {
    /// As the answer to a browser.
    pub fn answer(self) -> Response {
        let pieces = self.pieces.map(|message| match message?.part {
            Some(preview_response::Part::Chunk(piece)) => Ok(piece),
            Some(preview_response::Part::Preview(_)) | None => Ok(Bytes::new()),
        });
        answer(&self.head.media_type, PICTURE, "inline", pieces)
    }
}

/// Asks for what may be shown; `page` 0 opens a document.
///
/// Errors: as documents refuses; a file that nothing shows.
pub async fn picture(
    visitor: &Visitor,
    file_id: &str,
    size: &str,
    reason: &str,
    page: i32,
) -> Result<Picture, Refused> {
    let mut request = Request::new(PreviewRequest {
        file_id: file_id.to_owned(),
        size: size.to_owned(),
        reason: reason.to_owned(),
        page,
    });
    request.set_timeout(DRAWN_WITHIN);
    let mut pieces = visitor.files().preview(request).await?.into_inner();
    let Some(preview_response::Part::Preview(head)) =
        pieces.message().await?.and_then(|message| message.part)
    else {
        return Err(Refused::fault(&std::io::Error::other("a preview without its head")));
    };
    if head.media_type.is_empty() {
        return Err(Refused::unreadable("该文件类型不能在线预览，请下载原件查看"));
    }
    Ok(Picture { head, pieces })
}

async fn original(visitor: Visitor, Path(file_id): Path<String>, filter: Filter) -> Answer {
    let reason = filter.value("reason");
    match fetched(&visitor, &file_id, reason).await {
        Err(refused) if REASON_ASKED.contains(&refused.reason.as_str()) => {
            notice(&visitor, &file_id, reason, refused)
        }
        fetched => fetched,
    }
}

async fn fetched(visitor: &Visitor, file_id: &str, reason: &str) -> Answer {
    let request = DownloadRequest { file_id: file_id.to_owned(), reason: reason.to_owned() };
    let mut stream = visitor.files().download(request).await?.into_inner();
    let Some(download_response::Part::File(head)) = stream.message().await?.and_then(|message| message.part)
    else {
        return Err(Refused::fault(&std::io::Error::other("a download without its head")));
    };
    let pieces = stream.map(|message| match message?.part {
        Some(download_response::Part::Chunk(piece)) => Ok(piece),
        Some(download_response::Part::File(_)) | None => Ok(Bytes::new()),
    });
    let name = format!("attachment; filename*=UTF-8''{}", encoded(&head.file_name));
    Ok(answer(&head.media_type, PICTURE, &name, pieces))
}

fn answer(
    media_type: &str,
    policy: &'static str,
    disposition: &str,
    pieces: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
) -> Response {
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    let text = |value: &str| HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("inline"));
    headers.insert(header::CONTENT_TYPE, text(media_type));
    headers.insert(header::CONTENT_DISPOSITION, text(disposition));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_travels_in_the_address_and_a_file_without_needs_none() {
        assert_eq!(preview_path("7", ""), "/files/7/preview");
        assert_eq!(
            original_path("7", "核对 执照"),
            "/files/7/original?reason=%E6%A0%B8%E5%AF%B9%20%E6%89%A7%E7%85%A7"
        );
    }
}
