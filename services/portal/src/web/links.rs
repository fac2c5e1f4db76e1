//! 信息服务/数据互联互通/接口联调: an operator's link by T/CEC 102, what is pulled by it, and the joint test that people start.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::stations::{
    GetLinkRequest, JointTest, Link, ListJointTestsRequest, ListQualityDaysRequest, ListTurnsRequest,
    OwedDay, StartJointTestRequest, TestStep, Turn,
};
use tonic::{Response, Status};

use super::{Routes, back_to, charge_orders, defects, interconnect, link_list, link_settings, machines};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor, case::Fact, format, quality, refused::Away, stage::Tag,
};

/// An operator's own link.
pub const OWN: &str = "/interconnect/link";
/// The link of an operator, for administrators.
const ONE: &str = "/system/links/{id}";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(OWN, get(own))
        .route("/interconnect/link/test", back_to(OWN).post(test_own))
        .route(ONE, get(one))
        .route("/system/links/{id}/test", back_to(ONE).post(test_one))
}

/// One thing that is pulled from the operator's system.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    /// What.
    pub name: &'static str,
    /// Words and class.
    pub state: Tag,
    /// The last complete time.
    pub success_at: String,
    /// Items of it.
    pub items: String,
    /// Days that have not been compared; empty where there are none.
    pub owed: String,
    /// The last failure, with its time.
    pub failure: String,
    /// When it comes next.
    pub due_at: String,
}

/// One step of a joint test.
#[derive(Debug, Clone, Default)]
pub struct Stepped {
    /// At whose door.
    pub side: &'static str,
    /// What it tries.
    pub title: String,
    /// Words and class.
    pub outcome: Tag,
    /// Result code.
    pub ret: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub way_out: String,
}

/// A joint test.
#[derive(Debug, Clone, Default)]
pub struct Tested {
    /// Words and class.
    pub outcome: Tag,
    /// When it was asked for.
    pub requested_at: String,
    /// When it ended; — while it runs.
    pub finished_at: String,
    /// Steps that passed, of all.
    pub passed: String,
}

/// The page.
#[derive(Template)]
#[template(path = "link.html")]
pub struct LinkPage {
    /// The frame.
    pub page: Page,
    /// Whose link an administrator looks at; empty for the own one, and while it cannot be read.
    pub company: String,
    /// Why a test could not be started.
    pub form: Form,
    /// Where a test is started; empty where there is no link.
    pub start: String,
    /// Where the link is opened, set and ended.
    pub settings: String,
    /// Words and class.
    pub state: Tag,
    /// What is missing before data can come.
    pub missing: Vec<&'static str>,
    /// Addresses and identity.
    pub facts: Vec<Fact>,
    /// What is pulled.
    pub pulled: Result<Vec<Pulled>, Away>,
    /// What became of the operator's data in the last days.
    pub days: Result<Vec<quality::Row>, Away>,
    /// Where the data is listed that was not taken.
    pub defects: String,
    /// Where an order of the operator is asked for.
    pub orders: String,
    /// Whether a test waits or runs.
    pub running: bool,
    /// Steps of the last test that ended.
    pub steps: Vec<Stepped>,
    /// The latest tests, newest first.
    pub tests: Result<Vec<Tested>, Away>,
}

/// The page of an operator's link; of the own one where `operator_id` is empty.
pub(super) fn path(operator_id: &str) -> String {
    match operator_id {
        "" => OWN.to_owned(),
        id => format!("/system/links/{id}"),
    }
}

/// The entry of the menu that it belongs to, with all that stands below it.
pub(super) fn menu(operator_id: &str) -> &'static str {
    if operator_id.is_empty() { interconnect::LIST } else { link_list::LIST }
}

fn tag(text: &str, class: &'static str) -> Tag {
    Tag { text: text.to_owned(), class }
}

/// Words and class of a link, or of none.
pub(super) fn state(link: Option<&Link>) -> Tag {
    match link {
        None => tag("未开通", "draft"),
        Some(link) if link.state == "revoked" => tag("已撤销", "danger"),
        Some(link) if !link.open => tag("已暂停", "warn"),
        Some(_) => tag("已开通", "ok"),
    }
}

