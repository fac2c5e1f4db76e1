//! 通知公告 as people read it: the list and one notice, also without signing in, and the card on the workbench.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
    routing::get,
};
use chassis::{error::Kind, rpc::Peer};
use proto::{
    common,
    notifications::{GetPublishedRequest, ListPublishedRequest, notices_client::NoticesClient},
};

use super::Routes;
use crate::{
    Answer, Guest, Page, Portal, Refused, Visitor, format,
    list::{Filter, Pager},
    notice::{self, Line, Told},
    refused::Away,
    visitor,
};

/// Notices of the card on the workbench.
const LATEST: i32 = 3;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/notices", get(list)).route("/notices/{id}", get(show))
}

/// Somebody who reads: a person sees what is for its roles, a stranger what is public.
pub enum Reader {
    /// Signed in.
    Person(Box<Visitor>),
    /// Not, or not any more.
    Stranger(Box<Guest>),
}

impl Reader {
    fn client(&self) -> NoticesClient<Peer> {
        match self {
            Reader::Person(visitor) => visitor.notices(),
            Reader::Stranger(guest) => NoticesClient::new(guest.portal.peer("notifications")),
        }
    }
}

impl FromRequestParts<Arc<Portal>> for Reader {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Reader, Refused> {
        match visitor::find(portal, &parts.headers).await {
            Ok(visitor) => Ok(Reader::Person(Box::new(visitor))),
            Err(refused) if refused.kind == Kind::Unauthenticated => {
                Ok(Reader::Stranger(Box::new(Guest::from_request_parts(parts, portal).await?)))
            }
            Err(refused) => Err(refused),
        }
    }
}

/// The list for people.
#[derive(Template)]
#[template(path = "published.html")]
pub struct PublishedPage {
    /// The frame.
    pub page: Page,
    /// Notices of this page of the list.
    pub lines: Vec<Line>,
    /// Ways on and back.
    pub pager: Pager,
}

/// The same for strangers.
#[derive(Template)]
#[template(path = "published_public.html")]
pub struct PublishedPublicPage {
    /// The frame.
    pub page: Page,
    /// Notices of this page of the list.
    pub lines: Vec<Line>,
    /// Ways on and back.
    pub pager: Pager,
}

async fn list(reader: Reader, filter: Filter) -> Answer {
    let request = ListPublishedRequest { page: filter.page() };
    let answer = reader.client().list_published(request).await?.into_inner();
    let lines: Vec<_> = answer.notices.iter().map(Line::of).collect();
    let pager = filter.pager(&answer.next_page_token, lines.len());
    match reader {
        Reader::Person(visitor) => {
            let page = visitor.page("", "通知公告").await;
            visitor.show(StatusCode::OK, &PublishedPage { page, lines, pager })
        }
        Reader::Stranger(guest) => {
            let page = guest.page("通知公告");
            guest.show(StatusCode::OK, &PublishedPublicPage { page, lines, pager })
        }
    }
}

/// One notice for people.
#[derive(Template)]
#[template(path = "told.html")]
pub struct ToldPage {
    /// The frame.
    pub page: Page,
    /// What it says.
    pub told: Told,
}

/// The same for strangers.
#[derive(Template)]
#[template(path = "told_public.html")]
pub struct ToldPublicPage {
    /// The frame.
    pub page: Page,
    /// What it says.
    pub told: Told,
}

async fn show(reader: Reader, Path(id): Path<String>) -> Answer {
    let found = reader.client().get_published(GetPublishedRequest { notice_id: id }).await?.into_inner();
    let revised = if found.revision > 1 { "（修订后）" } else { "" };
    let office = notice::office(&found.office);
    let line = format!("{office} · {}发布{revised}", format::moment(found.published_at.as_ref()));
    let told = Told::of(&found.content.unwrap_or_default(), line);
    match reader {
        Reader::Person(visitor) => {
            let page = visitor.page("", "通知公告").await;
            visitor.show(StatusCode::OK, &ToldPage { page, told })
        }
        Reader::Stranger(guest) => {
            let page = guest.page("通知公告");
            guest.show(StatusCode::OK, &ToldPublicPage { page, told })
        }
    }
}

/// The newest for this person.
///
/// # Errors
/// The session has ended.
pub async fn latest(visitor: &Visitor) -> Result<Result<Vec<Line>, Away>, Refused> {
    let page = Some(common::Page { page_size: LATEST, page_token: String::new() });
    let answer = visitor.notices().list_published(ListPublishedRequest { page }).await;
    Ok(Away::or(answer, "通知公告")?.map(|answer| answer.into_inner().notices.iter().map(Line::of).collect()))
}
