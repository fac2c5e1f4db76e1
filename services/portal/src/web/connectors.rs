//! Connectors by place with what is known of them now: for officers below 监管服务/统计分析, for an operator its own below
//! 信息服务/数据互联互通. One that has fallen silent is never shown as what it said last.

use std::collections::BTreeSet;

use askama::Template;
use axum::{http::StatusCode, routing::get};
use proto::stations::{Circle, FindConnectorsRequest, FindConnectorsResponse, FoundConnector, FoundStation};

use super::{
    Routes,
    exports::workbook,
    interconnect,
    machines::company_names,
    statistics::{self, OFFICES, places},
};
use crate::{
    Answer, Page, Role, Visitor,
    divisions::Place,
    format,
    list::{Filter, Pager, Tab},
    sheet::{Cell, Column, text},
    stage::Tag,
    station,
};

/// Metres around a station within which 附近 looks.
const AROUND: i32 = 3_000;
/// What is shown of the connectors, as saved filters.
const TABS: &[(&str, &str)] = &[("", "全部"), ("available", "空闲"), ("silent", "失联")];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/supervision/statistics/connectors", get(of_office))
        .route("/supervision/statistics/connectors/export", get(export_of_office))
        .route("/interconnect/connectors", get(of_operator))
        .route("/interconnect/connectors/export", get(export_of_operator))
}

/// One connector in words.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its station.
    pub station: String,
    /// Where that is.
    pub address: String,
    /// Its county.
    pub county: String,
    /// The operator.
    pub company: String,
    /// From where was looked; empty without a circle.
    pub distance: String,
    /// What is around its station.
    pub near: String,
    /// The operator's own code.
    pub id: String,
    /// Kind and power.
    pub kind: String,
    /// What it is shown as.
    pub tag: Tag,
    /// The latest report.
    pub seen: String,
}

/// The page.
#[derive(Template)]
#[template(path = "connectors.html")]
pub struct ConnectorsPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// Places to choose from.
    pub places: Vec<Place>,
    /// The place that is shown; empty where none is chosen.
    pub place: String,
    /// Whether there was anything to ask for.
    pub asked: bool,
    /// The URL's filter.
    pub filter: Filter,
    /// Connectors of this page of stations.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
}

/// The place that is looked at: the one chosen, else the officer's own.
fn place(visitor: &Visitor, filter: &Filter) -> String {
    let own = visitor.view.scope.first().filter(|code| !code.ends_with("0000"));
    match filter.value("place") {
        "" => own.cloned().unwrap_or_default(),
        chosen => chosen.to_owned(),
    }
}

/// The circle of the URL, `longitude_latitude` in millionths of a degree.
fn circle(filter: &Filter) -> Option<Circle> {
    let (longitude, latitude) = filter.value("near").split_once('_')?;
    Some(Circle {
        longitude_e6: longitude.parse().ok()?,
        latitude_e6: latitude.parse().ok()?,
        radius_metres: AROUND,
    })
}

/// What the URL asks stations for; nothing where no place is chosen.
fn wanted(visitor: &Visitor, filter: &Filter) -> Option<FindConnectorsRequest> {
    let near = circle(filter);
    let division = if near.is_some() { String::new() } else { place(visitor, filter) };
    let silent_only = filter.has("state", "silent");
    let all_own = silent_only && visitor.is(Role::Operator);
    (near.is_some() || !division.is_empty() || all_own).then(|| FindConnectorsRequest {
        page: filter.page(),
        near,
        division,
        available_only: filter.has("state", "available"),
        silent_only,
        power_watts_min: 0,
    })
}

/// Every connector with its station.
pub(super) fn pairs(
    answer: &FindConnectorsResponse,
) -> impl Iterator<Item = (&FoundStation, &FoundConnector)> {
    answer.stations.iter().flat_map(|station| station.connectors.iter().map(move |one| (station, one)))
}

fn operators(answer: &FindConnectorsResponse) -> BTreeSet<String> {
    answer.stations.iter().map(|station| station.operator_id.clone()).collect()
}

