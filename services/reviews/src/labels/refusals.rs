//! Every refusal as each audience reads it: stable reason id, field, Chinese text, machine-readable facts.
//!
//! One exhaustive match, and so one long function: a new refusal does not compile without its words.

use chassis::Failure;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{actor, command, field, instant, party, stage};
use crate::domain::{
    form::{Field, FieldProblem, Problem},
    refusal::{Overtaken, Refusal},
};

fn problem(found: &FieldProblem) -> String {
    let name = field(found.field);
    match &found.problem {
        Problem::Missing => match found.field {
            Field::Connectors | Field::StartDate | Field::FinishDate => format!("请选择{name}"),
            Field::StationName
            | Field::Address
            | Field::Coordinates
            | Field::Manager
            | Field::ManagerPhone => format!("请填写{name}"),
        },
        Problem::TooLong(max) => format!("{name}不能超过 {max} 个字，请精简"),
        Problem::Unreadable => format!("{name}含有不可见字符，请重新输入"),
        Problem::OutOfOrder => "完工时间不能早于开工时间".to_owned(),
        Problem::InFuture => format!("{name}不能晚于今天"),
        Problem::PhoneLength(length) => format!("应为 11 位手机号，当前 {length} 位"),
        Problem::PhoneShape => "手机号应以 1 开头且全部为数字，请核对".to_owned(),
        Problem::FarFromCounty(county) => format!("坐标不在{county}附近，请核对经纬度是否填反"),
        Problem::Elsewhere => "坐标不在我国境内，请核对经纬度是否填反".to_owned(),
        Problem::UnknownConnector(id) => format!("场站没有编号为 {id} 的充电接口，请重新选择"),
    }
}

/// All fields of a form at once: the first carries the reason, each its own text.
fn form(problems: &[FieldProblem]) -> Failure {
    let mut failures =
        problems.iter().map(|found| Failure::invalid("form_invalid", found.field.id(), problem(found)));
    match failures.next() {
        Some(first) => failures.fold(first, Failure::and),
        None => Failure::invalid("form_invalid", "form", "表单有误，请检查后重新提交"),
    }
}

fn items(reason: &'static str, items: &[String], text: &str) -> Failure {
    let mut failures = items.iter().map(|item| Failure::invalid(reason, item.clone(), text));
    match failures.next() {
        Some(first) => failures.fold(first, Failure::and),
        None => Failure::invalid(reason, "items", text),
    }
}

