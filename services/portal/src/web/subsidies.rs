//! 监管服务/建设补贴/补贴管理, what administrators do there: applications by node, carrying one over to the next batch,
//! freezing an order. The launch is in [`super::launch`]; orders and their members are in [`super::orders`].

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::reviews::{
    CarryOverRequest, CountByPlaceRequest, FreezeOrderRequest, GetRoundRequest, GetWorkOrderRequest,
    PlaceCount,
};
use tonic::Status;

use super::{
    Routes,
    applications::{self, Rows},
    county_subsidies::CHOOSING,
    extensions,
    orders::{JOINT, LIST},
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
    let request = applications::wanted(&filter);
    let (page, read, names, rounds) = tokio::join!(
        visitor.page(LIST, title),
        Rows::read(&visitor, title, filter, request),
        visitor.portal.divisions.names(),
        visitor.portal.rounds.names(&visitor)
    );
    let (list, counts) = read?;
    let list = Rows { choosing: CHOOSING, ..list };
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    let shown = &list.filter;
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
}

impl Waiting {
    /// How many wait together.
    pub fn total(&self) -> usize {
        self.cities.iter().map(|city| city.count).sum()
    }

    /// 5 市 31 站.
    pub fn size(&self) -> String {
        format!("{} 市 {} 站", self.cities.len(), self.total())
    }
}

/// What waits, by round and city, the newest round first; every one of them is counted.
///
/// # Errors
/// reviews is away.
pub async fn waiting(visitor: &Visitor, rounds: &[(String, String)]) -> Result<Vec<Waiting>, Status> {
    let names = visitor.portal.divisions.names().await;
    let request = CountByPlaceRequest { stage: WAITING.to_owned(), by: "prefecture".to_owned() };
    let answer = visitor.applications().count_by_place(request).await?.into_inner();
    Ok(grouped(&names, rounds, &answer.counts))
}

/// `counts` come round by round.
fn grouped(names: &Known, rounds: &[(String, String)], counts: &[PlaceCount]) -> Vec<Waiting> {
    let mut found: Vec<Waiting> = Vec::new();
    for PlaceCount { round_id, prefecture: code, count, .. } in counts {
        if found.last().is_none_or(|last| last.round_id != *round_id) {
            let name = rounds.iter().find(|(id, _)| id == round_id).map_or(round_id, |(_, name)| name);
            found.push(Waiting { round_id: round_id.clone(), round: name.clone(), cities: Vec::new() });
        }
        let Some(last) = found.last_mut() else { continue };
        last.cities.push(City {
            code: code.clone(),
            name: names.name(code),
            count: usize::try_from(*count).unwrap_or(0),
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
    let (page, case) = tokio::join!(visitor.page(LIST, "转入下次发起"), Case::load(visitor, id));
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
                format!("{}（{}）已转出工单，待下次发起联合审核", view.station_name, view.application_no);
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
    let (page, names) = tokio::join!(visitor.page(LIST, "冻结工单"), visitor.portal.divisions.names());
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
        form.mark("sure", "冻结后不能撤销，请勾选确认");
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
            "工单已冻结并完成抽样，种子和总体哈希已公布；抽中的申请待省级厅委审核",
        ),
        Err(status) => freeze_page(&visitor, &id, form.refused(status)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_grouped_by_round_the_newest_first_and_by_city() {
        let count = |round: &str, city: &str, count| PlaceCount {
            round_id: round.into(),
            prefecture: city.into(),
            count,
            ..PlaceCount::default()
        };
        let counts = [count("a", "410100", 2), count("a", "410300", 1), count("b", "410100", 2_501)];
        let rounds = [("b".to_owned(), "第二批".to_owned()), ("a".to_owned(), "第一批".to_owned())];
        let found = grouped(&Known::default(), &rounds, &counts);
        let sizes: Vec<_> = found.iter().map(|one| (one.round.as_str(), one.size())).collect();
        assert_eq!(sizes, [("第二批", "1 市 2501 站".to_owned()), ("第一批", "2 市 3 站".to_owned())]);
        assert_eq!(
            found[1].cities[1].path,
            "/supervision/subsidies/applications?stage=AwaitingJointReview&round=a&prefecture=410300"
        );
    }
}