/// What has to be done before data can come.
pub(super) fn missing(link: Option<&Link>) -> Vec<&'static str> {
    let Some(link) = link else {
        return vec!["互联互通尚未开通，由平台管理员开通并发放密钥"];
    };
    let wants = [
        (link.state == "revoked", "互联互通已撤销，由平台管理员重新开通"),
        (link.state == "active" && !link.open, "互联互通已暂停，由平台管理员恢复"),
        (link.base_url.is_empty(), "尚未填写运营商系统的接口地址，平台不能主动查询场站和状态"),
        (!link.callable, "尚未填写平台调用运营商系统所用的密钥"),
    ];
    wants.into_iter().filter(|(wanting, _)| *wanting).map(|(_, words)| words).collect()
}

fn facts(link: &Link) -> Vec<Fact> {
    let until = link.inbound.iter().filter_map(|set| set.retires_at.as_ref()).next();
    vec![
        Fact { name: "OperatorID", value: format::or_dash(&link.organisation_code) },
        Fact { name: "运营商系统地址", value: format::or_dash(&link.base_url) },
        Fact { name: "协议版本", value: format::or_dash(&link.protocol_version) },
        Fact {
            name: "TLS 证书",
            value: if link.authority.is_empty() { "公共根证书" } else { "运营商自有" }.to_owned(),
        },
        Fact { name: "时钟允许偏差", value: format!("{} 秒", link.window_secs) },
        Fact { name: "有效密钥", value: format!("{} 组", link.inbound.len()) },
        Fact { name: "旧密钥有效至", value: format::moment(until) },
    ]
}

fn pulled(turn: &Turn) -> Pulled {
    let state = match (turn.failures, &turn.last_success_at) {
        (0, None) => tag("待执行", "draft"),
        (0, Some(_)) => tag("正常", "ok"),
        (failures, _) => tag(&format!("连续失败 {failures} 次"), "danger"),
    };
    let failure = match &turn.last_failure_at {
        // Of the last complete turn; a later failure puts its own words in their place.
        _ if turn.reason == "items_rejected" => turn.found.clone(),
        Some(at) => format!("{} {}", format::moment(Some(at)), turn.found),
        None => format::empty(),
    };
    Pulled {
        name: match turn.kind.as_str() {
            "stations" => "场站资料",
            other => quality::kind(other),
        },
        state,
        success_at: format::moment(turn.last_success_at.as_ref()),
        items: match turn.kind.as_str() {
            "statistics" | "order_check" => format!("一致 {}，不一致 {}", turn.taken, turn.rejected),
            _ => format!("接收 {}，未接收 {}", turn.taken, turn.rejected),
        },
        owed: owed(&turn.owed),
        failure,
        due_at: format::moment(turn.due_at.as_ref()),
    }
}

