//! Every page of the guide's inventory is there, under the menu path of the manual, for the role that it names. The public
//! pages and the map are not among them. Source: ui, section 3.

use axum::http::StatusCode;
use portal::{menu, roles::Role};

use crate::guards::{get, portal};

/// Role, menu path, page.
const MENU: &[(Role, &str, &str)] = &[
    (Role::OperatorApplicant, "工作台", "/workbench"),
    (Role::OperatorApplicant, "账号/企业资料", "/account/company"),
    (Role::Operator, "工作台", "/workbench"),
    (Role::Operator, "信息服务/建设补贴/建设补贴申请", "/subsidy/applications"),
    (Role::Operator, "信息服务/建设补贴/建设补贴管理", "/subsidy/dossiers"),
    (Role::Operator, "信息服务/充电站管理", "/stations"),
    (Role::Operator, "信息服务/数据互联互通", "/interconnect"),
    (Role::Operator, "账号/企业资料", "/account/company"),
    (Role::Operator, "账号/成员与登录", "/account/members"),
    (Role::County, "工作台", "/workbench"),
    (Role::County, "监管服务/建设补贴/县域充电站补贴管理", "/supervision/county-subsidies"),
    (Role::County, "监管服务/统计分析", "/supervision/statistics"),
    (Role::City, "工作台", "/workbench"),
    (Role::City, "监管服务/建设补贴/县域充电站补贴管理", "/supervision/county-subsidies"),
    (Role::City, "监管服务/统计分析", "/supervision/statistics"),
    (Role::Administrator, "工作台", "/workbench"),
    (Role::Administrator, "监管服务/建设补贴/补贴管理", "/supervision/subsidies"),
    (Role::Administrator, "监管服务/统计分析", "/supervision/statistics"),
    (Role::Administrator, "系统管理/账号管理/待审核", "/system/accounts?state=pending"),
    (Role::Administrator, "系统管理/账号管理/全部账号", "/system/users"),
    (Role::Administrator, "系统管理/账号管理/互联互通", "/system/links"),
    (Role::Administrator, "系统管理/轮次与参数", "/system/rounds"),
    (Role::Administrator, "系统管理/区划与地图", "/system/divisions"),
    (Role::Administrator, "系统管理/通知公告", "/system/notices"),
    (Role::Administrator, "系统管理/操作日志", "/system/audit"),
    (Role::Administrator, "系统管理/接口与订阅", "/system/subscriptions"),
    (Role::AuditAdministrator, "系统管理/操作日志", "/system/audit"),
    (Role::Expert, "工作台", "/workbench"),
    (Role::Expert, "监管服务/建设补贴/补贴管理", "/supervision/subsidies"),
    (Role::Province, "工作台", "/workbench"),
    (Role::Province, "监管服务/建设补贴/补贴管理", "/supervision/subsidies"),
    (Role::Province, "监管服务/统计分析", "/supervision/statistics"),
];

/// Pages that are reached from others, from the header, or before signing in.
const BELOW: &[&str] = &[
    "/login",
    "/register",
    "/password/forgot",
    "/password/first",
    "/login/code",
    "/login/enrol",
    "/subsidy/applications/new",
    "/subsidy/applications/7/edit",
    "/subsidy/applications/7",
    "/subsidy/applications/7/withdraw",
    "/subsidy/applications/7/delete",
    "/subsidy/applications/7/terminate",
    "/subsidy/dossiers/7",
    "/interconnect/connectors",
    "/interconnect/defects",
    "/interconnect/link",
    "/interconnect/link/settings",
    "/interconnect/orders",
    "/account/company/edit",
    "/account/password",
    "/account/second-factor",
    "/account/profile",
    "/messages",
    "/notices",
    "/supervision/county-subsidies/7/review",
    "/supervision/county-subsidies/7/paper-check",
    "/supervision/statistics/connectors",
    "/system/accounts/7/review",
    "/system/links/7",
    "/system/links/7/settings",
    "/supervision/subsidies/launch",
    "/supervision/subsidies/orders/7",
    "/supervision/subsidies/orders/7/freeze",
    "/supervision/subsidies/7",
];

#[test]
fn each_role_finds_its_pages_by_the_menu_paths_of_the_manual() {
    let mut missing = Vec::new();
    for (role, way, path) in MENU {
        let menu = menu::of(&[*role], path, None);
        let found = menu.iter().flat_map(|group| {
            group.items.iter().flat_map(move |item| {
                let way = |label: &str| [&group.title, &item.label, label].map(str::to_owned);
                match item.entries.as_slice() {
                    [] => vec![(way(""), item.path.clone())],
                    entries => entries.iter().map(|one| (way(&one.label), one.path.clone())).collect(),
                }
            })
        });
        let mut ways = found.map(|(parts, path)| {
            (parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"), path)
        });
        if !ways.any(|(words, at)| words == *way && at == *path) {
            missing.push((role.code(), *way));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn each_page_of_the_inventory_is_answered() {
    let portal = portal(|_| {});
    let of_menu = MENU.iter().map(|(_, _, path)| *path);
    for path in of_menu.chain(BELOW.iter().copied()) {
        let status = get(&portal, path).await.status;
        assert_ne!(status, StatusCode::NOT_FOUND, "{path}");
    }
}
