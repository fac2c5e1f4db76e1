//! 导出 Excel: what administrators set up, as workbooks: rounds, clients of outside systems, links, notices, webhooks with their
//! deliveries, divisions with their officials. How a list becomes one is in [`super::exports`].

use axum::{extract::Path, routing::get};
use proto::{
    accounts::ListClientsRequest,
    notifications::{ListDeliveriesRequest, ListNoticesRequest, ListSubscriptionsRequest},
    reviews::ListRoundsRequest,
    stations::ListLinksRequest,
};

use super::{
    Routes, divisions, exports::workbook, link_list, machines, notice_desk, rounds, subscriptions,
    webhook_deliveries,
};
use crate::{
    Answer, Role, Visitor, labels,
    list::Filter,
    notice,
    sheet::{Cell, Column, text},
};

/// Routes of this area: each beside its list.
pub fn routes() -> Routes {
    Routes::new()
        .route("/system/rounds/export", get(policies))
        .route("/system/machines/export", get(clients))
        .route("/system/links/export", get(links))
        .route("/system/notices/export", get(notices))
        .route("/system/subscriptions/export", get(webhooks))
        .route("/system/subscriptions/{id}/export", get(deliveries))
        .route("/system/divisions/export", get(jurisdictions))
}

/// Columns of rounds.
const ROUNDS: &[Column] = &[
    ("批次", 28.0),
    ("申报时间", 28.0),
    ("专家组规则", 28.0),
    ("会签厅委", 28.0),
    ("抽查比例", 12.0),
    ("创建时间", 20.0),
];

async fn policies(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    workbook(&visitor, &filter, ("轮次与参数", String::new()), ROUNDS, |reader, page| async move {
        let answer = reader.rounds().list_rounds(ListRoundsRequest { page }).await?.into_inner();
        let row = |round: &proto::reviews::Round| {
            let shown = rounds::Row::of(round);
            let cells = vec![
                text(shown.name),
                text(shown.days),
                text(shown.rule),
                text(shown.departments),
                text(shown.sample),
                Cell::Moment(round.created_at),
            ];
            (round.round_id.clone(), cells)
        };
        Ok((answer.rounds.iter().map(row).collect(), answer.next_page_token))
    })
    .await
}

/// Columns of clients.
const CLIENTS: &[Column] = &[
    ("名称", 28.0),
    ("客户端编号", 40.0),
    ("企业", 36.0),
    ("状态", 10.0),
    ("签发时间", 20.0),
    ("吊销时间", 20.0),
];

