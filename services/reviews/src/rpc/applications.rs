//! Inlet of the gRPC service `Applications`.

use std::collections::BTreeMap;

use chassis::{Failure, rpc};
use proto::reviews::{
    AllowedActionsRequest, AllowedActionsResponse, ApplicationView, CountApplicationsRequest,
    CountApplicationsResponse, CountByPlaceRequest, CountByPlaceResponse, CountDecidedRequest,
    CountDecidedResponse, CreateApplicationRequest, DeleteRequest, GetApplicationRequest, GetHistoryRequest,
    GetHistoryResponse, GetSubmissionRequest, ListAndCountRequest, ListAndCountResponse,
    ListApplicationsRequest, ListApplicationsResponse, ListSubmissionsRequest, ListSubmissionsResponse,
    PassRequest, RecordPaperCheckRequest, ReturnRequest, RevokePassRequest, SaveAcceptanceRequest,
    Submission, SubmitAcceptanceRequest, SubmitMaterialsRequest, SubmitSupplementRequest, TakeBackRequest,
    TerminateRequest, WithdrawRequest, applications_server::Applications,
};
use sqlx::PgConnection;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::{
    Inlet, convert, lists,
    views::{self, Reader},
};
use crate::{
    app::{
        self,
        submit::{Evidence, Handing, Sealed},
    },
    domain::{
        act::{Act, Command, Person},
        application::Kind,
        ids::ApplicationId,
        policy::SHANGHAI,
    },
    evidence::Asked,
    labels,
    store::{
        self,
        lists::{Filter, Page, Part},
    },
};

/// Runs a command on an application by itself: `fill` adds to the act what the request carries.
macro_rules! command {
    ($inlet:expr, $request:expr, $command:expr, |$act:ident, $body:ident| $fill:block) => {{
        let shared = $inlet.shared.clone();
        $inlet
            .units
            .run($request, |work, $body| {
                Box::pin(async move {
                    let id = convert::application_id(&$body.application_id)?;
                    let mut $act = convert::act(work.caller(), $command, $body.version)?;
                    $fill
                    let application = app::execute(work, &shared, id, &$act).await?;
                    Ok(views::application(&application, &Reader::new(&$act.person, &shared, work.now())))
                })
            })
            .await
    }};
}

/// Submits: evidence first, then the transaction, and a seal that did not commit is released.
macro_rules! submission {
    ($inlet:expr, $request:expr, $command:expr, $kind:expr) => {{
        let inlet: &Inlet = $inlet;
        let request = $request;
        let body = request.get_ref();
        let act = convert::act(&rpc::caller(&request)?, $command, body.version)?;
        let answers = convert::answers(body.answers.clone());
        let asked = asked(&body.request_id, &body.application_id, act);
        let handing = inlet.handing($kind, answers, asked.as_ref()).await;
        let sealed = handing.as_ref().ok().and_then(|handing| handing.evidence.seal.clone());
        let shared = inlet.shared.clone();
        let outcome = inlet
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::application_id(&body.application_id)?;
                    let act = convert::act(work.caller(), $command, body.version)?;
                    let person = act.person.clone();
                    let application = app::submit::submit(work, &shared, id, act, handing?).await?;
                    Ok(views::application(&application, &Reader::new(&person, &shared, work.now())))
                })
            })
            .await;
        inlet.settle(&outcome, asked.as_ref(), sealed.as_ref()).await;
        outcome
    }};
}

/// Who asks to submit; none where an id is no id, which is refused further on.
fn asked(request_id: &str, application_id: &str, act: Act) -> Option<Asked> {
    let holder = Uuid::parse_str(request_id).ok()?;
    Some(Asked { application_id: convert::application_id(application_id).ok()?, act, holder })
}

/// The filter and the page of a list.
fn wanted(request: &ListApplicationsRequest, person: &Person) -> Result<(Filter, Page), Failure> {
    Ok((lists::filter(request, person)?, lists::page(request)?))
}

impl Inlet {
    /// A city's officers and the whole province look at the same tabs.
    async fn counted(&self, scope: Vec<Part>, filter: Filter) -> Result<CountApplicationsResponse, Failure> {
        let read = async {
            let mut db = self.pool.acquire().await?;
            Ok(views::counts(&store::lists::counts(&mut db, &scope, &filter).await?))
        };
        self.counting.ask((scope.clone(), filter.clone()), read).await
    }

