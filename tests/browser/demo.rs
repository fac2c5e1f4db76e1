//! The demo by clicking: whoever signs in with what `cargo xtask up --demo` prints gets in, and finds something to do.
use anyhow::{Result, ensure};
use system_tests::System;
use xtask::{
    demo::{self, roster},
    driver::samples::{AccountStatus, Samples},
    services::Service,
    trial::Plan,
};

use crate::kit::Window;

/// Signs in with the demo's password, as somebody else than before.
async fn sign_in(window: &Window, login: &str) -> Result<()> {
    window.visit("/login").await?;
    window.client().delete_all_cookies().await?;
    window.visit("/login").await?;
    window.enter(login, roster::PASSWORD).await
}

/// Those without tasks: administrators of system, security and audit are led to their pages, each company reads how it stands.
async fn others(window: &Window) -> Result<()> {
    for (login, way, words) in [
        ("system01", "接口账号", "签发接口账号"),
        (roster::SECURITY, "操作日志", "只增不改"),
        ("audit01", "操作日志", "只增不改"),
    ] {
        sign_in(window, login).await?;
        window.shows(&format!("demo-{login}"), "常用功能").await?;
        window.press_at("常用功能", way).await?;
        window.sees(words).await?;
    }
    for company in Samples::load()?.operators {
        sign_in(window, &company.login).await?;
        window.sees(&company.company_name).await?;
        let words = match company.account_status {
            AccountStatus::Pending => "企业资料正在审核",
            AccountStatus::Rejected => "审核不通过，请修改企业资料后重新提交",
            AccountStatus::Approved => "我的补贴申请",
        };
        window.sees(words).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_the_demo_names_signs_in_and_finds_something_to_do() -> Result<()> {
    let system = System::planned(demo::link::needed(Plan::quick().with(Service::Portal))).await?;
    let deployment = system.fleet().deployment();
    demo::run(deployment).await?;
    let window = Window::before(&system).await?;
    let desks = demo::desks::busiest(deployment).await?;
    ensure!(desks.len() >= 6, "{desks:?}");
    for (role, login, count) in desks {
        ensure!(count > 0, "{role} has nothing to do");
        sign_in(&window, &login).await?;
        window.shows(&format!("demo-{login}"), "项待办").await?;
        ensure!(window.rows().await? > 0, "{role}: {login} sees no task:\n{}", window.text().await?);
    }
    others(&window).await?;
    window.close().await?;
    system.finish().await
}
