//! The menu: one row for each entry, with the roles that can open it. Labels are those of the manual. Source: ui, section 3.

use crate::{
    frame::Crumb,
    roles::Role::{
        self, Administrator, AuditAdministrator, City, County, Expert, Operator, OperatorApplicant, Province,
        SecurityAdministrator, SystemAdministrator,
    },
    sessions::Badges,
};

/// One entry.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Heading above; empty for none.
    pub group: &'static str,
    /// Folding entry that holds it; empty for none.
    pub fold: &'static str,
    /// Its words.
    pub label: &'static str,
    /// Its page.
    pub path: &'static str,
    /// Its picture in the sprite; of the fold where it is in one.
    pub icon: &'static str,
    /// Who can open it.
    pub roles: &'static [Role],
}

const fn entry(
    group: &'static str,
    fold: &'static str,
    label: &'static str,
    path: &'static str,
    icon: &'static str,
    roles: &'static [Role],
) -> Entry {
    Entry { group, fold, label, path, icon, roles }
}

const SUPERVISORS: &[Role] = &[Administrator, Expert, Province];

/// The table, in the order of the page.
#[rustfmt::skip]
pub const ENTRIES: &[Entry] = &[
    entry("", "", "工作台", "/workbench", "home", &Role::ALL),
    entry("信息服务", "建设补贴", "建设补贴申请", "/subsidy/applications", "file", &[Operator]),
    entry("信息服务", "建设补贴", "建设补贴管理", "/subsidy/dossiers", "file", &[Operator]),
    entry("信息服务", "", "充电站管理", "/stations", "bolt", &[Operator]),
    entry("信息服务", "", "数据互联互通", "/interconnect", "link", &[Operator]),
    entry("账号", "", "企业资料", "/account/company", "build", &[Operator, OperatorApplicant]),
    entry("账号", "", "成员与登录", "/account/members", "users", &[Operator]),
    entry("监管服务", "建设补贴", "县域充电站补贴管理", "/supervision/county-subsidies", "file", &[County, City]),
    entry("监管服务", "建设补贴", "补贴管理", "/supervision/subsidies", "file", SUPERVISORS),
    entry("监管服务", "", "统计分析", "/supervision/statistics", "chart", &[County, City, Administrator, Province]),
    entry("系统管理", "账号管理", "待审核", "/system/accounts?state=pending", "users", &[Administrator]),
    entry("系统管理", "账号管理", "企业账号", "/system/accounts", "users", &[Administrator]),
    entry("系统管理", "账号管理", "全部账号", "/system/users", "users", &[Administrator, SystemAdministrator, SecurityAdministrator, AuditAdministrator]),
    entry("系统管理", "账号管理", "接口账号", "/system/machines", "users", &[Administrator, SystemAdministrator]),
    entry("系统管理", "账号管理", "互联互通", "/system/links", "users", &[Administrator]),
    entry("系统管理", "", "轮次与参数", "/system/rounds", "gear", &[Administrator]),
    entry("系统管理", "", "区划与地图", "/system/divisions", "map", &[Administrator]),
    entry("系统管理", "", "通知公告", "/system/notices", "bell", &[Administrator]),
    entry("系统管理", "", "操作日志", "/system/audit", "list", &[Administrator, SecurityAdministrator, AuditAdministrator]),
    entry("系统管理", "", "接口与订阅", "/system/subscriptions", "link", &[Administrator, SystemAdministrator]),
];

/// A heading with its entries, as one role sees them.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Heading; empty for none.
    pub title: String,
    /// What stands below.
    pub items: Vec<Item>,
}

/// An entry, or a folding one with its entries.
#[derive(Debug, Clone, Default)]
pub struct Item {
    /// Its words.
    pub label: String,
    /// Its page; empty for a folding one.
    pub path: String,
    /// Picture in the sprite.
    pub icon: String,
    /// Whether the page shown belongs to it.
    pub current: bool,
    /// Open tasks, at the workbench.
    pub badge: Option<i32>,
    /// Entries below.
    pub entries: Vec<Item>,
}

