//! Inlet of the gRPC service `JointReview`.

use chassis::{Failure, page, rpc};
use proto::reviews::{
    ApplicationView, CarryOverRequest, DeclareInterestRequest, FreezeOrderRequest, GetSampleRequest,
    GetSampleResponse, GetWorkOrderRequest, LaunchJointReviewRequest, LaunchJointReviewResponse,
    ListWorkOrdersRequest, ListWorkOrdersResponse, PassMemberRequest, RecordOpinionRequest,
    ReturnMemberRequest, WidenSampleRequest, WorkOrderView, joint_review_server::JointReview,
};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Inlet, convert,
    views::{self, Reader},
};
use crate::{
    app::{
        self,
        launch::{City, Launch},
    },
    domain::{
        act::{Act, Command, Target, Verdict},
        order::Order,
    },
    labels, store,
};

/// Runs a command on a member of a work order: `fill` adds to the act what the request carries.
macro_rules! member {
    ($inlet:expr, $request:expr, $command:expr, |$act:ident, $body:ident| $fill:block) => {{
        let shared = $inlet.shared.clone();
        $inlet
            .units
            .run($request, |work, $body| {
                Box::pin(async move {
                    let id = convert::application_id(&$body.application_id)?;
                    let mut $act = convert::act(work.caller(), $command, $body.version)?;
                    $fill
                    let person = $act.person.clone();
                    let application = app::member::execute(work, &shared, id, $act).await?;
                    Ok(views::application(&application, &Reader::new(&person, &shared, work.now())))
                })
            })
            .await
    }};
}

impl Inlet {
    /// The cities of a launch with what `accounts` knows of their experts.
    async fn cities(&self, request: &LaunchJointReviewRequest) -> Result<Launch, Failure> {
        let (round, batch, wire) = convert::launch(request)?;
        let mut cities = Vec::with_capacity(wire.len());
        for (prefecture, ids, lead, seen) in wire {
            let asked = ids.iter().map(|id| self.neighbours.expert(*id));
            let experts = futures::future::try_join_all(asked).await?;
            cities.push(City { prefecture, experts, lead, seen });
        }
        Ok(Launch { round, batch, cities })
    }
}

/// An order with progress and panel.
async fn view(db: &mut PgConnection, order: &Order) -> Result<WorkOrderView, Failure> {
    let progress = store::orders::progress(db, &[order.id]).await?;
    let panel = store::opinions::panel(db, order.id).await?;
    Ok(views::order(order, progress.get(&order.id), &panel))
}

#[tonic::async_trait]
impl JointReview for Inlet {
    async fn launch_joint_review(
        &self,
        request: Request<LaunchJointReviewRequest>,
    ) -> Result<Response<LaunchJointReviewResponse>, Status> {
        let launch = self.cities(request.get_ref()).await;
        let shared = self.shared.clone();
        self.units
            .run(request, |work, _body| {
                Box::pin(async move {
                    let act = Act::new(convert::person(work.caller())?, Command::LaunchJointReview);
                    let orders = app::launch::launch(work, &shared, launch?, &act).await?;
                    let mut work_orders = Vec::with_capacity(orders.len());
                    for order in &orders {
                        work_orders.push(view(work.db(), order).await?);
                    }
                    Ok(LaunchJointReviewResponse { work_orders })
                })
            })
            .await
    }

