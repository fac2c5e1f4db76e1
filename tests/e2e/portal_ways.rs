//! Ways on after something came between a person and a form: signed in anew elsewhere, a session that has ended, accounts away.
//!
//! Source: ui, section 8.
use anyhow::Result;
use system_tests::{PASSWORD, System, cases::Stage, eventually, pages::Browser, wait::PATIENCE};
use xtask::{services::Service, trial::Plan};

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_an_earlier_session_is_offered_again_and_a_session_ends_in_words_also_without_accounts()
-> Result<()> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    let case = system.application().at(Stage::CountyReview).await?;
    system.county("410105").await?;
    let (browser, other) = (Browser::at(&system)?, Browser::at(&system)?);
    browser.sign_in("co_410105", PASSWORD).await?;
    let review = format!("/supervision/county-subsidies/{}/review", case.id());
    let open = browser.get(&review).await?;
    let typed = open.form(&review)?.with("decision", "pass").with("opinion", "选址合理，同意");

    // In another window the same person signs out and in again.
    browser.post(&browser.get("/workbench").await?.form("/logout")?).await?;
    browser.sign_in("co_410105", PASSWORD).await?;
    let offered = browser.post(&typed).await?;
    assert_eq!(offered.status, 409, "{}", offered.words());
    assert!(offered.text.contains("选址合理，同意") && offered.text.contains("重新登录过"));
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02"], "nothing is sent by itself");
    let sent = browser.post(&offered.form(&review)?).await?;
    assert_eq!(sent.status, 303, "{}", sent.words());
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);

    // An official has one session: the later one ends the earlier.
    other.sign_in("co_410105", PASSWORD).await?;
    eventually(PATIENCE, "the earlier session is over", || async {
        let led = browser.get("/messages").await?;
        Ok((led.location == "/login?return=%2Fmessages&ended=1").then_some(()))
    })
    .await?;
    let again = browser.get("/login?return=%2Fmessages&ended=1").await?;
    assert!(again.text.contains("登录已超时，请重新登录后继续"), "{}", again.words());
    assert_eq!(browser.get("/messages").await?.location, "/login?return=%2Fmessages", "it is said once");

    let leaving = other.get("/workbench").await?.form("/logout")?;
    system.fleet().stop_one(Service::Accounts).await?;
    let left = other.post(&leaving).await?;
    assert_eq!((left.status, left.location.as_str()), (303, "/login"), "{}", left.words());
    let shown = other.get("/login").await?;
    assert!(shown.text.contains("本浏览器已退出登录"), "{}", shown.words());
    assert_eq!(other.get("/workbench").await?.location, "/login");
    system.finish_after_faults().await
}
