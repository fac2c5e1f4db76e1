//! The side ways of the workflow by clicking: taking back, terminating, carrying over, the province's returns, a wider
//! sample, and what is done to deadlines and desks. Each with its words and its row in the history.
use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use system_tests::{
    System,
    cases::{Case, Stage},
    cast::person,
};

use crate::{joint::passes, kit::Window, system};

const COUNTIES: &str = "/supervision/county-subsidies";
const ORDERS: &str = "/supervision/subsidies";
const MEMBERS: &str = "/supervision/subsidies/applications";

/// What is done to one application by its box in a list, which is shown; the reason is in the history.
async fn by_box(window: &Window, verb: &str, case: &Case, to: &str) -> Result<()> {
    window.choose(&case.view.application_no, "选择").await?;
    window.press(&format!("{verb}所选")).await?;
    window.sees("所选申请 1 件").await?;
    match verb {
        "延期" => window.fill("延长工作日", "5").await?,
        "转办" => window.choose("承办人", to).await?,
        _ => {}
    }
    window.fill(&format!("{verb}原因"), &format!("{verb}：请尽快核实")).await?;
    window.press_at(&format!("{verb}原因"), verb).await?;
    window.sees(&format!("已{verb} 1 件")).await
}

/// A step that is confirmed on a page of its own with a reason.
async fn with_reason(window: &Window, path: &str, reason: &str, button: &str, done: &str) -> Result<()> {
    window.visit(path).await?;
    window.fill("原因", reason).await?;
    window.press_at("原因", button).await?;
    window.sees(done).await
}

