//! 导出 Excel: what administrators set up, as workbooks: rounds, clients of outside systems. How a list becomes one is in
//! [`super::exports`].

use axum::routing::get;
use proto::{accounts::ListClientsRequest, reviews::ListRoundsRequest};

use super::{Routes, exports::workbook, machines, rounds};
use crate::{
    Answer, Role, Visitor,
    list::Filter,
    sheet::{Cell, Column, text},
};

/// Routes of this area: each beside its list.
pub fn routes() -> Routes {
    Routes::new().route("/system/rounds/export", get(policies)).route("/system/machines/export", get(clients))
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
