//! 系统管理/账号管理: companies by the state of their account; one of them is in [`super::account_review`].

use askama::{Template, filters::HtmlSafe};
use axum::{http::StatusCode, routing::get};
use proto::accounts::{ListOperatorsRequest, OperatorSummary};

use super::Routes;
use crate::{
    Answer, Page, Refused, Role, Visitor,
    divisions::Known,
    format, labels,
    list::{Filter, Pager, Tab},
    stage::Tag,
};

/// Every company.
pub const LIST: &str = "/system/accounts";
/// 待审核, the entry of the manual.
pub const PENDING: &str = "/system/accounts?state=pending";

/// A tab of the list.
pub(super) struct State {
    /// In the URL.
    pub id: &'static str,
    /// Its words.
    pub words: &'static str,
    /// State of the account.
    state: &'static str,
    /// Only where a change of an approved account waits.
    waits: bool,
}

const fn state(id: &'static str, words: &'static str, state: &'static str, waits: bool) -> State {
    State { id, words, state, waits }
}

/// The tabs; the tiles of the workbench lead to the first two.
pub(super) const STATES: [State; 5] = [
    state("pending", "待审核", "Pending", false),
    state("changed", "资料变更待审核", "Active", true),
    state("returned", "审核不通过", "Returned", false),
    state("active", "正常", "Active", false),
    state("suspended", "停用", "Suspended", false),
];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(LIST, get(list))
}

/// One company.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its name.
    pub company: String,
    /// Unified social credit code.
    pub uscc: String,
    /// Where it is registered.
    pub place: String,
    /// State of its account.
    pub state: Tag,
    /// Whether a change of its profile waits beside the valid one.
    pub changed: bool,
    /// Which submission is the latest.
    pub submission: i32,
    /// When it registered.
    pub registered_at: String,
    /// Whether it waits for the administrator.
    pub need: bool,
    /// Its page.
    pub path: String,
    /// Its link by T/CEC 102; empty for whoever can have none yet.
    pub link: String,
}

impl Row {
    fn of(names: &Known, one: &OperatorSummary) -> Row {
        let (text, class) = labels::account(&one.state);
        Row {
            company: one.company_name.clone(),
            uscc: one.uscc.clone(),
            place: names.place(&one.city, &one.registered_division),
            state: Tag { text: text.to_owned(), class },
            changed: one.review_pending && one.state != "Pending",
            submission: one.submission_version,
            registered_at: format::short(one.registered_at.as_ref()),
            need: one.review_pending,
            path: format!("{LIST}/{}/review", one.operator_id),
            link: if matches!(one.state.as_str(), "Active" | "Suspended") {
                format!("/system/links/{}", one.operator_id)
            } else {
                String::new()
            },
        }
    }
}

/// The table with its ways on and back; by itself where the script asks for the part `list`.
#[derive(Template)]
#[template(path = "part/account_rows.html")]
pub struct Rows {
    /// The URL's filter.
    pub filter: Filter,
    /// Companies of this page of the list, the longest registered first.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
}

impl HtmlSafe for Rows {}

/// The list.
#[derive(Template)]
#[template(path = "accounts.html")]
pub struct AccountsPage {
    /// The frame.
    pub page: Page,
    /// By state.
    pub tabs: Vec<Tab>,
    /// Cities to choose from: code and name.
    pub cities: Vec<(String, String)>,
    /// The table.
    pub list: Rows,
}

/// What the URL asks accounts for.
pub(super) fn wanted(filter: &Filter) -> ListOperatorsRequest {
    let state = STATES.iter().find(|one| filter.has("state", one.id));
    ListOperatorsRequest {
        page: filter.page(),
        state: state.map(|one| one.state.to_owned()).unwrap_or_default(),
        review_pending: state.is_some_and(|one| one.waits),
        text: filter.value("q").trim().to_owned(),
        registered_division: filter.value("division").to_owned(),
    }
}

async fn rows(visitor: &Visitor, names: &Known, filter: Filter) -> Result<Rows, Refused> {
    let answer = visitor.account_review().list_operators(wanted(&filter)).await?.into_inner();
    Ok(Rows {
        rows: answer.operators.iter().map(|one| Row::of(names, one)).collect(),
        pager: filter.pager(&answer.next_page_token, answer.operators.len()).exported(&filter),
        filter,
    })
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let names = visitor.portal.divisions.names().await;
    let (menu, title) =
        if filter.has("state", "pending") { (PENDING, "待审核") } else { (LIST, "企业账号") };
    let mut client = visitor.account_review();
    let asked = ListOperatorsRequest { page: None, ..wanted(&filter) };
    let (page, list, counts) = tokio::join!(
        visitor.page(menu, title),
        rows(&visitor, &names, filter),
        client.count_operators(asked)
    );
    let mut list = list?;
    let counts = counts.map(|answer| answer.into_inner().counts).ok();
    let count = |state: &str| {
        let here = counts.as_ref()?.iter().filter(|one| state.is_empty() || one.state == state);
        Some(here.map(|one| one.count).sum::<i32>().min(1001))
    };
    let all = list.filter.tab("state", "", "全部", count(""));
    // Those whose change waits are some of the approved ones.
    let tab = |one: &State| {
        let count = if one.waits { None } else { count(one.state) };
        list.filter.tab("state", one.id, one.words, count)
    };
    let tabs: Vec<_> = [all].into_iter().chain(STATES.iter().map(tab)).collect();
    list.pager = list.pager.counted(&tabs);
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    let cities = names.cities().into_iter().map(|city| (city.code, city.name)).collect();
    visitor.show(StatusCode::OK, &AccountsPage { page, tabs, cities, list })
}
