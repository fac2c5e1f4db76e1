//! 信息服务/充电站管理: the operator's own stations, with equipment, connectors and connection.

use askama::{Template, filters::HtmlSafe};
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::{
    common,
    stations::{
        GetStationRequest, ListConnectionFactsRequest, ListQualityItemsRequest, ListStationsRequest,
        QualityItem, Station,
    },
};

use super::{Routes, charge_orders};
use crate::{
    Answer, Page, Refused, Role, Visitor,
    case::Fact,
    divisions::Known,
    list::{Filter, Pager, Tab},
    refused::Away,
    stage::Tag,
    station::{self, Connector, Defect, StationRow},
};

/// Menu path, and the list.
pub const LIST: &str = "/stations";
/// Dated facts and defects on the page of one station.
const RECENT: i32 = 50;
/// States of connection as saved filters.
const TABS: [(&str, &str); 4] =
    [("", "全部"), ("connected", "已接入"), ("offline", "离线"), ("not_connected", "未接入")];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(LIST, get(list)).route("/stations/{id}", get(show))
}

/// The table; by itself where the script asks for the part `list`.
#[derive(Template)]
#[template(path = "part/station_rows.html")]
pub struct StationRows {
    /// The URL's filter.
    pub filter: Filter,
    /// Stations of this page of the list.
    pub rows: Vec<StationRow>,
    /// Ways on and back.
    pub pager: Pager,
}

impl HtmlSafe for StationRows {}

impl StationRows {
    /// The same with the rows of the whole list.
    pub fn counted(self, tabs: &[Tab]) -> StationRows {
        StationRows { pager: self.pager.counted(tabs), ..self }
    }

    /// Asks stations for what the URL names.
    ///
    /// # Errors
    /// The filter holds a value that stations does not know; stations is away.
    pub async fn read(visitor: &Visitor, filter: Filter) -> Result<StationRows, Refused> {
        let request = wanted(&filter);
        let mut client = visitor.registry();
        let (names, answer) = tokio::join!(visitor.portal.divisions.names(), client.list_stations(request));
        let answer = answer?.into_inner();
        Ok(StationRows {
            rows: answer.stations.iter().map(|station| StationRow::of(station, &names)).collect(),
            pager: filter.pager(&answer.next_page_token, answer.stations.len()).exported(&filter),
            filter,
        })
    }
}

/// What the URL asks stations for.
pub(super) fn wanted(filter: &Filter) -> ListStationsRequest {
    ListStationsRequest {
        page: filter.page(),
        connection: filter.value("connection").to_owned(),
        search: filter.value("q").trim().to_owned(),
        ..ListStationsRequest::default()
    }
}

/// The list.
#[derive(Template)]
#[template(path = "stations.html")]
pub struct StationsPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// The table.
    pub list: StationRows,
}

/// States of connection as saved filters of a list, each with how many it holds.
pub async fn tabs(visitor: &Visitor, filter: &Filter) -> Vec<Tab> {
    let asked = ListStationsRequest { page: None, ..wanted(filter) };
    let counts = visitor.registry().count_stations(asked).await;
    let counts = counts.map(|answer| answer.into_inner().counts).ok();
    let count = |state: &str| {
        let here = counts.as_ref()?.iter().filter(|one| state.is_empty() || one.connection == state);
        Some(here.map(|one| one.count).sum::<i32>().min(1001))
    };
    TABS.into_iter().map(|(state, words)| filter.tab("connection", state, words, count(state))).collect()
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    let shown = filter.clone();
    let (page, tabs, list) = tokio::join!(
        visitor.page(LIST, "充电站管理"),
        tabs(&visitor, &shown),
        StationRows::read(&visitor, filter)
    );
    let list = list?.counted(&tabs);
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    visitor.show(StatusCode::OK, &StationsPage { page, tabs, list })
}

/// One station.
#[derive(Template)]
#[template(path = "station.html")]
pub struct StationPage {
    /// The frame.
    pub page: Page,
    /// In short.
    pub row: StationRow,
    /// The registry record.
    pub facts: Vec<Fact>,
    /// Device by device.
    pub connectors: Vec<Connector>,
    /// How many have never reported.
    pub silent: usize,
    /// Dated facts of its connection, the newest first.
    pub history: Result<Vec<(Tag, String)>, Away>,
    /// What was rejected or corrected of its data.
    pub defects: Result<Vec<Defect>, Away>,
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&[Role::Operator])?;
    let first = || Some(common::Page { page_size: RECENT, page_token: String::new() });
    let (mut one, mut two, mut three) = (visitor.registry(), visitor.registry(), visitor.registry());
    let facts = ListConnectionFactsRequest { station_id: id.clone(), page: first() };
    let (page, names, station, facts, items) = tokio::join!(
        visitor.page(LIST, "充电站详情"),
        visitor.portal.divisions.names(),
        one.get_station(GetStationRequest { station_id: id }),
        two.list_connection_facts(facts),
        three.list_quality_items(ListQualityItemsRequest {
            page: first(),
            ..ListQualityItemsRequest::default()
        }),
    );
    let station = station?.into_inner();
    let history = Away::or(facts, "接入记录")?
        .map(|answer| answer.into_inner().facts.iter().map(station::history).collect());
    let items = Away::or(items, "数据质量")?.map(|answer| answer.into_inner().items);
    let connectors = station::connectors(&station);
    let own = |id: &str| connectors.iter().any(|one| one.id == id);
    let defect = |item: &QualityItem| Defect::of(item, charge_orders::OWN);
    let defects =
        items.map(|items| items.iter().filter(|item| own(&item.connector_id)).map(defect).collect());
    visitor.show(StatusCode::OK, &sheet(page, &station, &names, history, defects))
}

/// The page of a station.
pub fn sheet(
    page: Page,
    station: &Station,
    names: &Known,
    history: Result<Vec<(Tag, String)>, Away>,
    defects: Result<Vec<Defect>, Away>,
) -> StationPage {
    let connectors = station::connectors(station);
    StationPage {
        page,
        row: StationRow::of(station, names),
        facts: station::facts(station, names),
        silent: connectors.len().saturating_sub(station.connectors.len()),
        connectors,
        history,
        defects,
    }
}
