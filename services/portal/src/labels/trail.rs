//! Chinese words for what the audit log of accounts keeps in codes beside its acts: exported lists, programs, what is said
//! about an act.

use super::{chosen, role};
use crate::compared::ON_LICENCE;

/// Lists that are exported, by the path of their page.
const LISTS: [(&str, &str); 21] = [
    ("subsidy/applications", "建设补贴申请"),
    ("subsidy/dossiers", "建设补贴管理"),
    ("subsidy/invoices", "发票"),
    ("supervision/county-subsidies", "县域充电站补贴管理"),
    ("supervision/subsidies", "联合审核工单"),
    ("supervision/subsidies/applications", "补贴申请"),
    ("supervision/statistics", "统计分析"),
    ("supervision/statistics/connectors", "充电接口"),
    ("stations", "充电站管理"),
    ("interconnect", "数据互联互通"),
    ("interconnect/connectors", "充电接口"),
    ("interconnect/defects", "未接收、更正和核对不一致的数据"),
    ("messages", "消息"),
    ("system/accounts", "企业账号"),
    ("system/users", "全部账号"),
    ("system/machines", "接口账号"),
    ("system/links", "互联互通"),
    ("system/rounds", "轮次与参数"),
    ("system/divisions", "区划与审核人员"),
    ("system/notices", "通知公告"),
    ("system/audit", "操作日志"),
];

/// An exported list in words; an unknown one stands for itself.
pub fn list(path: &str) -> String {
    if path.ends_with("/package") {
        "申报材料包".to_owned()
    } else if path.starts_with("supervision/subsidies/orders/") {
        "工单成员".to_owned()
    } else if path.starts_with("system/links/") {
        chosen(&LISTS, "interconnect/defects")
    } else {
        chosen(&LISTS, path)
    }
}

/// Programs of accounts that act by themselves.
const PROGRAMS: [(&str, &str); 4] = [
    ("create-official", "控制台建号"),
    ("reset-second-factor", "控制台重置动态口令"),
    ("import-legacy", "1.0 数据导入"),
    ("housekeeping", "定时清理"),
];

/// A program in words; an unknown one stands for itself.
pub fn program(name: &str) -> String {
    chosen(&PROGRAMS, name)
}

/// What is said about an act: by which entry, why, with what outcome.
const DETAILS: [(&str, &str); 22] = [
    ("registration_form", "注册表单"),
    ("workbench", "工作台头像/编辑"),
    ("company_profile", "账号头像/企业资料/编辑"),
    ("legacy_import", "1.0 系统导入"),
    ("waiting", "待审核"),
    ("unreviewed", "直接生效"),
    ("one_time_password", "首次登录"),
    ("password_expired", "密码已到期"),
    ("reset", "短信找回密码"),
    ("signed_out", "本人退出"),
    ("timed_out", "登录超时"),
    ("replaced", "在别处登录"),
    ("password_changed", "密码已修改"),
    ("deactivated", "账号已停用"),
    ("suspended", "企业已停用"),
    ("reissued", "已重新发放密码"),
    ("ended_by_administrator", "管理员结束"),
    ("ended_by_owner", "主账号结束"),
    ("ended_elsewhere", "本人在其他登录中结束"),
    ("second_factor", "等待动态口令"),
    ("enrolment", "须先启用动态口令"),
    ("second_factor_removed", "动态口令已停用"),
];

/// What is said about an act in words; what is unknown stands for itself.
pub fn detail(act: &str, codes: &str) -> String {
    match act {
        "create_official" => codes.split(',').map(role).collect::<Vec<_>>().join("、"),
        "approve_operator" | "return_operator" => match codes.split_once(' ') {
            Some((version, agreed)) => {
                let agreed: Vec<_> = agreed.split(',').map(|id| chosen(&ON_LICENCE, id)).collect();
                format!("第 {version} 次提交；与执照一致：{}", agreed.join("、"))
            }
            None => format!("第 {codes} 次提交"),
        },
        _ => chosen(&DETAILS, codes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_words_and_what_is_unknown_as_it_is() {
        assert_eq!(list("supervision/county-subsidies"), "县域充电站补贴管理");
        assert_eq!(list("supervision/subsidies/orders/0190"), "工单成员");
        assert_eq!(list("supervision/subsidies/0190/package"), "申报材料包");
        assert_eq!(list("supervision/statistics"), "统计分析");
        assert_eq!((program("import-legacy").as_str(), program("x").as_str()), ("1.0 数据导入", "x"));
        assert_eq!(detail("issue_ticket", "one_time_password"), "首次登录");
        assert_eq!(detail("register", "legacy_import"), "1.0 系统导入");
        assert_eq!(detail("create_official", "county,city"), "县级主管部门、市级主管部门");
        assert_eq!(detail("approve_operator", "2"), "第 2 次提交");
        assert_eq!(
            detail("approve_operator", "2 company_name,uscc"),
            "第 2 次提交；与执照一致：公司名称、统一社会信用代码"
        );
        assert_eq!(detail("sign_in", "x"), "x");
    }
}
