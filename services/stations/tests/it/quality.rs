//! What was not taken of an operator's data, as it is listed: page by page, by kind, to its operator and to administrators.
use std::collections::BTreeSet;

use proto::{
    common::Page,
    stations::{ListQualityItemsRequest, QualityItem},
};

use crate::harness::{Platform, Who, answer, operator, refused};

#[tokio::test]
async fn items_are_turned_over_page_by_page_each_once_the_newest_first() {
    let platform = Platform::start().await;
    for number in 0..5 {
        platform.push(operator(1), vec![platform.item(&format!("X{number}"), 1, 60)]).await;
    }
    let (mut found, mut sizes, mut page_token) = (Vec::<QualityItem>::new(), Vec::new(), String::new());
    loop {
        let page = Some(Page { page_size: 2, page_token });
        let asked = ListQualityItemsRequest { page, ..ListQualityItemsRequest::default() };
        let mut own = platform.registry(Who::Operator(operator(1)));
        let listed = answer(own.list_quality_items(asked).await).expect("listed");
        sizes.push(listed.items.len());
        found.extend(listed.items);
        page_token = listed.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    let codes: Vec<_> = found.iter().map(|item| item.connector_id.as_str()).collect();
    assert_eq!(codes, ["X4", "X3", "X2", "X1", "X0"]);
    assert_eq!(found.iter().map(|item| item.item_id).collect::<BTreeSet<_>>().len(), 5);
    platform.stop().await;
}

#[tokio::test]
async fn administrators_name_the_operator_and_nobody_reads_anothers_items() {
    let platform = Platform::start().await;
    platform.push(operator(1), vec![platform.item("X1", 1, 60)]).await;
    let of = |named: &str| ListQualityItemsRequest { operator_id: named.into(), ..Default::default() };
    let named = operator(1).to_string();
    let list = async |who: Who, asked: ListQualityItemsRequest| {
        answer(platform.registry(who).list_quality_items(asked).await)
    };
    assert_eq!(list(Who::Administrator, of(&named)).await.expect("listed").items.len(), 1);
    assert_eq!(list(Who::Ingest(operator(1)), of("")).await.expect("listed").items.len(), 1);
    assert_eq!(refused(list(Who::Administrator, of("")).await).0, "not_found");
    assert_eq!(refused(list(Who::Operator(operator(2)), of(&named)).await).0, "not_found");
    assert!(list(Who::Operator(operator(2)), of("")).await.expect("listed").items.is_empty());
    assert_eq!(refused(list(Who::County("410105"), of(&named)).await).0, "not_permitted");
    platform.stop().await;
}

#[tokio::test]
async fn every_kind_can_be_asked_for_alone_and_one_that_is_none_is_refused() {
    let platform = Platform::start().await;
    platform.push(operator(1), vec![platform.item("X1", 1, 60)]).await;
    for (kind, items) in [
        ("", 1),
        ("status", 1),
        ("station", 0),
        ("order", 0),
        ("telemetry", 0),
        ("statistics", 0),
        ("order_check", 0),
        ("link", 0),
    ] {
        let asked = ListQualityItemsRequest { kind: kind.into(), ..ListQualityItemsRequest::default() };
        let mut own = platform.registry(Who::Operator(operator(1)));
        let listed = answer(own.list_quality_items(asked).await).expect("listed");
        assert_eq!(listed.items.len(), items, "{kind}");
    }
    let asked = ListQualityItemsRequest { kind: "weather".into(), ..ListQualityItemsRequest::default() };
    let mut own = platform.registry(Who::Operator(operator(1)));
    let listed = answer(own.list_quality_items(asked).await);
    assert_eq!(refused(listed), ("unknown_value".into(), "kind".into()));
    platform.stop().await;
}
