//! 监管服务/建设补贴/县域充电站补贴管理: what county and city review, and their decisions. The steps beside a decision
//! are in `county_steps`.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::reviews::{ApplicationView, PassRequest, ReturnRequest};
use tonic::{Response, Status};

use super::{Routes, applications::Rows};
use crate::{
    Answer, Form, Page, Role, Visitor,
    list::Filter,
    review::{self, Review, Way},
    stage,
};

/// Menu path, and the list.
pub const LIST: &str = "/supervision/county-subsidies";
/// Who works here.
pub const AUTHORITIES: [Role; 2] = [Role::County, Role::City];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/supervision/county-subsidies/{id}/review", get(show).post(decide))
}

/// The list.
#[derive(Template)]
#[template(path = "county_subsidies.html")]
pub struct CountySubsidiesPage {
    /// The frame.
    pub page: Page,
    /// Nodes to choose from: id and words.
    pub stages: Vec<(&'static str, &'static str)>,
    /// The table.
    pub list: Rows,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&AUTHORITIES)?;
    let title = "县域充电站补贴管理";
    let (page, list) = tokio::join!(visitor.page(LIST, title), Rows::read(&visitor, title, filter));
    let list = list?;
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    let stages = stage::TABLE.iter().map(|row| (row.id, row.reviewer.0)).collect();
    visitor.show(StatusCode::OK, &CountySubsidiesPage { page, stages, list })
}

/// One application with the form for the decision.
#[derive(Template)]
#[template(path = "county_review.html")]
pub struct CountyReviewPage {
    /// The frame.
    pub page: Page,
    /// The decision as entered.
    pub form: Form,
    /// Everything about it.
    pub review: Review,
}

/// Where an application is reviewed.
pub fn path(id: &str) -> String {
    format!("{LIST}/{id}/review")
}

async fn page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&AUTHORITIES)?;
    let (page, review) = tokio::join!(visitor.page(LIST, "审核"), Review::load(visitor, id, path(id)));
    let status = form.status();
    visitor.show(status, &CountyReviewPage { page, form, review: review? })
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    page(&visitor, &id, Form::default()).await
}

async fn decide(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&AUTHORITIES)?;
    if let Some((field, text)) = review::contradicts(&form) {
        form.mark(field, text);
        return page(&visitor, &id, form).await;
    }
    let (decided, done) = if form.has("decision", "pass") {
        (pass(&visitor, &id, &form).await, "已通过")
    } else {
        (send_back(&visitor, &id, &form).await, "已退回运营商修改")
    };
    match decided {
        Ok(answer) => {
            let view = answer.into_inner();
            let next = Way::on(&visitor, form.value("stage"), &id).await;
            visitor.done(&next, &format!("{}（{}）{done}", view.station_name, view.application_no))
        }
        Err(status) => page(&visitor, &id, form.refused(status)?).await,
    }
}

async fn pass(visitor: &Visitor, id: &str, form: &Form) -> Result<Response<ApplicationView>, Status> {
    let request = PassRequest {
        request_id: form.request_id(),
        application_id: id.to_owned(),
        version: form.number("version"),
        judged: review::judged(form),
        opinion: form.text("opinion"),
    };
    visitor.applications().pass(request).await
}

async fn send_back(visitor: &Visitor, id: &str, form: &Form) -> Result<Response<ApplicationView>, Status> {
    let request = ReturnRequest {
        request_id: form.request_id(),
        application_id: id.to_owned(),
        version: form.number("version"),
        judged: review::judged(form),
        opinion: form.text("opinion"),
        items: review::items(form),
        open_all: form.has("open_all", "1"),
    };
    visitor.applications().r#return(request).await
}
