//! Every Chinese text of this service: what happened, and who does what next. No personal data, no names.

mod notice;
pub mod webhooks;

use time::{Duration, OffsetDateTime, macros::offset};

use crate::domain::{
    account,
    application::{self, Audience, Moved},
    desk::Role,
    refusal::Refusal,
    tier::Tier,
    work_order,
};

/// Text of a message about an application.
pub fn application(moved: &Moved, fact: application::Fact, audience: Audience) -> String {
    let no = &moved.application_no;
    match audience {
        Audience::Applicant => applicant(moved, fact).replace("{no}", no),
        Audience::Next => in_time(moved, fact).unwrap_or_else(|| next_desk(moved, fact)).replace("{no}", no),
    }
}

fn applicant(moved: &Moved, fact: application::Fact) -> String {
    use application::Fact;
    match fact {
        Fact::Drafted => "补贴申请 {no} 已保存为草稿，请填写完整后提交县级主管部门审核。".into(),
        Fact::AcceptanceSubmitted => {
            "补贴申请 {no} 的验收申请已提交，等待县级主管部门审核；审核前可以撤回修改。".into()
        }
        Fact::AcceptanceWithdrawn => {
            "补贴申请 {no} 的验收申请已撤回，修改后请重新提交县级主管部门审核。".into()
        }
        Fact::CountyPassed => {
            "补贴申请 {no} 的验收申请已通过县级审核，请携带九类纸质资料到县级主管部门办理线下初审。".into()
        }
        Fact::CountyReturned => format!(
            "补贴申请 {{no}} 未通过县级审核，{}。请按审批意见修改后重新提交县级主管部门审核。",
            items(moved.items)
        ),
        Fact::PaperCheckPassed => {
            "补贴申请 {no} 的线下初审已完成，请上传初审资料和发票，提交市级主管部门审核。".into()
        }
        Fact::PaperCheckIncomplete => {
            "补贴申请 {no} 的线下初审资料不齐，请按缺件清单补齐后再送县级主管部门。".into()
        }
        Fact::CountyRevoked => {
            "县级主管部门已撤销补贴申请 {no} 的审核通过结论，请按说明修改后重新提交。".into()
        }
        Fact::MaterialsSubmitted => {
            "补贴申请 {no} 的初审资料已提交，等待市级主管部门审核；审核前可以撤回修改。".into()
        }
        Fact::MaterialsWithdrawn => {
            "补贴申请 {no} 的初审资料已撤回，修改后请重新提交市级主管部门审核。".into()
        }
        Fact::CityPassed => "补贴申请 {no} 已通过市级审核，等待管理员发起联合审核，您暂时无需操作。".into(),
        Fact::CityReturned => format!(
            "补贴申请 {{no}} 被市级主管部门退回，{}。请按审批意见修改初审资料后重新提交市级主管部门审核。",
            items(moved.items)
        ),
        Fact::CityPassRetracted => {
            "市级主管部门已收回补贴申请 {no} 的通过结论并重新审核，您暂时无需操作。".into()
        }
        Fact::EnteredJointReview => "补贴申请 {no} 已进入联合审核，由专家组审核，您暂时无需操作。".into(),
        Fact::ExpertOpined => "专家已就补贴申请 {no} 提出意见，专家组审核仍在进行。".into(),
        Fact::InterestHeeded => "补贴申请 {no} 的评审专家有调整，您暂时无需操作。".into(),
        Fact::ExpertsPassed => "补贴申请 {no} 已通过专家组审核，等待省级审核，您暂时无需操作。".into(),
        Fact::SupplementRequested => {
            format!(
                "专家组要求补贴申请 {{no}} 补充材料，{}。请逐项补充后提交专家组审核。",
                items(moved.items)
            )
        }
        Fact::SupplementSubmitted => {
            "补贴申请 {no} 的补充材料已提交，等待专家组审核，您暂时无需操作。".into()
        }
        Fact::CarriedOver => {
            "补贴申请 {no} 已转入下次发起，等待管理员重新发起联合审核，您暂时无需操作。".into()
        }
        Fact::EnteredProvincialReview => {
            "补贴申请 {no} 已进入省级审核，由省级厅委抽查复核，您暂时无需操作。".into()
        }
        Fact::EnteredSample => "补贴申请 {no} 已列入省级抽查样本，您暂时无需操作。".into(),
        Fact::DepartmentOpined => "省级厅委已就补贴申请 {no} 提出意见，省级审核仍在进行。".into(),
        Fact::Approved => "补贴申请 {no} 审核通过，全部审核环节已完成。".into(),
        Fact::ProvinceReturned => province_returned_to_applicant(moved),
        Fact::Deleted => "补贴申请 {no} 的草稿已删除，可以重新发起申请。".into(),
        Fact::Terminated => {
            "补贴申请 {no} 已终止，占用的发票金额和充电设施已释放；如需继续请重新发起申请。".into()
        }
        Fact::Reminded => {
            format!("{}催办补贴申请 {{no}}，请尽快按要求修改或补充后提交。", reminder(moved.by))
        }
        Fact::DeadlineExtended
        | Fact::Reassigned
        | Fact::DeadlineNear
        | Fact::DeadlineOverdue
        | Fact::DeadlineEscalated => "补贴申请 {no} 的办理时限有变化，您暂时无需操作。".into(),
    }
}

