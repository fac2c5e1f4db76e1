//! The second factor at the portal, without a script: an official enrols, signs in with the code, and shows it again to decide.
//!
//! Source: reliability, section 11.
use anyhow::Result;
use system_tests::{PASSWORD, System, cases::Stage, pages::Browser, totp};
use xtask::{services::Service, trial::Plan};

const PAGE: &str = "/account/second-factor";

async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Portal)).await
}

/// A browser in which a county officer has enrolled, and the secret.
async fn enrolled(system: &System) -> Result<(Browser, String)> {
    system.county("410105").await?;
    enrolled_as(system, "co_410105").await
}

async fn enrolled_as(system: &System, login: &str) -> Result<(Browser, String)> {
    let browser = Browser::at(system)?;
    browser.sign_in(login, PASSWORD).await?;
    let page = browser.get(PAGE).await?;
    let secret = totp::secret(&page.text)?;
    let typed = page.form(PAGE)?.with("password", PASSWORD).with("code", "000");
    let wrong = browser.post(&typed).await?;
    assert_eq!(wrong.status, 422, "{}", wrong.words());
    assert_eq!(totp::secret(&wrong.text)?, secret, "a wrong code does not change the secret");
    assert!(wrong.text.contains("autocomplete=\"one-time-code\"") && wrong.text.contains("动态口令不正确"));
    let code = totp::code(system, &secret).await?;
    let typed = wrong.form(PAGE)?.with("password", PASSWORD).with("code", &code);
    let done = browser.post(&typed).await?;
    assert_eq!((done.status, done.location.as_str()), (303, PAGE), "{}", done.words());
    let shown = browser.get(PAGE).await?;
    assert!(shown.text.contains("动态口令已启用"), "{}", shown.words());
    Ok((browser, secret))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_official_signs_in_with_a_code_and_shows_it_again_before_a_decision_that_keeps_what_was_typed()
-> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let (browser, secret) = enrolled(&system).await?;
    browser.post(&browser.get("/workbench").await?.form("/logout")?).await?;

    let asked = browser.sign_in("co_410105", PASSWORD).await?;
    assert!(asked.text.contains("输入动态口令"), "{}", asked.words());
    assert!(
        browser.get("/workbench").await?.location.starts_with("/login"),
        "the password alone opens nothing"
    );
    let wrong = browser.post(&asked.form("/login/code")?.with("code", "000")).await?;
    assert_eq!(wrong.status, 422, "{}", wrong.words());
    assert!(wrong.text.contains("动态口令不正确") && wrong.text.contains("还可尝试"), "{}", wrong.words());
    let code = totp::code(&system, &secret).await?;
    let done = browser.post(&wrong.form("/login/code")?.with("code", &code)).await?;
    assert_eq!((done.status, done.location.as_str()), (303, "/workbench"), "{}", done.words());

    // The portal has not looked at this session yet.
    sqlx::query("UPDATE sessions SET proved_at = now() - interval '6 minutes'")
        .execute(system.database(Service::Accounts)?)
        .await?;
    let review = format!("/supervision/county-subsidies/{}/review", case.id());
    let page = browser.get(&review).await?;
    let typed = page.form(&review)?.with("decision", "pass").with("opinion", "选址合理，同意");
    let asked = browser.post(&typed).await?;
    assert_eq!(asked.status, 403, "{}", asked.words());
    assert!(asked.text.contains("再次验证身份"), "{}", asked.words());
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02"]);
    let wrong = browser.post(&asked.form("/login/again")?.with("code", "000")).await?;
    assert_eq!(wrong.status, 422, "{}", wrong.words());
    let code = totp::code(&system, &secret).await?;
    let offered = browser.post(&wrong.form("/login/again")?.with("code", &code)).await?;
    assert!(offered.text.contains("选址合理，同意"), "{}", offered.words());
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02"], "nothing is sent by itself");
    let sent = browser.post(&offered.form(&review)?).await?;
    assert_eq!(sent.status, 303, "{}", sent.words());
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);
    let proved = "SELECT authentication FROM decisions WHERE transition = 'T04'";
    let proved: String = sqlx::query_scalar(proved).fetch_one(system.database(Service::Reviews)?).await?;
    assert_eq!(proved, "password+totp", "the signed decision says how its author proved itself");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fifth_wrong_code_leads_back_to_the_password_and_says_when_to_try_again_and_who_helps()
