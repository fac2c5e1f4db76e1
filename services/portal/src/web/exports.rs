//! 导出 Excel: every list as a workbook, with the filter that its page has; here those of applications and work orders. The list is read page by page in the person's name,
//! written as it comes, and sent when it is whole, so that what fails half-way is a page with words and no half of a file. The
//! second factor is asked for before the first page of it is read. Decisions 14 and 43.

use std::{collections::HashSet, future::Future};

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use proto::{
    common,
    reviews::{ApplicationView, GetWorkOrderRequest, ListApplicationsRequest, ListWorkOrdersRequest},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tonic::Status;

use super::{
    Routes,
    applications::{self, Tabs},
    county_subsidies, dossiers, export_registers, export_settings, orders,
};
use crate::{
    Answer, Refused, Role, Visitor,
    divisions::Known,
    format, guard, labels,
    list::{Filter, encoded},
    order::Order,
    pipe, quality,
    sheet::{self, Cell, Column, ROWS_MAX, text},
    stage, station,
};

/// Rows of one answer of a service.
const PAGE: i32 = 200;
/// Pages on their way to the file.
const AHEAD: usize = 2;

/// Routes of this area: each beside its list.
pub fn routes() -> Routes {
    Routes::new()
        .route("/subsidy/applications/export", get(own_applications))
        .route("/subsidy/dossiers/export", get(own_dossiers))
        .route("/supervision/county-subsidies/export", get(of_authority))
        .route("/supervision/subsidies/applications/export", get(of_province))
        .route("/supervision/subsidies/export", get(work_orders))
        .route("/supervision/subsidies/orders/{id}/export", get(members))
        .merge(export_registers::routes())
        .merge(export_settings::routes())
}

/// One row with the id of what it shows: what a list gives twice, because it changed meanwhile, is written once.
pub(super) type Keyed = (String, Vec<Cell>);

/// Reads a list to its end and answers the workbook. `read` asks for one page and gives its rows and the next page's token.
pub(super) async fn workbook<R, Reading>(
    visitor: &Visitor,
    filter: &Filter,
    (title, tab): (&'static str, String),
    columns: &'static [Column],
    read: R,
) -> Answer
where
    R: Fn(Visitor, Option<common::Page>) -> Reading + Send,
    Reading: Future<Output = Result<(Vec<Keyed>, String), Status>> + Send,
{
    let turn = visitor.portal.downloads.turn(&visitor.view.user_id)?;
    let visitor = &begun(visitor, filter).await?;
    let (to, from) = mpsc::channel(AHEAD);
    let writing = tokio::task::spawn_blocking(move || sheet::write(title, columns, from));
    let (mut seen, mut token) = (HashSet::new(), String::new());
    loop {
        // A long list outlives a token.
        let reader = visitor.again().await?;
        let page = Some(common::Page { page_size: PAGE, page_token: token });
        let (mut rows, next) = read(reader, page).await?;
        rows.retain(|(id, _)| seen.insert(short(id)));
        if seen.len() > ROWS_MAX {
            return Err(Refused::too_long(ROWS_MAX));
        }
        let rows = rows.into_iter().map(|(_, cells)| cells).collect();
        if to.send(rows).await.is_err() || next.is_empty() {
            break;
        }
        token = next;
    }
    drop(to);
    let written = writing.await.map_err(|error| Refused::fault(&error))?;
    let mut written = written.map_err(|error| Refused::fault(&error))?;
    // So does the workbook.
    let visitor = &visitor.again().await?;
    let lines = [
        ("内容", title.to_owned()),
        ("筛选条件", described(visitor, filter, tab).await),
        ("记录数", written.rows().to_string()),
        ("导出时间", format!("{}（北京时间）", format::moment_of_now())),
        ("导出人", who(visitor)),
        ("说明", "导出期间新增或变动的记录可能不在其中；金额单位为元，功率单位为 kW。".to_owned()),
    ];
    written.explain(&lines).map_err(|error| Refused::fault(&error))?;
    visitor.exported(written.rows().into()).await?;
    let (pipe, body) = pipe::pipe();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        if let Err(error) = written.send(pipe) {
            pipe::broke_off(&error);
        }
    });
    Ok(attached(body.into_response(), guard::WORKBOOK, &file_name(title, "xlsx")))
}

/// Begins at accounts, which asks for a fresh second factor now and for none later, and keeps what the record will say. Whoever
/// is given reads what is taken out, however long that lasts.
pub(super) async fn begun(visitor: &Visitor, filter: &Filter) -> Result<Visitor, Status> {
    let path = filter.path().trim_matches('/');
    let list = path.strip_suffix("/export").unwrap_or(path).to_owned();
    let narrowing = filter.narrowing().map(|(key, value)| coded(key, value)).collect::<Vec<_>>().join("&");
    visitor.exporting(list, narrowing).await
}

