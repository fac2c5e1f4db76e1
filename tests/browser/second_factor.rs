//! An official enrols a second factor, signs in with its code, and shows it again before a decision, by clicking; where one is
//! demanded, before anything else.
use anyhow::{Context as _, Result};
use system_tests::{PASSWORD, System, cases::Stage, cast::person, totp};
use xtask::{services::Service, trial::Plan};

use crate::{kit::Window, system};

/// Sessions begin as if their code had been shown six minutes before: the portal looks at each at once.
const LATE: &str = "
    CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.proved_at := NEW.proved_at - interval '6 minutes'; RETURN NEW; END $$;
    CREATE TRIGGER late BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION late();";

#[tokio::test(flavor = "multi_thread")]
async fn an_official_enrols_signs_in_with_the_code_and_decides_after_showing_it_again() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    system.county("410105").await?;
    sqlx::raw_sql(LATE).execute(system.database(Service::Accounts)?).await?;
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    window.visit("/account/second-factor").await?;
    window.shows("second-factor", "密钥只在本页显示").await?;
    let secret = totp::secret(&window.client().source().await?)?;
    window.fill("动态口令", &totp::code(&system, &secret).await?).await?;
    window.fill("登录密码", PASSWORD).await?;
    window.press("启用动态口令").await?;
    window.shows("second-factor-enrolled", "动态口令已启用，今后").await?;
    window.press("金水区审核员").await?;
    window.press("退出登录").await?;
    window.sees("账号登录").await?;

    window.enter("co_410105", PASSWORD).await?;
    window.shows("sign-in-code", "密码已通过验证").await?;
    window.fill("动态口令", "000").await?;
    window.press("验证并登录").await?;
    window.shows("sign-in-code-wrong", "动态口令不正确").await?;
    window.fill("动态口令", &totp::code(&system, &secret).await?).await?;
    window.press("验证并登录").await?;
    window.sees("工作台").await?;

    window.visit(&format!("/supervision/county-subsidies/{}/review", case.id())).await?;
    window.choose("总体结论", "通过").await?;
    window.fill("审批意见", "选址与规划一致，同意").await?;
    window.press("提交审核结论").await?;
    window.shows("step-up", "再次验证身份").await?;
    window.fill("动态口令", &totp::code(&system, &secret).await?).await?;
    window.press("验证并继续").await?;
    window.shows("step-up-continue", "选址与规划一致，同意").await?;
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02"]);
    window.press("继续提交").await?;
    window.sees("已通过").await?;
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_is_demanded_an_official_enrols_at_the_first_sign_in_and_nothing_opens_before() -> Result<()>
{
    let plan = Plan::quick().with(Service::Portal);
    let system = System::planned(plan.set(Service::Accounts, "SECOND_FACTOR__REQUIRED", "officials")).await?;
    let officer = person("co_410105", "county", &["410105"]);
    system.platform().make_official(&officer, PASSWORD).await?;
    let window = Window::before(&system).await?;
    window.visit("/login").await?;
    window.enter("co_410105", PASSWORD).await?;
    window.sees("须启用动态口令后才能登录").await?;
    for path in ["/workbench", "/account/second-factor", "/supervision/county-subsidies"] {
        window.visit(path).await?;
        window
            .sees("账号登录")
            .await
            .with_context(|| format!("{path} before a second factor is enrolled"))?;
    }

    window.visit("/login/enrol").await?;
    window.shows("second-factor-first", "密钥只在本页显示").await?;
    let secret = totp::secret(&window.client().source().await?)?;
    window.fill("动态口令", "000").await?;
    window.press("启用并登录").await?;
    window.shows("second-factor-first-wrong", "动态口令不正确").await?;
    let shown = totp::secret(&window.client().source().await?)?;
    assert_eq!(shown, secret, "what was typed into the app still holds");
    window.fill("动态口令", &totp::code(&system, &secret).await?).await?;
    window.press("启用并登录").await?;
    window.shows("workbench-enrolled", "工作台").await?;

    window.press("金水区审核员").await?;
    window.press("退出登录").await?;
    window.sees("账号登录").await?;
    window.enter("co_410105", PASSWORD).await?;
    window.sees("密码已通过验证").await?;
    window.fill("动态口令", &totp::code(&system, &secret).await?).await?;
    window.press("验证并登录").await?;
    window.sees("工作台").await?;
    window.close().await?;
    system.finish().await
}
