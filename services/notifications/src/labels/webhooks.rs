//! Chinese words of webhooks: event types, refusals, and what administrators are told.

use crate::domain::{
    account, application,
    webhook::{
        catalogue::{Group, Meaning},
        flaw::Flaw,
    },
    work_order,
};

/// The heading of a group.
pub fn group(group: Group) -> &'static str {
    match group {
        Group::Reviews => "补贴审核",
        Group::Accounts => "企业账号",
    }
}

/// An event type.
pub fn event_type(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::All(Group::Reviews) => "补贴审核全部事件（含以后新增的类型）",
        Meaning::All(Group::Accounts) => "企业账号全部事件（含以后新增的类型）",
        Meaning::Application(fact) => application_type(fact),
        Meaning::WorkOrder(work_order::Fact::Launched) => "联合审核工单已发起",
        Meaning::WorkOrder(work_order::Fact::Frozen) => "联合审核工单已冻结并抽样",
        Meaning::WorkOrder(work_order::Fact::SampleWidened) => "抽查范围已扩大",
        Meaning::Account(account::Fact::Registered) => "企业已注册",
        Meaning::Account(account::Fact::Resubmitted) => "企业资料已重新提交",
        Meaning::Account(account::Fact::Returned) => "企业账号审核不通过",
        Meaning::Account(account::Fact::Approved) => "企业账号审核通过",
        Meaning::Account(account::Fact::ProfileChanged) => "企业资料变更待审核",
        Meaning::Account(account::Fact::Suspended) => "企业账号已停用",
        Meaning::Account(account::Fact::Reinstated) => "企业账号已恢复",
    }
}

fn application_type(fact: application::Fact) -> &'static str {
    use application::Fact;
    match fact {
        Fact::Drafted => "申请已保存为草稿",
        Fact::AcceptanceSubmitted => "验收申请已提交",
        Fact::AcceptanceWithdrawn => "验收申请已撤回",
        Fact::CountyPassed => "县级审核通过",
        Fact::CountyReturned => "县级审核退回",
        Fact::PaperCheckPassed => "线下初审齐全",
        Fact::PaperCheckIncomplete => "线下初审缺件",
        Fact::CountyRevoked => "县级审核结论已撤销",
        Fact::MaterialsSubmitted => "初审资料已提交",
        Fact::MaterialsWithdrawn => "初审资料已撤回",
        Fact::CityPassed => "市级审核通过",
        Fact::CityReturned => "市级审核退回",
        Fact::CityPassRetracted => "市级审核结论已收回",
        Fact::EnteredJointReview => "申请已进入联合审核",
        Fact::ExpertOpined => "专家已提交意见",
        Fact::InterestHeeded => "评审专家有调整（利益冲突声明）",
        Fact::ExpertsPassed => "专家组审核通过",
        Fact::SupplementRequested => "专家组要求补充材料",
        Fact::SupplementSubmitted => "补充材料已提交",
        Fact::CarriedOver => "申请已转入下次发起",
        Fact::EnteredProvincialReview => "申请已进入省级审核",
        Fact::DepartmentOpined => "省级部门已提交意见",
        Fact::Approved => "审核通过（办结）",
        Fact::ProvinceReturned => "省级退回",
        Fact::EnteredSample => "申请被抽中复核",
        Fact::Deleted => "申请已删除",
        Fact::Terminated => "申请已终止",
        Fact::DeadlineExtended => "办理时限已延长",
        Fact::Reminded => "已催办",
        Fact::Reassigned => "已转办",
        Fact::DeadlineNear => "办理时限临近（黄牌）",
        Fact::DeadlineOverdue => "办理已超期（红牌）",
        Fact::DeadlineEscalated => "超期已上报上级",
    }
}

/// Why something is refused, and how to mend it.
pub fn flaw(flaw: Flaw) -> String {
    match flaw {
        Flaw::Missing("name") => "请填写名称".into(),
        Flaw::Missing("url") => "请填写接收地址".into(),
        Flaw::Missing("event_types") => "请至少选择一种事件".into(),
        Flaw::Missing("from") => "请填写开始时间".into(),
        Flaw::Missing(_) => "请填写结束时间".into(),
        Flaw::TooLong(field, max) => {
            let field = if field == "name" { "名称" } else { "接收地址" };
            format!("{field}不能超过 {max} 个字符")
        }
        Flaw::UrlMalformed => "接收地址应形如 https://主机名/路径，不含账号、# 和中文，请核对".into(),
        Flaw::UrlNotHttps => "接收地址须以 https:// 开头，请由对方系统提供加密地址".into(),
        Flaw::AddressRefused => "接收地址指向内部网络，不能使用，请填写对方系统的公网地址".into(),
        Flaw::UnknownType => "所选事件类型不存在，请刷新页面后重新选择".into(),
        Flaw::UnknownPrefecture => "地市代码应为 6 位数字，请重新选择".into(),
        Flaw::UnknownState => "状态取值不在允许范围内，请重新选择".into(),
        Flaw::Closed => "平台尚未配置密钥保护，暂不能建立订阅，请联系运维人员".into(),
        Flaw::TooMany => "启用中的订阅已达上限，请先停用不再使用的订阅".into(),
        Flaw::SecretIssued => "该请求已签发过密钥，密钥不再显示；如未记下，请再次轮换密钥".into(),
        Flaw::Disabled => "订阅已停用，请先恢复再发送测试".into(),
        Flaw::SpanMalformed => "结束时间应晚于开始时间，且相隔不超过 31 天".into(),
        Flaw::SpanTooLong => "该时段的投递超过 10,000 条，请缩短时段分次重发".into(),
        Flaw::ReceiptUnreadable => "回执正文应为 JSON 对象，含 event_id、kind、status、at，可含 code".into(),
        Flaw::ReceiptMalformed(field) => format!("回执的 {field} 格式不正确，请按接口说明核对"),
        Flaw::UnknownStatus => "回执的 status 应为 delivered、failed 或 unknown".into(),
        Flaw::ReceiptAhead => "回执时间晚于平台时间 5 分钟以上，请核对对方系统时钟".into(),
        Flaw::ReceiptContradicts => "同一事件、同一种类、同一时间已有内容不同的回执，请带新的时间重报".into(),
        Flaw::TooManyReceipts => "该事件的回执已达 100 条，不再接收".into(),
    }
}

/// A receipt that nobody of ours has signed.
pub const RECEIPT_REFUSED: &str = "签名不符、时间戳相差超过 5 分钟，或没有该订阅，请核对订阅编号和密钥";

/// What administrators are told when a subscription is disabled by itself.
pub fn disabled(name: &str, reason: &str) -> String {
    match reason {
        "gone" => format!(
            "订阅“{name}”的接收方答复不再接收（410），已自动停用。如仍需推送，请与对方核对地址后恢复。"
        ),
        _ => format!(
            "订阅“{name}”连续多日推送失败，已自动停用。请与对方核对接收地址，修复后恢复并重发失败的投递。"
        ),
    }
}
