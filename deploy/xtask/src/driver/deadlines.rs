//! What is done about time: deadlines extended, others reminded, work given to somebody; T26, and the calendar.
//!
//! Owns: the verbs of `Deadlines`. Each takes applications as their actor saw them and answers for each.
use proto::reviews::{
    ApplicationView, CalendarYear, CountWorkingDaysRequest, ExtendDeadlineRequest, GetCalendarRequest, Item,
    ItemOutcome, ReassignRequest, RemindRequest, TimeLeft,
};

use super::{actor::Actor, refused::Answer};

fn items(applications: &[&ApplicationView]) -> Vec<Item> {
    applications
        .iter()
        .map(|one| Item { application_id: one.application_id.clone(), version: one.version })
        .collect()
}

impl Actor {
    /// T26, 延长时限. Errors: `extension_invalid`, `reason_missing`, `items_out_of_range`.
    pub async fn extend_deadline(
        &self,
        applications: &[&ApplicationView],
        working_days: i32,
        reason: &str,
    ) -> Answer<Vec<ItemOutcome>> {
        let (items, reason) = (items(applications), reason.to_owned());
        let body = ExtendDeadlineRequest { request_id: self.request_id(), items, working_days, reason };
        let answer = self
            .ask(body, |to, request| async move { to.deadlines().extend_deadline(request).await })
            .await?;
        Ok(answer.outcomes)
    }

    /// T26, 催办. Errors: `reason_missing`, `items_out_of_range`.
    pub async fn remind(&self, applications: &[&ApplicationView], reason: &str) -> Answer<Vec<ItemOutcome>> {
        let (items, reason) = (items(applications), reason.to_owned());
        let body = RemindRequest { request_id: self.request_id(), items, reason };
        let answer =
            self.ask(body, |to, request| async move { to.deadlines().remind(request).await }).await?;
        Ok(answer.outcomes)
    }

    /// T26, 转办; nobody: back to the whole office. Errors: `reason_missing`, `items_out_of_range`.
    pub async fn reassign(
        &self,
        applications: &[&ApplicationView],
        assignee_id: &str,
        reason: &str,
    ) -> Answer<Vec<ItemOutcome>> {
        let (items, reason) = (items(applications), reason.to_owned());
        let assignee_id = assignee_id.to_owned();
        let body = ReassignRequest { request_id: self.request_id(), items, assignee_id, reason };
        let answer =
            self.ask(body, |to, request| async move { to.deadlines().reassign(request).await }).await?;
        Ok(answer.outcomes)
    }

    /// Working days left to each of these deadlines. Errors: `unknown_value`.
    pub async fn working_days(&self, deadlines: Vec<prost_types::Timestamp>) -> Answer<Vec<TimeLeft>> {
        let body = CountWorkingDaysRequest { deadlines };
        let answer = self
            .ask(body, |to, request| async move { to.deadlines().count_working_days(request).await })
            .await?;
        Ok(answer.left)
    }

    /// The working-day calendar, by year.
    pub async fn calendar(&self) -> Answer<Vec<CalendarYear>> {
        let body = GetCalendarRequest {};
        Ok(self
            .ask(body, |to, request| async move { to.deadlines().get_calendar(request).await })
            .await?
            .years)
    }
}
