//! Chinese words for the ids that services send: transitions, parties, fields, material slots, roles.

pub mod trail;

/// Result of a step in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Went on.
    Passed,
    /// Came back.
    Returned,
    /// Neither.
    Noted,
}

/// One row of the history's words.
pub struct Transition {
    /// `T01` …
    pub id: &'static str,
    /// What the step is called.
    pub title: &'static str,
    /// Its tag; empty for none.
    pub result: &'static str,
    /// Its colour.
    pub outcome: Outcome,
}

const fn step(id: &'static str, title: &'static str, result: &'static str, outcome: Outcome) -> Transition {
    Transition { id, title, result, outcome }
}

/// Every transition. Source: workflow, Transitions.
#[rustfmt::skip]
pub const TRANSITIONS: &[Transition] = &[
    step("T01", "新建申请", "", Outcome::Noted),
    step("T02", "提交验收申请", "", Outcome::Noted),
    step("T03", "撤回验收申请", "", Outcome::Noted),
    step("T04", "县级审核", "通过", Outcome::Passed),
    step("T05", "县级审核", "退回", Outcome::Returned),
    step("T06", "资料初审（线下）", "齐全", Outcome::Passed),
    step("T07", "资料初审（线下）", "资料不全", Outcome::Returned),
    step("T08", "撤销县级审核通过", "退回", Outcome::Returned),
    step("T09", "提交初审资料", "", Outcome::Noted),
    step("T10", "撤回初审资料", "", Outcome::Noted),
    step("T11", "市级审核", "通过", Outcome::Passed),
    step("T12", "市级审核", "退回", Outcome::Returned),
    step("T13", "收回市级审核通过", "", Outcome::Noted),
    step("T14", "发起联合审核", "", Outcome::Noted),
    step("T15", "专家个人意见", "", Outcome::Noted),
    step("T16", "专家组审核", "通过", Outcome::Passed),
    step("T17", "专家组审核", "不通过", Outcome::Returned),
    step("T18", "提交补充材料", "", Outcome::Noted),
    step("T19", "转入下次发起", "", Outcome::Noted),
    step("T20", "冻结工单并抽查", "", Outcome::Noted),
    step("T21", "省级厅委意见", "", Outcome::Noted),
    step("T22", "省级厅委审核", "通过", Outcome::Passed),
    step("T23", "省级厅委审核", "退回", Outcome::Returned),
    step("T24", "扩大抽查", "", Outcome::Noted),
    step("T25", "删除或终止", "", Outcome::Noted),
    step("T26", "延期、催办或转办", "", Outcome::Noted),
    step("T27", "时限提醒", "", Outcome::Noted),
];

/// The words of a transition.
pub fn transition(id: &str) -> &'static Transition {
    const OTHER: Transition = step("", "办理", "", Outcome::Noted);
    TRANSITIONS.iter().find(|row| row.id == id).unwrap_or(&OTHER)
}

/// Who an application waits for.
pub fn party(id: &str) -> &'static str {
    match id {
        "operator" => "运营商",
        "county" => "县级主管部门",
        "city" => "市级主管部门",
        "administrator" => "平台管理员",
        "experts" => "专家组",
        "departments" => "省级厅委",
        _ => "—",
    }
}

/// The role in which somebody acted, as a history names it.
pub fn actor(role: &str) -> &'static str {
    match role {
        "operator" => "申报企业",
        "county" => "县级主管部门",
        "city" => "市级主管部门",
        "administrator" => "平台管理员",
        "expert" => "专家组",
        "province" => "省级厅委",
        _ => "系统",
    }
}

/// Fields of the form that a return can name, in its order.
pub const FIELDS: [(&str, &str); 8] = [
    ("station_name", "充电站名称"),
    ("address", "详细地址"),
    ("coordinates", "经纬度"),
    ("connectors", "充电接口"),
    ("start_date", "开工时间"),
    ("finish_date", "完工时间"),
    ("manager", "场站负责人"),
    ("manager_phone", "联系电话"),
];

/// Slots of the dossier, in its order. Source: workflow, Materials.
pub const SLOTS: [(&str, &str); 12] = [
    ("M1", "省级奖补资金项目申请函"),
    ("M2", "申请材料真实性承诺书（加盖公章）"),
    ("M3a", "营业执照"),
    ("M3b", "法人身份证"),
    ("M4a", "充电桩出厂检测报告"),
    ("M4b", "产品合格证"),
    ("M5", "竣工验收报告"),
    ("M6", "财务决算报告"),
    ("M7", "其他说明材料"),
    ("M8a", "土建照片"),
    ("M8b", "电气设备安装照片"),
    ("M9", "发票"),
];

