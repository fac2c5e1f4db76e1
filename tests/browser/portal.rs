//! Each role signs in and works at its desk; pages that are not there say so in words.
use anyhow::Result;
use system_tests::{cases::Stage, eventually, wait::PATIENCE};

use crate::{kit::Window, system};

#[tokio::test(flavor = "multi_thread")]
async fn each_role_signs_in_and_finds_its_own_menu() -> Result<()> {
    let system = system().await?;
    let company = system.company(system.number(), "410105").await?;
    system.administrator().await?;
    system.county("410105").await?;
    system.city("410100").await?;
    system.expert(1).await?;
    system.department("fgw").await?;
    let roles = [
        (company.actor.name(), "甲示例", "operator", "建设补贴申请"),
        ("admin01", "admin01", "administrator", "账号管理"),
        ("co_410105", "金水区审核员", "county", "县域充电站补贴管理"),
        ("ci_410100", "郑州市审核员", "city", "县域充电站补贴管理"),
        ("expert_01", "expert_01", "expert", "补贴管理"),
        ("pr_fgw", "pr_fgw", "province", "补贴管理"),
    ];
    let window = Window::before(&system).await?;
    window.visit("/login").await?;
    window.shows("login", "账号登录").await?;
    window.enter("co_410105", "Wrong-Password-1").await?;
    window.shows("login-refused", "账号名称或密码不正确").await?;
    for (login, name, role, entry) in roles {
        window.sign_in(login).await?;
        window.shows(&format!("workbench-{role}"), entry).await?;
        window.press(name).await?;
        window.press("退出登录").await?;
        window.sees("账号登录").await?;
    }
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_officer_returns_one_application_and_passes_another() -> Result<()> {
    let system = system().await?;
    let returned = system.application().at(Stage::CountyReview).await?;
    let passed = system.application().at(Stage::CountyReview).await?;
    system.county("410105").await?;
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    eventually(PATIENCE, "both tasks are on the workbench", || async {
        window.visit("/workbench").await?;
        Ok(window.text().await?.contains(&passed.view.application_no).then_some(()))
    })
    .await?;
    window.shows("workbench-county-two", &returned.view.application_no).await?;
    window.menu("县域充电站补贴管理").await?;
    window.shows("county-list", &returned.view.application_no).await?;

    window.press_at(&returned.view.application_no, "审核").await?;
    window.shows("county-review", "审核意见").await?;
    window.press("提交审核结论").await?;
    window.shows("county-review-empty", "请选择总体结论").await?;
    window.choose("总体结论", "不通过").await?;
    window.choose("需修改的项目", "经纬度").await?;
    window.fill("审批意见", "经纬度与现场不符，请核对。").await?;
    window.press("提交审核结论").await?;
    window.shows("county-returned", "已退回运营商修改").await?;
    assert_eq!(system.steps(returned.uuid()).await?, ["T01", "T02", "T05"]);

    window.visit("/supervision/county-subsidies").await?;
    window.press_at(&passed.view.application_no, "审核").await?;
    window.choose("总体结论", "通过").await?;
    window.fill("审批意见", "同意").await?;
    window.press("提交审核结论").await?;
    window.shows("county-passed", &format!("（{}）已通过", passed.view.application_no)).await?;
    assert_eq!(system.steps(passed.uuid()).await?, ["T01", "T02", "T04"]);
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_not_there_say_so_and_lead_back() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::Draft).await?;
    system.county("410105").await?;
    let window = Window::before(&system).await?;
    window.visit("/accessibility").await?;
    window.shows("accessibility", "无障碍").await?;
    window.visit("/privacy").await?;
    window.shows("privacy", "隐私").await?;
    window.visit("/nothing").await?;
    window.shows("not-found-signed-out", "页面不存在").await?;
    window.sign_in("co_410105").await?;
    for path in ["/nothing", "/subsidy/applications", &format!("/subsidy/applications/{}", case.id())] {
        window.visit(path).await?;
        window.sees("页面不存在").await?;
    }
    window.shows("not-found", "返回工作台").await?;
    window.press("返回工作台").await?;
    window.sees("待办事项").await?;
    window.visit("/messages").await?;
    window.shows("messages", "消息中心").await?;
    window.visit("/account/password").await?;
    window.fill("原密码", "Wrong-Password-1").await?;
    window.fill("新密码", "short").await?;
    window.fill("再次输入新密码", "short").await?;
    window.press_at("原密码", "修改密码").await?;
    window.shows("password-refused", "错误").await?;
    window.close().await?;
    system.finish().await
}
