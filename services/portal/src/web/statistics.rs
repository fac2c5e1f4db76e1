//! 监管服务/统计分析: what was charged, by day, place and operator. The sums are stations', kept while data is taken.

use std::collections::BTreeMap;

use askama::Template;
use axum::{http::StatusCode, routing::get};
use chassis::error::Kind;
use proto::stations::{ChargeSums, ListChargeDaysRequest};

use super::{Routes, exports::workbook, machines::company_names};
use crate::{
    Answer, Page, Refused, Role, Visitor,
    divisions::{Known, Place},
    format,
    list::{Filter, Pager, Tab},
    sheet::{Cell, Column, text},
};

/// Menu path, and the list.
pub const LIST: &str = "/supervision/statistics";
/// Who looks at what is reported.
pub const OFFICES: [Role; 4] = [Role::County, Role::City, Role::Administrator, Role::Province];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(LIST, get(show)).route("/supervision/statistics/export", get(export))
}

/// How sums are kept apart: value of the URL, words, members of the contract.
const WAYS: &[(&str, &str, &[&str])] = &[
    ("", "按日", &["day"]),
    ("county", "按区县", &["prefecture", "county"]),
    ("operator", "按运营商", &["operator"]),
    ("day-county", "按日和区县", &["day", "prefecture", "county"]),
    ("day-operator", "按日和运营商", &["day", "operator"]),
];
/// What stands for a member by which sums are not kept apart.
const ALL: &str = "全部";

/// One sum in words.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The day.
    pub day: String,
    /// City and county.
    pub place: String,
    /// The operator.
    pub company: String,
    /// Finished charges.
    pub orders: String,
    /// kWh.
    pub energy: String,
    /// Yuan.
    pub total: String,
}

/// The page.
#[derive(Template)]
#[template(path = "statistics.html")]
pub struct StatisticsPage {
    /// The frame.
    pub page: Page,
    /// How sums are kept apart.
    pub tabs: Vec<Tab>,
    /// Places to choose from.
    pub places: Vec<Place>,
    /// The place that is shown; empty for all.
    pub place: String,
    /// The URL's filter.
    pub filter: Filter,
    /// What is wrong with the filter; empty where nothing is.
    pub wrong: String,
    /// Sums of this page of the list.
    pub rows: Vec<Row>,
    /// All of them in one.
    pub whole: Row,
    /// Ways on and back.
    pub pager: Pager,
}

/// Places that somebody may choose: a city as a whole has its code only where all of it is in the scope.
pub(super) fn places(visitor: &Visitor, names: &Known) -> Vec<Place> {
    let scope = &visitor.view.scope;
    // An operator has no scope: its own stations are everywhere.
    let everywhere = scope.is_empty() || scope.iter().any(|code| code.ends_with("0000"));
    let own = |place: Place| {
        if everywhere || scope.contains(&place.code) {
            return Some(place);
        }
        let counties: Vec<_> =
            place.counties.into_iter().filter(|county| scope.contains(&county.code)).collect();
        (!counties.is_empty()).then(|| Place { code: String::new(), name: place.name, counties })
    };
    names.places().into_iter().filter_map(own).collect()
}

/// The way that the URL names.
fn way(filter: &Filter) -> (&'static str, &'static [&'static str]) {
    let found = WAYS.iter().find(|(value, ..)| filter.has("tab", value)).unwrap_or(&WAYS[0]);
    (found.1, found.2)
}

/// What the URL asks stations for.
fn wanted(filter: &Filter) -> ListChargeDaysRequest {
    ListChargeDaysRequest {
        first_day: filter.value("since").to_owned(),
        last_day: filter.value("until").to_owned(),
        division: filter.value("place").to_owned(),
        operator_id: String::new(),
        by: way(filter).1.iter().map(|member| (*member).to_owned()).collect(),
    }
}

/// The sums, and all of them in one; the words of stations where the filter is none.
async fn read(visitor: &Visitor, filter: &Filter) -> Result<(Vec<ChargeSums>, ChargeSums, String), Refused> {
    let request = wanted(filter);
    let whole = ListChargeDaysRequest { by: Vec::new(), ..request.clone() };
    let (mut one, mut two) = (visitor.statistics(), visitor.statistics());
    let answers = tokio::try_join!(one.list_charge_days(request), two.list_charge_days(whole));
    match answers.map_err(Refused::from) {
        Ok((sums, whole)) => {
            let whole = whole.into_inner().sums.into_iter().next().unwrap_or_default();
            Ok((sums.into_inner().sums, whole, String::new()))
        }
        // What was typed is no filter: the page says so, and keeps it.
        Err(refused) if refused.kind == Kind::Invalid => {
            Ok((Vec::new(), ChargeSums::default(), refused.text))
        }
        Err(refused) => Err(refused),
    }
}

/// What a sum is known by; it stands in the URL of the next page.
fn key(sum: &ChargeSums) -> String {
    [&*sum.day, &*sum.prefecture, &*sum.county, &*sum.operator_id].join("_")
}

/// The sums of one page and the key of its last where more follow: stations answers all of them at once.
fn shown<'s>(sums: &'s [ChargeSums], filter: &Filter) -> (&'s [ChargeSums], String) {
    let after = filter.value("page");
    let from = sums.iter().position(|sum| key(sum) == after).map_or(0, |last| last + 1);
    let rest = &sums[from..];
    let size = usize::try_from(filter.size()).unwrap_or(rest.len());
    match rest.split_at_checked(size) {
        Some((shown, more)) if !more.is_empty() => (shown, shown.last().map(key).unwrap_or_default()),
        Some(_) | None => (rest, String::new()),
    }
}

