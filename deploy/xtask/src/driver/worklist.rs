//! What waits for somebody: tasks, counts, messages, and waiting until an event has had its effect there.
//!
//! Owns: the verbs of notifications. Not: who is responsible; that follows from the node of the application.
use std::time::Duration;

use anyhow::Result;
use proto::{
    common::Page,
    notifications::{
        Change, CountTasksRequest, ListMessagesRequest, ListMessagesResponse, ListTasksRequest,
        ListTasksResponse, MarkReadRequest, StageCount, Task, WatchRequest,
    },
};
use tonic::Streaming;

use super::{actor::Actor, eventually, refused::Answer};

/// Between an answer and its effect in a worklist; a loaded machine or a restarted broker gets this much.
pub const EFFECT_WITHIN: Duration = Duration::from_secs(60);

impl Actor {
    /// One page of open tasks with filters. Errors: as `ListTasks`.
    pub async fn tasks_page(&self, body: ListTasksRequest) -> Answer<ListTasksResponse> {
        self.ask(body, |to, request| async move { to.worklist().list_tasks(request).await }).await
    }

    /// Every open task, longest waiting first.
    pub async fn tasks(&self) -> Answer<Vec<Task>> {
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = Some(Page { page_size: 200, page_token });
            let answer = self.tasks_page(ListTasksRequest { page, ..ListTasksRequest::default() }).await?;
            found.extend(answer.tasks);
            if answer.next_page_token.is_empty() {
                return Ok(found);
            }
            page_token = answer.next_page_token;
        }
    }

    /// Open tasks by stage.
    pub async fn task_counts(&self) -> Answer<Vec<StageCount>> {
        let body = CountTasksRequest {};
        let counts =
            self.ask(body, |to, request| async move { to.worklist().count_tasks(request).await }).await?;
        Ok(counts.counts)
    }

    /// The open task about an application or operator, if there is one.
    pub async fn task(&self, subject_id: &str) -> Answer<Option<Task>> {
        Ok(self.tasks().await?.into_iter().find(|task| task.subject_id == subject_id))
    }

    /// Waits until there is an open task about it at this stage. Errors: not within [`EFFECT_WITHIN`].
    pub async fn task_appears(&self, subject_id: &str, stage: &str) -> Result<Task> {
        let what = format!("{} gets a task at {stage} about {subject_id}", self.name());
        eventually(EFFECT_WITHIN, &what, || async {
            Ok(self.task(subject_id).await?.filter(|task| task.stage == stage))
        })
        .await
    }

    /// Waits until there is no open task about it any more. Errors: not within [`EFFECT_WITHIN`].
    pub async fn task_goes(&self, subject_id: &str) -> Result<()> {
        let what = format!("{} loses the task about {subject_id}", self.name());
        eventually(EFFECT_WITHIN, &what, || async {
            Ok(self.task(subject_id).await?.is_none().then_some(()))
        })
        .await
    }

    /// The newest page of messages.
    pub async fn inbox(&self) -> Answer<ListMessagesResponse> {
        let body = ListMessagesRequest {
            page: Some(Page { page_size: 200, page_token: String::new() }),
            unread_only: false,
        };
        self.ask(body, |to, request| async move { to.messages().list_messages(request).await }).await
    }

    /// Marks messages as read up to one; gives how many. Errors: `not_found`.
    pub async fn mark_read(&self, up_to_message_id: &str) -> Answer<i32> {
        let up_to_message_id = up_to_message_id.to_owned();
        let body = MarkReadRequest { request_id: self.request_id(), up_to_message_id };
        let answer =
            self.ask(body, |to, request| async move { to.messages().mark_read(request).await }).await?;
        Ok(answer.marked)
    }

    /// Opens the live stream of changes. Errors: `too_many_watchers`.
    pub async fn watch(&self) -> Answer<Streaming<Change>> {
        let request = self.signed(WatchRequest {}).await?;
        Ok(self.platform().live().watch(request).await?.into_inner())
    }
}
