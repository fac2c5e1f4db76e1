//! Notices between the wire and the domain.

use chassis::{Caller, Failure};
use proto::notifications as wire;
use time::{Date, OffsetDateTime, macros::format_description};
use uuid::Uuid;

use super::{PageKey, after, id, page_key, timestamp};
use crate::{
    app::notices::Seen,
    domain::notice::{self, Audience, Content, State},
    labels,
    store::notices::{Deed, Notice, Place},
};

/// What the caller reads. Nobody, machines and services read what is public.
pub(in crate::rpc) fn audiences(caller: &Caller) -> Vec<Audience> {
    notice::read_by(caller.roles.iter().map(String::as_str))
}

/// What a draft shall say; what is wrong with the text itself is the domain's to say.
pub(in crate::rpc) fn content(given: Option<wire::NoticeContent>) -> Result<Content, Failure> {
    let given = given.unwrap_or_default();
    let unknown = || Failure::invalid("unknown_value", "audiences", labels::UNKNOWN_VALUE);
    let audiences = given.audiences.iter().map(|code| Audience::parse(code).ok_or_else(unknown));
    Ok(Content {
        audiences: audiences.collect::<Result<_, Failure>>()?,
        pinned_until: day(given.pinned_until.trim())?,
        title: given.title,
        body: given.body,
    })
}

fn day(text: &str) -> Result<Option<Date>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let form = format_description!("[year]-[month]-[day]");
    Date::parse(text, form)
        .map(Some)
        .map_err(|_| Failure::invalid("date_form", "pinned_until", labels::DATE_FORM))
}

pub(in crate::rpc) fn seen(revision_id: &str, version: i64) -> Result<Seen, Failure> {
    Ok(Seen { revision_id: id(revision_id)?, version })
}

pub(in crate::rpc) fn notice_state(code: &str) -> Result<Option<State>, Failure> {
    match (code, State::parse(code)) {
        ("", _) => Ok(None),
        (_, Some(state)) => Ok(Some(state)),
        (_, None) => Err(Failure::invalid("unknown_value", "state", labels::UNKNOWN_VALUE)),
    }
}

fn said(content: &Content) -> wire::NoticeContent {
    wire::NoticeContent {
        title: content.title.clone(),
        body: content.body.clone(),
        audiences: content.audiences.iter().map(|one| one.code().to_owned()).collect(),
        pinned_until: content.pinned_until.map(|day| day.to_string()).unwrap_or_default(),
    }
}

pub(in crate::rpc) fn notice(found: &Notice) -> wire::Notice {
    wire::Notice {
        revision_id: found.revision_id.to_string(),
        notice_id: found.notice_id.to_string(),
        revision: found.revision,
        version: found.version,
        state: found.state.code().to_owned(),
        content: Some(said(&found.content)),
        changed_at: timestamp(found.changed_at),
        published_at: found.published_at.and_then(timestamp),
        office: found.office.clone(),
    }
}

pub(in crate::rpc) fn deed(done: Deed) -> wire::NoticeAct {
    wire::NoticeAct {
        act: done.act,
        at: timestamp(done.at),
        by_user_id: done.by_user_id.to_string(),
        office: done.office,
        reason: done.reason,
    }
}

fn pinned(found: &Notice, today: Date) -> bool {
    found.content.pinned_until.is_some_and(|day| day >= today)
}

pub(in crate::rpc) fn published(found: &Notice, today: Date) -> wire::PublishedNotice {
    wire::PublishedNotice {
        notice_id: found.notice_id.to_string(),
        content: Some(said(&found.content)),
        published_at: found.published_at.and_then(timestamp),
        office: found.office.clone(),
        pinned: pinned(found, today),
        revision: found.revision,
    }
}

/// Where a page of readers goes on.
pub(in crate::rpc) fn reader_place((pinned, key): (bool, PageKey)) -> Result<Place, Failure> {
    let (at, id) = after(key)?;
    Ok((pinned, at, id))
}

/// Where the page of readers that ends with this one ended.
pub(in crate::rpc) fn place_of(last: &Notice, today: Date) -> (bool, (i64, Uuid)) {
    let at = last.published_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    (pinned(last, today), page_key(at, last.revision_id))
}
