//! 监管服务/建设补贴/补贴管理: the cities of a round side by side, for whoever launches: what waits, what is in orders, what
//! is done. The orders one by one are in [`super::orders`].

use std::collections::BTreeSet;

use proto::{
    common,
    reviews::{ListWorkOrdersRequest, WorkOrderView},
};
use tonic::Status;

use super::{
    orders::{self, LIST},
    subsidies::{self, APPLICATIONS, Waiting},
};
use crate::{Visitor, divisions::Known, order::Order, stage::Tag};

/// Orders of one answer, and answers that are read; a city has a few in a round.
const PAGE: i32 = 200;
const PAGES_MAX: usize = 10;

/// A round by city.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// Name of the round.
    pub round: String,
    /// Every city, in the order of the codes, then those no longer in force that something lies in; none while their names
    /// cannot be read.
    pub cities: Vec<CityRow>,
    /// Cities and applications of the newest round in which something waits; empty where nothing does.
    pub size: String,
    /// What waits in other rounds.
    pub elsewhere: Vec<Waiting>,
}

/// A city in a round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CityRow {
    /// Its name.
    pub name: String,
    /// Whether it is no longer in force.
    pub former: bool,
    /// How many wait for the launch.
    pub waits: usize,
    /// The list with exactly these.
    pub waiting: String,
    /// Where they are launched; empty where nothing waits.
    pub launch: String,
    /// Orders of the round.
    pub orders: usize,
    /// Where the newest order that is not concluded stands; without an order, whether anything waits.
    pub state: Tag,
    /// That order, or the newest; empty where there is none.
    pub order: String,
    /// Members of all its orders.
    pub total: i32,
    /// Members that the experts have passed.
    pub passed: i32,
    /// Members that wait for the operator.
    pub supplements: i32,
    /// The list with exactly these.
    pub supplementing: String,
    /// Members that are approved.
    pub approved: i32,
}

/// Reads a round by city; `asked` empty: the newest round in which something waits, else the newest.
///
/// # Errors
/// reviews is away.
pub async fn read(
    visitor: &Visitor,
    names: &Known,
    rounds: &[(String, String)],
    asked: &str,
) -> Result<Overview, Status> {
    let waiting = subsidies::waiting(visitor, rounds).await?;
    let size = waiting.first().map(Waiting::size).unwrap_or_default();
    let newest = waiting.first().map(|one| &one.round_id).or(rounds.first().map(|(id, _)| id));
    let round = if asked.is_empty() { newest.cloned().unwrap_or_default() } else { asked.to_owned() };
    let found = round_orders(visitor, &round).await?;
    let (here, elsewhere): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|one| one.round_id == round);
    Ok(Overview {
        cities: rows(names, &round, here.first(), &found),
        round: orders::round_name(rounds, &round),
        size,
        elsewhere,
    })
}

/// The orders of a round, the newest first; none where there is no round.
async fn round_orders(visitor: &Visitor, round: &str) -> Result<Vec<WorkOrderView>, Status> {
    let (mut found, mut token) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        if round.is_empty() {
            break;
        }
        let request = ListWorkOrdersRequest {
            page: Some(common::Page { page_size: PAGE, page_token: token }),
            round_id: round.to_owned(),
            ..ListWorkOrdersRequest::default()
        };
        let answer = visitor.joint_review().list_work_orders(request).await?.into_inner();
        found.extend(answer.work_orders);
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    Ok(found)
}

