//! An administrator arranges webhooks at the portal, by forms alone: subscribes, tests, looks at the log, changes the secret.
//!
//! What receivers get, and what becomes of failures: the tests of notifications, and `fault`.
use anyhow::Result;
use system_tests::{PASSWORD, System, eventually, pages::Browser, wait::PATIENCE};
use xtask::{services::Service, trial::Plan};

const LIST: &str = "/system/subscriptions";

async fn signed_in(system: &System, login: &str, role: &str) -> Result<Browser> {
    system.official(login, role, &["410000"]).await?;
    let browser = Browser::at(system)?;
    browser.sign_in(login, PASSWORD).await?;
    Ok(browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_subscribes_tests_and_sees_why_nothing_arrives() -> Result<()> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    let browser = signed_in(&system, "desk01", "administrator").await?;
    let new = format!("{LIST}/new");
    let empty = browser.post(&browser.get(&new).await?.form(&new)?).await?;
    for field in ["name", "url", "event_types"] {
        assert!(empty.text.contains(&format!("href=\"#{field}\"")), "{field}: {}", empty.words());
    }
    let form = empty
        .form(&new)?
        .with("name", "省财政厅")
        .with("url", "http://hooks.example.invalid/")
        .with("event_types", "reviews.approved");
    let plain = browser.post(&form).await?;
    assert!(plain.status == 422 && plain.text.contains("须以 https:// 开头"), "{}", plain.words());
    let form = plain.form(&new)?.with("url", "https://hooks.example.invalid/");
    let issued = browser.post(&form).await?;
    assert!(issued.status == 200 && issued.text.contains("whsec_"), "{}", issued.words());
    let twice = browser.post(&form).await?;
    assert!(twice.status == 409 && !twice.text.contains("whsec_"), "{}", twice.words());

    let ids = system
        .texts(Service::Notifications, "SELECT subscription_id::text FROM webhook_subscriptions")
        .await?;
    let [id] = ids.as_slice() else { anyhow::bail!("{} subscriptions", ids.len()) };
    let path = format!("{LIST}/{id}");
    let list = browser.get(LIST).await?;
    assert!(list.text.contains(&path) && list.text.contains("审核通过（办结）"), "{}", list.words());
    let page = browser.get(&path).await?;
    let sent = browser.post(&page.form(&format!("{path}/test"))?).await?;
    assert_eq!(sent.status, 303, "{}", sent.words());
    eventually(PATIENCE, "the failed attempt is shown", || async {
        let shown = browser.get(&sent.location).await?;
        Ok(shown.text.contains("无法连接").then_some(()))
    })
    .await?;
    let again = browser.get(&sent.location).await?.form(&format!("{}/resend", sent.location))?;
    assert_eq!(browser.post(&again).await?.status, 303);
    let log = browser.get(&format!("{path}?state=waiting")).await?;
    assert!(log.text.contains("yuchong.test"), "{}", log.words());

    let rotated = browser.post(&page.form(&format!("{path}/secret"))?).await?;
    assert!(rotated.status == 200 && rotated.text.contains("whsec_"), "{}", rotated.words());
    assert!(browser.get(&path).await?.text.contains("旧密钥仍可验签至"));
    let span = page.form(&format!("{path}/resend"))?.with("from", "2026-11-22").with("to", "2026-11-21");
    let refused = browser.post(&span).await?;
    assert!(refused.status == 422 && refused.text.contains("结束时间应晚于开始时间"), "{}", refused.words());
    assert_eq!(browser.post(&page.form(&format!("{path}/disable"))?).await?.status, 303);
    let disabled = browser.get(&path).await?;
    assert!(disabled.text.contains("已停用") && disabled.form(&format!("{path}/test")).is_err());
    assert_eq!(browser.post(&disabled.form(&format!("{path}/enable"))?).await?.status, 303);
    assert!(!browser.get(&path).await?.text.contains("已停用"));

    let security = signed_in(&system, "security01", "security_administrator").await?;
    for place in [LIST, &path, &sent.location] {
        assert_eq!(security.get(place).await?.status, 404, "{place}");
    }
    system.finish().await
}