/// RFC 3339, for programs.
fn machine(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

fn overtaken(reason: &'static str, what: &str, by: &Overtaken) -> Failure {
    let text = format!(
        "{what}：{}（{}）已于 {} 办理，当前为“{}”，请刷新后再操作",
        by.office,
        actor(by.role),
        instant(by.at),
        stage(by.stage, &by.transition)
    );
    Failure::refused(reason, text)
        .with("version", by.version)
        .with("stage", by.stage.id())
        .with("transition", &by.transition)
        .with("role", by.role.role())
        .with("office", &by.office)
        .with("at", machine(by.at))
}

/// The refusal as every audience reads it.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        match refusal {
            Refusal::OutOfScope => Failure::not_found(),
            Refusal::Stale(by) => overtaken("stale_version", "内容已有更新", &by),
            Refusal::AlreadyDecided(by) => overtaken("already_decided", "已作出审核决定，不能撤回", &by),
            Refusal::AlreadyWithdrawn(by) => overtaken("already_withdrawn", "申请已被撤回，不能审核", &by),
            Refusal::OtherSubmission { version, hash } => {
                Failure::refused("stale_submission", "申报内容已更新，请查看最新提交后再审核")
                    .with("submission_version", version)
                    .with("submission_hash", hash)
            }
            Refusal::SubmissionNotNamed => Failure::invalid(
                "submission_not_named",
                "judged",
                "审核时须注明所审的提交版本，请刷新页面重试",
            ),
            Refusal::WrongStage { stage: at, command: tried } => {
                Failure::refused("wrong_stage", format!("当前为“{}”，不能{}", stage(at, ""), command(tried)))
                    .with("stage", at.id())
            }
            Refusal::NotYourTurn { stage: at, command: tried, actor: who } => Failure::refused(
                "not_your_turn",
                format!("“{}”环节的{}由{}办理，您不能操作", stage(at, ""), command(tried), actor(who)),
            )
            .with("stage", at.id())
            .with("role", who.role()),
            Refusal::DecidedBefore { tier } => Failure::refused(
                "decided_before",
                format!("您已在{}环节办理过该申请，须由其他人员办理本环节", party(tier)),
            )
            .with("tier", tier.id()),
            Refusal::NotLead => {
                Failure::refused("not_lead", "须由本级负责人（专家组为组长）办理，请联系负责人")
            }
            Refusal::ExtensionInvalid { max } => Failure::invalid(
                "extension_invalid",
                "working_days",
                format!("请填写延长的工作日数，1–{max} 天"),
            ),
            Refusal::AssigneeUnfit => Failure::refused(
                "assignee_unfit",
                "所选人员不能办理该申请：须为本环节的在职人员，且未在其他环节办理过该申请",
            )
            .on("assignee_id"),
            Refusal::NotEditable { stage: at } => {
                Failure::refused("not_editable", format!("当前为“{}”，不能修改", stage(at, "")))
                    .with("stage", at.id())
            }
            Refusal::FieldClosed { field: closed } => {
                Failure::refused("field_closed", format!("退回意见未要求修改{}，不能改动", field(closed)))
                    .on(closed.id())
            }
            Refusal::EditedMeanwhile { edit_version, at } => {
                Failure::refused("edited_meanwhile", "内容已被他人更新")
                    .overtaken("本企业另一页面或同事", at, "保存了表单")
                    .with("edit_version", edit_version)
            }
            Refusal::AccountNotActive => Failure::refused(
                "account_not_active",
                "企业账号未通过审核或已停用，请先完善企业资料并等待审核",
            ),
            Refusal::RoundClosed => {
                Failure::refused("round_closed", "该批次今天不受理新申请，请选择正在受理的批次")
                    .on("round_id")
            }
            Refusal::LiveApplicationExists => {
                Failure::refused("live_application_exists", "该场站在本批次已有申请，请在原申请上继续办理")
                    .on("station_id")
            }
            Refusal::FormInvalid(problems) => form(&problems),
            Refusal::Unanswered(named) => {
                items("unanswered", &named, "退回意见指出的此项尚未修改，请修改或填写说明")
            }
            Refusal::GateA => Failure::refused("gate_a", "场站尚未完成互联互通接入，请先接入后再提交"),
            Refusal::GateB => {
                Failure::refused("gate_b", "有充电接口尚未上报数据，请确认全部接口在线上报后再提交")
            }
            Refusal::EvidenceMissing => {
                Failure::conflict("evidence_missing", "提交期间申请有变化，请重新提交")
            }
            Refusal::OpinionMissing => {
                Failure::invalid("opinion_missing", "opinion", "请填写审批意见；退回时还须至少指出一项")
            }
            Refusal::OpinionTooLong => {
                Failure::invalid("opinion_too_long", "opinion", "审批意见不能超过 2000 个字，请精简")
            }
            Refusal::OpinionUnreadable => {
                Failure::invalid("opinion_unreadable", "opinion", "审批意见含有不可见字符，请重新输入")
            }
            Refusal::ItemsMissing => {
                Failure::invalid("items_missing", "items", "退回时请填写审批意见，并至少指出一项")
            }
            Refusal::UnknownItem(item) => Failure::invalid(
                "unknown_item",
                "items",
                format!("“{item}”不是本环节可退回的项目，请重新选择"),
            ),
            Refusal::ReasonMissing => Failure::invalid("reason_missing", "reason", "请填写原因"),
            Refusal::PapersUnticked(missing) => {
                items("papers_unticked", &missing, "请逐项核对并勾选；确有缺失的请登记为“资料不全”")
            }
            Refusal::PapersContradict => Failure::invalid(
                "papers_contradict",
                "missing",
                "已登记为“资料齐全”，不能同时列出缺失的资料，请核对",
            ),
            Refusal::UnknownPaper(_) => super::unknown("ticked"),
            Refusal::MissingPapersUnlisted => {
                Failure::invalid("missing_papers_unlisted", "missing", "请至少勾选一项缺失的资料（M1–M9）")
            }
            Refusal::PaperDate => {
                Failure::invalid("paper_date", "checked_on", "请选择初审日期，且不能晚于今天")
            }
            Refusal::CheckerMissing => {
                Failure::invalid("checker_missing", "checker", "请填写初审人员，不超过 50 个字")
            }
            Refusal::DirectionMissing => {
                Failure::invalid("target_missing", "target", "请选择退回对象：运营商、专家组或市级主管部门")
            }
            Refusal::VerdictMissing => Failure::invalid("verdict_missing", "verdict", "请选择同意或不同意"),
            Refusal::SubmittedOnce => {
                Failure::refused("submitted_once", "该申请曾经提交，不能删除；如不再办理请终止")
            }
            Refusal::NotAssigned => Failure::refused("not_assigned", "您不在该工单的专家组中，不能评审"),
            Refusal::NotDeclared => Failure::refused("not_declared", "请先签署利益冲突声明，再进行评审"),
            Refusal::Conflicted => {
                Failure::refused("conflicted", "您已声明与该申请存在利益冲突，须回避，由专家组其他成员评审")
            }
            Refusal::LeadDecides => {
                Failure::refused("lead_decides", "本批次由专家组组长作出结论，您可以填写个人意见")
            }
            Refusal::QuorumUnmet { have, needed } => Failure::refused(
                "quorum_unmet",
                format!("尚未达到规定人数：需要 {needed} 位专家意见一致，目前 {have} 位（含您）"),
            )
            .with("have", have)
            .with("needed", needed),
            Refusal::NotInSample => {
                Failure::refused("not_in_sample", "该申请未被抽中，随工单办结自动通过，无需逐件审核")
            }
            Refusal::DepartmentNotRequired => {
                Failure::refused("department_not_required", "本批次不需要贵部门会签")
            }
            Refusal::DepartmentSigned => Failure::refused("department_signed", "贵部门已会签，无需重复办理"),
            Refusal::BeforeFreezeDue { due } => Failure::refused(
                "before_freeze_due",
                format!("工单冻结期限为 {}，到期后方可转入下次发起", instant(due)),
            )
            .with("due", machine(due)),
            Refusal::AlreadyLaunched { prefecture, order } => Failure::refused(
                "already_launched",
                "该城市已有这一次发起的工单，请在原工单上办理，或使用新的发起序号",
            )
            .with("prefecture", prefecture)
            .with("work_order_id", order),
            Refusal::NoMembers { prefecture } => {
                Failure::refused("no_members", "该城市没有待发起联合审核的申请，请去掉该城市后重试")
                    .with("prefecture", prefecture)
            }
            Refusal::MembersChanged { prefecture, seen, found } => Failure::refused(
                "members_changed",
                format!("待发起联合审核的申请已由 {seen} 件变为 {found} 件，请核对后重新确认"),
            )
            .with("prefecture", prefecture)
            .with("seen", seen)
            .with("found", found),
            Refusal::PanelInvalid { prefecture } => Failure::invalid(
                "panel_invalid",
                "cities",
                "每个城市须指定至少一位专家，人员不重复，并从中指定一位组长；每个城市只能出现一次",
            )
            .with("prefecture", prefecture),
            Refusal::NotAnExpert { person } => {
                Failure::refused("not_an_expert", "所选人员不是可用的专家，请重新选择")
                    .on("cities")
                    .with("expert_id", person)
            }
            Refusal::ExpertEmployed { person, application } => {
                Failure::refused("expert_employed", "所选专家任职于参评企业，须回避，请更换专家")
                    .on("cities")
                    .with("expert_id", person)
                    .with("application_id", application)
            }
            Refusal::MembersUnready { count } => Failure::refused(
                "members_unready",
                format!("还有 {count} 件申请未完成专家评审，请等待完成或在到期后转入下次发起"),
            )
            .with("count", count),
            Refusal::AlreadyFrozen => Failure::refused("already_frozen", "该工单已冻结并完成抽样"),
            Refusal::OrderConcluded => {
                Failure::refused("order_concluded", "该工单已办结，不能再修改利益冲突声明")
            }
            Refusal::NotFrozen => Failure::refused("not_frozen", "该工单尚未冻结，不能扩大抽查"),
            Refusal::OrderStale { version, last } => {
                let failure = Failure::refused("stale_version", "工单已有更新").with("version", version);
                match last {
                    Some(last) => {
                        let office = if last.office.is_empty() { "平台管理员" } else { &last.office };
                        failure.overtaken(office, last.at, command(last.command))
                    }
                    None => failure,
                }
            }
            Refusal::ThresholdNotExceeded { findings, threshold } => Failure::refused(
                "threshold_not_exceeded",
                format!("本次抽查发现问题 {findings} 件，未超过 {threshold} 件，无需扩大抽查"),
            )
            .with("findings", findings)
            .with("threshold", threshold),
            Refusal::NothingToDraw => {
                Failure::refused("nothing_to_draw", "该工单的申请已全部抽查，没有可再抽取的")
            }
        }
    }
}