fn rows(names: &Known, round: &str, waiting: Option<&Waiting>, orders: &[WorkOrderView]) -> Vec<CityRow> {
    let row = |code: String, name: String| {
        let waits = waiting.and_then(|round| round.cities.iter().find(|city| city.code == code));
        let own: Vec<_> = orders.iter().filter(|order| order.prefecture == code).collect();
        let newest = own.iter().find(|order| order.state != "concluded").or(own.first());
        let shown: Vec<_> = own.iter().map(|view| Order::of(view, names, String::new())).collect();
        let approved = |view: &&WorkOrderView| view.progress.get("Approved").copied().unwrap_or(0);
        CityRow {
            name,
            former: false,
            waits: waits.map_or(0, |city| city.count),
            waiting: waits.map(|city| city.path.clone()).unwrap_or_default(),
            launch: waits.map(|city| city.launch.clone()).unwrap_or_default(),
            orders: own.len(),
            state: match (newest, waits) {
                (Some(view), _) => Order::of(view, names, String::new()).state,
                (None, Some(_)) => Tag { text: "待发起联合审核".to_owned(), class: "joint" },
                (None, None) => Tag { text: "暂无工单".to_owned(), class: "draft" },
            },
            order: newest.map(|view| format!("{LIST}/orders/{}", view.work_order_id)).unwrap_or_default(),
            total: shown.iter().map(|order| order.total).sum(),
            passed: shown.iter().map(|order| order.passed).sum(),
            supplements: shown.iter().map(|order| order.supplements).sum(),
            supplementing: format!("{APPLICATIONS}?stage=SupplementDue&round={round}&prefecture={code}"),
            approved: own.iter().map(approved).sum(),
        }
    };
    let cities = names.cities();
    if cities.is_empty() {
        return Vec::new();
    }
    let waits = waiting.into_iter().flat_map(|round| &round.cities).map(|city| &city.code);
    let held: BTreeSet<&String> = orders.iter().map(|order| &order.prefecture).chain(waits).collect();
    let former = held.into_iter().filter(|code| cities.iter().all(|city| city.code != **code));
    let former = former.map(|code| CityRow { former: true, ..row(code.clone(), names.name(code)) });
    let former: Vec<_> = former.collect();
    cities.into_iter().map(|city| row(city.code, city.name)).chain(former).collect()
}

#[cfg(test)]
mod tests {
    use proto::accounts::Division;

    use super::*;
    use crate::web::subsidies::City;

    #[test]
    fn every_city_stands_there_with_what_waits_and_all_its_orders() {
        let city = |code: &str, level: &str| Division {
            code: code.into(),
            name: code.into(),
            level: level.into(),
            city_code: code.into(),
            ..Division::default()
        };
        // 济源 is a county and its own city.
        let all = [("410100", "prefecture"), ("410200", "prefecture"), ("419001", "county")];
        let names = Known::of(all.map(|(code, level)| city(code, level)).into(), Vec::new());
        let order = |id: &str, state: &str, progress: &[(&str, i32)]| WorkOrderView {
            work_order_id: id.into(),
            prefecture: "410100".into(),
            state: state.into(),
            progress: progress.iter().map(|(stage, count)| ((*stage).to_owned(), *count)).collect(),
            ..WorkOrderView::default()
        };
        let orders = [
            order("2", "concluded", &[("Approved", 3)]),
            order("1", "open", &[("ExpertReview", 1), ("SupplementDue", 2), ("AwaitingProvince", 1)]),
        ];
        let waits = City { code: "410200".into(), count: 6, launch: "/l".into(), ..City::default() };
        let waiting = Waiting { cities: vec![waits], ..Waiting::default() };
        let rows = rows(&names, "7", Some(&waiting), &orders);
        let said: Vec<_> = rows.iter().map(|row| (row.state.text.as_str(), row.waits, row.total)).collect();
        assert_eq!(said, [("专家组审核", 0, 7), ("待发起联合审核", 6, 0), ("暂无工单", 0, 0)]);
        assert_eq!((rows[0].passed, rows[0].supplements, rows[0].approved), (4, 2, 3));
        assert_eq!((rows[0].orders, rows[0].order.as_str()), (2, "/supervision/subsidies/orders/1"));
        assert_eq!(
            rows[0].supplementing,
            "/supervision/subsidies/applications?stage=SupplementDue&round=7&prefecture=410100"
        );
    }

    #[test]
    fn what_lies_in_a_city_that_is_no_longer_in_force_stays_in_the_list_by_its_name() {
        let city = |code: &str, name: &str| Division {
            code: code.into(),
            name: name.into(),
            level: "prefecture".into(),
            city_code: code.into(),
            ..Division::default()
        };
        let names = Known::of(vec![city("410200", "开封市")], vec![city("410100", "旧市")]);
        let order = WorkOrderView { prefecture: "410100".into(), ..WorkOrderView::default() };
        let waits = ["410100", "410300"].map(|code| City { code: code.into(), count: 2, ..City::default() });
        let waiting = Waiting { cities: waits.into(), ..Waiting::default() };
        let rows = rows(&names, "7", Some(&waiting), &[order]);
        let said: Vec<_> =
            rows.iter().map(|row| (row.name.as_str(), row.former, row.waits, row.orders)).collect();
        assert_eq!(said, [("开封市", false, 0, 0), ("旧市", true, 2, 1), ("410300", true, 2, 0)]);
        assert!(super::rows(&Known::default(), "7", Some(&waiting), &[]).is_empty());
    }
}