/// What is done about time, for the desk that is waited for or the one above it.
fn in_time(moved: &Moved, fact: application::Fact) -> Option<String> {
    use application::Fact;
    let last = moved.clock.deadline_at.map(last_day).unwrap_or_default();
    Some(match fact {
        Fact::DeadlineExtended => format!("补贴申请 {{no}} 的办理时限已延长{last}。"),
        Fact::Reminded => format!("{}催办补贴申请 {{no}}，请尽快办理{last}。", reminder(moved.by)),
        Fact::Reassigned if moved.assignee_id.is_some() => {
            "补贴申请 {no} 已转办给本单位指定人员，请其及时办理。".into()
        }
        Fact::Reassigned => "补贴申请 {no} 已交回本单位，各经办人员均可办理。".into(),
        Fact::DeadlineNear => format!("补贴申请 {{no}} 的办理时限将至，请尽快办理{last}。"),
        Fact::DeadlineOverdue => format!("补贴申请 {{no}} 已超过办理时限，请立即办理{last}。"),
        Fact::DeadlineEscalated => format!(
            "补贴申请 {{no}} 在{}超过办理时限仍未办结，请督促办理{last}。",
            moved.waits_for.map_or("当前环节", tier)
        ),
        Fact::Drafted
        | Fact::AcceptanceSubmitted
        | Fact::AcceptanceWithdrawn
        | Fact::CountyPassed
        | Fact::CountyReturned
        | Fact::PaperCheckPassed
        | Fact::PaperCheckIncomplete
        | Fact::CountyRevoked
        | Fact::MaterialsSubmitted
        | Fact::MaterialsWithdrawn
        | Fact::CityPassed
        | Fact::CityReturned
        | Fact::CityPassRetracted
        | Fact::EnteredJointReview
        | Fact::ExpertOpined
        | Fact::InterestHeeded
        | Fact::ExpertsPassed
        | Fact::SupplementRequested
        | Fact::SupplementSubmitted
        | Fact::CarriedOver
        | Fact::EnteredProvincialReview
        | Fact::DepartmentOpined
        | Fact::Approved
        | Fact::ProvinceReturned
        | Fact::EnteredSample
        | Fact::Deleted
        | Fact::Terminated => return None,
    })
}

/// The last day of a deadline, as people in Asia/Shanghai read it: a deadline is the end of a day.
fn last_day(deadline_at: OffsetDateTime) -> String {
    let day = (deadline_at - Duration::NANOSECOND).to_offset(offset!(+8)).date();
    format!("（最后办理日期 {day}）")
}

/// Who reminds.
fn reminder(by: Option<Role>) -> &'static str {
    match by {
        Some(Role::County) => "县级主管部门",
        Some(Role::City) => "市级主管部门",
        Some(Role::Administrator) => "平台管理员",
        Some(Role::Province) => "省级厅委",
        Some(Role::Operator | Role::Expert) | None => "上级部门",
    }
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Operator => "运营商环节",
        Tier::County => "县级环节",
        Tier::City => "市级环节",
        Tier::Administrator => "管理员环节",
        Tier::Experts => "专家组环节",
        Tier::Departments => "省级厅委环节",
    }
}

