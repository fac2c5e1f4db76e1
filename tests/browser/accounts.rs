//! G2 and G4 by clicking: a registration that comes back twice, accounts of 1.0, and an official's first password.
use std::fs;

use anyhow::{Context as _, Result};
use system_tests::{
    PASSWORD, System,
    companies::{profile, uscc},
};
use xtask::services::Service;

use crate::{
    kit::Window,
    registration::{decide, register},
    system,
};

/// A hash that is weaker than ours; the password is "password". Source: the reference implementation's tests.
const OLD_HASH: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

#[tokio::test(flavor = "multi_thread")]
async fn g02_a_registration_comes_back_twice_and_is_handed_in_again_by_both_entries() -> Result<()> {
    const OPINIONS: [&str; 2] = ["执照照片不清晰，请重新拍摄。", "联系人与执照上的法人不符。"];
    let system = system().await?;
    system.administrator().await?;
    let window = Window::before(&system).await?;
    let company = profile(system.number(), "410105");
    register(&window, "browser_op2", &company).await?;
    decide(&window, &company.company_name, "审核不通过", OPINIONS[0], "account-returned").await?;

    // The first entry: 工作台头像/编辑.
    window.sign_in_anew("browser_op2").await?;
    window.shows("workbench-returned", OPINIONS[0]).await?;
    assert!(!window.text().await?.contains("建设补贴申请"));
    window.press("编辑").await?;
    window.shows("company-edit", OPINIONS[0]).await?;
    window.fill("联系人", "").await?;
    window.press_at("真实性声明", "提交审核").await?;
    window.shows("company-edit-refused", "错误").await?;
    window.fill("联系人", "乙示例").await?;
    window.choose("", "本企业承诺").await?;
    window.press_at("真实性声明", "提交审核").await?;
    window.sees("企业资料已提交").await?;
    decide(&window, &company.company_name, "审核不通过", OPINIONS[1], "account-returned-again").await?;

    // The second: 账号头像/企业资料/编辑.
    window.sign_in_anew("browser_op2").await?;
    window.press("乙示例").await?;
    window.press_at("退出登录", "企业资料").await?;
    window.shows("company-returned", OPINIONS[1]).await?;
    window.press("编辑").await?;
    window.sees(OPINIONS[1]).await?;
    window.fill("联系人", "丙示例").await?;
    window.choose("", "本企业承诺").await?;
    window.press_at("真实性声明", "提交审核").await?;
    window.sees("企业资料已提交").await?;
    decide(&window, &company.company_name, "审核通过", "", "account-approved-third").await?;

    window.sign_in_anew("browser_op2").await?;
    window.sees("建设补贴申请").await?;
    window.visit("/account/company").await?;
    window.shows("company-approved", "第 3 次提交（账号头像/企业资料/编辑）").await?;
    let told = window.text().await?;
    for part in ["第 1 次提交（注册表单）", "第 2 次提交（工作台头像/编辑）", OPINIONS[0], OPINIONS[1]]
    {
        assert!(told.contains(part), "{part} is not among\n{told}");
    }
    let accounts = "SELECT count(*) FROM operators";
    assert_eq!(system.count(Service::Accounts, accounts).await?, 1);
    window.close().await?;
    system.finish().await
}

/// An account of 1.0 signs in for the first time; ends where its password has to be changed. Errors: it is refused.
pub async fn first_sign_in(system: &System, window: &Window, login: &str) -> Result<()> {
    let csv = system.folder(Service::Accounts).join("legacy.csv");
    let head = "login,company,uscc,phone,division,last_2_0_sign_in,password_hash";
    let row = format!("{login},老用户有限公司,{},19911110009,410105,,", uscc("410105", 9));
    fs::write(&csv, format!("{head}\n{row}\n"))?;
    let mark = system.platform().mail_mark()?;
    system.platform().command(Service::Accounts, &["import-legacy", &csv.display().to_string()]).await?;
    let one_time = system.platform().one_time_password_after(mark, "19911110009").await?;
    window.visit("/login").await?;
    window.enter(login, &one_time).await?;
    window.sees("设置新密码").await
}

