//! 监管服务/建设补贴/补贴管理, what administrators do there: applications by node, carrying one over to the next batch,
//! freezing an order. The launch is in [`super::launch`]; orders and their members are in [`super::orders`].

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::{
    common,
    reviews::{
        CarryOverRequest, FreezeOrderRequest, GetRoundRequest, GetWorkOrderRequest, ListApplicationsRequest,
    },
};
use tonic::Status;

use super::{
    Routes,
    applications::{self, Counts, Rows},
    county_subsidies::CHOOSING,
    extensions,
    orders::{self, JOINT, LIST},
    reassign,
    several::Desk,
};
use crate::{
    Answer, Form, Page, Role, Visitor,
    case::Case,
    divisions::Known,
    list::{Filter, Tab},
    order::Order,
    refused::Away,
    stage,
};

/// Applications of every node, by filters.
pub const APPLICATIONS: &str = "/supervision/subsidies/applications";
/// The node before a launch.
const WAITING: &str = "AwaitingJointReview";
/// Applications of one answer, and answers that are read to count what waits.
const PAGE: i32 = 200;
const PAGES_MAX: usize = 10;
/// Nodes that the tabs offer.
const TABS: [&str; 6] =
    [WAITING, "ExpertReview", "SupplementDue", "AwaitingProvince", "ProvincialReview", "Approved"];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(APPLICATIONS, get(list))
        .route("/supervision/subsidies/{id}/carry-over", get(ask_carry_over).post(carry_over))
        .route("/supervision/subsidies/orders/{id}/freeze", get(ask_freeze).post(freeze))
}

/// The list.
#[derive(Template)]
#[template(path = "subsidies.html")]
pub struct SubsidiesPage {
    /// The frame.
    pub page: Page,
    /// By node.
    pub tabs: Vec<Tab>,
    /// Nodes to choose from: id and words.
    pub stages: Vec<(&'static str, &'static str)>,
    /// Cities to choose from: code and name.
    pub cities: Vec<(String, String)>,
    /// Rounds to choose from: id and name.
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

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&JOINT)?;
    let title = "补贴申请";
    let (request, shown) = (applications::wanted(&filter), filter.clone());
    let (page, list, counts, names, rounds) = tokio::join!(
        visitor.page(LIST, title),
        Rows::asked(&visitor, title, filter, request.clone()),
        Counts::read(&visitor, &shown),
        visitor.portal.divisions.names(),
        orders::rounds(&visitor)
    );
    let list = Rows { choosing: CHOOSING, ..list?.counted(&counts, &request) };
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    let tabs = TABS.map(|id| shown.tab("stage", id, stage::of(id).reviewer.0, counts.of(&[id], "")));
    let tabs = [shown.tab("stage", "", "全部", counts.of(&[], ""))].into_iter().chain(tabs).collect();
    let stages = stage::TABLE.iter().map(|row| (row.id, row.reviewer.0)).collect();
    let cities = names.cities().into_iter().map(|city| (city.code, city.name)).collect();
    let (desk, leads, extends) =
        (Desk::of(&visitor), reassign::leads(&visitor), extensions::extends(&visitor));
    visitor.show(
        StatusCode::OK,
        &SubsidiesPage { page, tabs, stages, cities, rounds, list, desk, leads, extends },
    )
}

/// A city of a round in which applications wait for the launch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct City {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How many wait.
    pub count: usize,
    /// The list with exactly these.
    pub path: String,
    /// Where they are launched.
    pub launch: String,
}

/// What waits for a launch in one round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The round.
    pub round_id: String,
    /// Its name.
    pub round: String,
    /// By city.
    pub cities: Vec<City>,
    /// Whether more wait than were counted.
    pub more: bool,
}

impl Waiting {
    /// How many wait together.
    pub fn total(&self) -> usize {
        self.cities.iter().map(|city| city.count).sum()
    }

    /// 5 市 31 站.
    pub fn size(&self) -> String {
        format!("{} 市 {}{} 站", self.cities.len(), self.total(), if self.more { "+" } else { "" })
    }
}