/// The history on a page tells these, the newest first.
async fn tells(window: &Window, path: &str, parts: &[&str]) -> Result<()> {
    window.visit(path).await?;
    window.in_order(parts).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_is_revoked_or_taken_back_an_application_terminated_and_desks_are_handed_over() -> Result<()> {
    let system = system().await?;
    let mut papers = system.application().at(Stage::PaperCheck).await?;
    let passed = system.application().of(&papers.company).at(Stage::AwaitingJointReview).await?;
    for (login, role, code) in [
        ("co_410105", "county", "410105"),
        ("co_colleague", "county", "410105"),
        ("ci_410100", "city", "410100"),
        ("ci_colleague", "city", "410100"),
    ] {
        system.official(login, role, &[code]).await?;
    }
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    window.visit(COUNTIES).await?;
    by_box(&window, "转办", &papers, "co_colleague").await?;
    let path = format!("{COUNTIES}/{}/revoke", papers.id());
    with_reason(&window, &path, "承诺书未加盖公章", "撤销通过", "已撤销通过，申请退回运营商修改").await?;
    let told = system.deeds(papers.uuid(), 3).await?;
    assert_eq!(told, ["T26 Reassign county", "T08 RevokePass county"]);
    window.visit(COUNTIES).await?;
    by_box(&window, "催办", &papers, "").await?;

    window.sign_in_anew(papers.operator().name()).await?;
    let page = format!("/subsidy/applications/{}", papers.id());
    tells(&window, &page, &["需修改", "审核记录", "撤销县级审核通过", "承诺书未加盖公章", "县级审核"])
        .await?;
    window.press_at("可办理的操作", "终止").await?;
    window.shows("application-terminate", "终止后不可恢复").await?;
    window.fill("原因", "本站不再申报").await?;
    window.press("确认终止").await?;
    window.sees("申请已终止，占用的发票金额和充电接口已释放").await?;
    tells(&window, &page, &["已终止", "审核记录", "终止", "本站不再申报"]).await?;
    papers.comes_to("Terminated").await?;

    window.sign_in_anew("ci_410100").await?;
    let path = format!("{COUNTIES}/{}/take-back", passed.id());
    with_reason(&window, &path, "发票需复核", "收回", "已收回，请重新审核").await?;
    tells(&window, &format!("{COUNTIES}/{}/review", passed.id()), &["收回市级审核通过", "发票需复核"])
        .await?;
    window.visit(COUNTIES).await?;
    by_box(&window, "转办", &passed, "ci_colleague").await?;
    window.visit(COUNTIES).await?;
    window.sees("承办人 ci_colleague").await?;
    by_box(&window, "延期", &passed, "").await?;

    window.sign_in_anew("admin01").await?;
    for verb in ["催办", "延期"] {
        window.visit(MEMBERS).await?;
        by_box(&window, verb, &passed, "").await?;
    }
    let told = [
        "T11 Pass city",
        "T13 TakeBack city",
        "T26 Reassign city",
        "T26 ExtendDeadline city",
        "T26 Remind administrator",
        "T26 ExtendDeadline administrator",
    ];
    assert_eq!(system.deeds(passed.uuid(), 5).await?, told);
    let told = ["T26 Remind county", "T25 Terminate operator"];
    assert_eq!(system.deeds(papers.uuid(), 5).await?, told);
    window.close().await?;
    system.finish().await
}

/// The members of an order that the experts have passed, those in the sample first.
async fn drawn(cases: &mut [Case]) -> Result<()> {
    for case in cases.iter_mut() {
        case.look().await?;
    }
    cases.sort_by_key(|case| !case.view.in_sample);
    Ok(())
}

/// A department sends a member back to whoever caused what was found.
async fn sends_back(window: &Window, case: &Case, target: &str, next: &str) -> Result<()> {
    window.visit(&format!("{ORDERS}/{}", case.id())).await?;
    window.choose("省级奖补资金项目申请函", "不合格").await?;
    window.choose("总体结论", "不通过").await?;
    window.choose("退回对象", target).await?;
    window.fill("审批意见", &format!("退回{target}：核对不严")).await?;
    window.press("提交审核结论").await?;
    window.sees(&format!("（{}）已退回，待{next}办理", case.view.application_no)).await
}

/// Five members of one order that the lead still judges, and everybody who works on them.
async fn order(system: &System) -> Result<Vec<Case>> {
    let round = system.round_with(|policy| policy.sample_permille = 500).await?;
    let company = system.company(system.number(), "410105").await?;
    let made =
        (0..5).map(|_| system.application().of(&company).in_round(&round).at(Stage::AwaitingJointReview));
    let cases = try_join_all(made).await?;
    system.launch(&round, &["410100"]).await?;
    system.official("admin02", "administrator", &["410000"]).await?;
    system.city("410100").await?;
    for (login, code) in [("pr_fgw", "fgw"), ("pr_colleague", "fgw"), ("pr_nyj", "nyj")] {
        system.appointed(&person(login, "province", &["410000"]).of_department(code)).await?;
    }
    Ok(cases)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_carried_over_and_the_province_sends_back_widens_and_concludes() -> Result<()> {
    let system = system().await?;
    let mut cases = order(&system).await?;
    let carried = cases.pop().context("five were made")?;
    let order = cases[0].look().await?.work_order_id.clone();
    let window = Window::before(&system).await?;
    window.sign_in("expert_01").await?;
    for verb in ["延期", "转办"] {
        window.visit(MEMBERS).await?;
        by_box(&window, verb, &cases[0], "expert_02").await?;
    }
    for case in &cases {
        passes(&window, "", case).await?;
    }

    window.sign_in_anew("admin01").await?;
    let path = format!("{ORDERS}/{}/carry-over", carried.id());
    with_reason(&window, &path, "专家组未能按期完成", "转入下次发起", "待下次发起联合审核").await?;
    let told = ["待发起联合审核", "转入下次发起", "专家组未能按期完成", "发起联合审核"];
    tells(&window, &format!("{ORDERS}/{}", carried.id()), &told).await?;
    window.visit(MEMBERS).await?;
    by_box(&window, "转办", &carried, "admin02").await?;
    window.visit(&format!("{ORDERS}/orders/{order}/freeze")).await?;
    window.choose("", "我已核对").await?;
    window.press("冻结工单并抽样").await?;
    window.sees("应抽 2 件").await?;
    window.in_order(&["工单进度", "共 4 件", "已转出本工单", "1"]).await?;
    drawn(&mut cases).await?;

    window.sign_in_anew("pr_fgw").await?;
    window.visit(MEMBERS).await?;
    by_box(&window, "催办", &carried, "").await?;
    for verb in ["延期", "转办"] {
        window.visit(MEMBERS).await?;
        by_box(&window, verb, &cases[0], "pr_colleague").await?;
    }
    sends_back(&window, &cases[0], "专家组", "专家组").await?;
    sends_back(&window, &cases[1], "市级", "市级主管部门").await?;
    window.visit(&format!("{ORDERS}/orders/{order}")).await?;
    // Nothing is drawn by one press.
    window.press("扩大抽查").await?;
    window.sees("扩大抽查不能撤销，请勾选确认").await?;
    window.choose("", "我已核对").await?;
    window.press("扩大抽查").await?;
    window.shows("order-widened", "已扩大抽查").await?;
    window.sees("第 2 次").await?;
    drawn(&mut cases[2..]).await?;
    assert!(cases[2].view.in_sample && !cases[3].view.in_sample, "one of two was drawn");
    passes(&window, "", &cases[2]).await?;

    passes(&window, "expert_01", &cases[0]).await?;
    passes(&window, "pr_fgw", &cases[0]).await?;
    for case in [&cases[0], &cases[2]] {
        passes(&window, if case.id() == cases[0].id() { "pr_nyj" } else { "" }, case).await?;
    }
    window.visit(&format!("{ORDERS}/orders/{order}")).await?;
    window.shows("order-concluded", "已办结").await?;
    // The city reads why its pass was not enough.
    window.sign_in_anew("ci_410100").await?;
    let told = ["市级审核", "省级厅委审核", "退回", "退回市级：核对不严"];
    tells(&window, &format!("{COUNTIES}/{}/review", cases[1].id()), &told).await?;
    ways(&system, &cases, &carried).await?;
    window.close().await?;
    system.finish().await
}

/// What each of them went through after the launch.
async fn ways(system: &System, cases: &[Case], carried: &Case) -> Result<()> {
    let way = async |case: &Case| -> Result<Vec<String>> {
        let steps = system.steps(case.uuid()).await?;
        let launched = steps.iter().position(|step| step == "T14").context("it was launched")?;
        Ok(steps[launched + 1..].iter().filter(|step| *step != "T26").cloned().collect())
    };
    ensure!(way(&cases[0]).await? == ["T16", "T20", "T23", "T16", "T21", "T22"]);
    ensure!(way(&cases[1]).await? == ["T16", "T20", "T23"]);
    ensure!(way(&cases[2]).await? == ["T16", "T20", "T24", "T21", "T22"]);
    ensure!(way(&cases[3]).await? == ["T16", "T20", "T22"], "outside the sample: approved with the order");
    ensure!(way(carried).await? == ["T19"]);
    let clocks = async |case: &Case| -> Result<Vec<String>> {
        let deeds = system.deeds(case.uuid(), 0).await?;
        Ok(deeds.into_iter().filter(|deed| deed.starts_with("T26")).collect())
    };
    ensure!(clocks(carried).await? == ["T26 Reassign administrator", "T26 Remind province"]);
    // The expert's member need not be the one that the sample begins with.
    let mut others = Vec::new();
    for case in cases {
        others.extend(clocks(case).await?);
    }
    others.sort();
    let told = ["ExtendDeadline expert", "ExtendDeadline province", "Reassign expert", "Reassign province"];
    ensure!(others == told.map(|deed| format!("T26 {deed}")), "{others:?}");
    let last = system.deeds(cases[0].uuid(), 0).await?;
    ensure!(last.last().is_some_and(|deed| deed == "T22 Pass province"), "{last:?}");
    let beside = system.deeds(cases[3].uuid(), 0).await?;
    ensure!(beside.last().is_some_and(|deed| deed == "T22 ConcludeOrder province"), "{beside:?}");
    Ok(())
}
