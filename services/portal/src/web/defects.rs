//! What of an operator's data was not taken, was corrected or does not agree, page by page: its own below
//! 信息服务/数据互联互通, for administrators below its link.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::stations::{ListQualityItemsRequest, QualityItem};

use super::{
    Routes, charge_orders,
    exports::{Keyed, workbook},
    links,
};
use crate::{
    Answer, Page, Role, Visitor,
    list::{Filter, Pager, Tab},
    quality,
    sheet::{Cell, Column, text},
    station::Defect,
};

/// An operator's own.
pub const OWN: &str = "/interconnect/defects";
/// What the list is called.
const TITLE: &str = "未接收、更正和核对不一致的数据";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(OWN, get(of_operator))
        .route("/interconnect/defects/export", get(export_of_operator))
        .route("/system/links/{id}/defects", get(of_link))
        .route("/system/links/{id}/defects/export", get(export_of_link))
}

/// The list of this operator; `operator_id` is empty for the own one.
pub(super) fn path(operator_id: &str) -> String {
    if operator_id.is_empty() { OWN.to_owned() } else { format!("/system/links/{operator_id}/defects") }
}

/// The page.
#[derive(Template)]
#[template(path = "defects.html")]
pub struct DefectsPage {
    /// The frame.
    pub page: Page,
    /// Whose they are; empty for one's own.
    pub company: String,
    /// Kinds of data as saved filters.
    pub tabs: Vec<Tab>,
    /// The URL's filter.
    pub filter: Filter,
    /// Defects of this page of the list.
    pub rows: Vec<Defect>,
    /// Ways on and back.
    pub pager: Pager,
}

fn wanted(filter: &Filter, operator_id: &str) -> ListQualityItemsRequest {
    ListQualityItemsRequest {
        page: filter.page(),
        kind: filter.value("kind").to_owned(),
        operator_id: operator_id.to_owned(),
    }
}

async fn list(visitor: &Visitor, operator_id: &str, filter: Filter) -> Answer {
    let mut client = visitor.registry();
    let (page, company, answer) = tokio::join!(
        visitor.page(links::menu(operator_id), TITLE),
        links::company(visitor, operator_id),
        client.list_quality_items(wanted(&filter, operator_id)),
    );
    let (company, answer) = (company?, answer?.into_inner());
    let orders = charge_orders::path(operator_id);
    let tab = |(kind, words)| filter.tab("kind", kind, words, None);
    let page = DefectsPage {
        page,
        company,
        tabs: [("", "全部")].into_iter().chain(quality::kinds()).map(tab).collect(),
        rows: answer.items.iter().map(|item| Defect::of(item, &orders)).collect(),
        pager: filter.pager(&answer.next_page_token, answer.items.len()).exported(&filter),
        filter,
    };
    visitor.show(StatusCode::OK, &page)
}

async fn of_operator(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    list(&visitor, "", filter).await
}

async fn of_link(visitor: Visitor, Path(operator_id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    list(&visitor, &operator_id, filter).await
}

/// Columns of defects.
const COLUMNS: &[Column] = &[
    ("数据", 14.0),
    ("接口编码", 26.0),
    ("订单号", 32.0),
    ("问题", 36.0),
    ("说明", 60.0),
    ("次数", 10.0),
    ("首次", 20.0),
    ("最近一次", 20.0),
];

async fn export(visitor: &Visitor, operator_id: &str, filter: &Filter) -> Answer {
    let request = wanted(filter, operator_id);
    workbook(visitor, filter, (TITLE, String::new()), COLUMNS, |reader, page| {
        let request = ListQualityItemsRequest { page, ..request.clone() };
        async move {
            let answer = reader.registry().list_quality_items(request).await?.into_inner();
            Ok((answer.items.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

fn row(item: &QualityItem) -> Keyed {
    let cells = vec![
        text(quality::kind(&item.kind)),
        text(&*item.connector_id),
        text(&*item.order_no),
        text(&*item.text),
        text(&*item.example),
        Cell::Count(item.times),
        Cell::Moment(item.first_at),
        Cell::Moment(item.last_at),
    ];
    // Stations of the release before names none.
    let id = if item.item_id == 0 { format!("{item:?}") } else { item.item_id.to_string() };
    (id, cells)
}

async fn export_of_operator(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    export(&visitor, "", &filter).await
}

async fn export_of_link(visitor: Visitor, Path(operator_id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    links::company(&visitor, &operator_id).await?;
    export(&visitor, &operator_id, &filter).await
}