/// What waits, by round and city, the newest round first.
///
/// # Errors
/// reviews is away.
pub async fn waiting(visitor: &Visitor, rounds: &[(String, String)]) -> Result<Vec<Waiting>, Status> {
    let names = visitor.portal.divisions.names().await;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut token = String::new();
    let mut client = visitor.applications();
    for _ in 0..PAGES_MAX {
        let request = ListApplicationsRequest {
            page: Some(common::Page { page_size: PAGE, page_token: token }),
            stages: vec![WAITING.to_owned()],
            ..ListApplicationsRequest::default()
        };
        let answer = client.list_applications(request).await?.into_inner();
        for view in answer.applications {
            *counts.entry((view.round_id, view.prefecture)).or_default() += 1;
        }
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    Ok(grouped(&names, rounds, &counts, !token.is_empty()))
}

fn grouped(
    names: &Known,
    rounds: &[(String, String)],
    counts: &BTreeMap<(String, String), usize>,
    more: bool,
) -> Vec<Waiting> {
    let mut found: Vec<Waiting> = Vec::new();
    for ((round_id, code), count) in counts {
        if found.last().is_none_or(|last| last.round_id != *round_id) {
            let name = rounds.iter().find(|(id, _)| id == round_id).map_or(round_id, |(_, name)| name);
            found.push(Waiting { round_id: round_id.clone(), round: name.clone(), cities: Vec::new(), more });
        }
        let Some(last) = found.last_mut() else { continue };
        last.cities.push(City {
            code: code.clone(),
            name: names.name(code),
            count: *count,
            path: format!("{APPLICATIONS}?stage={WAITING}&round={round_id}&prefecture={code}"),
            launch: format!("{LIST}/launch?round={round_id}&city={code}"),
        });
    }
    let place = |one: &Waiting| rounds.iter().position(|(id, _)| *id == one.round_id).unwrap_or(usize::MAX);
    found.sort_by_key(place);
    found
}

/// Carrying an application over.
#[derive(Template)]
#[template(path = "carry_over.html")]
pub struct CarryOverPage {
    /// The frame.
    pub page: Page,
    /// The reason as entered.
    pub form: Form,
    /// Everything about it.
    pub case: Case,
}

async fn carry_over_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let (page, case) = tokio::join!(visitor.page(LIST, "转入下一批"), Case::load(visitor, id));
    let status = form.status();
    visitor.show(status, &CarryOverPage { page, form, case: case? })
}

async fn ask_carry_over(visitor: Visitor, Path(id): Path<String>) -> Answer {
    carry_over_page(&visitor, &id, Form::default()).await
}

async fn carry_over(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    let request = CarryOverRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
        reason: form.text("reason"),
    };
    match visitor.joint_review().carry_over(request).await {
        Ok(answer) => {
            let view = answer.into_inner();
            let done =
                format!("{}（{}）已转出工单，待下一批发起联合审核", view.station_name, view.application_no);
            visitor.done(&format!("{LIST}/{id}"), &done)
        }
        Err(status) => carry_over_page(&visitor, &id, form.refused(status)?).await,
    }
}

/// Freezing an order.
#[derive(Template)]
#[template(path = "order_freeze.html")]
pub struct FreezePage {
    /// The frame.
    pub page: Page,
    /// The confirmation as ticked.
    pub form: Form,
    /// The order.
    pub order: Order,
    /// Members that will be drawn by rank; `None` where the round cannot be read.
    pub sample: Result<i32, Away>,
}

impl FreezePage {
    /// Members that are not ready.
    pub fn unready(&self) -> i32 {
        self.order.total - self.order.passed
    }
}

async fn freeze_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = GetWorkOrderRequest { work_order_id: id.to_owned() };
    let view = visitor.joint_review().get_work_order(request).await?.into_inner();
    let (page, names) = tokio::join!(visitor.page(LIST, "锁定工单"), visitor.portal.divisions.names());
    let round = visitor.rounds().get_round(GetRoundRequest { round_id: view.round_id.clone() }).await;
    let round = Away::or(round, "批次规则")?.map(tonic::Response::into_inner);
    let name = round.as_ref().map_or_else(|_| view.round_id.clone(), |round| round.name.clone());
    let order = Order::of(&view, &names, name);
    let sample = round.map(|round| {
        let permille = round.policy.map_or(0, |policy| policy.sample_permille);
        (order.total * permille + 999) / 1000
    });
    let status = form.status();
    visitor.show(status, &FreezePage { page, form, order, sample })
}

async fn ask_freeze(visitor: Visitor, Path(id): Path<String>) -> Answer {
    freeze_page(&visitor, &id, Form::default()).await
}

async fn freeze(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    if !form.has("sure", "yes") {
        form.mark("sure", "锁定后不能撤销，请勾选确认");
        return freeze_page(&visitor, &id, form).await;
    }
    let request = FreezeOrderRequest {
        request_id: form.request_id(),
        work_order_id: id.clone(),
        version: form.number("version"),
    };
    match visitor.joint_review().freeze_order(request).await {
        Ok(_) => visitor.done(
            &format!("{LIST}/orders/{id}"),
            "工单已锁定并完成抽样，种子和总体哈希已公布；抽中的申请待省级厅委审核",
        ),
        Err(status) => freeze_page(&visitor, &id, form.refused(status)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_grouped_by_round_the_newest_first_and_by_city() {
        let key = |round: &str, city: &str| (round.to_owned(), city.to_owned());
        let counts = [(key("a", "410100"), 2), (key("a", "410300"), 1), (key("b", "410100"), 5)].into();
        let rounds = [("b".to_owned(), "第二批".to_owned()), ("a".to_owned(), "第一批".to_owned())];
        let found = grouped(&Known::default(), &rounds, &counts, false);
        let sizes: Vec<_> = found.iter().map(|one| (one.round.as_str(), one.size())).collect();
        assert_eq!(sizes, [("第二批", "1 市 5 站".to_owned()), ("第一批", "2 市 3 站".to_owned())]);
        assert_eq!(
            found[1].cities[1].path,
            "/supervision/subsidies/applications?stage=AwaitingJointReview&round=a&prefecture=410300"
        );
    }
}
