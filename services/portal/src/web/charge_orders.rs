//! One charge order (充电订单) by its number, with its periods and what it has replaced: an operator's own below
//! 信息服务/数据互联互通, for administrators below its link.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::stations::{GetOrderRequest, OrderContent};

use super::{Routes, links};
use crate::{
    Answer, Page, Refused, Role, Visitor,
    charge_order::{self, Content},
    list::Filter,
};

/// An operator's own.
pub const OWN: &str = "/interconnect/orders";
/// What the page is called.
const TITLE: &str = "充电订单查询";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(OWN, get(of_operator)).route("/system/links/{id}/orders", get(of_link))
}

/// Where an order of this operator is asked for; `operator_id` is empty for the own one.
pub(super) fn path(operator_id: &str) -> String {
    if operator_id.is_empty() { OWN.to_owned() } else { format!("/system/links/{operator_id}/orders") }
}

/// The page.
#[derive(Template)]
#[template(path = "charge_order.html")]
pub struct ChargeOrderPage {
    /// The frame.
    pub page: Page,
    /// Whose it is; empty for one's own.
    pub company: String,
    /// Where the form leads: this page.
    pub path: String,
    /// The number asked for; empty before.
    pub order_no: String,
    /// The content held under it, then those that it has replaced, the newest first; none where there is no such order.
    pub contents: Vec<Content>,
}

/// What is held under the number: nothing where there is no such order.
async fn find(visitor: &Visitor, operator_id: &str, order_no: &str) -> Result<Vec<OrderContent>, Refused> {
    if order_no.is_empty() {
        return Ok(Vec::new());
    }
    let request = GetOrderRequest { operator_id: operator_id.to_owned(), order_no: order_no.to_owned() };
    match visitor.registry().get_order(request).await.map_err(Refused::from) {
        Ok(answer) => Ok(answer.into_inner().contents),
        Err(refused) if refused.status() == StatusCode::NOT_FOUND => Ok(Vec::new()),
        Err(refused) => Err(refused),
    }
}

async fn show(visitor: &Visitor, operator_id: &str, filter: &Filter) -> Answer {
    // Numbers have no blanks; those around them come with a copy.
    let order_no = filter.value("order_no").trim();
    let (page, company, said) = tokio::join!(
        visitor.page(links::menu(operator_id), TITLE),
        links::company(visitor, operator_id),
        find(visitor, operator_id, order_no),
    );
    let page = ChargeOrderPage {
        page,
        company: company?,
        path: path(operator_id),
        order_no: order_no.to_owned(),
        contents: charge_order::contents(&said?),
    };
    visitor.show(StatusCode::OK, &page)
}

async fn of_operator(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    show(&visitor, "", &filter).await
}

async fn of_link(visitor: Visitor, Path(operator_id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    show(&visitor, &operator_id, &filter).await
}
