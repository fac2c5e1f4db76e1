//! 信息服务/建设补贴/建设补贴申请: the operator's applications and one of them.

use askama::{Template, filters::HtmlSafe};
use axum::{
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use proto::reviews::{
    ApplicationView, DeleteRequest, ListApplicationsRequest, TerminateRequest, WithdrawRequest,
};

use super::Routes;
use crate::{
    Answer, Form, Page, Refused, Role, Visitor,
    case::Case,
    divisions::Known,
    format,
    list::{Filter, Pager},
    stage::{self, Tag},
};

/// Menu path, and the list.
pub const LIST: &str = "/subsidy/applications";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/subsidy/applications/{id}", get(show))
        .route("/subsidy/applications/{id}/withdraw", post(withdraw))
        .route("/subsidy/applications/{id}/delete", post(delete))
        .route("/subsidy/applications/{id}/terminate", post(terminate))
}

/// One application in a list, of an operator or a reviewer.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Station.
    pub station: String,
    /// Application number; — while it has none.
    pub number: String,
    /// Company.
    pub operator: String,
    /// City and county.
    pub place: String,
    /// Where it stands.
    pub tag: Tag,
    /// The small bar.
    pub cells: Vec<&'static str>,
    /// Step of eight.
    pub step: usize,
    /// Last change.
    pub at: String,
    /// Whether it waits for the reader.
    pub need: bool,
    /// Its page.
    pub path: String,
    /// The main button.
    pub action: String,
}

impl Row {
    /// As this person reads it.
    pub fn of(visitor: &Visitor, names: &Known, view: &ApplicationView) -> Row {
        let operator = visitor.is(Role::Operator);
        let need = visitor.parties().contains(&view.waits_for.as_str());
        let action = match (operator, need) {
            (true, _) => stage::of(&view.stage).action,
            (false, true) => "审核",
            (false, false) => "查看详情",
        };
        Row {
            station: view.station_name.clone(),
            number: format::or_dash(&view.application_no),
            operator: view.operator_name.clone(),
            place: names.place(&view.prefecture, &view.county),
            tag: stage::tag(view, operator, need),
            cells: stage::cells(view, need),
            step: stage::step(view),
            at: format::short(view.entered_at.as_ref().or(view.created_at.as_ref())),
            need,
            path: visitor.application_path(&view.application_id),
            action: action.to_owned(),
        }
    }
}

/// What the URL of a list asks reviews for.
fn wanted(filter: &Filter) -> ListApplicationsRequest {
    let stage = filter.value("stage");
    ListApplicationsRequest {
        page: filter.page(),
        stages: if stage.is_empty() { Vec::new() } else { vec![stage.to_owned()] },
        county: filter.value("county").to_owned(),
        waits_for: filter.value("waits_for").to_owned(),
        round_id: filter.value("round").to_owned(),
        ..ListApplicationsRequest::default()
    }
}

/// The table of a list with its ways on and back; by itself where the script asks for the part `list`.
#[derive(Template)]
#[template(path = "part/application_rows.html")]
pub struct Rows {
    /// What the list is called.
    pub title: &'static str,
    /// The URL's filter.
    pub filter: Filter,
    /// Applications of this page of the list.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
    /// Whether companies are named.
    pub reviewer: bool,
}

impl HtmlSafe for Rows {}

impl Rows {
    /// Asks reviews for what the URL names.
    ///
    /// # Errors
    /// The filter holds a value that reviews does not know; reviews is away.
    pub async fn read(visitor: &Visitor, title: &'static str, filter: Filter) -> Result<Rows, Refused> {
        let mut client = visitor.applications();
        let (names, answer) =
            tokio::join!(visitor.portal.divisions.names(), client.list_applications(wanted(&filter)));
        let answer = answer?.into_inner();
        Ok(Rows {
            title,
            rows: answer.applications.iter().map(|view| Row::of(visitor, &names, view)).collect(),
            pager: filter.pager(&answer.next_page_token, answer.applications.len()),
            filter,
            reviewer: !visitor.is(Role::Operator),
        })
    }
}

/// The list.
#[derive(Template)]
#[template(path = "applications.html")]
pub struct ApplicationsPage {
    /// The frame.
    pub page: Page,
    /// Nodes to choose from: id and words.
    pub stages: Vec<(&'static str, &'static str)>,
    /// The table.
    pub list: Rows,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    let title = "建设补贴申请";
    let (page, list) = tokio::join!(visitor.page(LIST, title), Rows::read(&visitor, title, filter));
    let list = list?;
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    let stages = stage::TABLE.iter().map(|row| (row.id, row.operator.0)).collect();
    visitor.show(StatusCode::OK, &ApplicationsPage { page, stages, list })
}

/// One application.
#[derive(Template)]
#[template(path = "application.html")]
pub struct ApplicationPage {
    /// The frame.
    pub page: Page,
    /// For the buttons that post.
    pub form: Form,
    /// Everything about it.
    pub case: Case,
}

async fn page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let (page, case) = tokio::join!(visitor.page(LIST, "申请详情"), Case::load(visitor, id));
    let status = form.status();
    visitor.show(status, &ApplicationPage { page, form, case: case? })
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    page(&visitor, &id, Form::default()).await
}

async fn withdraw(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    let request = WithdrawRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
    };
    match visitor.applications().withdraw(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}"), "已撤回，修改后请重新提交"),
        Err(status) => page(&visitor, &id, form.refused(status)?).await,
    }
}

async fn delete(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    let request = DeleteRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
    };
    match visitor.applications().delete(request).await {
        Ok(_) => visitor.done(LIST, "草稿已删除，可以重新发起申请"),
        Err(status) => page(&visitor, &id, form.refused(status)?).await,
    }
}

async fn terminate(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    let request = TerminateRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
        reason: form.text("reason"),
    };
    match visitor.applications().terminate(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}"), "申请已终止，占用的发票金额和充电接口已释放"),
        Err(status) => page(&visitor, &id, form.refused(status)?).await,
    }
}