/// The nine categories of papers, as the county ticks them. Source: workflow, Materials.
pub const CATEGORIES: [(&str, &str); 9] = [
    ("M1", "省级奖补资金项目申请函"),
    ("M2", "申请材料真实性承诺书（加盖公章）"),
    ("M3", "营业执照、法人身份证"),
    ("M4", "充电桩出厂检测报告及产品合格证"),
    ("M5", "竣工验收报告"),
    ("M6", "财务决算报告"),
    ("M7", "其他说明材料"),
    ("M8", "土建照片、电气设备安装照片"),
    ("M9", "发票"),
];

/// The reader's own part in a list of applications.
pub const OWN: [(&str, &str); 3] = [("open", "待我办理"), ("done", "我已办"), ("month", "本月已办")];

/// What was submitted.
pub fn submission(kind: &str) -> &'static str {
    match kind {
        "acceptance" => "验收申请",
        "materials" => "初审资料",
        "supplement" => "补充材料",
        _ => "",
    }
}

/// A field or slot in words; an unknown id stands for itself.
pub fn item(id: &str) -> String {
    let known = FIELDS.iter().chain(&SLOTS).chain(&CATEGORIES).find(|(key, _)| *key == id);
    known.map_or_else(|| id.to_owned(), |(_, words)| (*words).to_owned())
}

/// Kinds of companies at registration.
pub const OPERATOR_TYPES: [(&str, &str); 5] = [
    ("private", "民营企业"),
    ("state_owned", "国有企业"),
    ("mixed", "混合所有制企业"),
    ("foreign", "外资企业"),
    ("other", "其他"),
];

/// State of an operator's account: words and tag class. Source: ui, section 4.
pub fn account(state: &str) -> (&'static str, &'static str) {
    match state {
        "Pending" => ("待审核", "warn"),
        "Returned" => ("审核不通过", "danger"),
        "Active" => ("正常", "ok"),
        "Suspended" => ("停用", "draft"),
        _ => ("—", ""),
    }
}

/// By which entry a profile was submitted.
pub fn entry(id: &str) -> &'static str {
    match id {
        "registration_form" => "注册表单",
        "workbench" => "工作台头像/编辑",
        "company_profile" => "账号头像/企业资料/编辑",
        "legacy_import" => "1.0 系统导入",
        _ => "—",
    }
}

/// What became of a submitted profile: words, tag class, and class of the history.
pub fn outcome(id: &str) -> (&'static str, &'static str, &'static str) {
    match id {
        "waiting" => ("待审核", "warn", "now"),
        "approved" => ("审核通过", "ok", "ok"),
        "returned" => ("审核不通过", "danger", "bad"),
        "superseded" => ("已被新的提交替代", "draft", "sys"),
        "unreviewed" => ("直接生效", "", "sys"),
        _ => ("—", "", "sys"),
    }
}

/// Roles of officials, in the order in which they are offered.
pub const OFFICIAL_ROLES: [(&str, &str); 8] = [
    ("county", "县级主管部门"),
    ("city", "市级主管部门"),
    ("administrator", "平台管理员"),
    ("expert", "专家"),
    ("province", "省级厅委"),
    ("system_administrator", "系统管理员"),
    ("security_administrator", "安全管理员"),
    ("audit_administrator", "审计管理员"),
];

/// A role in words; an unknown id stands for itself.
pub fn role(id: &str) -> String {
    let known = OFFICIAL_ROLES.iter().find(|(key, _)| *key == id);
    known.map_or_else(|| if id == "operator" { "运营商" } else { id }, |(_, words)| words).to_owned()
}

/// State of a sign-in: words and tag class.
pub fn credential(active: bool, state: &str) -> (&'static str, &'static str) {
    match (active, state) {
        (false, _) => ("停用", "draft"),
        (true, "one_time") => ("待首次登录", "warn"),
        (true, "locked") => ("已锁定", "danger"),
        (true, "normal") => ("正常", "ok"),
        (true, _) => ("—", ""),
    }
}

