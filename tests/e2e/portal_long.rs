//! Long lists at the portal: what a page of them weighs on the line, and a workbook of all of them in bounded memory.
//!
//! Source: ui, section 12; decision 14. The rows are made by one statement, so that only the portal is at work.
use std::{
    io::Cursor,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use calamine::{Reader as _, Xlsx};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use system_tests::{PASSWORD, System, cases::Stage, pages::Browser};
use xtask::{services::Service, trial::Plan};

/// The county that looks, and its list.
const COUNTY: &str = "410105";
const LIST: &str = "/supervision/county-subsidies";
/// More than one workbook took before.
const ROWS: usize = 110_000;
/// What the portal may grow by while it writes them.
const GROWTH_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// A county with so many applications that wait for it, and its officer's browser.
async fn long(rows: usize) -> Result<(System, Browser)> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    let case = system.application().at(Stage::CountyReview).await?;
    system.county(COUNTY).await?;
    let mut reviews = PgConnection::connect(&system.trial().database_url(Service::Reviews)?).await?;
    // Nobody searches for them.
    sqlx::query("ALTER TABLE applications DISABLE TRIGGER keep_texts").execute(&mut reviews).await?;
    let copies = "INSERT INTO applications (id, application_no, round_id, policy_version, operator_id, operator_name, station_id,
             station_code, station_name, county, prefecture, stage, version, stage_version, last_version, entered_at,
             created_at, submission_version, submission_kind, submission_hash, last_transition, last_actor_id, last_role,
             last_office, last_at, head_hash)
         SELECT gen_random_uuid(), 'HN2026-' || (900000 + i), round_id, policy_version, operator_id,
             '河南第' || i % 37 || '新能源有限公司', gen_random_uuid(), 'S' || i, '郑州市金水区第' || i || '号充电站', county,
             prefecture, stage, version, stage_version, last_version, entered_at, created_at, submission_version,
             submission_kind, submission_hash, last_transition, last_actor_id, last_role, last_office,
             last_at - i * interval '1 second', head_hash
         FROM applications, generate_series(1, ";
    let statement = format!("{copies}{}) AS i WHERE id = '{}'", rows - 1, case.id());
    sqlx::query(AssertSqlSafe(statement)).execute(&mut reviews).await?;
    sqlx::query("ANALYZE applications").execute(&mut reviews).await?;
    let browser = Browser::at(&system)?;
    browser.sign_in(&format!("co_{COUNTY}"), PASSWORD).await?;
    Ok((system, browser))
}

/// The rows have no tasks, so that the platform's own audit has nothing to say about them.
fn end(system: System) {
    assert!(system.complaints().is_empty(), "{:?}", system.complaints());
    system.abandon();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_style_sheet_and_script_weigh_no_more_than_their_budgets() -> Result<()> {
    let (system, browser) = long(300).await?;
    let list = format!("{LIST}?size=50");
    let page = browser.get(&list).await?;
    assert_eq!(page.text.matches("class=\"ttl\"").count(), 50, "{}", page.words());
    let linked = |end: &str| {
        let found = page.text.split('"').find(|part| part.starts_with("/static/") && part.ends_with(end));
        found.map(str::to_owned).with_context(|| format!("the page links no {end}"))
    };
    let (list, style, script) = (
        browser.weight(&list).await?,
        browser.weight(&linked(".css")?).await?,
        browser.weight(&linked(".js")?).await?,
    );
    println!("list {list} B, style sheet {style} B, script {script} B");
    assert!(list <= 9_000, "a list of 50 rows weighs {list} B");
    assert!(style <= 11_000, "the style sheet weighs {style} B");
    assert!(script <= 10_000, "the script weighs {script} B");
    for path in ["/workbench", "/messages", "/account/password"] {
        let page = browser.weight(path).await?;
        assert!(page <= 25_000, "{path} weighs {page} B");
    }
    let first = Browser::at(&system)?.weight("/login").await? + style + script;
    assert!(first <= 40_000, "a first visit weighs {first} B");
    end(system);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_of_more_than_a_hundred_thousand_rows_is_written_in_bounded_memory() -> Result<()> {
    let (system, browser) = long(ROWS).await?;
    let browser = browser.patient(Duration::from_secs(300));
    let before = system.fleet().resident_bytes(Service::Portal)?;
    let (ended, mut most) = (AtomicBool::new(false), before);
    let path = format!("{LIST}/export");
    let read = async {
        let shown = browser.get(&path).await;
        ended.store(true, Ordering::Relaxed);
        shown
    };
    let watch = async {
        while !ended.load(Ordering::Relaxed) {
            most = most.max(system.fleet().resident_bytes(Service::Portal)?);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    let (shown, watched) = tokio::join!(read, watch);
    watched?;
    let shown = shown?;
    ensure!(shown.status == 200, "{}", shown.words());
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(shown.bytes))?;
    let name = book.sheet_names().first().context("a sheet")?.clone();
    assert_eq!(book.worksheet_range(&name)?.rows().count(), ROWS + 1);
    let growth = most - before;
    println!("{ROWS} rows: the portal grew by {} KiB", growth / 1024);
    assert!(growth <= GROWTH_BYTES_MAX, "the portal grew by {growth} B");
    let taken = "SELECT detail FROM audit_log WHERE act = 'export_list' ORDER BY happened_at DESC LIMIT 1";
    let detail = system.texts(Service::Accounts, taken).await?;
    assert!(detail[0].starts_with(&format!("rows={ROWS}")), "{detail:?}");
    end(system);
    Ok(())
}