    async fn listed(
        &self,
        db: &mut PgConnection,
        person: &Person,
        (filter, page): &(Filter, Page),
    ) -> Result<ListApplicationsResponse, Failure> {
        let listed = store::lists::applications(db, &app::read::scope(person), filter, *page).await?;
        Ok(ListApplicationsResponse {
            applications: listed.iter().map(|row| views::listed(row, person, &self.shared)).collect(),
            next_page_token: lists::next_page(&listed, *page),
        })
    }

    async fn handing(
        &self,
        kind: Kind,
        answers: Result<BTreeMap<String, String>, Failure>,
        asked: Option<&Asked>,
    ) -> Result<Handing, Failure> {
        let receipt_prefix = self.numbers.receipt_prefix.clone();
        let mut handing = Handing { kind, answers: answers?, evidence: Evidence::default(), receipt_prefix };
        if let Some(asked) = asked {
            self.neighbours.submission(&self.pool, &self.shared, asked, &mut handing).await;
        }
        Ok(handing)
    }

    /// Releases the seal of a submission that was refused for certain. An unknown outcome releases nothing.
    async fn settle(
        &self,
        outcome: &Result<Response<ApplicationView>, Status>,
        asked: Option<&Asked>,
        sealed: Option<&Sealed>,
    ) {
        let Err(status) = outcome else { return };
        let refused =
            matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument | Code::NotFound);
        if let (true, Some(seal), Some(asked)) = (refused, sealed, asked) {
            let Asked { application_id, holder, .. } = asked;
            self.neighbours.release(&self.pool, *application_id, seal.submission_version, *holder).await;
        }
    }

    async fn seen<T>(&self, request: &Request<T>, application_id: &str) -> Result<Seen, Failure> {
        let caller = rpc::caller(request).map_err(Failure::from)?;
        let mut person = convert::person(&caller)?;
        let id = convert::application_id(application_id)?;
        let mut db = self.pool.acquire().await?;
        let application = app::read::application(&mut db, &self.shared, &mut person, id).await?;
        Ok(Seen { db, person, application, id })
    }
}

/// An application that the caller may see, with the connection that read it.
struct Seen {
    db: sqlx::pool::PoolConnection<sqlx::Postgres>,
    person: crate::domain::act::Person,
    application: crate::domain::application::Application,
    id: ApplicationId,
}

