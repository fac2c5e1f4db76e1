//! G11 and G12 by clicking: panel, supplement, freeze, spot check. The launch is in `launch`.
use anyhow::Result;
use system_tests::{
    System,
    cases::{Case, Stage},
    cast::DEPARTMENTS,
};
use xtask::services::Service;

use crate::{
    kit::Window,
    launch::{awaiting, launch},
    system,
};

async fn open_member(window: &Window, login: &str, case: &Case) -> Result<()> {
    window.sign_in_anew(login).await?;
    window.visit(&format!("/supervision/subsidies/{}", case.id())).await?;
    window.sees(&case.view.application_no).await
}

async fn passes(window: &Window, login: &str, case: &Case) -> Result<()> {
    open_member(window, login, case).await?;
    window.choose("总体结论", "通过").await?;
    window.press("提交审核结论").await?;
    window.sees("通过").await
}

/// The declaration on the order's page, without which no expert judges. Errors: it is refused.
pub async fn declare(window: &Window) -> Result<()> {
    window.choose("利益冲突", "不存在").await?;
    window.press("签署声明").await?;
    window.sees("声明已签署").await
}

/// An expert or a department writes down an own opinion, which decides nothing.
async fn opines(window: &Window, login: &str, case: &Case, verdict: &str) -> Result<()> {
    open_member(window, login, case).await?;
    if login.starts_with("expert") {
        window.shows("expert-undeclared", "签署后可查看申报材料并评审").await?;
        window.press("去签署回避声明").await?;
        declare(window).await?;
        window.press_at(&case.view.application_no, "审核").await?;
    }
    window.choose("我的结论", verdict).await?;
    window.fill_at("我的结论", "意见", "资料与现场一致。").await?;
    window.press("记入个人意见").await?;
    window.sees("个人意见已记入审核记录").await
}

async fn supplements(system: &System, window: &Window, case: &Case, page: &str) -> Result<()> {
    system.dossier_opens(case).await?;
    window.sign_in_anew(case.operator().name()).await?;
    window.visit(&format!("/subsidy/dossiers/{}", case.id())).await?;
    window.shows(page, "补充材料").await?;
    window.fill("对退回意见的说明", "已核对，见附件第二页。").await?;
    window.press("保存说明").await?;
    window.sees("说明已保存").await?;
    window.press_at("三、提交", "提交").await?;
    window.sees("回执编号").await
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_g11_g12_orders_are_launched_once_one_member_is_supplemented_and_the_province_signs() -> Result<()>
{
    let system = system().await?;
    let cases = awaiting(&system).await?;
    let (first, second) = (cases[0].clone(), cases[1].clone());
    let window = Window::before(&system).await?;
    launch(&system, &window).await?;

    window.sign_in_anew("expert_01").await?;
    window.press("补贴管理").await?;
    window.shows("orders-expert", "待签署回避声明").await?;
    window.press_at("郑州市", "签署声明").await?;
    window.shows("order-expert", "回避声明").await?;
    declare(&window).await?;
    opines(&window, "expert_02", &first, "同意").await?;
    window.shows("expert-opinion", "个人意见已记入审核记录").await?;

    // G11: one comes back, the other goes on.
    open_member(&window, "expert_01", &first).await?;
    window.shows("expert-review", "审核意见").await?;
    window.choose("省级奖补资金项目申请函", "不合格").await?;
    window.choose("总体结论", "不通过").await?;
    window.fill("审批意见", "申请函金额与决算不一致。").await?;
    window.press("提交审核结论").await?;
    window.sees("已退回").await?;
    passes(&window, "expert_01", &second).await?;
    supplements(&system, &window, &first, "dossier-supplement").await?;
    passes(&window, "expert_01", &first).await?;

    window.sign_in_anew("admin01").await?;
    window.press("补贴管理").await?;
    window.press_at("郑州市", "查看").await?;
    window.shows("order-administrator", "锁定工单").await?;
    window.press("锁定工单").await?;
    window.shows("order-freeze", "锁定不能撤销").await?;
    window.choose("", "我已核对").await?;
    window.press("锁定工单并抽样").await?;
    window.shows("order-frozen", "随机种子").await?;

    // G12: the province finds a fault in a material; the member comes back through the experts.
    for code in DEPARTMENTS {
        system.department(code).await?;
    }
    open_member(&window, "pr_fgw", &first).await?;
    window.shows("province-review", "退回对象").await?;
    window.choose("省级奖补资金项目申请函", "不合格").await?;
    window.choose("总体结论", "不通过").await?;
    window.choose("退回对象", "运营商").await?;
    window.fill("审批意见", "申请函日期有误。").await?;
    window.press("提交审核结论").await?;
    window.sees("已退回").await?;
    supplements(&system, &window, &first, "dossier-supplement-province").await?;
    passes(&window, "expert_01", &first).await?;
    // Each department writes down what it thinks, by an account of its own, before it signs.
    for code in DEPARTMENTS {
        opines(&window, &format!("pr_{code}"), &second, "同意").await?;
    }
    window.shows("province-opinion", "个人意见已记入审核记录").await?;
    let said = format!(
        "SELECT department FROM opinions WHERE application_id = '{}' AND department <> '' ORDER BY department",
        second.id()
    );
    assert_eq!(system.texts(Service::Reviews, &said).await?, DEPARTMENTS);
    for case in [&first, &second] {
        for code in DEPARTMENTS {
            passes(&window, &format!("pr_{code}"), case).await?;
        }
    }
    let mut first = first;
    assert_eq!(first.look().await?.stage, "Approved");
    window.sign_in_anew(first.operator().name()).await?;
    window.visit(&format!("/subsidy/applications/{}", first.id())).await?;
    window.shows("application-approved", "审核通过").await?;
    window.close().await?;
    system.finish().await
}
