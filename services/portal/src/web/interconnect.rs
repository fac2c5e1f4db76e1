//! 信息服务/数据互联互通: how each own station is connected, and what is wrong with its data.

use askama::Template;
use axum::{http::StatusCode, routing::get};
use proto::{
    common,
    stations::{ListQualityDaysRequest, ListQualityItemsRequest},
};

use super::{
    Routes,
    stations::{StationRows, tabs},
};
use crate::{
    Answer, Page, Role, Visitor,
    list::{Filter, Tab},
    quality,
    refused::Away,
    station::Defect,
};

/// Menu path.
pub const LIST: &str = "/interconnect";
/// The latest defects.
const RECENT: i32 = 50;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(LIST, get(show))
}

/// The page.
#[derive(Template)]
#[template(path = "interconnect.html")]
pub struct InterconnectPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// Stations with their state.
    pub list: StationRows,
    /// What became of its data in the last days.
    pub days: Result<Vec<quality::Row>, Away>,
    /// The latest defects of the operator's data.
    pub defects: Result<Vec<Defect>, Away>,
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    if visitor.fragment == "list" {
        let shown = filter.clone();
        let (tabs, list) = tokio::join!(tabs(&visitor, &shown), StationRows::read(&visitor, filter));
        return visitor.show(StatusCode::OK, &list?.counted(&tabs));
    }
    let (mut client, mut counts, shown) = (visitor.registry(), visitor.registry(), filter.clone());
    let recent = Some(common::Page { page_size: RECENT, page_token: String::new() });
    let (page, tabs, list, days, items) = tokio::join!(
        visitor.page(LIST, "数据互联互通"),
        tabs(&visitor, &shown),
        StationRows::read(&visitor, filter),
        counts.list_quality_days(ListQualityDaysRequest::default()),
        client.list_quality_items(ListQualityItemsRequest { page: recent, kind: String::new() }),
    );
    let list = list?.counted(&tabs);
    let days = Away::or(days, "数据质量")?.map(|answer| quality::rows(&answer.into_inner().days));
    let defects =
        Away::or(items, "数据质量")?.map(|answer| answer.into_inner().items.iter().map(Defect::of).collect());
    visitor.show(StatusCode::OK, &InterconnectPage { page, tabs, list, days, defects })
}
