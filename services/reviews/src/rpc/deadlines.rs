//! Inlet of the gRPC service `Deadlines`: T26 for many applications at once, and the calendar.

use chassis::{Failure, error::Refusal, rpc};
use proto::reviews::{
    CountWorkingDaysRequest, CountWorkingDaysResponse, ExtendDeadlineRequest, GetCalendarRequest,
    GetCalendarResponse, ItemOutcome, ItemsResponse, ReassignRequest, RemindRequest,
    deadlines_server::Deadlines,
};
use tonic::{Request, Response, Status};

use super::{Inlet, convert, views};
use crate::{
    app::{
        Shared,
        clock::{self, Outcome},
    },
    domain::{
        act::{Act, Command},
        clock::Clock,
    },
    labels,
    publish::timestamp,
    store,
};

/// Runs a command on every item: `fill` adds to the act what the request carries.
macro_rules! items {
    ($inlet:expr, $request:expr, $command:expr, |$act:ident, $body:ident| $fill:block) => {{
        let shared = $inlet.shared.clone();
        $inlet
            .units
            .run($request, |work, $body| {
                Box::pin(async move {
                    let mut $act = Act::new(convert::person(work.caller())?, $command);
                    $act.opinion = $body.reason;
                    let items = convert::items(&$body.items)?;
                    $fill
                    let named: Vec<_> = items.iter().map(|(_, id, seen)| (*id, *seen)).collect();
                    let outcomes = clock::each(work, &shared, &$act, &named).await?;
                    let outcomes = items.into_iter().zip(outcomes);
                    Ok(ItemsResponse {
                        outcomes: outcomes.map(|((id, ..), outcome)| view(id, outcome)).collect(),
                    })
                })
            })
            .await
    }};
}

#[tonic::async_trait]
impl Deadlines for Inlet {
    async fn extend_deadline(
        &self,
        request: Request<ExtendDeadlineRequest>,
    ) -> Result<Response<ItemsResponse>, Status> {
        items!(self, request, Command::ExtendDeadline, |act, body| {
            act.extension = u32::try_from(body.working_days).unwrap_or_default();
        })
    }

    async fn remind(&self, request: Request<RemindRequest>) -> Result<Response<ItemsResponse>, Status> {
        items!(self, request, Command::Remind, |act, body| {
            act.items.clear();
        })
    }

    async fn reassign(&self, request: Request<ReassignRequest>) -> Result<Response<ItemsResponse>, Status> {
        let assignee = match request.get_ref().assignee_id.as_str() {
            "" => Ok(None),
            id => match convert::id(id, "assignee_id") {
                Ok(id) => self.neighbours.colleague(id).await.map(Some),
                Err(failure) => Err(failure),
            },
        };
        items!(self, request, Command::Reassign, |act, body| {
            act.assignee = assignee?;
        })
    }

    async fn count_working_days(
        &self,
        request: Request<CountWorkingDaysRequest>,
    ) -> Result<Response<CountWorkingDaysResponse>, Status> {
        rpc::caller(&request)?;
        let deadlines = request.into_inner().deadlines;
        if deadlines.len() > convert::ITEMS_MAX {
            return Err(labels::unknown("deadlines").into());
        }
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let now = store::database_time(&mut db).await.map_err(Failure::from)?;
        let calendar = calendar(&self.shared);
        let left = deadlines.iter().map(|at| {
            let clock = Clock { deadline_at: convert::deadline(at)?, struck: None };
            Ok(views::time_left(clock, calendar, now))
        });
        Ok(Response::new(CountWorkingDaysResponse { left: left.collect::<Result<_, Failure>>()? }))
    }

    async fn get_calendar(
        &self,
        request: Request<GetCalendarRequest>,
    ) -> Result<Response<GetCalendarResponse>, Status> {
        rpc::caller(&request)?;
        Ok(Response::new(GetCalendarResponse { years: views::calendar(calendar(&self.shared)) }))
    }
}

fn calendar(shared: &Shared) -> &crate::domain::calendar::Calendar {
    shared.policies.calendar()
}

/// What became of one item.
fn view(application_id: String, outcome: Outcome) -> ItemOutcome {
    let application = outcome.application.as_ref();
    let refused = outcome.refused.map(|failure| {
        let reason = failure.reason().to_owned();
        let status: Status = failure.into();
        (reason, Refusal::read(&status).map(|refusal| refusal.text).unwrap_or_default())
    });
    let accepted = refused.is_none();
    let (reason, text) = refused.unwrap_or_default();
    ItemOutcome {
        application_id,
        accepted,
        version: application.map_or(0, |application| application.version),
        reason,
        text,
        deadline_at: application
            .and_then(|application| application.clock)
            .map(|clock| timestamp(clock.deadline_at)),
    }
}