async fn list(visitor: &Visitor, filter: Filter, menu: &str) -> Answer {
    let request = wanted(visitor, &filter);
    let asked = request.is_some();
    let names = visitor.portal.divisions.names().await;
    let answer = match request {
        Some(request) => visitor.search().find_connectors(request).await?.into_inner(),
        None => FindConnectorsResponse::default(),
    };
    let companies = company_names(visitor, operators(&answer)).await;
    let around = circle(&filter).is_some();
    let row = |(station, one): (&FoundStation, &FoundConnector)| Row {
        station: station.name.clone(),
        address: station.address.clone(),
        county: names.name(&station.county),
        company: companies.get(&station.operator_id).cloned().unwrap_or_default(),
        distance: if around { format!("{} 米", station.distance_metres) } else { String::new() },
        near: format!("{}?near={}_{}", filter.path(), station.longitude_e6, station.latitude_e6),
        id: one.connector_id.clone(),
        kind: kind(one),
        tag: station::found(&one.state),
        seen: format::moment(one.seen_at.as_ref()),
    };
    let rows: Vec<_> = pairs(&answer).map(row).collect();
    let page = ConnectorsPage {
        page: visitor.page(menu, "充电接口").await,
        tabs: TABS.iter().map(|(value, words)| filter.tab("state", value, words, None)).collect(),
        places: places(visitor, &names),
        place: if around { String::new() } else { place(visitor, &filter) },
        asked,
        pager: filter.pager(&answer.next_page_token, rows.len()).exported(&filter),
        rows,
        filter,
    };
    visitor.show(StatusCode::OK, &page)
}

fn kind(one: &FoundConnector) -> String {
    format!("{} · {} kW", station::connector_kind(one.connector_type), format::kilowatts(one.power_watts))
}

async fn of_office(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&OFFICES)?;
    list(&visitor, filter, statistics::LIST).await
}

async fn of_operator(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    list(&visitor, filter, interconnect::LIST).await
}

/// Columns of connectors.
const COLUMNS: &[Column] = &[
    ("充电站名称", 32.0),
    ("区县", 14.0),
    ("详细地址", 40.0),
    ("运营商", 36.0),
    ("接口编码", 26.0),
    ("接口类型", 14.0),
    ("功率（kW）", 14.0),
    ("状态", 16.0),
    ("最近上报", 20.0),
];

async fn export(visitor: &Visitor, filter: &Filter) -> Answer {
    let names = visitor.portal.divisions.names().await;
    let request = wanted(visitor, filter);
    let tab = TABS.iter().find(|(value, _)| !value.is_empty() && filter.has("state", value));
    let title = ("充电接口", tab.map(|(_, words)| (*words).to_owned()).unwrap_or_default());
    workbook(visitor, filter, title, COLUMNS, |reader, page| {
        let (names, request) = (names.clone(), request.clone());
        async move {
            // Without a place there is nothing to list.
            let Some(request) = request else { return Ok((Vec::new(), String::new())) };
            let request = FindConnectorsRequest { page, ..request };
            let answer = reader.search().find_connectors(request).await?.into_inner();
            let companies = company_names(&reader, operators(&answer)).await;
            let row = |(at, one): (&FoundStation, &FoundConnector)| {
                let cells = vec![
                    text(&*at.name),
                    text(names.name(&at.county)),
                    text(&*at.address),
                    text(companies.get(&at.operator_id).cloned().unwrap_or_default()),
                    text(&*one.connector_id),
                    text(station::connector_kind(one.connector_type)),
                    Cell::Power(one.power_watts),
                    text(station::found(&one.state).text),
                    Cell::Moment(one.seen_at),
                ];
                (format!("{} {}", at.station_id, one.connector_id), cells)
            };
            Ok((pairs(&answer).map(row).collect(), answer.next_page_token.clone()))
        }
    })
    .await
}

async fn export_of_office(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&OFFICES)?;
    export(&visitor, &filter).await
}

async fn export_of_operator(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    export(&visitor, &filter).await
}
