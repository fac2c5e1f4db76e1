//! Files as documents lets this person see them: what a browser may show, and the original. Each answer stands in a
//! sandbox of its own, whatever the file holds. Source: ui, section 1.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use proto::documents::{DownloadRequest, PreviewRequest, download_response, preview_response};
use tonic::Status;

use super::Routes;
use crate::{
    Answer, Refused, Visitor,
    list::{Filter, encoded},
};

/// A picture runs nothing and is shown on our pages only.
const PICTURE: &str = "sandbox; default-src 'none'; frame-ancestors 'self'";
/// The viewer that browsers have for documents does not start in a sandbox; it loads nothing all the same.
const DOCUMENT: &str = "default-src 'none'; frame-ancestors 'self'";

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

fn path(file_id: &str, what: &str, reason: &str) -> String {
    if reason.is_empty() {
        format!("/files/{}/{what}", encoded(file_id))
    } else {
        format!("/files/{}/{what}?reason={}", encoded(file_id), encoded(reason))
    }
}

async fn preview(visitor: Visitor, Path(file_id): Path<String>, filter: Filter) -> Answer {
    let request = PreviewRequest {
        file_id,
        size: filter.value("size").to_owned(),
        reason: filter.value("reason").to_owned(),
    };
    let mut stream = visitor.files().preview(request).await?.into_inner();
    let Some(preview_response::Part::Preview(head)) =
        stream.message().await?.and_then(|message| message.part)
    else {
        return Err(Refused::fault(&std::io::Error::other("a preview without its head")));
    };
    if head.media_type.is_empty() {
        return Err(Refused::unreadable("该文件类型不能在线预览，请下载原件查看"));
    }
    let policy = if head.shown_as == "image" { PICTURE } else { DOCUMENT };
    let pieces = stream.map(|message| match message?.part {
        Some(preview_response::Part::Chunk(piece)) => Ok(piece),
        Some(preview_response::Part::Preview(_)) | None => Ok(Bytes::new()),
    });
    Ok(answer(&head.media_type, policy, "inline", pieces))
}

async fn original(visitor: Visitor, Path(file_id): Path<String>, filter: Filter) -> Answer {
    let request = DownloadRequest { file_id, reason: filter.value("reason").to_owned() };
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
