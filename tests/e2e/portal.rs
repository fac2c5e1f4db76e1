//! The portal before the real services, without a script: signing in, the worklist, a decision, a repetition, a stale page.
//!
//! Source: ui, sections 1, 3, 6 and 8.
use anyhow::Result;
use system_tests::{
    PASSWORD, System,
    cases::Stage,
    companies::profile,
    eventually,
    pages::{Browser, Filled},
    wait::PATIENCE,
};
use xtask::{services::Service, trial::Plan};

async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Portal)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_officer_signs_in_and_passes_and_a_repetition_and_a_stale_page_change_nothing() -> Result<()>
{
    let system = system().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    system.county("410105").await?;
    let browser = Browser::at(&system)?;
    let workbench = browser.sign_in("co_410105", PASSWORD).await?;
    assert_eq!(workbench.status, 200, "{}", workbench.words());
    let review = format!("/supervision/county-subsidies/{}/review", case.id());
    eventually(PATIENCE, "the task is on the workbench", || async {
        let shown = browser.get("/workbench").await?;
        Ok(shown.text.contains(&review).then_some(()))
    })
    .await?;
    let desk = browser.get("/workbench").await?;
    assert!(desk.text.contains("href=\"/supervision/county-subsidies?own=open\""), "{}", desk.words());
    let list = browser.get("/supervision/county-subsidies?stage=CountyReview").await?;
    assert!(list.text.contains(&review) && list.text.contains(&case.view.application_no), "{}", list.words());

    let page = browser.get(&review).await?;
    let silent = browser.post(&page.form(&review)?).await?;
    assert_eq!(silent.status, 422, "{}", silent.words());
    let returned = page.form(&review)?.with("decision", "return").with("opinion", " ");
    let unfounded = browser.post(&returned).await?;
    assert_eq!(unfounded.status, 422, "{}", unfounded.words());
    assert!(unfounded.text.contains("href=\"#opinion\""), "{}", unfounded.words());

    let form = unfounded.form(&review)?.with("decision", "pass").with("opinion", "同意");
    let done = browser.post(&form).await?;
    assert_eq!((done.status, done.location.as_str()), (303, "/supervision/county-subsidies"));
    let shown = browser.get(&done.location).await?;
    assert!(shown.text.contains("已通过"), "{}", shown.words());
    let twice = browser.post(&form).await?;
    assert_eq!(twice.status, 303, "{}", twice.words());
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);

    let stale = page.form(&review)?.with("decision", "pass").with("opinion", "另一个窗口的意见");
    let refused = browser.post(&stale).await?;
    assert_eq!(refused.status, 409, "{}", refused.words());
    assert!(refused.text.contains("内容已有更新") && refused.text.contains("另一个窗口的意见"));
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_withdraws_its_own_application_and_a_foreign_one_does_not_exist() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let other = system.application().at(Stage::Draft).await?;
    let browser = Browser::at(&system)?;
    let wrong = browser.sign_in(case.operator().name(), "Wrong-Password-1").await.unwrap_err();
    assert!(wrong.to_string().contains("账号名称或密码不正确"), "{wrong}");
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let path = format!("/subsidy/applications/{}", case.id());
    let list = browser.get("/subsidy/applications").await?;
    assert!(list.text.contains(&path), "{}", list.words());
    let foreign = browser.get(&format!("/subsidy/applications/{}", other.id())).await?;
    let missing = browser.get("/subsidy/applications/0192f7a0-0000-7000-8000-000000000000").await?;
    assert_eq!((foreign.status, missing.status), (404, 404));
    assert_eq!(browser.get("/supervision/county-subsidies").await?.status, 404);

    let page = browser.get(&path).await?;
    assert!(page.text.contains(&format!("href=\"{path}/withdraw\"")), "{}", page.words());
    let asked = browser.get(&format!("{path}/withdraw")).await?;
    let withdrawn = browser.post(&asked.form(&format!("{path}/withdraw"))?).await?;
    assert_eq!(withdrawn.status, 303, "{}", withdrawn.words());
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T03"]);

    let left = browser.post(&page.form("/logout")?).await?;
    assert_eq!((left.status, left.location.as_str()), (303, "/login"));
    assert_eq!(browser.get(&path).await?.status, 303);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_registers_with_its_licence_and_reaches_its_own_profile_only() -> Result<()> {
    let system = system().await?;
    let browser = Browser::at(&system)?;
    let page = browser.get("/register").await?;
    let listed = page.form("/register")?.with("city", "410100").with("step", "counties");
    let page = browser.post(&listed).await?;
    assert!(page.status == 200 && page.text.contains("value=\"410105\""), "{}", page.words());

    let company = profile(system.number(), "410105");
    let wrong = filled(page.form("/register")?, &company).with("uscc", "91410105XXXX00019H");
    let licence = include_bytes!("../samples/uploads/03_营业执照.png");
    let refused = browser.post_file(&wrong, "licence", "03_营业执照.png", licence).await?;
    assert_eq!(refused.status, 422, "{}", refused.words());
    assert!(
        refused.text.contains("href=\"#uscc\"") && refused.text.contains("已上传"),
        "{}",
        refused.words()
    );
    assert!(refused.text.contains(&company.company_name) && !refused.text.contains(PASSWORD));

    let right = filled(refused.form("/register")?, &company);
    let taken = browser.post(&right).await?;
    assert_eq!((taken.status, taken.location.as_str()), (303, "/login"), "{}", taken.words());
    assert!(browser.get("/login").await?.text.contains("注册成功"));
    let workbench = browser.sign_in("portal_op1", PASSWORD).await?;
    assert!(workbench.text.contains("待审核") && workbench.text.contains(&company.company_name));
    assert!(!workbench.text.contains("href=\"/subsidy/applications\""), "{}", workbench.words());
    assert_eq!(browser.get("/subsidy/applications").await?.status, 404);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opened_before_signing_in_is_shown_after_it_and_its_page_follows_the_worklist() -> Result<()> {
    let system = system().await?;
    system.county("410105").await?;
    let browser = Browser::at(&system)?;
    let wanted = "/supervision/county-subsidies?stage=CountyReview&size=50";
    let sent_away = browser.get(wanted).await?;
    assert_eq!(sent_away.status, 303);
    let page = browser.get(&sent_away.location).await?;
    let form = page.form("/login")?.with("login", "co_410105").with("password", PASSWORD);
    let signed_in = browser.post(&form).await?;
    assert_eq!((signed_in.status, signed_in.location.as_str()), (303, wanted));
    let whole = browser.get(wanted).await?;
    assert!(whole.text.contains("<main") && whole.text.contains("没有符合条件的记录"), "{}", whole.words());
    let part = browser.part(wanted, "list").await?;
    assert!(!part.text.contains("<main") && part.text.contains("没有符合条件的记录"), "{}", part.text);

    browser.follow("/live", "\"tasks\":0").await?;
    let follower = browser.clone();
    let followed = tokio::spawn(async move { follower.follow("/live", "\"tasks\":1").await });
    system.application().at(Stage::CountyReview).await?;
    followed.await??;
    system.finish().await
}

fn filled(form: Filled, company: &proto::accounts::Profile) -> Filled {
    [
        ("login", "portal_op1"),
        ("password", PASSWORD),
        ("company_name", &company.company_name),
        ("uscc", &company.uscc),
        ("operator_type", &company.operator_type),
        ("in_province", "yes"),
        ("city", "410100"),
        ("registered_division", &company.registered_division),
        ("contact_name", &company.contact_name),
        ("contact_phone", &company.contact_phone),
        ("truth_declared", "yes"),
    ]
    .into_iter()
    .fold(form, |form, (name, value)| form.with(name, value))
}
