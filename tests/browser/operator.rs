//! G5 to G7 and G9 by clicking: applying, withdrawing, mending what came back, papers and invoices.
use anyhow::Result;
use system_tests::{
    System,
    cases::{Case, Stage},
};

use crate::{
    kit::{Window, driver::Script},
    materials::{CATEGORIES, paper_check, place, tick},
    registration::sample,
    system,
};

/// Makes an application for a station, from the list of applications to the form. Errors: it is refused.
pub async fn apply(window: &Window, round: &str, station: &str) -> Result<()> {
    window.press("建设补贴审核验收申请").await?;
    window.shows("application-new", "申报批次").await?;
    window.choose("申报批次", round).await?;
    window.select("充电站", station).await?;
    window.press("创建申请").await?;
    window.sees("已带入充电站登记信息").await
}

#[tokio::test(flavor = "multi_thread")]
async fn g05_an_application_is_made_withdrawn_deleted_and_made_again() -> Result<()> {
    let system = system().await?;
    let company = system.company(system.number(), "410105").await?;
    let station = system.station(&company, "410105").await?.record.unwrap_or_default().name;
    let round = system.round().await?.name;
    system.county("410105").await?;
    let window = Window::before(&system).await?;
    window.sign_in(company.actor.name()).await?;
    window.menu("建设补贴申请").await?;
    window.shows("applications-empty", "还没有补贴申请").await?;
    let mut made = Vec::new();
    for time in ["first", "again"] {
        apply(&window, &round, &station).await?;
        let path = window.path().await?;
        made.push(path.trim_end_matches("/edit").to_owned());
        if time == "again" {
            break;
        }
        window.press("查看申请详情").await?;
        window.shows("application-draft", "可办理的操作").await?;
        window.press_at("可办理的操作", "删除").await?;
        window.shows("application-delete", "删除后不可恢复").await?;
        window.press("确认删除").await?;
        window.sees("草稿已删除").await?;
        // The list is clean, the history is kept.
        window.menu("建设补贴申请").await?;
        window.sees("还没有补贴申请").await?;
        window.visit(&made[0]).await?;
        window.sees("已删除").await?;
        window.in_order(&["审核记录", "共 2 条", "删除", "新建申请"]).await?;
        window.menu("建设补贴申请").await?;
    }
    window.fill("完工时间", "2023-01-01").await?;
    window.press("提交至").await?;
    window.shows("acceptance-refused", "错误").await?;
    window.fill("完工时间", "2024-09-30").await?;
    window.press("提交至").await?;
    window.shows("application-submitted", "回执编号").await?;
    window.press("撤回修改").await?;
    window.shows("application-withdraw", "确认撤回修改").await?;
    window.press("确认撤回修改").await?;
    window.sees("已撤回，").await?;
    window.menu("建设补贴申请").await?;
    window.press_at(&station, "继续填写").await?;
    window.fill("场站负责人", "撤回后新站长").await?;
    assert_eq!(window.path().await?, format!("{}/edit", made[1]));
    window.press("提交至").await?;
    window.sees("回执编号").await?;
    let told = ["审核记录", "共 4 条", "提交验收申请", "撤回验收申请", "提交验收申请", "新建申请"];
    window.in_order(&told).await?;
    window.menu("建设补贴申请").await?;
    window.shows("applications", &station).await?;
    assert_eq!(window.rows().await?, 1);

    window.sign_in_anew("co_410105").await?;
    window.menu("县域充电站补贴管理").await?;
    window.press_at(&station, "审核").await?;
    window.shows("county-review-withdrawn", "第 2 次提交").await?;
    let changed = ["与上次提交的差异", "场站负责人", "站长示例", "撤回后新站长"];
    window.in_order(&changed).await?;
    window.close().await?;
    system.finish().await
}