    async fn declare_interest(
        &self,
        request: Request<DeclareInterestRequest>,
    ) -> Result<Response<WorkOrderView>, Status> {
        let shared = self.shared.clone();
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::order_id(&body.work_order_id)?;
                    let person = convert::person(work.caller())?;
                    let conflicts = body
                        .conflict_application_ids
                        .iter()
                        .map(|id| {
                            convert::application_id(id)
                                .map_err(|_| labels::unknown("conflict_application_ids"))
                        })
                        .collect::<Result<Vec<_>, _>>()?;
                    let order = app::order::declare(
                        work,
                        &shared,
                        id,
                        &person,
                        body.conflicted,
                        &conflicts,
                        &body.statement,
                    )
                    .await?;
                    view(work.db(), &order).await
                })
            })
            .await
    }

    async fn record_opinion(
        &self,
        request: Request<RecordOpinionRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        member!(self, request, Command::RecordOpinion, |act, body| {
            let verdict = Verdict::parse(&body.verdict).ok_or_else(|| labels::unknown("verdict"))?;
            act.judged = convert::judged(body.judged);
            act.verdict = Some(verdict);
            act.opinion = body.opinion;
        })
    }

    async fn pass_member(
        &self,
        request: Request<PassMemberRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        member!(self, request, Command::Pass, |act, body| {
            act.judged = convert::judged(body.judged);
            act.opinion = body.opinion;
        })
    }

    async fn return_member(
        &self,
        request: Request<ReturnMemberRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        member!(self, request, Command::Return, |act, body| {
            act.target = match body.target.as_str() {
                "" => None,
                target => Some(Target::parse(target).ok_or_else(|| labels::unknown("target"))?),
            };
            act.judged = convert::judged(body.judged);
            act.opinion = body.opinion;
            act.items = body.items;
            act.open_all = body.open_all;
        })
    }

    async fn carry_over(
        &self,
        request: Request<CarryOverRequest>,
    ) -> Result<Response<ApplicationView>, Status> {
        member!(self, request, Command::CarryOver, |act, body| {
            act.opinion = body.reason;
        })
    }

    async fn freeze_order(
        &self,
        request: Request<FreezeOrderRequest>,
    ) -> Result<Response<WorkOrderView>, Status> {
        let shared = self.shared.clone();
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::order_id(&body.work_order_id)?;
                    let act = convert::act(work.caller(), Command::FreezeOrder, body.version)?;
                    let order = app::order::freeze(work, &shared, id, &act).await?;
                    view(work.db(), &order).await
                })
            })
            .await
    }

    async fn widen_sample(
        &self,
        request: Request<WidenSampleRequest>,
    ) -> Result<Response<WorkOrderView>, Status> {
        let shared = self.shared.clone();
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::order_id(&body.work_order_id)?;
                    let act = convert::act(work.caller(), Command::WidenSample, body.version)?;
                    let order = app::order::widen(work, &shared, id, &act).await?;
                    view(work.db(), &order).await
                })
            })
            .await
    }

    async fn get_work_order(
        &self,
        request: Request<GetWorkOrderRequest>,
    ) -> Result<Response<WorkOrderView>, Status> {
        let mut person = convert::person(&rpc::caller(&request)?)?;
        let id = convert::order_id(&request.get_ref().work_order_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let order = app::read::order(&mut db, &mut person, id).await?;
        Ok(Response::new(view(&mut db, &order).await?))
    }

    async fn list_work_orders(
        &self,
        request: Request<ListWorkOrdersRequest>,
    ) -> Result<Response<ListWorkOrdersResponse>, Status> {
        let mut person = convert::person(&rpc::caller(&request)?)?;
        let request = request.into_inner();
        let size = page::size(request.page.as_ref())?;
        let after: Option<Uuid> = page::after(request.page.as_ref())?;
        let round = match request.round_id.as_str() {
            "" => None,
            round => Some(convert::id(round, "round_id")?),
        };
        let prefecture = match request.prefecture.as_str() {
            "" => None,
            prefecture => Some(convert::division(prefecture, "prefecture")?),
        };
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        app::read::seated(&mut db, &mut person).await?;
        let scope = app::read::order_scope(&person);
        let orders = store::orders::list(&mut db, &scope, round, prefecture.as_deref(), after, size)
            .await
            .map_err(Failure::from)?;
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        let progress = store::orders::progress(&mut db, &ids).await.map_err(Failure::from)?;
        let last = orders.last().filter(|_| i64::try_from(orders.len()) == Ok(size)).map(|last| last.id.0);
        Ok(Response::new(ListWorkOrdersResponse {
            work_orders: orders
                .iter()
                .map(|order| views::order(order, progress.get(&order.id), &[]))
                .collect(),
            next_page_token: page::token(last.as_ref()),
        }))
    }

    async fn get_sample(
        &self,
        request: Request<GetSampleRequest>,
    ) -> Result<Response<GetSampleResponse>, Status> {
        let mut person = convert::person(&rpc::caller(&request)?)?;
        let id = convert::order_id(&request.get_ref().work_order_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        app::read::order(&mut db, &mut person, id).await?;
        let draws = store::samples::list(&mut db, id).await.map_err(Failure::from)?;
        Ok(Response::new(GetSampleResponse { draws: draws.iter().map(views::draw).collect() }))
    }
}
