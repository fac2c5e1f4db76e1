//! G1 and G3 by clicking: a company registers, an administrator saves it, and only then its menus appear.
use std::path::PathBuf;

use anyhow::Result;
use proto::accounts::Profile;
use system_tests::{PASSWORD, companies::profile, eventually, wait::PATIENCE};
use xtask::services::Service;

use crate::{kit::Window, system};

/// A sample file.
pub fn sample(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/uploads")).join(name)
}

/// Fills in everything but the place.
async fn fill_in(window: &Window, login: &str, company: &Profile) -> Result<()> {
    window.fill("账号名称", login).await?;
    window.fill("密码", PASSWORD).await?;
    window.fill("公司名称", &company.company_name).await?;
    window.fill("统一社会信用代码", &company.uscc).await?;
    window.choose("运营商类型", "民营").await?;
    window.attach("营业执照", &[&sample("03_营业执照.png")]).await?;
    window.fill("联系人", &company.contact_name).await?;
    window.fill("联系电话", &company.contact_phone).await?;
    window.choose("", "本企业承诺").await
}

/// Registers a company of the county 金水区 by the form; without scripts a button lists the counties. Errors: it is refused.
pub async fn register(window: &Window, login: &str, company: &Profile) -> Result<()> {
    window.visit("/login").await?;
    window.press("立即注册").await?;
    window.choose("是否省内企业", "省内").await?;
    window.select("地市", "郑州市").await?;
    if !window.scripted() {
        window.press("列出区县").await?;
    }
    window.select("区县", "金水区").await?;
    // A password is not kept when the page is shown again.
    fill_in(window, login, company).await?;
    window.press_at("本企业承诺", "注册").await?;
    window.sees("注册成功").await
}

/// The administrator concludes on what a company handed in, on the way that the manual names. Errors: it is refused.
pub async fn decide(
    window: &Window,
    company: &str,
    conclusion: &str,
    opinion: &str,
    page: &str,
) -> Result<()> {
    window.sign_in_anew("admin01").await?;
    window.menu("待审核").await?;
    window.press_at(company, "审核").await?;
    if conclusion == "审核通过" {
        agrees(window).await?;
    }
    window.choose("结论", conclusion).await?;
    window.fill("审核意见", opinion).await?;
    window.judge(page).await?;
    window.press("保存").await?;
    window.sees(&format!("{company}：{conclusion}")).await
}

