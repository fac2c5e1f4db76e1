//! What people type never becomes a script. That pages work without scripts is in `operator`.
use anyhow::Result;
use system_tests::cases::Stage;

use crate::{kit::Window, system};

/// What somebody might type to take over a page.
const HOSTILE: &str =
    "<script>window.taken=1</script><img src=x onerror=\"window.taken=1\">\"'><svg onload=window.taken=1>";
/// What would run if a page let it.
const INJECT: &str = "
    const script = document.createElement('script');
    try { script.textContent = 'window.taken = 1'; document.body.append(script); } catch (refused) { /* trusted types */ }
    try { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.taken=1\">'); } catch (refused) { /* the same */ }";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_stays_text_and_the_policy_blocks_what_is_injected() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    system.county("410105").await?;
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    window.visit(&format!("/supervision/county-subsidies/{}/review", case.id())).await?;
    window.choose("总体结论", "不通过").await?;
    window.fill("审批意见", HOSTILE).await?;
    window.press("提交审核结论").await?;
    window.shows("hostile-refused", "错误").await?;
    window.choose("需修改的项目", "经纬度").await?;
    window.press("提交审核结论").await?;
    window.sees("已退回").await?;
    window.visit(&format!("/supervision/county-subsidies/{}/review", case.id())).await?;
    window.shows("hostile-history", "<script>window.taken=1</script>").await?;

    window.client().execute(INJECT, vec![]).await?;
    let taken = window.client().execute("return window.taken === undefined", vec![]).await?;
    assert_eq!(taken, true);
    let complaints = window.complaints().await?.join("\n");
    assert!(complaints.contains("'TrustedScript' assignment. The action has been blocked"), "{complaints}");
    assert!(complaints.contains("'TrustedHTML' assignment. The action has been blocked"), "{complaints}");
    window.close().await?;
    system.finish().await
}
