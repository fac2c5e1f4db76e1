//! 导出 Excel: what is registered, as workbooks: companies, people, members of a company, stations, invoices, messages. How a list becomes one is in
//! [`super::exports`].

use axum::routing::get;
use proto::{
    accounts::{ListMembersRequest, ListOperatorsRequest, ListUsersRequest},
    documents::ListInvoicesRequest,
    notifications::ListMessagesRequest,
    stations::ListStationsRequest,
};

use super::{Routes, accounts, exports::workbook, members, stations, users};
use crate::{
    Answer, Role, Visitor, invoice, labels,
    list::Filter,
    sheet::{Cell, Column, text},
    station,
};

/// Routes of this area: each beside its list.
pub fn routes() -> Routes {
    Routes::new()
        .route("/subsidy/invoices/export", get(own_invoices))
        .route("/system/accounts/export", get(companies))
        .route("/system/users/export", get(officials))
        .route("/account/members/export", get(colleagues))
        .route("/stations/export", get(own_stations))
        .route("/interconnect/export", get(own_stations))
        .route("/messages/export", get(messages))
}

/// Columns of companies.
const COMPANIES: &[Column] = &[
    ("公司名称", 36.0),
    ("统一社会信用代码", 22.0),
    ("注册地市", 14.0),
    ("注册区县", 14.0),
    ("账号状态", 14.0),
    ("资料变更待审核", 16.0),
    ("提交次数", 10.0),
    ("注册时间", 20.0),
    ("最近变动", 20.0),
];

