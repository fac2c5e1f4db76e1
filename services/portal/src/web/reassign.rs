//! 转办: the lead of an office names who of it does what was chosen, and sees who holds how much. It bars nobody of the office
//! and decides nothing. Source: workflow, T26; decision 11.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::routing::get;
use futures::future::join_all;
use proto::{
    accounts::ListColleaguesRequest,
    common,
    notifications::ListTasksRequest,
    reviews::{ApplicationView, GetWorkOrderRequest, ReassignRequest},
};

use super::{
    Routes,
    several::{self, Chosen, Desk, Ended},
};
use crate::{Answer, Form, Page, Refused, Role, Visitor, list::Filter, refused::Away};

/// Tasks of one answer, and answers that are read to count who holds what.
const PAGE: i32 = 200;
const PAGES_MAX: usize = 10;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/supervision/county-subsidies/reassign", get(show).post(reassign))
        .route("/supervision/subsidies/reassign", get(show).post(reassign))
}

/// Somebody to whom work can be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// User id.
    pub id: String,
    /// Name, and what the person is.
    pub name: String,
    /// Open tasks of the office that are this person's by name.
    pub count: usize,
}

/// The page.
#[derive(Template)]
#[template(path = "reassign.html")]
pub struct ReassignPage {
    /// The frame.
    pub page: Page,
    /// Who and why, as entered.
    pub form: Form,
    /// What was chosen in the list.
    pub chosen: Vec<Chosen>,
    /// To whom; or why that cannot be read.
    pub holders: Result<Vec<Holder>, Away>,
    /// Open tasks of the office that are nobody's by name; none where tasks cannot be counted.
    pub unnamed: Option<usize>,
    /// Whether there are more open tasks than were counted.
    pub more: bool,
    /// Where this is.
    pub desk: Desk,
}

impl ReassignPage {
    /// Whom the form offers: the office as a whole too.
    pub fn choices(&self) -> Vec<(String, String)> {
        let whole = ("office".to_owned(), "不指定，由本单位任何人办理".to_owned());
        let people = self.holders.as_deref().unwrap_or_default();
        people.iter().map(|one| (one.id.clone(), one.name.clone())).chain([whole]).collect()
    }
}

/// Whether the reader may give work away: the lead of an office. Who leads a panel, the work order says.
pub fn leads(visitor: &Visitor) -> bool {
    visitor.view.lead || visitor.is(Role::Expert)
}

async fn page(visitor: &Visitor, form: Form, chosen: Vec<(Chosen, ApplicationView)>) -> Answer {
    let desk = Desk::of(visitor);
    let (views, chosen): (Vec<_>, Vec<_>) = chosen.into_iter().map(|(one, view)| (view, one)).unzip();
    let (page, people, held) =
        tokio::join!(visitor.page(desk.menu, "转办"), people(visitor, &views), held(visitor));
    let (held, more) =
        Away::or(held, "待办事项")?.ok().map_or((None, false), |(held, more)| (Some(held), more));
    let count = |id: &str| held.as_ref().and_then(|held| held.get(id)).copied().unwrap_or(0);
    let holders = people?.map(|people| {
        let holder = |(id, name): (String, String)| Holder { count: count(&id), id, name };
        people.into_iter().map(holder).collect()
    });
    let unnamed = held.as_ref().map(|_| count(""));
    visitor.show(form.status(), &ReassignPage { page, form, chosen, holders, unnamed, more, desk })
}

/// Open tasks of the reader's office by who holds them, and whether there are more; an empty id stands for nobody.
async fn held(visitor: &Visitor) -> Result<(BTreeMap<String, usize>, bool), tonic::Status> {
    let (mut held, mut token) = (BTreeMap::new(), String::new());
    for _ in 0..PAGES_MAX {
        let page = Some(common::Page { page_size: PAGE, page_token: token });
        let asked = ListTasksRequest { page, ..ListTasksRequest::default() };
        let answer = visitor.worklist().list_tasks(asked).await?.into_inner();
        for task in answer.tasks.into_iter().filter(|task| task.subject_type == "application") {
            *held.entry(task.assignee_id).or_default() += 1;
        }
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    Ok((held, !token.is_empty()))
}

/// To whom work can be given: the office, or the panels of the orders that were chosen from.
async fn people(
    visitor: &Visitor,
    views: &[ApplicationView],
) -> Result<Result<Vec<(String, String)>, Away>, Refused> {
    if !visitor.is(Role::Expert) {
        let answer = visitor.users().list_colleagues(ListColleaguesRequest {}).await;
        let named = |one: proto::accounts::Colleague| {
            let duty = if one.lead { "（负责人）" } else { "" };
            (one.user_id, format!("{}{duty}", one.display_name))
        };
        let answer = Away::or(answer, "本单位人员")?;
        return Ok(answer.map(|answer| answer.into_inner().colleagues.into_iter().map(named).collect()));
    }
    let orders: BTreeSet<_> =
        views.iter().map(|view| &view.work_order_id).filter(|id| !id.is_empty()).collect();
    let asked = orders.into_iter().map(|id| async move {
        visitor.joint_review().get_work_order(GetWorkOrderRequest { work_order_id: id.clone() }).await
    });
    let mut people = BTreeMap::new();
    for answer in join_all(asked).await {
        match Away::or(answer, "专家组")? {
            Ok(answer) => people.extend(answer.into_inner().panel.into_iter().map(|one| {
                let duty = if one.lead { "（组长）" } else { "" };
                (one.expert_id, format!("{}{duty}", one.name))
            })),
            Err(away) => return Ok(Err(away)),
        }
    }
    Ok(Ok(people.into_iter().collect()))
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let chosen = several::chosen(&visitor, &filter.values("item")).await;
    page(&visitor, Form::default(), chosen).await
}

async fn reassign(visitor: Visitor, mut form: Form) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let named = form.values("item");
    let to = form.text("assignee_id");
    if to.is_empty() {
        form.mark("assignee_id", "请选择承办人");
        let chosen = several::chosen(&visitor, &named).await;
        return page(&visitor, form, chosen).await;
    }
    let request = ReassignRequest {
        request_id: form.request_id(),
        items: several::items(&named),
        assignee_id: if to == "office" { String::new() } else { to },
        reason: form.text("reason"),
    };
    let answer = visitor.deadlines().reassign(request).await;
    match several::ended(&visitor, form, answer, "转办", "转办记入审核记录；本单位其他人仍可办理").await?
    {
        Ended::Done(answer) => answer,
        Ended::Left(form, chosen) => page(&visitor, form, chosen).await,
    }
}