/// A field of the filter for the record: what was typed may be a person, and is kept as its hash.
fn coded(key: &str, value: &str) -> String {
    let code = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.:".contains(&letter);
    let typed = matches!(key, "q" | "reason");
    if !typed && value.bytes().all(code) {
        return format!("{}={value}", encoded(key));
    }
    let hash = hex::encode(Sha256::digest(value));
    format!("{}=sha256:{}", encoded(key), &hash[..16])
}

/// Enough of an id to know it again, in little room.
fn short(id: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(id)[..16]);
    short
}

/// What a download is called: what it is, and when it was made.
pub(super) fn file_name(what: &str, extension: &str) -> String {
    let made: String = format::moment_of_now().chars().filter(char::is_ascii_digit).collect();
    format!("{what}_{made}.{extension}")
}

/// An answer that a browser saves under a name.
pub(super) fn attached(mut response: Response, media_type: &'static str, name: &str) -> Response {
    let name = format!("attachment; filename*=UTF-8''{}", encoded(name));
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}

fn who(visitor: &Visitor) -> String {
    let office = if visitor.view.office.is_empty() { "" } else { &visitor.view.office };
    format!("{office} {}", visitor.view.display_name).trim().to_owned()
}

/// The filter in words, as the page names its fields.
async fn described(visitor: &Visitor, filter: &Filter, tab: String) -> String {
    let (names, rounds) = (visitor.portal.divisions.names().await, orders::rounds(visitor).await);
    let one = |(key, value): (&str, &str)| match key {
        "tab" | "state" | "role" => Some(format!("分类：{tab}")).filter(|_| !tab.is_empty()),
        "stage" => Some(format!("当前节点：{}", stage::of(value).reviewer.0)),
        "county" => Some(format!("区县：{}", names.name(value))),
        "prefecture" => Some(format!("地市：{}", names.name(value))),
        "division" => Some(format!("注册地：{}", names.name(value))),
        "place" => Some(format!("地区：{}", names.name(value))),
        "near" => Some("附近 3 公里".to_owned()),
        "round" => Some(format!("批次：{}", orders::round_name(&rounds, value))),
        "q" => Some(format!("关键词：{value}")),
        "from" => Some(format!("提交日期从 {value}")),
        "to" => Some(format!("提交日期到 {value}")),
        "kind" => Some(format!("数据：{}", quality::kind(value))),
        "connection" => Some(format!("数据接入：{}", station::connection(value).text)),
        "own" => Some(labels::chosen(&labels::OWN, value)),
        "light" => Some(format!("时限：{}", if value == "red" { "已超期" } else { "临近时限" })),
        "order" => Some("有办理时限的申请，剩余时间少的在前".to_owned()),
        "unread" => Some("仅未读".to_owned()),
        "actor" => Some(format!("操作人：{value}")),
        "act" => Some(format!("操作：{}", labels::audit_act(value))),
        "subject" => Some(format!("对象：{value}")),
        "since" => Some(format!("日期从 {value}")),
        "until" => Some(format!("日期到 {value}")),
        "refused" => Some("仅看未完成的".to_owned()),
        "waits_for" => Some(format!("等待：{}", labels::party(value))),
        _ => None,
    };
    let all: Vec<_> = filter.narrowing().filter_map(one).collect();
    if all.is_empty() { "全部".to_owned() } else { all.join("；") }
}

/// Columns of a list of applications.
const APPLICATIONS: &[Column] = &[
    ("充电站名称", 32.0),
    ("申请编号", 22.0),
    ("申报企业", 32.0),
    ("地市", 14.0),
    ("区县", 14.0),
    ("直流桩（台）", 12.0),
    ("交流桩（台）", 12.0),
    ("总功率（kW）", 14.0),
    ("当前节点", 26.0),
    ("办理时限", 14.0),
    ("时限截止", 20.0),
    ("办理进度（共 8 步）", 12.0),
    ("更新时间", 20.0),
    ("最近提交时间", 20.0),
];
/// The same of an order, whose members may be drawn.
const MEMBERS: &[Column] = &[
    APPLICATIONS[0],
    APPLICATIONS[1],
    APPLICATIONS[2],
    APPLICATIONS[3],
    APPLICATIONS[4],
    APPLICATIONS[5],
    APPLICATIONS[6],
    APPLICATIONS[7],
    APPLICATIONS[8],
    APPLICATIONS[9],
    APPLICATIONS[10],
    APPLICATIONS[11],
    APPLICATIONS[12],
    APPLICATIONS[13],
    ("抽查", 10.0),
];

fn application(visitor: &Visitor, names: &Known, view: &ApplicationView) -> Vec<Cell> {
    let need = view.yours;
    vec![
        text(&*view.station_name),
        text(&*view.application_no),
        text(&*view.operator_name),
        text(names.name(&view.prefecture)),
        text(names.name(&view.county)),
        Cell::Count(view.dc_piles.into()),
        Cell::Count(view.ac_piles.into()),
        Cell::Power(view.power_watts),
        text(stage::tag(view, visitor.is(Role::Operator), need).text),
        text(stage::time_left(view).text),
        Cell::Moment(view.deadline_at),
        Cell::Count(i64::try_from(stage::step(view)).unwrap_or_default()),
        Cell::Moment(view.entered_at.or(view.created_at)),
        Cell::Moment(view.submitted_at),
    ]
}