async fn clients(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&machines::OFFICE)?;
    let operator_id = filter.value("operator").to_owned();
    workbook(&visitor, &filter, ("接口账号", String::new()), CLIENTS, |reader, page| {
        let request = ListClientsRequest { page, operator_id: operator_id.clone() };
        async move {
            let answer = reader.machines().list_clients(request).await?.into_inner();
            let companies = machines::companies(&reader, &answer.clients).await;
            let row = |client: &proto::accounts::ClientView| {
                let shown = machines::row(&reader, client, &companies);
                let cells = vec![
                    text(shown.name),
                    text(shown.client_id),
                    text(shown.company),
                    text(shown.state.text),
                    Cell::Moment(client.issued_at),
                    Cell::Moment(client.revoked_at),
                ];
                (client.client_id.clone(), cells)
            };
            Ok((answer.clients.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of links.
const LINKS: &[Column] = &[
    ("企业", 36.0),
    ("OperatorID", 14.0),
    ("状态", 10.0),
    ("运营商系统地址", 48.0),
    ("尚未填写", 24.0),
    ("密钥签发时间", 20.0),
];

async fn links(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let tab = labels::chosen(&link_list::STATES, filter.value("state"));
    let request = link_list::wanted(&filter);
    workbook(&visitor, &filter, ("互联互通", tab), LINKS, |reader, page| {
        let request = ListLinksRequest { page, ..request.clone() };
        async move {
            let answer = reader.links().list_links(request).await?.into_inner();
            let companies = link_list::companies(&reader, &answer.links).await;
            let row = |link: &proto::stations::Link| {
                let shown = link_list::row(link, &companies);
                let cells = vec![
                    text(shown.company),
                    text(shown.organisation_code),
                    text(shown.state.text),
                    text(&*link.base_url),
                    text(link_list::wanting(link)),
                    Cell::Moment(link.inbound.first().and_then(|set| set.issued_at)),
                ];
                (link.operator_id.clone(), cells)
            };
            Ok((answer.links.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of notices, one row for each revision.
const NOTICES: &[Column] = &[
    ("标题", 48.0),
    ("版次", 8.0),
    ("状态", 12.0),
    ("发布对象", 40.0),
    ("置顶至", 14.0),
    ("发布时间", 20.0),
    ("最近变动", 20.0),
    ("办理单位", 28.0),
];

async fn notices(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let state = filter.value("state").to_owned();
    let tab = labels::chosen(&notice_desk::TABS, &state);
    workbook(&visitor, &filter, ("通知公告", tab), NOTICES, |reader, page| {
        let request = ListNoticesRequest { page, state: state.clone() };
        async move {
            let answer = reader.notices().list_notices(request).await?.into_inner();
            let row = |one: &proto::notifications::Notice| {
                let content = one.content.clone().unwrap_or_default();
                let cells = vec![
                    text(content.title),
                    Cell::Count(one.revision.into()),
                    text(notice::state(&one.state).text),
                    text(notice::audiences(&content.audiences)),
                    text(content.pinned_until),
                    Cell::Moment(one.published_at),
                    Cell::Moment(one.changed_at),
                    text(notice::office(&one.office)),
                ];
                (one.revision_id.clone(), cells)
            };
            Ok((answer.notices.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of webhooks.
const WEBHOOKS: &[Column] = &[
    ("名称", 28.0),
    ("接收地址", 48.0),
    ("事件", 60.0),
    ("地市", 14.0),
    ("状态", 24.0),
    ("待投递", 10.0),
    ("建立时间", 20.0),
];

async fn webhooks(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&subscriptions::OFFICE)?;
    let titles = subscriptions::titles(&visitor).await?;
    let known = visitor.portal.divisions.names().await;
    workbook(&visitor, &filter, ("接口与订阅", String::new()), WEBHOOKS, |reader, page| {
        let (titles, known) = (titles.clone(), known.clone());
        async move {
            let request = ListSubscriptionsRequest { page };
            let answer = reader.webhooks().list_subscriptions(request).await?.into_inner();
            let row = |one: &proto::notifications::Subscription| {
                let cells = vec![
                    text(&*one.name),
                    text(&*one.url),
                    text(subscriptions::events(&one.event_types, &titles)),
                    text(subscriptions::place(&known, &one.prefecture)),
                    text(subscriptions::state(one).text),
                    Cell::Count(one.waiting.into()),
                    Cell::Moment(one.created_at),
                ];
                (one.subscription_id.clone(), cells)
            };
            Ok((answer.subscriptions.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of deliveries.
const DELIVERIES: &[Column] = &[
    ("事件", 28.0),
    ("事件类型", 32.0),
    ("编号（webhook-id）", 40.0),
    ("发生时间", 20.0),
    ("状态", 10.0),
    ("次数", 8.0),
    ("最近结果", 28.0),
    ("下次投递", 20.0),
    ("办结时间", 20.0),
    ("对方回执", 32.0),
];

async fn deliveries(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&subscriptions::OFFICE)?;
    let titles = subscriptions::titles(&visitor).await?;
    let state = filter.value("state").to_owned();
    let tab = labels::chosen(&subscriptions::STATES, &state);
    workbook(&visitor, &filter, ("投递记录", tab), DELIVERIES, |reader, page| {
        let titles = titles.clone();
        let request = ListDeliveriesRequest { page, subscription_id: id.clone(), state: state.clone() };
        async move {
            let answer = reader.webhooks().list_deliveries(request).await?.into_inner();
            let row = |one: &proto::notifications::Delivery| {
                let shown = webhook_deliveries::row(one, &titles);
                let cells = vec![
                    text(shown.event),
                    text(shown.event_type),
                    text(&*one.event_id),
                    Cell::Moment(one.occurred_at),
                    text(shown.state.text),
                    Cell::Count(one.attempts.into()),
                    text(shown.last),
                    Cell::Moment(one.due_at),
                    Cell::Moment(one.settled_at),
                    text(shown.receipts),
                ];
                (one.delivery_id.clone(), cells)
            };
            Ok((answer.deliveries.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of divisions.
const JURISDICTIONS: &[Column] = &[
    ("区划代码", 12.0),
    ("名称", 20.0),
    ("所属地市", 16.0),
    ("层级", 10.0),
    ("类别", 14.0),
    ("状态", 24.0),
    ("县级审核人员", 14.0),
    ("市级审核人员", 14.0),
    ("提示", 20.0),
];

async fn jurisdictions(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let wanted = filter.clone();
    workbook(
        &visitor,
        &filter,
        ("区划与审核人员", divisions::tab(&filter)),
        JURISDICTIONS,
        |reader, _| {
            let wanted = wanted.clone();
            async move {
                let tree = divisions::read(&reader).await?;
                let row = |one: &divisions::Row| {
                    let cells = vec![
                        text(&*one.code),
                        text(&*one.name),
                        text(&*one.city),
                        text(one.level),
                        text(one.kind),
                        text(&*one.standing),
                        Cell::Count(one.county_officials.into()),
                        Cell::Count(one.city_officials.into()),
                        text(if one.deserted { divisions::DESERTED } else { "" }),
                    ];
                    (one.code.clone(), cells)
                };
                Ok((tree.matching(&wanted).map(row).collect(), String::new()))
            }
        },
    )
    .await
}