/// Sets the first password with the code on the phone, from the page that asks for it; nothing else opens before.
pub async fn set_first_password(system: &System, window: &Window, phone: &str, page: &str) -> Result<()> {
    window.sees("设置新密码").await?;
    for path in ["/workbench", "/account/company", "/supervision/county-subsidies"] {
        window.visit(path).await?;
        window.sees("账号登录").await.with_context(|| format!("{path} before the password is changed"))?;
    }
    window.visit("/password/first").await?;
    let mark = system.platform().mail_mark()?;
    window.press("获取验证码").await?;
    window.shows(page, "验证码已发送至").await?;
    let code = system.platform().code_after(mark, phone).await?;
    window.fill("验证码", &code).await?;
    window.fill("新密码", PASSWORD).await?;
    window.fill("再次输入新密码", "Another-Password-1").await?;
    window.press("设置新密码").await?;
    window.shows(&format!("{page}-refused"), "两次输入的新密码不一致").await?;
    window.fill("新密码", PASSWORD).await?;
    window.fill("再次输入新密码", PASSWORD).await?;
    window.press("设置新密码").await?;
    window.sees("新密码已设置").await
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_an_account_of_1_0_changes_its_password_first_and_one_of_2_0_signs_in_as_before() -> Result<()> {
    let system = system().await?;
    let csv = system.folder(Service::Accounts).join("legacy.csv");
    let rows = [
        "login,company,uscc,phone,division,last_2_0_sign_in,password_hash".to_owned(),
        format!("legacy_new,老用户甲有限公司,{},19911110001,410105,,", uscc("410105", 1)),
        format!(
            "legacy_old,老用户乙有限公司,{},19911110002,410122,2026-01-31,\"{OLD_HASH}\"",
            uscc("410122", 2)
        ),
    ];
    fs::write(&csv, rows.join("\n") + "\n")?;
    let mark = system.platform().mail_mark()?;
    let csv = csv.display().to_string();
    system.platform().command(Service::Accounts, &["import-legacy", &csv]).await?;
    let one_time = system.platform().one_time_password_after(mark, "19911110001").await?;

    let window = Window::before(&system).await?;
    window.visit("/login").await?;
    window.enter("legacy_new", &one_time).await?;
    set_first_password(&system, &window, "19911110001", "password-first").await?;
    window.sign_in("legacy_new").await?;
    window.shows("workbench-legacy", "建设补贴申请").await?;

    window.client().delete_all_cookies().await?;
    window.visit("/login").await?;
    window.enter("legacy_old", "password").await?;
    window.sees("建设补贴申请").await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_the_code_on_the_phone_and_a_stranger_is_told_the_same()
-> Result<()> {
    const NEW: &str = "Forgotten-Maple-17";
    let system = system().await?;
    let company = system.company(system.number(), "410105").await?;
    let (login, phone) = (company.actor.name().to_owned(), company.profile.contact_phone.clone());
    let window = Window::before(&system).await?;
    let masked = format!("{}****{}", &phone[..3], &phone[7..]);
    let promise = format!("如账号名称与手机号相符，验证码已发送至 {masked}");
    let ask = async |login: &str| {
        window.visit("/login").await?;
        window.press("忘记密码？短信找回").await?;
        window.fill("账号名称", login).await?;
        window.fill("手机号", &phone).await?;
        window.press("获取验证码").await
    };
    let mark = system.platform().mail_mark()?;
    ask("nobody_at_all").await?;
    window.shows("password-reset-stranger", &promise).await?;
    window.fill("验证码", "000000").await?;
    window.fill("新密码", NEW).await?;
    window.fill("再次输入新密码", NEW).await?;
    window.press("设置新密码").await?;
    window.sees("验证码不正确或已过期").await?;

    window.visit("/login").await?;
    window.press("忘记密码？短信找回").await?;
    window.fill("账号名称", &login).await?;
    window.fill("手机号", "123").await?;
    window.press("获取验证码").await?;
    window.shows("password-forgot-refused", "应为 11 位手机号").await?;
    ask(&login).await?;
    window.shows("password-reset", &promise).await?;
    let code = system.platform().code_after(mark, &phone).await?;
    window.fill("验证码", &code).await?;
    window.fill("新密码", NEW).await?;
    window.fill("再次输入新密码", NEW).await?;
    window.press("设置新密码").await?;
    window.sees("新密码已设置").await?;
    window.enter(&login, NEW).await?;
    window.sees("建设补贴申请").await?;
    let sent = "SELECT count(*) FROM deliveries WHERE kind = 'one_time_code'";
    assert_eq!(system.count(Service::Accounts, sent).await?, 1, "nothing went out for the stranger");
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_official_is_made_by_a_form_and_sets_the_first_password_by_another() -> Result<()> {
    let system = system().await?;
    system.administrator().await?;
    let window = Window::before(&system).await?;
    window.sign_in("admin01").await?;
    window.menu("全部账号").await?;
    window.shows("users", "admin01").await?;
    window.press("新建账号").await?;
    window.shows("user-new", "管辖区域").await?;
    window.fill("账号名称", "co").await?;
    window.press("创建账号").await?;
    window.shows("user-new-refused", "错误").await?;
    window.fill("账号名称", "co_desk").await?;
    window.fill("姓名", "县级审核员").await?;
    window.fill("手机号", "19822220001").await?;
    window.fill("所属单位", "郑州市金水区主管部门").await?;
    window.choose("角色", "县级主管部门").await?;
    window.select("管辖区域", "金水区").await?;
    let mark = system.platform().mail_mark()?;
    window.press("创建账号").await?;
    window.shows("user-created", "一次性密码已发送至 198****0001").await?;
    let one_time = system.platform().one_time_password_after(mark, "19822220001").await?;

    window.client().delete_all_cookies().await?;
    window.visit("/login").await?;
    window.enter("co_desk", &one_time).await?;
    set_first_password(&system, &window, "19822220001", "password-first-official").await?;
    window.sign_in("co_desk").await?;
    window.shows("workbench-official", "县域充电站补贴管理").await?;
    window.close().await?;
    system.finish().await
}
