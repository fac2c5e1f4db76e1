//! 信息服务/数据互联互通: how each own station is connected, and what is wrong with its data.

use askama::Template;
use axum::{http::StatusCode, routing::get};
use proto::{
    common,
    stations::{
        FindConnectorsRequest, FindConnectorsResponse, FoundConnector, FoundStation, ListQualityDaysRequest,
        ListQualityItemsRequest, QualityItem,
    },
};

use super::{
    Routes, charge_orders, connectors,
    stations::{StationRows, tabs},
};
use crate::{
    Answer, Page, Role, Visitor, format,
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

/// Connectors that have fallen silent, of the first stations that have such.
#[derive(Debug, Clone, Default)]
pub struct Silent {
    /// Station, connector, the latest report.
    pub rows: Vec<(String, String, String)>,
    /// Whether more stations have such.
    pub more: bool,
}

impl Silent {
    fn of(answer: &FindConnectorsResponse) -> Silent {
        let row = |(station, one): (&FoundStation, &FoundConnector)| {
            (station.name.clone(), one.connector_id.clone(), format::moment(one.seen_at.as_ref()))
        };
        Silent {
            rows: connectors::pairs(answer).map(row).collect(),
            more: !answer.next_page_token.is_empty(),
        }
    }
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
    /// Connectors that nothing was heard of for too long.
    pub silent: Result<Silent, Away>,
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
    let recent = || Some(common::Page { page_size: RECENT, page_token: String::new() });
    let mut search = visitor.search();
    let silent =
        FindConnectorsRequest { page: recent(), silent_only: true, ..FindConnectorsRequest::default() };
    let (page, tabs, list, silent, days, items) = tokio::join!(
        visitor.page(LIST, "数据互联互通"),
        tabs(&visitor, &shown),
        StationRows::read(&visitor, filter),
        search.find_connectors(silent),
        counts.list_quality_days(ListQualityDaysRequest::default()),
        client.list_quality_items(ListQualityItemsRequest {
            page: recent(),
            ..ListQualityItemsRequest::default()
        }),
    );
    let list = list?.counted(&tabs);
    let silent = Away::or(silent, "失联接口")?.map(|answer| Silent::of(&answer.into_inner()));
    let days = Away::or(days, "数据质量")?.map(|answer| quality::rows(&answer.into_inner().days));
    let defect = |item: &QualityItem| Defect::of(item, charge_orders::OWN);
    let defects =
        Away::or(items, "数据质量")?.map(|answer| answer.into_inner().items.iter().map(defect).collect());
    visitor.show(StatusCode::OK, &InterconnectPage { page, tabs, list, silent, days, defects })
}