/// What is recorded in the audit log of accounts, in words; the order is that of the choice.
pub const AUDIT_ACTS: [(&str, &str); 35] = [
    ("sign_in", "登录"),
    ("end_session", "退出或结束登录"),
    ("end_other_sessions", "退出其他登录"),
    ("issue_ticket", "密码验证通过，待下一步"),
    ("show_second_factor", "验证动态口令"),
    ("step_up", "办理前再次验证身份"),
    ("request_code", "获取验证码"),
    ("activate", "设置首个密码"),
    ("request_reset", "申请短信找回密码"),
    ("reset_password", "短信找回密码"),
    ("change_password", "修改密码"),
    ("enrol_second_factor", "启用动态口令"),
    ("remove_second_factor", "停用动态口令"),
    ("reset_second_factor", "重置动态口令"),
    ("register", "企业注册"),
    ("resubmit", "重新提交注册"),
    ("change_profile", "变更企业资料"),
    ("approve_operator", "企业审核通过"),
    ("return_operator", "企业审核不通过"),
    ("suspended", "停用企业"),
    ("reinstated", "恢复企业"),
    ("add_member", "添加成员"),
    ("deactivate_member", "停用成员"),
    ("restore_member", "恢复成员"),
    ("reissue_member_password", "重置成员登录"),
    ("end_member_sessions", "结束成员登录"),
    ("hand_over", "转交主账号"),
    ("create_official", "新建账号"),
    ("deactivate_user", "停用账号"),
    ("reissue_password", "重新发放密码"),
    ("unlock_user", "解除锁定"),
    ("end_sessions", "结束他人登录"),
    ("issue_client", "签发接口账号"),
    ("revoke_client", "吊销接口账号"),
    ("export_list", "导出列表"),
];

/// An act of the audit log in words; an unknown id stands for itself.
pub fn audit_act(id: &str) -> String {
    chosen(&AUDIT_ACTS, id)
}

/// Why something recorded was not done.
const AUDIT_REFUSALS: [(&str, &str); 13] = [
    ("sign_in_failed", "账号名称或密码不正确"),
    ("sign_in_locked", "失败次数过多，锁定中"),
    ("account_suspended", "账号已停用"),
    ("one_time_password_spent", "一次性密码已使用或过期"),
    ("session_ended", "登录已失效"),
    ("code_wrong", "验证码不正确"),
    ("second_factor_wrong", "动态口令不正确"),
    ("second_factor_locked", "动态口令错误过多，锁定中"),
    ("unknown_login", "没有该账号"),
    ("other_phone", "手机号与登记不符"),
    ("not_activated", "账号尚未启用"),
    ("reset_too_often", "短信找回过于频繁"),
    ("client_refused", "客户端编号或密钥不正确"),
];

/// A reason of the audit log in words; an unknown id stands for itself.
pub fn audit_refusal(id: &str) -> String {
    chosen(&AUDIT_REFUSALS, id)
}

/// The provincial departments that usually sign. Source: workflow, Words.
pub const DEPARTMENTS: [(&str, &str); 8] = [
    ("fgw", "省发展改革委"),
    ("nyj", "省能源局"),
    ("czt", "省财政厅"),
    ("jtt", "省交通运输厅"),
    ("zjt", "省住房城乡建设厅"),
    ("gxt", "省工业和信息化厅"),
    ("zrt", "省自然资源厅"),
    ("sjj", "省审计厅"),
];

/// A department in words; one of another code stands for itself.
pub fn department(code: &str) -> String {
    chosen(&DEPARTMENTS, code)
}

/// How strict a gate is.
pub const GATES: [(&str, &str); 3] =
    [("block", "不满足则不能提交"), ("warn", "提示并留痕"), ("off", "不检查")];

/// When a panel has decided.
pub const EXPERT_RULES: [(&str, &str); 3] =
    [("lead", "组长决定"), ("n_of_m", "达到规定人数"), ("all", "专家组全体一致")];

/// The words of a choice; an unknown id stands for itself.
pub fn chosen(choices: &[(&str, &'static str)], id: &str) -> String {
    choices.iter().find(|(key, _)| *key == id).map_or_else(|| id.to_owned(), |(_, words)| (*words).to_owned())
}

/// State of a work order: words and tag class.
pub fn order(state: &str) -> (&'static str, &'static str) {
    match state {
        "open" => ("专家组审核", "joint"),
        "frozen" => ("省级厅委审核（抽查复核）", "info"),
        "concluded" => ("已办结", "ok"),
        _ => ("—", ""),
    }
}

/// What a receiver of webhooks says became of an event: words and tag class.
pub fn receipt(status: &str) -> (&'static str, &'static str) {
    match status {
        "delivered" => ("已办成", "ok"),
        "failed" => ("未办成", "danger"),
        "unknown" => ("结果不明", "warn"),
        _ => ("—", ""),
    }
}

/// What went wrong with one attempt of a webhook; empty where nothing did.
pub fn webhook_trouble(word: &str) -> &'static str {
    match word {
        "" => "",
        "redirected" => "要求跳转，平台不跟随，请改填最终地址",
        "gone" => "对方不再接收",
        "timed_out" => "15 秒内没有答复",
        "unreachable" => "无法连接，请核对域名、端口和证书",
        "address_refused" => "地址指向内部网络，未发送",
        "secret_unopened" => "平台密钥配置有误，未发送，请联系运维人员",
        _ => "未接收",
    }
}
