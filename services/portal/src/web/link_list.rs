//! 系统管理/账号管理/互联互通: every link by T/CEC 102, by what became of it. One of them is in [`super::links`].

use std::collections::BTreeMap;

use askama::Template;
use axum::{http::StatusCode, routing::get};
use proto::stations::{Link, ListLinksRequest};

use super::{Routes, link_settings, links, machines};
use crate::{
    Answer, Page, Role, Visitor, format,
    list::{Filter, Pager, Tab},
    stage::Tag,
};

/// Menu path, and the list.
pub const LIST: &str = "/system/links";

/// The tabs beside all: as the service names them, and their words.
pub(super) const STATES: [(&str, &str); 3] =
    [("open", "已开通"), ("closed", "已暂停"), ("revoked", "已撤销")];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(LIST, get(list))
}

/// One link.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Whose it is.
    pub company: String,
    /// OperatorID on the wire.
    pub organisation_code: String,
    /// Words and class.
    pub state: Tag,
    /// Where the operator's system is.
    pub base_url: String,
    /// What nobody has entered yet.
    pub wanting: String,
    /// When the newest secrets of the platform were issued.
    pub issued_at: String,
    /// Its page.
    pub path: String,
    /// Where it is set.
    pub settings: String,
}

/// The list.
#[derive(Template)]
#[template(path = "links.html")]
pub struct LinksPage {
    /// The frame.
    pub page: Page,
    /// By state.
    pub tabs: Vec<Tab>,
    /// The URL's filter.
    pub filter: Filter,
    /// Links of this page of the list, in the order of OperatorID.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
}

/// What the URL asks stations for.
pub(super) fn wanted(filter: &Filter) -> ListLinksRequest {
    ListLinksRequest {
        page: filter.page(),
        state: filter.value("state").to_owned(),
        text: filter.value("q").trim().to_owned(),
    }
}

/// Names of the companies whose links these are.
pub(super) async fn companies(visitor: &Visitor, links: &[Link]) -> BTreeMap<String, String> {
    machines::company_names(visitor, links.iter().map(|link| link.operator_id.clone()).collect()).await
}

/// One link as the page shows it.
pub(super) fn row(link: &Link, companies: &BTreeMap<String, String>) -> Row {
    Row {
        company: companies.get(&link.operator_id).cloned().unwrap_or_default(),
        organisation_code: link.organisation_code.clone(),
        state: links::state(Some(link)),
        base_url: format::or_dash(&link.base_url),
        wanting: format::or_dash(&wanting(link)),
        issued_at: format::moment(link.inbound.first().and_then(|set| set.issued_at.as_ref())),
        path: links::path(&link.operator_id),
        settings: link_settings::path(&link.operator_id),
    }
}

/// What is missing before the platform can call; nothing of a link that has ended.
pub(super) fn wanting(link: &Link) -> String {
    let parts = [(link.base_url.is_empty(), "接口地址"), (!link.callable, "调用密钥")];
    let active = link.state == "active";
    let parts: Vec<_> = parts.iter().filter(|(wants, _)| active && *wants).map(|(_, words)| *words).collect();
    parts.join("、")
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let answer = visitor.links().list_links(wanted(&filter)).await?.into_inner();
    let companies = companies(&visitor, &answer.links).await;
    let tab = |(state, words)| filter.tab("state", state, words, None);
    let page = LinksPage {
        page: visitor.page(LIST, "互联互通").await,
        tabs: [("", "全部")].into_iter().chain(STATES).map(tab).collect(),
        rows: answer.links.iter().map(|link| row(link, &companies)).collect(),
        pager: filter.pager(&answer.next_page_token, answer.links.len()).exported(&filter),
        filter,
    };
    visitor.show(StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_may_be_called_by_nobody_says_what_is_wanting_until_it_ends() {
        let link = Link { state: "active".into(), ..Link::default() };
        assert_eq!(wanting(&link), "接口地址、调用密钥");
        let addressed = Link { base_url: "https://host/evcs".into(), ..link.clone() };
        assert_eq!(wanting(&addressed), "调用密钥");
        assert_eq!(wanting(&Link { callable: true, ..addressed }), "");
        assert_eq!(wanting(&Link { state: "revoked".into(), ..link }), "");
    }
}