/// From the county's return to the city's desk, as the operator and the county see it.
async fn g06(system: &System, window: &Window) -> Result<()> {
    let case = system.application().at(Stage::CountyReview).await?;
    let (number, operator) = (case.view.application_no.clone(), case.operator().name().to_owned());
    system.county("410105").await?;
    system.city("410100").await?;
    window.sign_in_anew("co_410105").await?;
    window.menu("县域充电站补贴管理").await?;
    window.press_at(&number, "审核").await?;
    window.choose("总体结论", "不通过").await?;
    window.fill("审批意见", "请核对场站负责人。").await?;
    window.choose("需修改的项目", "场站负责人").await?;
    window.press("提交审核结论").await?;
    window.sees(&format!("（{number}）已退回")).await?;

    window.sign_in_anew(&operator).await?;
    window.menu("建设补贴申请").await?;
    window.sees("需修改").await?;
    window.press_at(&number, "修改").await?;
    window.sees("请核对场站负责人").await?;
    window.shows("acceptance-returned", "本次不能修改的内容").await?;
    window.fill("场站负责人", "新站长").await?;
    window.press("提交至").await?;
    window.sees("回执编号").await?;

    window.sign_in_anew("co_410105").await?;
    window.menu("县域充电站补贴管理").await?;
    window.press_at(&number, "审核").await?;
    window.shows("county-review-again", "第 2 次提交").await?;
    window.choose("总体结论", "通过").await?;
    window.press("提交审核结论").await?;
    window.sees(&format!("（{number}）已通过")).await?;
    paper_check(window, &number).await?;
    window.shows("paper-check", "线下初审登记").await?;
    window.press("登记").await?;
    window.shows("paper-check-refused", "错误").await?;
    tick(window, &CATEGORIES, "资料齐全").await?;
    window.shows("paper-check-done", "线下初审已登记为齐全").await?;
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T05", "T02", "T04", "T06"]);
    system.dossier_opens(&case).await?;

    window.sign_in_anew(&operator).await?;
    window.menu("建设补贴管理").await?;
    window.shows("dossiers", &number).await?;
    window.press_at(&number, "初审资料提交").await?;
    window.shows("dossier-empty", "申报材料").await?;
    place(window, "省级奖补资金项目申请函", &sample("01_省级奖补资金项目申请函.pdf")).await?;
    window.press("录入发票").await?;
    window.shows("invoice-new", "发票类型").await?;
    window.press("保存发票").await?;
    window.shows("invoice-new-refused", "错误").await?;
    enter_invoice(system, window, &case.company.profile.uscc, "100000", "60000").await?;
    window.shows("dossier-ready", "材料检查通过").await?;
    window.press("提交至").await?;
    window.shows("materials-submitted", "回执编号").await?;

    // G9: the city returns a material, the operator hands in again, the county is not asked.
    window.sign_in_anew("ci_410100").await?;
    window.menu("县域充电站补贴管理").await?;
    window.shows("city-list", &number).await?;
    window.press_at(&number, "审核").await?;
    window.shows("city-review", "审核意见").await?;
    window.choose("省级奖补资金项目申请函", "不合格").await?;
    window.choose("总体结论", "不通过").await?;
    window.fill("审批意见", "申请函未加盖公章。").await?;
    window.press("提交审核结论").await?;
    window.sees(&format!("（{number}）已退回")).await?;
    system.dossier_opens(&case).await?;
    window.sign_in_anew(&operator).await?;
    open_dossier(window, &case).await?;
    window.shows("dossier-returned", "申请函未加盖公章").await?;
    window.fill("对退回意见的说明", "已核对，公章在第二页。").await?;
    window.press("保存说明").await?;
    window.sees("说明已保存").await?;
    window.press("提交至").await?;
    window.sees("回执编号").await?;
    let steps = ["T01", "T02", "T05", "T02", "T04", "T06", "T09", "T12", "T09"];
    assert_eq!(system.steps(case.uuid()).await?, steps);
    Ok(())
}

/// Comes to a dossier by the menu and the row of its application. Errors: it is not in the list of what is due.
async fn open_dossier(window: &Window, case: &Case) -> Result<()> {
    window.menu("建设补贴管理").await?;
    window.press_at(&case.view.application_no, "初审资料提交").await
}

/// Enters an invoice by the form that is shown. Errors: it is another page.
pub async fn enter_invoice(
    system: &System,
    window: &Window,
    buyer: &str,
    amount: &str,
    used: &str,
) -> Result<()> {
    fill_invoice(system, window, buyer, amount, used).await?;
    window.press("保存发票").await
}

/// Fills in the form of an invoice. Errors: another page is shown.
pub async fn fill_invoice(
    system: &System,
    window: &Window,
    buyer: &str,
    amount: &str,
    used: &str,
) -> Result<()> {
    window.choose("发票类型", "数电票").await?;
    window.fill("发票号码", &format!("24{:018}", system.number())).await?;
    window.fill("价税合计", amount).await?;
    window.fill("开票日期", "2024-08-01").await?;
    window.fill("销售方名称", "中原桩造示例设备有限公司").await?;
    window.fill("购买方统一社会信用代码", buyer).await?;
    window.fill("本站使用金额", used).await?;
    window.attach("发票原件", &[&sample("09_发票_最小OFD.ofd")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn g06_g09_what_comes_back_is_mended_and_goes_to_whoever_sent_it() -> Result<()> {
    let system = system().await?;
    let window = Window::before(&system).await?;
    g06(&system, &window).await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_way_is_walked_with_scripts_switched_off() -> Result<()> {
    let system = system().await?;
    let window = Window::before_with(&system, Script::Off).await?;
    g06(&system, &window).await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn g07_an_invoice_is_shared_by_stations_and_never_used_beyond_its_amount() -> Result<()> {
    let system = system().await?;
    let first = system.application().at(Stage::MaterialsDue).await?;
    let second = system.application().of(&first.company).at(Stage::MaterialsDue).await?;
    let third = system.application().of(&first.company).at(Stage::MaterialsDue).await?;
    for case in [&first, &second, &third] {
        system.dossier_opens(case).await?;
    }
    let window = Window::before(&system).await?;
    window.sign_in(first.operator().name()).await?;
    open_dossier(&window, &first).await?;
    window.press("录入发票").await?;
    enter_invoice(&system, &window, &first.company.profile.uscc, "100", "60").await?;
    window.sees("已用于本站 60.00 元").await?;
    let used = async |case: &Case, amount: &str| {
        open_dossier(&window, case).await?;
        window.select_first("发票").await?;
        window.fill_at("使用已录入的发票", "本站使用金额", amount).await?;
        window.press("用于本站").await?;
        // The amount alone stands in the choice of an invoice too.
        window.sees(&format!("已用于本站 {amount}.00 元")).await
    };
    used(&second, "40").await?;
    // Nothing is left: the third station's page offers none, and the invoice's own page refuses.
    window.press_at("40.00", "修改").await?;
    window.shows("invoice", "使用情况").await?;
    window.select("充电站", &third.view.station_name).await?;
    window.fill("使用金额（元）", "1").await?;
    window.press("保存使用金额").await?;
    window.shows("invoice-over", "剩余可用").await?;
    window.press_at("本站", "取消使用").await?;
    window.sees("已取消使用").await?;
    used(&second, "30").await?;
    used(&third, "10").await?;
    window.shows("invoice-shared", "10.00").await?;
    window.close().await?;
    system.finish().await
}
