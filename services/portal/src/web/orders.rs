//! 监管服务/建设补贴/补贴管理: work orders as experts, departments and administrators read them; declarations of
//! interest, the draws, a wider sample. The cities side by side are in `overview`; what
//! administrators do with orders is in `subsidies`.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::IntoResponse as _,
    routing::get,
};
use futures::future::join_all;
use proto::{
    common,
    reviews::{
        ApplicationView, DeclareInterestRequest, Draw, GetSampleRequest, GetWorkOrderRequest,
        ListApplicationsRequest, ListRoundsRequest, ListWorkOrdersRequest, PanelMember, WidenSampleRequest,
        WorkOrderView,
    },
};

use super::{
    Routes,
    applications::Row,
    overview::{self, Overview},
};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor,
    list::{Filter, Pager},
    order::{self, Drawn, Order, Seat},
    refused::Away,
    stage::Tag,
};

/// Menu path, and the list.
pub const LIST: &str = "/supervision/subsidies";
/// Who works with orders.
pub const JOINT: [Role; 3] = [Role::Administrator, Role::Expert, Role::Province];
/// Rounds whose names a list knows.
const ROUNDS: i32 = 200;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/supervision/subsidies/orders/{id}", get(show))
        .route("/supervision/subsidies/orders/{id}/interest", get(show).post(declare))
        .route("/supervision/subsidies/orders/{id}/widen", get(show).post(widen))
        .route("/supervision/subsidies/orders/{id}/draws/{number}", get(ranking))
}

/// The list.
#[derive(Template)]
#[template(path = "orders.html")]
pub struct OrdersPage {
    /// The frame.
    pub page: Page,
    /// The URL's filter.
    pub filter: Filter,
    /// Rounds to choose from.
    pub rounds: Vec<(String, String)>,
    /// Orders of this page of the list.
    pub orders: Vec<Order>,
    /// Ways on and back.
    pub pager: Pager,
    /// The cities of the round, for whoever launches; or why not.
    pub overview: Option<Result<Overview, Away>>,
}

/// Rounds by id, the newest first; empty while they cannot be read.
pub async fn rounds(visitor: &Visitor) -> Vec<(String, String)> {
    let page = Some(common::Page { page_size: ROUNDS, page_token: String::new() });
    let answer = visitor.rounds().list_rounds(ListRoundsRequest { page }).await;
    let rounds = answer.map(|answer| answer.into_inner().rounds).unwrap_or_default();
    rounds.into_iter().map(|round| (round.round_id, round.name)).collect()
}

pub(super) fn round_name(rounds: &[(String, String)], id: &str) -> String {
    rounds.iter().find(|(known, _)| known == id).map_or_else(|| id.to_owned(), |(_, name)| name.clone())
}

/// What the URL asks reviews for.
pub(super) fn wanted(filter: &Filter) -> ListWorkOrdersRequest {
    ListWorkOrdersRequest {
        page: filter.page(),
        round_id: filter.value("round").to_owned(),
        prefecture: filter.value("prefecture").to_owned(),
    }
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&JOINT)?;
    let asked = wanted(&filter);
    let mut client = visitor.joint_review();
    let (page, names, rounds, answer) = tokio::join!(
        visitor.page(LIST, "补贴管理"),
        visitor.portal.divisions.names(),
        rounds(&visitor),
        client.list_work_orders(asked)
    );
    let answer = answer?.into_inner();
    let undeclared = join_all(answer.work_orders.iter().map(|view| undeclared(&visitor, view))).await;
    let orders = answer
        .work_orders
        .iter()
        .zip(undeclared)
        .map(|(view, need)| Order { need, ..Order::of(view, &names, round_name(&rounds, &view.round_id)) });
    let orders: Vec<_> = orders.collect();
    let pager = filter.pager(&answer.next_page_token, orders.len()).exported(&filter);
    let overview = match visitor.is(Role::Administrator) {
        true => {
            let read = overview::read(&visitor, &names, &rounds, filter.value("round")).await;
            Some(Away::or(read, "各地市办理情况")?)
        }
        false => None,
    };
    visitor.show(StatusCode::OK, &OrdersPage { page, filter, rounds, orders, pager, overview })
}