/// Ticks that everything is as the licence shows it.
async fn agrees(window: &Window) -> Result<()> {
    const TICK: &str = "
        const boxes = [...document.querySelectorAll('[name=agrees]')];
        boxes.filter(box => !box.checked).forEach(box => box.click());
        return document.readyState === 'complete' && boxes.length > 0 && boxes.every(box => box.checked);";
    window.sees("企业资料与执照核对").await?;
    eventually(PATIENCE, "all is ticked", || async {
        let ticked = window.client().execute(TICK, vec![]).await.ok();
        Ok((ticked == Some(true.into())).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_business_menus_appear_only_after_the_account_is_saved() -> Result<()> {
    let system = system().await?;
    system.administrator().await?;
    let window = Window::before(&system).await?;
    window.visit("/login").await?;
    window.press("立即注册").await?;
    window.shows("register", "运营商账号注册").await?;
    window.press_at("本企业承诺", "注册").await?;
    window.shows("register-empty", "错误").await?;

    let company = profile(system.number(), "410105");
    fill_in(&window, "browser_op1", &company).await?;
    window.choose("是否省内企业", "省内").await?;
    window.select("地市", "郑州市").await?;
    window.select("区县", "金水区").await?;
    window.fill("统一社会信用代码", "91410105XXXX00019H").await?;
    window.press_at("本企业承诺", "注册").await?;
    window.shows("register-refused", "校验位不正确").await?;
    window.fill("统一社会信用代码", &company.uscc).await?;
    window.fill("密码", PASSWORD).await?;
    window.press_at("本企业承诺", "注册").await?;
    window.shows("registered", "注册成功").await?;
    window.sign_in("browser_op1").await?;
    window.shows("workbench-applicant", "待审核").await?;
    assert!(!window.text().await?.contains("建设补贴申请"));

    window.sign_in_anew("admin01").await?;
    window.menu("待审核").await?;
    window.shows("accounts-pending", &company.company_name).await?;
    window.press_at(&company.company_name, "审核").await?;
    window.shows("account-review", "企业资料与执照核对").await?;
    window.fill("其他事由", "核").await?;
    window.press("查看执照").await?;
    window.sees("请说明查看事由").await?;
    window.press("核对证照与填报信息是否一致").await?;
    window.shows("account-review-licence", "放大查看").await?;
    window.press("保存").await?;
    window.shows("account-review-refused", "错误").await?;
    window.choose("结论", "审核通过").await?;
    window.press("保存").await?;
    window.shows("account-review-unticked", "请核对执照上的公司名称").await?;
    agrees(&window).await?;
    window.press("保存").await?;
    window.shows("account-approved", "审核通过，已通知企业").await?;

    window.sign_in_anew("browser_op1").await?;
    window.shows("workbench-new-operator", "建设补贴申请").await?;
    window.close().await?;
    system.finish().await
}

/// Hands in the form; what is wrong with the place is told at its field.
async fn refused(window: &Window, page: &str, words: &str) -> Result<()> {
    window.press_at("本企业承诺", "注册").await?;
    window.shows(page, words).await
}

/// Hands in the form again; a password is never kept.
async fn accepted(window: &Window) -> Result<()> {
    window.fill("密码", PASSWORD).await?;
    window.press_at("本企业承诺", "注册").await?;
    window.sees("注册成功").await
}

/// The administrator reads on the page of a company that waits where it comes from.
async fn seat(window: &Window, company: &Profile, parts: &[&str]) -> Result<()> {
    window.visit("/system/accounts?state=pending").await?;
    window.press_at(&company.company_name, "审核").await?;
    for part in parts {
        window.sees(part).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn g03_a_company_registers_where_its_licence_says_and_one_from_elsewhere_at_one_place_only()
-> Result<()> {
    let system = system().await?;
    system.administrator().await?;
    let companies = [(); 3].map(|()| profile(system.number(), "410305"));
    let [listed, unlisted, elsewhere] = &companies;
    let window = Window::before(&system).await?;
    register(&window, "browser_op3", listed).await?;

    window.visit("/register").await?;
    fill_in(&window, "browser_op4", unlisted).await?;
    window.choose("是否省内企业", "省内").await?;
    window.select("地市", "洛阳市").await?;
    window.select("区县", "其他").await?;
    window.fill("执照住所区县", "涧西区").await?;
    refused(&window, "register-listed-as-other", "执照所载区县已在列表中，请选择 涧西区").await?;
    window.select("区县", "涧西区").await?;
    window.fill("执照住所区县", "伊滨示范区").await?;
    refused(&window, "register-unlisted", "请选择该市的“其他”").await?;
    window.select("区县", "其他").await?;
    accepted(&window).await?;

    window.visit("/register").await?;
    fill_in(&window, "browser_op5", elsewhere).await?;
    window.choose("是否省内企业", "省外").await?;
    window.fill("企业所在省份", "湖北省").await?;
    window.select("地市", "洛阳市").await?;
    window.select("区县", "涧西区").await?;
    refused(&window, "register-elsewhere-refused", "省外企业请选择“郑州市-其他”").await?;
    window.select("区县", "其他").await?;
    refused(&window, "register-elsewhere-other-refused", "省外企业请选择“郑州市-其他”").await?;
    window.select("地市", "郑州市").await?;
    window.select("区县", "其他").await?;
    accepted(&window).await?;

    window.sign_in_anew("admin01").await?;
    seat(&window, listed, &["郑州市", "金水区"]).await?;
    seat(&window, unlisted, &["洛阳市", "其他", "伊滨示范区"]).await?;
    seat(&window, elsewhere, &["郑州市", "其他", "湖北省"]).await?;
    window.judge("account-review-elsewhere").await?;
    let kept = "SELECT home_province || licence_county FROM operator_submissions
        ORDER BY home_province, licence_county";
    assert_eq!(system.texts(Service::Accounts, kept).await?, ["", "伊滨示范区", "湖北省"]);
    window.close().await?;
    system.finish().await
}