async fn of_applications(
    visitor: &Visitor,
    filter: &Filter,
    (title, tab): (&'static str, String),
    request: ListApplicationsRequest,
    sampled: bool,
) -> Answer {
    let names = visitor.portal.divisions.names().await;
    let columns = if sampled { MEMBERS } else { APPLICATIONS };
    workbook(visitor, filter, (title, tab), columns, |reader, page| {
        // What changes meanwhile moves to the end and is not missed; by deadline only those are read on which a clock runs.
        let order = if request.order == "deadline" { "deadline" } else { "oldest" };
        let request = ListApplicationsRequest { page, order: order.to_owned(), ..request.clone() };
        let names = names.clone();
        async move {
            let answer = reader.applications().list_applications(request).await?.into_inner();
            let row = |view: &ApplicationView| {
                let mut cells = application(&reader, &names, view);
                if sampled {
                    cells.push(text(orders::sampled(view).text));
                }
                (view.application_id.clone(), cells)
            };
            Ok((answer.applications.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

/// Words of the saved filter that the URL names.
fn tab(tabs: Tabs, filter: &Filter) -> String {
    let found = tabs.iter().find(|(value, _, _, _)| filter.has("tab", value));
    found.map(|(_, words, _, _)| (*words).to_owned()).unwrap_or_default()
}

async fn saved(visitor: Visitor, filter: Filter, title: &'static str, tabs: Tabs) -> Answer {
    let request = applications::tabbed(tabs, &filter);
    of_applications(&visitor, &filter, (title, tab(tabs, &filter)), request, false).await
}

async fn own_applications(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    saved(visitor, filter, "建设补贴申请", applications::TABS).await
}

async fn own_dossiers(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    saved(visitor, filter, "建设补贴管理", dossiers::TABS).await
}

async fn of_authority(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&county_subsidies::AUTHORITIES)?;
    let tabs = county_subsidies::saved(&visitor);
    saved(visitor, filter, "县域充电站补贴管理", tabs).await
}

async fn of_province(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&orders::JOINT)?;
    let request = applications::wanted(&filter);
    of_applications(&visitor, &filter, ("补贴申请", String::new()), request, false).await
}

async fn members(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&orders::JOINT)?;
    // A list of what one may not see is empty; an order that one may not see is not there.
    visitor.joint_review().get_work_order(GetWorkOrderRequest { work_order_id: id.clone() }).await?;
    let request = ListApplicationsRequest { work_order_id: id, ..ListApplicationsRequest::default() };
    of_applications(&visitor, &filter, ("工单成员", String::new()), request, true).await
}

/// Columns of work orders.
const ORDERS: &[Column] = &[
    ("地市", 14.0),
    ("批次", 24.0),
    ("第几次发起", 12.0),
    ("充电站（个）", 12.0),
    ("当前节点", 18.0),
    ("专家组已通过（个）", 18.0),
    ("待补充（个）", 12.0),
    ("已转出（个）", 12.0),
    ("发起时间", 20.0),
    ("应冻结时间", 20.0),
    ("冻结时间", 20.0),
    ("办结时间", 20.0),
    ("成员哈希", 68.0),
];

async fn work_orders(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&orders::JOINT)?;
    let (names, rounds) = tokio::join!(visitor.portal.divisions.names(), orders::rounds(&visitor));
    let request = orders::wanted(&filter);
    workbook(&visitor, &filter, ("联合审核工单", String::new()), ORDERS, |reader, page| {
        let (names, rounds) = (names.clone(), rounds.clone());
        let request = ListWorkOrdersRequest { page, ..request.clone() };
        async move {
            let answer = reader.joint_review().list_work_orders(request).await?.into_inner();
            let row = |view: &proto::reviews::WorkOrderView| {
                let order = Order::of(view, &names, orders::round_name(&rounds, &view.round_id));
                let cells = vec![
                    text(order.city),
                    text(order.round),
                    Cell::Count(order.batch.into()),
                    Cell::Count(order.total.into()),
                    text(order.state.text),
                    Cell::Count(order.passed.into()),
                    Cell::Count(order.supplements.into()),
                    Cell::Count(order.left.into()),
                    Cell::Moment(view.launched_at),
                    Cell::Moment(view.freeze_due_at),
                    Cell::Moment(view.frozen_at),
                    Cell::Moment(view.concluded_at),
                    text(order.hash),
                ];
                (order.id, cells)
            };
            Ok((answer.work_orders.iter().map(row).collect(), answer.next_page_token))
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_recorded_as_it_is_and_what_was_searched_for_as_its_hash() {
        assert_eq!(coded("stage", "CityReview"), "stage=CityReview");
        assert_eq!(coded("q", "13912345678"), "q=sha256:ba6c167e885ea4be");
        assert!(coded("county", "甲某某").starts_with("county=sha256:"));
    }
}
