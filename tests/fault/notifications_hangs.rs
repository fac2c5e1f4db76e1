//! notifications hangs: it keeps its connections and answers nothing. Pages come without their badges.
use anyhow::{Context as _, Result};
use system_tests::{PASSWORD, System, pages::Browser};
use tokio::time::{Duration, timeout};
use xtask::{services::Service, trial::Plan};

#[tokio::test(flavor = "multi_thread")]
async fn pages_do_not_wait_for_notifications_that_hangs() -> Result<()> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    system.county("410105").await?;
    let browser = Browser::at(&system)?;
    // Without the page behind it, whose badges would be used again for some seconds.
    let form = browser.get("/login").await?.form("/login")?;
    let signed_in = browser.post(&form.with("login", "co_410105").with("password", PASSWORD)).await?;
    assert_eq!(signed_in.status, 303, "{}", signed_in.words());
    system.fleet().freeze(Service::Notifications)?;
    let pages = timeout(Duration::from_secs(6), async {
        // The first waits a second for the badges, and no other one so soon after it.
        for _ in 0..6 {
            let page = browser.get("/supervision/county-subsidies").await?;
            assert_eq!(page.status, 200, "{}", page.words());
        }
        anyhow::Ok(())
    });
    pages.await.context("pages wait for notifications")??;
    system.fleet().thaw(Service::Notifications)?;
    system.finish_after_faults().await
}