fn row(sum: &ChargeSums, names: &Known, companies: &BTreeMap<String, String>) -> Row {
    let named = |known: bool, words: String| if known { words } else { ALL.to_owned() };
    let company = companies.get(&sum.operator_id).cloned().unwrap_or_default();
    Row {
        day: named(!sum.day.is_empty(), sum.day.clone()),
        place: named(!sum.county.is_empty(), names.place(&sum.prefecture, &sum.county)),
        company: named(!sum.operator_id.is_empty(), company),
        orders: format::thousands(sum.orders.unsigned_abs()),
        energy: format::kilowatts(sum.energy_wh),
        total: format::yuan(sum.total_fen),
    }
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&OFFICES)?;
    let (page, names, sums) = tokio::join!(
        visitor.page(LIST, "统计分析"),
        visitor.portal.divisions.names(),
        read(&visitor, &filter),
    );
    let (sums, whole, wrong) = sums?;
    let (sums, next) = shown(&sums, &filter);
    let companies = company_names(&visitor, sums.iter().map(|sum| sum.operator_id.clone()).collect()).await;
    let page = StatisticsPage {
        page,
        tabs: WAYS.iter().map(|(value, words, _)| filter.tab("tab", value, words, None)).collect(),
        places: places(&visitor, &names),
        place: filter.value("place").to_owned(),
        wrong,
        rows: sums.iter().map(|sum| row(sum, &names, &companies)).collect(),
        whole: row(&whole, &names, &companies),
        pager: filter.pager(&next, sums.len()).exported(&filter),
        filter,
    };
    visitor.show(StatusCode::OK, &page)
}

/// Columns of the sums.
const COLUMNS: &[Column] = &[
    ("日期", 14.0),
    ("地市", 14.0),
    ("区县", 14.0),
    ("运营商", 36.0),
    ("充电订单（笔）", 16.0),
    ("充电电量（kWh）", 18.0),
    ("充电金额（元）", 18.0),
    ("其中电费（元）", 18.0),
    ("其中服务费（元）", 18.0),
];

fn cells(sum: &ChargeSums, names: &Known, companies: &BTreeMap<String, String>) -> Vec<Cell> {
    vec![
        Cell::Day(sum.day.clone()),
        text(names.name(&sum.prefecture)),
        text(names.name(&sum.county)),
        text(companies.get(&sum.operator_id).cloned().unwrap_or_default()),
        Cell::Count(sum.orders),
        Cell::Power(sum.energy_wh),
        Cell::Money(sum.total_fen),
        Cell::Money(sum.electricity_fen),
        Cell::Money(sum.service_fen),
    ]
}

async fn export(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&OFFICES)?;
    let names = visitor.portal.divisions.names().await;
    let request = wanted(&filter);
    let title = ("充电统计", way(&filter).0.to_owned());
    workbook(&visitor, &filter, title, COLUMNS, |reader, _| {
        let (names, request) = (names.clone(), request.clone());
        async move {
            let sums = reader.statistics().list_charge_days(request).await?.into_inner().sums;
            let companies =
                company_names(&reader, sums.iter().map(|sum| sum.operator_id.clone()).collect()).await;
            let row = |sum: &ChargeSums| (key(sum), cells(sum, &names, &companies));
            Ok((sums.iter().map(row).collect(), String::new()))
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_sums_goes_on_behind_the_last_one_that_was_shown() {
        let sum = |day: usize| ChargeSums { day: format!("2026-11-{day:02}"), ..ChargeSums::default() };
        let sums: Vec<_> = (1..=25).map(sum).collect();
        let first = Filter::of(LIST, &[]);
        let (page, next) = shown(&sums, &first);
        assert_eq!((page.len(), next.as_str()), (20, "2026-11-20___"));
        let second = Filter::of(LIST, &[("page", next.as_str())]);
        let (page, next) = shown(&sums, &second);
        assert_eq!((page.len(), page[0].day.as_str(), next.as_str()), (5, "2026-11-21", ""));
        assert!(shown(&[], &first).0.is_empty());
    }
}