/// Whether the expert who looks has not declared yet.
async fn undeclared(visitor: &Visitor, view: &WorkOrderView) -> bool {
    if !visitor.is(Role::Expert) || view.state == "concluded" {
        return false;
    }
    let asked = GetWorkOrderRequest { work_order_id: view.work_order_id.clone() };
    let Ok(answer) = visitor.joint_review().get_work_order(asked).await else { return false };
    own_seat(visitor, &answer.into_inner()).is_some_and(|seat| !seat.declared)
}

fn own_seat(visitor: &Visitor, view: &WorkOrderView) -> Option<PanelMember> {
    view.panel.iter().find(|seat| seat.expert_id == visitor.view.user_id).cloned()
}

/// A member of the order.
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// As in every list.
    pub row: Row,
    /// 抽中 or 必查; no words for none.
    pub sample: Tag,
}

/// The declaration of the expert who looks.
#[derive(Debug, Clone, Default)]
pub struct Interest {
    /// What stands.
    pub seat: Seat,
    /// Conflicts that stand with members of other pages of the list; they are kept.
    pub elsewhere: Vec<String>,
    /// The form, with what stands filled in.
    pub form: Form,
    /// Whether it can still be declared.
    pub open: bool,
}

/// One order.
#[derive(Template)]
#[template(path = "order.html")]
pub struct OrderPage {
    /// The frame.
    pub page: Page,
    /// For the buttons that post.
    pub form: Form,
    /// State and progress.
    pub order: Order,
    /// The panel, the lead first.
    pub panel: Vec<Seat>,
    /// Of an expert.
    pub interest: Option<Interest>,
    /// Members of this page of the list; or why not.
    pub members: Result<Vec<Member>, Away>,
    /// Ways on and back.
    pub pager: Pager,
    /// The draws, the newest first; or why not.
    pub draws: Result<Vec<Drawn>, Away>,
    /// Whether the wider sample is offered.
    pub widens: bool,
    /// Whether freezing is offered.
    pub freezes: bool,
}

/// A form that was refused, where one was.
enum Sent {
    Nothing,
    Interest(Form),
    Other(Form),
}

async fn page(visitor: &Visitor, id: &str, filter: Filter, sent: Sent) -> Answer {
    visitor.only(&JOINT)?;
    // A form of the page has an address of its own; the list below it has the page's.
    let filter = filter.at(&path(id));
    let mine = ListApplicationsRequest {
        page: filter.page(),
        work_order_id: id.to_owned(),
        ..ListApplicationsRequest::default()
    };
    let (mut one, mut two, mut three) =
        (visitor.joint_review(), visitor.applications(), visitor.joint_review());
    let (page, names, rounds, view, listed, sample) = tokio::join!(
        visitor.page(LIST, "工单详情"),
        visitor.portal.divisions.names(),
        rounds(visitor),
        one.get_work_order(GetWorkOrderRequest { work_order_id: id.to_owned() }),
        two.list_applications(mine),
        three.get_sample(GetSampleRequest { work_order_id: id.to_owned() }),
    );
    let view = view?.into_inner();
    let listed = Away::or(listed, "工单成员")?.map(tonic::Response::into_inner);
    let draws = Away::or(sample, "抽查结果")?
        .map(|answer| answer.into_inner().draws.iter().rev().map(Drawn::of).collect());
    let next = listed.as_ref().map(|answer| answer.next_page_token.clone()).unwrap_or_default();
    let members = listed.map(|answer| {
        let member = |view: &ApplicationView| Member {
            id: view.application_id.clone(),
            row: Row::of(visitor, &names, view),
            sample: sampled(view),
        };
        answer.applications.iter().map(member).collect::<Vec<_>>()
    });
    let shown = members.as_deref().unwrap_or_default();
    let pager = filter.pager(&next, shown.len()).exported(&filter);
    let (form, interest_form) = match sent {
        Sent::Nothing => (Form::default(), None),
        Sent::Interest(form) => (Form::default(), Some(form)),
        Sent::Other(form) => (form, None),
    };
    let status = interest_form.as_ref().unwrap_or(&form).status();
    let order = Order::of(&view, &names, round_name(&rounds, &view.round_id));
    let answer = OrderPage {
        page,
        form,
        order,
        panel: view.panel.iter().map(Seat::of).collect(),
        interest: own_seat(visitor, &view).map(|seat| Interest::of(&view, &seat, shown, interest_form)),
        members,
        pager,
        draws,
        widens: visitor.is(Role::Province) && view.state == "frozen",
        freezes: visitor.is(Role::Administrator) && view.state == "open",
    };
    visitor.show(status, &answer)
}

