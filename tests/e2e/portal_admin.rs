//! Administrators at the portal, by forms alone: accounts, machines, rounds, joint reviews.
//!
//! Source: ui, section 3; workflow, Accounts, T14, T20, invariant 7.
use anyhow::{Context as _, Result};
use system_tests::{
    PASSWORD, System,
    cases::{Stage, person_id},
    companies::profile,
    eventually,
    pages::{Browser, Filled, Shown},
    wait::PATIENCE,
};
use xtask::{services::Service, trial::Plan};

async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Portal)).await
}

/// A browser in which an administrator is signed in; the driver's own administrator stays signed in too.
async fn desk(system: &System) -> Result<Browser> {
    system.official("desk01", "administrator", &["410000"]).await?;
    let browser = Browser::at(system)?;
    browser.sign_in("desk01", PASSWORD).await?;
    Ok(browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_looks_at_a_licence_and_approves_and_hands_out_credentials_once() -> Result<()> {
    let system = system().await?;
    let company = system.with_licence(profile(1, "410105")).await?;
    let registered = system.platform().nobody().register("newcomer", PASSWORD, company.clone()).await?;
    let browser = desk(&system).await?;
    approves(&browser, &system, &registered.operator_id, &company).await?;
    machines(&browser, &registered.operator_id).await?;
    system.finish().await
}

async fn approves(
    browser: &Browser,
    system: &System,
    operator_id: &str,
    company: &proto::accounts::Profile,
) -> Result<()> {
    let review = format!("/system/accounts/{operator_id}/review");
    eventually(PATIENCE, "the task is on the workbench", || async {
        let shown = browser.get("/workbench").await?;
        Ok(shown.text.contains(&review).then_some(()))
    })
    .await?;
    let list = browser.get("/system/accounts?state=pending").await?;
    assert!(list.text.contains(&review) && list.text.contains(&company.uscc), "{}", list.words());
    let others = browser.get("/system/accounts?state=active").await?;
    assert!(!others.text.contains(&review), "{}", others.words());

    let closed = browser.get(&review).await?;
    assert!(closed.text.contains("请说明查看事由") && !closed.text.contains("<img"), "{}", closed.words());
    let short = browser.get(&format!("{review}?reason=x")).await?;
    assert!(short.text.contains("请填写查看事由") && !short.text.contains("<img"), "{}", short.words());
    let page = browser.get(&format!("{review}?reason=%E6%A0%B8%E5%AF%B9%E6%89%A7%E7%85%A7")).await?;
    let preview = between(&page, "<img src=\"", "\"")?;
    assert!(page.text.contains("校验通过") && page.text.contains("待审核共 1 个"), "{}", page.words());
    let licence = browser.get(&preview).await?;
    assert_eq!(licence.status, 200, "{preview}: {}", licence.words());
    let reasons = system.texts(Service::Documents, "SELECT reason FROM downloads").await?;
    assert_eq!(reasons, ["核对执照"], "what was said is on record, and nothing else");

    let silent = browser.post(&page.form(&review)?).await?;
    assert!(silent.status == 422 && silent.text.contains("href=\"#decision\""), "{}", silent.words());
    let unfounded = browser.post(&page.form(&review)?.with("decision", "return")).await?;
    assert!(unfounded.status == 422 && unfounded.text.contains("href=\"#opinion\""), "{}", unfounded.words());
    assert!(unfounded.text.contains("<img src=\""), "the licence stays open: {}", unfounded.words());
    let hasty = unfounded.form(&review)?.with("decision", "approve").with("agrees", "company_name");
    let hasty = browser.post(&hasty).await?;
    assert!(hasty.status == 422 && hasty.text.contains("href=\"#agrees-uscc\""), "{}", hasty.words());
    assert!(!hasty.text.contains("href=\"#agrees-company_name\""), "{}", hasty.words());
    assert!(hasty.text.contains("value=\"company_name\" checked"), "a tick is kept: {}", hasty.words());
    let mut form = hasty.form(&review)?.with("decision", "approve").with("then", "next");
    let agreed = ["company_name", "uscc", "registered_division", "operator_type"];
    form.fields.extend(agreed.map(|item| ("agrees".to_owned(), item.to_owned())));
    let done = browser.post(&form).await?;
    assert_eq!((done.status, done.location.as_str()), (303, "/system/accounts?state=pending"));
    assert_eq!(browser.post(&form).await?.status, 303, "a second click is a replay");
    let decided = "SELECT count(*) FROM operator_submissions WHERE outcome = 'approved'";
    assert_eq!(system.count(Service::Accounts, decided).await?, 1);
    let recorded = "SELECT detail FROM audit_log WHERE act = 'approve_operator'";
    assert_eq!(
        system.texts(Service::Accounts, recorded).await?,
        ["1 company_name,uscc,registered_division,operator_type"]
    );
    assert!(browser.get(&done.location).await?.text.contains("审核通过"));

    let stale = page.form(&review)?.with("decision", "return").with("opinion", "另一个窗口的意见");
    let refused = browser.post(&stale).await?;
    assert!(refused.status == 409 && refused.text.contains("另一个窗口的意见"), "{}", refused.words());

    let suspended = browser.get(&review).await?.form(&format!("/system/accounts/{operator_id}/suspend"))?;
    let unsure = browser.post(&suspended.clone().with("reason", "核查")).await?;
    assert!(unsure.status == 422 && unsure.text.contains("href=\"#sure\""), "{}", unsure.words());
    let suspended = suspended.with("sure", "yes");
    let unreasoned = browser.post(&suspended).await?;
    assert!(
        unreasoned.status == 422 && unreasoned.text.contains("href=\"#reason\""),
        "{}",
        unreasoned.words()
    );
    assert_eq!(browser.post(&suspended.with("reason", "核查")).await?.status, 303);
    let back = browser.get(&review).await?.form(&format!("/system/accounts/{operator_id}/reinstate"))?;
    assert_eq!(browser.post(&back.with("reason", "核查完毕")).await?.status, 303);
    Ok(())
}

async fn machines(browser: &Browser, operator_id: &str) -> Result<()> {
    let new = "/system/machines/new";
    let form = browser.get(&format!("{new}?operator={operator_id}")).await?.form(new)?;
    let issued = browser.post(&form).await?;
    assert!(issued.status == 200 && issued.text.contains("客户端密钥"), "{}", issued.words());
    let twice = browser.post(&form).await?;
    assert!(twice.status == 409 && !twice.text.contains("<dt>客户端密钥"), "{}", twice.words());
    let list = browser.get(&format!("/system/machines?operator={operator_id}")).await?;
    let revoke = format!(
        "/system/machines/{}/revoke",
        between(&list, "/system/machines/c", "/revoke").map(|id| format!("c{id}"))?
    );
    assert_eq!(browser.post(&list.form(&revoke)?).await?.status, 303);
    assert!(browser.get("/system/machines").await?.text.contains("已吊销"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_opens_a_round_launches_it_once_and_freezes_the_order() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::AwaitingJointReview).await?;
    let expert = system.expert(1).await?;
    let lead = person_id(&expert).await?;
    let browser = desk(&system).await?;
    round(&browser).await?;
    let (id, order) =
        (case.round.round_id.clone(), launches(&browser, &system, &case.round.round_id, &lead).await?);

    let late = system.application().in_round(&case.round).at(Stage::AwaitingJointReview).await?;
    let form = browser.get(&format!("/supervision/subsidies/launch?round={id}")).await?;
    let form = panel(form.form(&format!("/supervision/subsidies/launch/{id}"))?, &lead).with("batch", "1");
    let refused = browser.post(&form.with("step", "launch")).await?;
    assert!(refused.status == 409 && refused.text.contains(&order), "{}", refused.words());
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM work_orders").await?, 1);
    assert_eq!(system.steps(late.uuid()).await?.iter().filter(|step| *step == "T14").count(), 0);

    // What was confirmed is launched, or nothing: one more has come meanwhile.
    let path = format!("/supervision/subsidies/launch/{id}");
    let form = browser.get(&format!("/supervision/subsidies/launch?round={id}")).await?;
    let asked = browser.post(&panel(form.form(&path)?, &lead)).await?;
    assert!(asked.status == 200 && asked.text.contains("1 个充电站"), "{}", asked.words());
    system.application().in_round(&case.round).at(Stage::AwaitingJointReview).await?;
    let changed = browser.post(&asked.form(&path)?.with("step", "launch")).await?;
    assert!(changed.status == 409 && changed.text.contains("已由 1 件变为 2 件"), "{}", changed.words());
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM work_orders").await?, 1);

    freezes(&browser, &system, &order).await?;
    let early = browser.get(&format!("/supervision/subsidies/{}/carry-over", late.id())).await?;
    let form = early.form(&format!("/supervision/subsidies/{}/carry-over", late.id()))?;
    assert_eq!(browser.post(&form.with("reason", "材料待补")).await?.status, 409, "it is in no order");
    system.finish().await
}

async fn round(browser: &Browser) -> Result<()> {
    let new = "/system/rounds/new";
    let page = browser.get(new).await?;
    assert!(page.text.contains("value=\"fgw\" checked>省发展改革委"), "a tick: {}", page.words());
    let user = browser.get("/system/users/new").await?;
    assert!(user.text.contains("<option value=\"fgw\">省发展改革委"), "an entry: {}", user.words());
    let form = page.form(new)?.with("name", "2026 年试点批").with("opens_on", "2026-01-01");
    let wrong = browser.post(&form.clone().with("sample_permille", "0")).await?;
    assert!(wrong.status == 422 && wrong.text.contains("href=\"#sample_permille\""), "{}", wrong.words());
    let made = browser.post(&form).await?;
    assert_eq!(made.status, 303, "{}", made.words());
    assert_eq!(browser.post(&form).await?.location, made.location, "a second click is a replay");
    let shown = browser.get(&made.location).await?;
    assert!(shown.text.contains("2026 年试点批") && shown.text.contains("100%"), "{}", shown.words());
    Ok(())
}

async fn launches(browser: &Browser, system: &System, round: &str, lead: &str) -> Result<String> {
    let stage = "/supervision/subsidies/applications?stage=AwaitingJointReview";
    eventually(PATIENCE, "the task is on the workbench", || async {
        Ok(browser.get("/workbench").await?.text.contains(stage).then_some(()))
    })
    .await?;
    assert_eq!(browser.get(stage).await?.status, 200);
    let list = browser.get("/supervision/subsidies").await?;
    assert!(list.text.contains("（1 市 1 站）"), "{}", list.words());
    let path = format!("/supervision/subsidies/launch/{round}");
    let page = browser.get(&format!("/supervision/subsidies/launch?round={round}&city=410100")).await?;
    let unmanned = browser.post(&page.form(&path)?).await?;
    assert!(unmanned.status == 422 && unmanned.text.contains("href=\"#experts\""), "{}", unmanned.words());
    let asked = browser.post(&panel(unmanned.form(&path)?, lead)).await?;
    assert!(asked.status == 200 && asked.text.contains("1 个充电站"), "{}", asked.words());
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM work_orders").await?, 0);
    let form = asked.form(&path)?.with("step", "launch");
    let done = browser.post(&form).await?;
    assert_eq!(done.status, 303, "{}", done.words());
    let shown = browser.get(&done.location).await?;
    assert!(shown.text.contains("1 个工单、1 个充电站"), "{}", shown.words());
    assert_eq!(browser.post(&form).await?.status, 303, "a second click is a replay");
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM work_orders").await?, 1);
    Ok(format!("/supervision/subsidies/orders/{}", between(&shown, "/supervision/subsidies/orders/", "\"")?))
}

fn panel(form: Filled, lead: &str) -> Filled {
    form.with("experts", lead).with("lead", lead)
}

async fn freezes(browser: &Browser, system: &System, order: &str) -> Result<()> {
    let path = format!("{order}/freeze");
    assert!(browser.get(order).await?.text.contains(&path));
    let page = browser.get(&path).await?;
    let unsure = browser.post(&page.form(&path)?).await?;
    assert!(unsure.status == 422 && unsure.text.contains("href=\"#sure\""), "{}", unsure.words());
    let early = browser.post(&page.form(&path)?.with("sure", "yes")).await?;
    assert_eq!(early.status, 409, "{}", early.words());

    let expert = system.expert(1).await?;
    let id = order.rsplit('/').next().context("an order has an id")?;
    expert.declare_clear(id).await?;
    let member =
        system.texts(Service::Reviews, "SELECT application_id::text FROM work_order_members").await?;
    let member = expert.application(&member[0]).await?;
    expert.pass_member(&member, "同意").await?;
    let form = browser.get(&path).await?.form(&path)?.with("sure", "yes");
    let done = browser.post(&form).await?;
    assert_eq!((done.status, done.location.as_str()), (303, order), "{}", done.words());
    assert_eq!(browser.post(&form).await?.status, 303, "a second click is a replay");
    let shown = browser.get(order).await?;
    assert!(shown.text.contains("随机种子") && shown.text.contains("抽中"), "{}", shown.words());
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM samples").await?, 1);
    Ok(())
}

/// The first text of a page between two others.
fn between(page: &Shown, start: &str, end: &str) -> Result<String> {
    let rest = page.text.split(start).nth(1).with_context(|| format!("no {start} in {}", page.words()))?;
    Ok(rest.split(end).next().unwrap_or_default().replace("&#38;", "&"))
}