-> Result<()> {
    let system = system().await?;
    let (browser, _) = enrolled(&system).await?;
    browser.post(&browser.get("/workbench").await?.form("/logout")?).await?;
    let mut asked = browser.sign_in("co_410105", PASSWORD).await?;
    for _ in 0..4 {
        asked = browser.post(&asked.form("/login/code")?.with("code", "000")).await?;
        assert_eq!(asked.status, 422, "{}", asked.words());
    }
    let locked = browser.post(&asked.form("/login/code")?.with("code", "000")).await?;
    assert_eq!(locked.status, 429, "{}", locked.words());
    for part in ["请 15 分钟后再试", "请联系安全管理员重置动态口令"] {
        assert!(locked.text.contains(part), "{part} is not among\n{}", locked.words());
    }
    assert!(locked.form("/login").is_ok(), "the password is asked for again");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_and_a_package_ask_for_the_code_before_they_are_made_and_are_on_record() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CityReview).await?;
    system.city("410100").await?;
    let (browser, secret) = enrolled_as(&system, "ci_410100").await?;
    let list = "supervision/county-subsidies";
    let package = format!("{list}/{}/package", case.id());
    for path in [format!("/{list}/export"), format!("/{package}")] {
        browser.post(&browser.get("/workbench").await?.form("/logout")?).await?;
        let asked = browser.sign_in("ci_410100", PASSWORD).await?;
        let code = totp::code(&system, &secret).await?;
        browser.post(&asked.form("/login/code")?.with("code", &code)).await?;
        // The portal has not looked at this session yet.
        sqlx::query(
            "UPDATE sessions SET proved_at = now() - interval '6 minutes' WHERE proved_at IS NOT NULL",
        )
        .execute(system.database(Service::Accounts)?)
        .await?;
        let asked = browser.get(&path).await?;
        assert!(asked.status == 403 && asked.text.contains("再次验证身份"), "{}", asked.words());
        let code = totp::code(&system, &secret).await?;
        let done = browser.post(&asked.form("/login/again")?.with("code", &code)).await?;
        assert_eq!((done.status, &done.location), (303, &path), "{}", done.words());
        let taken = browser.get(&path).await?;
        assert!(taken.status == 200 && taken.headers.contains("attachment"), "{}", taken.words());
    }
    let taken = "SELECT subject FROM audit_log WHERE act = 'export_list' ORDER BY happened_at";
    assert_eq!(system.texts(Service::Accounts, taken).await?, [list.to_owned(), package]);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_before_a_step_up_leaves_the_session_that_came_after_it() -> Result<()> {
    let system = system().await?;
    let (browser, secret) = enrolled(&system).await?;
    let before = browser.copied();
    let form = browser.get("/login/again").await?.form("/login/again")?;
    let done = browser.post(&form.with("code", &totp::code(&system, &secret).await?)).await?;
    assert_eq!(done.status, 303, "{}", done.words());
    let late = before.get("/workbench").await?;
    assert!(late.location.starts_with("/login"), "{}", late.words());
    assert!(!late.headers.contains("session="), "{}", late.headers);
    assert_eq!(browser.get("/workbench").await?.status, 200);
    let over = before.get(&late.location).await?;
    assert!(over.headers.contains("session=; "), "the page to sign in ends what has ended: {}", over.headers);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_administrator_resets_a_lost_one_and_a_code_removes_ones_own() -> Result<()> {
    let system = system().await?;
    let (browser, _) = enrolled(&system).await?;
    let officer: uuid::Uuid = sqlx::query_scalar("SELECT user_id FROM users WHERE login = 'co_410105'")
        .fetch_one(system.database(Service::Accounts)?)
        .await?;
    system.official("security01", "security_administrator", &["410000"]).await?;
    let security = Browser::at(&system)?;
    security.sign_in("security01", PASSWORD).await?;
    let (person, act) =
        (format!("/system/users/{officer}"), format!("/system/users/{officer}/second-factor"));
    let page = security.get(&person).await?;
    let done = security.post(&page.form(&act)?).await?;
    assert_eq!((done.status, &done.location), (303, &person), "{}", done.words());
    assert!(security.get(&person).await?.form(&act).is_err(), "there is none to reset any more");
    drop(browser);

    let (browser, secret) = enrolled(&system).await?;
    let remove = "/account/second-factor/remove";
    let form = browser.get(PAGE).await?.form(remove)?.with("code", &totp::code(&system, &secret).await?);
    let done = browser.post(&form).await?;
    assert_eq!((done.status, done.location.as_str()), (303, "/login"), "{}", done.words());
    browser.sign_in("co_410105", PASSWORD).await?;
    assert!(browser.get(PAGE).await?.form(PAGE).is_ok(), "it may be enrolled anew");
    system.finish().await
}
