//! One application: created, edited, submitted, withdrawn, decided by county and city, ended – and read.
//!
//! Owns: the verbs of `Applications`. Each takes the application as its actor saw it, so that a decision names the
//! version and the submission that were looked at (invariant 3), and gives it as it is then.
use proto::{
    common::Page,
    reviews::{
        AllowedAction, AllowedActionsRequest, ApplicationView, ConnectorChoice, CreateApplicationRequest,
        DeleteRequest, GetApplicationRequest, GetHistoryRequest, GetSubmissionRequest, HistoryEntry,
        ItemAnswer, Judged, ListApplicationsRequest, ListSubmissionsRequest, PassRequest,
        RecordPaperCheckRequest, ReturnRequest, RevokePassRequest, SaveAcceptanceRequest, Submission,
        SubmitAcceptanceRequest, SubmitMaterialsRequest, SubmitSupplementRequest, TakeBackRequest,
        TerminateRequest, WithdrawRequest,
    },
};

use super::{actor::Actor, refused::Answer};

/// The nine categories of the paper check. Source: T06.
pub const CATEGORIES: [&str; 9] = ["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9"];

/// The submission that stands, as a decision names it; empty before the first.
pub fn judged(application: &ApplicationView) -> Option<Judged> {
    let submission = application.submission.as_ref()?;
    Some(Judged { submission_version: submission.version, submission_hash: submission.hash.clone() })
}

/// What an operator says to items of a return that it did not change.
pub fn answers(pairs: &[(&str, &str)]) -> Vec<ItemAnswer> {
    pairs
        .iter()
        .map(|(item, text)| ItemAnswer { item: (*item).to_owned(), text: (*text).to_owned() })
        .collect()
}

impl Actor {
    /// T01. Errors: `account_not_active`, `round_closed`, `live_application_exists`, `not_found`.
    pub async fn create_application(&self, round_id: &str, station_id: &str) -> Answer<ApplicationView> {
        let (round_id, station_id) = (round_id.to_owned(), station_id.to_owned());
        let body = CreateApplicationRequest { request_id: self.request_id(), round_id, station_id };
        self.ask(body, |to, request| async move { to.applications().create_application(request).await }).await
    }

    /// Changes the fields of the form that `edit` names. Errors: `not_editable`, `field_closed`, `edited_meanwhile`.
    pub async fn save_acceptance(
        &self,
        application: &ApplicationView,
        edit: SaveAcceptanceRequest,
    ) -> Answer<ApplicationView> {
        let body = SaveAcceptanceRequest {
            request_id: self.request_id(),
            application_id: application.application_id.clone(),
            edit_version: application.edit_version,
            ..edit
        };
        self.ask(body, |to, request| async move { to.applications().save_acceptance(request).await }).await
    }

    /// Claims every connector of the station and keeps the other fields. Errors: as [`Actor::save_acceptance`].
    pub async fn claim_all(&self, application: &ApplicationView) -> Answer<ApplicationView> {
        let station = application.station.clone().unwrap_or_default();
        let connector_ids = station.connectors.into_iter().map(|one| one.connector_id).collect();
        let connectors = Some(ConnectorChoice { connector_ids });
        self.save_acceptance(
            application,
            SaveAcceptanceRequest { connectors, ..SaveAcceptanceRequest::default() },
        )
        .await
    }