/// Days that are still asked for, and those that are not any more.
fn owed(days: &[OwedDay]) -> String {
    let named = |words: &str, given_up: bool| {
        let of = days.iter().filter(|day| day.given_up == given_up).map(|day| day.day.as_str());
        let of: Vec<&str> = of.collect();
        (!of.is_empty()).then(|| format!("{words}：{}", of.join("、")))
    };
    let parts = [named("尚未核对", false), named("超过 7 天未能核对", true)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("；")
}

fn stepped(step: TestStep) -> Stepped {
    Stepped {
        side: match step.side.as_str() {
            "platform" => "平台接口",
            "operator" => "运营商系统",
            _ => "已收数据",
        },
        outcome: match step.outcome.as_str() {
            "passed" => tag("通过", "ok"),
            "failed" => tag("未通过", "danger"),
            "left_out" => tag("不检查", "draft"),
            _ => tag("未执行", "draft"),
        },
        ret: step.ret.map_or_else(format::empty, |ret| ret.to_string()),
        title: step.title,
        found: step.found,
        way_out: step.way_out,
    }
}

fn tested(test: &JointTest) -> Tested {
    let of = |outcome: &str| test.steps.iter().filter(|step| step.outcome == outcome).count();
    let passed = of("passed");
    Tested {
        outcome: match (&test.finished_at, test.passed) {
            (None, _) => tag("进行中", "warn"),
            (Some(_), true) => tag("通过", "ok"),
            (Some(_), false) => tag("未通过", "danger"),
        },
        requested_at: format::moment(test.requested_at.as_ref()),
        finished_at: format::moment(test.finished_at.as_ref()),
        passed: format!("{passed} / {}", test.steps.len() - of("left_out")),
    }
}

/// A link as it was answered; nothing where the operator has none.
pub(super) fn held(answer: Result<Response<Link>, Status>) -> Result<Option<Link>, Refused> {
    match answer.map_err(Refused::from) {
        Ok(link) => Ok(Some(link.into_inner())),
        Err(refused) if refused.status() == StatusCode::NOT_FOUND => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// Name of the company whose link it is; empty for the own one, and while it cannot be read.
///
/// # Errors
/// Not found: there is no such company, and no page about it.
pub(super) async fn company(visitor: &Visitor, operator_id: &str) -> Result<String, Refused> {
    if operator_id.is_empty() {
        return Ok(String::new());
    }
    match machines::operator(visitor, operator_id, "").await.map_err(Refused::from) {
        Ok(found) => Ok(found.company_name),
        Err(refused) if refused.status() == StatusCode::NOT_FOUND => Err(refused),
        Err(_) => Ok(String::new()),
    }
}

/// The page of an operator's link; `operator_id` is empty for the own one.
async fn show(visitor: &Visitor, operator_id: String, path: &str, form: Form) -> Answer {
    let (mut links, mut turns, mut tests) = (visitor.links(), visitor.turns(), visitor.turns());
    let mut counts = visitor.registry();
    let (page, company, link, turns, days, tests) = tokio::join!(
        visitor.page(menu(&operator_id), "接口联调"),
        company(visitor, &operator_id),
        links.get_link(GetLinkRequest { operator_id: operator_id.clone() }),
        turns.list_turns(ListTurnsRequest { operator_id: operator_id.clone() }),
        counts.list_quality_days(ListQualityDaysRequest {
            operator_id: operator_id.clone(),
            ..ListQualityDaysRequest::default()
        }),
        tests.list_joint_tests(ListJointTestsRequest { operator_id: operator_id.clone() }),
    );
    let (company, link) = (company?, held(link)?);
    let pulled =
        Away::or(turns, "数据拉取情况")?.map(|answer| answer.into_inner().turns.iter().map(pulled).collect());
    let tests = Away::or(tests, "联调测试记录")?.map(|answer| answer.into_inner().tests);
    let known: &[JointTest] = tests.as_deref().unwrap_or_default();
    let last = known.iter().find(|test| test.finished_at.is_some());
    let active = link.as_ref().is_some_and(|link| link.state == "active");
    let status = form.status();
    let page = LinkPage {
        page,
        company,
        form,
        start: if active { format!("{path}/test") } else { String::new() },
        settings: link_settings::path(&operator_id),
        state: state(link.as_ref()),
        missing: missing(link.as_ref()),
        facts: link.as_ref().map(facts).unwrap_or_default(),
        pulled,
        days: Away::or(days, "数据质量")?.map(|answer| quality::rows(&answer.into_inner().days)),
        defects: defects::path(&operator_id),
        orders: charge_orders::path(&operator_id),
        running: known.iter().any(|test| test.finished_at.is_none()),
        steps: last.map(|test| test.steps.clone().into_iter().map(stepped).collect()).unwrap_or_default(),
        tests: tests.map(|tests| tests.iter().map(tested).collect()),
    };
    visitor.show(status, &page)
}

async fn test(visitor: &Visitor, operator_id: String, path: &str, form: Form) -> Answer {
    let body = StartJointTestRequest { request_id: form.request_id(), operator_id: operator_id.clone() };
    match visitor.turns().start_joint_test(body).await {
        Ok(_) => visitor.done(path, "联调测试已开始，约一分钟后刷新本页查看结果"),
        Err(status) => show(visitor, operator_id, path, form.refused(status)?).await,
    }
}

async fn own(visitor: Visitor) -> Answer {
    visitor.only(&[Role::Operator])?;
    show(&visitor, String::new(), OWN, Form::default()).await
}

async fn test_own(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    test(&visitor, String::new(), OWN, form).await
}

async fn one(visitor: Visitor, Path(operator_id): Path<String>) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let path = path(&operator_id);
    show(&visitor, operator_id, &path, Form::default()).await
}

async fn test_one(visitor: Visitor, Path(operator_id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let path = path(&operator_id);
    test(&visitor, operator_id, &path, form).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_have_not_been_compared_are_named_by_what_becomes_of_them() {
        let day = |day: &str, given_up| OwedDay { day: day.into(), given_up, ..OwedDay::default() };
        assert_eq!(owed(&[]), "");
        assert_eq!(owed(&[day("2026-11-25", false)]), "尚未核对：2026-11-25");
        let both = [day("2026-11-25", false), day("2026-11-24", false), day("2026-11-10", true)];
        assert_eq!(owed(&both), "尚未核对：2026-11-25、2026-11-24；超过 7 天未能核对：2026-11-10");
    }
}
