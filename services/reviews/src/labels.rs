//! Chinese for people: nodes, roles, commands, fields; every refusal with its stable reason id is in `labels/refusals.rs`.
//!
//! Wording: what is wrong, and how to mend it (ui, section 6). An exhaustive match: a new refusal does not compile here.

mod refusals;

use chassis::Failure;
use time::{OffsetDateTime, macros::format_description};

use crate::domain::{
    act::Command,
    awaited::Own,
    form::Field,
    policy::SHANGHAI,
    stage::{Actor, Party, Stage},
};

/// A node as reviewers read it. `transition` is the step that led there.
pub fn stage(stage: Stage, transition: &str) -> &'static str {
    match stage {
        Stage::Draft => "草稿",
        Stage::CountyReview => "县级审核",
        Stage::CountyReturned => "县级审核未通过",
        Stage::PaperCheck => "验收申请审核通过（待线下初审）",
        Stage::MaterialsDue => "待提交初审资料",
        Stage::CityReview => "市级审核",
        Stage::CityReturned => "市级退回",
        Stage::AwaitingJointReview => "待发起联合审核",
        Stage::ExpertReview => "专家组审核",
        Stage::SupplementDue if transition == "T23" => "省级退回（待补充材料）",
        Stage::SupplementDue => "专家组审核不通过（待补充材料）",
        Stage::AwaitingProvince => "专家组审核通过",
        Stage::ProvincialReview => "省级厅委审核（抽查复核）",
        Stage::Approved => "审核通过",
        Stage::Deleted => "已删除",
        Stage::Terminated => "已终止",
    }
}

/// A node as the operator reads it.
pub fn stage_for_operator(stage: Stage) -> &'static str {
    match stage {
        Stage::Draft => "待提交",
        Stage::CountyReview => "县级审核中",
        Stage::CountyReturned | Stage::CityReturned => "需修改",
        Stage::PaperCheck => "待线下初审",
        Stage::MaterialsDue => "待上传初审资料",
        Stage::CityReview => "市级审核中",
        Stage::AwaitingJointReview => "待联合审核",
        Stage::ExpertReview => "专家组审核中",
        Stage::SupplementDue => "待补充材料",
        Stage::AwaitingProvince => "待省级审核",
        Stage::ProvincialReview => "省级审核中",
        Stage::Approved => "审核通过",
        Stage::Deleted => "已删除",
        Stage::Terminated => "已终止",
    }
}

/// A role in words.
pub fn actor(actor: Actor) -> &'static str {
    match actor {
        Actor::Operator => "运营商",
        Actor::County => "县级主管部门",
        Actor::City => "市级主管部门",
        Actor::Administrator => "管理员",
        Actor::Expert => "专家组",
        Actor::Province => "省级厅委",
        Actor::Timer => "系统",
    }
}

/// A party in words.
pub fn party(party: Party) -> &'static str {
    match party {
        Party::Operator => actor(Actor::Operator),
        Party::County => actor(Actor::County),
        Party::City => actor(Actor::City),
        Party::Administrator => actor(Actor::Administrator),
        Party::Experts => actor(Actor::Expert),
        Party::Departments => actor(Actor::Province),
    }
}

/// A command in words.
pub fn command(command: Command) -> &'static str {
    match command {
        Command::CreateApplication => "新建申请",
        Command::SubmitAcceptance => "提交验收申请",
        Command::Withdraw => "撤回",
        Command::Pass => "通过",
        Command::Return => "退回",
        Command::RecordPaperCheck => "登记线下初审",
        Command::RevokePass => "撤销通过",
        Command::SubmitMaterials => "提交初审资料",
        Command::TakeBack => "收回",
        Command::LaunchJointReview => "发起联合审核",
        Command::RecordOpinion => "填写审批意见",
        Command::HeedInterest => "利益冲突声明后调整评审人",
        Command::SubmitSupplement => "提交补充材料",
        Command::CarryOver => "转入下次发起",
        Command::FreezeOrder => "冻结工单并抽查",
        Command::ConcludeOrder => "工单办结",
        Command::WidenSample => "扩大抽查",
        Command::Delete => "删除",
        Command::Terminate => "终止",
        Command::ExtendDeadline => "延长时限",
        Command::Remind => "催办",
        Command::Reassign => "转办",
        Command::StrikeClock => "时限提醒",
    }
}

/// Why a person has nothing to do where its party is waited for.
pub fn own_state(own: Own) -> &'static str {
    match own {
        Own::ExpertSpoke => "您已提出意见，等待牵头人汇总",
        Own::DepartmentSigned => "您所在部门已签署意见，等待其他部门签署",
        Own::Conflicted => "您已申明回避本申请，由专家组其他成员审核",
        Own::OutsideSample => "本申请未被抽中，随工单一并办结",
    }
}

/// A field of the form in words.
pub fn field(field: Field) -> &'static str {
    match field {
        Field::StationName => "场站名称",
        Field::Address => "地址",
        Field::Coordinates => "经纬度",
        Field::Connectors => "充电接口",
        Field::StartDate => "开工时间",
        Field::FinishDate => "完工时间",
        Field::Manager => "场站负责人",
        Field::ManagerPhone => "联系电话",
    }
}

/// An instant as people in Asia/Shanghai read it.
pub fn instant(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    at.to_offset(SHANGHAI).format(format).unwrap_or_else(|_| at.to_string())
}

/// A search that is too short to find little, or too long.
pub fn search_length() -> Failure {
    Failure::invalid("search_length", "text", "请输入 2–50 个字进行查询")
}

/// A value on the wire that this service does not know.
pub fn unknown(field: &str) -> Failure {
    Failure::invalid("unknown_value", field, "取值无法识别，请重新选择")
}