    /// T02. Errors: `form_invalid`, `unanswered`, `gate_a`, `connector_claimed`.
    pub async fn submit_acceptance(
        &self,
        application: &ApplicationView,
        answers: Vec<ItemAnswer>,
    ) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let body =
            SubmitAcceptanceRequest { request_id: self.request_id(), application_id, version, answers };
        self.ask(body, |to, request| async move { to.applications().submit_acceptance(request).await }).await
    }

    /// T03, T10. Errors: `already_decided`, `wrong_stage`.
    pub async fn withdraw(&self, application: &ApplicationView) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let body = WithdrawRequest { request_id: self.request_id(), application_id, version };
        self.ask(body, |to, request| async move { to.applications().withdraw(request).await }).await
    }

    /// T04, T11. Errors: `decided_before`, `already_withdrawn`, `stale_version`, `stale_submission`.
    pub async fn pass(&self, application: &ApplicationView, opinion: &str) -> Answer<ApplicationView> {
        let body = PassRequest {
            request_id: self.request_id(),
            application_id: application.application_id.clone(),
            version: application.version,
            judged: judged(application),
            opinion: opinion.to_owned(),
        };
        self.ask(body, |to, request| async move { to.applications().pass(request).await }).await
    }

    /// T05, T12. Errors: `opinion_missing`, `items_missing`, `unknown_item` and those of [`Actor::pass`].
    pub async fn send_back(
        &self,
        application: &ApplicationView,
        opinion: &str,
        items: &[&str],
    ) -> Answer<ApplicationView> {
        let body = ReturnRequest {
            request_id: self.request_id(),
            application_id: application.application_id.clone(),
            version: application.version,
            judged: judged(application),
            opinion: opinion.to_owned(),
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            open_all: false,
        };
        self.send_back_with(body).await
    }

    /// Returns with exactly these fields. Errors: as [`Actor::send_back`].
    pub async fn send_back_with(&self, body: ReturnRequest) -> Answer<ApplicationView> {
        self.ask(body, |to, request| async move { to.applications().r#return(request).await }).await
    }

    /// T06: everything was there. Errors: `papers_unticked`, `paper_date`, `checker_missing`.
    pub async fn papers_complete(
        &self,
        application: &ApplicationView,
        checked_on: &str,
        checker: &str,
    ) -> Answer<ApplicationView> {
        let ticked = CATEGORIES.iter().map(|category| (*category).to_owned()).collect();
        let (checked_on, checker) = (checked_on.to_owned(), checker.to_owned());
        let body = RecordPaperCheckRequest {
            complete: true,
            ticked,
            checked_on,
            checker,
            ..paper(self, application)
        };
        self.record_papers(body).await
    }

    /// T07: some categories are missing. Errors: `missing_papers_unlisted`, `paper_date`, `checker_missing`.
    pub async fn papers_missing(
        &self,
        application: &ApplicationView,
        missing: &[&str],
        checked_on: &str,
        checker: &str,
    ) -> Answer<ApplicationView> {
        let missing = missing.iter().map(|category| (*category).to_owned()).collect();
        let (checked_on, checker) = (checked_on.to_owned(), checker.to_owned());
        self.record_papers(RecordPaperCheckRequest {
            missing,
            checked_on,
            checker,
            ..paper(self, application)
        })
        .await
    }

    /// Records a paper check with exactly these fields.
    pub async fn record_papers(&self, body: RecordPaperCheckRequest) -> Answer<ApplicationView> {
        self.ask(body, |to, request| async move { to.applications().record_paper_check(request).await }).await
    }

    /// T08. Errors: `reason_missing`.
    pub async fn revoke_pass(&self, application: &ApplicationView, reason: &str) -> Answer<ApplicationView> {
        let body = RevokePassRequest {
            request_id: self.request_id(),
            application_id: application.application_id.clone(),
            version: application.version,
            judged: judged(application),
            reason: reason.to_owned(),
        };
        self.ask(body, |to, request| async move { to.applications().revoke_pass(request).await }).await
    }

    /// T09. Errors: `unanswered`, `gate_b`, `material_missing`, `invoice_unbalanced`, ….
    pub async fn submit_materials(
        &self,
        application: &ApplicationView,
        answers: Vec<ItemAnswer>,
    ) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let body = SubmitMaterialsRequest { request_id: self.request_id(), application_id, version, answers };
        self.ask(body, |to, request| async move { to.applications().submit_materials(request).await }).await
    }

    /// T13. Errors: `wrong_stage`.
    pub async fn take_back(&self, application: &ApplicationView, reason: &str) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let reason = reason.to_owned();
        let body = TakeBackRequest { request_id: self.request_id(), application_id, version, reason };
        self.ask(body, |to, request| async move { to.applications().take_back(request).await }).await
    }

    /// T18. Errors: `unanswered`, `item_unanswered`, `material_missing`, ….
    pub async fn submit_supplement(
        &self,
        application: &ApplicationView,
        answers: Vec<ItemAnswer>,
    ) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let body =
            SubmitSupplementRequest { request_id: self.request_id(), application_id, version, answers };
        self.ask(body, |to, request| async move { to.applications().submit_supplement(request).await }).await
    }

    /// T25, a draft that was never submitted. Errors: `submitted_once`.
    pub async fn delete(&self, application: &ApplicationView) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let body = DeleteRequest { request_id: self.request_id(), application_id, version };
        self.ask(body, |to, request| async move { to.applications().delete(request).await }).await
    }

    /// T25. Errors: `wrong_stage`.
    pub async fn terminate(&self, application: &ApplicationView, reason: &str) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let reason = reason.to_owned();
        let body = TerminateRequest { request_id: self.request_id(), application_id, version, reason };
        self.ask(body, |to, request| async move { to.applications().terminate(request).await }).await
    }

    /// An application with form, station and what the last return named. Errors: `not_found`, also for a foreign one.
    pub async fn application(&self, application_id: &str) -> Answer<ApplicationView> {
        let body = GetApplicationRequest { application_id: application_id.to_owned() };
        self.ask(body, |to, request| async move { to.applications().get_application(request).await }).await
    }

    /// Everything in the caller's scope that passes the filters, newest first, over all pages.
    pub async fn applications(&self, filter: ListApplicationsRequest) -> Answer<Vec<ApplicationView>> {
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let body =
                ListApplicationsRequest { page: Some(Page { page_size: 200, page_token }), ..filter.clone() };
            let page = self
                .ask(body, |to, request| async move { to.applications().list_applications(request).await })
                .await?;
            found.extend(page.applications);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            page_token = page.next_page_token;
        }
    }

    /// Every step of an application, oldest first. Errors: `not_found`.
    pub async fn history(&self, application_id: &str) -> Answer<Vec<HistoryEntry>> {
        let body = GetHistoryRequest { application_id: application_id.to_owned() };
        let answer =
            self.ask(body, |to, request| async move { to.applications().get_history(request).await }).await?;
        Ok(answer.entries)
    }

    /// Every submission of an application, newest first, without forms. Errors: `not_found`.
    pub async fn submissions(&self, application_id: &str) -> Answer<Vec<Submission>> {
        let body = ListSubmissionsRequest { application_id: application_id.to_owned() };
        let answer = self
            .ask(body, |to, request| async move { to.applications().list_submissions(request).await })
            .await?;
        Ok(answer.submissions)
    }

    /// One submission with form, gate evidence and answers. Errors: `not_found`.
    pub async fn submission(&self, application_id: &str, version: i32) -> Answer<Submission> {
        let body = GetSubmissionRequest { application_id: application_id.to_owned(), version };
        self.ask(body, |to, request| async move { to.applications().get_submission(request).await }).await
    }

    /// For each command: yes, or why not. Errors: `not_found`.
    pub async fn allowed_actions(&self, application_id: &str) -> Answer<Vec<AllowedAction>> {
        let body = AllowedActionsRequest { application_id: application_id.to_owned() };
        let answer = self
            .ask(body, |to, request| async move { to.applications().allowed_actions(request).await })
            .await?;
        Ok(answer.actions)
    }
}

/// A paper check of what stands; the finding is added.
fn paper(actor: &Actor, application: &ApplicationView) -> RecordPaperCheckRequest {
    RecordPaperCheckRequest {
        request_id: actor.request_id(),
        application_id: application.application_id.clone(),
        version: application.version,
        judged: judged(application),
        ..RecordPaperCheckRequest::default()
    }
}
