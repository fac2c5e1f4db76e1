//! Chinese words for the ids that services send: transitions, parties, fields, material slots, roles.

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
    step("T19", "转入下一批次", "", Outcome::Noted),
    step("T20", "锁定工单并抽查", "", Outcome::Noted),
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
    let known = FIELDS.iter().chain(&SLOTS).find(|(key, _)| *key == id);
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