#[tonic::async_trait]
impl Applications for Inlet {
    async fn create_application(
        &self,
        request: Request<CreateApplicationRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        let person = convert::person(&rpc::caller(&request)?)?;
        let opening = match (person.operator_id, Uuid::parse_str(&request.get_ref().station_id)) {
            (Some(operator), Ok(station)) => self.neighbours.opening(operator, station).await,
            (Some(_) | None, Ok(_) | Err(_)) => Err(Failure::not_found()),
        };
        let (shared, prefix) = (self.shared.clone(), self.numbers.application_prefix.clone());
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let round = convert::round_id(&body.round_id)?;
                    let (opening, active) = opening?;
                    let mut act = Act::new(person, Command::CreateApplication);
                    act.account_active = Some(active);
                    let (application, sheet) =
                        app::create::create(work, &shared, round, &opening, &act, &prefix).await?;
                    Ok(views::with_sheet(
                        &application,
                        &sheet,
                        &Reader::new(&act.person, &shared, work.now()),
                    ))
                })
            })
            .await
    }

    async fn save_acceptance(
        &self,
        request: Request<SaveAcceptanceRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        let shared = self.shared.clone();
        self.units
            .run(request, |work, mut body| {
                Box::pin(async move {
                    let id = convert::application_id(&body.application_id)?;
                    let person = convert::person(work.caller())?;
                    let edit_version = body.edit_version;
                    let answers =
                        body.answers.take().map(|draft| convert::answers(draft.answers)).transpose()?;
                    let change = convert::patch(body)?;
                    let (application, sheet) =
                        app::edit::save(work, id, &person, edit_version, change, answers).await?;
                    Ok(views::with_sheet(&application, &sheet, &Reader::new(&person, &shared, work.now())))
                })
            })
            .await
    }

    async fn submit_acceptance(
        &self,
        request: Request<SubmitAcceptanceRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        submission!(self, request, Command::SubmitAcceptance, Kind::Acceptance)
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<ApplicationView>, Status> {
        command!(self, request, Command::Withdraw, |act, body| {
            act.opinion.clear();
        })
    }

    async fn pass(&self, request: Request<PassRequest>) -> Result<Response<ApplicationView>, Status> {
        command!(self, request, Command::Pass, |act, body| {
            act.judged = convert::judged(body.judged);
            act.opinion = body.opinion;
        })
    }

    async fn r#return(&self, request: Request<ReturnRequest>) -> Result<Response<ApplicationView>, Status> {
        command!(self, request, Command::Return, |act, body| {
            act.judged = convert::judged(body.judged);
            act.opinion = body.opinion;
            act.items = body.items;
            act.open_all = body.open_all;
        })
    }

    async fn record_paper_check(
        &self,
        request: Request<RecordPaperCheckRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        command!(self, request, Command::RecordPaperCheck, |act, body| {
            let paper = convert::paper(&body)?;
            act.judged = convert::judged(body.judged);
            act.items = if paper.complete { Vec::new() } else { paper.missing.clone() };
            act.paper = Some(paper);
        })
    }

    async fn revoke_pass(
        &self,
        request: Request<RevokePassRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        command!(self, request, Command::RevokePass, |act, body| {
            act.judged = convert::judged(body.judged);
            act.opinion = body.reason;
        })
    }

    async fn submit_materials(
        &self,
        request: Request<SubmitMaterialsRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        submission!(self, request, Command::SubmitMaterials, Kind::Materials)
    }

    async fn take_back(
        &self,
        request: Request<TakeBackRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        command!(self, request, Command::TakeBack, |act, body| {
            act.opinion = body.reason;
        })
    }

    async fn submit_supplement(
        &self,
        request: Request<SubmitSupplementRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        submission!(self, request, Command::SubmitSupplement, Kind::Supplement)
    }

    async fn delete(&self, request: Request<DeleteRequest>) -> Result<Response<ApplicationView>, Status> {
        command!(self, request, Command::Delete, |act, body| {
            act.opinion.clear();
        })
    }

    async fn terminate(
        &self,
        request: Request<TerminateRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        let shared = self.shared.clone();
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::application_id(&body.application_id)?;
                    let mut act = convert::act(work.caller(), Command::Terminate, body.version)?;
                    act.opinion = body.reason;
                    let person = act.person.clone();
                    // It may be a member of a work order, which is concluded when this was the last one open.
                    let application = app::member::execute(work, &shared, id, act).await?;
                    Ok(views::application(&application, &Reader::new(&person, &shared, work.now())))
                })
            })
            .await
    }

    async fn get_application(
        &self,
        request: Request<GetApplicationRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        let mut seen = self.seen(&request, &request.get_ref().application_id).await?;
        let sheet = store::forms::find(&mut seen.db, seen.id).await.map_err(Failure::from)?;
        let now = store::database_time(&mut seen.db).await.map_err(Failure::from)?;
        let reader = Reader::new(&seen.person, &self.shared, now);
        Ok(Response::new(views::with_sheet(&seen.application, &sheet, &reader)))
    }

    async fn list_applications(
        &self,
        request: Request<ListApplicationsRequest>,
    ) -> Result<Response<ListApplicationsResponse>, Status> {
        let mut person = convert::person(&rpc::caller(&request)?)?;
        let wanted = wanted(request.get_ref(), &person)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        app::read::seated(&mut db, &mut person).await?;
        Ok(Response::new(self.listed(&mut db, &person, &wanted).await?))
    }

    async fn count_applications(
        &self,
        request: Request<CountApplicationsRequest>,
    ) -> Result<Response<CountApplicationsResponse>, Status> {
        let mut person = convert::person(&rpc::caller(&request)?)?;
        let filter = lists::filter(&request.into_inner().filter.unwrap_or_default(), &person)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        app::read::seated(&mut db, &mut person).await?;
        drop(db);
        Ok(Response::new(self.counted(app::read::scope(&person), filter).await?))
    }

    async fn list_and_count(
        &self,
        request: Request<ListAndCountRequest>,
    ) -> Result<Response<ListAndCountResponse>, Status> {
        let mut person = convert::person(&rpc::caller(&request)?)?;
        let ListAndCountRequest { list, count } = request.into_inner();
        let wanted = wanted(&list.unwrap_or_default(), &person)?;
        let filter = lists::filter(&count.and_then(|count| count.filter).unwrap_or_default(), &person)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        app::read::seated(&mut db, &mut person).await?;
        let list = self.listed(&mut db, &person, &wanted).await?;
        // Nobody waits for others with a connection in hand.
        drop(db);
        let counts = self.counted(app::read::scope(&person), filter).await?;
        Ok(Response::new(ListAndCountResponse { list: Some(list), counts: Some(counts) }))
    }

    async fn count_by_place(
        &self,
        request: Request<CountByPlaceRequest>,
    ) -> Result<Response<CountByPlaceResponse>, Status> {
        let mut person = convert::person(&rpc::caller(&request)?)?;
        let (stage, by) = lists::place(request.get_ref())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        app::read::seated(&mut db, &mut person).await?;
        let scope = app::read::scope(&person);
        let counted = store::lists::by_place(&mut db, &scope, stage, by).await.map_err(Failure::from)?;
        Ok(Response::new(views::places(counted)))
    }

    async fn count_decided(
        &self,
        request: Request<CountDecidedRequest>,
    ) -> Result<Response<CountDecidedResponse>, Status> {
        let person = convert::person(&rpc::caller(&request)?)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let now = store::database_time(&mut db).await.map_err(Failure::from)?;
        let since = lists::start_of(now.to_offset(SHANGHAI).date());
        let today = store::opinions::decided_since(&mut db, person.id, since).await.map_err(Failure::from)?;
        Ok(Response::new(CountDecidedResponse { today }))
    }

    async fn get_history(
        &self,
        request: Request<GetHistoryRequest>,
    ) -> Result<Response<GetHistoryResponse>, Status> {
        let mut seen = self.seen(&request, &request.get_ref().application_id).await?;
        let links = store::history::list(&mut seen.db, seen.id).await.map_err(Failure::from)?;
        let papers = store::history::papers(&mut seen.db, seen.id).await.map_err(Failure::from)?;
        Ok(Response::new(GetHistoryResponse { entries: views::history(&links, &papers, &seen.person) }))
    }

    async fn list_submissions(
        &self,
        request: Request<ListSubmissionsRequest>,
    ) -> Result<Response<ListSubmissionsResponse>, Status> {
        let mut seen = self.seen(&request, &request.get_ref().application_id).await?;
        let found = store::submissions::list(&mut seen.db, seen.id).await.map_err(Failure::from)?;
        Ok(Response::new(ListSubmissionsResponse {
            submissions: found.iter().map(views::submission).collect(),
        }))
    }

    async fn get_submission(
        &self,
        request: Request<GetSubmissionRequest>,
    ) -> Result<Response<Submission>, Status> {
        let version = request.get_ref().version;
        let mut seen = self.seen(&request, &request.get_ref().application_id).await?;
        let found = store::submissions::find(&mut seen.db, seen.id, version).await.map_err(Failure::from)?;
        Ok(Response::new(views::whole_submission(found.ok_or_else(Failure::not_found)?)))
    }

    async fn allowed_actions(
        &self,
        request: Request<AllowedActionsRequest>,
    ) -> Result<Response<AllowedActionsResponse>, Status> {
        let person = convert::person(&rpc::caller(&request)?)?;
        let id = convert::application_id(&request.get_ref().application_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let now = store::database_time(&mut db).await.map_err(Failure::from)?;
        let (application, actions, own) = app::allowed::list(&mut db, &self.shared, person, id, now).await?;
        Ok(Response::new(AllowedActionsResponse {
            version: application.version,
            submission: application.submitted.as_ref().map(views::submitted),
            actions: actions.into_iter().map(|action| views::action(action, application.stage)).collect(),
            own_state: own.map(labels::own_state).unwrap_or_default().to_owned(),
        }))
    }
}