fn province_returned_to_applicant(moved: &Moved) -> String {
    match moved.waits_for {
        Some(Tier::Operator) => {
            format!(
                "省级厅委要求补贴申请 {{no}} 补充材料，{}。请逐项补充后提交专家组审核。",
                items(moved.items)
            )
        }
        Some(Tier::Experts) => "省级厅委将补贴申请 {no} 退回专家组重新审核，您暂时无需操作。".into(),
        Some(Tier::City) => "省级厅委将补贴申请 {no} 退回市级主管部门重新审核，您暂时无需操作。".into(),
        Some(Tier::County | Tier::Administrator | Tier::Departments) | None => {
            "省级厅委将补贴申请 {no} 退回重新审核，您暂时无需操作。".into()
        }
    }
}

fn next_desk(moved: &Moved, fact: application::Fact) -> String {
    use application::Fact;
    match fact {
        Fact::AcceptanceSubmitted => "补贴申请 {no} 的验收申请已提交，请审核并给出意见。".into(),
        Fact::CountyPassed => {
            "补贴申请 {no} 的验收申请已通过审核，请在运营商送达纸质资料后登记线下初审结果。".into()
        }
        Fact::MaterialsSubmitted => "补贴申请 {no} 的初审资料已提交，请审核并给出意见。".into(),
        Fact::CityPassed => "补贴申请 {no} 已通过市级审核，请在本市资料齐备后发起联合审核。".into(),
        Fact::CityPassRetracted => "补贴申请 {no} 的通过结论已收回，请重新审核。".into(),
        Fact::ExpertsPassed => match moved.waits_for {
            Some(Tier::Departments) => "补贴申请 {no} 已通过专家组复审，列为必查样本，请抽查复核。".into(),
            Some(Tier::Operator | Tier::County | Tier::City | Tier::Administrator | Tier::Experts) | None => {
                "补贴申请 {no} 已通过专家组审核，请在工单成员全部完成后冻结工单。".into()
            }
        },
        Fact::SupplementSubmitted => "补贴申请 {no} 的补充材料已提交，请专家组继续审核。".into(),
        Fact::CarriedOver => {
            "补贴申请 {no} 未在本次发起的工单中完成，已转入下次发起，请重新发起联合审核。".into()
        }
        Fact::ProvinceReturned => {
            format!("省级厅委退回补贴申请 {{no}}，{}。请按意见重新审核。", items(moved.items))
        }
        Fact::Drafted
        | Fact::AcceptanceWithdrawn
        | Fact::CountyReturned
        | Fact::PaperCheckPassed
        | Fact::PaperCheckIncomplete
        | Fact::CountyRevoked
        | Fact::MaterialsWithdrawn
        | Fact::CityReturned
        | Fact::EnteredJointReview
        | Fact::ExpertOpined
        | Fact::InterestHeeded
        | Fact::SupplementRequested
        | Fact::EnteredProvincialReview
        | Fact::EnteredSample
        | Fact::DepartmentOpined
        | Fact::Approved
        | Fact::Deleted
        | Fact::Terminated
        | Fact::DeadlineExtended
        | Fact::Reminded
        | Fact::Reassigned
        | Fact::DeadlineNear
        | Fact::DeadlineOverdue
        | Fact::DeadlineEscalated => "补贴申请 {no} 有新的进展，请查看并处理。".into(),
    }
}

fn items(count: usize) -> String {
    if count == 0 { "全部内容均可修改".into() } else { format!("共指出 {count} 项问题") }
}

/// Text of a message about an operator's account.
pub fn account(changed: &account::Changed, fact: account::Fact, audience: Audience) -> &'static str {
    use account::Fact;
    match (audience, fact) {
        (Audience::Next, Fact::Registered) => "有新的企业注册待审核，请在账号管理中核对并处理。",
        (Audience::Next, Fact::Resubmitted) => "有企业修改后重新提交了注册信息，请在账号管理中审核。",
        (Audience::Next, Fact::ProfileChanged) => {
            "有企业变更了企业资料，请在账号管理中审核；审核前原资料继续有效。"
        }
        (Audience::Next, Fact::Returned | Fact::Approved | Fact::Suspended | Fact::Reinstated) => {
            "企业账号状态已变更，请查看。"
        }
        (Audience::Applicant, Fact::Registered) => "企业注册信息已提交，等待管理员审核，审核结果将在此通知。",
        (Audience::Applicant, Fact::Resubmitted) => {
            "企业注册信息已重新提交，等待管理员审核，审核结果将在此通知。"
        }
        (Audience::Applicant, Fact::ProfileChanged) if changed.review_pending => {
            "企业资料变更已提交，等待管理员审核；审核前原资料继续有效。"
        }
        (Audience::Applicant, Fact::ProfileChanged) => "企业资料已更新，无需审核。",
        (Audience::Applicant, Fact::Returned) => "企业资料审核不通过，请按审批意见修改后重新提交。",
        (Audience::Applicant, Fact::Approved) => "企业资料审核通过，可以使用平台的业务功能。",
        (Audience::Applicant, Fact::Suspended) => "企业账号已停用，如有疑问请联系平台管理员。",
        (Audience::Applicant, Fact::Reinstated) => "企业账号已恢复正常使用。",
    }
}