pub(super) fn sampled(view: &ApplicationView) -> Tag {
    match (view.forced_sample, view.in_sample) {
        (true, _) => Tag { text: "必查".to_owned(), class: "warn" },
        (false, true) => Tag { text: "抽中".to_owned(), class: "info" },
        (false, false) => Tag::default(),
    }
}

impl Interest {
    fn of(view: &WorkOrderView, seat: &PanelMember, shown: &[Member], sent: Option<Form>) -> Interest {
        let here = |id: &String| shown.iter().any(|member| member.id == *id);
        let conflict = match (seat.declared, seat.conflicted, seat.conflict_application_ids.is_empty()) {
            (false, _, _) => "",
            (true, true, _) => "all",
            (true, false, false) => "some",
            (true, false, true) => "none",
        };
        let stands = || {
            let members = seat.conflict_application_ids.iter().map(|id| ("conflicts", id.clone()));
            Form::filled([("conflict", conflict.to_owned())].into_iter().chain(members))
        };
        Interest {
            seat: Seat::of(seat),
            elsewhere: seat.conflict_application_ids.iter().filter(|id| !here(id)).cloned().collect(),
            form: sent.unwrap_or_else(stands),
            open: view.state != "concluded",
        }
    }
}

async fn show(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    page(&visitor, &id, filter, Sent::Nothing).await
}

fn path(id: &str) -> String {
    format!("{LIST}/orders/{id}")
}

async fn declare(visitor: Visitor, Path(id): Path<String>, filter: Filter, mut form: Form) -> Answer {
    visitor.only(&[Role::Expert])?;
    let named = form.values("conflicts");
    let problem = match form.value("conflict") {
        "none" | "all" => None,
        "some" if named.is_empty() => Some(("conflicts", "请勾选需要回避的申请")),
        "some" => None,
        _ => Some(("conflict", "请选择是否存在利益冲突")),
    };
    if let Some((field, text)) = problem {
        form.mark(field, text);
        return page(&visitor, &id, filter, Sent::Interest(form)).await;
    }
    let request = DeclareInterestRequest {
        request_id: form.request_id(),
        work_order_id: id.clone(),
        conflicted: form.has("conflict", "all"),
        conflict_application_ids: if form.has("conflict", "some") { named } else { Vec::new() },
        statement: form.text("statement"),
    };
    match visitor.joint_review().declare_interest(request).await {
        Ok(_) => visitor.done(&path(&id), "利益冲突声明已签署，可以评审未回避的申请"),
        Err(status) => {
            let mut form = form.refused(status)?;
            form.about("conflict_application_ids", "conflicts");
            page(&visitor, &id, filter, Sent::Interest(form)).await
        }
    }
}

async fn widen(visitor: Visitor, Path(id): Path<String>, filter: Filter, mut form: Form) -> Answer {
    visitor.only(&[Role::Province])?;
    if !form.has("sure", "yes") {
        form.mark("sure", "扩大抽查不能撤销，请勾选确认");
        return page(&visitor, &id, filter, Sent::Other(form)).await;
    }
    let request = WidenSampleRequest {
        request_id: form.request_id(),
        work_order_id: id.clone(),
        version: form.number("version"),
    };
    match visitor.joint_review().widen_sample(request).await {
        Ok(_) => visitor.done(&path(&id), "已扩大抽查，新抽中的申请待省级厅委审核"),
        Err(status) => page(&visitor, &id, filter, Sent::Other(form.refused(status)?)).await,
    }
}

/// Every rank of a draw, for whoever repeats it.
async fn ranking(visitor: Visitor, Path((id, number)): Path<(String, i32)>) -> Answer {
    visitor.only(&JOINT)?;
    let answer =
        visitor.joint_review().get_sample(GetSampleRequest { work_order_id: id }).await?.into_inner();
    let draws: BTreeMap<i32, Draw> = answer.draws.into_iter().map(|draw| (draw.number, draw)).collect();
    let draw = draws.get(&number).ok_or_else(Refused::not_found)?;
    let disposition = format!("attachment; filename=\"draw-{number}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, order::ranking(draw)).into_response())
}
