//! A person who signs out elsewhere while a form is open is led back to that form.
use anyhow::Result;
use system_tests::{PASSWORD, cases::Stage};

use crate::{kit::Window, system};

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_returns_to_the_same_form_and_what_was_typed_is_sent_after_signing_in() -> Result<()>
{
    let system = system().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    system.county("410105").await?;
    let window = Window::before(&system).await?;
    let review = format!("/supervision/county-subsidies/{}/review", case.id());
    window.visit(&review).await?;
    window.sees("账号登录").await?;
    window.enter("co_410105", PASSWORD).await?;
    window.sees("审核意见").await?;
    assert_eq!(window.path().await?, review);

    let form = window.client().window().await?;
    let other = window.client().new_window(true).await?.handle;
    window.client().switch_to_window(other).await?;
    window.visit("/workbench").await?;
    window.press("金水区审核员").await?;
    window.press("退出登录").await?;
    window.sees("账号登录").await?;
    window.client().switch_to_window(form).await?;
    window.choose("总体结论", "通过").await?;
    window.fill("审批意见", "选址与规划一致，同意").await?;
    window.press("提交审核结论").await?;
    window.shows("login-again", "登录已超时").await?;
    window.enter("co_410105", PASSWORD).await?;
    window.shows("continue", "刚才填写的内容还没有提交").await?;
    window.sees("选址与规划一致，同意").await?;
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02"]);
    window.press("继续提交").await?;
    window.shows("continued", "）已通过").await?;
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_while_files_are_read_is_renewed_at_the_top_and_leads_back() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CityReview).await?;
    system.city("410100").await?;
    let window = Window::before(&system).await?;
    window.sign_in("ci_410100").await?;
    let review = format!("/supervision/county-subsidies/{}/review", case.id());
    window.visit(&review).await?;
    window.sees("材料预览").await?;
    // Elsewhere the same person signs out.
    let reading = window.client().window().await?;
    let other = window.client().new_window(true).await?.handle;
    window.client().switch_to_window(other).await?;
    window.visit("/workbench").await?;
    window.press("郑州市审核员").await?;
    window.press("退出登录").await?;
    window.sees("账号登录").await?;
    window.client().switch_to_window(reading.clone()).await?;

    window.press("09_发票_最小OFD.ofd").await?;
    window.client().enter_frame(0).await?;
    window.sees("登录已超时").await?;
    window.press("重新登录").await?;
    window.client().switch_to_window(reading).await?;
    window.sees("账号登录").await?;
    window.enter("ci_410100", PASSWORD).await?;
    window.sees("材料预览").await?;
    assert_eq!(window.path().await?, review);
    window.close().await?;
    system.finish().await
}