async fn companies(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let names = visitor.portal.divisions.names().await;
    let state = accounts::STATES.iter().find(|one| filter.has("state", one.id));
    let tab = state.map(|one| one.words.to_owned()).unwrap_or_default();
    let request = accounts::wanted(&filter);
    workbook(&visitor, &filter, ("企业账号", tab), COMPANIES, |reader, page| {
        let (names, request) = (names.clone(), ListOperatorsRequest { page, ..request.clone() });
        async move {
            let answer = reader.account_review().list_operators(request).await?.into_inner();
            let row = |one: &proto::accounts::OperatorSummary| {
                let changed = one.review_pending && one.state != "Pending";
                let cells = vec![
                    text(&*one.company_name),
                    text(&*one.uscc),
                    text(names.name(&one.city)),
                    text(names.name(&one.registered_division)),
                    text(labels::account(&one.state).0),
                    text(if changed { "是" } else { "" }),
                    Cell::Count(one.submission_version.into()),
                    Cell::Moment(one.registered_at),
                    Cell::Moment(one.changed_at),
                ];
                (one.operator_id.clone(), cells)
            };
            Ok((answer.operators.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of people of government bodies.
const OFFICIALS: &[Column] = &[
    ("姓名", 14.0),
    ("账号名称", 20.0),
    ("角色", 20.0),
    ("管辖区域", 28.0),
    ("单位", 36.0),
    ("负责人", 8.0),
    ("状态", 12.0),
    ("创建时间", 20.0),
];

async fn officials(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&users::READERS)?;
    let names = visitor.portal.divisions.names().await;
    let role = filter.value("role").to_owned();
    let tab = if role.is_empty() { String::new() } else { labels::role(&role).to_owned() };
    workbook(&visitor, &filter, ("全部账号", tab), OFFICIALS, |reader, page| {
        let (names, request) = (names.clone(), ListUsersRequest { page, role: role.clone() });
        async move {
            let answer = reader.users().list_users(request).await?.into_inner();
            let row = |user: &proto::accounts::UserView| {
                let cells = vec![
                    text(&*user.display_name),
                    text(&*user.login),
                    text(users::roles(user)),
                    text(users::scope(&names, user)),
                    text(users::office(user)),
                    text(if user.lead { "是" } else { "" }),
                    text(users::state(user).text),
                    Cell::Moment(user.created_at),
                ];
                (user.user_id.clone(), cells)
            };
            Ok((answer.users.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of stations.
const STATIONS: &[Column] = &[
    ("充电站名称", 32.0),
    ("充电站编码", 22.0),
    ("地市", 14.0),
    ("区县", 14.0),
    ("详细地址", 40.0),
    ("接口数", 10.0),
    ("总功率（kW）", 14.0),
    ("数据接入", 12.0),
    ("接入日期", 14.0),
    ("最近上报", 20.0),
];

async fn own_stations(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    let names = visitor.portal.divisions.names().await;
    let request = stations::wanted(&filter);
    workbook(&visitor, &filter, ("充电站", String::new()), STATIONS, |reader, page| {
        let (names, request) = (names.clone(), ListStationsRequest { page, ..request.clone() });
        async move {
            let answer = reader.registry().list_stations(request).await?.into_inner();
            let row = |one: &proto::stations::Station| {
                let record = one.record.clone().unwrap_or_default();
                let cells = vec![
                    text(record.name),
                    text(record.station_code),
                    text(names.name(&record.prefecture)),
                    text(names.name(&record.county)),
                    text(record.address),
                    Cell::Count(one.connector_count.into()),
                    Cell::Power(record.total_power_watts),
                    text(station::connection(&one.connection).text),
                    Cell::Day(one.connected_since.clone()),
                    Cell::Moment(one.last_report_at),
                ];
                (record.station_id, cells)
            };
            Ok((answer.stations.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Columns of invoices.
const INVOICES: &[Column] = &[
    ("发票类型", 26.0),
    ("发票代码", 16.0),
    ("发票号码", 24.0),
    ("开票日期", 14.0),
    ("销售方", 36.0),
    ("价税合计（元）", 18.0),
    ("已使用（元）", 18.0),
    ("剩余可用（元）", 18.0),
    ("使用的充电站（个）", 18.0),
    ("录入时间", 20.0),
];

async fn own_invoices(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    workbook(&visitor, &filter, ("发票", String::new()), INVOICES, |reader, page| async move {
        let request = ListInvoicesRequest { page, ..ListInvoicesRequest::default() };
        let answer = reader.invoices().list_invoices(request).await?.into_inner();
        let row = |one: &proto::documents::Invoice| {
            let cells = vec![
                text(labels::chosen(&invoice::TYPES, &one.r#type)),
                text(&*one.code),
                text(&*one.number),
                Cell::Day(one.issued_on.clone()),
                text(&*one.seller),
                Cell::Money(one.amount_fen),
                Cell::Money(one.used_fen),
                Cell::Money(one.amount_fen - one.used_fen),
                Cell::Count(i64::try_from(one.allocations.len()).unwrap_or_default()),
                Cell::Moment(one.entered_at),
            ];
            (one.invoice_id.clone(), cells)
        };
        Ok((answer.invoices.iter().map(row).collect(), answer.next_page_token))
    })
    .await
}

/// Columns of members.
const MEMBERS: &[Column] = &[
    ("姓名", 14.0),
    ("账号名称", 20.0),
    ("手机号", 16.0),
    ("身份", 10.0),
    ("状态", 12.0),
    ("最近登录", 20.0),
    ("在用登录", 10.0),
];

async fn colleagues(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    workbook(&visitor, &filter, ("成员与登录", String::new()), MEMBERS, |reader, _| async move {
        let answer = reader.members().list_members(ListMembersRequest {}).await?.into_inner();
        let row = |one: &proto::accounts::Member| {
            let cells = vec![
                text(&*one.display_name),
                text(&*one.login),
                text(&*one.masked_phone),
                text(if one.owner { "主账号" } else { "成员" }),
                text(members::state(one).text),
                Cell::Moment(one.signed_in_at),
                Cell::Count(one.sessions.into()),
            ];
            (one.user_id.clone(), cells)
        };
        Ok((answer.members.iter().map(row).collect(), String::new()))
    })
    .await
}

/// Columns of messages.
const MESSAGES: &[Column] = &[("时间", 20.0), ("内容", 80.0), ("状态", 8.0)];

async fn messages(visitor: Visitor, filter: Filter) -> Answer {
    let unread_only = filter.has("unread", "1");
    workbook(&visitor, &filter, ("消息", String::new()), MESSAGES, |reader, page| async move {
        let request = ListMessagesRequest { page, unread_only };
        let answer = reader.messages().list_messages(request).await?.into_inner();
        let row = |one: &proto::notifications::Message| {
            let read = if one.read { "已读" } else { "未读" };
            (one.message_id.clone(), vec![Cell::Moment(one.at), text(&*one.text), text(read)])
        };
        Ok((answer.messages.iter().map(row).collect(), answer.next_page_token))
    })
    .await
}
