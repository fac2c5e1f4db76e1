//! The live streams of many open windows beside the pages of the same portal.
use anyhow::Result;
use system_tests::{PASSWORD, System, pages::Browser};
use tokio::time::Duration;
use xtask::{services::Service, trial::Plan};

/// Windows of one person that follow at a time.
const OWN: usize = 4;
/// With four windows each above what one connection to notifications lets through at a time.
const PEOPLE: i32 = 38;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_and_fifty_open_windows_keep_no_page_waiting_and_a_fifth_ends_the_first() -> Result<()> {
    let plan = Plan::quick().with(Service::Portal).set(Service::Portal, "LIMITS__SIGN_INS_PER_MINUTE", 1000);
    let system = System::planned(plan).await?;
    let company = system.company(system.number(), "410105").await?;
    let (mut browsers, mut windows) = (Vec::new(), Vec::new());
    for login in alike(&system, company.actor.name()).await? {
        let browser = Browser::at(&system)?;
        browser.sign_in(&login, PASSWORD).await?;
        for _ in 0..OWN {
            let mut window = browser.window("/live").await?;
            window.until("\"tasks\":").await?;
            windows.push(window);
        }
        browsers.push(browser);
    }
    // A call that finds no room on its connection waits out its deadline of 8 s.
    let page = browsers[0].patient(Duration::from_secs(5)).get("/messages").await?;
    assert_eq!(page.status, 200, "{}", page.words());
    let mut fifth = browsers[0].window("/live").await?;
    fifth.until("\"tasks\":").await?;
    windows[0].until("rest").await?;
    system.finish().await
}

/// As many people of one company as follow, who all have the password of the first.
async fn alike(system: &System, first: &str) -> Result<Vec<String>> {
    let copied = "WITH copied AS (
             INSERT INTO users (user_id, login, display_name, phone, operator_id, roles, scope, created_at, created_by)
             SELECT gen_random_uuid(), login || '_' || number, display_name, phone, operator_id, roles, scope, created_at, created_by
             FROM users, generate_series(2, $2) AS number WHERE login = $1
             RETURNING user_id, login),
         proved AS (
             INSERT INTO credentials (user_id, hash, state, changed_at)
             SELECT copied.user_id, credentials.hash, credentials.state, credentials.changed_at
             FROM copied, users JOIN credentials USING (user_id) WHERE users.login = $1)
         SELECT login FROM copied";
    let pool = system.database(Service::Accounts)?;
    let mut logins: Vec<String> = sqlx::query_scalar(copied).bind(first).bind(PEOPLE).fetch_all(pool).await?;
    logins.push(first.to_owned());
    Ok(logins)
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_counted_by_person_however_often_somebody_signs_in() -> Result<()> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    let company = system.company(system.number(), "410105").await?;
    let mut windows = Vec::new();
    for _ in 0..=OWN {
        let browser = Browser::at(&system)?;
        browser.sign_in(company.actor.name(), PASSWORD).await?;
        let mut window = browser.window("/live").await?;
        window.until("\"tasks\":").await?;
        windows.push(window);
    }
    windows[0].until("rest").await?;
    system.finish().await
}
