//! 监管服务/建设补贴/县域充电站补贴管理: what county and city review, and their decisions. The steps beside a decision
//! are in `county_steps`.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::reviews::{ApplicationView, PassRequest, ReturnRequest};
use tonic::{Response, Status};

use super::{
    Routes,
    applications::{self, Rows, Tabs},
    extensions, reassign,
    several::Desk,
};
use crate::{
    Answer, Form, Page, Role, Visitor,
    divisions::Known,
    list::{Filter, Tab},
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

/// Id of the form that takes what was chosen.
pub(super) const CHOOSING: &str = "remind-form";
/// Saved filters of a county's list.
const COUNTY_TABS: Tabs = &[
    ("", "全部", &[], ""),
    ("need", "待我办理", &[], "county"),
    ("CountyReview", "待县级审核", &["CountyReview"], ""),
    ("PaperCheck", "待线下初审", &["PaperCheck"], ""),
    ("returned", "已退回待修改", &["CountyReturned"], ""),
    ("materials", "待提交资料", &["MaterialsDue"], ""),
    ("later", "市级及以后", LATER, ""),
    ("approved", "审核通过", &["Approved"], ""),
];
/// Saved filters of a city's list.
const CITY_TABS: Tabs = &[
    ("", "全部", &[], ""),
    ("CityReview", "待市级审核", &["CityReview"], ""),
    ("county", "县级办理中", &["CountyReview", "PaperCheck", "CountyReturned", "MaterialsDue"], ""),
    ("returned", "已退回待修改", &["CityReturned"], ""),
    ("AwaitingJointReview", "待联合审核", &["AwaitingJointReview"], ""),
    ("joint", "联合审核中", &["ExpertReview", "SupplementDue", "AwaitingProvince", "ProvincialReview"], ""),
    ("approved", "审核通过", &["Approved"], ""),
];
/// Nodes after the county's.
const LATER: &[&str] = &[
    "CityReview",
    "CityReturned",
    "AwaitingJointReview",
    "ExpertReview",
    "SupplementDue",
    "AwaitingProvince",
    "ProvincialReview",
];

/// The list.
#[derive(Template)]
#[template(path = "county_subsidies.html")]
pub struct CountySubsidiesPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// Nodes to choose from: id and words.
    pub stages: Vec<(&'static str, &'static str)>,
    /// Counties to choose from; none for a county.
    pub counties: Vec<(String, String)>,
    /// Rounds to choose from.
    pub rounds: Vec<(String, String)>,
    /// The table.
    pub list: Rows,
    /// Where what is chosen in it goes.
    pub desk: Desk,
    /// Whether the reader gives work away.
    pub leads: bool,
    /// Whether the reader may give more time.
    pub extends: bool,
}

/// The saved filters of whoever reads.
pub(super) fn saved(visitor: &Visitor) -> Tabs {
    if visitor.is(Role::City) { CITY_TABS } else { COUNTY_TABS }
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&AUTHORITIES)?;
    let title = "县域充电站补贴管理";
    let saved = saved(&visitor);
    let request = applications::tabbed(saved, &filter);
    let (page, read, rounds, names) = tokio::join!(
        visitor.page(LIST, title),
        Rows::read(&visitor, title, filter, request),
        visitor.portal.rounds.names(&visitor),
        visitor.portal.divisions.names(),
    );
    let (list, counts) = read?;
    let list = Rows { choosing: CHOOSING, ..list };
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    let page = CountySubsidiesPage {
        page,
        tabs: applications::tabs(saved, &list.filter, &counts),
        stages: stage::TABLE.iter().map(|row| (row.id, row.reviewer.0)).collect(),
        counties: counties(&visitor, &names),
        rounds,
        list,
        desk: Desk::of(&visitor),
        leads: reassign::leads(&visitor),
        extends: extensions::extends(&visitor),
    };
    visitor.show(StatusCode::OK, &page)
}

/// The counties of a city's officer.
fn counties(visitor: &Visitor, names: &Known) -> Vec<(String, String)> {
    if !visitor.is(Role::City) {
        return Vec::new();
    }
    let counties = visitor.view.scope.iter().flat_map(|city| names.counties(city));
    counties.map(|county| (county.code, county.name)).collect()
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
    let next = Way::on(&visitor, form.value("stage"), &id).await;
    let (decided, done) = if form.has("decision", "pass") {
        (pass(&visitor, &id, &form).await, "已通过")
    } else {
        (send_back(&visitor, &id, &form).await, "已退回运营商修改")
    };
    match decided {
        Ok(answer) => {
            let view = answer.into_inner();
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
