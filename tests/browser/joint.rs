//! G11 and G12 by clicking: panel, supplement, freeze, spot check. The launch is in `launch`.
use std::fs;

use anyhow::Result;
use system_tests::{System, cases::Case, cast::DEPARTMENTS};
use xtask::services::Service;

use crate::{
    kit::Window,
    launch::{awaiting, launch},
    system,
};

/// The city whose order is walked.
const CITY: &str = "郑州市";
/// The file that comes back.
const OLD: &str = "01_省级奖补资金项目申请函.pdf";

/// Comes to a member by the menu, its order and its row, as this person; without a login as whoever is signed in.
async fn open_member(window: &Window, login: &str, case: &Case) -> Result<()> {
    if !login.is_empty() {
        window.sign_in_anew(login).await?;
    }
    window.menu("补贴管理").await?;
    window.press(CITY).await?;
    window.sees("工单成员").await?;
    window.press(&case.view.station_name).await?;
    window.sees("次提交").await?;
    window.sees(&case.view.application_no).await
}

/// Passes a member as this person; without a login as whoever is signed in. Errors: it is refused.
pub async fn passes(window: &Window, login: &str, case: &Case) -> Result<()> {
    open_member(window, login, case).await?;
    window.choose("总体结论", "通过").await?;
    window.press("提交审核结论").await?;
    // 通过 alone stands on the form.
    let done = ["专家组审核通过", "已签署通过"].map(|done| format!("（{}）{done}", case.view.application_no));
    window.sees_one(&[&done[0], &done[1]]).await.map(drop)
}

/// Waits for the word that a member was sent back. Errors: it was not.
async fn is_returned(window: &Window, case: &Case) -> Result<()> {
    window.sees(&format!("（{}）已退回", case.view.application_no)).await
}

/// The declaration on the order's page, without which no expert judges. Errors: it is refused.
pub async fn declare(window: &Window) -> Result<()> {
    window.choose("利益冲突", "不存在").await?;
    window.press("签署声明").await?;
    window.sees("利益冲突声明已签署").await
}

/// An expert or a department writes down an own opinion, which decides nothing; an expert declares before. Errors: it is refused.
pub async fn opines(window: &Window, login: &str, case: &Case, verdict: &str) -> Result<()> {
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

/// The operator answers in words.
async fn supplements(system: &System, window: &Window, case: &Case, page: &str) -> Result<()> {
    system.dossier_opens(case).await?;
    window.sign_in_anew(case.operator().name()).await?;
    window.menu("建设补贴管理").await?;
    window.press_at(&case.view.application_no, "补充材料").await?;
    window.sees("对退回意见的说明").await?;
    window.judge(page).await?;
    window.fill("对退回意见的说明", "已核对，见附件第二页。").await?;
    window.press("保存说明").await?;
    window.sees("说明已保存").await?;
    window.press_at("三、提交", "提交").await?;
    window.sees("回执编号").await
}

/// The operator puts another file in the place of the one that came back.
async fn replaces(system: &System, window: &Window, case: &Case) -> Result<()> {
    system.dossier_opens(case).await?;
    let mended = system.folder(Service::Portal).join("申请函_更正.pdf");
    fs::create_dir_all(system.folder(Service::Portal))?;
    fs::write(&mended, system.paper()?.content)?;
    window.sign_in_anew(case.operator().name()).await?;
    window.menu("建设补贴申请").await?;
    window.press_at(&case.view.application_no, "补充材料").await?;
    window.shows("dossier-supplement", "补充材料").await?;
    window.press(&format!("替换 ：{OLD}")).await?;
    window.attach(&format!("替换 {OLD}"), &[&mended]).await?;
    window.press("上传并替换").await?;
    window.sees("申请函_更正.pdf").await?;
    window.gone(OLD).await?;
    window.press_at("三、提交", "提交").await?;
    window.sees("回执编号").await
}

/// The administrator freezes the city's order, on the way that the manual names. Errors: it is refused.
pub async fn freezes(window: &Window) -> Result<()> {
    window.sign_in_anew("admin01").await?;
    window.menu("补贴管理").await?;
    window.press_at(CITY, "查看").await?;
    window.shows("order-administrator", "冻结工单").await?;
    window.press("冻结工单").await?;
    window.shows("order-freeze", "冻结不能撤销").await?;
    window.choose("", "我已核对").await?;
    window.press("冻结工单并抽样").await?;
    window.shows("order-frozen", "随机种子").await
}

/// What the order's page tells of both members and of its progress.
async fn progress(window: &Window, cases: [&Case; 2], nodes: [&str; 2], bars: &[&str]) -> Result<()> {
    let order = format!("/supervision/subsidies/orders/{}", cases[0].view.work_order_id);
    for (case, node) in cases.into_iter().zip(nodes) {
        window.lists(&order, &case.view.application_no, node).await?;
    }
    window.in_order(&[&["工单进度", "共 2 件"], bars].concat()).await
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
    window.menu("补贴管理").await?;
    window.shows("orders-expert", "待签署回避声明").await?;
    window.press_at(CITY, "签署声明").await?;
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
    is_returned(&window, &first).await?;
    let (mut first, mut second) = (first, second);
    first.look().await?;
    second.look().await?;
    let both = [&first, &second];
    const DUE: &str = "专家组审核不通过（待补充材料）";
    progress(&window, both, [DUE, "专家组审核"], &["专家组审核", "1", DUE, "1"]).await?;
    passes(&window, "", &second).await?;
    progress(&window, both, [DUE, "专家组审核通过"], &[DUE, "1", "专家组审核通过", "1"]).await?;
    replaces(&system, &window, &first).await?;
    open_member(&window, "expert_01", &first).await?;
    window.sees("与上次提交的材料相比更新了：省级奖补资金项目申请函").await?;
    window.in_order(&["与上次提交的差异", OLD, "申请函_更正.pdf"]).await?;
    window.shows("expert-review-again", "已更新").await?;
    progress(&window, both, ["专家组审核", "专家组审核通过"], &["专家组审核", "1", "专家组审核通过", "1"])
        .await?;
    passes(&window, "", &first).await?;
    assert_eq!(system.steps(second.uuid()).await?[6..], ["T14", "T16"]);

    freezes(&window).await?;

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
    is_returned(&window, &first).await?;
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
    first.comes_to("Approved").await?;
    window.sign_in_anew(first.operator().name()).await?;
    window.menu("建设补贴申请").await?;
    window.press_at(&first.view.application_no, "查看详情").await?;
    window.sees("审核记录").await?;
    window.shows("application-approved", "审核通过").await?;
    window.close().await?;
    system.finish().await
}