/// The menu of somebody with these roles, on the page that belongs to `path`.
pub fn of(roles: &[Role], path: &str, badges: Option<Badges>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in ENTRIES.iter().filter(|entry| entry.roles.iter().any(|role| roles.contains(role))) {
        let item = Item {
            label: entry.label.to_owned(),
            path: entry.path.to_owned(),
            icon: entry.icon.to_owned(),
            current: entry.path == path,
            badge: badges.filter(|_| entry.path == "/workbench").map(|badges| badges.tasks),
            entries: Vec::new(),
        };
        if groups.last().is_none_or(|group| group.title != entry.group) {
            groups.push(Group { title: entry.group.to_owned(), items: Vec::new() });
        }
        let Some(group) = groups.last_mut() else { continue };
        match group.items.last_mut().filter(|last| last.path.is_empty() && last.label == entry.fold) {
            Some(fold) => fold.entries.push(item),
            None if entry.fold.is_empty() => group.items.push(item),
            None => group.items.push(Item {
                label: entry.fold.to_owned(),
                icon: entry.icon.to_owned(),
                entries: vec![item],
                ..Item::default()
            }),
        }
    }
    groups
}

/// The pages of somebody who has no tasks: what the workbench offers instead, by their words and paths.
pub fn ways(roles: &[Role]) -> Vec<(&'static str, &'static str)> {
    let own =
        |entry: &&Entry| entry.path != "/workbench" && entry.roles.iter().any(|role| roles.contains(role));
    ENTRIES.iter().filter(own).map(|entry| (entry.label, entry.path)).collect()
}

/// The way to a page: the menu path of its entry, or the workbench where it has none, then the page itself. None on the
/// workbench.
pub fn crumbs(path: &str, title: &str) -> Vec<Crumb> {
    let crumb = |label: &str, path: &str| Crumb { label: label.to_owned(), path: path.to_owned() };
    if path == "/workbench" {
        return Vec::new();
    }
    let Some(entry) = ENTRIES.iter().find(|entry| entry.path == path) else {
        return vec![crumb("工作台", "/workbench"), crumb(title, "")];
    };
    let mut crumbs: Vec<_> = [entry.group, entry.fold]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| crumb(text, ""))
        .collect();
    if title == entry.label {
        crumbs.push(crumb(title, ""));
    } else {
        crumbs.push(crumb(entry.label, entry.path));
        crumbs.push(crumb(title, ""));
    }
    crumbs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_applicant_sees_the_workbench_and_its_profile_only() {
        let menu = of(&[OperatorApplicant], "/workbench", None);
        let labels: Vec<_> =
            menu.iter().flat_map(|group| &group.items).map(|item| item.label.as_str()).collect();
        assert_eq!(labels, ["工作台", "企业资料"]);
    }

    #[test]
    fn an_audit_administrator_is_led_to_the_log() {
        assert!(ways(&[AuditAdministrator]).contains(&("操作日志", "/system/audit")));
        assert!(!ways(&[SystemAdministrator]).contains(&("操作日志", "/system/audit")));
    }

    #[test]
    fn a_county_officer_finds_the_path_of_the_manual() {
        let menu = of(&[County], "/supervision/county-subsidies", None);
        let fold = &menu[1].items[0];
        assert_eq!((menu[1].title.as_str(), fold.label.as_str()), ("监管服务", "建设补贴"));
        assert_eq!(fold.entries[0].label, "县域充电站补贴管理");
        assert!(fold.entries[0].current);
        let way: Vec<_> =
            crumbs("/supervision/county-subsidies", "县级审核").into_iter().map(|one| one.label).collect();
        assert_eq!(way, ["监管服务", "建设补贴", "县域充电站补贴管理", "县级审核"]);
    }
}