/// Text of a message about a whole work order.
pub fn work_order(order: &work_order::Changed, fact: work_order::Fact) -> String {
    let (batch, members, drawn) = (order.batch, order.members, order.drawn);
    match fact {
        work_order::Fact::Launched => {
            format!(
                "第 {batch} 次发起的联合审核工单已生成，共 {members} 个申请。请先作利益冲突声明，再逐一审核。"
            )
        }
        work_order::Fact::Frozen => {
            format!("第 {batch} 次发起的联合审核工单已冻结，抽取 {drawn} 个申请，请开展抽查复核。")
        }
        work_order::Fact::SampleWidened => {
            format!("第 {batch} 次发起的联合审核工单已扩大抽查，新抽取 {drawn} 个申请，请开展抽查复核。")
        }
    }
}

/// Why an event is kept as a dead letter, for the page of administrators.
pub fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::WaitsForNobody => "事件未注明由谁办理下一步，请核对产生方数据后重放",
        Refusal::FinalStageWaits => "事件已到最终环节却仍有办理人，请核对产生方数据后重放",
        Refusal::ExpertsWithoutWorkOrder => "事件在专家组审核环节却没有工单，请核对产生方数据后重放",
    }
}

/// A field of an event or request holds a value that this version does not know.
pub const UNKNOWN_VALUE: &str = "取值不在允许范围内，请核对";
/// A field of an event cannot be read.
pub const UNREADABLE: &str = "事件内容无法解析，请核对产生方数据";
/// A request that issues a secret carries no id.
pub const REQUEST_ID_MISSING: &str = "缺少请求编号：每次提交须带一个 UUID，重试时沿用同一个";
/// A division code is not six digits.
pub const DIVISION_MALFORMED: &str = "行政区划代码应为 6 位数字";
/// A page token names no time that exists.
pub const PAGE_TOKEN_INVALID: &str = "翻页标记无效，请从第一页重新开始";
/// A day is not written as one.
pub const DATE_FORM: &str = "日期应为 2026-12-31 这样的格式";
/// The caller's subject is not a user.
pub const CALLER_INVALID: &str = "登录已失效，请重新登录";
/// All places of the live stream are taken.
pub const TOO_MANY_WATCHERS: &str = "实时提醒连接过多，请稍后自动重连";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{application::Fact, stage::Stage, task::Clock};
    use uuid::Uuid;

    #[test]
    fn every_message_names_its_application_and_ends_as_a_sentence() {
        for (fact, _) in Fact::ALL {
            let moved = Moved {
                kind: String::new(),
                fact: Some(fact),
                version: 1,
                application_id: Uuid::nil(),
                application_no: "HN2026-000123".into(),
                stage: Stage::SupplementDue,
                waits_for: Some(Tier::Operator),
                county: String::new(),
                prefecture: String::new(),
                operator_id: Uuid::nil(),
                station_id: Uuid::nil(),
                work_order_id: None,
                round_id: None,
                assignee_id: None,
                items: 2,
                since: OffsetDateTime::UNIX_EPOCH,
                clock: Clock { deadline_at: Some(OffsetDateTime::UNIX_EPOCH), ..Clock::default() },
                escalated_to: None,
                awaited: None,
                by: Some(Role::City),
            };
            for audience in [Audience::Applicant, Audience::Next] {
                let text = application(&moved, fact, audience);
                assert!(text.contains("HN2026-000123") && text.ends_with('。'), "{text}");
                assert!(!text.contains('{'), "{text}");
            }
        }
    }
}
