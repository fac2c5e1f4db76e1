//! One application from the registration of its company to 审核通过 with scripts switched off: by menus, rows, links and
//! buttons alone. What comes back on the way and what is refused without scripts is in `operator`.
use anyhow::{Context as _, Result, ensure};
use proto::{reviews::Round, stations::Station};
use system_tests::{Company, PASSWORD, System, cases::Case, cast::DEPARTMENTS, companies::profile};

use crate::{
    joint::{freezes, opines, passes},
    kit::{Window, driver::Script},
    launch::{open_launch, prepare},
    materials::{CATEGORIES, PLACES, files, full_round, paper_check, place, tick, two_invoices},
    operator::apply,
    registration::{decide, register},
    system,
};

/// Who applies.
const LOGIN: &str = "unscripted_op";
/// What is typed into the form of the application, by label.
const FORM: [(&str, &str); 7] = [
    ("详细地址", "花园路八十八号"),
    ("经度", "113.668700"),
    ("纬度", "34.798100"),
    ("开工时间", "2024-03-02"),
    ("完工时间", "2024-09-29"),
    ("场站负责人", "丁站长"),
    ("联系电话", "19900010002"),
];

/// Everybody who decides on the way; appointed before anybody signs in by the page, which ends an official's other session.
async fn officials(system: &System) -> Result<()> {
    system.administrator().await?;
    system.county("410105").await?;
    system.city("410100").await?;
    for number in [1, 2] {
        system.expert(number).await?;
    }
    for code in DEPARTMENTS {
        system.department(code).await?;
    }
    Ok(())
}

/// A company registers and is approved. Its charging system has no pages: it gets its client beside them.
async fn company(system: &System, window: &Window) -> Result<Company> {
    let machines = system.official("desk01", "administrator", &["410000"]).await?;
    let profile = profile(system.number(), "410105");
    register(window, LOGIN, &profile).await?;
    decide(window, &profile.company_name, "审核通过", "", "account-approved-unscripted").await?;
    let actor = system.platform().sign_in(LOGIN, PASSWORD).await?;
    let operator_id = actor.claims().await?.operator_id;
    let machine = machines.issue_machine(LOGIN, &operator_id).await?;
    Ok(Company { actor, machine, operator_id, profile })
}

/// The form is filled in, kept as a draft, found again and handed in.
async fn acceptance(window: &Window, company: Company, station: Station, round: Round) -> Result<Case> {
    let name = station.record.as_ref().context("a station has a record")?.name.clone();
    window.sign_in_anew(LOGIN).await?;
    window.menu("建设补贴申请").await?;
    apply(window, &round.name, &name).await?;
    for (label, text) in FORM {
        window.fill(label, text).await?;
    }
    window.press("保存草稿").await?;
    window.sees("草稿已保存").await?;
    window.menu("建设补贴申请").await?;
    window.press_at(&name, "继续填写").await?;
    window.press("提交至").await?;
    window.shows("application-submitted-unscripted", "回执编号").await?;
    let path = window.path().await?;
    let id = path.rsplit('/').next().context("a path has parts")?;
    let view = company.actor.application(id).await?;
    let kept = view.form.as_ref().context("an application has a form")?;
    ensure!((kept.address.as_str(), kept.manager.as_str()) == (FORM[0].1, FORM[5].1), "{kept:?}");
    Ok(Case { company, station, round, view })
}

/// Whoever reviews for a county or a city comes to an application by the menu and its row, and passes it.
async fn desk_passes(window: &Window, login: &str, number: &str) -> Result<()> {
    window.sign_in_anew(login).await?;
    window.menu("县域充电站补贴管理").await?;
    window.press_at(number, "审核").await?;
    window.choose("总体结论", "通过").await?;
    window.press("提交审核结论").await?;
    window.sees(&format!("（{number}）已通过")).await
}

/// A file in each place, one after the other, and two invoices.
async fn materials(system: &System, window: &Window, case: &Case) -> Result<()> {
    system.dossier_opens(case).await?;
    window.sign_in_anew(LOGIN).await?;
    window.menu("建设补贴管理").await?;
    window.press_at(&case.view.application_no, "初审资料提交").await?;
    window.sees("还有 11 项未完成").await?;
    for (number, (name, _)) in PLACES.into_iter().enumerate() {
        for file in files(system, number, 1)? {
            place(window, name, &file).await?;
        }
    }
    two_invoices(system, window, &case.company.profile.uscc).await?;
    window.shows("dossier-full-unscripted", "材料检查通过").await?;
    window.press("提交至").await?;
    window.sees("回执编号").await
}

/// The launch, both experts, the freeze and every department.
async fn joint_review(window: &Window, case: &Case) -> Result<()> {
    window.sign_in_anew("admin01").await?;
    open_launch(window).await?;
    prepare(window, "expert_01", "将为 1 个地市的 1 个充电站发起联合审核").await?;
    window.press("确认发起").await?;
    window.sees("1 个工单、1 个充电站").await?;
    for expert in ["expert_02", "expert_01"] {
        opines(window, expert, case, "同意").await?;
    }
    // The lead, who is still signed in, concludes.
    passes(window, "", case).await?;
    freezes(window).await?;
    for code in DEPARTMENTS {
        passes(window, &format!("pr_{code}"), case).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_goes_from_registration_to_approval_with_scripts_switched_off() -> Result<()> {
    let system = system().await?;
    officials(&system).await?;
    let round = full_round(&system).await?;
    let window = Window::before_with(&system, Script::Off).await?;
    let company = company(&system, &window).await?;
    let station = system.station(&company, "410105").await?;
    let mut case = acceptance(&window, company, station, round).await?;
    let number = case.view.application_no.clone();

    desk_passes(&window, "co_410105", &number).await?;
    paper_check(&window, &number).await?;
    tick(&window, &CATEGORIES, "资料齐全").await?;
    window.sees("线下初审已登记为齐全").await?;
    materials(&system, &window, &case).await?;
    desk_passes(&window, "ci_410100", &number).await?;
    joint_review(&window, &case).await?;
    case.comes_to("Approved").await?;
    let steps = system.steps(case.uuid()).await?;
    let table = ["T01", "T02", "T04", "T06", "T09", "T11", "T14", "T15", "T15", "T16", "T20", "T21", "T22"];
    assert_eq!(steps, table);

    window.sign_in_anew(LOGIN).await?;
    window.menu("建设补贴申请").await?;
    window.press_at(&number, "查看详情").await?;
    window.sees("审核记录").await?;
    window.shows("application-approved-unscripted", "审核通过").await?;
    window.close().await?;
    system.finish().await
}
