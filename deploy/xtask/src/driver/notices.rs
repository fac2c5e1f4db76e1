//! 通知公告: written, published, withdrawn, read.
//!
//! Owns: the verbs of notices. Not: who reads what; that is the service's.
use proto::notifications::{
    CreateDraftRequest, ListPublishedRequest, Notice, NoticeContent, PublishRequest, PublishedNotice,
    WithdrawRequest,
};

use super::{actor::Actor, refused::Answer};

impl Actor {
    /// Begins a notice. Errors: what is wrong with it.
    pub async fn draft_notice(&self, content: NoticeContent) -> Answer<Notice> {
        let body = CreateDraftRequest {
            request_id: self.request_id(),
            revises: String::new(),
            content: Some(content),
        };
        self.ask(body, |to, request| async move { to.notices().create_draft(request).await }).await
    }

    /// Makes a draft readable. Errors: `stale_version`, `not_a_draft`, `pin_passed`.
    pub async fn publish_notice(&self, draft: &Notice) -> Answer<Notice> {
        let (request_id, version) = (self.request_id(), draft.version);
        let body = PublishRequest { request_id, revision_id: draft.revision_id.clone(), version };
        self.ask(body, |to, request| async move { to.notices().publish(request).await }).await
    }

    /// Takes a notice back. Errors: `stale_version`, `not_published`, `reason_missing`.
    pub async fn withdraw_notice(&self, notice: &Notice, reason: &str) -> Answer<Notice> {
        let body = WithdrawRequest {
            request_id: self.request_id(),
            revision_id: notice.revision_id.clone(),
            version: notice.version,
            reason: reason.to_owned(),
        };
        self.ask(body, |to, request| async move { to.notices().withdraw(request).await }).await
    }

    /// The first page of what is published for this person.
    pub async fn published_notices(&self) -> Answer<Vec<PublishedNotice>> {
        let body = ListPublishedRequest { page: None };
        let answer =
            self.ask(body, |to, request| async move { to.notices().list_published(request).await }).await?;
        Ok(answer.notices)
    }
}
